/* What a decoder remembers of texts: keys and values in pages, states of recurrences.
 *
 *     mx_cache ──▶ pages       MX_PAGE positions of all layers; counted, shared by sequences that
 *              │               begin alike, copied when one of them writes
 *              ──▶ mx_sequence tokens so far, their pages, the recurrent states
 *
 * A cache has a most of bytes, of which a page is taken when room for its positions is reserved.
 * Pages of finished sequences are kept by what their tokens were, least recently used ones given
 * back first: a sequence that begins as an earlier one did finds its pages (mx_sequence_begin).
 *
 * One thread at a time.
 */
#ifndef MX_MODELS_CACHE_H
#define MX_MODELS_CACHE_H

#include "models/decoder/decoder.h"

enum { MX_PAGE = 64 };

typedef struct mx_cache mx_cache;
typedef struct mx_sequence mx_sequence;

/* bits of keys and values: 32 (float32), 16 (float16), 8, 4 (groups of 32 with a scale). most:
   bytes, 0: no limit. */
mx_cache *mx_cache_new(const mx_decoder *d, int bits, uint64_t most);
void mx_cache_free(mx_cache *c);               /* all sequences are gone; NULL is fine */
uint64_t mx_cache_bytes(const mx_cache *c);    /* in use, kept pages among them */
int64_t mx_cache_positions(const mx_cache *c); /* at most, that its pages have room for */
/* At most so many positions, and a quarter of the machine's memory, are kept that no sequence has;
   without it there is no limit but `most`. */
void mx_cache_keep(mx_cache *c, int64_t positions);
uint64_t mx_cache_kept_bytes(const mx_cache *c); /* that would be given back where needed */

/* Has it states of recurrences? Then no sequence finds the beginning of another. */
bool mx_cache_has_states(const mx_cache *c);

/* A sequence that remembers the longest beginning of the n tokens that is kept, at most n - 1 of
   them: mx_sequence_length says how many need not be computed again. (longrope: n also says which
   frequencies the text has.) tokens NULL: none are looked for. */
mx_sequence *mx_sequence_begin(mx_cache *c, const int *tokens, int64_t n);
/* The same text: pages are shared. */
mx_sequence *mx_sequence_fork(mx_sequence *s);
/* Its pages are kept for later while there is room. */
void mx_sequence_end(mx_sequence *s); /* NULL is fine */
int64_t mx_sequence_length(const mx_sequence *s);
/* Room for n positions more. *full (no error): the cache has no room even without what is kept. */
bool mx_sequence_reserve(mx_sequence *s, int64_t n, bool *full);
/* Forget all behind position n. Models with recurrences: false without an error where the state at
   n is not kept (n is neither 0 nor a mark). */
bool mx_sequence_trim(mx_sequence *s, int64_t n);
/* Marks the present length: trim may go back to the last mark. */
bool mx_sequence_mark(mx_sequence *s);
/* Is its text a beginning of these tokens, or all of them? */
bool mx_sequence_begins(const mx_sequence *s, const int *tokens, int64_t n);

/* A file that holds a sequence with its tokens, for the same model and cache; read by mapping. What
   is loaded is found by others as what was computed. False or NULL, and an error. */
bool mx_sequence_save(const mx_sequence *s, const char *path);
mx_sequence *mx_sequence_load(mx_cache *c, const char *path);

#endif
