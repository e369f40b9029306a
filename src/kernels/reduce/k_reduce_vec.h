/* Template: float reductions on vectors, sums in several accumulators so that errors stay
 * small. Included with
 *
 *     T           storage type           L           lanes
 *     V  VM       vector, mask           W(word)     vf_word or vd_word
 *     A           accumulator type       V_LOAD(p)   V_LOADN(p, n)  L elements as V
 *     V_HMAX(v)  V_HMIN(v)               N(f)        names a function of this dtype
 */

/* a op x; a NaN in x is dropped or kept, as the processor pleases. */
SV V N(fold)(const int op, V a, V x) {
    switch (op) {
    case MX_RED_SUM: return W(add)(a, x);
    case MX_RED_PROD: return W(mul)(a, x);
    case MX_RED_MAX: return W(max)(x, a);
    default: return W(min)(x, a);
    }
}
/* a op x where a NaN wins: that of x stays by itself. */
SV V N(fold_nan)(const int op, V a, V x) {
    switch (op) {
    case MX_RED_MAX: return W(select)(W(isnan)(a), a, W(max)(a, x));
    case MX_RED_MIN: return W(select)(W(isnan)(a), a, W(min)(a, x));
    default: return N(fold)(op, a, x);
    }
}
SV A N(identity)(const int op) {
    switch (op) {
    case MX_RED_SUM: return 0;
    case MX_RED_PROD: return 1;
    case MX_RED_MAX: return -(A)INFINITY;
    default: return (A)INFINITY;
    }
}
SV A N(across)(const int op, V v) {
    A t[L], p = 1;
    switch (op) {
    case MX_RED_SUM: return W(sum)(v);
    case MX_RED_MAX: return V_HMAX(v);
    case MX_RED_MIN: return V_HMIN(v);
    default:
        W(store)(t, v);
        for (int i = 0; i < L; i++)
            p *= t[i];
        return p;
    }
}
SV A N(fold1)(const int op, A a, A x) {
    switch (op) {
    case MX_RED_SUM: return a + x;
    case MX_RED_PROD: return a * x;
    case MX_RED_MAX: return x > a || x != x ? x : a;
    default: return x < a || x != x ? x : a;
    }
}

/* L elements of x, or those times y's. */
SV V N(get)(const T *x, const T *y, size_t i, const bool times) {
    return times ? W(mul)(V_LOAD(x + i), V_LOAD(y + i)) : V_LOAD(x + i);
}
SV V N(getn)(const T *x, const T *y, size_t i, size_t n, const bool times) {
    return times ? W(mul)(V_LOADN(x + i, n), V_LOADN(y + i, n)) : V_LOADN(x + i, n);
}

/* n elements, or products, as one vector; *nan collects where max and min met a NaN. */
SV V N(block)(const int op, const T *x, const T *y, size_t n, VM *nan, const bool times) {
    const bool order = op == MX_RED_MAX || op == MX_RED_MIN;
    V id = W(set1)(N(identity)(op)), a[8];
    size_t i = 0;
    for (int k = 0; k < 8; k++)
        a[k] = id;
    for (; i + 8 * L <= n; i += 8 * L)
        for (int k = 0; k < 8; k++) {
            V v = N(get)(x, y, i + k * L, times);
            if (op == MX_RED_SUM && L * sizeof(T) == 64) // a line each; measured
                __builtin_prefetch((const char *)(x + i + k * L) + AHEAD, 0, 3);
            a[k] = N(fold)(op, a[k], v);
            if (order)
                *nan = VMW(or)(*nan, W(isnan)(v));
        }
    for (; i + L <= n; i += L) {
        V v = N(get)(x, y, i, times);
        a[0] = N(fold)(op, a[0], v);
        if (order)
            *nan = VMW(or)(*nan, W(isnan)(v));
    }
    if (i < n) {
        V v = W(select)(VMW(first)(n - i), N(getn)(x, y, i, n - i, times), id);
        a[1] = N(fold)(op, a[1], v);
        if (order)
            *nan = VMW(or)(*nan, W(isnan)(v));
    }
    for (int w = 4; w; w /= 2)
        for (int k = 0; k < w; k++)
            a[k] = N(fold)(op, a[k], a[k + w]);
    return a[0];
}

/* One row. Long sums add block sums in float64. */
SV A N(row)(const int op, const T *x, const T *y, size_t n, const bool times) {
    VM nan = VMW(first)(0);
    if (op != MX_RED_SUM || n <= BLOCK) {
        A r = N(across)(op, N(block)(op, x, y, n, &nan, times));
        return VMW(any)(nan) ? (A)NAN : r;
    }
    double total = 0;
    for (size_t i = 0; i < n; i += BLOCK) {
        size_t m = n - i < BLOCK ? n - i : BLOCK;
        total += (double)N(across)(op, N(block)(op, x + i, y + (times ? i : 0), m, &nan, times));
    }
    return (A)total;
}

SV void N(rows_of)(const int op, void *acc, const void *xv, size_t rows, size_t n,
                   ptrdiff_t stride) {
    A *a = acc;
    const T *x = xv;
    for (size_t r = 0; r < rows; r++, x += stride)
        a[r] = N(fold1)(op, a[r], N(row)(op, x, x, n, false));
}

__attribute__((unused)) static void N(products)(void *acc, const void *xv, const void *yv,
                                                size_t rows, size_t n) {
    A *a = acc;
    const T *x = xv, *y = yv;
    for (size_t r = 0; r < rows; r++, x += n, y += n)
        a[r] = N(fold1)(MX_RED_SUM, a[r], N(row)(MX_RED_SUM, x, y, n, true));
}

static __attribute__((noinline)) void N(wide)(const int op, A *a, const T *x, size_t rows,
                                              size_t cols, ptrdiff_t s) {
    for (; rows >= 4; rows -= 4, x += 4 * s) {
        size_t c = 0;
        for (; c + L <= cols; c += L) {
            const T *p = x + c;
            V t = N(fold_nan)(op, V_LOAD(p), V_LOAD(p + s));
            V u = N(fold_nan)(op, V_LOAD(p + 2 * s), V_LOAD(p + 3 * s));
            W(store)(a + c, N(fold_nan)(op, W(load)(a + c), N(fold_nan)(op, t, u)));
        }
        if (c < cols) {
            const T *p = x + c;
            size_t m = cols - c;
            V t = N(fold_nan)(op, V_LOADN(p, m), V_LOADN(p + s, m));
            V u = N(fold_nan)(op, V_LOADN(p + 2 * s, m), V_LOADN(p + 3 * s, m));
            t = N(fold_nan)(op, t, u);
            W(storen)(a + c, N(fold_nan)(op, W(loadn)(a + c, m), t), m);
        }
    }
    for (; rows; rows--, x += s) {
        size_t c = 0;
        for (; c + L <= cols; c += L)
            W(store)(a + c, N(fold_nan)(op, W(load)(a + c), V_LOAD(x + c)));
        if (c < cols) {
            V t = N(fold_nan)(op, W(loadn)(a + c, cols - c), V_LOADN(x + c, cols - c));
            W(storen)(a + c, t, cols - c);
        }
    }
}

/* The same where a row is eight vectors and the next one follows: the accumulators stay in
   registers. */
SV void N(eight)(const int op, A *a, const T *x, size_t rows) {
    V acc[8];
    for (int k = 0; k < 8; k++)
        acc[k] = W(load)(a + k * L);
    for (; rows >= 4; rows -= 4, x += 32 * L)
        _Pragma("GCC unroll 8") for (int k = 0; k < 8; k++) {
            const T *p = x + k * L;
            V t = N(fold_nan)(op, V_LOAD(p), V_LOAD(p + 8 * L));
            V u = N(fold_nan)(op, V_LOAD(p + 16 * L), V_LOAD(p + 24 * L));
            acc[k] = N(fold_nan)(op, acc[k], N(fold_nan)(op, t, u));
        }
    for (; rows; rows--, x += 8 * L)
        for (int k = 0; k < 8; k++)
            acc[k] = N(fold_nan)(op, acc[k], V_LOAD(x + k * L));
    for (int k = 0; k < 8; k++)
        W(store)(a + k * L, acc[k]);
}

SV void N(cols_of)(const int op, void *acc, const void *xv, size_t rows, size_t cols, ptrdiff_t s) {
    const T *x = xv;
    A *a = acc, wide[2 * NARROW];
    size_t k = 2; // rows side by side, k at a time, make one wide row
    while (cols && 2 * k * cols <= 2 * NARROW)
        k *= 2;
    size_t w = k * cols;
    while (cols && cols <= NARROW && (size_t)s == cols && rows >= 2 * k) {
        size_t m = rows / k < 256 ? rows / k : 256;
        for (size_t i = 0; i < w; i++)
            wide[i] = N(identity)(op);
        if (w == 8 * L)
            N(eight)(op, wide, x, m);
        else
            N(wide)(op, wide, x, m, w, (ptrdiff_t)w);
        for (size_t h = w / 2; h >= cols; h /= 2)
            for (size_t i = 0; i < h; i++)
                wide[i] = N(fold1)(op, wide[i], wide[i + h]);
        for (size_t i = 0; i < cols; i++)
            a[i] = N(fold1)(op, a[i], wide[i]);
        x += m * w;
        rows -= m * k;
    }
    N(wide)(op, a, x, rows, cols, s);
}

/* a[nv] <- runs of n rows, as wide has them. */
SV void N(runs_in_registers)(const int op, V *a, const T *x, const ptrdiff_t *start, size_t runs,
                             size_t n, ptrdiff_t s, const int nv) {
    for (size_t r = 0; r < runs; r++) {
        const T *p = x + start[r];
        size_t rows = n;
        for (; rows >= 4; rows -= 4, p += 4 * s)
            for (int v = 0; v < nv; v++) {
                V t = N(fold_nan)(op, V_LOAD(p + v * L), V_LOAD(p + s + v * L));
                V u = N(fold_nan)(op, V_LOAD(p + 2 * s + v * L), V_LOAD(p + 3 * s + v * L));
                a[v] = N(fold_nan)(op, a[v], N(fold_nan)(op, t, u));
            }
        for (; rows; rows--, p += s)
            for (int v = 0; v < nv; v++)
                a[v] = N(fold_nan)(op, a[v], V_LOAD(p + v * L));
    }
}

SV void N(runs_of)(const int op, void *acc, const void *xv, const ptrdiff_t *start, size_t runs,
                   size_t n, size_t cols, ptrdiff_t s) {
    A *a = acc;
    const T *x = xv;
    size_t c = 0;
    V sum[4];
    for (; c + 4 * L <= cols; c += 4 * L) {
        for (int v = 0; v < 4; v++)
            sum[v] = W(load)(a + c + v * L);
        N(runs_in_registers)(op, sum, x + c, start, runs, n, s, 4);
        for (int v = 0; v < 4; v++)
            W(store)(a + c + v * L, sum[v]);
    }
    for (; c + L <= cols; c += L) {
        sum[0] = W(load)(a + c);
        N(runs_in_registers)(op, sum, x + c, start, runs, n, s, 1);
        W(store)(a + c, sum[0]);
    }
    for (size_t r = 0; c < cols && r < runs; r++)
        N(wide)(op, a + c, x + c + start[r], n, cols - c, s);
}

#define REDUCTION(name, op)                                                                     \
    static void N(name##_rows)(void *a, const void *x, size_t rows, size_t n, ptrdiff_t s) {    \
        N(rows_of)(op, a, x, rows, n, s);                                                       \
    }                                                                                           \
    static void N(name##_cols)(void *a, const void *x, size_t rows, size_t cols, ptrdiff_t s) { \
        N(cols_of)(op, a, x, rows, cols, s);                                                    \
    }                                                                                           \
    static void N(name##_runs)(void *a, const void *x, const ptrdiff_t *start, size_t runs,     \
                               size_t n, size_t cols, ptrdiff_t s) {                            \
        N(runs_of)(op, a, x, start, runs, n, cols, s);                                          \
    }
REDUCTION(sum, MX_RED_SUM)
REDUCTION(prod, MX_RED_PROD)
REDUCTION(max, MX_RED_MAX)
REDUCTION(min, MX_RED_MIN)
#undef REDUCTION

/* n elements as A. */
SV void N(lift)(A *out, const T *x, size_t n) {
    size_t i = 0;
    for (; i + L <= n; i += L)
        W(store)(out + i, V_LOAD(x + i));
    if (i < n)
        W(storen)(out + i, V_LOADN(x + i, n - i), n - i);
}
/* The extreme, NaN where there is one. */
static A N(best_max)(const T *x, size_t n) {
    return N(row)(MX_RED_MAX, x, x, n, false);
}
static A N(best_min)(const T *x, size_t n) {
    return N(row)(MX_RED_MIN, x, x, n, false);
}
/* Is one of ARG_STEP elements as good as this or a NaN? */
SV bool N(among)(const int op, const T *x, A best) {
    V b = W(set1)(best);
    VM found = VMW(first)(0);
    _Pragma("GCC unroll 8") for (int i = 0; i < ARG_STEP; i += L) {
        V v = V_LOAD(x + i);
        VM good = op == MX_RED_MAX ? W(le)(b, v) : W(le)(v, b);
        found = VMW(or)(found, VMW(or)(good, W(isnan)(v)));
    }
    return VMW(any)(found);
}

#undef V
#undef VM
#undef W
#undef VMW
#undef A
#undef L
#undef V_LOAD
#undef V_LOADN
#undef V_HMAX
#undef V_HMIN
