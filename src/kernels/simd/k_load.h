/* Loads and stores of float32 lanes from the three float storage types, chosen by a constant. */
#ifndef MX_KERNELS_K_LOAD_H
#define MX_KERNELS_K_LOAD_H

#include "base/dtype.h"
#include "kernels/simd/simd.h"

SV size_t kind_size(mx_dtype kind) {
    return kind == MX_FLOAT32 ? 4 : 2;
}
SV const void *kind_at(const void *p, ptrdiff_t i, mx_dtype kind) {
    return (const char *)p + i * (ptrdiff_t)kind_size(kind);
}
SV float kind_get(const void *p, ptrdiff_t i, mx_dtype kind) {
    if (kind == MX_FLOAT32)
        return ((const float *)p)[i];
    uint16_t h = ((const uint16_t *)p)[i];
    return kind == MX_FLOAT16 ? mx_f16_to_f32(h) : mx_bf16_to_f32(h);
}
SV vf kind_load(const void *p, mx_dtype kind) {
    if (kind == MX_FLOAT32)
        return vf_load(p);
    return kind == MX_FLOAT16 ? vf_load_f16(p) : vf_load_bf16(p);
}
SV vf kind_loadn(const void *p, size_t n, mx_dtype kind) {
    if (kind == MX_FLOAT32)
        return vf_loadn(p, n);
    return kind == MX_FLOAT16 ? vf_loadn_f16(p, n) : vf_loadn_bf16(p, n);
}
SV void kind_store(void *p, vf a, mx_dtype kind) {
    if (kind == MX_FLOAT32)
        vf_store(p, a);
    else if (kind == MX_FLOAT16)
        vf_store_f16(p, a);
    else
        vf_store_bf16(p, a);
}
SV void kind_storen(void *p, vf a, size_t n, mx_dtype kind) {
    if (kind == MX_FLOAT32)
        vf_storen(p, a, n);
    else if (kind == MX_FLOAT16)
        vf_storen_f16(p, a, n);
    else
        vf_storen_bf16(p, a, n);
}

#endif
