/* Attention: rows of a mask, sinks and rows of the result, as both routes read and write them. */
#include <math.h>

#include "base/half.h"
#include "cpu/attention/attention_internal.h"
#include "kernels/kernels.h"

const void *att_mask_at(const mx_attend_args *a, int64_t b, int64_t h, int64_t i, int64_t t) {
    const int64_t *s = a->mask_s;
    return att_at(a->mask, b * s[0] + h * s[1] + i * s[2] + t * s[3], a->mask_dtype);
}

void att_mask_row(const mx_attend_args *a, float *dst, const void *src, int64_t stride, int64_t n) {
    if (a->mask_dtype == MX_BOOL) {
        const uint8_t *p = src;
        for (int64_t t = 0; t < n; t++)
            dst[t] = p[t * stride] ? 0.0f : -INFINITY;
    } else {
        mx_kernels_get()->matmul->f32->pack[a->mask_dtype](dst, (int)n, src, stride, 0, (int)n, 1);
    }
}

float att_sink(const mx_attend_args *a, int64_t h) {
    if (a->dtype == MX_FLOAT32)
        return ((const float *)a->sinks)[h];
    uint16_t u = ((const uint16_t *)a->sinks)[h];
    return a->dtype == MX_FLOAT16 ? mx_f16_to_f32(u) : mx_bf16_to_f32(u);
}

void att_store(const mx_attend_args *a, int64_t b, int64_t h, int64_t i, const float *row, float m,
               float l) {
    const int64_t *s = a->out_s;
    mx_k_store_args g = {
        .out = (char *)a->out + (b * s[0] + h * s[1] + i * s[2]) * (int64_t)mx_dtype_size(a->dtype),
        .acc = row,
        .m = 1,
        .n = a->v_dim,
        .alpha = a->k_len == 0 ? 0.0 : 1.0 / l, // no keys: zeros
    };
    mx_kernels_get()->matmul->store[a->dtype](&g);
    if (a->logsumexp)
        a->logsumexp[(b * a->heads + h) * a->q_len + i] = isinf(m) ? m : m + logf(l);
}
