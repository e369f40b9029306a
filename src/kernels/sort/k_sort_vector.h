/* Template: quicksort in vectors (B. Bramas 2017, "A novel hybrid quicksort algorithm vectorized
 * using AVX-512"). Included with
 *
 *     E K     signed and unsigned integer    V M  its vector and mask   LANES  elements of one
 *     W(f)    vi_f or vl_f          FN(f) names the functions
 *     FIRST(n) BITS(m) NOT(m)       masks: the first n lanes; as a number; the others
 *     LARGEST                       the largest E
 *
 * A part is split in place: each vector's smaller lanes are packed to the front of the part, where
 * their elements have been read already, the others to a second array and copied back. A part of
 * few vectors is sorted in registers (k_sort_columns.h). All are undefined again at the end.
 */

#if VF_REGS >= 32
#define VECTORS 16 /* sorted in registers */
#else
#define VECTORS 8
#endif
enum { FN(MOST) = VECTORS * LANES };

#include "kernels/sort/k_sort_columns.h"

/* A vector in two parts, each packed to the front. */
typedef struct FN(parts) {
    V less, more;
    size_t count; /* of less */
} FN(parts);

SV FN(parts) FN(part_of)(V v, V pivot) {
    M m = W(lt)(v, pivot);
    return (FN(parts)){W(compress)(v, m), W(compress)(v, NOT(m)),
                       (size_t)__builtin_popcount(BITS(m))};
}

/* Those less than pivot to the front of a[n]; returns how many they are. b[n] is for the others
   meanwhile. Pairs of vectors are twice as fast as one after the other. */
static size_t FN(split)(E *a, size_t n, E pivot, E *b) {
    size_t less = 0, more = 0, i = 0;
    V p = W(set1)(pivot);
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        FN(parts) u = FN(part_of)(W(load)(a + i), p), v = FN(part_of)(W(load)(a + i + LANES), p);
        W(store)(a + less, u.less);
        W(store)(a + less + u.count, v.less);
        W(store)(b + more, u.more);
        W(store)(b + more + LANES - u.count, v.more);
        less += u.count + v.count;
        more += 2 * LANES - u.count - v.count;
    }
    for (size_t m; i < n; i += m) {
        m = n - i < LANES ? n - i : LANES;
        FN(parts) u = FN(part_of)(W(select)(FIRST(m), W(loadn)(a + i, m), W(set1)(LARGEST)), p);
        W(storen)(a + less, u.less, u.count);
        W(storen)(b + more, u.more, m - u.count);
        less += u.count;
        more += m - u.count;
    }
    memcpy(a + less, b, more * sizeof *a);
    return less;
}

SV E FN(lower)(E x, E y) {
    return x < y ? x : y;
}
SV E FN(upper)(E x, E y) {
    return x < y ? y : x;
}

/* The median of five, `stride` apart, without a branch. */
SV E FN(median)(const E *a, size_t stride) {
    E p = a[0], q = a[stride], r = a[2 * stride], s = a[3 * stride], t = a[4 * stride];
    E low = FN(upper)(FN(lower)(p, q), FN(lower)(r, s));
    E high = FN(lower)(FN(upper)(p, q), FN(upper)(r, s));
    return FN(upper)(FN(lower)(low, high), FN(lower)(FN(upper)(low, high), t));
}

/* The median of some elements, evenly spread behind a random start: of more in a large part. */
static E FN(pivot)(const E *a, size_t n, uint64_t *random) {
    E some[4 * LANES];
    bool few = n < 64 * LANES;
    size_t count = few ? 5 : 4 * LANES, stride = n / count;
    *random = *random * 6364136223846793005u + 1442695040888963407u; // Knuth, volume 2, 3.3.4
    a += ((*random >> 32) * stride) >> 32;
    if (few)
        return FN(median)(a, stride);
    for (size_t i = 0; i < count; i++)
        some[i] = a[i * stride];
    FN(small)(some, count);
    return some[count / 2];
}

/* How many come first in one step of splitting a[n]: a part that is in its place as a whole, or all
   that are less than some pivot. */
static size_t FN(step)(E *a, size_t n, E *b, uint64_t *random, bool *done) {
    E pivot = FN(pivot)(a, n, random);
    size_t less = FN(split)(a, n, pivot, b);
    *done = less == 0; // the pivot is the least: all that are equal to it go first
    if (*done)
        return pivot == LARGEST ? n : FN(split)(a, n, (E)(pivot + 1), b);
    return less;
}

/* Sorts a[n] with the help of b[n], n < 2^32. Recursion goes into the smaller part. */
static void FN(quicksort)(E *a, E *b, size_t n, uint64_t *random) {
    while (n > FN(MOST)) {
        bool done;
        size_t less = FN(step)(a, n, b, random, &done);
        if (!done && less > n - less) {
            FN(quicksort)(a + less, b, n - less, random);
            n = less;
            continue;
        }
        if (!done)
            FN(quicksort)(a, b, less, random);
        a += less;
        n -= less;
    }
    FN(small)(a, n);
}

/* Brings the k-th smallest of a[n] to its place, smaller ones before and larger ones behind it. */
static void FN(quickselect)(E *a, E *b, size_t n, size_t k, uint64_t *random) {
    while (n > FN(MOST)) {
        bool done;
        size_t less = FN(step)(a, n, b, random, &done);
        if (k < less && done)
            return;
        if (k < less) {
            n = less;
            continue;
        }
        a += less;
        k -= less;
        n -= less;
    }
    FN(small)(a, n);
}

/* The same of unsigned keys whose sign bit is flipped; k serves select alone. */
static void FN(sort)(K *a, K *b, size_t n, size_t k) {
    uint64_t random = n;
    (void)k;
    FN(quicksort)((E *)a, (E *)b, n, &random);
}
static void FN(select)(K *a, K *b, size_t n, size_t k) {
    uint64_t random = n;
    FN(quickselect)((E *)a, (E *)b, n, k, &random);
}

#undef E
#undef K
#undef V
#undef M
#undef LANES
#undef LARGEST
#undef W
#undef FN
#undef FIRST
#undef BITS
#undef NOT
#undef VECTORS
