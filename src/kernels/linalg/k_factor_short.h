/* Template: LU and Cholesky of matrices whose lines are a few vectors, of a real type (the words
 * are those of k_factor_lines.h, and SQRT). Each line takes what it needs from line c as soon as
 * that is done, so that nothing waits for a sum; the bits are those of k_factor_type.h. The lines
 * lie in whole vectors, and are written as such: what a part of a vector was stored to cannot be
 * loaded before it has reached the cache. */

/* y -= c x from element `from` on. */
static inline void FN(sub_from)(T *y, const T *x, T c, ptrdiff_t from) {
    VEC v = V(set1)(c);
    for (ptrdiff_t i = from / LANES * LANES; i < SHORT; i += LANES) {
        VEC old = V(load)(y + i), less = V(fnma)(v, V(load)(x + i), old);
        if (i < from)
            less = V(select)(FIRST((size_t)(from - i)), old, less);
        V(store)(y + i, less);
    }
}

/* Element `at` becomes `by`, and those behind it are divided by it. */
static inline void FN(divide_behind)(T *x, T by, ptrdiff_t at) {
    VEC v = V(set1)(by);
    for (ptrdiff_t i = at / LANES * LANES; i < SHORT; i += LANES) {
        VEC old = V(load)(x + i), less = V(div)(old, v);
        if (i <= at) {
            size_t kept = (size_t)(at - i);
            less = V(select)(FIRST(kept + 1), V(select)(FIRST(kept), old, v), less);
        }
        V(store)(x + i, less);
    }
}

/* The first of the largest elements from `from` on; from itself where that is a NaN. Behind the
   last are zeros. */
static inline ptrdiff_t FN(pivot_from)(const T *x, ptrdiff_t from) {
    VEC best = V(set1)(FN(size)(x[from]));
    T lane[LANES];
    for (ptrdiff_t i = from / LANES * LANES; i < SHORT; i += LANES) {
        VEC v = V(abs)(V(load)(x + i));
        if (i < from)
            v = V(select)(FIRST((size_t)(from - i)), V(zero)(), v);
        best = V(select)(V(gt)(v, best), v, best);
    }
    V(store)(lane, best);
    for (int w = LANES / 2; w; w /= 2)
        for (int k = 0; k < w; k++)
            lane[k] = lane[k + w] > lane[k] ? lane[k + w] : lane[k];
    for (ptrdiff_t i = from; i < SHORT; i++)
        if (FN(size)(x[i]) == lane[0])
            return i;
    return from;
}

/* n lines of m elements and zeros behind them. */
static inline void FN(open_lines)(T (*x)[SHORT], const T *a, ptrdiff_t ld, ptrdiff_t m,
                                  ptrdiff_t n) {
    for (ptrdiff_t r = 0; r < n; r++)
        for (ptrdiff_t i = 0; i < SHORT; i += LANES) {
            ptrdiff_t left = m - i;
            V(store)(x[r] + i, left >= LANES ? V(load)(a + r * ld + i)
                               : left > 0    ? V(loadn)(a + r * ld + i, (size_t)left)
                                             : V(zero)());
        }
}

static inline void FN(close_lines)(T *a, ptrdiff_t ld, T (*x)[SHORT], ptrdiff_t m, ptrdiff_t n) {
    for (ptrdiff_t r = 0; r < n; r++)
        for (ptrdiff_t i = 0; i < m; i += LANES) {
            if (m - i >= LANES)
                V(store)(a + r * ld + i, V(load)(x[r] + i));
            else
                V(storen)(a + r * ld + i, V(load)(x[r] + i), (size_t)(m - i));
        }
}

static void FN(lu_short)(ptrdiff_t m, ptrdiff_t n, T *a, ptrdiff_t ld, int *pivot) {
    _Alignas(64) T x[SHORT][SHORT];
    FN(open_lines)(x, a, ld, m, n);
    for (ptrdiff_t c = 0; c < m && c < n; c++) {
        ptrdiff_t p = FN(pivot_from)(x[c], c);
        pivot[c] = (int)p;
        for (ptrdiff_t j = 0; j < n && p != c; j++) {
            T t = x[j][c];
            x[j][c] = x[j][p];
            x[j][p] = t;
        }
        if (FN(size)(x[c][c]) != 0)
            FN(divide_behind)(x[c], x[c][c], c);
        for (ptrdiff_t j = c + 1; j < n; j++)
            FN(sub_from)(x[j], x[c], x[j][c], c + 1);
    }
    FN(close_lines)(a, ld, x, m, n);
}

static ptrdiff_t FN(cholesky_short)(ptrdiff_t n, T *a, ptrdiff_t ld) {
    _Alignas(64) T x[SHORT][SHORT];
    ptrdiff_t k = 0;
    FN(open_lines)(x, a, ld, n, n);
    for (; k < n && !(x[k][k] <= 0); k++) {
        FN(divide_behind)(x[k], SQRT(x[k][k]), k);
        for (ptrdiff_t i = k + 1; i < n; i++)
            FN(sub_from)(x[i], x[k], x[k][i], i);
    }
    FN(close_lines)(a, ld, x, n, n);
    return k;
}

#undef SHORT_LINES
#define SHORT_LINES
#undef V
#undef VEC
#undef LANES
#undef FIRST
