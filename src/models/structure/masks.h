/* Which tokens may come next, kept.
 *
 * A state's mask has the tokens that do not look below the state's own rule, whatever the stack is;
 * its *exits* are the places in the tree of tokens where the rule has ended and bytes are left. Of
 * a whole stack only what follows the exits is tried, and that result is kept, too (after Dong et
 * al. 2024, XGrammar, section 3: context-independent tokens and the others). Masks are dropped all
 * at once when they have more than SG_MOST_MASK_BYTES.
 */
#ifndef MX_MODELS_STRUCTURE_MASKS_H
#define MX_MODELS_STRUCTURE_MASKS_H

#include "models/structure/stacks.h"
#include "models/structure/vocabulary.h"

enum { SG_MOST_MASK_BYTES = 64 << 20 };

typedef struct sg_mask {
    sg_top of;      /* parent SG_UNKNOWN: the state's own */
    uint32_t *word; /* bit i % 32 of word i / 32: token i */
    uint32_t *exit; /* of a state's own: twigs */
    size_t exits, exit_room;
    bool deep; /* something was left out as too deep */
} sg_mask;

/* A level of a walk: the tops after so many bytes, and where what comes later is cut. */
typedef struct sg_level {
    size_t first, count, frames, tops;
} sg_level;

typedef struct sg_masks {
    sg_grammar *g;
    sg_vocabulary *v;
    sg_stacks stacks;
    sg_level *level; /* v->longest + 1 */
    sg_mask **slot;  /* by hash of `of` */
    size_t slots, count, bytes;
    int references;
} sg_masks;

/* Both are retained. NULL: no memory. */
sg_masks *sg_masks_new(sg_grammar *g, sg_vocabulary *v);
void sg_masks_release(sg_masks *m);
/* Adds the tokens that may follow on a top, whose frames are not on trial. *deep: some would have
   been too deep. */
bool sg_masks_add(sg_masks *m, sg_top t, uint32_t *words, bool *deep);

#endif
