/* Evaluation: see eval.h. */
#include "graph/eval/eval.h"

#include <stdatomic.h>

#include "base/fenv.h"
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/status.h"
#include "graph/array/deferred.h"
#include "graph/array/mapped.h"
#include "graph/eval/evaluation.h"
#include "graph/eval/settings.h"
#include "graph/trace/trace.h"
#include "graph/array/view.h"
#include "graph/watch/watch.h"

/* --- running ---------------------------------------------------------------------------------- */

/* Under the lock: a is available from now on; its node, which is let go of after it, or NULL. */
static mx_node *finish(mx_array *a) {
    atomic_store_explicit(&a->state, MX_AVAILABLE, memory_order_release);
    return a->tracer && mx_trace_active() ? NULL : mx_array_unlink(a);
}

/* What a failed run allocated is given back; the array stays pending. */
static void withdraw(mx_array *a) {
    mx_buffer_release(a->buffer);
    a->buffer = NULL;
    a->data = NULL;
    mx_row_strides(a->shape, a->ndim, a->strides);
}

enum { AT_ONCE = 16 };

/* At most AT_ONCE arrays. What goes with their nodes goes without the lock. */
static void finish_some(mx_array **out, int n, mx_evaluation *ends) {
    mx_node *former[AT_ONCE];
    mx_eval_lock();
    for (int j = 0; j < n; j++)
        former[j] = out[j] ? finish(out[j]) : NULL;
    if (ends)
        mx_evaluation_end(ends);
    mx_eval_unlock();
    for (int j = 0; j < n; j++)
        mx_node_release(former[j]);
}

/* After the last unit e is gone. */
static void settle(mx_evaluation *e, mx_array **out, int n, bool ok) {
    bool last = e->last;
    for (int j = 0; ok && j < n; j += AT_ONCE)
        finish_some(out + j, n - j < AT_ONCE ? n - j : AT_ONCE,
                    last && n - j <= AT_ONCE ? e : NULL);
    for (int j = 0; !ok && j < n; j++)
        if (out[j])
            withdraw(out[j]);
}

static bool run_program(mx_evaluation *e, int32_t unit) {
    mx_device d = e->plan.step[e->plan.unit[unit].first].node->stream.device;
    const mx_backend *b = mx_backend_of(d);
    const mx_program *p = &e->builder.program;
    if (!b || !mx_plan_build(&e->plan, unit, &e->builder))
        return false;
    bool ok = mx_run(&(mx_task){b, NULL, NULL, p, e->builder.donate});
    settle(e, p->out, p->n_out, ok);
    return ok;
}

enum { FEW_OUTPUTS = 8 };

static bool run_on(mx_evaluation *e, const mx_backend *b, mx_node *n, mx_array **out,
                   int32_t feed) {
    return (feed < 0 || mx_plan_build(&e->plan, feed, &e->builder)) &&
           mx_run(&(mx_task){b, n, out, feed < 0 ? NULL : &e->builder.program, NULL});
}

/* The node's living outputs, held while it runs; NULL where nobody wants one. */
static bool run_held(mx_evaluation *e, mx_node *n, mx_array **out, const mx_unit *u) {
    const mx_backend *b = mx_backend_of(n->stream.device);
    bool spread = e->plan.step[u->first].spread;
    mx_node_hold_outputs(n, out);
    bool ok = b && (spread ? mx_spread(n, out) : run_on(e, b, n, out, u->feed));
    settle(e, out, n->nout, ok);
    for (int j = 0; j < n->nout; j++)
        mx_array_release(out[j]);
    return ok;
}

static bool run_node(mx_evaluation *e, const mx_unit *u) {
    mx_node *n = mx_node_retain(e->plan.step[u->first].node);
    mx_array *few[FEW_OUTPUTS];
    mx_array **out = n->nout <= FEW_OUTPUTS ? few : mx_calloc(n->nout, sizeof *out);
    bool ok = out && run_held(e, n, out, u);
    if (out != few)
        mx_free(out);
    mx_node_release(n);
    return ok;
}

static bool run_units(mx_evaluation *e) {
    const mx_plan *p = &e->plan;
    for (int32_t i = 0, n = p->n_order; i < n; i++) {
        const mx_unit *u = &p->unit[p->order[i]];
        e->last = i == n - 1;
        if (mx_interrupted() || !mx_evaluation_turn(e) ||
            !(p->step[u->first].pointwise ? run_program(e, p->order[i]) : run_node(e, u)))
            return false;
    }
    return true;
}

/* e may be NULL. The arrays are held by somebody else meanwhile. */
static bool evaluate(mx_evaluation *e) {
    if (!e)
        return false;
    mx_fenv_hold();
    bool planned = mx_plan_fuse(&e->plan), runs = planned && e->plan.n_order > 0;
    bool ok = runs ? run_units(e) : planned;
    mx_fenv_release();
    if (runs && ok) /* it has ended with its last unit */
        return true;
    mx_eval_lock();
    mx_evaluation_end(e);
    mx_eval_unlock();
    return ok;
}

static bool are_whole(mx_array *const *arrays, int n) {
    for (int i = 0; i < n; i++)
        if (!mx_mapped_check(arrays[i]))
            return false;
    return true;
}

static int count_pending(mx_array *const *arrays, int n) {
    int pending = 0;
    for (int i = 0; i < n; i++) {
        if (!arrays[i])
            return -1;
        pending += !mx_array_available(arrays[i]);
    }
    return pending;
}

/* work < 0: any. *done is false where nothing was done as it would be too much. */
static bool eval(mx_array *const *arrays, int n, double work, bool *done) {
    int pending = count_pending(arrays, n);
    *done = true;
    if (pending <= 0)
        return !pending && are_whole(arrays, n);
    if (!mx_settings_check())
        return false;
    mx_deferred_begin();
    for (int i = 0; i < n; i++) /* what is wanted outside has a reference outside */
        mx_array_retain(arrays[i]);
    mx_evaluation *e =
        work < 0 ? mx_evaluation_begin(arrays, n) : mx_evaluation_begin_small(arrays, n, work);
    bool ok = evaluate(e);
    *done = e || mx_failed();
    for (int i = 0; i < n; i++)
        mx_array_release(arrays[i]);
    mx_deferred_end();
    return ok || (work >= 0 && !*done);
}

bool mx_eval(mx_array *const *arrays, int n) {
    bool done;
    return eval(arrays, n, -1, &done);
}

bool mx_eval_small(mx_array *const *arrays, int n, double work, bool *done) {
    return eval(arrays, n, work, done);
}
