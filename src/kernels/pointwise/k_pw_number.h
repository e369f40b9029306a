/* Loops over n elements and one number (mx_k_with_number) for the files of pointwise kernels, and
 * comparisons of elements of eight bytes. As in k_pw.h the formula is a constant, inlined. */
#ifndef MX_KERNELS_K_PW_NUMBER_H
#define MX_KERNELS_K_PW_NUMBER_H

#include "kernels/pointwise/k_pw.h"
#include "kernels/simd/k_lanes.h"

/* ---- float32 and halves ---- */

SV void number_lanes(const mx_dtype t, void *out, const void *a, const void *number, size_t n,
                     bool turned, vf (*f)(vf, vf)) {
    vf y = vf_set1(lanes_get(t, number, 0));
    size_t i = 0;
    for (; turned && i + VF_LANES <= n; i += VF_LANES)
        lanes_store(t, out, i, f(y, lanes_load(t, a, i)));
    for (; i + VF_LANES <= n; i += VF_LANES)
        lanes_store(t, out, i, f(lanes_load(t, a, i), y));
    if (i < n) {
        vf x = lanes_loadn(t, a, i, n - i);
        lanes_storen(t, out, i, turned ? f(y, x) : f(x, y), n - i);
    }
}
SV void number_compare_lanes(const mx_dtype t, void *out, const void *a, const void *number,
                             size_t n, bool turned, vm (*f)(vf, vf)) {
    uint8_t *o = out;
    vf y = vf_set1(lanes_get(t, number, 0));
    size_t i = 0;
    for (; turned && i + VF_LANES <= n; i += VF_LANES)
        vm_store_bool(o + i, f(y, lanes_load(t, a, i)));
    for (; i + VF_LANES <= n; i += VF_LANES)
        vm_store_bool(o + i, f(lanes_load(t, a, i), y));
    if (i < n) {
        vf x = lanes_loadn(t, a, i, n - i);
        vm_storen_bool(o + i, turned ? f(y, x) : f(x, y), n - i);
    }
}

/* ---- float64 ---- */

SV void number_f64(void *out, const void *a, const void *number, size_t n, bool turned,
                   vd (*f)(vd, vd)) {
    double *o = out;
    const double *x = a;
    vd y = vd_set1(*(const double *)number);
    size_t i = 0;
    for (; turned && i + VD_LANES <= n; i += VD_LANES)
        vd_store(o + i, f(y, vd_load(x + i)));
    for (; i + VD_LANES <= n; i += VD_LANES)
        vd_store(o + i, f(vd_load(x + i), y));
    if (i < n) {
        vd last = vd_loadn(x + i, n - i);
        vd_storen(o + i, turned ? f(y, last) : f(last, y), n - i);
    }
}

/* ---- comparisons of eight bytes, where masks are bits: two of them are one of float32 ---- */

#define PW_WIDE (VD_LANES == 8)
#if PW_WIDE
enum { PAIR = 2 * VD_LANES };

typedef vdm wide(vl, vl);

/* What is compared with: n elements, or a number that is on the left where `turned`. */
typedef struct wide_other {
    const int64_t *b;
    bool number, turned;
} wide_other;

SV unsigned wide_bits(const int64_t *a, const wide_other w, size_t i, size_t n, wide *f) {
    bool all = n >= VD_LANES;
    vl x = all ? vl_load(a + i) : vl_loadn(a + i, n), y = vl_set1(*w.b);
    if (!w.number)
        y = all ? vl_load(w.b + i) : vl_loadn(w.b + i, n);
    return vdm_bits(w.turned ? f(y, x) : f(x, y));
}
SV vm wide_mask(const int64_t *a, const wide_other w, size_t i, size_t n, wide *f) {
    size_t low = n < VD_LANES ? n : VD_LANES;
    return (vm)(wide_bits(a, w, i, low, f) | wide_bits(a, w, i + low, n - low, f) << VD_LANES);
}
SV void wide_loop(uint8_t *out, const int64_t *a, const wide_other w, size_t n, wide *f) {
    size_t i = 0;
    for (; i + PAIR <= n; i += PAIR)
        vm_store_bool(out + i, wide_mask(a, w, i, PAIR, f));
    if (i < n)
        vm_storen_bool(out + i, wide_mask(a, w, i, n - i, f), n - i);
}
SV void wide_compare(void *out, const void *a, const void *b, size_t n, wide *f) {
    if (n)
        wide_loop(out, a, (wide_other){b, false, false}, n, f);
}
SV void wide_number(void *out, const void *a, const void *b, size_t n, bool turned, wide *f) {
    if (turned)
        wide_loop(out, a, (wide_other){b, true, true}, n, f);
    else
        wide_loop(out, a, (wide_other){b, true, false}, n, f);
}
#endif

#endif
