/* A compiled structure: a deterministic automaton for each rule, over bytes and calls of rules.
 *
 *     state   0 ---'['---> 1 ---(calls value)---> 2 ---']'---> 3 final
 *
 * A rule's automaton comes from its expression by Thompson's construction (1968) and the subset
 * construction (Rabin and Scott 1959), where a call is a letter like a byte; small rules that do
 * not reach themselves are set in place. Together they are a pushdown automaton: Willard and Louf
 * 2023 and Dong et al. 2024 (XGrammar) say how text of a language model is held to one.
 *
 * Invariants: from every state a final one can be reached (what matches nothing is cut away
 * before), and no rule can reach a call of itself without a byte (left recursion is refused), so
 * that looking for the states that a byte may come next in ends. A grammar does not change, so
 * that any threads may use it.
 */
#ifndef MX_MODELS_STRUCTURE_GRAMMAR_H
#define MX_MODELS_STRUCTURE_GRAMMAR_H

#include <stdatomic.h>

#include "models/structure/automaton/expr.h"

enum {
    SG_MOST_NFA = 1 << 21,    /* states of Thompson's automata, all rules together */
    SG_MOST_STATES = 1 << 20, /* deterministic ones */
    SG_MOST_CELLS = 1 << 25,  /* of the tables: states times classes of bytes */
    SG_SMALL = 150            /* nodes of a rule that is set in place */
};

typedef struct sg_name {
    uint64_t a, b;
} sg_name;

typedef struct sg_call {
    uint32_t start; /* of the rule that is called */
    uint32_t then;  /* the state after it */
} sg_call;

typedef struct sg_state {
    uint32_t row;  /* into next */
    uint32_t rule; /* its bytes' classes: classes + 256 * rule */
    uint32_t call, calls;
    bool final;
    bool bytes; /* a byte may come next */
    bool plain; /* nothing but bytes: not final, no calls */
    bool bare;  /* final and nothing else */
} sg_state;

typedef struct sg_grammar {
    sg_state *state;
    uint32_t *next;
    uint8_t *classes;
    sg_call *call;
    size_t states, cells, rules, calls;
    size_t state_room, cell_room, class_room, call_room;
    sg_name *name;   /* of each state: see names.h */
    uint64_t number; /* no other grammar has it */
    uint32_t start;
    atomic_int references;
} sg_grammar;

/* What the builder's rule `root` matches. NULL and an error: a rule is not defined, nothing
   matches, left recursion, or a limit. */
sg_grammar *sg_compile(sg_builder *b, uint32_t root);
/* The same without names of states, where nothing may match: then NULL without an error, and
   *empty. */
sg_grammar *sg_compile_or_empty(sg_builder *b, uint32_t root, bool *empty);
/* Records why nothing matches the rule (why.c). */
void sg_fail_empty(sg_builder *b, uint32_t root);
sg_grammar *sg_grammar_retain(sg_grammar *g);
void sg_grammar_release(sg_grammar *g); /* or NULL */

static inline uint32_t sg_next(const sg_grammar *g, uint32_t state, unsigned char byte) {
    const sg_state *s = &g->state[state];
    return g->next[s->row + g->classes[256 * (size_t)s->rule + byte]];
}

#endif
