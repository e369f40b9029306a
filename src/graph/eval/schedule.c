/* The order in which units run: of several orders the one whose simulated memory peaks lowest.
 *
 *     given          the planner's: depth first from the first result
 *     depth first    from the last result, or looking at the last input first: the gradients of a
 *                    network then come in the order of the backward pass, and each is used as soon
 *                    as it is there
 *     greedy         of the units that could run, the one that leaves least memory in use
 *
 * The simulation knows the size of every value, its last use, who else holds it, views (no memory
 * of their own, but they keep what they look at) and programs that write over an input which dies.
 * A value is named by the step that makes it.
 */
#include <string.h>

#include "base/mem.h"
#include "graph/eval/plan.h"

enum {
    FEW_UNITS = 24,          /* eager evaluations of fewer units, */
    LITTLE_MEMORY = 4 << 20, /* or of fewer bytes, run in the planner's order */
    GREEDY_MOST = 500        /* units: greedy looks at all that are ready each time */
};

typedef struct schedule {
    mx_plan *p;
    int32_t *first; /* by unit: its first input; unit + 1: the end */
    int32_t *from;  /* by input: the unit that makes it */
    int32_t *value; /* by input: whose memory it lies in, -1: outside the plan */
    int32_t *base;  /* by step: whose memory its first output lies in */
    int64_t *bytes; /* by step: memory of its own */
    int32_t *uses;  /* by step: inputs that lie in it, and one if someone outside holds it */
    int32_t *left;  /* by step: uses to come, while simulating */
    int32_t *order, *stack;
    int32_t *at; /* by unit: inputs before this one are there */
    bool *done;  /* by unit */
} schedule;

/* --- values ----------------------------------------------------------------------------------- */

/* The input that output `index` of a view looks at; -1: no view. */
static int viewed(const mx_node *n, uint32_t index) {
    if (n->prim == MX_PRIM_custom)
        return n->nin - n->nout + (int)index;
    if (!(mx_node_desc(n)->traits & MX_TRAIT_VIEW) || n->nin == 0)
        return -1;
    return n->nout > 1 ? (int)index : 0;
}

/* Where output `index` of step m lies. */
static int32_t base_of(const schedule *s, int32_t m, uint32_t index) {
    while (m >= 0) {
        const mx_step *t = &s->p->step[m];
        int k = t->through || t->spread ? 0 : viewed(t->node, index);
        if (k < 0)
            return m;
        if (index == 0 && s->base[m] != m)
            return s->base[m];
        index = t->node->in[k]->index;
        m = s->p->src[t->src + k];
    }
    return -1;
}

static int64_t bytes_of(const mx_array *a) {
    return a ? a->size * (int64_t)mx_itemsize(a) : 0;
}

static int64_t step_bytes(const mx_step *t) {
    int64_t n = 0;
    if (viewed(t->node, 0) >= 0 || t->through || t->spread || (t->pointwise && !mx_step_escapes(t)))
        return 0;
    for (int j = 0; j < t->node->nout; j++)
        n += bytes_of(t->node->out[j]);
    return n;
}

/* Does someone outside the plan hold an output? `inside` references are the plan's. */
static bool is_held(const mx_step *t, int32_t inside) {
    int64_t refs = 0;
    for (int j = 0; j < t->node->nout; j++)
        refs += t->node->out[j] ? atomic_load_explicit(&t->node->out[j]->refs, memory_order_relaxed)
                                : 0;
    return refs > inside;
}

static void look_at_values(schedule *s) {
    for (int32_t i = 0; i < s->p->n_step; i++) {
        const mx_step *t = &s->p->step[i];
        s->base[i] = i;
        s->base[i] = base_of(s, i, 0);
        s->bytes[i] = step_bytes(t);
        for (int k = 0; k < t->node->nin; k++)
            if (s->p->src[t->src + k] >= 0)
                s->left[s->p->src[t->src + k]]++;
    }
    for (int32_t i = 0; i < s->p->n_step; i++)
        if (s->base[i] >= 0 && is_held(&s->p->step[i], s->left[i]))
            s->uses[s->base[i]]++;
}

/* --- the inputs of units ---------------------------------------------------------------------- */

static int32_t add_inputs(schedule *s, int32_t unit, int32_t steps_of, int32_t n) {
    const mx_plan *p = s->p;
    for (int32_t i = p->unit[steps_of].first; i >= 0; i = p->step[i].next)
        for (int k = 0; k < p->step[i].node->nin; k++) {
            int32_t m;
            const mx_array *a = mx_plan_input(p, &p->step[i], k, &m);
            if (m < 0 || p->step[m].unit == unit || p->unit[p->step[m].unit].idle)
                continue;
            s->from[n] = p->step[m].unit;
            s->value[n] = base_of(s, m, a->index);
            if (s->value[n] >= 0)
                s->uses[s->value[n]]++;
            n++;
        }
    return n;
}

static void look_at_inputs(schedule *s) {
    int32_t n = 0;
    for (int32_t u = 0; u < s->p->n_unit; u++) {
        const mx_unit *unit = &s->p->unit[u];
        s->first[u] = n;
        if (unit->idle)
            continue;
        n = add_inputs(s, u, u, n);
        if (unit->feed >= 0)
            n = add_inputs(s, u, unit->feed, n);
    }
    s->first[s->p->n_unit] = n;
}

/* --- simulation ------------------------------------------------------------------------------- */

/* Memory that the unit asks for, and what it gives back afterwards; uses are taken off. */
static void account(schedule *s, int32_t u, int64_t *asked, int64_t *freed) {
    const mx_plan *p = s->p;
    *asked = *freed = 0;
    for (int32_t e = s->first[u]; e < s->first[u + 1]; e++)
        if (s->value[e] >= 0 && --s->left[s->value[e]] == 0)
            *freed += s->bytes[s->value[e]];
    bool over = p->step[p->unit[u].first].pointwise; // a program may write over what dies with it
    for (int32_t i = p->unit[u].first; i >= 0; i = p->step[i].next) {
        bool taken = over && s->bytes[i] <= *freed;
        *freed -= taken ? s->bytes[i] : 0;
        *asked += taken ? 0 : s->bytes[i];
    }
}

static void take_back(schedule *s, int32_t u) {
    for (int32_t e = s->first[u]; e < s->first[u + 1]; e++)
        if (s->value[e] >= 0)
            s->left[s->value[e]]++;
}

static void rewind_uses(schedule *s) {
    memcpy(s->left, s->uses, (size_t)s->p->n_step * sizeof *s->left);
}

static int64_t peak_of(schedule *s, const int32_t *order) {
    int64_t now = 0, peak = 0, asked, freed;
    rewind_uses(s);
    for (int32_t k = 0; k < s->p->n_order; k++) {
        account(s, order[k], &asked, &freed);
        now += asked;
        peak = now > peak ? now : peak;
        now -= freed;
    }
    return peak;
}

/* --- orders ----------------------------------------------------------------------------------- */

static void rewind_units(schedule *s) {
    memset(s->done, 0, (size_t)s->p->n_unit * sizeof *s->done);
    memset(s->at, 0, (size_t)s->p->n_unit * sizeof *s->at);
}

/* A unit that u depends on and that has not run, or -1. */
static int32_t missing(const schedule *s, int32_t u, bool last_first) {
    int32_t n = s->first[u + 1] - s->first[u];
    for (; s->at[u] < n; s->at[u]++) {
        int32_t m = s->from[s->first[u] + (last_first ? n - 1 - s->at[u] : s->at[u])];
        if (!s->done[m])
            return m;
    }
    return -1;
}

static int32_t descend(schedule *s, int32_t root, int32_t n, bool last_first) {
    int32_t depth = 0;
    s->stack[depth++] = root;
    while (depth) {
        int32_t u = s->stack[depth - 1], m = missing(s, u, last_first);
        if (m >= 0) {
            s->stack[depth++] = m;
            continue;
        }
        s->order[n++] = u;
        s->done[u] = true;
        depth--;
    }
    return n;
}

static void depth_first(schedule *s, bool last_root, bool last_input) {
    int32_t n = 0;
    rewind_units(s);
    for (int32_t i = 0; i < s->p->n_unit; i++) {
        int32_t u = last_root ? s->p->n_unit - 1 - i : i;
        if (!s->done[u] && !s->p->unit[u].idle)
            n = descend(s, u, n, last_input);
    }
}

/* The ready unit that leaves least in use; the first of equals. */
static int32_t cheapest(schedule *s) {
    int32_t best = -1;
    int64_t least = INT64_MAX, asked, freed;
    for (int32_t u = 0; u < s->p->n_unit; u++) {
        if (s->done[u] || s->p->unit[u].idle || missing(s, u, false) >= 0)
            continue;
        account(s, u, &asked, &freed);
        take_back(s, u);
        if (asked - freed < least) {
            least = asked - freed;
            best = u;
        }
    }
    return best;
}

static void greedy(schedule *s) {
    int64_t asked, freed;
    rewind_units(s);
    rewind_uses(s);
    for (int32_t n = 0; n < s->p->n_order; n++) {
        int32_t u = cheapest(s);
        account(s, u, &asked, &freed);
        s->done[u] = true;
        s->order[n] = u;
    }
}

/* --- the choice ------------------------------------------------------------------------------- */

static void consider(schedule *s, int64_t *lowest) {
    int64_t peak = peak_of(s, s->order);
    if (peak >= *lowest)
        return;
    *lowest = peak;
    memcpy(s->p->order, s->order, (size_t)s->p->n_order * sizeof *s->order);
}

static void choose(schedule *s) {
    int64_t lowest = peak_of(s, s->p->order);
    for (int way = 0; way < 4; way++) {
        depth_first(s, way & 1, way & 2);
        consider(s, &lowest);
    }
    if (s->p->n_order <= GREEDY_MOST) {
        greedy(s);
        consider(s, &lowest);
    }
}

/* Where little is at stake the order does not matter. */
static bool worth_it(const mx_plan *p) {
    int64_t sum = 0;
    if (p->open)
        return p->n_order > 1;
    if (p->n_order < FEW_UNITS)
        return false;
    for (int32_t i = 0; i < p->n_step && sum < LITTLE_MEMORY; i++)
        sum += step_bytes(&p->step[i]);
    return sum >= LITTLE_MEMORY;
}

static void place_room(schedule *s, int32_t *room) {
    size_t steps = (size_t)s->p->n_step, units = (size_t)s->p->n_unit, edges = (size_t)s->p->n_src;
    s->base = room;
    s->uses = s->base + steps;
    s->left = s->uses + steps;
    s->from = s->left + steps;
    s->value = s->from + edges;
    s->first = s->value + edges;
    s->order = s->first + units + 1;
    s->stack = s->order + units;
    s->at = s->stack + units;
}

bool mx_plan_schedule(mx_plan *p) {
    if (!worth_it(p))
        return true;
    size_t ints = 3 * (size_t)p->n_step + 2 * (size_t)p->n_src + 4 * (size_t)p->n_unit + 1;
    int32_t *room = mx_calloc(ints, sizeof *room);
    schedule s = {.p = p,
                  .bytes = mx_calloc((size_t)p->n_step, sizeof *s.bytes),
                  .done = mx_calloc((size_t)p->n_unit, sizeof *s.done)};
    bool ok = room && s.bytes && s.done;
    if (ok) {
        place_room(&s, room);
        look_at_values(&s);
        look_at_inputs(&s);
        choose(&s);
    }
    mx_free(room);
    mx_free(s.bytes);
    mx_free(s.done);
    return ok;
}
