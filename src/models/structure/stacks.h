/* The pushdown automaton at work: stacks of return states, shared like a tree.
 *
 *     frame 7 (state 12) -> frame 3 (state 4) -> SG_BOTTOM     a top (state 9, 7) stands on it
 *
 * Equal frames are one (hash consing), so that a frame's number stands for a whole stack. What can
 * come next is a list of tops whose states have bytes; there are several where the text may be read
 * in several ways. Frames made on trial are dropped in reverse order (sg_stacks_cut).
 *
 * A return state that is final and nothing else gets no frame: lists of right recursion do not
 * deepen the stack.
 */
#ifndef MX_MODELS_STRUCTURE_STACKS_H
#define MX_MODELS_STRUCTURE_STACKS_H

#include "models/structure/grammar.h"

enum {
    SG_BOTTOM = 0,            /* under the root: the text is complete */
    SG_UNKNOWN = 1,           /* under a state whose stack is not known */
    SG_MOST_STACK = 4096,     /* frames on each other */
    SG_MOST_FRAMES = 1 << 22, /* different stacks in a matcher's life */
    SG_MOST_TOPS = 1024       /* ways to read a text */
};

typedef struct sg_top {
    uint32_t state, parent;
} sg_top;

typedef struct sg_frame {
    uint32_t state, parent, next, depth;
} sg_frame;

typedef struct sg_stacks {
    const sg_grammar *g;
    sg_frame *frame;
    uint32_t *bucket; /* the newest frame of a hash; 0: none */
    sg_top *top;      /* lists of tops, one after another */
    size_t frames, frame_room, buckets, tops, top_room;
    uint32_t highest; /* the most frames on each other; the user sets it back */
    bool complete;    /* the last step reached SG_BOTTOM */
    bool below;       /* ... SG_UNKNOWN */
    bool deep;        /* ... left out what would be too deep */
    bool failed;      /* sticks: an error is recorded */
} sg_stacks;

bool sg_stacks_begin(sg_stacks *s, const sg_grammar *g);
/* The same frames, without tops. False: no memory; sg_stacks_end frees what is there. */
bool sg_stacks_copy(sg_stacks *to, const sg_stacks *from);
void sg_stacks_end(sg_stacks *s);
/* Appends the tops that follow from one, or after a byte from a list (s->top[first] on); how
   many. */
bool sg_stacks_push(sg_stacks *s, sg_top t); /* as it is; false: no memory, and failed */
size_t sg_stacks_enter(sg_stacks *s, uint32_t state, uint32_t parent);
size_t sg_stacks_step(sg_stacks *s, size_t first, size_t count, unsigned char byte);
/* Drops all frames and tops from these numbers on. */
void sg_stacks_cut(sg_stacks *s, size_t frames, size_t tops);

#endif
