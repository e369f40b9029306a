/* Thompson's construction: each expression between two states. What matches nothing gets no states,
 * so that from every state the final one can be reached. */
#include "models/structure/automaton/nfa.h"

#include "base/mem.h"
#include "base/vec.h"

enum { NOWHERE = UINT32_MAX };

/* A state; NOWHERE and an error: too many. */
static uint32_t add(sg_nfa *n, sg_nstate s) {
    sg_builder *b = n->builder;
    if (!b->failed && n->total >= SG_MOST_NFA)
        sg_fail(b, MX_RANGE, "its automaton has more than %d states", SG_MOST_NFA);
    if (!b->failed && !mx_grow(&n->state, &n->room, n->count + 1, sizeof *n->state))
        b->failed = true;
    if (b->failed)
        return NOWHERE;
    n->total++;
    n->state[n->count] = s;
    return (uint32_t)n->count++;
}

static uint32_t split(sg_nfa *n, uint32_t a, uint32_t b) {
    return add(n, (sg_nstate){.step = SG_SPLIT, .a = a, .b = b});
}

static uint32_t bytes(sg_nfa *n, unsigned first, unsigned last, uint32_t to) {
    return add(n, (sg_nstate){SG_BYTES, (uint8_t)first, (uint8_t)last, 0, to, NOWHERE});
}

static uint32_t build(sg_nfa *n, sg_expr x, uint32_t to, int depth);

static bool matches(const sg_nfa *n, sg_expr x) {
    return n->facts->node[x].matches;
}

static sg_expr part(const sg_nfa *n, const sg_node *x, uint32_t i) {
    return n->builder->kid[x->first + i];
}

static uint32_t build_text(sg_nfa *n, const sg_node *x, uint32_t to) {
    for (uint32_t i = x->count; i > 0 && to != NOWHERE; i--) {
        unsigned char c = (unsigned char)n->builder->text[x->first + i - 1];
        to = bytes(n, c, c, to);
    }
    return to;
}

/* The parts before the i-th, then `to`; with `end`, from behind each part after the first `least`
   there is a way to it. */
static uint32_t build_chain(sg_nfa *n, const sg_node *x, uint32_t least, uint32_t to, int depth) {
    uint32_t end = to, count = x->count;
    for (uint32_t i = least; i < count; i++)
        if (!matches(n, part(n, x, i)))
            count = i;
    for (uint32_t i = count; i > 0 && to != NOWHERE; i--) {
        to = build(n, part(n, x, i - 1), to, depth);
        if (i - 1 >= least)
            to = split(n, to, end);
    }
    return to;
}

static uint32_t build_alt(sg_nfa *n, const sg_node *x, uint32_t to, int depth) {
    uint32_t from = NOWHERE;
    for (uint32_t i = x->count; i > 0; i--)
        if (matches(n, part(n, x, i - 1))) {
            uint32_t one = build(n, part(n, x, i - 1), to, depth);
            from = from == NOWHERE ? one : split(n, one, from);
        }
    return from;
}

/* x+ or x*, back through a split that is made first. */
static uint32_t build_loop(sg_nfa *n, sg_expr x, uint32_t to, int depth) {
    uint32_t again = split(n, to, NOWHERE), from = build(n, x, again, depth);
    if (from != NOWHERE && again != NOWHERE)
        n->state[again].b = from;
    return again;
}

static uint32_t build_repeat(sg_nfa *n, const sg_node *x, uint32_t to, int depth) {
    sg_expr one = part(n, x, 0);
    uint32_t end = to;
    if (!matches(n, one))
        return to;
    if (x->most == SG_UNBOUNDED)
        to = build_loop(n, one, to, depth);
    else
        for (uint32_t i = x->least; i < x->most && to != NOWHERE; i++)
            to = split(n, build(n, one, to, depth), end);
    for (uint32_t i = 0; i < x->least && to != NOWHERE; i++)
        to = build(n, one, to, depth);
    return to;
}

/* Two ways side by side, backwards: before part i with nothing yet (`none`), and with something
   (`some`, where a separator comes first). A part is built once for both. */
static uint32_t build_list(sg_nfa *n, const sg_node *x, uint32_t to, int depth) {
    uint32_t none = to, some = to;
    bool any = matches(n, part(n, x, 0));
    for (uint32_t i = x->count; i > 1 && !n->builder->failed; i -= 2) {
        bool optional = part(n, x, i - 1) == SG_EMPTY, there = matches(n, part(n, x, i - 2));
        if (!there)
            continue; // it is left out, always
        uint32_t first = some == NOWHERE ? NOWHERE : build(n, part(n, x, i - 2), some, depth);
        uint32_t next = any && first != NOWHERE ? build(n, part(n, x, 0), first, depth) : NOWHERE;
        none = !optional ? first : first == NOWHERE ? none : split(n, first, none);
        some = !optional ? next : next == NOWHERE ? some : split(n, next, some);
    }
    return none;
}

static uint32_t build_ref(sg_nfa *n, uint32_t rule, uint32_t to, int depth) {
    const sg_fact *f = &n->facts->rule[rule];
    if (sg_in_place(n->builder, n->facts, rule))
        return build(n, n->builder->rule[rule].expr, to, depth);
    uint32_t call = add(n, (sg_nstate){.step = SG_CALL, .rule = rule, .a = to, .b = NOWHERE});
    return f->nullable ? split(n, call, to) : call;
}

/* A way into each byte range of a row that leads somewhere, from the last to the first. */
static uint32_t build_row(sg_nfa *n, const sg_dfa *d, uint32_t s, uint32_t hub, uint32_t to) {
    uint32_t from = d->final[s] ? to : NOWHERE;
    for (int last = 255, first; last >= 0 && !n->builder->failed; last = first - 1) {
        uint32_t next = d->next[(size_t)s * d->letters + d->letter[last]];
        for (first = last; first > 0; first--)
            if (d->next[(size_t)s * d->letters + d->letter[first - 1]] != next)
                break;
        if (next == SG_DEAD)
            continue;
        uint32_t way = bytes(n, (unsigned)first, (unsigned)last, hub + next);
        from = from == NOWHERE ? way : split(n, way, from);
    }
    return from;
}

/* State s of the automaton becomes hub + s, whose ways are added when all hubs are there. */
static uint32_t build_dfa(sg_nfa *n, const sg_dfa *d, uint32_t to) {
    uint32_t hub = (uint32_t)n->count;
    for (uint32_t s = 0; s < d->states && !n->builder->failed; s++)
        split(n, NOWHERE, NOWHERE);
    for (uint32_t s = 0; s < d->states && !n->builder->failed; s++) {
        uint32_t way = build_row(n, d, s, hub, to);
        if (!n->builder->failed)
            n->state[hub + s].a = way;
    }
    return hub;
}

/* From a state before x to `to`. Only of what matches something. */
static uint32_t build(sg_nfa *n, sg_expr x, uint32_t to, int depth) {
    const sg_node node = n->builder->node[x];
    if (depth > 4 * SG_MOST_DEPTH)
        sg_fail(n->builder, MX_RANGE, "it is nested more than %d deep", 4 * SG_MOST_DEPTH);
    if (n->builder->failed)
        return NOWHERE;
    switch ((sg_kind)node.kind) {
    case SG_IS_NONE: break;
    case SG_IS_EMPTY: return to;
    case SG_IS_RANGE: return bytes(n, node.first, node.count, to);
    case SG_IS_TEXT: return build_text(n, &node, to);
    case SG_IS_CAT: return build_chain(n, &node, node.count, to, depth + 1);
    case SG_IS_CHAIN: return build_chain(n, &node, node.least, to, depth + 1);
    case SG_IS_ALT: return build_alt(n, &node, to, depth + 1);
    case SG_IS_LIST: return build_list(n, &node, to, depth + 1);
    case SG_IS_REPEAT: return build_repeat(n, &node, to, depth + 1);
    case SG_IS_REF: return build_ref(n, node.first, to, depth + 1);
    case SG_IS_DFA: return build_dfa(n, n->builder->dfa[node.first], to);
    }
    return NOWHERE;
}

uint32_t sg_nfa_of(sg_nfa *n, uint32_t rule) {
    n->count = 0;
    uint32_t end = add(n, (sg_nstate){.step = SG_FINAL, .a = NOWHERE, .b = NOWHERE});
    return end == NOWHERE ? NOWHERE : build(n, n->builder->rule[rule].expr, end, 0);
}
