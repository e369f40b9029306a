/* The simulated memory of a plan: whose memory every value lies in, and who looks at it. */
#include "graph/eval/simulate.h"

#include <string.h>

#include "base/mem.h"

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
static int32_t base_of(const mx_simulation *s, int32_t m, uint32_t index) {
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

int64_t mx_simulate_bytes(const mx_step *t) {
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

static void look_at_values(mx_simulation *s) {
    for (int32_t i = 0; i < s->p->n_step; i++) {
        const mx_step *t = &s->p->step[i];
        s->base[i] = i;
        s->base[i] = base_of(s, i, 0);
        s->bytes[i] = mx_simulate_bytes(t);
        for (int k = 0; k < t->node->nin; k++)
            if (s->p->src[t->src + k] >= 0)
                s->left[s->p->src[t->src + k]]++;
    }
    for (int32_t i = 0; i < s->p->n_step; i++)
        if (s->base[i] >= 0 && is_held(&s->p->step[i], s->left[i]))
            s->uses[s->base[i]]++;
}

/* --- the inputs of units ---------------------------------------------------------------------- */

/* Whose memory input a of the unit, made by step m, lies in: said once a unit, else -1. */
static int32_t new_value(mx_simulation *s, int32_t unit, int32_t m, const mx_array *a) {
    int32_t v = base_of(s, m, a->index);
    if (v < 0 || s->left[v] == -1 - unit) // nothing is left yet: a mark of who was here
        return -1;
    s->left[v] = -1 - unit;
    s->uses[v]++;
    return v;
}

static int32_t add_inputs(mx_simulation *s, int32_t unit, int32_t steps_of, int32_t n) {
    const mx_plan *p = s->p;
    for (int32_t i = p->unit[steps_of].first; i >= 0; i = p->step[i].next)
        for (int k = 0; k < p->step[i].node->nin; k++) {
            int32_t m;
            const mx_array *a = mx_plan_input(p, &p->step[i], k, &m);
            if (m < 0 || p->step[m].unit == unit || p->unit[p->step[m].unit].idle)
                continue;
            s->from[n] = p->step[m].unit;
            s->value[n++] = new_value(s, unit, m, a);
        }
    return n;
}

static void look_at_inputs(mx_simulation *s) {
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

void mx_simulate_run(mx_simulation *s, int32_t u, int64_t *asked, int64_t *freed) {
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

int64_t mx_simulate_cost(mx_simulation *s, int32_t u) {
    int64_t asked, freed;
    mx_simulate_run(s, u, &asked, &freed);
    for (int32_t e = s->first[u]; e < s->first[u + 1]; e++)
        if (s->value[e] >= 0)
            s->left[s->value[e]]++;
    return asked - freed;
}

void mx_simulate_start(mx_simulation *s) {
    memcpy(s->left, s->uses, (size_t)s->p->n_step * sizeof *s->left);
    memset(s->done, 0, (size_t)s->p->n_unit * sizeof *s->done);
    memset(s->at, 0, (size_t)s->p->n_unit * sizeof *s->at);
}

int32_t mx_simulate_missing(const mx_simulation *s, int32_t u, bool last_first) {
    int32_t n = s->first[u + 1] - s->first[u];
    for (; s->at[u] < n; s->at[u]++) {
        int32_t m = s->from[s->first[u] + (last_first ? n - 1 - s->at[u] : s->at[u])];
        if (!s->done[m])
            return m;
    }
    return -1;
}

/* --- its room -------------------------------------------------------------------------------- */

static void place_room(mx_simulation *s, int32_t *room) {
    size_t steps = (size_t)s->p->n_step, units = (size_t)s->p->n_unit, edges = (size_t)s->p->n_src;
    s->base = room;
    s->uses = s->base + steps;
    s->left = s->uses + steps;
    s->from = s->left + steps;
    s->value = s->from + edges;
    s->first = s->value + edges;
    s->at = s->first + units + 1;
}

bool mx_simulation_init(mx_simulation *s, mx_plan *p) {
    size_t ints = 3 * (size_t)p->n_step + 2 * (size_t)p->n_src + 2 * (size_t)p->n_unit + 1;
    int32_t *room = mx_calloc(ints, sizeof *room);
    *s = (mx_simulation){.p = p,
                         .base = room,
                         .bytes = mx_calloc((size_t)p->n_step, sizeof *s->bytes),
                         .done = mx_calloc((size_t)p->n_unit, sizeof *s->done)};
    if (!room || !s->bytes || !s->done)
        return false;
    place_room(s, room);
    look_at_values(s);
    look_at_inputs(s);
    return true;
}

void mx_simulation_free(mx_simulation *s) {
    mx_free(s->base);
    mx_free(s->bytes);
    mx_free(s->done);
}
