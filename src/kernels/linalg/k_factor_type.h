/* Template: the factorisations of one type T with real type R, over the words of
   k_factor_lines.h. */

/* y -= sum over i of c[i cs] x_i, or of the conjugates of c. */
static void FN(sub_lines)(T *y, const T *x, ptrdiff_t ld, const T *c, ptrdiff_t cs, bool conjugate,
                          ptrdiff_t lines, ptrdiff_t n) {
    ptrdiff_t i = 0;
    for (; i + 4 <= lines; i += 4) {
        T four[4];
        for (int k = 0; k < 4; k++)
            four[k] = conjugate ? FN(conj)(c[(i + k) * cs]) : c[(i + k) * cs];
        FN(sub4)(y, x + i * ld, ld, four, n);
    }
    for (; i < lines; i++)
        FN(sub1)(y, x + i * ld, conjugate ? FN(conj)(c[i * cs]) : c[i * cs], n);
}

/* --- LU --------------------------------------------------------------------------------------- */

static void FN(exchange)(T *a, T *b) {
    T t = *a;
    *a = *b;
    *b = t;
}

/* The first of the largest elements from `from` on; from itself where that is a NaN. */
static ptrdiff_t FN(pivot)(const T *x, ptrdiff_t from, ptrdiff_t m) {
    R most = FN(largest)(x + from, m - from);
    for (ptrdiff_t i = from; i < m; i++)
        if (FN(size)(x[i]) == most)
            return i;
    return from;
}

/* Line c, once the lines before it are done: their exchanges and eliminations. */
static void FN(lu_catch_up)(ptrdiff_t m, ptrdiff_t c, const T *a, ptrdiff_t ld, const int *pivot,
                            T *x) {
    for (ptrdiff_t i = 0; i < c; i++)
        FN(exchange)(&x[i], &x[pivot[i]]);
    for (ptrdiff_t j = 0; j + 1 < c; j++)
        FN(sub1)(x + j + 1, a + j * ld + j + 1, x[j], c - j - 1);
    FN(sub_lines)(x + c, a + c, ld, x, 1, false, c, m - c);
}

static void FN(lu)(ptrdiff_t m, ptrdiff_t n, void *matrix, ptrdiff_t ld, int *pivot) {
    T *a = matrix;
#ifdef SHORT_LINES
    if (m <= SHORT && n <= SHORT) {
        FN(lu_short)(m, n, a, ld, pivot);
        return;
    }
#endif
    for (ptrdiff_t c = 0; c < n; c++) {
        T *x = a + c * ld;
        FN(lu_catch_up)(m, c < m ? c : m, a, ld, pivot, x);
        if (c >= m)
            continue;
        ptrdiff_t p = FN(pivot)(x, c, m);
        pivot[c] = (int)p;
        for (ptrdiff_t j = 0; j <= c && p != c; j++)
            FN(exchange)(&a[j * ld + c], &a[j * ld + p]);
        if (FN(size)(x[c]) != 0)
            FN(divide)(x + c + 1, x[c], m - c - 1);
    }
}

/* --- Cholesky --------------------------------------------------------------------------------- */

/* Row i less what the first `done` rows account for. */
static void FN(schur_row)(T *a, ptrdiff_t ld, ptrdiff_t i, ptrdiff_t done, ptrdiff_t n) {
    FN(sub_lines)(a + i * ld + i, a + i, ld, a + i, ld, true, done, n - i);
}

static ptrdiff_t FN(cholesky)(ptrdiff_t n, void *matrix, ptrdiff_t ld) {
    T *a = matrix;
#ifdef SHORT_LINES
    if (n <= SHORT)
        return FN(cholesky_short)(n, a, ld);
#endif
    for (ptrdiff_t i = 0; i < n; i++) {
        T *x = a + i * ld + i;
        FN(schur_row)(a, ld, i, i, n);
        R square = FN(real)(*x);
        *x = FN(from)(square);
        if (square <= 0) {
            for (ptrdiff_t r = i + 1; r < n; r++)
                FN(schur_row)(a, ld, r, i, n);
            return i;
        }
        *x = FN(from)((R)SQRT(square));
        FN(divide)(x + 1, *x, n - i - 1);
    }
    return n;
}

/* --- triangles -------------------------------------------------------------------------------- */

/* Right-hand sides at a time: their part of some tens of lines stays in the first-level cache. */
enum { FN(SIDES) = 512 / sizeof(T) };

static void FN(solve)(ptrdiff_t n, ptrdiff_t count, const void *triangle, ptrdiff_t rs,
                      ptrdiff_t cs, bool unit, void *sides, ptrdiff_t ldb) {
    const T *l = triangle;
    for (ptrdiff_t j = 0; j < count; j += FN(SIDES)) {
        T *b = (T *)sides + j;
        ptrdiff_t m = count - j < FN(SIDES) ? count - j : FN(SIDES);
        for (ptrdiff_t i = 0; i < n; i++) {
            FN(sub_lines)(b + i * ldb, b, ldb, l + i * rs, cs, false, i, m);
            if (!unit)
                FN(divide)(b + i * ldb, l[i * (rs + cs)], m);
        }
    }
}

/* --- QR --------------------------------------------------------------------------------------- */

/* x = (alpha, tail) becomes (beta, v), H^H (alpha, tail) = (beta, 0) with a real beta; tau. */
static T FN(reflect)(T *x, ptrdiff_t n) {
    double tail = FN(norm)(x + 1, n - 1), re = (double)FN(real)(x[0]), im = (double)FN(imag)(x[0]);
    if (tail == 0 && im == 0)
        return FN(from)(0);
    double beta = -copysign(d_hypot(d_hypot(re, im), tail), re);
    T tau = FN(pair)((beta - re) / beta, -im / beta);
    FN(divide)(x + 1, FN(pair)(re - beta, im), n - 1);
    x[0] = FN(pair)(beta, 0);
    return tau;
}

/* w = conj(tau) (v^H x), v[0] counts as 1, and x[0] less it: what H^H does to the head of one
   line. */
static T FN(apply_head)(T tau, T tail, T *x) {
    T w = FN(mul)(FN(conj)(tau), FN(add)(tail, *x));
    *x = FN(sub)(*x, w);
    return w;
}

/* `lines` lines x become H^H x; v[0] counts as 1. */
static void FN(apply)(const T *v, T tau, T *x, ptrdiff_t ld, ptrdiff_t lines, ptrdiff_t n) {
    ptrdiff_t l = 0;
    for (; l + 4 <= lines; l += 4) {
        T *y = x + l * ld, w[4];
        FN(dot4)(w, v + 1, y + 1, ld, n - 1);
        for (int k = 0; k < 4; k++)
            w[k] = FN(apply_head)(tau, w[k], y + k * ld);
        FN(spread4)(y + 1, ld, v + 1, w, n - 1);
    }
    for (; l < lines; l++) {
        T *y = x + l * ld, w = FN(apply_head)(tau, FN(dot1)(v + 1, y + 1, n - 1), y);
        FN(sub1)(y + 1, v + 1, w, n - 1);
    }
}

static void FN(qr)(ptrdiff_t m, ptrdiff_t n, void *matrix, ptrdiff_t ld, void *taus) {
    T *a = matrix, *tau = taus;
    for (ptrdiff_t c = 0; c < n && c < m; c++) {
        T *x = a + c * ld + c;
        tau[c] = FN(reflect)(x, m - c);
        FN(apply)(x, tau[c], x + ld, ld, n - c - 1, m - c);
    }
}

static void FN(wy)(ptrdiff_t n, const void *taus, const void *gram, void *out) {
    const T *tau = taus, *g = gram;
    T *t = out;
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t r = 0; r < n; r++) {
            T s = FN(from)(0);
            for (ptrdiff_t c = r; c < i; c++)
                s = FN(add)(s, FN(mul)(t[r * n + c], g[c * n + i]));
            t[r * n + i] = r < i    ? FN(sub)(FN(from)(0), FN(mul)(tau[i], s))
                           : r == i ? tau[i]
                                    : FN(from)(0);
        }
}

const mx_k_factor TABLE = {
    FN(lu), FN(cholesky), FN(solve), FN(qr), FN(wy), CONJUGATE,
};

#undef T
#undef R
#undef FN
#undef SQRT
#undef CONJUGATE
#undef TABLE
#undef SHORT_LINES
