/* Random bits: Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw 2011, "Parallel random
 * numbers: as easy as 1, 2, 3"), laid out as MLX's random bits are.
 *
 *     bytes      of one key's result: elements * width
 *     words      W = ceil(bytes / 4)      word w is bytes 4 w .. 4 w + 3, little endian
 *     pairs      H = ceil(W / 2)          one block of the cipher each
 *
 *     pair p:    threefry(key, (p, p + H)) gives word p and word H + p
 *                where W is odd the last pair has no second word and its counter is (p, 0)
 *
 * A pair depends on nothing but the key, p and H, so ranges may be made in any order by any
 * thread.
 */
#ifndef MX_KERNELS_K_RANDOM_H
#define MX_KERNELS_K_RANDOM_H

#include "base/dtype.h"

typedef struct mx_random_stream {
    uint32_t key[2];
    uint64_t bytes;
} mx_random_stream;

static inline uint64_t mx_random_words(const mx_random_stream *s) {
    return s->bytes / 4 + (s->bytes % 4 != 0);
}
static inline uint64_t mx_random_pairs(const mx_random_stream *s) {
    uint64_t words = mx_random_words(s);
    return words / 2 + words % 2;
}

/* pairs: pairs begin .. end-1, both words of each, into out, which holds the whole result
   (s->bytes bytes). words: words begin .. end-1 in order into out, which holds just these (whole
   words, also the last); half of each pair is thrown away. */
typedef void mx_k_random_range(void *out, const mx_random_stream *s, uint64_t begin, uint64_t end);

typedef struct mx_k_random {
    mx_k_random_range *pairs, *words;
} mx_k_random;

#endif
