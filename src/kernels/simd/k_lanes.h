/* VF_LANES elements of a storage type as float32 lanes and back: float32, float16,
 * bfloat16. The type is a constant where these are used, so nothing of the choice is
 * left. i counts elements. */
#ifndef MX_KERNELS_K_LANES_H
#define MX_KERNELS_K_LANES_H

#include "base/dtype.h"
#include "kernels/simd/simd.h"

SV vf lanes_load(const mx_dtype t, const void *p, size_t i) {
    if (t == MX_FLOAT32)
        return vf_load((const float *)p + i);
    const uint16_t *h = (const uint16_t *)p + i;
    return t == MX_FLOAT16 ? vf_load_f16(h) : vf_load_bf16(h);
}
/* The first n lanes, zeros in the others. */
SV vf lanes_loadn(const mx_dtype t, const void *p, size_t i, size_t n) {
    if (t == MX_FLOAT32)
        return vf_loadn((const float *)p + i, n);
    const uint16_t *h = (const uint16_t *)p + i;
    return t == MX_FLOAT16 ? vf_loadn_f16(h, n) : vf_loadn_bf16(h, n);
}
SV void lanes_store(const mx_dtype t, void *p, size_t i, vf v) {
    if (t == MX_FLOAT32)
        vf_store((float *)p + i, v);
    else if (t == MX_FLOAT16)
        vf_store_f16((uint16_t *)p + i, v);
    else
        vf_store_bf16((uint16_t *)p + i, v);
}
SV void lanes_storen(const mx_dtype t, void *p, size_t i, vf v, size_t n) {
    if (t == MX_FLOAT32)
        vf_storen((float *)p + i, v, n);
    else if (t == MX_FLOAT16)
        vf_storen_f16((uint16_t *)p + i, v, n);
    else
        vf_storen_bf16((uint16_t *)p + i, v, n);
}
/* Lanes i.. of a row of n, as many as there are (zeros behind); and back. */
SV vf lanes_some(const mx_dtype t, const void *p, size_t i, size_t n) {
    return n - i >= VF_LANES ? lanes_load(t, p, i) : lanes_loadn(t, p, i, n - i);
}
SV void lanes_put_some(const mx_dtype t, void *p, size_t i, size_t n, vf v) {
    if (n - i >= VF_LANES)
        lanes_store(t, p, i, v);
    else
        lanes_storen(t, p, i, v, n - i);
}
SV float lanes_get(const mx_dtype t, const void *p, size_t i) {
    if (t == MX_FLOAT32)
        return ((const float *)p)[i];
    uint16_t h = ((const uint16_t *)p)[i];
    return t == MX_FLOAT16 ? mx_f16_to_f32(h) : mx_bf16_to_f32(h);
}
SV void lanes_put(const mx_dtype t, void *p, size_t i, float x) {
    if (t == MX_FLOAT32)
        ((float *)p)[i] = x;
    else
        ((uint16_t *)p)[i] = t == MX_FLOAT16 ? mx_f32_to_f16(x) : mx_f32_to_bf16(x);
}
/* Element offset of a row. */
SV const void *lanes_row(const mx_dtype t, const void *p, size_t row, ptrdiff_t stride) {
    ptrdiff_t at = (ptrdiff_t)row * stride;
    return (const char *)p + at * (t == MX_FLOAT32 ? 4 : 2);
}
SV void *lanes_row_out(const mx_dtype t, void *p, size_t row, ptrdiff_t stride) {
    return (char *)p + (ptrdiff_t)row * stride * (t == MX_FLOAT32 ? 4 : 2);
}

#endif
