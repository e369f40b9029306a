/* Template: the reduction loops of one operation on one dtype. Included with
 *
 *     R_T        storage type              R_LOAD(x)   storage to accumulator
 *     R_A        accumulator type          R_OP(a, b)  the operation on accumulators
 *     R_FN(f)    names the functions       R_INIT      the identity
 *     R_VECTOR   defined: rows and cols come from k_reduce_vec.h
 *
 * All are undefined again at the end.
 */

static void R_FN(init)(void *acc, size_t n) {
    R_A *a = acc;
    for (size_t i = 0; i < n; i++)
        a[i] = R_INIT;
}

static void R_FN(combine)(void *acc, const void *more, size_t n) {
    R_A *restrict a = acc;
    const R_A *restrict b = more;
    for (size_t i = 0; i < n; i++)
        a[i] = R_OP(a[i], b[i]);
}

static void R_FN(strided)(void *acc, const void *xv, size_t n, ptrdiff_t stride) {
    const R_T *x = xv;
    R_A a = *(R_A *)acc;
    for (size_t i = 0; i < n; i++, x += stride)
        a = R_OP(a, R_LOAD(*x));
    *(R_A *)acc = a;
}

#ifndef R_VECTOR
static void R_FN(rows)(void *acc, const void *xv, size_t rows, size_t n, ptrdiff_t stride) {
    R_A *restrict out = acc;
    const R_T *restrict x = xv;
    for (size_t r = 0; r < rows; r++, x += stride) {
        R_A a = R_INIT;
        for (size_t i = 0; i < n; i++)
            a = R_OP(a, R_LOAD(x[i]));
        out[r] = R_OP(out[r], a);
    }
}

static __attribute__((noinline)) void R_FN(wide)(R_A *restrict a, const R_T *restrict x,
                                                 size_t rows, size_t cols, ptrdiff_t s) {
    for (; rows >= 4; rows -= 4, x += 4 * s)
        for (size_t c = 0; c < cols; c++) {
            R_A t = R_OP(R_LOAD(x[c]), R_LOAD(x[(ptrdiff_t)c + s]));
            R_A u = R_OP(R_LOAD(x[(ptrdiff_t)c + 2 * s]), R_LOAD(x[(ptrdiff_t)c + 3 * s]));
            a[c] = R_OP(a[c], R_OP(t, u));
        }
    for (; rows; rows--, x += s)
        for (size_t c = 0; c < cols; c++)
            a[c] = R_OP(a[c], R_LOAD(x[c]));
}

static void R_FN(cols)(void *acc, const void *xv, size_t rows, size_t cols, ptrdiff_t s) {
    const R_T *x = xv;
    if (cols && cols <= NARROW && (size_t)s == cols && rows * cols >= 4 * NARROW) {
        R_A wide[2 * NARROW];
        size_t k = 2 * NARROW / cols, w = k * cols; // k rows side by side make one wide row
        R_FN(init)(wide, w);
        R_FN(wide)(wide, x, rows / k, w, (ptrdiff_t)w);
        for (size_t j = 0; j < k; j++)
            R_FN(combine)(acc, wide + j * cols, cols);
        x += rows / k * w;
        rows %= k;
    }
    R_FN(wide)(acc, x, rows, cols, s);
}
#endif

#undef R_T
#undef R_A
#undef R_LOAD
#undef R_OP
#undef R_INIT
#undef R_FN
#undef R_VECTOR
