/* From expressions to Thompson's automata: what facts.c finds out about rules, and nfa.c builds. */
#ifndef MX_MODELS_STRUCTURE_NFA_H
#define MX_MODELS_STRUCTURE_NFA_H

#include "models/structure/grammar.h"

/* Of each rule and of each node. */
typedef struct sg_fact {
    bool matches;  /* something */
    bool nullable; /* matches "" */
    uint32_t size; /* nodes, with rules set in place; UINT32_MAX: it reaches itself, or is huge */
} sg_fact;

typedef struct sg_facts {
    sg_fact *node, *rule;
} sg_facts;

bool sg_facts_find(sg_facts *f, sg_builder *b);
void sg_facts_free(sg_facts *f);
bool sg_in_place(const sg_builder *b, const sg_facts *f, uint32_t rule);

typedef enum sg_step { SG_SPLIT, SG_BYTES, SG_CALL, SG_FINAL } sg_step;

typedef struct sg_nstate {
    uint8_t step;
    uint8_t first, last; /* BYTES */
    uint32_t rule;       /* CALL */
    uint32_t a, b;       /* where to; SPLIT: both, UINT32_MAX is nowhere */
} sg_nstate;

typedef struct sg_nfa {
    sg_builder *builder;
    const sg_facts *facts;
    sg_nstate *state;
    size_t count, room;
    size_t total; /* over all rules */
} sg_nfa;

/* The automaton of a rule from nothing: its start. State 0 is the final one.
   UINT32_MAX: an error. */
uint32_t sg_nfa_of(sg_nfa *n, uint32_t rule);

#endif
