/* Template: the register tile of one packed format. Included with
 *
 *     TILE_FN(name)        the name with this format's suffix
 *     TILE_MR, TILE_NV     rows, and vectors a row, of the tile
 *     TILE_IN, TILE_VIN    one packed group, a vector of them
 *     TILE_OUT, TILE_V     an accumulated number, a vector of them
 *     TILE_LANES           lanes of TILE_V
 *     TILE_LOAD(p) TILE_SET1(x) TILE_FMA(a, b, c)   of packed groups; the last gives a TILE_V
 *     TILE_W(word)         the vocabulary's word for TILE_V: vf_##word or vd_##word
 */
#define TILE_UNROLL SIMD_UNROLL(16)

/* Store one row of the tile: n columns of its nv vectors. */
SV void TILE_FN(store_row)(TILE_OUT *c, const TILE_V *acc, int nv, int n, bool add) {
    TILE_UNROLL
    for (int j = 0; j < nv; j++) {
        int left = n - j * TILE_LANES;
        TILE_OUT *p = c + j * TILE_LANES;
        if (left >= TILE_LANES)
            TILE_W(store)(p, add ? TILE_W(add)(TILE_W(load)(p), acc[j]) : acc[j]);
        else if (left > 0)
            TILE_W(storen)(p, add ? TILE_W(add)(TILE_W(loadn)(p, (size_t)left), acc[j]) : acc[j],
                           (size_t)left);
    }
}

/* m and nv are constants wherever this is used, so that acc stays in registers. */
SV void TILE_FN(body)(int m, int nv, int n, ptrdiff_t groups, const TILE_IN *a, const TILE_IN *b,
                      TILE_OUT *c, ptrdiff_t ldc, bool add) {
    TILE_V acc[TILE_MR][TILE_NV];
    TILE_UNROLL
    for (int i = 0; i < m; i++) {
        TILE_UNROLL
        for (int j = 0; j < nv; j++)
            acc[i][j] = TILE_W(zero)();
    }
    for (ptrdiff_t g = 0; g < groups; g++) {
        TILE_VIN bv[TILE_NV];
        TILE_UNROLL
        for (int j = 0; j < nv; j++)
            bv[j] = TILE_LOAD(b + j * TILE_LANES);
        TILE_UNROLL
        for (int i = 0; i < m; i++) {
            TILE_VIN av = TILE_SET1(a[i]);
            TILE_UNROLL
            for (int j = 0; j < nv; j++)
                acc[i][j] = TILE_FMA(av, bv[j], acc[i][j]);
        }
        a += TILE_MR;
        b += TILE_NV * TILE_LANES;
    }
    TILE_UNROLL
    for (int i = 0; i < m; i++)
        TILE_FN(store_row)(c + i * ldc, acc[i], nv, n, add);
}

/* The same for m known only now: one copy of the body for each. */
SV void TILE_FN(rows)(int m, int nv, int n, ptrdiff_t groups, const TILE_IN *a, const TILE_IN *b,
                      TILE_OUT *c, ptrdiff_t ldc, bool add) {
    if (m >= TILE_MR)
        TILE_FN(body)(TILE_MR, nv, n, groups, a, b, c, ldc, add);
    else if (m == 1)
        TILE_FN(body)(1, nv, n, groups, a, b, c, ldc, add);
    else if (m == 2)
        TILE_FN(body)(2, nv, n, groups, a, b, c, ldc, add);
    else if (m == 3)
        TILE_FN(body)(3, nv, n, groups, a, b, c, ldc, add);
#if TILE_MR > 4
    else if (m == 4)
        TILE_FN(body)(4, nv, n, groups, a, b, c, ldc, add);
    else if (m == 5)
        TILE_FN(body)(5, nv, n, groups, a, b, c, ldc, add);
#endif
#if TILE_MR > 6
    else if (m == 6)
        TILE_FN(body)(6, nv, n, groups, a, b, c, ldc, add);
    else
        TILE_FN(body)(7, nv, n, groups, a, b, c, ldc, add);
#endif
}

static void TILE_FN(tile)(int m, int n, ptrdiff_t groups, const void *a, const void *b, void *c,
                          ptrdiff_t ldc, bool add) {
    if (n <= TILE_LANES)
        TILE_FN(rows)(m, 1, n, groups, a, b, c, ldc, add);
    else
        TILE_FN(rows)(m, 2, n, groups, a, b, c, ldc, add);
}

#undef TILE_UNROLL
#undef TILE_FN
#undef TILE_IN
#undef TILE_VIN
#undef TILE_OUT
#undef TILE_V
#undef TILE_LANES
#undef TILE_LOAD
#undef TILE_SET1
#undef TILE_FMA
#undef TILE_W
