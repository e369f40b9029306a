/* The register tile of float32 whose operands are read where they lie. */
#include "kernels/matmul/k_matmul.h"
#include "kernels/matmul/k_tile.h"

#define L      VF_LANES
#define UNROLL SIMD_UNROLL(16)

/* Vector j of n columns. */
SV vf part(const float *p, int j, int n, const bool whole) {
    int left = n - j * L;
    if (whole || left >= L)
        return vf_load(p + j * L);
    return left > 0 ? vf_loadn(p + j * L, (size_t)left) : vf_zero();
}

SV void store_part(float *p, vf sum, int j, int n, bool add, const bool whole) {
    int left = n - j * L;
    if (left <= 0)
        return;
    vf v = add ? vf_add(part(p, j, n, whole), sum) : sum;
    if (whole || left >= L)
        vf_store(p + j * L, v);
    else
        vf_storen(p + j * L, v, (size_t)left);
}

enum { LINE = 64 / sizeof(float) };

/* A line of each of the rows that come next: they begin where no processor foresees it. */
SV void ask(const mx_k_row_tile_args *t, const float *const *a, ptrdiff_t k) {
    UNROLL
    for (int i = 0; i < TILE_MR; i++)
        __builtin_prefetch(a[i] + k + t->ahead, 0, 2);
}

/* whole: n columns are nv whole vectors. */
SV void row_tile(const mx_k_row_tile_args *t, const int nv, const bool whole, const bool ahead) {
    vf acc[TILE_MR][TILE_NV];
    const float *a[TILE_MR];
    UNROLL
    for (int i = 0; i < TILE_MR; i++) {
        a[i] = t->a[i];
        UNROLL
        for (int j = 0; j < nv; j++)
            acc[i][j] = vf_zero();
    }
    const float *b = t->b;
    for (ptrdiff_t k = 0; k < t->k; k++, b += t->b_step) {
        if (ahead && k % LINE == 0)
            ask(t, a, k);
        vf bv[TILE_NV];
        UNROLL
        for (int j = 0; j < nv; j++)
            bv[j] = part(b, j, t->n, whole);
        UNROLL
        for (int i = 0; i < TILE_MR; i++) {
            vf av = vf_set1(a[i][k * t->a_step]);
            UNROLL
            for (int j = 0; j < nv; j++)
                acc[i][j] = vf_fma(av, bv[j], acc[i][j]);
        }
    }
    UNROLL
    for (int i = 0; i < TILE_MR; i++)
        for (int j = 0; i < t->m && j < nv; j++)
            store_part(t->c + i * t->ldc, acc[i][j], j, t->n, t->add, whole);
}

/* Fewer columns than a vector has, as in many small products: what does not change stays in
   registers. */
static void narrow_tile(const mx_k_row_tile_args *t) {
    vf acc[TILE_MR];
    const float *a[TILE_MR], *b = t->b;
    const size_t n = (size_t)t->n;
    const ptrdiff_t a_step = t->a_step, b_step = t->b_step;
    UNROLL
    for (int i = 0; i < TILE_MR; i++) {
        a[i] = t->a[i];
        acc[i] = vf_zero();
    }
    ptrdiff_t at = 0;
    for (ptrdiff_t k = t->k; k; k--, at += a_step, b += b_step) {
        vf bv = vf_loadn(b, n);
        UNROLL
        for (int i = 0; i < TILE_MR; i++)
            acc[i] = vf_fma(vf_set1(a[i][at]), bv, acc[i]);
    }
    float *c = t->c;
    UNROLL
    for (int i = 0; i < TILE_MR; i++, c += t->ldc)
        if (i < t->m)
            vf_storen(c, t->add ? vf_add(vf_loadn(c, n), acc[i]) : acc[i], n);
}

void KN(k_row_tile)(const mx_k_row_tile_args *t) {
    if (t->n == 2 * L && t->ahead)
        row_tile(t, 2, true, true);
    else if (t->n == 2 * L)
        row_tile(t, 2, true, false);
    else if (t->n == L)
        row_tile(t, 1, true, false);
    else if (t->n < L)
        narrow_tile(t);
    else
        row_tile(t, 2, false, false);
}
