/* Included once for float32 lanes and once for float64: the including file defines T, VEC, LANES,
 * LEVELS (log2 LANES), FN(name), V(word), and LOAD, STORE, LOADN, STOREN from and to storage of
 * dtype t.
 *
 * The first pass does the levels inside a vector (a lane meets its partner by a swap and a product
 * with 1 or -1) and between as many vectors as registers hold; each later one as many levels again.
 */
#define SIGN(i, l) ((i) >> (l) & 1 ? -1 : 1)
#define SIGNS(l)                                                                  \
    {SIGN(0, l),  SIGN(1, l),  SIGN(2, l),  SIGN(3, l), SIGN(4, l),  SIGN(5, l),  \
     SIGN(6, l),  SIGN(7, l),  SIGN(8, l),  SIGN(9, l), SIGN(10, l), SIGN(11, l), \
     SIGN(12, l), SIGN(13, l), SIGN(14, l), SIGN(15, l)}

static const T FN(signs)[4][16] = {SIGNS(0), SIGNS(1), SIGNS(2), SIGNS(3)};

/* The first `levels` levels, inside a vector. */
SV VEC FN(in_lanes)(VEC v, int levels) {
    if (levels > 0)
        v = V(fma)(v, V(load)(FN(signs)[0]), SWAP(LANES)(v, 1));
#if LANES > 2
    if (levels > 1)
        v = V(fma)(v, V(load)(FN(signs)[1]), SWAP(LANES)(v, 2));
#endif
#if LANES > 4
    if (levels > 2)
        v = V(fma)(v, V(load)(FN(signs)[2]), SWAP(LANES)(v, 4));
#endif
#if LANES > 8
    if (levels > 3)
        v = V(fma)(v, V(load)(FN(signs)[3]), SWAP(LANES)(v, 8));
#endif
    return v;
}

/* One level: between vectors `half` apart. All counts are constants where this is used, so that v
   stays in registers. */
SV void FN(level)(VEC *v, const int count, const int half) {
    UNROLL
    for (int i = 0; i < RADIX; i++) // a constant before inlining too: clang unrolls no other
        if (i < count && !(i & half)) {
            VEC a = v[i], b = v[i + half];
            v[i] = V(add)(a, b);
            v[i + half] = V(sub)(a, b);
        }
}

/* All levels between `count` vectors. */
SV void FN(cross)(VEC *v, const int count) {
    if (count > 1)
        FN(level)(v, count, 1);
    if (count > 2)
        FN(level)(v, count, 2);
    if (count > 4)
        FN(level)(v, count, 4);
    if (count > 8)
        FN(level)(v, count, 8);
}

/* Elements in groups of `count` whole vectors. */
SV void FN(first)(T *to, const void *from, ptrdiff_t total, VEC scale, const int count,
                  const mx_dtype t) {
    for (ptrdiff_t at = 0; at < total; at += count * LANES) {
        VEC v[RADIX];
        UNROLL
        for (int i = 0; i < count; i++)
            v[i] = FN(in_lanes)(V(mul)(LOAD(from, at + i * LANES, t), scale), LEVELS);
        FN(cross)(v, count);
        UNROLL
        for (int i = 0; i < count; i++)
            V(store)(to + at + i * LANES, v[i]);
    }
}

/* Lines of 2^levels elements, less than a vector. */
SV void FN(first_short)(T *to, const void *from, ptrdiff_t total, VEC scale, int levels,
                        const mx_dtype t) {
    for (ptrdiff_t at = 0; at < total; at += LANES) {
        size_t n = (size_t)(total - at < LANES ? total - at : LANES);
        V(storen)(to + at, FN(in_lanes)(V(mul)(LOADN(from, at, n, t), scale), levels), n);
    }
}

/* How many levels are done then. */
SV int FN(first_pass)(T *to, const void *from, ptrdiff_t total, int levels, double by,
                      const mx_dtype t) {
    VEC scale = V(set1)((T)by);
    int more = levels - LEVELS;
    if (more < 0)
        return FN(first_short)(to, from, total, scale, levels, t), levels;
    if (more == 0)
        return FN(first)(to, from, total, scale, 1, t), levels;
    if (more == 1)
        return FN(first)(to, from, total, scale, 2, t), levels;
    if (more == 2)
        return FN(first)(to, from, total, scale, 4, t), levels;
    if (more == 3 || RADIX == 8)
        return FN(first)(to, from, total, scale, 8, t), LEVELS + 3;
    return FN(first)(to, from, total, scale, RADIX, t), LEVELS + 4;
}

/* log2 count levels between elements `apart` apart and more. */
SV void FN(levels)(T *x, ptrdiff_t total, ptrdiff_t apart, const int count) {
    for (ptrdiff_t at = 0; at < total; at += apart * count)
        for (ptrdiff_t j = at; j < at + apart; j += LANES) {
            VEC v[RADIX];
            UNROLL
            for (int i = 0; i < count; i++)
                v[i] = V(load)(x + j + i * apart);
            FN(cross)(v, count);
            UNROLL
            for (int i = 0; i < count; i++)
                V(store)(x + j + i * apart, v[i]);
        }
}

/* The others, in as few passes as there are registers for. */
SV void FN(later_passes)(T *x, ptrdiff_t total, int done, int levels) {
    const int most = RADIX == 16 ? 4 : 3;
    while (done < levels) {
        int passes = (levels - done + most - 1) / most, now = (levels - done + passes - 1) / passes;
        ptrdiff_t apart = (ptrdiff_t)1 << done;
        if (now == 4)
            FN(levels)(x, total, apart, RADIX);
        else if (now == 3)
            FN(levels)(x, total, apart, 8);
        else if (now == 2)
            FN(levels)(x, total, apart, 4);
        else
            FN(levels)(x, total, apart, 2);
        done += now;
    }
}

/* Four rows of the result (m is a multiple of four): n elements from j on of each of x's rows,
   added up by the signs of the matrix. */
SV void FN(four_rows)(VEC *sum, const T *x, const T *matrix, const mx_k_hadamard_args *a, size_t n,
                      const bool whole) {
    for (int i = 0; i < 4; i++)
        sum[i] = V(zero)();
    for (int k = 0; k < a->m; k++) {
        VEC v = whole ? V(load)(x + k * a->n) : V(loadn)(x + k * a->n, n);
        UNROLL
        for (int i = 0; i < 4; i++)
            sum[i] = V(fma)(v, V(set1)(matrix[i * a->m + k]), sum[i]);
    }
}

SV void FN(combine_line)(void *out, ptrdiff_t at, const T *x, const mx_k_hadamard_args *a,
                         const mx_dtype t) {
    const T *matrix = a->matrix;
    for (int i = 0; i < a->m; i += 4)
        for (ptrdiff_t j = 0; j < a->n; j += LANES) {
            VEC sum[4];
            size_t n = (size_t)(a->n - j < LANES ? a->n - j : LANES);
            if (n == LANES)
                FN(four_rows)(sum, x + j, matrix + i * a->m, a, n, true);
            else
                FN(four_rows)(sum, x + j, matrix + i * a->m, a, n, false);
            for (int r = 0; r < 4; r++)
                STOREN(out, at + (i + r) * a->n + j, sum[r], n, t);
        }
}

SV void FN(combine)(void *out, const T *x, const mx_k_hadamard_args *a, const mx_dtype t) {
    ptrdiff_t line = a->m * a->n;
    for (ptrdiff_t l = 0; l < a->lines; l++)
        FN(combine_line)(out, l * line, x + l * line, a, t);
}

SV void FN(convert)(void *out, const T *x, ptrdiff_t total, const mx_dtype t) {
    ptrdiff_t i = 0;
    for (; i + LANES <= total; i += LANES)
        STORE(out, i, V(load)(x + i), t);
    if (i < total)
        STOREN(out, i, V(loadn)(x + i, (size_t)(total - i)), (size_t)(total - i), t);
}

SV void FN(transform)(const mx_k_hadamard_args *a, const mx_dtype t) {
    bool whole = t == MX_FLOAT32 || t == MX_FLOAT64;
    ptrdiff_t total = a->lines * a->m * a->n;
    int levels = __builtin_ctzll((unsigned long long)a->n);
    T *x = whole && a->m == 1 ? a->out : a->work;
    FN(later_passes)(x, total, FN(first_pass)(x, a->in, total, levels, a->scale, t), levels);
    if (a->m > 1)
        FN(combine)(a->out, x, a, t);
    else if (!whole)
        FN(convert)(a->out, x, total, t);
}

#undef SIGN
#undef SIGNS
#undef T
#undef VEC
#undef LANES
#undef LEVELS
#undef FN
#undef V
#undef LOAD
#undef LOADN
#undef STORE
#undef STOREN
