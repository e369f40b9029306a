/* Attention kernels: one step of the online softmax (Milakov and Gimelshein 2018; Dao et al. 2022).
 *
 * For each query a running maximum m, a running sum l of exp(x - m) and an unfinished output o are
 * kept; a step takes the scores of more keys and brings all three up to date, leaving the weights
 * p = exp(x - m) for the product with the values:
 *
 *     x = scale * score + mask;   m' = max(m, x);   c = exp(m - m');   l' = c l + sum p;   o' = c o
 *
 * Before the first step m = -inf, l = 0, o = 0. In the end the output is o / l and logsumexp is
 * m + log l. A masked score counts as the lowest finite number, so that a query which may see
 * nothing weighs all keys alike; a mask value of -inf is taken as it is, and a query that adds it
 * everywhere gets NaN.
 */
#ifndef MX_KERNELS_K_ATTENTION_H
#define MX_KERNELS_K_ATTENTION_H

#include "kernels/attention/k_decode.h"
#include "kernels/kernels.h"

typedef struct mx_k_att_step {
    float *s;     /* scores in, weights out */
    ptrdiff_t ld; /* elements between rows of s and of mask */
    ptrdiff_t keys;
    float scale;
    const float *mask; /* added, laid out like s; or NULL */
    bool select;       /* mask holds 0 and -inf, and -inf means masked */
    ptrdiff_t limit;   /* query q sees key t only where t <= limit + q; PTRDIFF_MAX: all */
    float *m, *l;      /* of each query */
    float *o;          /* of each query, `values` numbers */
    ptrdiff_t o_ld, values;
} mx_k_att_step;

/* Queries as columns: s (keys, ld), o (values, o_ld); `queries` are rounded up to whole vectors, so
   s, mask, m, l and o have room for them. With pairs, the weights are stored there as pairs of
   bfloat16 (k_matmul.h, one row of ld for two keys) and s is spoilt. */
typedef void mx_k_att_columns(const mx_k_att_step *a, ptrdiff_t queries, uint32_t *pairs);

/* Queries as rows: s (queries, ld), o (queries, o_ld). Several heads may follow one another:
   for `limit`, row r is query r % per_head. */
typedef void mx_k_att_rows(const mx_k_att_step *a, ptrdiff_t queries, ptrdiff_t per_head);

/* The gated delta rule (Yang, Kautz and Hatamizadeh, "Gated Delta Networks", 2024) for rows of a
 * state S (rows, columns), one step after another:
 *
 *     S' = decay S;   S = S' + beta (v - S' k) k^T;   y = S q          masked: S stays, y = 0
 *
 * Rows know nothing of each other. All numbers are of one type, float32 or float64; steps count
 * elements. */
typedef struct mx_k_delta {
    void *state; /* in place */
    ptrdiff_t rows, columns, steps;
    const void *q, *k; /* `columns` numbers every q_step */
    const void *v;     /* `rows` numbers every v_step; y too */
    void *y;
    const void *decay, *beta; /* one number, decay_each: `columns` */
    ptrdiff_t q_step, v_step, decay_step, beta_step;
    bool decay_each;
    const uint8_t *mask; /* of each step, or NULL */
} mx_k_delta;
typedef void mx_k_delta_rows(const mx_k_delta *a);

typedef struct mx_k_attention {
    mx_k_delta_rows *const *delta; /* of float32, of float64 */
    mx_k_att_columns *columns;
    mx_k_att_rows *rows;
    const mx_k_decode *decode;
} mx_k_attention;

#ifdef MX_ISA
extern const mx_k_attention KN(mx_attention);
extern mx_k_delta_rows *const KN(mx_delta)[2]; /* k_delta.c */
extern const mx_k_decode KN(mx_decode);        /* k_decode.c */
mx_k_cell_sums KN(mx_cell_sums);               /* k_cells.c */
extern const mx_k_cell_codes KN(mx_cells_plain), KN(mx_cells_vnni);
#endif

#endif
