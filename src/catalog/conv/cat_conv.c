/* Convolutions. */
#include <string.h>

#include "capi/capi.h"
#include "catalog/cat.h"

typedef struct convolution {
    int axes;
    bool transposed;
} convolution;

/* Stride, padding, dilation, and for transposed ones output padding: one int for all axes or one
   for each. */
typedef struct window {
    int stride[3], padding[3], dilation[3], more[3];
} window;

static int read_window(window *w, const convolution *f, const mlx_value *args) {
    return cat_each(w->stride, f->axes, &args[2], "conv: stride") ||
           cat_each(w->padding, f->axes, &args[3], "conv: padding") ||
           cat_each(w->dilation, f->axes, &args[4], "conv: dilation") ||
           (f->transposed && cat_each(w->more, f->axes, &args[5], "conv: output_padding"));
}

static int plain(mlx_array *out, mlx_array x, mlx_array w, int axes, const window *at, int groups,
                 mlx_stream s) {
    const int *st = at->stride, *p = at->padding, *d = at->dilation;
    switch (axes) {
    case 1: return mlx_conv1d(out, x, w, st[0], p[0], d[0], groups, s);
    case 2: return mlx_conv2d(out, x, w, st[0], st[1], p[0], p[1], d[0], d[1], groups, s);
    default:
        return mlx_conv3d(out, x, w, st[0], st[1], st[2], p[0], p[1], p[2], d[0], d[1], d[2],
                          groups, s);
    }
}

static int transposed(mlx_array *out, mlx_array x, mlx_array w, int axes, const window *at,
                      int groups, mlx_stream s) {
    const int *st = at->stride, *p = at->padding, *d = at->dilation, *m = at->more;
    switch (axes) {
    case 1: return mlx_conv_transpose1d(out, x, w, st[0], p[0], d[0], m[0], groups, s);
    case 2:
        return mlx_conv_transpose2d(out, x, w, st[0], st[1], p[0], p[1], d[0], d[1], m[0], m[1],
                                    groups, s);
    default:
        return mlx_conv_transpose3d(out, x, w, st[0], st[1], st[2], p[0], p[1], p[2], d[0], d[1],
                                    d[2], m[0], m[1], m[2], groups, s);
    }
}

/* input, weight, stride, padding, dilation, (output_padding,) groups, stream */
static int call_conv(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const convolution *f = op->function.family;
    window w;
    int groups = INT(5 + f->transposed);
    mlx_stream s = ON(6 + f->transposed);
    if (cat_array(&args[0]) || cat_array(&args[1]) || read_window(&w, f, args))
        return 1;
    return (f->transposed ? transposed : plain)(OUT, ARRAY(0), ARRAY(1), f->axes, &w, groups, s);
}

/* input, weight, stride, padding, kernel_dilation, input_dilation, groups, flip, stream */
static int call_conv_general(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    int one[5];
    bool pair = args[3].kind == MLX_VALUE_LIST;
    (void)op;
    if (pair && args[3].count != 2)
        return cat_fail(MX_INVALID, "[conv_general] padding has two lists (before, after), not %d",
                        args[3].count);
    cat_list stride = cat_ints(&args[2], &one[0]), dilation = cat_ints(&args[4], &one[3]);
    cat_list low = cat_ints(pair ? &args[3].as.items[0] : &args[3], &one[1]);
    cat_list high = cat_ints(pair ? &args[3].as.items[1] : &args[3], &one[2]);
    cat_list input = cat_ints(&args[5], &one[4]);
    return cat_array(&args[0]) || cat_array(&args[1]) ||
           mlx_conv_general(OUT, ARRAY(0), ARRAY(1), stride.ints, stride.count, low.ints, low.count,
                            high.ints, high.count, dilation.ints, dilation.count, input.ints,
                            input.count, INT(6), FLAG(7), ON(8));
}

/* --- convolve --------------------------------------------------------------------------------- */

/* How far the kernel of n points reaches over the ends of the longer vector. -1 and an error: no
   such mode. */
static int margins(const char *mode, int n, int *low, int *high) {
    bool full = !strcmp(mode, "full"), same = !strcmp(mode, "same");
    if (!full && !same && strcmp(mode, "valid"))
        return cat_fail(MX_INVALID,
                        "[convolve] mode must be 'full', 'same' or 'valid', not '%.100s'", mode);
    *low = full ? n - 1 : same ? n / 2 : 0;
    *high = full ? n - 1 : same ? (n - 1) / 2 : 0;
    return 0;
}

static int convolve(mlx_array *out, mlx_array a, mlx_array v, const char *mode, mlx_stream s) {
    int one = 1, low, high, shape[3] = {1, -1, 1};
    mlx_array x = mlx_array_new(), w = mlx_array_new(), y = mlx_array_new();
    int status =
        margins(mode, mlx_array_dim(v, 0), &low, &high) || mlx_reshape(&x, a, shape, 3, s) ||
        mlx_reshape(&w, v, shape, 3, s) ||
        mlx_conv_general(&y, x, w, &one, 1, &low, 1, &high, 1, &one, 1, &one, 1, 1, true, s) ||
        mlx_flatten(out, y, 0, -1, s);
    mlx_array_free(x);
    mlx_array_free(w);
    mlx_array_free(y);
    return status;
}

/* a, v, mode, stream */
static int call_convolve(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_array(&args[0]) || cat_array(&args[1]))
        return 1;
    if (mlx_array_ndim(ARRAY(0)) != 1 || mlx_array_ndim(ARRAY(1)) != 1)
        return cat_fail(MX_INVALID,
                        "[convolve] two vectors are needed, not arrays of %zu and %zu axes",
                        mlx_array_ndim(ARRAY(0)), mlx_array_ndim(ARRAY(1)));
    if (!mlx_array_size(ARRAY(0)) || !mlx_array_size(ARRAY(1)))
        return cat_fail(MX_INVALID, "[convolve] a vector without elements was given");
    capi_pins(ARRAY(0), "Convolution"); // which is the longer one, and by how much
    capi_pins(ARRAY(1), "Convolution");
    bool swap = mlx_array_size(ARRAY(0)) < mlx_array_size(ARRAY(1));
    return convolve(OUT, ARRAY(swap), ARRAY(!swap), args[2].as.string, ON(3));
}

/* --- rows ------------------------------------------------------------------------------------- */

#define INTS2 "int | tuple[int, int]"
#define INTS3 "int | tuple[int, int, int]"
#define CONV(name, type, n, doc)                                                  \
    {CORE,                                                                        \
     name "(input: array, weight: array, /, stride: " type " = 1, padding: " type \
          " = 0, dilation: " type " = 1, groups: int = 1, *, " STREAM,            \
     doc, call_conv, FAMILY(convolution, n, false)}
#define CONV_TRANSPOSE(name, type, n, doc)                                        \
    {CORE,                                                                        \
     name "(input: array, weight: array, /, stride: " type " = 1, padding: " type \
          " = 0, dilation: " type " = 1, output_padding: " type                   \
          " = 0, groups: int = 1, *, " STREAM,                                    \
     doc, call_conv, FAMILY(convolution, n, true)}

const mlx_operation cat_conv_rows[] = {
    CONV("conv1d", "int", 1,
         "Convolution of (N, L, C) with weight (O, K, C / groups), without flipping it."),
    CONV("conv2d", INTS2, 2,
         "Convolution of (N, H, W, C) with weight (O, KH, KW, C / groups), without flipping it."),
    CONV("conv3d", INTS3, 3,
         "Convolution of (N, D, H, W, C) with weight (O, KD, KH, KW, C / groups), without flipping "
         "it."),
    CONV_TRANSPOSE(
        "conv_transpose1d", "int", 1,
        "Transposed convolution of (N, L, C) with weight (O, K, C / groups): the derivative of "
        "conv1d with "
        "respect to its input."),
    CONV_TRANSPOSE("conv_transpose2d", INTS2, 2,
                   "Transposed convolution of (N, H, W, C) with weight (O, KH, KW, C / groups)."),
    CONV_TRANSPOSE(
        "conv_transpose3d", INTS3, 3,
        "Transposed convolution of (N, D, H, W, C) with weight (O, KD, KH, KW, C / groups)."),
    {CORE,
     "conv_general(input: array, weight: array, /, stride: int | Sequence[int] = 1, padding: int "
     "| Sequence[int] | "
     "tuple[Sequence[int], Sequence[int]] = 0, kernel_dilation: int | Sequence[int] = 1, "
     "input_dilation: int | "
     "Sequence[int] = 1, groups: int = 1, flip: bool = False, *, " STREAM,
     "Convolution over any number of axes, channels last. padding may be two lists (before, "
     "after); input_dilation puts "
     "zeros between the elements of input; flip turns the weight round.",
     call_conv_general},
    {CORE, "convolve(a: array, v: array, /, mode: str = \"full\", *, " STREAM,
     "The discrete convolution of two vectors, of length N + M - 1; 'same' keeps the middle N of "
     "the longer vector, "
     "'valid' what needs no margin.",
     call_convolve},
    {NULL},
};
