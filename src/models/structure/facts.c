/* Which rules match anything, which match "", which are small: the least solutions of the equations
 * that expressions are, by passes over all nodes until nothing changes. */
#include <string.h>

#include "base/mem.h"
#include "models/structure/automaton/nfa.h"

static uint32_t plus(uint32_t a, uint32_t b) {
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static uint32_t times(uint32_t a, uint32_t b) {
    return a && b > UINT32_MAX / a ? UINT32_MAX : a * b;
}

/* All of the parts from the i-th on: whether they match, may be nothing, and their size. */
static sg_fact all_of(const sg_builder *b, const sg_fact *node, const sg_node *x, uint32_t first,
                      uint32_t count) {
    sg_fact f = {true, true, 1};
    for (uint32_t i = first; i < first + count; i++) {
        const sg_fact *k = &node[b->kid[x->first + i]];
        f.matches &= k->matches;
        f.nullable &= k->nullable;
        f.size = plus(f.size, k->size);
    }
    return f;
}

static sg_fact of_alt(const sg_builder *b, const sg_fact *node, const sg_node *x) {
    sg_fact f = {false, false, 1};
    for (uint32_t i = 0; i < x->count; i++) {
        const sg_fact *k = &node[b->kid[x->first + i]];
        f.matches |= k->matches;
        f.nullable |= k->nullable;
        f.size = plus(f.size, k->size);
    }
    return f;
}

static sg_fact of_chain(const sg_builder *b, const sg_fact *node, const sg_node *x) {
    uint32_t least = x->least < x->count ? x->least : x->count;
    sg_fact f = all_of(b, node, x, 0, least);
    f.size = all_of(b, node, x, 0, x->count).size;
    return f;
}

/* Part i of a list is kid 1 + 2 i, its flag the next one. */
static sg_fact of_list(const sg_builder *b, const sg_fact *node, const sg_node *x) {
    sg_fact f = {true, true, all_of(b, node, x, 0, x->count).size};
    const sg_fact *between = &node[b->kid[x->first]];
    bool one = false, nullable_one = false;
    for (uint32_t i = 1; i < x->count; i += 2) {
        const sg_fact *k = &node[b->kid[x->first + i]];
        bool optional = b->kid[x->first + i + 1] == SG_EMPTY;
        f.matches &= optional || (k->matches && (between->matches || !one));
        f.nullable &= optional || (k->nullable && (between->nullable || !nullable_one));
        one |= !optional;
        nullable_one |= !optional;
    }
    return f;
}

static sg_fact of_repeat(const sg_builder *b, const sg_fact *node, const sg_node *x) {
    const sg_fact *k = &node[b->kid[x->first]];
    uint32_t copies = x->most == SG_UNBOUNDED ? plus(x->least, 1) : x->most;
    return (sg_fact){k->matches || !x->least, k->nullable || !x->least,
                     plus(times(k->size, copies), 1)};
}

static sg_fact of_dfa(const sg_dfa *d) {
    return (sg_fact){true, d->final[0], times(d->states, 2)};
}

static sg_fact fact_of(const sg_builder *b, const sg_facts *f, const sg_node *x) {
    switch ((sg_kind)x->kind) {
    case SG_IS_NONE: return (sg_fact){false, false, 1};
    case SG_IS_EMPTY: return (sg_fact){true, true, 1};
    case SG_IS_RANGE: return (sg_fact){true, false, 1};
    case SG_IS_TEXT: return (sg_fact){true, false, x->count};
    case SG_IS_CAT: return all_of(b, f->node, x, 0, x->count);
    case SG_IS_ALT: return of_alt(b, f->node, x);
    case SG_IS_CHAIN: return of_chain(b, f->node, x);
    case SG_IS_LIST: return of_list(b, f->node, x);
    case SG_IS_REPEAT: return of_repeat(b, f->node, x);
    case SG_IS_DFA: return of_dfa(b->dfa[x->first]);
    case SG_IS_REF: break;
    }
    sg_fact r = f->rule[x->first];
    r.size = sg_in_place(b, f, x->first) ? plus(r.size, 1) : r.size == UINT32_MAX ? r.size : 1;
    return r;
}

bool sg_in_place(const sg_builder *b, const sg_facts *f, uint32_t rule) {
    return !b->rule[rule].apart && f->rule[rule].size <= SG_SMALL;
}

/* One pass; did a rule's facts change? */
static bool pass(sg_facts *f, const sg_builder *b) {
    bool changed = false;
    for (size_t i = 0; i < b->nodes; i++)
        f->node[i] = fact_of(b, f, &b->node[i]);
    for (size_t r = 0; r < b->rules; r++) {
        sg_fact now = f->node[b->rule[r].expr], *was = &f->rule[r];
        changed |=
            now.matches != was->matches || now.nullable != was->nullable || now.size != was->size;
        *was = now;
    }
    return changed;
}

bool sg_facts_find(sg_facts *f, sg_builder *b) {
    *f = (sg_facts){mx_calloc(b->nodes, sizeof *f->node), mx_calloc(b->rules, sizeof *f->rule)};
    if (!f->node || !f->rule) {
        b->failed = true;
        return false;
    }
    for (size_t r = 0; r < b->rules; r++)
        f->rule[r].size = UINT32_MAX;
    do {
        *b->steps += b->nodes;
        if (!sg_affords(b))
            return false;
    } while (pass(f, b));
    return true;
}

void sg_facts_free(sg_facts *f) {
    mx_free(f->node);
    mx_free(f->rule);
    *f = (sg_facts){0};
}
