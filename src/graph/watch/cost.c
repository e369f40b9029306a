/* The formulas: see cost.h. */
#include "graph/watch/cost.h"

#include <math.h>

#include "graph/array/params.h"
#include "graph/eval/recipe.h"

/* --- shapes ----------------------------------------------------------------------------------- */

static double size(const mx_array *a) {
    return a ? (double)a->size : 0;
}

/* Axis i, from the end if it is negative; 1 where there is none. */
static double dim(const mx_array *a, int i) {
    i = i < 0 ? a->ndim + i : i;
    return i >= 0 && i < a->ndim ? a->shape[i] : 1;
}

static const mx_array *in(const mx_task *t, int i) {
    return t->node->in[i];
}

/* The first output that somebody wants. */
static const mx_array *out(const mx_task *t) {
    for (int j = 0; j < t->node->nout; j++)
        if (t->out[j])
            return t->out[j];
    return NULL;
}

/* Matrices of a batch of (..., M, N). */
static double matrices(const mx_array *a) {
    double one = dim(a, -1) * dim(a, -2);
    return one > 0 ? size(a) / one : 0;
}

static double log2_of(double n) {
    return n > 1 ? log2(n) : 0;
}

/* Operations of one product with its addition. */
static double product(const mx_array *a) {
    return mx_dtype_of(a) == MX_COMPLEX64 ? 8 : 2;
}

/* --- operations, a function for each family --------------------------------------------------- */

static double nothing(const mx_task *t) {
    (void)t;
    return 0;
}
static double one_each(const mx_task *t) { /* reductions, scans, conversions */
    return size(in(t, 0));
}
static double of_windows(const mx_task *t) {
    const mx_p_reduce_windows *p = t->node->params;
    double each = size(out(t));
    for (int i = 0; i < p->window.n; i++)
        each *= p->window.v[i];
    return each;
}
static double two_of_output(const mx_task *t) {
    return 2 * size(out(t));
}
static double of_softmax(const mx_task *t) { /* max, subtract, exp, add, divide */
    return 5 * size(in(t, 0));
}
static double of_sort(const mx_task *t) { /* comparisons */
    const mx_p_sort *p = t->node->params;
    return size(in(t, 0)) * log2_of(dim(in(t, 0), p->axis));
}
static double of_scatter(const mx_task *t) { /* none where elements are only put */
    const mx_p_scatter *p = t->node->params;
    return t->node->prim == MX_PRIM_scatter && p->op ? size(in(t, t->node->nin - 1)) : 0;
}
static double of_categorical(const mx_task *t) { /* two logarithms, an addition, a comparison */
    const mx_p_categorical *p = t->node->params;
    double n = 4;
    for (int i = 0; i < p->noise.n; i++)
        n *= p->noise.v[i];
    return n;
}
static double of_matmul(const mx_task *t) {
    const mx_array *o = out(t);
    double more = t->node->prim == MX_PRIM_addmm ? 2 : 0; /* beta c, and its addition */
    return o ? size(o) * (product(o) * dim(in(t, 0), -1) + more) : 0;
}
static double of_gather_mm(const mx_task *t) {
    return 2 * size(out(t)) * dim(in(t, 0), -1);
}
static double of_segmented_mm(const mx_task *t) { /* segments that cover the inner axis once */
    bool spread = t->node->prim == MX_PRIM_segmented_mm_spread;
    return spread ? 2 * size(out(t)) * dim(in(t, 0), -1) : 2 * size(in(t, 0)) * dim(in(t, 1), -1);
}
static double of_norm(const mx_task *t) { /* square, add, scale, weight; twice that backwards */
    mx_prim p = (mx_prim)t->node->prim;
    bool layer = p == MX_PRIM_layer_norm || p == MX_PRIM_layer_norm_vjp,
         back = p == MX_PRIM_rms_norm_vjp || p == MX_PRIM_layer_norm_vjp;
    return size(in(t, 0)) * (layer ? 7 : 4) * (back ? 2 : 1);
}
static double of_rope(const mx_task *t) { /* a turn of each pair */
    const mx_p_rope *p = t->node->params;
    double width = dim(in(t, 0), -1);
    return width > 0 ? 3 * size(in(t, 0)) * p->dims / width : 0;
}
/* Scores that are computed: with a causal mask those on and below the diagonal. */
static double scores_of(const mx_task *t) {
    const mx_p_attention *p = t->node->params;
    const mx_array *q = in(t, 0), *k = in(t, 1);
    double rows = dim(q, -2), cols = dim(k, -2), heads = matrices(q);
    double above = p->causal ? fmin(rows, cols) * (fmin(rows, cols) - 1) / 2 : 0;
    return heads * (rows * cols - above);
}
static double of_attention(const mx_task *t) { /* two products and a softmax */
    return scores_of(t) * (2 * dim(in(t, 0), -1) + 2 * dim(in(t, 2), -1) + 5);
}
static double of_gated_delta(const mx_task *t) { /* decay, k'S, the update, q'S of each state */
    const mx_array *v = in(t, 2), *state = in(t, 5);
    return 7 * dim(v, -3) * size(state);
}
static double of_cross_entropy(const mx_task *t) { /* max, subtract, exp, add */
    return 4 * size(in(t, 0));
}
/* Products for each element of the result: kernel places times channels of a group. */
static double of_conv(const mx_task *t) {
    const mx_array *w = in(t, 1), *o = out(t);
    return o && dim(w, 0) > 0 ? product(o) * size(o) * size(w) / dim(w, 0) : 0;
}
static double of_conv_weight(const mx_task *t) {
    const mx_array *g = in(t, 1), *w = out(t);
    return w && dim(w, 0) > 0 ? product(w) * size(g) * size(w) / dim(w, 0) : 0;
}
static double of_quantize(const mx_task *t) { /* range, scale, round; a scale and an offset back */
    return t->node->prim == MX_PRIM_dequantize ? two_of_output(t) : 3 * size(in(t, 0));
}
static double of_linalg(const mx_task *t) { /* Golub and Van Loan 2013 */
    const mx_array *a = in(t, 0);
    double m = dim(a, -2), n = dim(a, -1), k = fmin(m, n), l = fmax(m, n);
    bool vectors = t->node->nout > 1;
    double one = 0;
    switch ((mx_prim)t->node->prim) {
    case MX_PRIM_inverse: one = 2 * n * n * n; break;
    case MX_PRIM_cholesky: one = n * n * n / 3; break;
    case MX_PRIM_qr: one = 4 * k * k * (l - k / 3); break;
    case MX_PRIM_svd:
        one = vectors ? 4 * l * l * k + 8 * l * k * k + 9 * k * k * k
                      : 4 * l * k * k - 4 * k * k * k / 3;
        break;
    case MX_PRIM_eigh: one = vectors ? 9 * n * n * n : 4 * n * n * n / 3; break;
    case MX_PRIM_eig: one = vectors ? 25 * n * n * n : 10 * n * n * n; break;
    case MX_PRIM_lu: one = k * k * (l - k / 3); break;
    case MX_PRIM_solve: {
        const mx_p_triangle *p = t->node->params;
        double columns = dim(in(t, 1), -1);
        one = (p->triangular ? 1 : 2) * n * n * columns + (p->triangular ? 0 : 2 * n * n * n / 3);
        break;
    }
    default: break;
    }
    return one * matrices(a);
}
static double of_fft(const mx_task *t) { /* 5 n log2 n a line, half for real numbers */
    const mx_p_fft *p = t->node->params;
    const mx_array *a = in(t, 0);
    double width = dim(a, p->axis), lines = width > 0 ? size(a) / width : 0;
    return lines * 5 * p->n * log2_of(p->n) / (p->kind == MX_P_FFT_FULL ? 1 : 2);
}
static double of_hadamard(const mx_task *t) {
    return size(in(t, 0)) * log2_of(dim(in(t, 0), -1));
}

/* --- bytes ------------------------------------------------------------------------------------ */

static size_t bytes(const mx_array *a) {
    return (size_t)a->size * mx_itemsize(a);
}

/* Of the elements that lie in memory: not those that an axis repeats. */
static uint64_t stored(const mx_array *a) {
    uint64_t n = mx_itemsize(a);
    for (int i = 0; i < a->ndim; i++)
        n *= a->buffer && a->strides[i] == 0 && a->shape[i] > 1 ? 1 : (uint64_t)a->shape[i];
    return n;
}

/* The same array as one of the few before it: x times x reads x once. */
static bool is_again(const mx_task *t, int i) {
    for (int j = i - 1; j >= 0 && j >= i - 3; j--)
        if (mx_task_input(t, j) == mx_task_input(t, i))
            return true;
    return false;
}

static uint64_t inputs(const mx_task *t, int from) {
    uint64_t n = 0;
    for (int i = from; i < mx_task_inputs(t); i++)
        n += is_again(t, i) ? 0 : stored(mx_task_input(t, i));
    return n;
}

static uint64_t outputs(const mx_task *t) {
    uint64_t n = 0;
    for (int j = 0; j < mx_task_outputs(t); j++)
        n += mx_task_output(t, j) ? bytes(mx_task_output(t, j)) : 0;
    return n;
}

static uint64_t read_all(const mx_task *t) {
    return inputs(t, 0);
}
static uint64_t read_none(const mx_task *t) {
    (void)t;
    return 0;
}
/* What is put out was read once: parts of the first input that the others name, or of a file. */
static uint64_t read_picked(const mx_task *t) {
    return outputs(t) + inputs(t, 1);
}

/* --- the table -------------------------------------------------------------------------------- */

typedef struct family {
    double (*flops)(const mx_task *t);
    uint64_t (*read)(const mx_task *t);
} family;

static const family cost_pointwise = {nothing, read_all}; /* runs as programs */
static const family cost_view = {nothing, read_all};
static const family cost_copy = {nothing, read_all};
static const family cost_concatenate = {nothing, read_all};
static const family cost_pad = {nothing, read_all};
static const family cost_slice_update = {nothing, read_all};
static const family cost_dynamic_slice = {nothing, read_picked};
static const family cost_full = {nothing, read_all};
static const family cost_create = {nothing, read_none};
static const family cost_load = {nothing, read_picked};
static const family cost_reduce = {one_each, read_all};
static const family cost_windows = {of_windows, read_all};
static const family cost_arg_reduce = {one_each, read_all};
static const family cost_scan = {one_each, read_all};
static const family cost_softmax = {of_softmax, read_all};
static const family cost_sort = {of_sort, read_all};
static const family cost_gather = {nothing, read_picked};
static const family cost_scatter = {of_scatter, read_all};
static const family cost_random = {nothing, read_all};
static const family cost_categorical = {of_categorical, read_all};
static const family cost_matmul = {of_matmul, read_all};
static const family cost_gather_mm = {of_gather_mm, read_all};
static const family cost_segmented_mm = {of_segmented_mm, read_all};
static const family cost_norm = {of_norm, read_all};
static const family cost_rope = {of_rope, read_all};
static const family cost_attention = {of_attention, read_all};
static const family cost_gated_delta = {of_gated_delta, read_all};
static const family cost_cross_entropy = {of_cross_entropy, read_all};
static const family cost_conv = {of_conv, read_all};
static const family cost_conv_weight = {of_conv_weight, read_all};
static const family cost_quantize = {of_quantize, read_all};
static const family cost_blocks = {of_quantize, read_all};
static const family cost_fp8 = {one_each, read_all};
static const family cost_quantized_matmul = {of_gather_mm, read_all};
static const family cost_linalg = {of_linalg, read_all};
static const family cost_fft = {of_fft, read_all};
static const family cost_hadamard = {of_hadamard, read_all};
static const family cost_compiled = {nothing, read_none}; /* its parts are events of their own */
static const family cost_custom = {nothing, read_none};
static const family cost_plugin = {nothing, read_all}; /* what it computes its kernel knows */

static const family *const families[MX_PRIM_COUNT] = {
#define PRIM(name, Name, family) &cost_##family,
#include "graph/array/prims.def"
};

mx_cost mx_task_cost(const mx_task *t) {
    const mx_program *p = t->program;
    double steps = p ? (double)p->size * p->n_instr : 0;
    if (!t->node)
        return (mx_cost){inputs(t, 0), steps};
    const family *f = families[t->node->prim];
    return (mx_cost){f->read(t), f->flops(t) + steps};
}

/* --- before anything has run ------------------------------------------------------------------ */

enum { EACH_NODE = 50, BYTES_EACH = 8, FEW_OUTPUTS = 8 };

static bool may_wait(const mx_node *n) {
    const family *f = families[n->prim];
    return n->stream.device.type != MX_CPU || n->nout > FEW_OUTPUTS || f == &cost_load ||
           f == &cost_linalg || f == &cost_custom || f == &cost_plugin;
}

double mx_node_work(const mx_node *n) {
    mx_array *out[FEW_OUTPUTS] = {NULL};
    if (may_wait(n))
        return INFINITY;
    if (n->prim == MX_PRIM_compiled)
        return ((const mx_recipe *)((const mx_p_compiled *)n->params)->recipe)->work;
    mx_node_hold_outputs((mx_node *)n, out);
    mx_task t = {.node = (mx_node *)n, .out = out};
    mx_cost c = mx_task_cost(&t);
    double work = EACH_NODE + c.flops + (double)(c.read + outputs(&t)) / BYTES_EACH;
    for (int j = 0; j < n->nout; j++)
        mx_array_release(out[j]);
    return work;
}

static bool may_be_view(const mx_task *t) {
    return t->node && mx_node_desc(t->node)->traits & (MX_TRAIT_VIEW | MX_TRAIT_SHARES);
}

static bool is_view(const mx_task *t, const mx_array *o) {
    for (int i = 0; may_be_view(t) && i < t->node->nin; i++)
        if (o->buffer && o->buffer == t->node->in[i]->buffer)
            return true;
    return false;
}

uint64_t mx_task_written(const mx_task *t) {
    uint64_t n = 0;
    bool parts = t->node && t->node->prim == MX_PRIM_compiled;
    for (int j = 0; !parts && j < mx_task_outputs(t); j++) {
        const mx_array *o = mx_task_output(t, j);
        n += o && !is_view(t, o) ? bytes(o) : 0;
    }
    return n;
}

bool mx_task_moves(const mx_task *t, uint64_t written) {
    return written || !may_be_view(t);
}
