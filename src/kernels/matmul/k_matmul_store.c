/* Stores of finished tiles: out = alpha * acc + beta * cin, rounded to the output's dtype. */
#include "kernels/simd/k_load.h"
#include "kernels/matmul/k_tile.h"

/* n <= VF_LANES numbers of cin with any stride. */
SV vf load_strided(const void *p, ptrdiff_t stride, size_t n, mx_dtype kind) {
    if (stride == 1)
        return n == VF_LANES ? kind_load(p, kind) : kind_loadn(p, n, kind);
    if (stride == 0)
        return vf_set1(kind_get(p, 0, kind));
    float t[VF_LANES] = {0};
    for (size_t i = 0; i < n; i++)
        t[i] = kind_get(p, (ptrdiff_t)i * stride, kind);
    return vf_load(t);
}

/* n <= VF_LANES numbers of one row. */
SV void store_part(const mx_k_store_args *a, void *out, const float *acc, const void *cin, size_t n,
                   mx_dtype kind) {
    vf v = n == VF_LANES ? vf_load(acc) : vf_loadn(acc, n);
    v = vf_mul(v, vf_set1((float)a->alpha));
    if (cin)
        v = vf_fma(vf_set1((float)a->beta), load_strided(cin, a->cin_cs, n, kind), v);
    if (n == VF_LANES)
        kind_store(out, v, kind);
    else
        kind_storen(out, v, n, kind);
}

SV void store_kind(const mx_k_store_args *a, mx_dtype kind) {
    for (ptrdiff_t i = 0; i < a->m; i++) {
        char *out = (char *)a->out + i * a->out_rs * (ptrdiff_t)kind_size(kind);
        const float *acc = (const float *)a->acc + i * a->acc_rs;
        const void *cin = a->cin ? kind_at(a->cin, i * a->cin_rs, kind) : NULL;
        for (ptrdiff_t j = 0; j < a->n; j += VF_LANES) {
            size_t n = a->n - j < VF_LANES ? (size_t)(a->n - j) : VF_LANES;
            store_part(a, out + j * (ptrdiff_t)kind_size(kind), acc + j,
                       cin ? kind_at(cin, j * a->cin_cs, kind) : NULL, n, kind);
        }
    }
}

void KN(k_store_f32)(const mx_k_store_args *a) {
    store_kind(a, MX_FLOAT32);
}
void KN(k_store_f16)(const mx_k_store_args *a) {
    store_kind(a, MX_FLOAT16);
}
void KN(k_store_bf16)(const mx_k_store_args *a) {
    store_kind(a, MX_BFLOAT16);
}

void KN(k_store_f64)(const mx_k_store_args *a) {
    for (ptrdiff_t i = 0; i < a->m; i++) {
        double *out = (double *)a->out + i * a->out_rs;
        const double *acc = (const double *)a->acc + i * a->acc_rs;
        const double *cin = a->cin ? (const double *)a->cin + i * a->cin_rs : NULL;
        for (ptrdiff_t j = 0; j < a->n; j++)
            out[j] = a->alpha * acc[j] + (cin ? a->beta * cin[j * a->cin_cs] : 0.0);
    }
}

void KN(k_store_complex)(const mx_k_store_args *a) {
    float alpha = (float)a->alpha, beta = (float)a->beta;
    for (ptrdiff_t i = 0; i < a->m; i++) {
        mx_complex64 *out = (mx_complex64 *)a->out + i * a->out_rs;
        const float *re = (const float *)a->acc + 2 * i * a->acc_rs, *im = re + a->acc_rs;
        const mx_complex64 *cin = a->cin ? (const mx_complex64 *)a->cin + i * a->cin_rs : NULL;
        for (ptrdiff_t j = 0; j < a->n; j++) {
            mx_complex64 c = cin ? cin[j * a->cin_cs] : (mx_complex64){0, 0};
            out[j].re = alpha * re[j] + (cin ? beta * c.re : 0.0f);
            out[j].im = alpha * im[j] + (cin ? beta * c.im : 0.0f);
        }
    }
}
