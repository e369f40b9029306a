/* Which tokens may come next on a stack: walks through the trees of tokens, whose results are kept
 * in a table (table.h) where they do not depend on the whole stack. */
#ifndef MX_MODELS_STRUCTURE_MASKS_H
#define MX_MODELS_STRUCTURE_MASKS_H

#include "models/structure/stacks.h"
#include "models/structure/table.h"
#include "models/structure/vocabulary.h"

/* A level of a walk: the tops after so many bytes, and where what comes later is cut. */
typedef struct sg_level {
    size_t first, count, frames, tops;
    sg_top one; /* where there is one: it may be here only, and first == tops */
} sg_level;

/* A matcher's own. */
typedef struct sg_masks {
    sg_grammar *g;
    sg_vocabulary *v;
    sg_stacks stacks;
    sg_level *level; /* v->longest + 1 */
    uint32_t *word;  /* v->words, of the walk */
    uint32_t *exit;
    size_t exits, exit_room;
    bool deep; /* something was left out as too deep */
} sg_masks;

/* Grammar and vocabulary are retained. False: no memory; sg_masks_end frees what is there. */
bool sg_masks_begin(sg_masks *m, sg_grammar *g, sg_vocabulary *v);
/* With the same frames. False: likewise. */
bool sg_masks_copy(sg_masks *to, const sg_masks *from);
void sg_masks_end(sg_masks *m);
/* Adds the tokens that may follow on a top. m->deep: some would have been too deep. */
bool sg_masks_add(sg_masks *m, sg_top t, uint32_t *words);

#endif
