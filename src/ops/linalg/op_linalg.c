/* Factorisations as operations: checks, shapes, promotion. Derivatives are in op_linalg_grad.c,
 * what is composed of these in op_linalg_more.c. */
#include "base/status.h"
#include "graph/array/params.h"
#include "ops/linalg/linalg.h"
#include "ops/linalg/linalg_rules.h"
#include "ops/rules.h"

/* --- infer ------------------------------------------------------------------------------------ */

static mx_dtype real_of(mx_dtype t) {
    return t == MX_COMPLEX64 ? MX_FLOAT32 : t;
}

static void batch_shape(mx_out *o, const mx_array *a, mx_dtype t) {
    o->dtype = t;
    o->shape.ndim = a->ndim - 2;
    for (int i = 0; i < o->shape.ndim; i++)
        o->shape.dim[i] = a->shape[i];
}

static void add_dim(mx_out *o, int n) {
    o->shape.dim[o->shape.ndim++] = n;
}

static void vector_out(mx_out *o, const mx_array *a, mx_dtype t, int n) {
    batch_shape(o, a, t);
    add_dim(o, n);
}

static void matrix_out(mx_out *o, const mx_array *a, mx_dtype t, int rows, int cols) {
    batch_shape(o, a, t);
    add_dim(o, rows);
    add_dim(o, cols);
}

static int rows_of(const mx_array *a) {
    return a->shape[a->ndim - 2];
}
static int cols_of(const mx_array *a) {
    return a->shape[a->ndim - 1];
}
static int small_side(const mx_array *a) {
    return rows_of(a) < cols_of(a) ? rows_of(a) : cols_of(a);
}

static bool infer_same(const void *params, mx_array *const *in, int nin, mx_out *o, int nout) {
    const mx_array *last = in[nin - 1]; /* the matrix, or the right-hand side of solve */
    (void)params;
    (void)nout;
    matrix_out(o, last, mx_dtype_of(last), rows_of(last), cols_of(last));
    return true;
}

static bool infer_qr(const void *params, mx_array *const *in, int nin, mx_out *o, int nout) {
    mx_dtype t = mx_dtype_of(in[0]);
    (void)params;
    (void)nin;
    (void)nout;
    matrix_out(&o[0], in[0], t, rows_of(in[0]), small_side(in[0]));
    matrix_out(&o[1], in[0], t, small_side(in[0]), cols_of(in[0]));
    return true;
}

static bool infer_svd(const void *params, mx_array *const *in, int nin, mx_out *o, int nout) {
    mx_dtype t = mx_dtype_of(in[0]);
    bool vectors = nout == 3;
    (void)params;
    (void)nin;
    vector_out(&o[vectors], in[0], real_of(t), small_side(in[0]));
    if (vectors) {
        matrix_out(&o[0], in[0], t, rows_of(in[0]), rows_of(in[0]));
        matrix_out(&o[2], in[0], t, cols_of(in[0]), cols_of(in[0]));
    }
    return true;
}

static bool infer_eigh(const void *params, mx_array *const *in, int nin, mx_out *o, int nout) {
    mx_dtype t = mx_dtype_of(in[0]);
    (void)params;
    (void)nin;
    vector_out(&o[0], in[0], real_of(t), rows_of(in[0]));
    if (nout == 2)
        matrix_out(&o[1], in[0], t, rows_of(in[0]), rows_of(in[0]));
    return true;
}

static bool infer_eig(const void *params, mx_array *const *in, int nin, mx_out *o, int nout) {
    (void)params;
    (void)nin;
    vector_out(&o[0], in[0], MX_COMPLEX64, rows_of(in[0]));
    if (nout == 2)
        matrix_out(&o[1], in[0], MX_COMPLEX64, rows_of(in[0]), rows_of(in[0]));
    return true;
}

static bool infer_lu(const void *params, mx_array *const *in, int nin, mx_out *o, int nout) {
    (void)params;
    (void)nin;
    (void)nout;
    matrix_out(&o[0], in[0], mx_dtype_of(in[0]), rows_of(in[0]), cols_of(in[0]));
    vector_out(&o[1], in[0], MX_UINT32, small_side(in[0]));
    vector_out(&o[2], in[0], MX_UINT32, rows_of(in[0]));
    return true;
}

/* --- batching: everything already works on leading axes --------------------------------------- */

static bool batched_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                         mx_array **out, int *out_axes) {
    mx_array *front[2];
    for (int i = 0; i < y->nin; i++)
        front[i] = mx_batch_front_full(in[i], axes[i], n);
    for (int j = 0; j < y->nout; j++)
        out_axes[j] = 0;
    return mx_apply_multi((mx_prim)y->prim, y->params, front, y->nin, out, y->nout);
}

/* --- descriptors ------------------------------------------------------------------------------ */

static const mx_field triangle_fields[] = {
    MX_FIELD(mx_p_triangle, upper, BOOL),
    MX_FIELD(mx_p_triangle, triangular, BOOL),
    MX_FIELD_END,
};

#define LINALG(prim, text, infer_fn, with_fields)              \
    const mx_prim_desc mx_desc_##prim = {                      \
        .name = text,                                          \
        .fields = with_fields ? triangle_fields : NULL,        \
        .param_size = with_fields ? sizeof(mx_p_triangle) : 0, \
        .infer = infer_fn,                                     \
        .vjp = mx_##prim##_vjp,                                \
        .vmap = batched_vmap,                                  \
    };
LINALG(inverse, "Inverse", infer_same, true)
LINALG(cholesky, "Cholesky", infer_same, true)
LINALG(solve, "Solve", infer_same, true)
LINALG(eigh, "Eigh", infer_eigh, true)
LINALG(qr, "QRF", infer_qr, false)
LINALG(svd, "SVD", infer_svd, false)
LINALG(eig, "Eig", infer_eig, false)
LINALG(lu, "LUF", infer_lu, false)

/* --- operations ------------------------------------------------------------------------------- */

static mx_array *check_matrix(const char *op, mx_array *a, bool square) {
    char shape[128];
    if (!a)
        return NULL;
    mx_shape_text(shape, sizeof shape, a->shape, a->ndim);
    if (a->ndim < 2)
        return mx_fail(
            MX_INVALID,
            "[linalg::%s] Arrays must have >= 2 dimensions. Received array with shape %s.", op,
            shape);
    if (square && rows_of(a) != cols_of(a))
        return mx_fail(MX_INVALID,
                       "[linalg::%s] Square matrices are expected, the given array has shape %s.",
                       op, shape);
    return a;
}

/* The dtype that LAPACK computes in: halves and integers go to float32. */
static mx_array *to_computed(mx_array *a) {
    if (!a)
        return NULL;
    mx_dtype t = mx_dtype_compute(mx_dtype_to_inexact(mx_dtype_of(a)));
    return mx_astype(a, t);
}

/* Halves come back as halves. */
static mx_array *from_computed(mx_array *y, const mx_array *a) {
    mx_dtype t = mx_dtype_of(a);
    bool half = t == MX_FLOAT16 || t == MX_BFLOAT16;
    return y && half && mx_dtype_of(y) == MX_FLOAT32 ? mx_astype(y, t) : y;
}

static bool factor(const char *op, mx_prim prim, const mx_p_triangle *p, mx_array *a, bool square,
                   mx_array **out, int nout) {
    mx_array *x = to_computed(check_matrix(op, a, square));
    if (!x || !mx_apply_multi(prim, p, &x, 1, out, nout))
        return false;
    for (int j = 0; j < nout; j++)
        out[j] = from_computed(out[j], a);
    return !mx_failed();
}

static mx_array *factor1(const char *op, mx_prim prim, bool upper, bool triangular, mx_array *a,
                         bool square) {
    mx_array *out;
    return factor(op, prim, &(mx_p_triangle){upper, triangular}, a, square, &out, 1) ? out : NULL;
}

mx_array *mx_inv(mx_array *a) {
    return factor1("inv", MX_PRIM_inverse, false, false, a, true);
}

mx_array *mx_tri_inv(mx_array *a, bool upper) {
    return factor1("tri_inv", MX_PRIM_inverse, upper, true, upper ? mx_triu(a, 0) : mx_tril(a, 0),
                   true);
}

mx_array *mx_cholesky(mx_array *a, bool upper) {
    return factor1("cholesky", MX_PRIM_cholesky, upper, false, a, true);
}

bool mx_qr(mx_array *a, mx_array *out[2]) {
    return factor("qr", MX_PRIM_qr, NULL, a, false, out, 2);
}

bool mx_svd(mx_array *a, mx_array *out[3]) {
    return factor("svd", MX_PRIM_svd, NULL, a, false, out, 3);
}

mx_array *mx_svdvals(mx_array *a) {
    mx_array *s;
    return factor("svd", MX_PRIM_svd, NULL, a, false, &s, 1) ? s : NULL;
}

bool mx_eigh(mx_array *a, bool upper, mx_array *out[2]) {
    return factor("eigh", MX_PRIM_eigh, &(mx_p_triangle){upper, false}, a, true, out, 2);
}

mx_array *mx_eigvalsh(mx_array *a, bool upper) {
    return factor1("eigvalsh", MX_PRIM_eigh, upper, false, a, true);
}

bool mx_eig(mx_array *a, mx_array *out[2]) {
    return factor("eig", MX_PRIM_eig, NULL, a, true, out, 2);
}

mx_array *mx_eigvals(mx_array *a) {
    mx_array *w;
    return factor("eigvals", MX_PRIM_eig, NULL, a, true, &w, 1) ? w : NULL;
}

static bool check_floats(const char *op, const mx_array *a) {
    if (!a || mx_dtype_is_inexact(mx_dtype_of(a)))
        return a != NULL;
    return mx_fail(MX_INVALID,
                   "[linalg::%s] a matrix of floats is expected, the given array has dtype %s.", op,
                   mx_dtype_name(mx_dtype_of(a)));
}

bool mx_lu_factor(mx_array *a, mx_array *out[2]) {
    mx_array *all[3];
    if (!check_floats("lu_factor", a) || !factor("lu_factor", MX_PRIM_lu, NULL, a, false, all, 3))
        return false;
    out[0] = all[0];
    out[1] = all[1];
    return true;
}

/* a (...,M,N) cut to the first rows and columns. */
static mx_array *corner(mx_array *a, int rows, int cols) {
    mx_array *b = a ? mx_slice_axis(a, -2, 0, rows) : NULL;
    return b ? mx_slice_axis(b, -1, 0, cols) : NULL;
}

bool mx_lu(mx_array *a, mx_array *out[3]) {
    mx_array *all[3];
    if (!check_floats("lu", a))
        return false;
    if (!factor("lu", MX_PRIM_lu, NULL, a, false, all, 3))
        return false;
    int m = rows_of(a), n = cols_of(a), k = small_side(a);
    mx_array *below = mx_tril(corner(all[0], m, k), -1);
    out[0] = all[2];
    out[1] = below ? mx_add(below, mx_eye(m, k, 0, mx_dtype_of(below))) : NULL;
    out[2] = mx_triu(corner(all[0], k, n), 0);
    return out[1] && out[2];
}

/* --- solutions -------------------------------------------------------------------------------- */

static mx_array *solve_shapes_failed(const char *op, const mx_array *a, const mx_array *b) {
    char sa[128], sb[128];
    return mx_fail(
        MX_INVALID,
        "[linalg::%s] Last dimension of first input with shape %s must match second to last "
        "dimension of "
        "second input with shape %s.",
        op, mx_shape_text(sa, sizeof sa, a->shape, a->ndim),
        mx_shape_text(sb, sizeof sb, b->shape, b->ndim));
}

/* Broadcast the batches of two matrix stacks against each other. */
static bool broadcast_batches(const char *op, mx_array **a, mx_array **b) {
    mx_shape s;
    if (!mx_broadcast_shapes(op, (*a)->shape, (*a)->ndim - 2, (*b)->shape, (*b)->ndim - 2, &s))
        return false;
    if (s.ndim + 2 > MX_MAX_NDIM)
        return mx_fail(MX_INVALID, "[%s] too many dimensions", op);
    mx_array **each[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        mx_shape full = s;
        full.dim[full.ndim++] = rows_of(*each[i]);
        full.dim[full.ndim++] = cols_of(*each[i]);
        if (!(*each[i] = mx_broadcast_to(*each[i], full.dim, full.ndim)))
            return false;
    }
    return true;
}

static mx_array *solve(const char *op, mx_array *a, mx_array *b, bool upper, bool triangular) {
    if (!check_matrix(op, a, true) || !b)
        return NULL;
    bool vector = b->ndim == 1;
    mx_array *x = to_computed(a), *y = to_computed(vector ? mx_expand_dim(b, -1) : b);
    if (!x || !y || !mx_promote2(&x, &y))
        return NULL;
    if (y->ndim < 2 || cols_of(x) != rows_of(y))
        return solve_shapes_failed(op, a, b);
    if (!broadcast_batches("linalg::solve", &x, &y))
        return NULL;
    mx_p_triangle p = {upper, triangular};
    mx_array *r = mx_apply2(MX_PRIM_solve, &p, x, y);
    r = vector && r ? mx_squeeze_axis(r, -1) : r;
    return r ? from_computed(r, b) : NULL;
}

mx_array *mx_solve(mx_array *a, mx_array *b) {
    return solve("solve", a, b, false, false);
}

mx_array *mx_solve_triangular(mx_array *a, mx_array *b, bool upper) {
    return solve("solve_triangular", a, b, upper, true);
}
