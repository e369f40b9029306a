/* einsum and vecdot. Operands meet in pairs (einsum.h); a pair is
 *
 *     a product           where nothing is summed: broadcast, one pass
 *     a sum of products   where every label that is kept is in both
 *     a matrix product    (batch, left, summed) (batch, summed, right) -> (batch, left, right)
 *
 * Before it meets, an operand loses repeated labels (its diagonal), axes of size 1, and what
 * nobody else has (summed at once).
 */
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "ops/matmul/einsum.h"
#include "ops/rules.h"

/* An operand, and the label of each of its axes. */
typedef struct labelled {
    mx_array *a;
    mx_einsum_term t;
} labelled;

static int find(const mx_einsum_term *t, int label) {
    for (int i = 0; i < t->n; i++)
        if (t->label[i] == label)
            return i;
    return -1;
}

static void drop_axis(mx_einsum_term *t, int axis) {
    t->n--;
    memmove(t->label + axis, t->label + axis + 1, (size_t)(t->n - axis));
}

/* --- one operand ---------------------------------------------------------------------- */

/* Axes of one label become their diagonal, which stands last. */
static void take_diagonals(labelled *x) {
    for (int i = 0; i < x->t.n; i++) {
        int k = i + 1;
        while (k < x->t.n && x->t.label[k] != x->t.label[i])
            k++;
        if (k == x->t.n)
            continue;
        uint8_t label = x->t.label[i];
        x->a = mx_diagonal(x->a, 0, i, k);
        drop_axis(&x->t, k);
        drop_axis(&x->t, i);
        x->t.label[x->t.n++] = label;
        i = -1; // from the start: the label may stand a third time
    }
}

static void drop_ones(labelled *x) {
    int axes[MX_MAX_NDIM], n = 0;
    for (int i = 0; x->a && i < x->a->ndim; i++)
        if (x->a->shape[i] == 1)
            axes[n++] = i;
    if (n)
        x->a = mx_squeeze(x->a, axes, n);
    while (n--)
        drop_axis(&x->t, axes[n]);
}

static void sum_others(labelled *x, mx_labels keep) {
    int axes[MX_MAX_NDIM], n = 0;
    for (int i = 0; i < x->t.n; i++)
        if (!(keep & mx_label_set(x->t.label[i])))
            axes[n++] = i;
    if (n)
        x->a = mx_sum(x->a, axes, n, false);
    while (n--)
        drop_axis(&x->t, axes[n]);
}

/* The axes in the order of these labels; those that x lacks have size 1. */
static mx_array *arranged(const labelled *x, const mx_einsum_term *order) {
    int axes[MX_MAX_NDIM] = {0}, missing[MX_MAX_NDIM], n = 0, holes = 0;
    for (int i = 0; i < order->n; i++) {
        int at = find(&x->t, order->label[i]);
        if (at >= 0)
            axes[n++] = at;
        else
            missing[holes++] = i;
    }
    mx_array *a = mx_transpose_axes(x->a, axes, n);
    return holes ? mx_expand_dims(a, missing, holes) : a;
}

/* --- a pair --------------------------------------------------------------------------- */

/* Labels of `from` that are in the set, in their order, put behind t. */
static void append(mx_einsum_term *t, const mx_einsum_term *from, mx_labels set) {
    for (int i = 0; i < from->n; i++)
        if (set & mx_label_set(from->label[i]))
            t->label[t->n++] = from->label[i];
}

/* Elements of the axes; false: more than an axis can have. */
static bool joined(const mx_einsum_spec *e, const mx_einsum_term *t, int *size) {
    int64_t n = 1;
    for (int i = 0; i < t->n; i++)
        if (__builtin_mul_overflow(n, e->size[t->label[i]], &n))
            n = INT64_MAX;
    *size = (int)(n <= INT_MAX ? n : 0);
    return mx_axis_fits("einsum", n);
}

/* x y, of all labels of both: those of the wider one first. */
static labelled times(const labelled *x, const labelled *y) {
    const labelled *wide = x->t.n >= y->t.n ? x : y, *other = wide == x ? y : x;
    labelled r = {.t = wide->t};
    append(&r.t, &other->t, ~mx_einsum_labels(&wide->t));
    r.a = mx_multiply(arranged(wide, &r.t), arranged(other, &r.t));
    return r;
}

typedef struct sides {
    mx_einsum_term batch, left, summed, right;
} sides;

static sides split(const labelled *x, const labelled *y, mx_labels keep) {
    mx_labels a = mx_einsum_labels(&x->t), b = mx_einsum_labels(&y->t);
    sides s = {{0}, {0}, {0}, {0}};
    append(&s.batch, &x->t, a & b & keep);
    append(&s.left, &x->t, a & ~b);
    append(&s.right, &y->t, b & ~a);
    // the larger operand is read in the order it lies
    append(&s.summed, x->a->size >= y->a->size ? &x->t : &y->t, a & b & ~keep);
    return s;
}

/* The operand as (batch..., rows, columns). */
static mx_array *as_matrices(const mx_einsum_spec *e, const labelled *x,
                             const mx_einsum_term *batch, const mx_einsum_term *rows,
                             const mx_einsum_term *columns) {
    mx_einsum_term order = *batch;
    int shape[MX_MAX_NDIM + 2], n = batch->n;
    append(&order, rows, ~(mx_labels)0);
    append(&order, columns, ~(mx_labels)0);
    for (int i = 0; i < n; i++)
        shape[i] = (int)e->size[batch->label[i]];
    if (!joined(e, rows, &shape[n]) || !joined(e, columns, &shape[n + 1]))
        return NULL;
    return mx_reshape(arranged(x, &order), shape, n + 2);
}

static labelled matrix_product(const mx_einsum_spec *e, const labelled *x, const labelled *y,
                               const sides *s) {
    labelled r = {.t = s->batch};
    int shape[MX_MAX_NDIM];
    append(&r.t, &s->left, ~(mx_labels)0);
    append(&r.t, &s->right, ~(mx_labels)0);
    for (int i = 0; i < r.t.n; i++)
        shape[i] = (int)e->size[r.t.label[i]];
    mx_array *y2 = as_matrices(e, y, &s->batch, &s->summed, &s->right);
    r.a = mx_matmul(as_matrices(e, x, &s->batch, &s->left, &s->summed), y2);
    r.a = mx_reshape(r.a, shape, r.t.n);
    return r;
}

static bool in_set(mx_labels set, const mx_einsum_term *t) {
    return t->n && (set & mx_label_set(t->label[t->n - 1]));
}

static labelled contract(const mx_einsum_spec *e, labelled *x, labelled *y, mx_labels keep) {
    sum_others(x, keep | mx_einsum_labels(&y->t));
    sum_others(y, keep | mx_einsum_labels(&x->t));
    if (!x->a || !y->a)
        return (labelled){0};
    sides s = split(x, y, keep);
    if (s.summed.n == 0)
        return times(x, y);
    if (s.left.n + s.right.n == 0) {
        labelled all = times(x, y);
        sum_others(&all, keep);
        return all;
    }
    // what the result has last comes from the right
    bool turn = in_set(mx_einsum_labels(&s.left), &e->out);
    if (!turn)
        return matrix_product(e, x, y, &s);
    s = split(y, x, keep);
    return matrix_product(e, y, x, &s);
}

/* --- the whole ------------------------------------------------------------------------ */

/* More than the outermost axes of these would make a result of too many dimensions. */
static bool fits(const mx_einsum_pair *p) {
    int n = __builtin_popcountll((uint64_t)p->all) + __builtin_popcountll((uint64_t)(p->all >> 64));
    return n + 2 <= MX_MAX_NDIM ||
           mx_fail(MX_INVALID, "[einsum] more than %d dimensions would meet", MX_MAX_NDIM - 2);
}

static mx_array *finish(const mx_einsum_spec *e, labelled *x) {
    sum_others(x, mx_einsum_labels(&e->out));
    return arranged(x, &e->out);
}

static mx_array *run(const mx_einsum_spec *e, labelled *x, mx_dtype t) {
    for (int i = 0; i < e->n; i++) {
        take_diagonals(&x[i]);
        drop_ones(&x[i]);
    }
    for (int i = 0; i < e->n - 1; i++) {
        const mx_einsum_pair *p = &e->pair[i];
        if (!fits(p) || !x[p->x].a || !x[p->y].a)
            return NULL;
        labelled y = contract(e, &x[p->x], &x[p->y], p->keep);
        y.a = mx_astype(y.a, t);
        x[e->n + i] = y;
    }
    mx_array *y = finish(e, &x[2 * e->n - 2]);
    return e->n > 1 ? mx_astype(y, t) : y;
}

static mx_dtype common_dtype(mx_array *const *in, int n) {
    mx_dtype t = mx_dtype_of(in[0]);
    for (int i = 1; i < n; i++)
        t = mx_dtype_promote(t, mx_dtype_of(in[i]));
    return t;
}

mx_array *mx_einsum(const char *subscripts, mx_array *const *in, int n) {
    mx_einsum_spec e;
    labelled *x = NULL;
    mx_array *y = NULL;
    if (mx_einsum_open(&e, subscripts, in, n) && (x = mx_calloc((size_t)n * 2, sizeof *x))) {
        mx_dtype t = common_dtype(in, n);
        for (int i = 0; i < n; i++)
            x[i] = (labelled){mx_astype(in[i], t), e.in[i]};
        y = run(&e, x, t);
    }
    mx_free(x);
    mx_einsum_free(&e);
    return y;
}

/* --- the path as text ----------------------------------------------------------------- */

/* Numbers as positions in the list that shrinks: results are put at its end. */
static void positions(const mx_einsum_spec *e, int *list, int *at) {
    int count = e->n;
    for (int i = 0; i < e->n; i++)
        list[i] = i;
    for (int i = 0; i < e->n - 1; i++) {
        for (int side = 0; side < 2; side++) {
            int number = side ? e->pair[i].x : e->pair[i].y, k = 0;
            while (list[k] != number)
                k++;
            at[2 * i + !side] = k;
            memmove(list + k, list + k + 1, (size_t)(--count - k) * sizeof *list);
        }
        list[count++] = e->n + i;
    }
    if (e->n == 1) {
        at[0] = 0;
        at[1] = -1;
    }
}

static void describe(const mx_einsum_spec *e, const char *subscripts, mx_text *t) {
    mx_einsum_cost c = mx_einsum_cost_of(e);
    mx_text_add(t, "  Complete contraction:  %s\n", subscripts);
    mx_text_add(t, "         Naive scaling:  %d\n", c.naive_labels);
    mx_text_add(t, "     Optimized scaling:  %d\n", c.chosen_labels);
    mx_text_add(t, "      Naive FLOP count:  %.0f\n", c.naive);
    mx_text_add(t, "  Optimized FLOP count:  %.0f\n", c.chosen);
}

bool mx_einsum_path(const char *subscripts, mx_array *const *in, int n, int *path, mx_text *text) {
    mx_einsum_spec e;
    int *list = NULL;
    bool ok = mx_einsum_open(&e, subscripts, in, n) &&
              (list = mx_calloc((size_t)n * 2, sizeof *list)) != NULL;
    if (ok && path)
        positions(&e, list, path);
    if (ok && text)
        describe(&e, subscripts, text);
    mx_free(list);
    mx_einsum_free(&e);
    return ok;
}

/* --- vecdot --------------------------------------------------------------------------- */

mx_array *mx_vecdot(mx_array *a, mx_array *b, int axis) {
    if (!a || !b || !mx_promote2(&a, &b))
        return NULL;
    if (a->ndim == 0 || b->ndim == 0)
        return mx_fail(MX_INVALID, "[vecdot] inputs must be at least 1D.");
    int k = axis < 0 ? axis + a->ndim : axis, l = axis < 0 ? axis + b->ndim : axis;
    if (k < 0 || k >= a->ndim || l < 0 || l >= b->ndim)
        return mx_fail(MX_RANGE, "[vecdot] axis is out of bounds.");
    if (a->shape[k] != b->shape[l])
        return mx_fail(MX_INVALID, "[vecdot] a and b must have the same size along axis.");
    a = a->dtype == MX_COMPLEX64 ? mx_conjugate(a) : a;
    return mx_sum_axis(mx_multiply(mx_moveaxis(a, k, -1), mx_moveaxis(b, l, -1)), -1, false);
}
