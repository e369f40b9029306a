/* The parameters of the primitives: plain structs that an operation fills, a node
 * carries, and a backend reads. A primitive that is not here has none. Each struct's
 * field table stands beside its descriptor in src/ops/. Axes are normalised (0 <= axis
 * < ndim) and lists are complete by the time they are here. */
#ifndef MX_GRAPH_PARAMS_H
#define MX_GRAPH_PARAMS_H

#include "graph/array/prim.h"

typedef struct mx_p_dtype { /* astype, view */
    int dtype;
} mx_p_dtype;

/* broadcast, full: the shape of the result, or of all inputs together if several */
typedef struct mx_p_shape {
    mx_ints shape;
} mx_p_shape;

/* How a reshape was asked for: a shape (with -1), {first axis, last}, {axis, sizes...}, axes, axes;
   as the second input; summed to the second input over what it was broadcast along; without all
   axes of size 1. */
enum mx_reshape_how {
    MX_TO_SHAPE,
    MX_TO_FLAT,
    MX_TO_PARTS,
    MX_TO_SQUEEZED,
    MX_TO_EXPANDED,
    MX_TO_LIKE,
    MX_TO_SUMMED,
    MX_TO_BARE
};
typedef struct mx_p_reshape {
    mx_ints shape; /* of the result */
    int how;
    mx_ints asked; /* empty unless recorded for other shapes (mx_trace_shapeless) */
} mx_p_reshape;

typedef struct mx_p_count { /* number of elements along axes of the input, or one over it */
    mx_ints axes;
    bool inverted;
    int dtype;
} mx_p_count;

typedef struct mx_p_load { /* row-major elements in a file */
    mx_object *file;       /* a mx_loaded (loaded.h) */
    int64_t at;            /* of the first byte; all of them are inside the file */
    mx_ints shape;
    int dtype;
    bool swapped; /* big-endian */
} mx_p_load;

typedef struct mx_p_transpose { /* axis i of the result is axis axes[i] of the input */
    mx_ints axes;
} mx_p_transpose;

typedef struct mx_p_slice { /* element i along an axis is element start + i * step of the input */
    mx_ints start, shape, step; /* one entry an axis; all elements exist */
    /* starts, stops and steps in NumPy's words; empty unless recorded for other shapes, for which
       they mean the same */
    mx_ints asked;
} mx_p_slice;

typedef struct mx_p_as_strided { /* over the input laid out as C arrays are */
    mx_ints shape;
    mx_longs strides;
    int64_t offset;
    /* may reach outside: the result is marked and never read. No field: it means nothing else */
    bool beyond;
} mx_p_as_strided;

typedef struct mx_p_contiguous {
    bool allow_col_major;
} mx_p_contiguous;

typedef struct mx_p_axis { /* concatenate, softmax, gather_axis */
    int axis;
} mx_p_axis;

typedef struct mx_p_pad { /* inputs: a, the 0-dimensional padding value; one entry an axis */
    mx_ints low, high;
} mx_p_pad;

/* inputs: a, update; the region is start + i * step, shaped as update */
typedef struct mx_p_slice_update {
    mx_ints start, step; /* one entry an axis */
    mx_ints asked;       /* as mx_p_slice's */
} mx_p_slice_update;

typedef struct mx_p_dynamic_slice { /* inputs: a, start (1-d integers, one for each of axes) */
    mx_ints axes, shape;            /* shape of the result, one entry an axis of a */
} mx_p_dynamic_slice;

typedef struct mx_p_dynamic_update { /* inputs: a, update, start */
    mx_ints axes;
} mx_p_dynamic_update;

typedef struct mx_p_arange { /* start + i * step, i < n */
    double start, step;
    int n, dtype;
} mx_p_arange;

typedef struct mx_p_linspace { /* n points from start to stop, with it if endpoint */
    double start, stop;
    int n, dtype;
    bool endpoint;
} mx_p_linspace;

typedef struct mx_p_diagonal { /* eye: ones where j - i == k; tri: ones where j - i <= k */
    int rows, columns, k, dtype;
} mx_p_diagonal;

typedef struct mx_p_reduce {
    int op;       /* mx_reduce_op of ops.h */
    mx_ints axes; /* ascending */
    bool keepdims;
} mx_p_reduce;

/* inputs: a (N, spatial..., C), the 0-dimensional padding value. One entry a spatial axis: places
   are the sizes of the result, (N, places..., C) */
typedef struct mx_p_reduce_windows {
    int op; /* mx_reduce_op: a sum, product, maximum or minimum */
    mx_ints low, high, window, stride, places;
} mx_p_reduce_windows;

typedef struct mx_p_arg_reduce {
    bool max;
    int axis;
    bool keepdims;
} mx_p_arg_reduce;

typedef struct mx_p_scan {
    int op; /* mx_scan_op of ops.h */
    int axis;
    bool reverse, inclusive;
} mx_p_scan;

typedef struct mx_p_logsumexp {
    int axis;
    bool keepdims;
} mx_p_logsumexp;

/* inputs: a, then for each of axes the indices along it, all of one shape I. A slice of
   a has shape `slice` and starts at the indices. Result: the slice's axes, with I put
   in before axis `place` and, if drop, without the indexed axes (of size 1 in the slice). */
typedef struct mx_p_gather {
    mx_ints axes, slice;
    int place;
    bool drop;
    mx_ints asked; /* slice, with -1 for all of an axis; empty unless recorded for other shapes */
} mx_p_gather;

/* inputs: a, indices for each of axes (shape I), updates (I..., slice) */
typedef struct mx_p_scatter {
    int op; /* mx_scatter_op of ops.h */
    mx_ints axes;
} mx_p_scatter;

typedef struct mx_p_scatter_axis { /* inputs: a, indices, updates shaped as the indices */
    int op;
    int axis;
} mx_p_scatter_axis;

typedef struct mx_p_sort { /* sort, argsort, partition, argpartition */
    int axis;
    int kth; /* partitions: the place that is right, negative from the end; 0 for the others */
} mx_p_sort;

/* input: keys (..., 2); result (..., shape) of width bytes each */
typedef struct mx_p_random_bits {
    mx_ints shape;
    int width;
} mx_p_random_bits;

/* inputs: float32 logits that broadcast to the noise, a key; result without the axis */
typedef struct mx_p_categorical {
    mx_ints noise;
    int axis;
} mx_p_categorical;

typedef struct mx_p_triangle { /* inverse, cholesky, eigh, solve */
    bool upper;                /* which triangle is read or made */
    bool triangular;           /* inverse, solve: the matrix is triangular */
} mx_p_triangle;
typedef struct mx_p_addmm { /* alpha a b + beta c; inputs: a, b, c */
    double alpha, beta;
} mx_p_addmm;

typedef struct mx_p_gather_mm { /* inputs: a, b, indices of each, of one shape */
    bool sorted;                /* the indices of b ascend; only a hint for derivatives */
} mx_p_gather_mm;

/* rms_norm: x, then the weight; layer_norm: x, then weight and bias as flagged. The vjps take the
   cotangent behind x: (x, g, weight) and give dx, then dw and db as flagged. */
typedef struct mx_p_norm {
    double eps;
    bool weight, bias;
} mx_p_norm;

typedef struct mx_p_rope { /* inputs: x, offset (0-d or one a batch, integers), freqs if flagged */
    int dims;
    bool traditional, inverse, freqs;
    double base, scale;
} mx_p_rope;

typedef struct mx_p_attention { /* inputs: q, k, v, then mask and sinks as flagged */
    double scale;
    bool causal, mask, sinks;
} mx_p_attention;

/* inputs: q, k, v, decay, beta, the first state, then the mask as flagged */
typedef struct mx_p_gated_delta {
    bool mask;
} mx_p_gated_delta;

enum { MX_P_FFT_FULL, MX_P_FFT_TO_HALF, MX_P_FFT_FROM_HALF };
typedef struct mx_p_fft { /* n points along one axis; every result is multiplied by scale */
    int kind, axis, n;
    bool inverse;
    double scale;
} mx_p_fft;

typedef struct mx_p_hadamard { /* n = m 2^k elements along the last axis */
    double scale;
    int m;
    bool transposed; /* the matrix of order m is */
} mx_p_hadamard;
/* Quantized groups along the last axis (kernels/quant/k_quant.h). dequantize: w, scales, and biases
   or the global scale; to dtype where the mode does not say. Products: x, w, scales, biases in
   affine, and lhs and rhs indices in gather_qmm; w is (..., N, K) if transpose, else (..., K,
   N). */
typedef struct mx_p_quant {
    int mode; /* mx_quant_mode */
    int bits, group;
    int dtype;
    bool transpose, sorted;
} mx_p_quant;

typedef struct mx_p_blocks {
    int type;  /* GGUF's id (kernels/blocks/blocks.h) */
    int dtype; /* of the numbers; uint8 where they are the input */
} mx_p_blocks;

/* x times a matrix of blocks; `whole`: x is not rounded to codes (kernels/codes/codes.h). */
typedef struct mx_p_block_matmul {
    int type; /* of the blocks, GGUF's id */
    bool transpose, sorted, whole;
} mx_p_block_matmul;

/* inputs: x (N, spatial..., C), weight (O, kernel..., C / groups); one entry a spatial axis.
   Elements of x stand input_dilation apart, those of the kernel kernel_dilation; padding may be
   negative. */
typedef struct mx_p_conv {
    mx_ints stride, pad_low, pad_high, kernel_dilation, input_dilation;
    int groups;
    bool flip; /* the kernel is read backwards: a convolution, not a correlation */
} mx_p_conv;

/* The derivative of a convolution towards its weight; inputs: x, the cotangent (N, P..., O). */
typedef struct mx_p_conv_weight {
    mx_p_conv conv;
    mx_ints kernel; /* sizes of the weight's spatial axes */
} mx_p_conv_weight;

typedef struct mx_p_plugin {
    int op;           /* mx_plugin_at */
    mx_longs numbers; /* the arguments that are no arrays: integers, or the bits of doubles */
} mx_p_plugin;

#endif
