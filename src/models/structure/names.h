/* Names of states by what they do with the next SG_SHORT bytes, in any grammar: states of one name
 * have the same masks of short tokens, so that masks are found again where another structure has
 * the like. Names are hashes of 128 bits with keys of the process. */
#ifndef MX_MODELS_STRUCTURE_NAMES_H
#define MX_MODELS_STRUCTURE_NAMES_H

#include "models/structure/grammar.h"

/* Finds g->name. False and an error: no memory, or the host wants to stop. */
bool sg_names_find(sg_grammar *g);

#endif
