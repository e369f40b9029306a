/* The kernels of convolution in the spatial domain; k_winograd.h has those of another.
 */
#ifndef MX_KERNELS_K_CONV_H
#define MX_KERNELS_K_CONV_H

#include <stddef.h>

#include "base/dtype.h"
#include "kernels/conv/k_winograd.h"

/* A line of pixels of depthwise convolution, each channel with its own weights, and their
 * derivative:
 *
 *     depthwise          out[p][c] = sum over l, t of in[l][q][c] * w[l][t][c]
 *     depthwise_weight   w[l][t][c] += sum over p of in[l][q][c] * out[p][c]
 *
 * for lines l of input, taps t of a line, p < pixels, c < channels and q = p * stride + first +
 * t * spread; what lies outside of 0 .. width counts as 0. float16 float32 bfloat16; weights and
 * sums are float32. Channels are adjacent. Weights are in panels of as many channels as the f32
 * format of k_matmul.h has columns: (panel, all taps, nr), where those of line l begin with tap
 * at[l]. */
typedef struct mx_k_depthwise_args {
    void *out;
    const void *const *in; /* pixel 0 of each line */
    float *w;
    const ptrdiff_t *at;
    ptrdiff_t lines, taps, all; /* all: the taps of a panel */
    ptrdiff_t pixels, channels, width, stride, first, spread;
    ptrdiff_t out_step; /* elements between pixels of out */
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

/* Patches of `runs` times `run` numbers, side by side:
 *
 *     to[p][r][i] = from[p * step + at[r] + i]    p < count, r < runs, i < run
 */
typedef struct mx_k_conv_patches_args {
    float *to;
    const float *from;
    const ptrdiff_t *at;
    ptrdiff_t runs, run, step, count;
} mx_k_conv_patches_args;
typedef void mx_k_conv_patches(const mx_k_conv_patches_args *a);

/* Positions of a line, for few outputs: lanes are neighbouring positions. float32,
 *
 *     out[o * ldo + p] = sum over j < k of x[at[j] + p] * w[o * k + j]    o < outputs, p < count
 *
 * each sum in the order of j. Behind the last number of x that is asked for as many as a vector
 * has can be read. */
typedef struct mx_k_conv_slide_args {
    const float *x;
    const ptrdiff_t *at;
    ptrdiff_t k, outputs, count;
    const float *w;
    float *out;
    ptrdiff_t ldo;
} mx_k_conv_slide_args;
typedef void mx_k_conv_slide(const mx_k_conv_slide_args *a);

typedef struct mx_k_conv {
    mx_k_depthwise *depthwise[MX_DTYPE_COUNT];
    mx_k_depthwise *depthwise_weight[MX_DTYPE_COUNT];
    mx_k_conv_tile *tile;
    mx_k_conv_outer *outer;
    mx_k_conv_patches *patches;
    mx_k_conv_slide *slide;
    const mx_k_winograd *winograd;
} mx_k_conv;

#ifdef MX_ISA
mx_k_conv_slide KN(k_conv_slide); /* k_slide.c */
#endif

#endif
