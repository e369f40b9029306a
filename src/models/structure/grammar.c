/* From rules to a grammar: those that are reached from the root, each once. */
#include "models/structure/grammar.h"

#include <string.h>

#include "base/mem.h"
#include "models/structure/names.h"
#include "models/structure/automaton/subset.h"

typedef struct compiler {
    sg_builder *b;
    sg_grammar *g;
    sg_facts facts;
    sg_nfa nfa;
    sg_subsets subsets;
    uint32_t *start; /* of each rule; UINT32_MAX: not made yet */
    uint32_t *rule;  /* in the order in which they were found */
    size_t found;
} compiler;

static bool fail_rule(sg_builder *b, mx_status status, uint32_t rule, const char *what) {
    const sg_rule *r = &b->rule[rule];
    return r->line ? sg_fail(b, status, "line %zu: the rule '%.100s' %s", r->line, r->name, what)
                   : sg_fail(b, status, "the rule '%.100s' %s", r->name, what);
}

static bool all_defined(sg_builder *b) {
    for (size_t r = 0; r < b->rules; r++)
        if (!b->rule[r].defined)
            return fail_rule(b, MX_INVALID, (uint32_t)r, "is not defined");
    return true;
}

enum { WAITING = UINT32_MAX - 1 };

static void find(compiler *c, uint32_t rule) {
    if (c->start[rule] != UINT32_MAX)
        return;
    c->start[rule] = WAITING;
    c->rule[c->found++] = rule;
}

static bool make_rule(compiler *c, uint32_t rule) {
    size_t before = c->g->calls;
    uint32_t from = sg_nfa_of(&c->nfa, rule);
    c->start[rule] = c->b->failed ? UINT32_MAX : sg_subsets_of(&c->subsets, from);
    for (size_t i = before; i < c->g->calls && !c->b->failed; i++)
        find(c, c->g->call[i].start);
    return !c->b->failed;
}

/* --- left recursion: rules call each other at their first states ------------------------------ */

typedef struct visit {
    uint32_t rule, call;
} visit;

/* Depth first: 1 is on the way, 2 done. */
static bool visit_from(compiler *c, uint8_t *seen, visit *stack, uint32_t root) {
    size_t depth = 1;
    stack[0] = (visit){root, 0};
    seen[root] = 1;
    while (depth) {
        visit *v = &stack[depth - 1];
        const sg_state *s = &c->g->state[c->start[v->rule]];
        if (v->call == s->calls) {
            seen[v->rule] = 2;
            depth--;
            continue;
        }
        uint32_t to = c->g->call[s->call + v->call++].start;
        if (seen[to] == 1)
            return fail_rule(c->b, MX_UNSUPPORTED, to,
                             "begins with itself (left recursion); write it as a repetition");
        if (!seen[to]) {
            seen[to] = 1;
            stack[depth++] = (visit){to, 0};
        }
    }
    return true;
}

static bool no_left_recursion(compiler *c) {
    uint8_t *seen = mx_calloc(c->b->rules, 1);
    visit *stack = mx_calloc(c->b->rules, sizeof *stack);
    bool ok = seen && stack;
    for (size_t i = 0; ok && i < c->found; i++)
        if (!seen[c->rule[i]])
            ok = visit_from(c, seen, stack, c->rule[i]);
    mx_free(seen);
    mx_free(stack);
    return ok;
}

/* --- all of it -------------------------------------------------------------------------------- */

/* *empty: nothing matches. */
static bool make_all(compiler *c, uint32_t root, bool *empty) {
    size_t rules = c->b->rules;
    c->start = mx_malloc(rules * sizeof *c->start);
    c->rule = mx_malloc(rules * sizeof *c->rule);
    if (!c->start || !c->rule || !sg_facts_find(&c->facts, c->b))
        return false;
    *empty = !c->facts.rule[root].matches;
    if (*empty)
        return false;
    memset(c->start, 0xff, rules * sizeof *c->start);
    find(c, root);
    for (size_t i = 0; i < c->found; i++)
        if (!make_rule(c, c->rule[i]))
            return false;
    if (!no_left_recursion(c))
        return false;
    for (size_t i = 0; i < c->g->calls; i++)
        c->g->call[i].start = c->start[c->g->call[i].start];
    c->g->start = c->start[root];
    return true;
}

sg_grammar *sg_compile(sg_builder *b, uint32_t root) {
    bool empty = false;
    sg_grammar *g = sg_compile_or_empty(b, root, &empty);
    if (empty)
        sg_fail_empty(b, root);
    if (g && !sg_names_find(g)) {
        sg_grammar_release(g);
        return NULL;
    }
    return g;
}

static _Atomic(uint64_t) numbers;

sg_grammar *sg_compile_or_empty(sg_builder *b, uint32_t root, bool *empty) {
    if (b->failed || !all_defined(b))
        return NULL;
    compiler c = {.b = b, .g = mx_calloc(1, sizeof *c.g)};
    c.nfa = (sg_nfa){.builder = b, .facts = &c.facts};
    c.subsets = (sg_subsets){.g = c.g, .b = b, .n = &c.nfa, .steps = b->steps};
    if (c.g) {
        atomic_init(&c.g->references, 1);
        c.g->number = 1 + atomic_fetch_add(&numbers, 1);
    }
    bool ok = c.g && make_all(&c, root, empty);
    sg_facts_free(&c.facts);
    sg_subsets_free(&c.subsets);
    mx_free(c.nfa.state);
    mx_free(c.start);
    mx_free(c.rule);
    if (ok)
        return c.g;
    sg_grammar_release(c.g);
    return NULL;
}

sg_grammar *sg_grammar_retain(sg_grammar *g) {
    atomic_fetch_add(&g->references, 1);
    return g;
}

void sg_grammar_release(sg_grammar *g) {
    if (!g || atomic_fetch_sub(&g->references, 1) != 1)
        return;
    mx_free(g->name);
    mx_free(g->state);
    mx_free(g->next);
    mx_free(g->classes);
    mx_free(g->call);
    mx_free(g);
}
