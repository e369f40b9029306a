#include "kernels/random/k_random.h"

#include <string.h>

#include "kernels/kernels.h"

/* Blocks are made ABREAST vectors at a time: a round waits for the one before it, and several
   independent ones fill the time. */
#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX2__)
#define LANES 8
#else
#define LANES 4
#endif
#define ABREAST 4
#define BATCH   (LANES * ABREAST)

#define ALWAYS static inline __attribute__((always_inline))
typedef uint32_t lanes __attribute__((vector_size(LANES * 4), aligned(1), may_alias));

/* The two halves of LANES * ABREAST blocks, counters on the way in, random words on the way
   out. */
typedef struct blocks {
    lanes x[ABREAST], y[ABREAST];
} blocks;

ALWAYS void mix(blocks *b, int by) {
    _Pragma("GCC unroll 4") for (int i = 0; i < ABREAST; i++) {
        b->x[i] += b->y[i];
        b->y[i] = (b->y[i] << by) | (b->y[i] >> (32 - by));
        b->y[i] ^= b->x[i];
    }
}

ALWAYS void add_key(blocks *b, uint32_t x, uint32_t y) {
    _Pragma("GCC unroll 4") for (int i = 0; i < ABREAST; i++) {
        b->x[i] += x;
        b->y[i] += y;
    }
}

/* Rotations of the even and the odd groups of four rounds: table 2 of the paper. */
ALWAYS void four_rounds(blocks *b, bool odd) {
    mix(b, odd ? 17 : 13);
    mix(b, odd ? 29 : 15);
    mix(b, odd ? 16 : 26);
    mix(b, odd ? 24 : 6);
}

ALWAYS void threefry(blocks *b, const uint32_t *key) {
    uint32_t k[3] = {key[0], key[1], 0x1bd11bdau ^ key[0] ^ key[1]};
    add_key(b, k[0], k[1]);
    _Pragma("GCC unroll 5") for (uint32_t group = 0; group < 5; group++) {
        four_rounds(b, group % 2);
        add_key(b, k[(group + 1) % 3], k[(group + 2) % 3] + group + 1);
    }
}

/* The blocks of pairs first .. first + BATCH - 1; those past the last pair are of no use. */
ALWAYS blocks make(const mx_random_stream *s, uint64_t pairs, uint64_t first) {
    lanes ramp;
    blocks b;
    for (uint32_t i = 0; i < LANES; i++)
        ramp[i] = i;
    for (uint32_t i = 0; i < ABREAST; i++) {
        b.x[i] = ramp + ((uint32_t)first + i * LANES);
        b.y[i] = b.x[i] + (uint32_t)pairs;
    }
    uint64_t last = pairs - 1 - first;
    if (last < BATCH && mx_random_words(s) % 2)
        b.y[last / LANES][last % LANES] = 0; // it has no second word
    threefry(&b, s->key);
    return b;
}

static inline uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* count words as words w .. of the result, as far as it goes. */
ALWAYS void put(char *out, const mx_random_stream *s, uint64_t w, const lanes *from,
                uint64_t count) {
    if (count == BATCH && 4 * (w + BATCH) <= s->bytes)
        memcpy(out + 4 * w, from, 4 * BATCH);
    else if (4 * w < s->bytes)
        memcpy(out + 4 * w, from, least(4 * count, s->bytes - 4 * w));
}

static void pairs(void *out, const mx_random_stream *s, uint64_t begin, uint64_t end) {
    uint64_t count = mx_random_pairs(s);
    for (; begin < end; begin += BATCH) {
        blocks b = make(s, count, begin);
        put(out, s, begin, b.x, least(BATCH, end - begin));
        put(out, s, count + begin, b.y, least(BATCH, end - begin));
    }
}

static void words(void *out, const mx_random_stream *s, uint64_t begin, uint64_t end) {
    uint64_t count = mx_random_pairs(s);
    for (char *to = out; begin < end;) {
        bool second = begin >= count;
        uint64_t n = least(BATCH, (second ? end : least(end, count)) - begin);
        blocks b = make(s, count, second ? begin - count : begin);
        memcpy(to, second ? b.y : b.x, 4 * n);
        to += 4 * n;
        begin += n;
    }
}

const mx_k_random KN(mx_random) = {.pairs = pairs, .words = words};
