/* Cases: factorisations and what is made of them. Vectors of a factorisation are squared, so that
 * their signs do not matter. */
#include "op_cases.h"

#include "ops/linalg/linalg.h"

/* --- matrices from a (N,3,3), well conditioned --------------------------------------- */

static mx_array *eye(mx_array *a, double scale) {
    return a ? mx_mul_s(mx_eye(3, 3, 0, mx_dtype_of(a)), scale) : NULL;
}
static mx_array *T(mx_array *a) {
    return mx_swapaxes(a, -1, -2);
}
/* Its eigenvalues lie near 3, 4 and 5. */
static mx_array *good(mx_array *a) {
    mx_array *d = a ? mx_arange(3, 6, 1, mx_dtype_of(a)) : NULL;
    return mx_add(mx_mul_s(a, 0.2), mx_mul(eye(a, 1), d));
}
static mx_array *definite(mx_array *a) {
    return mx_add(mx_matmul(a, T(a)), eye(a, 2));
}
static mx_array *symmetric(mx_array *a) {
    return mx_add(good(a), T(good(a)));
}

/* --- rows ---------------------------------------------------------------------------- */

CASE(inverse, mx_inv(good(a)))
CASE(inverse_solved, mx_solve(good(a), mx_broadcast_to(eye(a, 1), a->shape, a->ndim)))
CASE(tri_inverse, mx_tri_inv(good(a), true))
CASE(tri_inverse_full, mx_inv(mx_triu(good(a), 0)))
CASE(pseudo_inverse, mx_pinv(good(a)))
CASE(lower, mx_cholesky(definite(a), false))
CASE(from_upper, T(mx_cholesky(definite(a), true)))
CASE(cholesky_inverse, mx_cholesky_inv(mx_cholesky(definite(a), false), false))
CASE(definite_inverse, mx_inv(definite(a)))
CASE(solve, mx_solve(good(a), b))
CASE(solve_inverse, mx_matmul(mx_inv(good(a)), b))
CASE(solve_triangle, mx_solve_triangular(mx_tril(good(a), 0), b, false))
CASE(solve_triangle_full, mx_solve(mx_tril(good(a), 0), b))
CASE(determinant, mx_det(good(a)))
CASE(symmetric_values, mx_eigvalsh(symmetric(a), false))
CASE(symmetric_as_singular, mx_flip(mx_svdvals(symmetric(a)), LIST(-1)))
CASE(singular_values, mx_svdvals(good(a)))
CASE(by_eigenvalues, mx_flip(mx_sqrt(mx_eigvalsh(mx_matmul(T(good(a)), good(a)), true)), LIST(-1)))
CASE(crossed, mx_cross(a, b, -1))
CASE(norm_2, mx_norm(mx_add_s(a, 5), 3, LIST(-1), false))
CASE(norm_by_hand, mx_pow_s(mx_sum_axis(mx_pow_s(mx_add_s(a, 5), 3), -1, false), 1.0 / 3))
CASE(norm_nuclear, mx_norm_matrix(good(a), "nuc", LIST(1, 2), false))
CASE(sum_of_singular, mx_sum_axis(mx_svdvals(good(a)), -1, false))

static mx_array *orthogonal(mx_array *const *in) {
    mx_array *f[2];
    return mx_qr(good(in[0]), f)
               ? mx_concatenate((mx_array *[]){mx_square(f[0]), mx_square(f[1])}, 2, -1)
               : NULL;
}
static mx_array *eigenvectors(mx_array *const *in) {
    mx_array *f[2];
    return mx_eigh(symmetric(in[0]), true, f) ? mx_square(f[1]) : NULL;
}
static mx_array *singular_vectors(mx_array *const *in) {
    mx_array *f[3];
    return mx_svd(good(in[0]), f) ? mx_add(mx_square(f[0]), mx_mul_s(mx_square(f[2]), 2)) : NULL;
}
static mx_array *triangles(mx_array *const *in) {
    mx_array *f[3];
    return mx_lu(good(in[0]), f) ? mx_concatenate((mx_array *[]){f[1], f[2]}, 2, -1) : NULL;
}
static mx_array *log_determinant(mx_array *const *in) {
    mx_array *f[2];
    return mx_slogdet(good(in[0]), f) ? mx_mul(f[0], f[1]) : NULL;
}
CASE(log_of_determinant, mx_log(mx_det(good(a))))

/* Sums over all eigenvalues do not depend on their order. */
static mx_array *eigenvalue_cubes(mx_array *const *in) {
    mx_array *w = mx_eigvals(good(in[0]));
    return mx_real(mx_sum_axis(mx_mul(w, mx_square(w)), -1, false));
}
CASE(trace_of_cube,
     mx_trace(mx_matmul(mx_matmul(good(a), good(a)), good(a)), 0, 1, 2, mx_dtype_of(a)))
static mx_array *complex_vectors(mx_array *const *in) {
    mx_array *f[2];
    if (!mx_eig(good(in[0]), f))
        return NULL;
    mx_array *w = mx_mul(f[1], mx_expand_dim(f[0], -2)); // V diag(w) V^-1 = A
    return mx_real(mx_matmul(w, mx_inv(f[1])));
}
CASE(itself, good(a))

#define A    {3, {N, 3, 3}, -1, 1, false, false}
#define B    {3, {N, 3, 2}, -1, 1, false, false}
#define ROWS {2, {N, 3}, -2, 2, false, false}
#define ROW(name, f, other, flags, ...)                    \
    {                                                      \
        name, f, NULL, other, LOOSE | NO_HALF | (flags), { \
            __VA_ARGS__                                    \
        }                                                  \
    }

const op_case op_cases_linalg[] = {
    ROW("inv", inverse, inverse_solved, 0, A),
    ROW("tri_inv", tri_inverse, tri_inverse_full, 0, A),
    ROW("pinv", pseudo_inverse, inverse, 0, A),
    ROW("cholesky", lower, from_upper, 0, A),
    ROW("cholesky_inv", cholesky_inverse, definite_inverse, 0, A),
    ROW("solve", solve, solve_inverse, 0, A, B),
    ROW("solve_triangular", solve_triangle, solve_triangle_full, 0, A, B),
    ROW("det", determinant, NULL, 0, A),
    ROW("slogdet", log_determinant, log_of_determinant, 0, A),
    ROW("qr", orthogonal, NULL, 0, A),
    ROW("eigvalsh", symmetric_values, symmetric_as_singular, 0, A),
    ROW("eigh", eigenvectors, NULL, 0, A),
    ROW("svdvals", singular_values, by_eigenvalues, 0, A),
    ROW("svd", singular_vectors, NULL, 0, A),
    ROW("lu", triangles, NULL, 0, A),
    ROW("eigvals", eigenvalue_cubes, trace_of_cube, SINGLE, A),
    ROW("eig", complex_vectors, itself, SINGLE, A),
    ROW("cross", crossed, NULL, 0, ROWS, ROWS),
    ROW("norm", norm_2, norm_by_hand, 0, ROWS),
    ROW("nuclear norm", norm_nuclear, sum_of_singular, 0, A),
    {0},
};
