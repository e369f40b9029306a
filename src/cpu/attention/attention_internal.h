/* Between the files of the attention engine. */
#ifndef MX_CPU_ATTENTION_INTERNAL_H
#define MX_CPU_ATTENTION_INTERNAL_H

#include "cpu/attention/attention_engine.h"
#include "kernels/attention/k_attention.h"
#include "kernels/matmul/k_matmul.h"

/* Keys a step: scores stay in L1, packed keys and values in L2. Even, for pairs of bfloat16. */
#ifdef MX_TORTURE
enum { ATT_KEYS = 6 };
#else
enum { ATT_KEYS = 128 };
#endif

/* Both false when memory ran out; they record no error. */
bool att_prefill(const mx_attend_args *a);
bool att_decode(const mx_attend_args *a);

/* Few enough queries a key-value head, and keys that can be read where they lie? */
bool att_is_decode(const mx_attend_args *a);

static inline int64_t att_min(int64_t a, int64_t b) {
    return a < b ? a : b;
}
static inline int64_t att_ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}
static inline const void *att_at(const void *p, int64_t i, mx_dtype t) {
    return (const char *)p + i * (int64_t)mx_dtype_size(t);
}

/* The last key that query i sees, counted from key t0. */
static inline ptrdiff_t att_limit(const mx_attend_args *a, int64_t i, int64_t t0) {
    return a->causal ? i + a->k_len - a->q_len - t0 : PTRDIFF_MAX;
}

/* The mask of query i of a head from key t on. */
const void *att_mask_at(const mx_attend_args *a, int64_t b, int64_t h, int64_t i, int64_t t);
/* n numbers of a mask as float32; true is 0 and false -inf. */
void att_mask_row(const mx_attend_args *a, float *dst, const void *src, int64_t stride, int64_t n);
float att_sink(const mx_attend_args *a, int64_t h);
/* Round one output row of v_dim numbers, and its logsumexp from m and l. */
void att_store(const mx_attend_args *a, int64_t b, int64_t h, int64_t i, const float *row, float m,
               float l);

#endif
