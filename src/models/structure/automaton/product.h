/* Automata of expressions, and of two automata. Each gives NULL where the builder has failed; what
   is given stays the caller's. */
#ifndef MX_MODELS_STRUCTURE_PRODUCT_H
#define MX_MODELS_STRUCTURE_PRODUCT_H

#include "models/structure/automaton/expr.h"

/* What x of another builder matches; x refers to no rules. `own` is emptied; its errors are b's. */
sg_dfa *sg_dfa_of(sg_builder *b, sg_builder *own, sg_expr x);
sg_dfa *sg_dfa_and(sg_builder *b, const sg_dfa *x, const sg_dfa *y);
sg_dfa *sg_dfa_minus(sg_builder *b, const sg_dfa *x, const sg_dfa *y);
/* The same with the first one replaced, where there is one: the intersection with y, which is taken
   over. */
void sg_dfa_meet(sg_builder *b, sg_dfa **x, sg_dfa *y);

#endif
