/* Linear algebra; functions of one matrix alone are in cat_unary.c. */
#include "catalog/cat.h"

typedef struct two_results {
    int (*call)(mlx_array *, mlx_array *, const mlx_array, const mlx_stream);
} two_results;

/* a, stream */
static int call_two(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const two_results *f = op->function.family;
    mlx_array a = mlx_array_new(), b = mlx_array_new();
    int status = cat_array(&args[0]) || f->call(&a, &b, ARRAY(0), ON(1));
    return cat_result_two(res, status, a, b);
}

static int call_lu(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || mlx_linalg_lu(cat_results(res, MLX_VALUE_TUPLE), ARRAY(0), ON(1));
}

/* a, compute_uv, stream: without U and V one array */
static int call_svd(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    if (cat_array(&args[0]) ||
        mlx_linalg_svd(cat_results(res, MLX_VALUE_TUPLE), ARRAY(0), FLAG(1), ON(2)))
        return 1;
    if (FLAG(1))
        return 0;
    mlx_array s = mlx_array_new();
    int status = mlx_vector_array_get(&s, res->as.arrays, 0);
    mlx_value_free(res);
    *OUT = s;
    return status;
}

/* a, UPLO, stream */
static int call_eigh(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    mlx_array a = mlx_array_new(), b = mlx_array_new();
    (void)op;
    int status = cat_array(&args[0]) || mlx_linalg_eigh(&a, &b, ARRAY(0), args[1].as.string, ON(2));
    return cat_result_two(res, status, a, b);
}

static int call_eigvalsh(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || mlx_linalg_eigvalsh(OUT, ARRAY(0), args[1].as.string, ON(2));
}

typedef struct flagged {
    int (*call)(mlx_array *, const mlx_array, bool, const mlx_stream);
} flagged;

/* a, upper, stream */
static int call_flagged(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const flagged *f = op->function.family;
    return cat_array(&args[0]) || f->call(OUT, ARRAY(0), FLAG(1), ON(2));
}

/* a, b, axis, stream */
static int call_cross(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_pair(&args[0], &args[1]) || mlx_linalg_cross(OUT, ARRAY(0), ARRAY(1), INT(2), ON(3));
}

/* a, b, stream */
static int call_solve(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_array(&args[1]) ||
           mlx_linalg_solve(OUT, ARRAY(0), ARRAY(1), ON(2));
}

/* a, b, upper, stream */
static int call_solve_triangular(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return cat_array(&args[0]) || cat_array(&args[1]) ||
           mlx_linalg_solve_triangular(OUT, ARRAY(0), ARRAY(1), FLAG(2), ON(3));
}

/* a, ord, axis, keepdims, stream */
static int call_norm(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    int one;
    cat_list list = cat_ints(&args[2], &one);
    const int *axes = cat_is_none(&args[2]) ? NULL : list.ints;
    (void)op;
    if (cat_array(&args[0]))
        return 1;
    if (cat_is_none(&args[1]))
        return mlx_linalg_norm_l2(OUT, ARRAY(0), axes, list.count, FLAG(3), ON(4));
    if (args[1].kind == MLX_VALUE_STRING)
        return mlx_linalg_norm_matrix(OUT, ARRAY(0), args[1].as.string, axes, list.count, FLAG(3),
                                      ON(4));
    return mlx_linalg_norm(OUT, ARRAY(0), cat_number(&args[1]), axes, list.count, FLAG(3), ON(4));
}

#define LINALG "mlx.core.linalg"
#define PAIR   "stream: StreamOrDevice = None) -> tuple[array, array]"
#define NORM                                                   \
    "norm(a: array, /, ord: None | int | float | str = None, " \
    "axis: None | int | list[int] = None, keepdims: bool = False, *, " STREAM
#define NORM_DOC                                                                                 \
    "A norm of vectors along one axis, of matrices along two, of all elements if axis is None. " \
    "ord of vectors: any number, or inf, -inf, 0 (elements that are not zero); of matrices: "    \
    "1, -1, 2, -2, inf, -inf, 'fro', 'nuc'; None: the root of the sum of squares."

const mlx_operation cat_linalg_rows[] = {
    {LINALG, NORM, NORM_DOC, call_norm},
    {LINALG, "qr(a: array, *, " PAIR,
     "Q, with orthonormal columns, and R, upper triangular, with Q R = a.", call_two,
     FAMILY(two_results, mlx_linalg_qr)},
    {LINALG,
     "svd(a: array, compute_uv: bool = True, *, stream: StreamOrDevice = None) -> tuple[array, "
     "array, array]",
     "U, S and V^T with U diag(S) V^T = a, S descending; S alone without compute_uv.", call_svd},
    {LINALG, "lu(a: array, *, stream: StreamOrDevice = None) -> tuple[array, array, array]",
     "Row indices p, L and U with L[p, :] U = a: L with ones on its diagonal, U upper triangular.",
     call_lu},
    {LINALG, "lu_factor(a: array, *, " PAIR,
     "L and U in one matrix, and the rows exchanged at each step.", call_two,
     FAMILY(two_results, mlx_linalg_lu_factor)},
    {LINALG, "eig(a: array, *, " PAIR,
     "Eigenvalues and, as columns, eigenvectors of a square matrix, both complex.", call_two,
     FAMILY(two_results, mlx_linalg_eig)},
    {LINALG, "slogdet(a: array, *, " PAIR,
     "The sign of the determinant and the logarithm of its absolute value.", call_two,
     FAMILY(two_results, mlx_linalg_slogdet)},
    {LINALG, "eigh(a: array, UPLO: str = 'L', *, " PAIR,
     "Eigenvalues, ascending, and eigenvectors, as columns, of a symmetric or Hermitian matrix, "
     "of which the half "
     "UPLO ('L' or 'U') is read.",
     call_eigh},
    {LINALG, "eigvalsh(a: array, UPLO: str = 'L', *, " STREAM_TYPES,
     "The eigenvalues of a symmetric or Hermitian matrix, ascending.", call_eigvalsh},
    {LINALG, "cholesky(a: array, upper: bool = False, *, " STREAM,
     "L with L L^T = a, or U with U^T U = a if upper, of a positive definite matrix. Of another "
     "one, rows from the "
     "first pivot that is not positive on are no factor.",
     call_flagged, FAMILY(flagged, mlx_linalg_cholesky)},
    {LINALG, "cholesky_inv(a: array, upper: bool = False, *, " STREAM,
     "The inverse of a matrix whose factor cholesky(a, upper) is given.", call_flagged,
     FAMILY(flagged, mlx_linalg_cholesky_inv)},
    {LINALG, "tri_inv(a: array, upper: bool = False, *, " STREAM,
     "The inverse of a triangular matrix.", call_flagged, FAMILY(flagged, mlx_linalg_tri_inv)},
    {LINALG, "cross(a: array, b: array, axis: int = -1, *, " STREAM,
     "The cross product of vectors of 3 (or 2) elements along an axis.", call_cross},
    {LINALG, "solve(a: array, b: array, *, " STREAM,
     "x with a x = b; b is a vector or a matrix of columns.", call_solve},
    {LINALG, "solve_triangular(a: array, b: array, *, upper: bool = False, " STREAM,
     "x with a x = b for a triangular matrix.", call_solve_triangular},
    {NULL},
};
