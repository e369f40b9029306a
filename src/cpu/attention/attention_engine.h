/* Scaled dot product attention: softmax(scale q k^T + mask) v without the matrix of scores.
 *
 *     q (B,H,Lq,D)   k (B,Hk,Lk,D)   v (B,Hk,Lk,Dv)   H a multiple of Hk   out (B,H,Lq,Dv)
 *
 *     many queries ─▶ keys and values packed once, then tiles of the matmul engine, queries as
 *                     columns (attention_prefill.c)
 *     few queries ──▶ keys and values read once, where they lie, at memory speed, in splits of the
 *                     keys (attention_decode.c)
 *
 * Milakov and Gimelshein 2018; Dao et al. 2022. Sums are in float32; their order depends on sizes
 * alone, never on threads. Runs serially inside a body of mx_parallel_for; uses all of mx_scratch.
 */
#ifndef MX_CPU_ATTENTION_ENGINE_H
#define MX_CPU_ATTENTION_ENGINE_H

#include "base/dtype.h"

typedef struct mx_attend_args {
    mx_dtype dtype; /* float32 float16 bfloat16: of q, k, v, out and sinks */
    int64_t batch, heads, kv_heads, q_len, k_len, dim, v_dim;
    const void *q, *k, *v;
    int64_t q_s[4], k_s[4], v_s[4]; /* strides in elements: batch, head, position, feature */
    void *out;
    int64_t out_s[3]; /* batch, head, position; features are adjacent */
    float scale;
    bool causal;         /* query i sees key t where t <= i + Lk - Lq */
    const void *mask;    /* (B,H,Lq,Lk) by strides, or NULL */
    mx_dtype mask_dtype; /* bool: true sees; float32 float16 bfloat16: added to the scores */
    int64_t mask_s[4];
    const void *sinks; /* H scores of a key without value, or NULL */
    float *logsumexp;  /* (B,H,Lq), contiguous, or NULL: what a derivative needs */
} mx_attend_args;

/* False and mx_fail on a failed allocation; nothing else fails. A query that a boolean or causal
   mask hides from every key weighs all alike; one whose float mask is -inf everywhere gives NaN. */
bool mx_attend(const mx_attend_args *args);

#endif
