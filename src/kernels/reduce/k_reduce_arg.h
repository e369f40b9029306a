/* Template: argmax and argmin of one dtype. Included with
 *
 *     T  C  C_LOAD(x)         as in k_reduce_type.h
 *     G_FN(f)                 names the functions
 *     G_BETTER(a, b)          a beats b: it is better, or a NaN where b is none
 *     G_BEST(x, n)            the best of n > 0 contiguous elements as C: a NaN where there is one
 *     G_LIFT(c, x, n)         optional: C_LOAD of n elements at once
 */

static uint32_t G_FN(block)(const void *xv, size_t n, ptrdiff_t stride) {
    const T *x = xv;
    if (stride == 1 && n > 2 * ARG_BLOCK) { // find the best block, then look into it
        size_t at = 0;
        C best = G_BEST(x, ARG_BLOCK);
        for (size_t i = ARG_BLOCK; i < n; i += ARG_BLOCK) {
            size_t m = n - i < ARG_BLOCK ? n - i : ARG_BLOCK;
            C c = G_BEST(x + i, m);
            if (G_BETTER(c, best))
                best = c, at = i;
        }
        for (size_t i = at; i < n; i++) {
            C c = C_LOAD(x[i]);
            if (!G_BETTER(best, c)) // as good as the best
                return (uint32_t)i;
        }
    }
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
