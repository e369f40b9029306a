/* Classes of states that nothing tells apart within SG_SHORT bytes: their masks of short tokens are
 * one. */
#ifndef MX_MODELS_STRUCTURE_CLASSES_H
#define MX_MODELS_STRUCTURE_CLASSES_H

#include "models/structure/grammar.h"

/* Finds g->class. False: no memory. */
bool sg_classes_find(sg_grammar *g);

#endif
