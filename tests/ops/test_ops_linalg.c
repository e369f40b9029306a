/* Factorisations: they give their matrix back, have the right gradients, and say what is wrong. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "mlx/c/mlx.h"
#include "ops/linalg/linalg.h"
#include "transforms/transforms.h"

enum { BATCH = 3 };

static mx_array *T(mx_array *a) {
    return mx_swapaxes(a, -1, -2);
}

static mx_array *H(mx_array *a) {
    return mx_dtype_of(a) == MX_COMPLEX64 ? mx_conjugate(T(a)) : T(a);
}

static mx_array *noise(int rows, int cols, mx_dtype t, uint64_t seed) {
    int shape[3] = {BATCH, rows, cols};
    mx_array *a =
        mx_random_normal(shape, 3, MX_FLOAT32, NULL, NULL, mx_random_key(check_seed(seed)));
    if (t != MX_COMPLEX64)
        return mx_astype(a, t);
    mx_array *b =
        mx_random_normal(shape, 3, MX_FLOAT32, NULL, NULL, mx_random_key(check_seed(seed + 99)));
    return mx_add(mx_astype(a, t), mx_mul(mx_astype(b, t), mx_scalar_c64((mx_complex64){0, 1})));
}

static mx_array *positive(int n, mx_dtype t, uint64_t seed) {
    mx_array *a = noise(n, n, t, seed);
    return mx_add(mx_matmul(a, H(a)), mx_eye(n, n, 0, t));
}

static double largest(mx_array *d) {
    mx_array *m = mx_astype(mx_reduce(MX_MAX, mx_abs(d), NULL, 0, false), MX_FLOAT64);
    CHECK_MSG(m && mx_eval1(m), "%s", mx_error_message());
    return m ? *(double *)(void *)m->data : NAN;
}

static void check_equal(const char *what, mx_array *a, mx_array *b) {
    double d = a && b ? largest(mx_sub(a, b)) : NAN;
    CHECK_MSG(d < 2e-4, "%s: %g apart: %s", what, d, mx_error_message());
}

static mx_array *scaled_columns(mx_array *v, mx_array *w) {
    return mx_mul(v, mx_expand_dim(mx_astype(w, mx_dtype_of(v)), -2));
}

static void test_inverse_and_solve(void) {
    static const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT64, MX_COMPLEX64};
    for (int i = 0; i < 3; i++) {
        mx_scope s = mx_scope_open();
        mx_array *a = positive(5, types[i], 1), *b = noise(5, 2, types[i], 2),
                 *eye = mx_eye(5, 5, 0, types[i]);
        check_equal("inverse", mx_matmul(a, mx_inv(a)), eye);
        check_equal("inverse of a transposed view", mx_matmul(T(a), mx_inv(T(a))), eye);
        check_equal("solve", mx_matmul(a, mx_solve(a, b)), b);
        mx_array *l = mx_cholesky(a, false), *u = mx_cholesky(a, true);
        check_equal("cholesky", mx_matmul(l, H(l)), a);
        check_equal("upper cholesky", mx_matmul(H(u), u), a);
        check_equal("cholesky_inv", mx_matmul(mx_cholesky_inv(l, false), a), eye);
        check_equal("tri_inv", mx_matmul(mx_tri_inv(l, false), l), eye);
        check_equal("solve_triangular", mx_matmul(u, mx_solve_triangular(u, b, true)), b);
        mx_scope_close(s);
    }
}

static void check_shape_of(int rows, int cols, mx_dtype t) {
    mx_scope s = mx_scope_open();
    int k = rows < cols ? rows : cols;
    mx_array *a = noise(rows, cols, t, 3), *qr[2], *svd[3], *lu[3];
    CHECK(mx_qr(a, qr) && mx_svd(a, svd) && mx_lu(a, lu));
    check_equal("qr", mx_matmul(qr[0], qr[1]), a);
    check_equal("q is orthogonal", mx_matmul(H(qr[0]), qr[0]), mx_eye(k, k, 0, t));
    mx_array *u = mx_slice_axis(svd[0], -1, 0, k), *vt = mx_slice_axis(svd[2], -2, 0, k);
    check_equal("svd", mx_matmul(scaled_columns(u, svd[1]), vt), a);
    check_equal("singular values", mx_svdvals(a), svd[1]);
    mx_array *order = mx_broadcast_to(mx_expand_dim(lu[0], -1), lu[1]->shape, lu[1]->ndim);
    check_equal("lu", mx_matmul(mx_take_along_axis(lu[1], order, -2), lu[2]), a);
    check_equal("pinv", mx_matmul(mx_matmul(a, mx_pinv(a)), a), a);
    mx_scope_close(s);
}

static void test_rectangles(void) {
    check_shape_of(5, 3, MX_FLOAT32);
    check_shape_of(3, 5, MX_FLOAT64);
    check_shape_of(4, 4, MX_COMPLEX64);
    check_shape_of(1, 6, MX_FLOAT32);
}

static void test_eigenvalues(void) {
    static const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT64, MX_COMPLEX64};
    for (int i = 0; i < 3; i++) {
        mx_scope s = mx_scope_open();
        mx_array *a = positive(4, types[i], 5), *e[2], *b = noise(4, 4, types[i], 6);
        CHECK(mx_eigh(a, false, e));
        check_equal("eigh", mx_matmul(a, e[1]), scaled_columns(e[1], e[0]));
        check_equal("eigvalsh", mx_eigvalsh(a, true), e[0]);
        CHECK(mx_eig(b, e));
        check_equal("eig", mx_matmul(mx_astype(b, MX_COMPLEX64), e[1]), scaled_columns(e[1], e[0]));
        check_equal("eigvals", mx_eigvals(b), e[0]);
        mx_scope_close(s);
    }
}

static void test_determinants(void) {
    mx_scope s = mx_scope_open();
    mx_array *a = positive(4, MX_FLOAT64, 7), *sl[2], *flipped = mx_flip(a, (int[]){-1}, 1);
    CHECK(mx_slogdet(flipped, sl));
    check_equal("det", mx_mul(sl[0], mx_exp(sl[1])), mx_det(flipped));
    check_equal("det of an inverse", mx_mul(mx_det(a), mx_det(mx_inv(a))), mx_ones_like(mx_det(a)));
    mx_scope_close(s);
}

static void test_norms_and_cross(void) {
    mx_scope s = mx_scope_open();
    int shape[2] = {3, 3}, both[2] = {0, 1}, rows[1] = {0};
    mx_array *a = mx_add_s(mx_reshape(mx_arange(0, 9, 1, MX_FLOAT32), shape, 2), -4);
    check_equal("l2", mx_norm_l2(a, NULL, 0, false), mx_scalar(7.745967, MX_FLOAT32));
    check_equal("1", mx_norm(a, 1, NULL, 0, false), mx_scalar(7, MX_FLOAT32));
    check_equal("2", mx_norm(a, 2, both, 2, false), mx_scalar(7.348469, MX_FLOAT32));
    check_equal("inf", mx_norm(a, INFINITY, both, 2, false), mx_scalar(9, MX_FLOAT32));
    check_equal("-1 of vectors", mx_norm(a, -1, rows, 1, false),
                mx_array_from((float[]){0.571429f, 0, 0.571429f}, shape, 1, MX_FLOAT32));
    check_equal("nuc", mx_norm_matrix(a, "nuc", NULL, 0, false), mx_scalar(9.797959, MX_FLOAT32));
    mx_array *x = mx_array_from((float[]){1, 1, 1}, shape, 1, MX_FLOAT32),
             *y = mx_array_from((float[]){1, 2, 3}, shape, 1, MX_FLOAT32);
    check_equal("cross", mx_cross(x, y, -1),
                mx_array_from((float[]){1, -2, 1}, shape, 1, MX_FLOAT32));
    mx_scope_close(s);
}

/* --- gradients in float64, against differences ------------------------------------------------ */

typedef mx_array *function(mx_array *a);
static mx_array *weighed(mx_array *y) {
    return y ? mx_sum_all(mx_mul(
                   y, mx_sin(mx_add_s(mx_reshape(mx_arange(0, (double)y->size, 1, MX_FLOAT64),
                                                 y->shape, y->ndim),
                                      1))))
             : NULL;
}
static mx_array *symmetric(mx_array *a) {
    return mx_add(mx_matmul(a, T(a)),
                  mx_eye(a->shape[a->ndim - 1], a->shape[a->ndim - 1], 0, MX_FLOAT64));
}
static mx_array *f_inv(mx_array *a) {
    return weighed(mx_inv(symmetric(a)));
}
static mx_array *f_solve(mx_array *a) {
    return weighed(mx_solve(symmetric(a), mx_sin(a)));
}
static mx_array *f_triangular(mx_array *a) {
    return weighed(mx_solve_triangular(mx_cholesky(symmetric(a), true), a, true));
}
static mx_array *f_cholesky(mx_array *a) {
    return weighed(mx_cholesky(symmetric(a), false));
}
static mx_array *f_det(mx_array *a) {
    return weighed(mx_det(a));
}
static mx_array *f_pinv(mx_array *a) {
    return weighed(mx_pinv(a));
}
static mx_array *f_values(mx_array *a) {
    return weighed(mx_svdvals(a));
}
static mx_array *f_qr(mx_array *a) {
    mx_array *r[2];
    return mx_qr(a, r) ? mx_add(weighed(r[0]), weighed(r[1])) : NULL;
}
static mx_array *f_svd(mx_array *a) { /* squares: signs of vectors are free */
    mx_array *r[3];
    int k = a->shape[a->ndim - 1] < a->shape[a->ndim - 2] ? a->shape[a->ndim - 1]
                                                          : a->shape[a->ndim - 2];
    return mx_svd(a, r)
               ? mx_add(weighed(mx_square(mx_slice_axis(r[0], -1, 0, k))),
                        mx_add(weighed(r[1]), weighed(mx_square(mx_slice_axis(r[2], -2, 0, k)))))
               : NULL;
}
static mx_array *f_eigh(mx_array *a) {
    mx_array *r[2];
    return mx_eigh(symmetric(a), false, r) ? mx_add(weighed(r[0]), weighed(mx_square(r[1]))) : NULL;
}
static mx_array *f_lu(mx_array *a) {
    mx_array *r[2];
    return mx_lu_factor(a, r) ? weighed(r[0]) : NULL;
}
/* L[P] U is the matrix again. */
static mx_array *f_plu(mx_array *a) {
    mx_array *r[3];
    if (!mx_lu(a, r))
        return NULL;
    mx_array *order =
        mx_broadcast_to(mx_expand_dim(mx_stop_gradient(r[0]), -1), r[1]->shape, r[1]->ndim);
    return mx_add(weighed(mx_square(r[1])),
                  weighed(mx_matmul(mx_take_along_axis(r[1], order, -2), r[2])));
}

static bool call(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    (void)n;
    return mx_arrays_add(out, (*(function **)self->payload)(in[0]));
}

static double value(function *f, mx_array *a) {
    mx_array *y = f(a);
    CHECK_MSG(mx_eval1(y), "%s", mx_error_message());
    return y ? *(double *)(void *)y->data : NAN;
}

/* The directional derivative, three ways: differences, the gradient, the jvp. */
static void check_gradient(const char *name, function *f, int rows, int cols) {
    mx_scope s = mx_scope_open();
    mx_closure c = mx_closure_local(call, &f);
    mx_arrays y = {0}, g = {0}, y2 = {0}, t = {0};
    int argnum = 0;
    mx_array *a = noise(rows, cols, MX_FLOAT64, 11), *d = mx_cos(mx_mul_s(a, 5));
    const double h = 1e-5;
    double want =
        (value(f, mx_add(a, mx_mul_s(d, h))) - value(f, mx_sub(a, mx_mul_s(d, h)))) / (2 * h);
    bool ok = mx_value_and_grad(&c, &a, 1, &argnum, 1, &y, &g) && mx_jvp(&c, &a, 1, &d, 1, &y2, &t);
    mx_array *both[2] = {ok ? mx_sum_all(mx_mul(g.item[0], d)) : NULL, ok ? t.item[0] : NULL};
    if (CHECK_MSG(ok && mx_eval(both, 2), "%s: %s", name, mx_error_message())) {
        double vjp = *(double *)(void *)both[0]->data, jvp = *(double *)(void *)both[1]->data;
        CHECK_MSG(fabs(vjp - want) < 1e-5 * (1 + fabs(want)), "%s: gradient %g, differences %g",
                  name, vjp, want);
        CHECK_MSG(fabs(jvp - want) < 1e-5 * (1 + fabs(want)), "%s: jvp %g, differences %g", name,
                  jvp, want);
    }
    mx_error_clear();
    mx_arrays_free(&y);
    mx_arrays_free(&g);
    mx_arrays_free(&y2);
    mx_arrays_free(&t);
    mx_scope_close(s);
}

static void test_gradients(void) {
    check_gradient("inv", f_inv, 4, 4);
    check_gradient("solve", f_solve, 4, 4);
    check_gradient("solve_triangular", f_triangular, 4, 4);
    check_gradient("cholesky", f_cholesky, 4, 4);
    check_gradient("det", f_det, 4, 4);
    check_gradient("pinv", f_pinv, 4, 3);
    check_gradient("svdvals", f_values, 3, 4);
    check_gradient("qr", f_qr, 5, 3);
    check_gradient("wide qr", f_qr, 3, 5);
    check_gradient("svd", f_svd, 4, 4);
    check_gradient("tall svd", f_svd, 5, 3);
    check_gradient("eigh", f_eigh, 4, 4);
    check_gradient("lu", f_lu, 4, 4);
    check_gradient("lu of another size", f_lu, 7, 7);
    check_gradient("lu and its permutation", f_plu, 6, 6);
}

/* --- what is wrong ---------------------------------------------------------------------------- */

static void refused(mx_array *a, const char *words) {
    CHECK(!a || !mx_eval1(a));
    CHECK_MSG(strstr(mx_error_message(), words) != NULL, "\"%s\" does not say \"%s\"",
              mx_error_message(), words);
    mx_error_clear();
}

static void test_errors(void) {
    mx_scope s = mx_scope_open();
    int wide[2] = {2, 3}, square[2] = {2, 2}, one[1] = {3};
    mx_array *zero = mx_zeros(square, 2, MX_FLOAT32);
    refused(mx_inv(mx_zeros(wide, 2, MX_FLOAT32)), "(2,3)");
    refused(mx_inv(mx_zeros(one, 1, MX_FLOAT32)), ">= 2 dimensions");
    refused(mx_inv(zero), "singular");
    refused(mx_solve(zero, mx_ones(square, 2, MX_FLOAT32)), "singular");
    refused(mx_solve(zero, mx_zeros(one, 1, MX_FLOAT32)), "must match");
    refused(mx_norm(zero, 3, NULL, 0, false), "Invalid ord");
    refused(mx_cross(mx_zeros(square + 1, 1, MX_FLOAT32), mx_zeros((int[]){4}, 1, MX_FLOAT32), -1),
            "size 2 or 3");
    refused(mx_det(mx_zeros(wide, 2, MX_FLOAT32)), "square");
    mx_scope_close(s);
}

static int told;
static void on_error(const char *message, void *data) {
    (void)data;
    told += message[0] == '[';
}

static void test_c_api(void) {
    float data[4] = {4, 2, 2, 3};
    int shape[2] = {2, 2};
    mlx_stream s = mlx_default_cpu_stream_new();
    mlx_array a = mlx_array_new_data(data, shape, 2, MLX_FLOAT32), b = mlx_array_new(),
              c = mlx_array_new();
    mlx_vector_array v = mlx_vector_array_new();
    int calls = 0;
    calls += mlx_linalg_inv(&b, a, s) + mlx_array_eval(b);
    CHECK_NEAR(mlx_array_data_float32(b)[0], 0.375, 1e-6);
    calls += mlx_linalg_cholesky(&b, a, false, s) + mlx_linalg_cholesky_inv(&c, b, false, s) +
             mlx_array_eval(c);
    calls += mlx_linalg_tri_inv(&c, b, false, s) + mlx_linalg_solve_triangular(&c, b, a, false, s);
    calls +=
        mlx_linalg_eigh(&b, &c, a, "L", s) + mlx_linalg_eigvalsh(&b, a, "U", s) + mlx_array_eval(b);
    CHECK_NEAR(mlx_array_data_float32(b)[1], 5.56155, 1e-4);
    calls +=
        mlx_linalg_eig(&b, &c, a, s) + mlx_linalg_eigvals(&b, a, s) + mlx_linalg_qr(&b, &c, a, s);
    calls +=
        mlx_linalg_svd(&v, a, true, s) + mlx_linalg_svd(&v, a, false, s) + mlx_linalg_lu(&v, a, s);
    calls += mlx_linalg_lu_factor(&b, &c, a, s) + mlx_linalg_pinv(&b, a, s) +
             mlx_linalg_solve(&b, a, a, s);
    calls +=
        mlx_linalg_norm(&b, a, 2, NULL, 0, false, s) + mlx_linalg_norm_l2(&b, a, NULL, 0, true, s);
    calls += mlx_linalg_norm_matrix(&b, a, "fro", NULL, 0, false, s) + mlx_array_eval(b);
    calls += mlx_linalg_slogdet(&b, &c, a, s) + mlx_linalg_det(&b, a, s) + mlx_array_eval(b);
    CHECK_NEAR(mlx_array_data_float32(b)[0], 8, 1e-5);
    CHECK_EQ_INT(calls, 0);
    mlx_set_error_handler(on_error, NULL, NULL);
    CHECK(mlx_linalg_cross(&b, a, mlx_array_empty, -1, s) == 1 &&
          mlx_linalg_eigh(&b, &c, a, "X", s) == 1);
    CHECK(mlx_linalg_norm_matrix(&b, a, NULL, NULL, 0, false, s) == 1);
    CHECK_EQ_INT(told, 3);
    mlx_set_error_handler(NULL, NULL, NULL);
    mlx_vector_array_free(v);
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_array_free(c);
    mlx_stream_free(s);
}

int main(void) {
    RUN(test_inverse_and_solve);
    RUN(test_rectangles);
    RUN(test_eigenvalues);
    RUN(test_determinants);
    RUN(test_norms_and_cross);
    RUN(test_gradients);
    RUN(test_errors);
    RUN(test_c_api);
    return check_done();
}
