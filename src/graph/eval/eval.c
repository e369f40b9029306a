/* Evaluation: see eval.h. */
#include "graph/eval/eval.h"

#include <stdatomic.h>
#include <time.h>

#include "base/fenv.h"
#include "base/interrupt.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/status.h"
#include "graph/array/deferred.h"
#include "graph/array/mapped.h"
#include "graph/eval/plan.h"
#include "graph/eval/settings.h"
#include "graph/trace/trace.h"
#include "graph/array/view.h"
#include "graph/watch/watch.h"

static mx_plan plan;
static mx_builder builder;

void mx_eval_lock(void) {
    mx_lock(MX_LOCK_EVAL);
    mx_deferred_begin();
}

void mx_eval_unlock(void) {
    mx_unlock(MX_LOCK_EVAL);
    mx_deferred_end();
}

enum { PATIENCE_NS = 50 * 1000 * 1000 };

/* Take the lock, or give up because the host says so. */
static bool lock_or_interrupted(void) {
    struct timespec until;
    while (!mx_lock_try(MX_LOCK_EVAL)) {
        if (mx_interrupted())
            return false;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += PATIENCE_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (mx_lock_until(MX_LOCK_EVAL, &until))
            break;
    }
    mx_deferred_begin();
    return true;
}

/* --- running ---------------------------------------------------------------------------------- */

static void finish(mx_array *a) {
    atomic_store_explicit(&a->state, MX_AVAILABLE, memory_order_release);
    if (!a->tracer || !mx_trace_active())
        mx_array_detach(a);
}

/* What a failed run allocated is given back; the array stays pending. */
static void withdraw(mx_array *a) {
    mx_buffer_release(a->buffer);
    a->buffer = NULL;
    a->data = NULL;
    mx_row_strides(a->shape, a->ndim, a->strides);
}

static void settle(mx_array **out, int n, bool ok) {
    for (int j = 0; j < n; j++)
        if (out[j])
            (ok ? finish : withdraw)(out[j]);
}

static bool run_program(int32_t unit) {
    mx_device d = plan.step[plan.unit[unit].first].node->stream.device;
    const mx_backend *b = mx_backend_of(d);
    if (!b || !mx_plan_build(&plan, unit, &builder))
        return false;
    bool ok = mx_run(&(mx_task){b, NULL, NULL, &builder.program, builder.donate});
    settle(builder.program.out, builder.program.n_out, ok);
    return ok;
}

enum { FEW_OUTPUTS = 8 };

static bool run_on(const mx_backend *b, mx_node *n, mx_array **out, int32_t feed) {
    return (feed < 0 || mx_plan_build(&plan, feed, &builder)) &&
           mx_run(&(mx_task){b, n, out, feed < 0 ? NULL : &builder.program, NULL});
}

/* The node's living outputs, held while it runs; NULL where nobody wants one. */
static bool run_held(mx_node *n, mx_array **out, const mx_unit *u) {
    const mx_backend *b = mx_backend_of(n->stream.device);
    bool spread = plan.step[u->first].spread;
    mx_node_hold_outputs(n, out);
    bool ok = b && (spread ? mx_spread(n, out) : run_on(b, n, out, u->feed));
    settle(out, n->nout, ok);
    for (int j = 0; j < n->nout; j++)
        mx_array_release(out[j]);
    return ok;
}

static bool run_node(const mx_unit *u) {
    mx_node *n = mx_node_retain(plan.step[u->first].node);
    mx_array *few[FEW_OUTPUTS];
    mx_array **out = n->nout <= FEW_OUTPUTS ? few : mx_calloc(n->nout, sizeof *out);
    bool ok = out && run_held(n, out, u);
    if (out != few)
        mx_free(out);
    mx_node_release(n);
    return ok;
}

static bool run_units(void) {
    for (int32_t i = 0; i < plan.n_order; i++) {
        const mx_unit *u = &plan.unit[plan.order[i]];
        if (mx_interrupted() ||
            !(plan.step[u->first].pointwise ? run_program(plan.order[i]) : run_node(u)))
            return false;
    }
    return true;
}

static bool are_whole(mx_array *const *arrays, int n) {
    for (int i = 0; i < n; i++)
        if (!mx_mapped_check(arrays[i]))
            return false;
    return true;
}

bool mx_eval(mx_array *const *arrays, int n) {
    int pending = 0;
    for (int i = 0; i < n; i++) {
        if (!arrays[i])
            return false;
        pending += !mx_array_available(arrays[i]);
    }
    if (!pending)
        return are_whole(arrays, n);
    if (!mx_settings_check() || !lock_or_interrupted())
        return false;
    for (int i = 0; i < n; i++) /* what is wanted outside has a reference outside */
        mx_array_retain(arrays[i]);
    mx_fenv_hold();
    bool ok = mx_plan_order(&plan, arrays, n) && mx_plan_fuse(&plan) && run_units();
    mx_fenv_release();
    for (int i = 0; i < n; i++)
        mx_array_release(arrays[i]);
    mx_eval_unlock();
    return ok;
}
