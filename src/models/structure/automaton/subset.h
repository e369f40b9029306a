/* The subset construction: a rule's deterministic automaton, appended to a grammar. */
#ifndef MX_MODELS_STRUCTURE_SUBSET_H
#define MX_MODELS_STRUCTURE_SUBSET_H

#include "models/structure/automaton/nfa.h"

typedef struct sg_subsets {
    sg_grammar *g;
    sg_builder *b;
    const sg_nfa *n;
    uint32_t *member; /* the subsets, one after another, in order */
    size_t members, member_room;
    uint32_t *from; /* of deterministic state i: where its subset begins; one more than states */
    size_t subsets, from_room;
    uint32_t *slot; /* by hash: number + 1 */
    size_t slots;
    uint32_t *mark, *work, *set; /* for each state of n; the stamp, a stack, a subset being made */
    size_t mark_room, work_room, set_room;
    uint32_t stamp;
    uint64_t *steps; /* the builder's */
} sg_subsets;

/* The automaton of a rule from state `start` of s->n. Calls keep rule numbers in sg_call.start, and
   `then` is a state of the grammar. The first state; UINT32_MAX: an error. */
uint32_t sg_subsets_of(sg_subsets *s, uint32_t start);
void sg_subsets_free(sg_subsets *s);

#endif
