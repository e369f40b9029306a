/* See subset.h. */
#include "models/structure/automaton/subset.h"

#include <string.h>

#include "base/mem.h"
#include "base/vec.h"

static bool no_memory(sg_subsets *s) {
    s->b->failed = true;
    return false;
}

static bool limit(sg_subsets *s, const char *what, int most) {
    sg_fail(s->b, MX_RANGE, "its automaton has more than %d %s", most, what);
    return false;
}

/* --- subsets --------------------------------------------------------------------------------- */

static void begin_set(sg_subsets *s, size_t *count) {
    *count = 0;
    if (++s->stamp == 0) {
        memset(s->mark, 0, s->n->count * sizeof *s->mark);
        s->stamp = 1;
    }
}

/* `from` and what is reached from it without a letter. */
static void reach(sg_subsets *s, uint32_t from, size_t *count) {
    size_t depth = 0;
    s->work[depth++] = from;
    while (depth) {
        uint32_t i = s->work[--depth];
        if (i == UINT32_MAX || s->mark[i] == s->stamp)
            continue;
        s->mark[i] = s->stamp;
        ++*s->steps;
        if (s->n->state[i].step != SG_SPLIT) {
            s->set[(*count)++] = i;
            continue;
        }
        s->work[depth++] = s->n->state[i].b;
        s->work[depth++] = s->n->state[i].a;
    }
}

static void sort(uint32_t *v, size_t n) {
    for (size_t gap = n / 2; gap; gap /= 2)
        for (size_t i = gap; i < n; i++) {
            uint32_t x = v[i];
            size_t j = i;
            for (; j >= gap && v[j - gap] > x; j -= gap)
                v[j] = v[j - gap];
            v[j] = x;
        }
}

static size_t hash_of(const uint32_t *v, size_t n) {
    uint64_t h = n;
    for (size_t i = 0; i < n; i++)
        h = (h ^ v[i]) * 0x9e3779b97f4a7c15u, h ^= h >> 29;
    return (size_t)h;
}

static bool rehash(sg_subsets *s) {
    size_t slots = s->slots ? 2 * s->slots : 64;
    uint32_t *slot = mx_calloc(slots, sizeof *slot);
    if (!slot)
        return no_memory(s);
    for (size_t i = 0; i < s->subsets; i++) {
        size_t h = hash_of(s->member + s->from[i], s->from[i + 1] - s->from[i]);
        while (slot[h & (slots - 1)])
            h++;
        slot[h & (slots - 1)] = (uint32_t)i + 1;
    }
    mx_free(s->slot);
    s->slot = slot;
    s->slots = slots;
    return true;
}

static bool append(sg_subsets *s, const uint32_t *v, size_t n) {
    if (s->g->states + s->subsets >= SG_MOST_STATES)
        return limit(s, "states", SG_MOST_STATES);
    if (!mx_grow(&s->member, &s->member_room, s->members + n, sizeof *v) ||
        !mx_grow(&s->from, &s->from_room, s->subsets + 2, sizeof *s->from))
        return no_memory(s);
    memcpy(s->member + s->members, v, n * sizeof *v);
    s->from[s->subsets++] = (uint32_t)s->members;
    s->members += n;
    s->from[s->subsets] = (uint32_t)s->members;
    return true;
}

/* The number of the subset s->set[0..n), new or not. UINT32_MAX: an error. */
static uint32_t number(sg_subsets *s, size_t n) {
    sort(s->set, n);
    if (!sg_affords(s->b))
        return UINT32_MAX;
    if (2 * (s->subsets + 1) > s->slots && !rehash(s))
        return UINT32_MAX;
    size_t h = hash_of(s->set, n);
    for (; s->slot[h & (s->slots - 1)]; h++) {
        uint32_t i = s->slot[h & (s->slots - 1)] - 1;
        if (s->from[i + 1] - s->from[i] == n &&
            !memcmp(s->member + s->from[i], s->set, n * sizeof *s->set))
            return i;
    }
    if (!append(s, s->set, n))
        return UINT32_MAX;
    s->slot[h & (s->slots - 1)] = (uint32_t)s->subsets;
    return (uint32_t)s->subsets - 1;
}

/* --- letters --------------------------------------------------------------------------------- */

/* Bytes that no range of the automaton tells apart are one class; classes have the bytes' order. */
static unsigned find_classes(sg_subsets *s, uint8_t classes[256]) {
    bool cut[257] = {false};
    for (size_t i = 0; i < s->n->count; i++)
        if (s->n->state[i].step == SG_BYTES) {
            cut[s->n->state[i].first] = true;
            cut[s->n->state[i].last + 1] = true;
        }
    unsigned n = 0;
    for (int byte = 0; byte < 256; byte++) {
        n += byte && cut[byte];
        classes[byte] = (uint8_t)n;
    }
    return n + 1;
}

static const sg_nstate *member(const sg_subsets *s, uint32_t subset, uint32_t i) {
    return &s->n->state[s->member[s->from[subset] + i]];
}

static uint32_t size_of(const sg_subsets *s, uint32_t subset) {
    return s->from[subset + 1] - s->from[subset];
}

/* Where a byte leads; SG_DEAD: nowhere, or (b->failed) an error. */
static uint32_t after_byte(sg_subsets *s, uint32_t subset, int byte) {
    size_t count;
    begin_set(s, &count);
    for (uint32_t i = 0; i < size_of(s, subset); i++, ++*s->steps) {
        const sg_nstate *x = member(s, subset, i);
        if (x->step == SG_BYTES && x->first <= byte && byte <= x->last)
            reach(s, x->a, &count);
    }
    return count ? number(s, count) : SG_DEAD;
}

static uint32_t after_call(sg_subsets *s, uint32_t subset, uint32_t rule) {
    size_t count;
    begin_set(s, &count);
    for (uint32_t i = 0; i < size_of(s, subset); i++, ++*s->steps) {
        const sg_nstate *x = member(s, subset, i);
        if (x->step == SG_CALL && x->rule == rule)
            reach(s, x->a, &count);
    }
    return number(s, count);
}

/* --- states ---------------------------------------------------------------------------------- */

static bool is_called(const sg_grammar *g, const sg_state *x, uint32_t rule) {
    for (uint32_t i = x->call; i < g->calls; i++)
        if (g->call[i].start == rule)
            return true;
    return false;
}

static bool add_calls(sg_subsets *s, sg_state *x, uint32_t subset, uint32_t base) {
    sg_grammar *g = s->g;
    x->call = (uint32_t)g->calls;
    for (uint32_t i = 0; i < size_of(s, subset); i++) {
        sg_nstate m = *member(s, subset, i);
        x->final |= m.step == SG_FINAL;
        if (m.step != SG_CALL || is_called(g, x, m.rule))
            continue;
        uint32_t to = after_call(s, subset, m.rule);
        if (to == UINT32_MAX || !mx_grow(&g->call, &g->call_room, g->calls + 1, sizeof *g->call))
            return no_memory(s);
        g->call[g->calls++] = (sg_call){m.rule, base + to};
    }
    x->calls = (uint32_t)g->calls - x->call;
    return true;
}

static bool add_bytes(sg_subsets *s, sg_state *x, uint32_t subset, uint32_t base,
                      const uint8_t *classes, unsigned n) {
    sg_grammar *g = s->g;
    if (g->cells + n > SG_MOST_CELLS)
        return limit(s, "cells", SG_MOST_CELLS);
    if (!mx_grow(&g->next, &g->cell_room, g->cells + n, sizeof *g->next))
        return no_memory(s);
    x->row = (uint32_t)g->cells;
    g->cells += n;
    for (int byte = 0; byte < 256; byte++) {
        if (byte && classes[byte] == classes[byte - 1])
            continue;
        uint32_t to = after_byte(s, subset, byte);
        if (!sg_affords(s->b))
            return false;
        g->next[x->row + classes[byte]] = to == SG_DEAD ? SG_DEAD : base + to;
        x->bytes |= to != SG_DEAD;
    }
    return true;
}

static bool add_state(sg_subsets *s, uint32_t subset, uint32_t base, uint32_t row_of_classes,
                      unsigned n) {
    sg_grammar *g = s->g;
    sg_state x = {.rule = row_of_classes};
    if (!add_calls(s, &x, subset, base) ||
        !add_bytes(s, &x, subset, base, g->classes + 256 * (size_t)row_of_classes, n))
        return false;
    x.plain = !x.final && !x.calls;
    x.bare = x.final && !x.calls && !x.bytes;
    if (!mx_grow(&g->state, &g->state_room, g->states + 1, sizeof *g->state))
        return no_memory(s);
    g->state[g->states++] = x;
    return true;
}

/* Room for every state of s->n: a state is on the stack at most twice. */
static bool make_room(sg_subsets *s) {
    size_t n = s->n->count;
    size_t before = s->mark_room;
    if (!mx_grow(&s->mark, &s->mark_room, n, sizeof *s->mark) ||
        !mx_grow(&s->work, &s->work_room, 2 * n + 2, sizeof *s->work) ||
        !mx_grow(&s->set, &s->set_room, n, sizeof *s->set))
        return no_memory(s);
    memset(s->mark + before, 0, (s->mark_room - before) * sizeof *s->mark);
    return true;
}

uint32_t sg_subsets_of(sg_subsets *s, uint32_t start) {
    sg_grammar *g = s->g;
    size_t count, base = g->states;
    s->subsets = s->members = 0;
    if (s->slots)
        memset(s->slot, 0, s->slots * sizeof *s->slot);
    if (!make_room(s))
        return UINT32_MAX;
    if (!mx_grow(&g->classes, &g->class_room, 256 * ((size_t)g->rules + 1), 1)) {
        no_memory(s);
        return UINT32_MAX;
    }
    unsigned n = find_classes(s, g->classes + 256 * g->rules);
    begin_set(s, &count);
    reach(s, start, &count);
    bool ok = number(s, count) != UINT32_MAX;
    for (uint32_t i = 0; ok && i < s->subsets; i++)
        ok = !sg_stopped(s->b) && add_state(s, i, (uint32_t)base, (uint32_t)g->rules, n);
    g->rules++;
    return ok ? (uint32_t)base : UINT32_MAX;
}

void sg_subsets_free(sg_subsets *s) {
    mx_free(s->member);
    mx_free(s->from);
    mx_free(s->slot);
    mx_free(s->mark);
    mx_free(s->work);
    mx_free(s->set);
}
