/* Quantized operations: MLX's own words, shapes, dtypes, refusals. */
#include "cases/op_check.h"
#include "quant_vectors.h"
#include "transforms/transforms.h"

static mx_quant_format format(const char *mode, int group, int bits) {
    mx_quant_format f;
    CHECK(mx_quant_format_from("test", mode, group ? &group : NULL, bits ? &bits : NULL, &f));
    return f;
}

/* --- MLX's words ------------------------------------------------------------------------------ */

static mx_array *input(mx_dtype t) {
    float x[128];
    for (int i = 0; i < 128; i++)
        x[i] = quant_input[i] / 4096.0f;
    return mx_astype(mx_array_from(x, SHAPE(1, 128), MX_FLOAT32), t);
}

static uint32_t bits_of(const mx_array *a, int64_t i) {
    return a->dtype == MX_UINT8 ? (uint8_t)a->data[i] : ((const uint32_t *)(void *)a->data)[i];
}

static void check_bits(const mx_array *a, const uint32_t *want, const quant_vector *v,
                       const char *what) {
    if (!CHECK(mx_eval1((mx_array *)a)))
        return;
    for (int64_t i = 0; i < a->size; i++)
        if (!CHECK_MSG(bits_of(a, i) == want[i], "%s of %s, %d bits: %08x at %d, expected %08x",
                       what, v->mode, v->bits, bits_of(a, i), (int)i, want[i]))
            return;
}

static void vectors(void) {
    for (size_t i = 0; i < sizeof quant_vectors / sizeof *quant_vectors; i++) {
        const quant_vector *v = &quant_vectors[i];
        mx_array *out[3], *global = NULL;
        if (v->global)
            global = mx_array_from(&v->global, NULL, 0, MX_FLOAT32);
        CHECK(mx_quantize(input(MX_FLOAT32), format(v->mode, v->group, v->bits), global, out));
        check_bits(out[0], v->words, v, "words");
        check_bits(out[1], v->scales, v, "scales");
        if (out[2])
            check_bits(out[2], v->biases, v, "biases");
    }
}

/* In float64 the formula is the same, so the codes are. */
static void double_words(void) {
    mx_quant_format f = format(NULL, 32, 5);
    mx_array *a[3], *b[3];
    mx_array *x = mx_add_s(mx_mul_s(input(MX_FLOAT64), 0.987654321), 0.01);
    CHECK(mx_quantize(x, f, NULL, a) && mx_quantize(mx_astype(x, MX_FLOAT32), f, NULL, b));
    IS(mx_array_equal(a[0], b[0], false), "array(True, dtype=bool)");
    mx_array *back = mx_dequantize(a[0], a[1], a[2], f, NULL, NULL);
    IS(mx_allclose(back, x, 0, 0.2, false), "array(True, dtype=bool)");
    CHECK_EQ_INT(back->dtype, MX_FLOAT64);
    CHECK(mx_quantize(input(MX_FLOAT64), format("mxfp8", 0, 0), NULL, a));
    CHECK_EQ_INT(a[1]->dtype, MX_UINT8);
}

/* --- special groups --------------------------------------------------------------------------- */

static void back_is(const char *mode, double first, double second, const char *want) {
    double x[32] = {first, second};
    mx_array *out[3];
    mx_quant_format f = format(mode, strcmp(mode, "nvfp4") ? 32 : 16, 0);
    mx_dtype t = MX_FLOAT32;
    CHECK(mx_quantize(values(MX_FLOAT32, SHAPE(1, 32), x), f, NULL, out));
    mx_array *y = mx_dequantize(out[0], out[1], out[2], f, NULL, &t);
    IS(mx_slice_axis(mx_reshape(y, SHAPE(32)), 0, 0, 3), want);
}

static void special_groups(void) {
    back_is("affine", 0, 0, "array([0, 0, 0], dtype=float32)");
    back_is("affine", 15, 0, "array([15, 0, 0], dtype=float32)");
    back_is("affine", NAN, 15, "array([nan, nan, nan], dtype=float32)");
    back_is("affine", INFINITY, 1, "array([nan, nan, nan], dtype=float32)");
    back_is("mxfp4", 0, 0, "array([0, 0, 0], dtype=float32)");
    back_is("mxfp4", 7, -2.6, "array([6, -3, 0], dtype=float32)");
    back_is("mxfp4", INFINITY, 1, "array([inf, 0, 0], dtype=float32)");
    back_is("mxfp4", NAN, 1, "array([nan, nan, nan], dtype=float32)");
    back_is("mxfp8", -INFINITY, 1, "array([-inf, 0, 0], dtype=float32)");
    back_is("mxfp8", NAN, 1, "array([nan, nan, nan], dtype=float32)");
    back_is("nvfp4", -INFINITY, 1, "array([-2688, 0, 0], dtype=float32)");
    back_is("nvfp4", NAN, 1, "array([nan, nan, nan], dtype=float32)");
    back_is("mxfp8", 1e-40, 0, "array([1.03315e-40, 0, 0], dtype=float32)");
}

/* --- products --------------------------------------------------------------------------------- */

static mx_array *noise(const int *shape, int ndim, mx_dtype t) {
    return mx_random_normal(shape, ndim, t, NULL, NULL, mx_random_key(check_seed(7)));
}

/* Largest difference to the product with the expanded matrix, over the largest of its numbers. */
static double distance(mx_array *y, mx_array *x, mx_array *w) {
    mx_array *want = mx_matmul(mx_astype(x, MX_FLOAT64), mx_astype(w, MX_FLOAT64));
    mx_array *d = mx_abs(mx_sub(mx_astype(y, MX_FLOAT64), want));
    d = mx_div(mx_reduce(MX_MAX, d, NULL, 0, false),
               mx_reduce(MX_MAX, mx_abs(want), NULL, 0, false));
    return CHECK(mx_eval1(d)) ? *(double *)(void *)d->data : NAN;
}

static void check_product(mx_quant_format f, mx_dtype t, int m, int n, int k) {
    static const mx_dtype wide = MX_FLOAT32;
    double room = t == MX_FLOAT32 ? 1e-5 : t == MX_FLOAT16 ? 2e-3 : 2e-2;
    mx_array *q[3], *w = mx_astype(noise(SHAPE(n, k), MX_FLOAT32), t);
    CHECK(mx_quantize(w, f, NULL, q));
    mx_array *s = f.mode == MX_AFFINE ? mx_astype(q[1], wide) : q[1];
    mx_array *b = q[2] ? mx_astype(q[2], wide) : NULL;
    mx_array *full = mx_dequantize(q[0], s, b, f, NULL, &wide);
    mx_array *x = noise(SHAPE(m, k), t), *z = noise(SHAPE(m, n), t);
    mx_array *y = mx_quantized_matmul(x, q[0], q[1], q[2], true, f);
    CHECK_EQ_INT(y ? y->dtype : -1, t);
    double d = distance(y, x, mx_swapaxes(full, 0, 1));
    CHECK_MSG(d < room, "mode %d bits %d (%d,%d,%d): %g", f.mode, f.bits, m, n, k, d);
    d = distance(mx_quantized_matmul(z, q[0], q[1], q[2], false, f), z, full);
    CHECK_MSG(d < room, "mode %d bits %d (%d,%d,%d) plain: %g", f.mode, f.bits, m, k, n, d);
}

static void products(void) {
    static const mx_quant_format formats[] = {
        {MX_AFFINE, 2, 32}, {MX_AFFINE, 3, 64}, {MX_AFFINE, 4, 32}, {MX_AFFINE, 4, 128},
        {MX_AFFINE, 5, 32}, {MX_AFFINE, 6, 64}, {MX_AFFINE, 8, 64}, {MX_MXFP4, 4, 32},
        {MX_MXFP8, 8, 32},  {MX_NVFP4, 4, 16}};
    static const int sizes[][3] = {{1, 70, 384}, {3, 33, 128}, {9, 300, 1408}, {64, 96, 256}};
    static const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16};
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (size_t t = 0; t < 3; t++) {
                mx_scope scope = mx_scope_open();
                check_product(formats[f], types[t], sizes[s][0], sizes[s][1], sizes[s][2]);
                mx_scope_close(scope);
            }
}

/* Experts: rows sorted or not, many to one expert, none to another. */
static void experts(void) {
    mx_quant_format f = format(NULL, 32, 4);
    mx_array *q[3], *w = noise(SHAPE(5, 24, 64), MX_FLOAT32),
                    *x = noise(SHAPE(90, 1, 64), MX_FLOAT32);
    CHECK(mx_quantize(w, f, NULL, q));
    mx_array *full = mx_dequantize(q[0], q[1], q[2], f, NULL, NULL);
    int32_t pick[180];
    for (int i = 0; i < 180; i++)
        pick[i] = i % 7 == 0 ? -1 : i % 9 < 8 ? 2 : 0;
    mx_array *rhs = mx_array_from(pick, SHAPE(90, 2), MX_INT32);
    mx_array *lhs = mx_reshape(mx_arange(0, 90, 1, MX_INT32), SHAPE(90, 1));
    mx_array *y = mx_gather_qmm(x, q[0], q[1], q[2], lhs, rhs, true, f, false);
    mx_array *want = mx_matmul(mx_take(x, mx_broadcast_to(lhs, SHAPE(90, 2)), 0),
                               mx_swapaxes(mx_take(full, rhs, 0), -1, -2));
    IS(mx_allclose(y, want, 1e-4, 1e-4, false), "array(True, dtype=bool)");
    mx_array *order = mx_sort(mx_reshape(rhs, SHAPE(180)), 0);
    mx_array *rows = mx_broadcast_to(mx_arange(0, 1, 1, MX_INT32), SHAPE(180));
    y = mx_gather_qmm(x, q[0], q[1], q[2], rows, order, true, f, true);
    want = mx_matmul(mx_take(x, rows, 0), mx_swapaxes(mx_take(full, order, 0), -1, -2));
    IS(mx_allclose(y, want, 1e-4, 1e-4, false), "array(True, dtype=bool)");
    FAILS(mx_gather_qmm(x, q[0], q[1], q[2], NULL, mx_scalar(5, MX_INT32), true, f, false),
          "[gather_qmm] index 5 is out of bounds for axis 0 with size 5.");
    FAILS(mx_gather_qmm(x, q[0], q[1], q[2], NULL, mx_scalar(1, MX_FLOAT32), true, f, false),
          "[gather_qmm] Got indices with invalid dtype. Indices must be integral.");
}

/* --- both sides quantized --------------------------------------------------------------------- */

static mx_array *there_and_back(mx_array *a, mx_quant_format f, mx_array *global) {
    mx_array *q[3];
    mx_dtype t = MX_FLOAT32;
    CHECK(mx_quantize(a, f, global, q));
    return mx_dequantize(q[0], q[1], NULL, f, global, &t);
}

static void check_both(const char *mode, mx_array *gx, mx_array *gw, mx_dtype t) {
    mx_quant_format f = format(mode, 0, 0);
    mx_array *x = noise(SHAPE(3, 64), t), *w = noise(SHAPE(5, 64), t), *q[3];
    mx_array *want =
        mx_matmul(there_and_back(x, f, gx), mx_swapaxes(there_and_back(w, f, gw), 0, 1));
    double room = t == MX_FLOAT32 ? 1e-4 : 0.05;
    CHECK(mx_quantize(w, f, gw, q));
    mx_array *y = mx_qqmm(x, q[0], q[1], f, gx, gw);
    CHECK_EQ_INT(y ? y->dtype : -1, t);
    IS(mx_allclose(mx_astype(y, MX_FLOAT32), want, 0.01, room, false), "array(True, dtype=bool)");
    y = mx_qqmm(x, w, NULL, f, gx, gw);
    IS(mx_allclose(mx_astype(y, MX_FLOAT32), want, 0.01, room, false), "array(True, dtype=bool)");
    y = mx_qqmm(mx_take(x, mx_scalar(1, MX_INT32), 0), w, NULL, f, gx, gw);
    CHECK(y && y->ndim == 1 && y->shape[0] == 5);
    mx_array *lhs = VECTOR(INT32, 1, 0), *rhs = VECTOR(INT32, 0, 1);
    mx_array *rows = mx_reshape(x, SHAPE(3, 1, 64)), *pair[2] = {w, mx_mul_s(w, -1)};
    mx_array *many = mx_stack(pair, 2, 0);
    y = mx_gather_qqmm(rows, many, NULL, lhs, rhs, f, gx, gw, false);
    CHECK(mx_quantize(many, f, gw, q));
    mx_array *z = mx_gather_qqmm(rows, q[0], q[1], lhs, rhs, f, gx, gw, false);
    IS(mx_allclose(y, z, 0.01, room, false), "array(True, dtype=bool)");
    y = mx_reshape(mx_slice_axis(mx_astype(y, MX_FLOAT32), 0, 0, 1), SHAPE(1, 5));
    IS(mx_allclose(y, mx_slice_axis(want, 0, 1, 2), 0.01, room, false), "array(True, dtype=bool)");
}

static void both_sides(void) {
    static const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16};
    for (int t = 0; t < 3; t++) {
        check_both("mxfp4", NULL, NULL, types[t]);
        check_both("mxfp8", NULL, NULL, types[t]);
        check_both("nvfp4", NULL, NULL, types[t]);
        check_both("nvfp4", mx_scalar(3, MX_FLOAT32), mx_scalar(2.7, MX_FLOAT32), types[t]);
    }
    mx_quant_format f = format("nvfp4", 0, 0);
    mx_array *x = mx_ones(SHAPE(3, 64), MX_FLOAT32), *words = mx_zeros(SHAPE(5, 8), MX_UINT32);
    FAILS(mx_qqmm(x, words, NULL, f, NULL, NULL), "[qqmm] Scales must be provided");
    FAILS(mx_qqmm(x, x, NULL, format(NULL, 0, 0), NULL, NULL), "[qqmm] mode 'affine' has biases");
    FAILS(mx_qqmm(x, x, NULL, f, mx_scalar(1, MX_FLOAT32), NULL), "or neither");
    FAILS(mx_qqmm(x, mx_ones(SHAPE(5, 32), MX_FLOAT32), NULL, f, NULL, NULL),
          "[qqmm] Last dimension of first input with shape (3,64) must match");
    FAILS(mx_qqmm(mx_astype(x, MX_INT32), x, NULL, f, NULL, NULL), "int32 and float32");
}

/* --- dtypes and shapes ------------------------------------------------------------------------ */

static void dtypes(void) {
    mx_quant_format f = format(NULL, 32, 4), fp = format("nvfp4", 0, 0);
    mx_array *q[3], *p[3], *w = noise(SHAPE(4, 64), MX_FLOAT32);
    mx_array *global = mx_scalar(3, MX_FLOAT32);
    CHECK(mx_quantize(mx_astype(w, MX_BFLOAT16), f, NULL, q) && mx_quantize(w, fp, global, p));
    static const mx_dtype x[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16, MX_FLOAT64, MX_INT32},
                          want[] = {MX_FLOAT32, MX_FLOAT32, MX_BFLOAT16, MX_FLOAT64, MX_BFLOAT16};
    for (int i = 0; i < 5; i++) {
        mx_array *y = mx_quantized_matmul(mx_ones(SHAPE(2, 64), x[i]), q[0], q[1], q[2], true, f);
        CHECK(y && mx_eval1(y) && y->dtype == want[i]);
    }
    mx_array *y =
        mx_quantized_matmul(mx_ones(SHAPE(2, 64), MX_FLOAT64), p[0], p[1], NULL, true, fp);
    CHECK(y && mx_eval1(y) && y->dtype == MX_FLOAT64);
    CHECK_EQ_INT(mx_dequantize(p[0], p[1], NULL, fp, NULL, NULL)->dtype, MX_BFLOAT16);
    CHECK_EQ_INT(mx_dequantize(p[0], p[1], NULL, fp, global, NULL)->dtype, MX_FLOAT32);
    y = mx_dequantize(p[0], p[1], NULL, fp, global, NULL);
    IS(mx_allclose(y, w, 0.3, 0.3, false), "array(True, dtype=bool)");
    y = mx_quantized_matmul(mx_ones(SHAPE(64), MX_FLOAT32), q[0], q[1], q[2], true, f);
    CHECK(y && y->ndim == 1 && y->shape[0] == 4);
    y = mx_quantized_matmul(mx_ones(SHAPE(2, 0), MX_FLOAT32), mx_zeros(SHAPE(3, 0), MX_UINT32),
                            mx_zeros(SHAPE(3, 0), MX_FLOAT32), mx_zeros(SHAPE(3, 0), MX_FLOAT32),
                            true, f);
    IS(y, "array([[0, 0, 0],[0, 0, 0]], dtype=float32)");
    IS(mx_from_fp8(mx_to_fp8(VECTOR(FLOAT64, 1, -3.3, 1e9)), MX_FLOAT64),
       "array([1, -3.25, 448], dtype=float64)");
}

/* --- refusals --------------------------------------------------------------------------------- */

static mx_array *refused(mx_array *w, mx_quant_format f, mx_array *global) {
    mx_array *out[3];
    return mx_quantize(w, f, global, out) ? out[0] : NULL;
}

static mx_array *no_format(const char *mode, int group, int bits) {
    mx_quant_format f;
    return mx_quant_format_from("quantize", mode, &group, &bits, &f) ? mx_zeros(NULL, 0, MX_BOOL)
                                                                     : NULL;
}

static void bad_formats(void) {
    FAILS(no_format("int4", 32, 4), "[quantize] Invalid quantization mode 'int4'.");
    FAILS(no_format("affine", 16, 4), "[quantize] The requested group size 16 is not supported.");
    FAILS(no_format("affine", 32, 7),
          "[quantize] The requested number of bits 7 is not supported.");
    FAILS(no_format("mxfp4", 64, 4), "mxfp4 quantization requires group size 32 but got 64.");
    FAILS(no_format("nvfp4", 16, 8), "nvfp4 quantization requires bits to be 4 but got 8.");
    mx_quant_format f = format(NULL, 32, 4), nv = format("nvfp4", 0, 0);
    FAILS(refused(mx_ones(SHAPE(4, 60), MX_FLOAT32), f, NULL), "has shape (4,60)");
    FAILS(refused(mx_ones(SHAPE(64), MX_FLOAT32), f, NULL), "it has only 1.");
    FAILS(refused(mx_ones(SHAPE(4, 64), MX_INT32), f, NULL), "w has type int32.");
    FAILS(refused(mx_ones(SHAPE(4, 64), MX_FLOAT32), f, mx_scalar(1, MX_FLOAT32)),
          "Global scale is only supported for 'nvfp4'");
    FAILS(refused(mx_ones(SHAPE(4, 64), MX_FLOAT32), nv, mx_ones(SHAPE(2), MX_FLOAT32)),
          "must be a scalar but got shape (2)");
    FAILS(refused(mx_ones(SHAPE(4, 64), MX_FLOAT32), nv, mx_scalar(1, MX_FLOAT16)),
          "must have dtype float32 but got float16");
}

static void bad_operands(void) {
    mx_quant_format f = format(NULL, 32, 4), fp = format("mxfp4", 0, 0);
    mx_array *w = mx_zeros(SHAPE(4, 8), MX_UINT32), *s = mx_ones(SHAPE(4, 2), MX_FLOAT32),
             *x = mx_ones(SHAPE(3, 64), MX_FLOAT32), *u = mx_zeros(SHAPE(4, 2), MX_UINT8);
    FAILS(mx_quantized_matmul(x, w, s, NULL, true, f), "Biases must be provided");
    FAILS(mx_quantized_matmul(x, w, u, s, true, fp), "Biases must be null");
    FAILS(mx_quantized_matmul(x, w, s, NULL, true, fp), "Scale type must be uint8");
    FAILS(mx_quantized_matmul(x, mx_astype(w, MX_INT32), s, s, true, f), "should be uint32");
    FAILS(mx_quantized_matmul(x, w, mx_ones(SHAPE(4, 3), MX_FLOAT32), s, true, f),
          "w.shape() == (4,8) and scales.shape() == (4,3) with group_size=32 and bits=4");
    FAILS(mx_quantized_matmul(x, w, s, s, false, f),
          "does not match the expanded quantized matrix (4, 64)");
    FAILS(mx_quantized_matmul(mx_astype(x, MX_COMPLEX64), w, s, s, true, f), "complex64");
    FAILS(mx_quantized_matmul(mx_astype(x, MX_INT32), w, u, NULL, true, fp), "int32");
    FAILS(mx_quantized_matmul(mx_scalar(1, MX_FLOAT32), w, s, s, true, f), "two dimensions");
    FAILS(mx_quantized_matmul(mx_ones(SHAPE(2, 3, 64), MX_FLOAT32),
                              mx_zeros(SHAPE(3, 4, 8), MX_UINT32),
                              mx_ones(SHAPE(3, 4, 2), MX_FLOAT32),
                              mx_ones(SHAPE(3, 4, 2), MX_FLOAT32), true, f),
          "[broadcast_shapes] Shapes (2) and (3) cannot be broadcast.");
    mx_dtype whole = MX_INT32;
    FAILS(mx_dequantize(w, s, s, f, NULL, &whole), "dtype == int32");
    FAILS(mx_dequantize(w, mx_ones(SHAPE(4, 1), MX_FLOAT32), s, f, NULL, NULL), "(4,1)");
    FAILS(mx_dequantize(mx_zeros(SHAPE(8), MX_UINT32), s, s, f, NULL, NULL), "only 1.");
    FAILS(mx_to_fp8(x ? mx_astype(x, MX_INT8) : NULL), "[to_fp8] Only real floating types");
    FAILS(mx_from_fp8(x, MX_FLOAT32), "[from_fp8] Input must have type uint8");
    FAILS(mx_from_fp8(u, MX_INT32), "[from_fp8] Only real floating types");
}

/* --- derivatives of what is rounded ----------------------------------------------------------- */

static bool sum_of_product(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    (void)self, (void)nin;
    return mx_arrays_add(out, mx_qqmm(in[0], in[1], NULL, format("mxfp8", 0, 0), NULL, NULL));
}

/* dx = g w', dw = g' x' with what x and w became */
static void straight_through(void) {
    mx_array *x = noise(SHAPE(3, 64), MX_FLOAT32), *w = noise(SHAPE(5, 64), MX_FLOAT32);
    mx_array *in[2] = {x, w}, *g = noise(SHAPE(3, 5), MX_FLOAT32);
    mx_quant_format f = format("mxfp8", 0, 0);
    mx_closure c = mx_closure_local(sum_of_product, NULL);
    mx_arrays out = {0}, grads = {0};
    CHECK(mx_vjp(&c, in, 2, &g, 1, &out, &grads));
    mx_array *dx = mx_matmul(g, there_and_back(w, f, NULL)),
             *dw = mx_matmul(mx_swapaxes(g, 0, 1), there_and_back(x, f, NULL));
    IS(mx_allclose(grads.item[0], dx, 1e-4, 1e-4, false), "array(True, dtype=bool)");
    IS(mx_allclose(grads.item[1], dw, 1e-4, 1e-4, false), "array(True, dtype=bool)");
    mx_arrays_free(&out);
    mx_arrays_free(&grads);
}

static bool there_and_back_again(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    mx_array *q[3];
    mx_quant_format f = format(NULL, 32, 2);
    (void)self, (void)nin;
    return mx_quantize(in[0], f, NULL, q) &&
           mx_arrays_add(out, mx_dequantize(q[0], q[1], q[2], f, NULL, NULL));
}

/* 0 is the edge 3 times 0, 1 is 3 / 3: all moves with the edge. */
static void through_scales(void) {
    double v[32] = {3, 1, 0, 2};
    mx_array *x = values(MX_FLOAT64, SHAPE(1, 32), v), *g = mx_ones(SHAPE(1, 32), MX_FLOAT64);
    mx_closure c = mx_closure_local(there_and_back_again, NULL);
    mx_arrays out = {0}, grads = {0};
    CHECK(mx_vjp(&c, &x, 1, &g, 1, &out, &grads));
    IS(mx_slice_axis(mx_reshape(grads.item[0], SHAPE(32)), 0, 0, 4),
       "array([2, 0, 0, 0], dtype=float64)");
    mx_arrays_free(&out);
    mx_arrays_free(&grads);
}

int main(void) {
    SCOPED(vectors);
    SCOPED(double_words);
    SCOPED(special_groups);
    SCOPED(products);
    SCOPED(experts);
    SCOPED(both_sides);
    SCOPED(straight_through);
    SCOPED(through_scales);
    SCOPED(dtypes);
    SCOPED(bad_formats);
    SCOPED(bad_operands);
    return check_done();
}
