/* Masks that are kept with a vocabulary: for all structures and matchers, on all threads.
 *
 *     entry (no parent, state 7)       what may follow in state 7, whatever the stack is
 *     entry (that one, state 12)       what may follow its exits where the stack's top is state 12
 *     entry (that one, state 3)        ... and below it state 3
 *
 * An entry's exits are the places in the tree of tokens where the state's rule has ended and bytes
 * are left (after Dong et al. 2024, XGrammar, section 3: context-independent tokens and the
 * others). Nothing in an entry depends on frames, which are each matcher's own. Short tokens have
 * entries by names of states (names.h), long ones by grammar and state.
 *
 * An entry does not change once it is kept; who uses it holds it. They are dropped all at once when
 * they have more than SG_MOST_MASK_BYTES.
 */
#ifndef MX_MODELS_STRUCTURE_TABLE_H
#define MX_MODELS_STRUCTURE_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SG_MOST_MASK_BYTES = 128 << 20 };

typedef struct sg_key {
    uint64_t parent; /* number of an entry; 0: none */
    uint64_t a, b;   /* a name, or a grammar's number and a state */
    uint64_t tree;
} sg_key;

typedef struct sg_mask {
    sg_key key;
    uint64_t number;
    atomic_int references;
    uint32_t *word;  /* bit i % 32 of word i / 32: token i; or NULL */
    uint32_t *token; /* instead, where there are few */
    uint32_t *exit;  /* twigs */
    size_t tokens, exits;
    uint32_t rise; /* most frames on each other */
} sg_mask;

typedef struct sg_table sg_table;

/* Of masks of so many words. NULL: no memory. */
sg_table *sg_table_new(size_t words);
void sg_table_free(sg_table *t); /* or NULL */
/* The entry, held; NULL: there is none. */
sg_mask *sg_table_find(sg_table *t, sg_key key);
/* Keeps an entry, which is taken over; the one that is kept, held: an older one, if there is one.
   NULL: no memory. */
sg_mask *sg_table_keep(sg_table *t, sg_mask *k);
void sg_mask_release(sg_mask *k); /* or NULL */

#endif
