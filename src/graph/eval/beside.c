/* Units side by side: see beside.h. */
#include "graph/eval/beside.h"

#include "base/status.h"
#include "base/threads/pool.h"
#include "base/threads/turn.h"
#include "graph/eval/plan.h"
#include "graph/watch/cost.h"
#include "graph/watch/source.h"

/* Work in operations on single elements, some ten of them a nanosecond: from a microsecond on, and
   up to what a unit would share among threads by itself. */
enum { LEAST = 1 << 13, MOST = 1 << 18, WORTH_WAKING = 1 << 15 };

bool mx_beside_possible(int32_t units) {
    return units > 1 && !mx_watched() && mx_turn_threads() != 1 && mx_pool_threads() > 1;
}

static bool fits(double work) {
    return work >= LEAST && work <= MOST;
}

/* No operation takes more than two steps for each pair of elements of input and output. */
static bool is_tiny(const mx_node *n) {
    int64_t most = 1;
    for (int i = 0; i < n->nin; i++)
        most = n->in[i]->size > most ? n->in[i]->size : most;
    return n->nout == 1 && n->out[0] && most < LEAST && 2 * most * n->out[0]->size < LEAST;
}

static double work_of(const mx_plan *p, int32_t unit) {
    const mx_unit *u = &p->unit[unit];
    const mx_step *s = &p->step[u->first];
    double fed = u->feed < 0 ? 0 : work_of(p, u->feed);
    if (s->pointwise)
        return (double)mx_step_out(s)->size * u->count;
    return fed + (is_tiny(s->node) ? 0 : mx_node_work(s->node));
}

/* Units of one stage need each other only where a large program was cut. The place of the last one
   that was seen of a stage lies in the limit of the step of that number, which is free by now. */
void mx_plan_beside(mx_plan *p) {
    for (int32_t i = 0; i < p->n_step; i++)
        p->step[i].limit = -1;
    for (int32_t k = p->n_order - 1; k >= 0; k--) {
        mx_unit *u = &p->unit[p->order[k]];
        int32_t *place = &p->step[p->step[u->first].stage].limit;
        u->work = work_of(p, p->order[k]);
        u->beside = -1;
        if (!fits(u->work))
            continue;
        u->beside = *place;
        *place = k;
    }
}

bool mx_beside_pays(int n, double work) {
    return n > 1 && work >= WORTH_WAKING;
}

typedef struct crew {
    mx_beside_fn *run;
    void *ctx;
} crew;

static void run_some(void *ctx, int64_t begin, int64_t end) {
    const crew *c = ctx;
    bool failed = mx_failed();
    for (int64_t i = begin; i < end; i++)
        c->run(c->ctx, (int)i);
    if (!failed)
        mx_error_clear();
}

void mx_beside(int n, mx_beside_fn *run, void *ctx) {
    crew c = {run, ctx};
    mx_parallel_for(n, 1, run_some, &c);
}
