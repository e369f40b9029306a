/* Template: the order of many keys. Included with
 *
 *     K  FLIP  P  P_MAKE(k, i)  P_INDEX(p)  V_KEYS(f)   as in k_sort_type.h
 *     P_KEY(p)        the key of a pair
 *     PAIRS(a, b, n)  a sort of few pairs, which gives the one of the two that has the result
 *     FEWEST          pairs that are worth buckets
 *     FN(f)           names the functions
 *
 *     keys ─▶ pairs, in buckets by high bits ─▶ (rest of the key, place) ─▶ indices
 *
 * Pairs go to their buckets in the order in which they come. In a small one the rest of a key and
 * its place fit a number of a key's size; these are sorted in vectors, in which there are twice as
 * many as there are pairs, and equal keys stay in order. A large bucket is taken apart by what its
 * keys differ in, until they are equal. All are undefined again at the end.
 */
enum {
#ifdef MX_TORTURE
    FN(MEAN) = 2,
    FN(BITS) = 3,
    FN(SMALL) = 9,
#else
    FN(MEAN) = 8,     /* the logarithm of what is in a bucket if keys are spread evenly */
    FN(BITS) = 12,    /* of a key, at most, say which bucket */
    FN(SMALL) = 2048, /* elements that are sorted at once */
#endif
    FN(WIDTH) = 8 * (int)sizeof(K)
};

/* Keys are `low` or more, by less than 2^bits. */
typedef struct FN(span) {
    K low;
    int bits;
} FN(span);

static int FN(bits_of)(uint64_t x) {
    return x ? 64 - __builtin_clzll(x) : 0;
}

SV FN(span) FN(span_of)(const P *a, const K *keys, size_t n) {
    K low = keys ? keys[0] : P_KEY(a[0]), high = low;
    for (size_t i = 1; i < n; i++) {
        K k = keys ? keys[i] : P_KEY(a[i]);
        low = k < low ? k : low;
        high = k > high ? k : high;
    }
    return (FN(span)){low, FN(bits_of)((K)(high - low))};
}

/* Room for counts, of all levels, and for two small buckets' keys. */
typedef struct FN(room) {
    uint32_t *at;
    K *keys;
} FN(room);

/* A small bucket, in room that stays in the first cache. */
static void FN(sort_small)(uint32_t *out, const P *a, size_t n, FN(span) s, K *k) {
    int places = FN(bits_of)(n - 1);
    K mask = ((K)1 << places) - 1;
    for (size_t i = 0; i < n; i++)
        k[i] = ((K)(P_KEY(a[i]) - s.low) << places | (K)i) ^ FLIP;
    V_KEYS(sort)(k, k + FN(SMALL), n, 0);
    for (size_t i = 0; i < n; i++)
        out[i] = P_INDEX(a[(k[i] ^ FLIP) & mask]);
}

static void FN(indices)(uint32_t *out, const P *a, size_t n) {
    for (size_t i = 0; i < n; i++)
        out[i] = P_INDEX(a[i]);
}

/* How many bits say which bucket: so many that the rest, most likely, fits with the places. */
static int FN(bucket_bits)(size_t n, FN(span) s) {
    int log = FN(bits_of)(n - 1), bits = log - FN(MEAN), fit = (s.bits + log + 3 - FN(WIDTH)) / 2;
    bits = bits < fit ? fit : bits;
    bits = bits < 1 ? 1 : bits > FN(BITS) ? FN(BITS) : bits;
    return bits < s.bits ? bits : s.bits;
}

/* Counts become where buckets begin. */
static void FN(starts)(uint32_t *at, size_t buckets) {
    uint32_t sum = 0;
    for (size_t v = 0; v < buckets; v++) {
        uint32_t count = at[v];
        at[v] = sum;
        sum += count;
    }
}

static void FN(order)(uint32_t *out, P *a, P *b, size_t n, FN(room) room);

/* Those of a, or where there are keys these with their places, to buckets in b. */
SV void FN(scatter)(const P *a, const K *keys, P *b, size_t n, K low, int shift, uint32_t *at) {
    for (size_t i = 0; i < n; i++) {
        K k = keys ? keys[i] : P_KEY(a[i]);
        b[at[(K)(k - low) >> shift]++] = keys ? P_MAKE(k, i) : a[i];
    }
}

SV void FN(by_buckets)(uint32_t *out, P *a, const K *keys, P *b, size_t n, FN(span) s,
                       FN(room) room) {
    int bits = FN(bucket_bits)(n, s), shift = s.bits - bits;
    size_t buckets = (size_t)1 << bits, begin = 0;
    uint32_t *at = room.at;
    room.at += buckets;
    memset(at, 0, buckets * sizeof *at);
    for (size_t i = 0; i < n; i++)
        at[(K)((keys ? keys[i] : P_KEY(a[i])) - s.low) >> shift]++;
    FN(starts)(at, buckets);
    FN(scatter)(a, keys, b, n, s.low, shift, at);
    for (size_t v = 0; v < buckets; begin = at[v++]) // which now says where it ends
        if (at[v] > begin)
            FN(order)(out + begin, b + begin, a + begin, at[v] - begin, room);
}

/* The indices of a in the order of their keys; b is as large. */
static void FN(order)(uint32_t *out, P *a, P *b, size_t n, FN(room) room) {
    FN(span) s = FN(span_of)(a, NULL, n);
    if (!s.bits)
        FN(indices)(out, a, n);
    else if (n <= FN(SMALL) && s.bits + FN(bits_of)(n - 1) <= FN(WIDTH))
        FN(sort_small)(out, a, n, s, room.keys);
    else if (n < FEWEST)
        FN(indices)(out, PAIRS(a, b, n), n);
    else
        FN(by_buckets)(out, a, NULL, b, n, s, room);
}

/* The same of keys alone, which lie where a begins. */
static void FN(order_keys)(uint32_t *out, P *a, P *b, size_t n, void *room) {
    const K *keys = (const K *)(void *)a;
    FN(room) r = {.at = (uint32_t *)((K *)room + 2 * FN(SMALL)), .keys = room};
    FN(by_buckets)(out, a, keys, b, n, FN(span_of)(NULL, keys, n), r);
}

#undef K
#undef FLIP
#undef P
#undef P_MAKE
#undef P_INDEX
#undef V_KEYS
#undef P_KEY
#undef PAIRS
#undef FEWEST
#undef FN
