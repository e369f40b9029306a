/* matmul, addmm, inner, outer, tensordot, kron: values, shapes, layouts, derivatives, refusals. */
#include "gradients.h"
#include "tolerance.h"

/* The sum over k in double, for matrices of the last two axes; batch axes are equal. */
static double product_at(const double *a, const double *b, int k, int n, int i, int j) {
    double sum = 0;
    for (int l = 0; l < k; l++)
        sum += a[i * k + l] * b[l * n + j];
    return sum;
}

/* Row-major doubles of any array; the array lives in the scope. */
static const double *doubles(mx_array *a) {
    a = mx_contiguous(mx_astype(a, MX_FLOAT64), false);
    return a && mx_eval1(a) ? (const double *)a->data : NULL;
}

static void check_same(const char *what, mx_array *a, mx_array *b, double tolerance) {
    CHECK_MSG(a && b && mx_same_shape(a, b), "%s: shapes differ or failed: %s", what,
              mx_error_message());
    const double *x = a ? doubles(a) : NULL, *y = b ? doubles(b) : NULL;
    double worst = 0;
    for (int64_t i = 0; x && y && i < a->size; i++)
        worst = fmax(worst, fabs(x[i] - y[i]));
    CHECK_MSG(x && y && worst <= tolerance, "%s: differ by %g %s", what, worst, mx_error_message());
    mx_error_clear();
}

static void check_matmul(int m, int k, int n, mx_dtype t) {
    mx_scope s = mx_scope_open();
    mx_array *a = noise((int[]){m, k}, 2, 1, t), *b = noise((int[]){k, n}, 2, 2, t),
             *y = mx_matmul(a, b);
    const double *x = doubles(a), *w = doubles(b), *r = y ? doubles(y) : NULL;
    CHECK_MSG(r && y->dtype == t, "%dx%dx%d %s: %s", m, k, n, mx_dtype_name(t), mx_error_message());
    double worst = 0, scale = sum_tolerance(t, k);
    for (int i = 0; i < m && r; i++)
        for (int j = 0; j < n; j++)
            worst = fmax(worst, fabs(r[i * n + j] - product_at(x, w, k, n, i, j)));
    CHECK_MSG(worst <= scale, "%dx%dx%d %s: off by %g", m, k, n, mx_dtype_name(t), worst);
    mx_scope_close(s);
}

static void values(void) {
    const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT64, MX_FLOAT16, MX_BFLOAT16};
    for (int i = 0; i < 4; i++) {
        check_matmul(1, 1, 1, types[i]);
        check_matmul(3, 5, 7, types[i]);
        check_matmul(1, 64, 33, types[i]);
        check_matmul(65, 40, 1, types[i]);
        check_matmul(70, 100, 50, types[i]);
    }
}

static mx_array *ints(mx_dtype t, const int *shape, int ndim, int first) {
    mx_array *a = mx_arange(first, first + 6, 1, t);
    return mx_reshape(a, shape, ndim);
}

static void integers_and_complex(void) {
    mx_scope s = mx_scope_open();
    const mx_dtype types[] = {MX_INT8,  MX_INT16,  MX_INT32, MX_INT64,
                              MX_UINT8, MX_UINT32, MX_UINT64};
    for (int i = 0; i < 7; i++) { /* [0 1 2; 3 4 5] [0 1; 2 3; 4 5] = [10 13; 28 40] */
        mx_array *y =
            mx_matmul(ints(types[i], (int[]){2, 3}, 2, 0), ints(types[i], (int[]){3, 2}, 2, 0));
        CHECK(y && y->dtype == types[i]);
        const double *v = y ? doubles(y) : NULL;
        CHECK_MSG(v && v[0] == 10 && v[1] == 13 && v[2] == 28 && v[3] == 40, "%s",
                  mx_dtype_name(types[i]));
    }
    mx_complex64 u[2] = {{1, 2}, {0, -1}};
    mx_array *c = mx_array_from(u, (int[]){2}, 1, MX_COMPLEX64), *d = mx_matmul(c, c);
    CHECK(d && mx_eval1(d)); /* (1+2i)^2 + (-i)^2 = -4 + 4i */
    CHECK_NEAR(((mx_complex64 *)d->data)->re, -4, 1e-6);
    CHECK_NEAR(((mx_complex64 *)d->data)->im, 4, 1e-6);
    mx_array *mixed =
        mx_matmul(noise((int[]){2, 2}, 2, 1, MX_FLOAT16), noise((int[]){2, 2}, 2, 1, MX_BFLOAT16));
    CHECK(mixed && mixed->dtype == MX_FLOAT32);
    mx_scope_close(s);
}

/* Strided and batched operands against the same laid out plainly, one product at a time. */
static void layouts(void) {
    mx_scope s = mx_scope_open();
    mx_array *a = NOISE(1, 4, 6, 5), *b = NOISE(2, 4, 5, 3), *w = NOISE(3, 5, 3);
    mx_array *whole = mx_matmul(a, b);
    for (int i = 0; i < 4; i++)
        check_same("batch", mx_slice_axis(whole, 0, i, i + 1),
                   mx_expand_dim(mx_matmul(mx_squeeze_axis(mx_slice_axis(a, 0, i, i + 1), 0),
                                           mx_squeeze_axis(mx_slice_axis(b, 0, i, i + 1), 0)),
                                 0),
                   1e-12);
    mx_array *shared = mx_matmul(a, w);
    check_same("shared", shared, mx_matmul(a, mx_broadcast_to(w, (int[]){4, 5, 3}, 3)), 1e-12);
    mx_array *t = mx_swapaxes(mx_contiguous(mx_swapaxes(a, 1, 2), false), 1, 2);
    check_same("transposed", mx_matmul(t, b), whole, 1e-12);
    mx_array *back = mx_slice(a, (int[]){3, 5, 4}, (int[]){-5, -7, -6}, (int[]){-1, -1, -1});
    check_same("reversed", mx_matmul(back, b), mx_matmul(mx_contiguous(back, false), b), 1e-12);
    mx_array *heads =
        mx_swapaxes(mx_reshape(NOISE(4, 2, 7, 12), (int[]){2, 7, 3, 4}, 4), 1, 2); /* (2,3,7,4) */
    check_same("heads", mx_matmul(heads, mx_swapaxes(heads, 2, 3)),
               mx_matmul(mx_contiguous(heads, false),
                         mx_contiguous(mx_swapaxes(heads, 2, 3), false)),
               1e-12);
    mx_array *q = NOISE(5, 2, 1, 3, 1, 4), *k = NOISE(6, 2, 5, 1, 4, 6);
    mx_array *full = mx_matmul(mx_broadcast_to(q, (int[]){2, 5, 3, 1, 4}, 5),
                               mx_contiguous(mx_broadcast_to(k, (int[]){2, 5, 3, 4, 6}, 5), false));
    check_same("both batches stretch", mx_matmul(q, k), full, 1e-12);
    mx_scope_close(s);
}

static void check_shape(mx_array *a, const int *shape, int ndim, const char *what) {
    CHECK_MSG(a && mx_shape_is(a, shape, ndim) && mx_eval1(a), "%s: %s", what, mx_error_message());
    mx_error_clear();
}
#define SHAPE_IS(expression, ...)                 \
    check_shape(expression, (int[]){__VA_ARGS__}, \
                (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), #expression)

static void shapes(void) {
    mx_scope s = mx_scope_open();
    mx_array *v = NOISE(1, 3), *scalar = mx_scalar(2, MX_FLOAT64), *c = NOISE(2, 5);
    check_shape(mx_matmul(v, v), NULL, 0, "v v");
    SHAPE_IS(mx_matmul(v, NOISE(2, 4, 3, 5)), 4, 5);
    SHAPE_IS(mx_matmul(NOISE(2, 4, 5, 3), v), 4, 5);
    SHAPE_IS(mx_matmul(NOISE(1, 0, 3), NOISE(2, 3, 2)), 0, 2);
    mx_array *none =
        mx_matmul(mx_zeros((int[]){2, 0}, 2, MX_FLOAT32), mx_zeros((int[]){0, 3}, 2, MX_FLOAT32));
    CHECK_NEAR(value_of(mx_sum_all(mx_abs(none))), 0, 0);
    SHAPE_IS(none, 2, 3);
    SHAPE_IS(mx_addmm(c, NOISE(3, 2, 4, 3), NOISE(4, 3, 5), 1, 1), 2, 4, 5);
    SHAPE_IS(mx_addmm(scalar, v, NOISE(4, 3, 5), 1, 1), 5);
    SHAPE_IS(mx_inner(NOISE(1, 2, 3), NOISE(2, 5, 4, 3)), 2, 5, 4);
    SHAPE_IS(mx_inner(scalar, NOISE(2, 5, 4, 3)), 5, 4, 3);
    SHAPE_IS(mx_outer(NOISE(1, 2, 3), NOISE(2, 2, 4)), 6, 8);
    SHAPE_IS(mx_tensordot_n(NOISE(1, 2, 3), NOISE(2, 4, 5), 0), 2, 3, 4, 5);
    SHAPE_IS(mx_tensordot_n(NOISE(1, 2, 3, 4), NOISE(2, 3, 4, 5), 2), 2, 5);
    SHAPE_IS(mx_tensordot(NOISE(1, 2, 3, 4), NOISE(2, 4, 3, 5), (int[]){1, 2}, (int[]){1, 0}, 2), 2,
             5);
    SHAPE_IS(mx_kron(NOISE(1, 2, 3), NOISE(2, 2, 1, 3)), 2, 2, 9);
    mx_scope_close(s);
}

static void compositions(void) {
    mx_scope s = mx_scope_open();
    mx_array *a = NOISE(1, 4, 3), *b = NOISE(2, 3, 5), *c = NOISE(3, 4, 5);
    check_same("addmm", mx_addmm(c, a, b, 2, -0.5),
               mx_sub(mx_mul_s(mx_matmul(a, b), 2), mx_mul_s(c, 0.5)), 1e-12);
    mx_array *column = NOISE(4, 4, 1);
    check_same("addmm column", mx_addmm(column, a, b, 1, 3),
               mx_add(mx_matmul(a, b), mx_mul_s(column, 3)), 1e-12);
    mx_array *empty_k = mx_addmm(c, mx_zeros((int[]){4, 0}, 2, MX_FLOAT64),
                                 mx_zeros((int[]){0, 5}, 2, MX_FLOAT64), 1, 2);
    check_same("addmm of nothing", empty_k, mx_mul_s(c, 2), 1e-12);
    mx_array *stack = NOISE(5, 2, 4, 3);
    check_same("addmm batch", mx_addmm(NOISE(6, 5), stack, b, 1, 1),
               mx_add(mx_matmul(stack, b), NOISE(6, 5)), 1e-12);
    check_same("inner", mx_inner(a, mx_transpose(b)), mx_matmul(a, b), 1e-12);
    mx_array *k =
        mx_kron(mx_arange(1, 3, 1, MX_INT32), mx_arange(1, 4, 1, MX_INT32)); /* 1 2 3 2 4 6 */
    const double *v = doubles(k);
    CHECK(v && v[0] == 1 && v[2] == 3 && v[3] == 2 && v[5] == 6);
    mx_scope_close(s);
}

/* --- derivatives ------------------------------------------------------------------------------ */

static mx_array *product(mx_array *const *x) {
    return mx_matmul(x[0], x[1]);
}
static mx_array *biased(mx_array *const *x) {
    return mx_addmm(x[2], x[0], x[1], 1.5, -2);
}
static mx_array *contracted(mx_array *const *x) {
    return mx_tensordot(x[0], x[1], (int[]){0, 2}, (int[]){1, 0}, 2);
}
static mx_array *kronecker(mx_array *const *x) {
    return mx_kron(x[0], x[1]);
}
static mx_array *slope_of_product(mx_array *const *x) {
    return gradient_of(product, x, 2);
}

static void derivatives(void) {
    mx_scope s = mx_scope_open();
    check_gradients("matmul", product, (mx_array *[]){NOISE(1, 4, 3), NOISE(2, 3, 5)}, 2);
    check_gradients("matmul stack", product, (mx_array *[]){NOISE(1, 2, 4, 3), NOISE(2, 3, 5)}, 2);
    check_gradients("matmul broadcast", product,
                    (mx_array *[]){NOISE(1, 2, 1, 4, 3), NOISE(2, 3, 3, 5)}, 2);
    check_gradients("matmul vectors", product, (mx_array *[]){NOISE(1, 3), NOISE(2, 3)}, 2);
    check_gradients("matmul vector", product, (mx_array *[]){NOISE(1, 3), NOISE(2, 2, 3, 4)}, 2);
    check_gradients("addmm", biased, (mx_array *[]){NOISE(1, 4, 3), NOISE(2, 3, 5), NOISE(3, 4, 5)},
                    3);
    check_gradients("addmm bias", biased,
                    (mx_array *[]){NOISE(1, 2, 4, 3), NOISE(2, 3, 5), NOISE(3, 5)}, 3);
    check_gradients("tensordot", contracted, (mx_array *[]){NOISE(1, 2, 3, 4), NOISE(2, 4, 2, 5)},
                    2);
    check_gradients("kron", kronecker, (mx_array *[]){NOISE(1, 2, 3), NOISE(2, 3, 2)}, 2);
    check_gradients("matmul twice", slope_of_product,
                    (mx_array *[]){NOISE(1, 4, 3), NOISE(2, 3, 5)}, 2);
    mx_scope_close(s);
}

/* The cotangent of an analytic function is conjugated: x' = u A^H. */
static void complex_derivative(void) {
    mx_scope s = mx_scope_open();
    mx_complex64 x[2] = {{1, 2}, {3, -1}}, a[4] = {{0, 1}, {2, 0}, {3, 0}, {0, 4}},
                 u[2] = {{1, 1}, {2, 0}};
    mx_array *in[2] = {mx_array_from(x, (int[]){1, 2}, 2, MX_COMPLEX64),
                       mx_array_from(a, (int[]){2, 2}, 2, MX_COMPLEX64)};
    mx_array *cot = mx_array_from(u, (int[]){1, 2}, 2, MX_COMPLEX64);
    array_fn *f = product;
    mx_closure c = mx_closure_local(call_array_fn, &f);
    mx_arrays y = {0}, g = {0};
    CHECK(mx_vjp(&c, in, 2, &cot, 1, &y, &g) && mx_eval(g.item, 2));
    const mx_complex64 *d = g.count ? (const mx_complex64 *)g.item[0]->data : NULL;
    if (CHECK(d != NULL)) { /* as MLX: 5 - i, 3 - 5i */
        CHECK_NEAR(d[0].re, 5, 1e-5);
        CHECK_NEAR(d[0].im, -1, 1e-5);
        CHECK_NEAR(d[1].re, 3, 1e-5);
        CHECK_NEAR(d[1].im, -5, 1e-5);
    }
    mx_arrays_free(&y);
    mx_arrays_free(&g);
    mx_scope_close(s);
}

/* --- refusals --------------------------------------------------------------------------------- */

static void refused(mx_array *a, const char *message) {
    CHECK(!a);
    CHECK_HAS(mx_error_message(), message);
    mx_error_clear();
}

static void refusals(void) {
    mx_scope s = mx_scope_open();
    mx_array *a = NOISE(1, 2, 3), *b = NOISE(2, 4, 5), *scalar = mx_scalar(1, MX_FLOAT32);
    refused(mx_matmul(a, b),
            "[matmul] Last dimension of first input with shape (2,3) must match second to last "
            "dimension of second input with shape (4,5).");
    refused(mx_matmul(scalar, b),
            "[matmul] Got 0 dimension input. Inputs must have at least one dimension.");
    refused(mx_matmul(NOISE(1, 2, 3, 4), NOISE(2, 3, 4, 5)),
            "[broadcast_shapes] Shapes (2) and (3) cannot be "
            "broadcast");
    refused(mx_addmm(a, a, b, 1, 1), "[addmm] Last dimension of first input with shape (2,3)");
    refused(mx_addmm(NOISE(1, 2, 4), a, NOISE(2, 3, 5), 1, 1), "cannot be broadcast");
    refused(mx_addmm(NOISE(1, 4, 2, 5), a, NOISE(2, 3, 5), 1, 1), "[addmm] input c must broadcast");
    refused(mx_inner(a, b), "[inner] a and b must have the same last dimension.");
    refused(mx_tensordot_n(a, b, 1),
            "[tensordot] a and b must have the same shape on the contracted axes.");
    refused(mx_tensordot_n(a, b, 3), "[tensordot] axis must be less than the number of dimensions");
    refused(mx_tensordot_n(a, b, -1), "[tensordot] axis must be greater or equal to 0.");
    refused(mx_tensordot(a, a, (int[]){7}, (int[]){0}, 1), "[tensordot] Axis 7 is out of bounds");
    CHECK(!mx_matmul(NULL, a) && !mx_failed());
    mx_scope_close(s);
}

int main(void) {
    RUN(values);
    RUN(integers_and_complex);
    RUN(layouts);
    RUN(shapes);
    RUN(compositions);
    RUN(derivatives);
    RUN(complex_derivative);
    RUN(refusals);
    return check_done();
}
