/* The kernels of depthwise convolution: a run of pixels of (..., channels), each channel
 * with its own weights.
 *
 *     depthwise          out[p][c] = sum over i of in[p * step + at[i] + c] * w[i][c]
 *     depthwise_weight   w[i][c] += sum over p of in[p * step + at[i] + c] * out[p][c]
 *
 * for p < pixels, c < channels. float16 float32 bfloat16; weights and sums are float32. Channels
 * are adjacent; steps count elements, those of out between its pixels.
 */
#ifndef MX_KERNELS_K_CONV_H
#define MX_KERNELS_K_CONV_H

#include <stddef.h>

#include "base/dtype.h"
#include "kernels/conv/k_winograd.h"

typedef struct mx_k_depthwise_args {
    void *out;
    const void *in;
    float *const *w;     /* for each tap `channels` weights */
    const ptrdiff_t *at; /* for each tap where its pixel lies */
    ptrdiff_t taps, pixels, channels;
    ptrdiff_t step, out_step; /* between pixels */
} mx_k_depthwise_args;
typedef void mx_k_depthwise(const mx_k_depthwise_args *a);

/* A register tile of a convolution that reads its input where it lies: float32,
 *
 *     c(i,j) = sum over runs r, k < len[r] of row[r * mr + i][k] * b(at[r] + k, j)   i < m, j < n
 *
 * b is a panel of nr columns as the f32 format of k_matmul.h packs them, m <= mr and n <= nr of
 * that format; all mr rows of a run can be read. */
typedef struct mx_k_conv_tile_args {
    int m, n;
    ptrdiff_t runs;
    const float *const *row;
    const ptrdiff_t *at, *len;
    const float *b;
    float *c;
    ptrdiff_t ldc;
} mx_k_conv_tile_args;
typedef void mx_k_conv_tile(const mx_k_conv_tile_args *a);

/* A register tile of the weights' derivative, float32; all mr rows of the f32 format, n <= nr
 * columns:
 *
 *     c(i,j) += sum over runs r, p < len[r] of a[r][p * a_step + i] * b[r][p * b_step + j]
 */
typedef struct mx_k_conv_outer_args {
    int n;
    ptrdiff_t runs;
    const float *const *a, *const *b;
    const ptrdiff_t *len;
    ptrdiff_t a_at, b_at; /* added to all of a, of b */
    ptrdiff_t a_step, b_step;
    float *c;
    ptrdiff_t ldc;
} mx_k_conv_outer_args;
typedef void mx_k_conv_outer(const mx_k_conv_outer_args *a);

typedef struct mx_k_conv {
    mx_k_depthwise *depthwise[MX_DTYPE_COUNT];
    mx_k_depthwise *depthwise_weight[MX_DTYPE_COUNT];
    mx_k_conv_tile *tile;
    mx_k_conv_outer *outer;
    const mx_k_winograd *winograd;
} mx_k_conv;

#endif
