/* The order in which units run: of several orders the one whose simulated memory peaks lowest.
 *
 *     given          the planner's: depth first from the first result
 *     depth first    from the last result, or looking at the last input first: the gradients of a
 *                    network then come in the order of the backward pass, and each is used as soon
 *                    as it is there
 *     greedy         of the units that could run, the one that leaves least memory in use
 *                    (greedy.c)
 */
#include "graph/eval/simulate.h"

#include <string.h>

#include "base/mem.h"

enum {
    FEW_UNITS = 24,         /* eager evaluations of fewer units, */
    LITTLE_MEMORY = 4 << 20 /* or of fewer bytes, run in the planner's order */
};

typedef struct schedule {
    mx_simulation sim;
    int32_t *order, *stack;
} schedule;

static int64_t peak_of(mx_simulation *s, const int32_t *order) {
    int64_t now = 0, peak = 0, asked, freed;
    mx_simulate_start(s);
    for (int32_t k = 0; k < s->p->n_order; k++) {
        mx_simulate_run(s, order[k], &asked, &freed);
        now += asked;
        peak = now > peak ? now : peak;
        now -= freed;
    }
    return peak;
}

/* --- orders ----------------------------------------------------------------------------------- */

static int32_t descend(schedule *s, int32_t root, int32_t n, bool last_first) {
    int32_t depth = 0;
    s->stack[depth++] = root;
    while (depth) {
        int32_t u = s->stack[depth - 1], m = mx_simulate_missing(&s->sim, u, last_first);
        if (m >= 0) {
            s->stack[depth++] = m;
            continue;
        }
        s->order[n++] = u;
        s->sim.done[u] = true;
        depth--;
    }
    return n;
}

static void depth_first(schedule *s, bool last_root, bool last_input) {
    const mx_plan *p = s->sim.p;
    int32_t n = 0;
    mx_simulate_start(&s->sim);
    for (int32_t i = 0; i < p->n_unit; i++) {
        int32_t u = last_root ? p->n_unit - 1 - i : i;
        if (!s->sim.done[u] && !p->unit[u].idle)
            n = descend(s, u, n, last_input);
    }
}

/* --- the choice ------------------------------------------------------------------------------- */

static void consider(schedule *s, int64_t *lowest) {
    mx_plan *p = s->sim.p;
    int64_t peak = peak_of(&s->sim, s->order);
    if (peak >= *lowest)
        return;
    *lowest = peak;
    memcpy(p->order, s->order, (size_t)p->n_order * sizeof *s->order);
}

static bool choose(schedule *s) {
    int64_t lowest = peak_of(&s->sim, s->sim.p->order);
    for (int way = 0; way < 4; way++) {
        depth_first(s, way & 1, way & 2);
        consider(s, &lowest);
    }
    if (!mx_plan_greedy(&s->sim, s->order))
        return false;
    consider(s, &lowest);
    return true;
}

/* Where little is at stake the order does not matter. */
static bool worth_it(const mx_plan *p) {
    int64_t sum = 0;
    if (p->open)
        return p->n_order > 1;
    if (p->n_order < FEW_UNITS)
        return false;
    for (int32_t i = 0; i < p->n_step && sum < LITTLE_MEMORY; i++)
        sum += mx_simulate_bytes(&p->step[i]);
    return sum >= LITTLE_MEMORY;
}

bool mx_plan_schedule(mx_plan *p) {
    if (!worth_it(p))
        return true;
    size_t units = (size_t)p->n_unit;
    schedule s = {.order = mx_calloc(units, sizeof *s.order),
                  .stack = mx_calloc(units, sizeof *s.stack)};
    bool ok = s.order && s.stack && mx_simulation_init(&s.sim, p) && choose(&s);
    mx_simulation_free(&s.sim);
    mx_free(s.order);
    mx_free(s.stack);
    return ok;
}
