/* The greedy order: of the units that could run, the one that leaves least memory in use.
 *
 * Those that could run stand in a heap. What a unit costs changes only when it becomes the last
 * that looks at a value, for then it gives the value's memory back: it is offered once more, and
 * the offer that holds is the one with its present cost. A unit that cannot run yet waits for one
 * of the units that it misses.
 */
#include "base/mem.h"
#include "graph/eval/simulate.h"

typedef struct offer {
    int64_t cost;
    int32_t unit;
} offer;

typedef struct greedy {
    mx_simulation *s;
    offer *heap;
    int32_t n;
    int64_t *cost;    /* by unit: at its last offer; NONE: not offered yet */
    int32_t *waiting; /* by unit: the first that waits for it, -1: nobody */
    int32_t *next;    /* by unit: the next that waits for the same one */
    int32_t *lookers; /* by value: unit + 1 of all that will look at it, one xor the other */
} greedy;

static const int64_t NONE = INT64_MAX;

/* --- a heap of offers ------------------------------------------------------------------------- */

static bool is_before(offer a, offer b) {
    return a.cost < b.cost || (a.cost == b.cost && a.unit < b.unit);
}

static void push(greedy *g, offer o) {
    int32_t i = g->n++;
    for (; i > 0 && is_before(o, g->heap[(i - 1) / 2]); i = (i - 1) / 2)
        g->heap[i] = g->heap[(i - 1) / 2];
    g->heap[i] = o;
}

static offer pop(greedy *g) {
    offer top = g->heap[0], o = g->heap[--g->n];
    int32_t i = 0, k;
    for (; (k = 2 * i + 1) < g->n; i = k) {
        k += k + 1 < g->n && is_before(g->heap[k + 1], g->heap[k]);
        if (!is_before(g->heap[k], o))
            break;
        g->heap[i] = g->heap[k];
    }
    g->heap[i] = o;
    return top;
}

/* --- units ------------------------------------------------------------------------------------ */

static void offer_unit(greedy *g, int32_t u) {
    g->cost[u] = mx_simulate_cost(g->s, u);
    push(g, (offer){g->cost[u], u});
}

static void offer_or_wait(greedy *g, int32_t u) {
    int32_t m = mx_simulate_missing(g->s, u, false);
    if (m < 0) {
        offer_unit(g, u);
        return;
    }
    g->next[u] = g->waiting[m];
    g->waiting[m] = u;
}

static int32_t cheapest(greedy *g) {
    offer o;
    do
        o = pop(g);
    while (g->s->done[o.unit] || o.cost != g->cost[o.unit]);
    return o.unit;
}

/* u has run: who is the last that looks at one of its inputs may be cheaper now. */
static void look_back(greedy *g, int32_t u) {
    const mx_simulation *s = g->s;
    for (int32_t e = s->first[u]; e < s->first[u + 1]; e++) {
        int32_t v = s->value[e];
        if (v < 0)
            continue;
        g->lookers[v] ^= u + 1;
        int32_t last = g->lookers[v] - 1;
        if (s->left[v] == 1 && last >= 0 && g->cost[last] != NONE)
            offer_unit(g, last);
    }
}

static void run(greedy *g, int32_t u) {
    int64_t asked, freed;
    mx_simulate_run(g->s, u, &asked, &freed);
    g->s->done[u] = true;
    look_back(g, u);
    for (int32_t w = g->waiting[u], next; w >= 0; w = next) {
        next = g->next[w];
        offer_or_wait(g, w);
    }
}

static void start(greedy *g) {
    mx_simulation *s = g->s;
    mx_simulate_start(s);
    for (int32_t u = 0; u < s->p->n_unit; u++) {
        g->cost[u] = NONE;
        g->waiting[u] = -1;
        for (int32_t e = s->first[u]; e < s->first[u + 1]; e++)
            if (s->value[e] >= 0)
                g->lookers[s->value[e]] ^= u + 1;
    }
    for (int32_t u = 0; u < s->p->n_unit; u++)
        if (!s->p->unit[u].idle)
            offer_or_wait(g, u);
}

bool mx_plan_greedy(mx_simulation *s, int32_t *order) {
    size_t units = (size_t)s->p->n_unit, steps = (size_t)s->p->n_step;
    /* a unit is offered once when it can run, and once for each value that it is the last to see */
    greedy g = {.s = s,
                .heap = mx_calloc(units + steps, sizeof *g.heap),
                .cost = mx_calloc(units, sizeof *g.cost),
                .waiting = mx_calloc(2 * units + steps, sizeof *g.waiting)};
    bool ok = g.heap && g.cost && g.waiting;
    if (ok) {
        g.next = g.waiting + units;
        g.lookers = g.next + units;
        start(&g);
        for (int32_t n = 0; n < s->p->n_order; n++)
            run(&g, order[n] = cheapest(&g));
    }
    mx_free(g.heap);
    mx_free(g.cost);
    mx_free(g.waiting);
    return ok;
}
