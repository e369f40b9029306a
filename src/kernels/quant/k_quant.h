/* Quantized matrices: groups of small codes with a scale (and a bias) each.
 *
 *     row of w        k=0  k=1  k=2 ...           codes of `bits` bits, lowest bits first, one
 *                     └── group 0 ──┴── group 1   stream of little-endian uint32 words without gaps
 *     row of scales   s(0)           s(1) ...     one for each group
 *
 *     mode      code                 value                    scale
 *     affine    0 .. 2^bits - 1      s code + b               the weights' dtype, bias too
 *     mxfp4     e2m1                 s e2m1                   e8m0: a power of two
 *     mxfp8     e4m3                 s e4m3                   e8m0
 *     nvfp4     e2m1                 s e2m1 factor            e4m3; factor: the matrix's own scale
 *
 * The number formats are those of base/fp8.h; the rounding is MLX's, so that words and scales are
 * the same bits. Groups have 16, 32, 64 or 128 codes and begin at whole words.
 */
#ifndef MX_KERNELS_K_QUANT_H
#define MX_KERNELS_K_QUANT_H

#include "kernels/kernels.h"

typedef enum mx_quant_mode {
    MX_AFFINE,
    MX_MXFP4,
    MX_MXFP8,
    MX_NVFP4,
    MX_QUANT_MODES
} mx_quant_mode;

/* The modes above these are GGUF's: this number and the id of its blocks (blocks/blocks.h). */
enum { MX_BLOCK_MODE = 64 };

typedef struct mx_quant_format {
    mx_quant_mode mode;
    int bits, group;
} mx_quant_format;

/* Rows of a quantized matrix; strides in bytes. */
typedef struct mx_quant_matrix {
    mx_quant_format format;
    mx_dtype stype; /* of scales and biases: float16, float32, bfloat16; uint8 where codes */
    const char *w, *scales, *biases; /* biases NULL but in affine */
    ptrdiff_t w_rs, s_rs;
    float factor; /* 1 but in nvfp4 */
} mx_quant_matrix;

/* Words and scales of `groups` consecutive groups of numbers x of one dtype (float16, float32,
   bfloat16). In affine the scales and biases have that dtype. stretch: 1, or in nvfp4 what x is
   multiplied by. */
typedef void mx_k_quantize(uint32_t *w, void *scales, void *biases, const void *x,
                           mx_quant_format f, ptrdiff_t groups, float stretch);
/* Numbers k0 .. k0+n of one row, as float32. */
typedef void mx_k_dequant(float *dst, const mx_quant_matrix *m, ptrdiff_t row, ptrdiff_t k0,
                          ptrdiff_t n);
/* n numbers of a row from its start in a dtype: product and sum are each rounded to it. */
typedef void mx_k_dequantize(void *dst, const mx_quant_matrix *m, ptrdiff_t row, ptrdiff_t n);

typedef void mx_k_to_fp8(uint8_t *dst, const void *x, size_t n);
typedef void mx_k_from_fp8(void *dst, const uint8_t *x, size_t n);

/* Rows against vectors. The vectors are arranged once: for k numbers that takes (k rounded up to a
   multiple of 32 lanes / bits) floats. */
typedef void mx_k_quant_arrange(float *dst, const float *x, ptrdiff_t k, int bits);
/* y[i * ldy + r] = sum over k of row (row + r) times vector i of s; vectors ldx apart. Sums over
   MX_K_QUANT_STRETCH numbers each are added up. */
typedef void mx_k_quant_dot(float *y, ptrdiff_t ldy, const mx_quant_matrix *m, ptrdiff_t row,
                            ptrdiff_t rows, const float *x, ptrdiff_t ldx, int s, ptrdiff_t k);
/* Numbers k0 .. k0+n of a row, a stretch or less, arranged as vectors are: what mx_k_quant_dot
   multiplies by. For codes of 2, 4 and 8 bits. */
typedef void mx_k_quant_arranged(float *dst, const mx_quant_matrix *m, ptrdiff_t row, ptrdiff_t k0,
                                 ptrdiff_t n);
enum { MX_K_QUANT_STRETCH = 1024 };

typedef struct mx_k_quant_dots {
    int lanes;
    mx_k_quant_arrange *arrange;
    mx_k_quant_dot *dot;
    mx_k_quant_arranged *arranged;
} mx_k_quant_dots;

/* Rows row .. row+rows of W, numbers k0 .. k0+k of each, as a micropanel of width w (k_matmul.h):
   float32, or pairs of bfloat16. w is a multiple of the lanes; k0 is even. Missing rows are
   zero. */
typedef void mx_k_quant_pack(void *dst, int w, const mx_quant_matrix *m, ptrdiff_t row, int rows,
                             ptrdiff_t k0, ptrdiff_t k, bool pairs);

typedef struct mx_k_quant { /* the lists have float16, float32 and bfloat16 */
    mx_k_quantize *quantize[MX_DTYPE_COUNT];
    mx_k_dequant *dequant;
    const mx_k_quant_dots *dots;
    mx_k_quant_pack *pack;
    mx_k_dequantize *dequantize[MX_DTYPE_COUNT];
    mx_k_to_fp8 *to_fp8[MX_DTYPE_COUNT];
    mx_k_from_fp8 *from_fp8[MX_DTYPE_COUNT];
} mx_k_quant;

#ifdef MX_ISA
extern const mx_k_quant KN(mx_quant);
extern const mx_k_quant_dots KN(k_quant_dots);
#endif

/* --- affine in float64 (quant_f64.c) ---------------------------------------------------------- */

void mx_quantize_f64(uint32_t *w, double *scales, double *biases, const double *x,
                     mx_quant_format f, ptrdiff_t groups);
/* Numbers k0 .. k0+n of one row whose scales and biases are float64. */
void mx_dequant_f64(double *dst, const mx_quant_matrix *m, ptrdiff_t row, ptrdiff_t k0,
                    ptrdiff_t n);

/* Code i of a row of words. */
static inline unsigned mx_quant_code(const void *w, ptrdiff_t i, int bits) {
    const unsigned char *p = w;
    ptrdiff_t bit = i * bits;
    unsigned u = p[bit >> 3];
    if ((bit & 7) + bits > 8)
        u |= (unsigned)p[(bit >> 3) + 1] << 8;
    return u >> (bit & 7) & ((1u << bits) - 1u);
}

#endif
