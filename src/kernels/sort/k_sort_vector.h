/* Template: quicksort in vectors (B. Bramas 2017, "A novel hybrid quicksort algorithm vectorized
 * using AVX-512"). Included with
 *
 *     E K     signed and unsigned integer    V M  its vector and mask   LANES  elements of one
 *     W(f)    vi_f or vl_f          FN(f) names the functions
 *     FIRST(n) BITS(m) NOT(m)       masks: the first n lanes; as a number; the others
 *     LARGEST                       the largest E
 *
 * A part is split in place: each vector's smaller lanes are packed to the front of the part, where
 * their elements have been read already, the others to a second array and copied back. Up to eight
 * vectors are sorted in registers by a bitonic network (K. Batcher 1968). All are undefined again
 * at the end.
 */

#define VECTORS 8 /* sorted in registers */
enum { FN(MOST) = VECTORS * LANES };

/* Lanes i and i ^ x change places where the smaller has bit `high` of i. */
SV V FN(exchange)(V a, int x, int high) {
    V b = W(xor_lanes)(a, x);
    M up = W(lt)(W(set1)(0), W(and)(W(lane)(), W(set1)(high)));
    return W(select)(up, W(max)(a, b), W(min)(a, b));
}

/* Of a bitonic vector. */
SV V FN(merge)(V a) {
#pragma GCC unroll 4
    for (int d = LANES / 2; d; d /= 2)
        a = FN(exchange)(a, d, d);
    return a;
}

SV V FN(sort_lanes)(V a) {
#pragma GCC unroll 4
    for (int size = 2; size <= LANES; size *= 2) {
        a = FN(exchange)(a, size - 1, size / 2);
#pragma GCC unroll 4
        for (int d = size / 4; d; d /= 2)
            a = FN(exchange)(a, d, d);
    }
    return a;
}

/* Two sorted runs of `half` vectors become one. Here and below counts are constants once all is
   inlined; loops go to the most there can be, so that every compiler unrolls them. */
SV void FN(merge_runs)(V *v, int half) {
    V high[VECTORS / 2];
#pragma GCC unroll 4
    for (int i = 0; i < VECTORS / 2; i++)
        if (i < half)
            high[i] = W(xor_lanes)(v[2 * half - 1 - i], LANES - 1);
#pragma GCC unroll 4
    for (int i = 0; i < VECTORS / 2; i++)
        if (i < half) {
            v[half + i] = W(max)(v[i], high[i]);
            v[i] = W(min)(v[i], high[i]);
        }
#pragma GCC unroll 2
    for (int d = VECTORS / 4; d; d /= 2)
#pragma GCC unroll 8
        for (int i = 0; i < VECTORS; i++)
            if (d < half && i < 2 * half && !(i & d)) {
                V low = W(min)(v[i], v[i + d]);
                v[i + d] = W(max)(v[i], v[i + d]);
                v[i] = low;
            }
#pragma GCC unroll 8
    for (int i = 0; i < VECTORS; i++)
        if (i < 2 * half)
            v[i] = FN(merge)(v[i]);
}

/* How many of n elements are in the i-th vector. */
SV size_t FN(part)(size_t n, int i) {
    size_t before = (size_t)i * LANES, left = n > before ? n - before : 0;
    return left < LANES ? left : LANES;
}

/* a[n], n <= vectors LANES; what lies behind counts as the largest key. */
SV void FN(sort_few)(E *a, size_t n, int vectors) {
    V v[VECTORS];
#pragma GCC unroll 8
    for (int i = 0; i < VECTORS; i++)
        if (i < vectors) {
            size_t k = FN(part)(n, i);
            V x = W(loadn)(a + (k ? i * LANES : 0), k);
            v[i] = FN(sort_lanes)(W(select)(FIRST(k), x, W(set1)(LARGEST)));
        }
#pragma GCC unroll 3
    for (int half = 1; half < VECTORS; half *= 2)
#pragma GCC unroll 4
        for (int i = 0; i < VECTORS; i += 2 * half)
            if (i + 2 * half <= vectors)
                FN(merge_runs)(v + i, half);
#pragma GCC unroll 8
    for (int i = 0; i < VECTORS; i++)
        if (i < vectors) {
            size_t k = FN(part)(n, i);
            W(storen)(a + (k ? i * LANES : 0), v[i], k);
        }
}

static void FN(small)(E *a, size_t n) {
    if (n <= LANES)
        FN(sort_few)(a, n, 1);
    else if (n <= 2 * LANES)
        FN(sort_few)(a, n, 2);
    else if (n <= 4 * LANES)
        FN(sort_few)(a, n, 4);
    else
        FN(sort_few)(a, n, 8);
}

/* Those less than pivot to the front of a[n]; returns how many they are. b[n] is for the others
   meanwhile. */
static size_t FN(split)(E *a, size_t n, E pivot, E *b) {
    size_t less = 0, more = 0, i = 0;
    V p = W(set1)(pivot);
    for (; i + LANES <= n; i += LANES) {
        V v = W(load)(a + i);
        M m = W(lt)(v, p);
        size_t c = (size_t)__builtin_popcount(BITS(m));
        W(store)(a + less, W(compress)(v, m));
        W(store)(b + more, W(compress)(v, NOT(m)));
        less += c;
        more += LANES - c;
    }
    for (; i < n; i++) {
        E e = a[i];
        a[less] = b[more] = e;
        less += e < pivot;
        more += e >= pivot;
    }
    memcpy(a + less, b, more * sizeof *a);
    return less;
}

/* The median of some elements, evenly spread behind a random start: of more in a large part. */
static E FN(pivot)(const E *a, size_t n, uint64_t *random) {
    E some[4 * LANES];
    size_t count = n < 64 * LANES ? LANES : 4 * LANES, stride = n / count;
    *random = *random * 6364136223846793005u + 1442695040888963407u; // Knuth, volume 2, 3.3.4
    a += ((*random >> 32) * stride) >> 32;
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
