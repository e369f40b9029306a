/* matmul and addmm: strided arrays handed to the engine as they lie. Batch axes along which b
 * repeats and the rows of a go on evenly are more rows of one product. */
#include "base/status.h"
#include "cpu/cpu.h"
#include "cpu/memory/layout.h"
#include "cpu/matmul/matmul_engine.h"
#include "graph/array/params.h"

enum { A, B, C, OUT };

/* The last two axes; c may lack them, or have size 1 in them. */
static mx_matrix matrix_of(const mx_array *a, const mx_array *out) {
    int64_t strides[MX_MAX_NDIM];
    cpu_broadcast_strides(a, out->shape, out->ndim, strides);
    return (mx_matrix){a->data, strides[out->ndim - 2], strides[out->ndim - 1]};
}

static mx_matrix operand(const mx_array *a) {
    return (mx_matrix){a->data, a->strides[a->ndim - 2], a->strides[a->ndim - 1]};
}

/* Strides of a's leading axes over those of the result. */
static void batch_strides(const mx_array *a, const mx_array *out, int64_t *strides) {
    int n = out->ndim - 2, missing = out->ndim - a->ndim;
    for (int i = 0; i < n; i++) {
        bool stretched = i < missing || a->shape[i - missing] == 1;
        strides[i] = stretched ? 0 : a->strides[i - missing];
    }
}

static void collapse_batch(cpu_layout *l, const mx_array *a, const mx_array *b, const mx_array *c,
                           const mx_array *out) {
    int64_t stride[CPU_MAX_OPERANDS][MX_MAX_NDIM];
    const int64_t *const all[] = {stride[A], stride[B], stride[C], stride[OUT]};
    batch_strides(a, out, stride[A]);
    batch_strides(b, out, stride[B]);
    batch_strides(c ? c : b, out, stride[C]);
    batch_strides(out, out, stride[OUT]);
    cpu_layout_collapse(l, out->shape, out->ndim - 2, CPU_MAX_OPERANDS, all);
}

/* Do the rows of the next matrix of the innermost batch axis follow the last row of this one? */
static bool goes_on(mx_matrix *x, int64_t m, int64_t step) {
    if (m == 1)
        x->rs = step;
    return x->rs * m == step;
}

static void fold_rows(cpu_layout *l, mx_gemm_args *g) {
    int last = l->ndim - 1;
    if (last < 0 || l->stride[B][last] != 0)
        return;
    mx_matrix a = g->a, c = g->cin;
    if (!goes_on(&a, g->m, l->stride[A][last]) ||
        (c.data && !goes_on(&c, g->m, l->stride[C][last])))
        return;
    g->a = a;
    g->cin = c;
    g->m *= l->shape[last];
    l->ndim--;
}

static bool multiply(mx_gemm_args *g, const mx_array *a, const mx_array *b, const mx_array *c,
                     mx_array *out) {
    cpu_layout l;
    collapse_batch(&l, a, b, c, out);
    fold_rows(&l, g);
    g->batch_ndim = l.ndim;
    g->batch_shape = l.shape;
    g->a_bs = l.stride[A];
    g->b_bs = l.stride[B];
    g->cin_bs = l.stride[C];
    g->out_bs = l.stride[OUT];
    return mx_gemm(g);
}

bool cpu_matmul(mx_node *n, mx_array **out, const mx_program *feed) {
    const mx_array *a = n->in[0], *b = n->in[1], *c = n->prim == MX_PRIM_addmm ? n->in[2] : NULL;
    const mx_p_addmm *p = n->params;
    mx_array *y = out[0];
    (void)feed;
    if (!mx_array_alloc(y))
        return false;
    if (y->size == 0)
        return true;
    mx_gemm_args g = {
        .dtype = mx_dtype_of(y),
        .m = y->shape[y->ndim - 2],
        .n = y->shape[y->ndim - 1],
        .k = a->shape[a->ndim - 1],
        .a = operand(a),
        .b = operand(b),
        .out = y->data,
        .out_rs = y->shape[y->ndim - 1],
        .b_forms = mx_buffer_forms(b->buffer),
        .alpha = c ? p->alpha : 1,
        .beta = c ? p->beta : 0,
    };
    if (c)
        g.cin = matrix_of(c, y);
    return multiply(&g, a, b, c, y);
}
