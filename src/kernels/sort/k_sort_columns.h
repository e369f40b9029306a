/* Template: up to VECTORS * LANES elements sorted in registers. Included by k_sort_vector.h, whose
 * words it takes. A row is a vector, a column one lane of them all.
 *
 *     columns   each is sorted by comparing whole vectors (K. Batcher 1968: odd-even merging)
 *     runs      two neighbours become one, the second taken backwards (bitonic): columns become
 *               runs of 2, 4 ... of them. Lanes move only where elements change columns.
 *     turned    rows become columns
 *
 * Runs are merged in such an order of lanes that turning exchanges bits of the row's number with
 * bits of the lane's, and no other lanes have to move. Counts are constants once all is inlined;
 * loops go to the most there can be, so that every compiler unrolls them.
 */
#define EACH(i, n) _Pragma("GCC unroll 16") for (int i = 0; i < (n); i++)

SV void FN(order)(V *low, V *high) {
    V a = *low, b = *high;
    *low = W(min)(a, b);
    *high = W(max)(a, b);
}

/* Of a and the lanes x away in b the larger where lanes have the bit `high`. */
SV V FN(exchange)(V a, V b, int x, int high) {
    V c = W(xor_lanes)(b, x);
    M up = W(lt)(W(set1)(0), W(and)(W(lane)(), W(set1)(high)));
    return W(select)(up, W(max)(a, c), W(min)(a, c));
}

/* Rows d apart in sorted groups of p that become sorted groups of 2p. */
SV void FN(compare)(V *v, const int rows, const int p, const int d) {
    EACH(i, VECTORS)
    if (i + d < rows && i >= d % p && (i - d % p) % (2 * d) < d && i / (2 * p) == (i + d) / (2 * p))
        FN(order)(&v[i], &v[i + d]);
}
SV void FN(sort_columns)(V *v, const int rows) {
    FN(compare)(v, rows, 1, 1);
    FN(compare)(v, rows, 2, 2);
    FN(compare)(v, rows, 2, 1);
    FN(compare)(v, rows, 4, 4);
    FN(compare)(v, rows, 4, 2);
    FN(compare)(v, rows, 4, 1);
    FN(compare)(v, rows, 8, 8);
    FN(compare)(v, rows, 8, 4);
    FN(compare)(v, rows, 8, 2);
    FN(compare)(v, rows, 8, 1);
}
/* The same of columns that rise and fall. */
SV void FN(merge_columns)(V *v, const int rows) {
#pragma GCC unroll 4
    for (int d = VECTORS / 2; d; d /= 2)
        EACH(i, VECTORS)
    if (i + d < rows && !(i & d))
        FN(order)(&v[i], &v[i + d]);
}

/* Which lane bit the k-th step merges, and those before it. */
SV int FN(bit)(const int rows, const int k) {
    return rows >= LANES ? 1 << k : 1 << (__builtin_ctz(rows) + k) % __builtin_ctz(LANES);
}
SV int FN(bits)(const int rows, const int k) {
    int all = 0;
    EACH(j, 4)
    all |= j < k ? FN(bit)(rows, j) : 0;
    return all;
}

/* v <- those of v and of v that is turned back to front, as `bit` says. */
SV void FN(meet)(V *v, const int rows, const int across, const int bit) {
    EACH(i, VECTORS / 2)
    if (2 * i < rows - 1) {
        V a = v[i], b = v[rows - 1 - i];
        v[i] = FN(exchange)(a, b, across, bit);
        v[rows - 1 - i] = FN(exchange)(b, a, across, bit);
    }
    if (rows == 1)
        v[0] = FN(exchange)(v[0], v[0], across, bit);
}
/* The same within each row. */
SV void FN(move)(V *v, const int rows, const int bit) {
    EACH(i, VECTORS)
    if (i < rows)
        v[i] = FN(exchange)(v[i], v[i], bit, bit);
}

SV void FN(merge)(V *v, const int rows, const int k) {
    if (1 << k >= LANES)
        return;
    FN(meet)(v, rows, FN(bits)(rows, k + 1), FN(bit)(rows, k));
    if (k > 2)
        FN(move)(v, rows, FN(bit)(rows, 2));
    if (k > 1)
        FN(move)(v, rows, FN(bit)(rows, 1));
    if (k > 0)
        FN(move)(v, rows, FN(bit)(rows, 0));
    FN(merge_columns)(v, rows);
}

/* Bit d of the rows' number and the same of the lanes'. */
SV void FN(turn)(V *v, const int rows, const int d) {
    M up = W(lt)(W(set1)(0), W(and)(W(lane)(), W(set1)(d)));
    EACH(i, VECTORS)
    if (d < LANES && (i | d) < rows && !(i & d)) {
        V low = v[i], high = v[i | d];
        v[i] = W(select)(up, W(xor_lanes)(high, d), low);
        v[i | d] = W(select)(up, high, W(xor_lanes)(low, d));
    }
}

SV void FN(sort_rows)(V *v, const int rows) {
    FN(sort_columns)(v, rows);
    FN(merge)(v, rows, 0);
    FN(merge)(v, rows, 1);
    FN(merge)(v, rows, 2);
    FN(merge)(v, rows, 3);
    FN(turn)(v, rows, 1);
    FN(turn)(v, rows, 2);
    FN(turn)(v, rows, 4);
    FN(turn)(v, rows, 8);
}

/* How many of n elements are in the i-th vector. */
SV size_t FN(part)(size_t n, int i) {
    size_t before = (size_t)i * LANES, left = n > before ? n - before : 0;
    return left < LANES ? left : LANES;
}

/* a[n], n <= rows LANES; what lies behind counts as the largest key. */
SV void FN(sort_few)(E *a, size_t n, const int rows) {
    V v[VECTORS];
    EACH(i, VECTORS)
    if (i < rows) {
        size_t k = FN(part)(n, i);
        V x = W(loadn)(a + (k ? i * LANES : 0), k);
        v[i] = W(select)(FIRST(k), x, W(set1)(LARGEST));
    }
    FN(sort_rows)(v, rows);
    EACH(i, VECTORS)
    if (i < rows) {
        int at = rows > LANES ? i % LANES * (rows / LANES) + i / LANES : i;
        size_t k = FN(part)(n, at);
        W(storen)(a + (k ? at * LANES : 0), v[i], k);
    }
}

static void FN(small)(E *a, size_t n) {
    if (n <= LANES)
        FN(sort_few)(a, n, 1);
    else if (n <= 2 * LANES)
        FN(sort_few)(a, n, 2);
    else if (n <= 4 * LANES)
        FN(sort_few)(a, n, 4);
    else if (n <= 8 * LANES || VECTORS == 8)
        FN(sort_few)(a, n, 8);
    else
        FN(sort_few)(a, n, VECTORS);
}

#undef EACH
