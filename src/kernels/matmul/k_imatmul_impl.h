/* Template: integer matmul of one width. Included with T (unsigned), FN(name), and MUL_ADD(a,b,c),
 * MIX(alpha,acc,beta,cin): how products are added and how the result is made. */

/* sums[j] += a b(.,j) over n columns of one row of b. */
static void FN(add_row)(T *restrict sums, T a, const T *restrict b, ptrdiff_t n) {
    for (ptrdiff_t j = 0; j < n; j++)
        sums[j] = (T)MUL_ADD(a, b[j], sums[j]);
}

/* k rows of n columns of b, made adjacent in `copy`, or where they are. */
static const T *FN(rows_of)(T copy[IMM_K][IMM_N], const T *b, ptrdiff_t rs, ptrdiff_t cs,
                            ptrdiff_t k, ptrdiff_t n) {
    if (cs == 1)
        return b;
    for (ptrdiff_t p = 0; p < k; p++)
        for (ptrdiff_t j = 0; j < n; j++)
            copy[p][j] = b[p * rs + j * cs];
    return copy[0];
}

static void FN(finish)(const mx_k_imatmul_args *g, ptrdiff_t i, ptrdiff_t j0, const T *sums,
                       ptrdiff_t n) {
    T *out = (T *)g->out + i * g->out_rs + j0;
    const T *cin = g->cin ? (const T *)g->cin + i * g->cin_rs + j0 * g->cin_cs : NULL;
    for (ptrdiff_t j = 0; j < n; j++)
        out[j] =
            (T)MIX((T)g->alpha, sums[j], cin ? (T)g->beta : (T)0, cin ? cin[j * g->cin_cs] : (T)0);
}

/* Columns j0 .. j0+n, IMM_M rows of the result at a time. */
static void FN(columns)(const mx_k_imatmul_args *g, ptrdiff_t j0, ptrdiff_t n) {
    const T *a = g->a, *b = (const T *)g->b + j0 * g->b_cs;
    T sums[IMM_M][IMM_N], copy[IMM_K][IMM_N];
    for (ptrdiff_t i0 = 0; i0 < g->m; i0 += IMM_M) {
        ptrdiff_t m = g->m - i0 < IMM_M ? g->m - i0 : IMM_M;
        memset(sums, 0, sizeof sums);
        for (ptrdiff_t p0 = 0; p0 < g->k; p0 += IMM_K) {
            ptrdiff_t k = g->k - p0 < IMM_K ? g->k - p0 : IMM_K;
            const T *rows = FN(rows_of)(copy, b + p0 * g->b_rs, g->b_rs, g->b_cs, k, n);
            ptrdiff_t step = rows == copy[0] ? IMM_N : g->b_rs;
            for (ptrdiff_t i = 0; i < m; i++)
                for (ptrdiff_t p = 0; p < k; p++)
                    FN(add_row)(sums[i], a[(i0 + i) * g->a_rs + (p0 + p) * g->a_cs],
                                rows + p * step, n);
        }
        for (ptrdiff_t i = 0; i < m; i++)
            FN(finish)(g, i0 + i, j0, sums[i], n);
    }
}

static void FN(all)(const mx_k_imatmul_args *g) {
    for (ptrdiff_t j0 = 0; j0 < g->n; j0 += IMM_N)
        FN(columns)(g, j0, g->n - j0 < IMM_N ? g->n - j0 : IMM_N);
}

#undef T
#undef FN
