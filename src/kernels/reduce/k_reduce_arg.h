/* Template: argmax and argmin of one dtype. Included with
 *
 *     T  C  C_LOAD(x)         as in k_reduce_type.h
 *     G_FN(f)                 names the functions
 *     G_BETTER(a, b)          a beats b: it is better, or a NaN where b is none
 *     G_BEST(x, n)            the best of n > 0 contiguous elements as C: a NaN where there is one
 *     G_LIFT(c, x, n)         optional: C_LOAD of n elements at once
 *     G_AMONG(x, c)           optional: is one of ARG_STEP elements at x as good as c?
 */

/* Is one of ARG_STEP elements as good as the best? */
SV bool G_FN(among)(const T *x, C best) {
#ifdef G_AMONG
    return G_AMONG(x, best);
#else
    bool found = false;
    for (size_t i = 0; i < ARG_STEP; i++)
        found |= !G_BETTER(best, C_LOAD(x[i]));
    return found;
#endif
}

/* The first of n elements that is as good as the best, which is one of them. */
static size_t G_FN(first)(const T *x, size_t n, C best) {
    size_t i = 0;
    while (i + ARG_STEP <= n && !G_FN(among)(x + i, best))
        i += ARG_STEP;
    for (;; i++) {
        C c = C_LOAD(x[i]);
        if (!G_BETTER(best, c))
            return i;
    }
}

/* Finds the best block, then looks into it. */
static size_t G_FN(line)(const T *x, size_t n) {
    size_t at = 0, m = n < ARG_BLOCK ? n : ARG_BLOCK;
    C best = G_BEST(x, m);
    for (size_t i = m; i < n; i += m) {
        m = n - i < ARG_BLOCK ? n - i : ARG_BLOCK;
        C c = G_BEST(x + i, m);
        if (G_BETTER(c, best))
            best = c, at = i;
    }
    return at + G_FN(first)(x + at, n - at, best);
}

static uint32_t G_FN(block)(const void *xv, size_t n, ptrdiff_t stride) {
    const T *x = xv;
    if (stride == 1 && n >= ARG_STEP)
        return (uint32_t)G_FN(line)(x, n);
    size_t at = 0;
    C best = C_LOAD(x[0]);
    for (size_t i = 1; i < n; i++) {
        C c = C_LOAD(x[(ptrdiff_t)i * stride]);
        if (G_BETTER(c, best))
            best = c, at = i;
    }
    return (uint32_t)at;
}

static void G_FN(strided)(uint32_t *out, const void *xv, size_t n, ptrdiff_t stride) {
    *out = G_FN(block)(xv, n, stride);
}

static void G_FN(rows)(uint32_t *out, const void *xv, size_t rows, size_t n, ptrdiff_t stride) {
    const T *x = xv;
    for (size_t r = 0; r < rows; r++, x += stride)
        G_FN(strided)(out + r, x, n, 1);
}

static void G_FN(cols)(uint32_t *out, const void *xv, size_t rows, size_t cols, ptrdiff_t stride) {
    const T *x = xv;
    for (size_t c = 0; c < cols; c += ARG_TILE, x += ARG_TILE, out += ARG_TILE) {
        size_t m = cols - c < ARG_TILE ? cols - c : ARG_TILE;
        C best[ARG_TILE];
        for (size_t j = 0; j < m; j++)
            best[j] = C_LOAD(x[j]), out[j] = 0;
        for (size_t r = 1; r < rows; r++) {
            const T *p = x + (ptrdiff_t)r * stride;
#ifdef G_LIFT
            C lifted[ARG_TILE];
            G_LIFT(lifted, p, m);
#endif
            for (size_t j = 0; j < m; j++) {
#ifdef G_LIFT
                C v = lifted[j];
#else
                C v = C_LOAD(p[j]);
#endif
                bool better = G_BETTER(v, best[j]);
                best[j] = better ? v : best[j];
                out[j] = better ? (uint32_t)r : out[j];
            }
        }
    }
}

static uint32_t G_FN(pick)(const void *xv, ptrdiff_t stride, const uint32_t *candidates, size_t k) {
    const T *x = xv;
    uint32_t at = candidates[0];
    for (size_t i = 1; i < k; i++) {
        C a = C_LOAD(x[(ptrdiff_t)candidates[i] * stride]);
        C b = C_LOAD(x[(ptrdiff_t)at * stride]);
        if (G_BETTER(a, b))
            at = candidates[i];
    }
    return at;
}

#undef G_FN
#undef G_BETTER
#undef G_BEST
#undef G_AMONG
