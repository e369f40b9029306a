/* Derivatives of the factorisations, towards the matrix A, from the cotangents g of the results.
 *
 * Sources: Giles 2008, "Collected matrix derivative results for forward and reverse mode
 * algorithmic differentiation"; Murray 2016, "Differentiation of the Cholesky decomposition";
 * Walter and Lehmann 2010 and Roberts and Roberts 2020 for QR; Boeddeker et al. 2017 for the
 * complex eigendecompositions. H(x) is the conjugate transpose of the last two axes.
 */
#include "base/status.h"
#include "graph/array/params.h"
#include "ops/linalg/linalg.h"
#include "ops/linalg/linalg_rules.h"
#include "ops/rules.h"

static mx_array *T(mx_array *a) {
    return mx_swapaxes(a, -1, -2);
}
static mx_array *H(mx_array *a) {
    return a && mx_dtype_of(a) == MX_COMPLEX64 ? mx_conjugate(T(a)) : T(a);
}
static mx_array *mm(mx_array *a, mx_array *b) {
    return mx_matmul(a, b);
}
static mx_array *mm3(mx_array *a, mx_array *b, mx_array *c) {
    return mx_matmul(mx_matmul(a, b), c);
}

/* x with its diagonal halved, upper (or lower) part zeroed: Phi of Murray 2016. */
static mx_array *half_diagonal(mx_array *x, bool upper) {
    if (!x)
        return NULL;
    mx_array *eye = mx_eye(x->shape[x->ndim - 1], x->shape[x->ndim - 1], 0, mx_dtype_of(x));
    mx_array *kept = upper ? mx_triu(x, 0) : mx_tril(x, 0);
    return mx_sub(kept, mx_mul(kept, mx_mul_s(eye, 0.5)));
}

static mx_array *symmetric_half(mx_array *x) {
    return mx_mul_s(mx_add(x, H(x)), 0.5);
}

/* A (...,N) as a stack of diagonal matrices' diagonals: scales the columns of a matrix. */
static mx_array *row(mx_array *v) {
    return mx_expand_dim(v, -2);
}
static mx_array *column(mx_array *v) {
    return mx_expand_dim(v, -1);
}
static mx_array *diagonal_matrix(mx_array *v) {
    if (!v)
        return NULL;
    int n = v->shape[v->ndim - 1];
    return mx_mul(row(v), mx_eye(n, n, 0, mx_dtype_of(v)));
}

/* 1 / (d_j - d_i) off the diagonal, 0 on it and where two values agree. */
static mx_array *inverse_gaps(mx_array *d) {
    mx_array *gap = mx_sub(row(d), column(d));
    mx_array *zero = mx_zero_like(gap), *same = mx_equal(gap, zero);
    return mx_where(same, zero, mx_reciprocal(mx_where(same, mx_one_like(gap), gap)));
}

/* dY = -Y dA Y */
bool mx_inverse_vjp(const mx_node *n, mx_array *const *cot, const bool *need, mx_array **grad) {
    const mx_p_triangle *p = n->params;
    mx_array *y = mx_node_out(n, 0), *g = mx_negative(mm3(H(y), cot[0], H(y)));
    (void)need;
    grad[0] = !p->triangular ? g : p->upper ? mx_triu(g, 0) : mx_tril(g, 0);
    return grad[0] != NULL;
}

/* A = L L^H: with S = L^-H Phi(L^H g) L^-1, the gradient is its Hermitian part. */
bool mx_cholesky_vjp(const mx_node *n, mx_array *const *cot, const bool *need, mx_array **grad) {
    bool upper = ((const mx_p_triangle *)n->params)->upper;
    mx_array *y = mx_node_out(n, 0), *l = upper ? H(y) : y, *g = upper ? H(cot[0]) : cot[0];
    mx_array *inverse = mx_tri_inv(l, false);
    (void)need;
    grad[0] = symmetric_half(mm3(H(inverse), half_diagonal(mm(H(l), g), false), inverse));
    return grad[0] != NULL;
}

/* X = A^-1 B: gB = A^-H g, gA = -gB X^H */
bool mx_solve_vjp(const mx_node *n, mx_array *const *cot, const bool *need, mx_array **grad) {
    const mx_p_triangle *p = n->params;
    mx_array *x = mx_node_out(n, 0);
    mx_array *gb = p->triangular ? mx_solve_triangular(H(n->in[0]), cot[0], !p->upper)
                                 : mx_solve(H(n->in[0]), cot[0]);
    if (need[0]) {
        mx_array *g = mx_negative(mm(gb, H(x)));
        grad[0] = !p->triangular ? g : p->upper ? mx_triu(g, 0) : mx_tril(g, 0);
    }
    if (need[1])
        grad[1] = gb;
    return gb != NULL;
}

static mx_array *or_zeros(mx_array *g, mx_array *like) {
    return g ? g : mx_zeros_like(like);
}

/* M >= N: with M = R gR^H - gQ^H Q, gA = (gQ + Q copyltu(M)) R^-H */
static mx_array *tall_qr(mx_array *q, mx_array *r, mx_array *gq, mx_array *gr) {
    mx_array *m = mx_sub(mm(r, H(gr)), mm(H(gq), q));
    mx_array *copied = mx_add(mx_tril(m, 0), H(mx_tril(m, -1)));
    mx_array *b = mx_add(gq, mm(q, copied));
    return H(mx_solve_triangular(r, H(b), true));
}

/* M < N: A = [X Z], Q R = [X..], so Q [U V] with Z = Q V. */
static mx_array *wide_qr(mx_array *a, mx_array *q, mx_array *r, mx_array *gq, mx_array *gr) {
    int m = q->shape[q->ndim - 1], n = r->shape[r->ndim - 1];
    mx_array *gu = mx_slice_axis(gr, -1, 0, m), *gv = mx_slice_axis(gr, -1, m, n);
    mx_array *z = mx_slice_axis(a, -1, m, n);
    mx_array *gx = tall_qr(q, mx_slice_axis(r, -1, 0, m), mx_add(gq, mm(z, H(gv))), gu);
    mx_array *both[2] = {gx, mm(q, gv)};
    return both[0] && both[1] ? mx_concatenate(both, 2, -1) : NULL;
}

bool mx_qr_vjp(const mx_node *n, mx_array *const *cot, const bool *need, mx_array **grad) {
    mx_array *a = n->in[0], *q = mx_node_out(n, 0), *r = mx_node_out(n, 1);
    mx_array *gq = or_zeros(cot[0], q), *gr = or_zeros(cot[1], r);
    (void)need;
    if (a->shape[a->ndim - 2] >= a->shape[a->ndim - 1])
        grad[0] = tall_qr(q, r, gq, gr);
    else
        grad[0] = wide_qr(a, q, r, gq, gr);
    return grad[0] != NULL;
}

/* A = U S V^H over the K = min(M,N) first columns; the rest of U and V spans a null space and has
   no derivative. P is the projection out of the span. */
static mx_array *svd_gradient(mx_array *u, mx_array *s, mx_array *vt, mx_array *gu, mx_array *gs,
                              mx_array *gvt) {
    mx_array *v = H(vt), *gv = H(gvt), *f = inverse_gaps(mx_square(s)), *inverse = mx_reciprocal(s);
    mx_array *uu = mm(H(u), gu), *vv = mm(H(v), gv);
    mx_array *left = mx_mul(mx_mul(f, mx_sub(uu, H(uu))), row(s));
    mx_array *right = mx_mul(column(s), mx_mul(f, mx_sub(vv, H(vv))));
    mx_array *core = mx_add(mx_add(left, right), diagonal_matrix(gs));
    mx_array *outside_u = mx_mul(mx_sub(gu, mm(u, uu)), row(inverse));
    mx_array *outside_v = mx_mul(mx_sub(gv, mm(v, vv)), row(inverse));
    return mx_add(mm3(u, core, H(v)), mx_add(mm(outside_u, H(v)), mm(u, H(outside_v))));
}

bool mx_svd_vjp(const mx_node *n, mx_array *const *cot, const bool *need, mx_array **grad) {
    mx_array *all[3] = {NULL, NULL, NULL}, *s = mx_node_out(n, n->nout == 3);
    mx_array *u, *vt, *gu, *gvt, *gs = n->nout == 3 ? cot[1] : cot[0];
    (void)need;
    if (n->nout == 3)
        all[0] = mx_node_out(n, 0), all[2] = mx_node_out(n, 2);
    else if (!mx_svd(n->in[0], all))
        return false;
    int k = s->shape[s->ndim - 1];
    u = mx_slice_axis(all[0], -1, 0, k);
    vt = mx_slice_axis(all[2], -2, 0, k);
    gu = n->nout == 3 && cot[0] ? mx_slice_axis(cot[0], -1, 0, k) : mx_zeros_like(u);
    gvt = n->nout == 3 && cot[2] ? mx_slice_axis(cot[2], -2, 0, k) : mx_zeros_like(vt);
    if (n->nout == 1)
        grad[0] = mm(mx_mul(u, row(gs)), vt);
    else
        grad[0] = svd_gradient(u, s, vt, gu, or_zeros(gs, s), gvt);
    return grad[0] != NULL;
}

/* gA = V (diag(gw) + F o (V^H gV)) V^H, its Hermitian part as only one triangle is read */
bool mx_eigh_vjp(const mx_node *n, mx_array *const *cot, const bool *need, mx_array **grad) {
    mx_array *both[2] = {mx_node_out(n, 0), NULL};
    (void)need;
    if (n->nout == 2)
        both[1] = mx_node_out(n, 1);
    else if (!mx_eigh(n->in[0], ((const mx_p_triangle *)n->params)->upper, both))
        return false;
    mx_array *w = both[0], *v = both[1];
    mx_array *core = diagonal_matrix(or_zeros(cot[0], w));
    if (n->nout == 2 && cot[1])
        core = mx_add(core, mx_mul(inverse_gaps(w), mm(H(v), cot[1])));
    grad[0] = symmetric_half(mm3(v, core, H(v)));
    return grad[0] != NULL;
}

/* gA = V^-H (diag(gw) + (V^H gV - V^H V Re diag(V^H gV)) / conj(gaps)) V^H */
bool mx_eig_vjp(const mx_node *n, mx_array *const *cot, const bool *need, mx_array **grad) {
    mx_array *both[2] = {mx_node_out(n, 0), NULL}, *a = n->in[0];
    (void)need;
    if (n->nout == 2)
        both[1] = mx_node_out(n, 1);
    else if (!mx_eig(a, both))
        return false;
    mx_array *w = both[0], *v = both[1], *core = diagonal_matrix(or_zeros(cot[0], w));
    if (n->nout == 2 && cot[1]) {
        mx_array *vg = mm(H(v), cot[1]), *norms = mx_real(mx_diagonal(vg, 0, -2, -1));
        mx_array *across = mx_sub(vg, mx_mul(mm(H(v), v), row(norms)));
        core = mx_add(core, mx_mul(across, mx_conjugate(inverse_gaps(w))));
    }
    mx_array *g = mm(mx_solve(H(v), core), H(v));
    grad[0] = g && mx_dtype_of(a) != MX_COMPLEX64 ? mx_astype(mx_real(g), mx_dtype_of(a)) : g;
    return grad[0] != NULL;
}

/* A = (L U)[p], square: gA = (L^-H (tril(L^H gL, -1) + triu(gU U^H)) U^-H)[p], where gL and gU lie
   below and above the diagonal of the one cotangent. */
bool mx_lu_vjp(const mx_node *n, mx_array *const *cot, const bool *need, mx_array **grad) {
    mx_array *lu = mx_node_out(n, 0), *order = mx_node_out(n, 2);
    int m = lu->shape[lu->ndim - 2], c = lu->shape[lu->ndim - 1];
    (void)need;
    if (!cot[0])
        return true;
    if (m != c)
        return mx_fail(MX_UNSUPPORTED, "[linalg::lu] the gradient is defined for square matrices");
    mx_array *l = mx_add(mx_tril(lu, -1), mx_eye(m, m, 0, mx_dtype_of(lu))), *u = mx_triu(lu, 0);
    mx_array *core = mx_add(mx_tril(mm(H(l), mx_tril(cot[0], -1)), -1),
                            mx_triu(mm(mx_triu(cot[0], 0), H(u)), 0));
    mx_array *left = mx_solve_triangular(H(l), core, true);
    mx_array *g = H(mx_solve_triangular(u, H(left), true));
    mx_array *where =
        g ? mx_broadcast_to(column(mx_stop_gradient(order)), g->shape, g->ndim) : NULL;
    grad[0] = where ? mx_take_along_axis(g, where, -2) : NULL;
    return grad[0] != NULL;
}
