/* Running units: see units.h.
 *
 *     open       the program is written, or the node's living outputs are held
 *     compute    the backend runs; perhaps beside others, on another thread
 *     close      outputs become available, or the unit is as it was before
 */
#include "graph/eval/units.h"

#include <stdatomic.h>

#include "base/interrupt.h"
#include "base/mem.h"
#include "base/status.h"
#include "graph/array/view.h"
#include "graph/eval/eval.h"
#include "graph/trace/trace.h"
#include "graph/watch/watch.h"

/* --- outputs ---------------------------------------------------------------------------------- */

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

/* last: e is gone then. */
static void settle(mx_evaluation *e, mx_array **out, int n, bool last) {
    for (int j = 0; j < n; j += AT_ONCE)
        finish_some(out + j, n - j < AT_ONCE ? n - j : AT_ONCE,
                    last && n - j <= AT_ONCE ? e : NULL);
}

/* --- one unit --------------------------------------------------------------------------------- */

enum { FEW_OUTPUTS = 8 };

typedef struct job {
    mx_task task;
    mx_node *node; /* held; NULL: a program */
    bool spread;   /* a fill that is run as a view of its value */
    bool ok;
    int n_out;
    mx_array **out, *few[FEW_OUTPUTS];
} job;

static void open_program(mx_evaluation *e, int32_t unit, mx_builder *b, job *j) {
    j->ok = j->task.backend && mx_plan_build(&e->plan, unit, b);
    j->task.program = &b->program;
    j->task.donate = b->donate;
    j->out = b->program.out;
    j->n_out = j->ok ? b->program.n_out : 0;
}

static void open_node(mx_evaluation *e, const mx_unit *u, mx_builder *b, job *j) {
    mx_node *n = j->node;
    j->out = n->nout <= FEW_OUTPUTS ? j->few : mx_calloc(n->nout, sizeof *j->out);
    if (!j->out)
        return;
    mx_node_hold_outputs(n, j->out);
    j->n_out = n->nout;
    j->spread = e->plan.step[u->first].spread;
    j->ok = j->task.backend && (u->feed < 0 || mx_plan_build(&e->plan, u->feed, b));
    j->task.node = n;
    j->task.out = j->out;
    j->task.program = u->feed < 0 ? NULL : &b->program;
}

/* Its program, if it has one, lies in b until it is closed. */
static void open_job(mx_evaluation *e, int32_t unit, mx_builder *b, job *j) {
    const mx_unit *u = &e->plan.unit[unit];
    const mx_step *s = &e->plan.step[u->first];
    j->task = (mx_task){.backend = mx_backend_of(s->node->stream.device)};
    j->node = s->pointwise ? NULL : mx_node_retain(s->node);
    j->ok = j->spread = false;
    j->n_out = 0;
    if (j->node)
        open_node(e, u, b, j);
    else
        open_program(e, unit, b, j);
}

static void compute(job *j) {
    if (j->ok)
        j->ok = j->spread ? mx_spread(j->node, j->out) : mx_run(&j->task);
}

static bool close_job(mx_evaluation *e, job *j, bool last) {
    if (j->ok)
        settle(e, j->out, j->n_out, last);
    for (int k = 0; k < j->n_out && !j->ok; k++)
        if (j->out[k])
            withdraw(j->out[k]);
    for (int k = 0; k < j->n_out && j->node; k++)
        mx_array_release(j->out[k]);
    if (j->node && j->out != j->few)
        mx_free(j->out);
    mx_node_release(j->node);
    return j->ok;
}

static bool run_unit(mx_evaluation *e, int32_t unit, bool last) {
    job j;
    open_job(e, unit, &e->builder[0], &j);
    compute(&j);
    return close_job(e, &j, last);
}

/* --- crews ------------------------------------------------------------------------------------ */

/* Are the inputs there that come from outside of the unit and its feed? */
static bool has_inputs(const mx_plan *p, int32_t steps_of, int32_t unit) {
    for (int32_t i = p->unit[steps_of].first; i >= 0; i = p->step[i].next)
        for (int k = 0; k < p->step[i].node->nin; k++) {
            int32_t m;
            const mx_array *a = mx_plan_input(p, &p->step[i], k, &m);
            int32_t from = m < 0 ? -1 : p->step[m].unit;
            bool inside = m >= 0 && (from == steps_of || from == p->unit[unit].feed);
            if (!inside && !mx_array_available(a))
                return false;
        }
    return true;
}

static bool is_ready(const mx_plan *p, int32_t unit) {
    return has_inputs(p, unit, unit) &&
           (p->unit[unit].feed < 0 || has_inputs(p, p->unit[unit].feed, unit));
}

/* The unit at `at` of the order and others that may run beside it; 1: it should run alone. */
static int gather(const mx_plan *p, int32_t at, int32_t *crew) {
    const mx_unit *u = &p->unit[crew[0] = p->order[at]];
    double all = u->work;
    int n = 1;
    for (int32_t k = u->beside; k >= 0 && k <= at + MX_WINDOW && n < MX_CREW; k = u->beside) {
        u = &p->unit[p->order[k]];
        if (u->ran || !is_ready(p, p->order[k]))
            continue;
        all += u->work;
        crew[n++] = p->order[k];
    }
    return mx_beside_pays(n, all) ? n : 1;
}

static void compute_one(void *jobs, int i) {
    compute((job *)jobs + i);
}

/* left: units that have not run; e is gone when none is left. */
static bool run_crew(mx_evaluation *e, const int32_t *crew, int n, int32_t *left) {
    job j[MX_CREW];
    bool failed = mx_failed();
    for (int i = 0; i < n; i++)
        open_job(e, crew[i], &e->builder[i], &j[i]);
    mx_beside(n, compute_one, j);
    bool ok[MX_CREW], all = true;
    for (int i = 0; i < n; i++) {
        ok[i] = close_job(e, &j[i], *left == 1);
        *left -= ok[i];
    }
    if (!failed)
        mx_error_clear();
    for (int i = 0; i < n && all; i++) // what failed is tried alone, and so says why
        if (!ok[i] && (all = run_unit(e, crew[i], *left == 1)))
            (*left)--;
    return all;
}

/* --- all of them ------------------------------------------------------------------------------ */

/* The unit at this place, and others where there are some to run beside it. */
static bool run_from(mx_evaluation *e, int32_t at, bool beside, int32_t *left) {
    mx_plan *p = &e->plan;
    int32_t crew[MX_CREW];
    int n = beside ? gather(p, at, crew) : 1;
    if (n == 1)
        return run_unit(e, p->order[at], (*left)-- == 1);
    for (int i = 0; i < n; i++)
        p->unit[crew[i]].ran = true;
    return run_crew(e, crew, n, left);
}

bool mx_units_run(mx_evaluation *e) {
    int32_t n = e->plan.n_order, left = n;
    bool beside = mx_beside_possible(n);
    if (beside)
        mx_plan_beside(&e->plan);
    for (int32_t i = 0; left; i++)
        if (!e->plan.unit[e->plan.order[i]].ran &&
            (mx_interrupted() || !mx_evaluation_turn(e) || !run_from(e, i, beside, &left)))
            return false;
    return true;
}
