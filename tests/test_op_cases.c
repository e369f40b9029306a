/* The checks of the case table: see op_cases.h. */
#include <stdlib.h>

#include "op_cases.h"

#include "base/pool.h"
#include "base/status.h"
#include "check.h"
#include "graph/eval.h"
#include "kernels/kernels.h"
#include "transforms/transforms.h"

static const op_case *const families[] = {op_cases_pointwise, op_cases_view, op_cases_join};

/* --- inputs ----------------------------------------------------------------------- */

static int inputs_of(const op_case *c) {
    int n = 0;
    while (n < CASE_INPUTS && (c->in[n].ndim || c->in[n].lo != c->in[n].hi))
        n++;
    return n;
}

static double noise(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

static mx_array *make(const op_input *i, int n, uint64_t seed, mx_dtype t) {
    int shape[CASE_NDIM];
    for (int k = 0; k < i->ndim; k++)
        shape[k] = i->shape[k] == N ? n : i->shape[k];
    mx_array *a = mx_array_empty(shape, i->ndim, MX_FLOAT64);
    bool whole = i->index || !mx_dtype_is_inexact(t);
    for (int64_t k = 0; a && k < a->size; k++) {
        double v = i->lo + noise(&seed) * (i->hi - i->lo + (whole ? 1 : 0));
        ((double *)a->data)[k] = whole ? floor(v) : v;
    }
    if (i->boolean)
        return mx_greater(a, mx_zero_like(a));
    return mx_astype(mx_astype(a, i->index ? MX_INT32 : t), i->index ? MX_INT32 : t);
}

enum { BATCH = 3, SHORT = 2, LONG = 4001 };

static void make_inputs(const op_case *c, int n, uint64_t seed, mx_dtype t, mx_array **in) {
    for (int i = 0; i < inputs_of(c); i++)
        in[i] = make(&c->in[i], n, seed * 977 + (uint64_t)i, t);
    mx_eval(in, inputs_of(c));
}

static bool differentiable(const op_input *i) {
    return !i->index && !i->boolean;
}

/* --- comparison ------------------------------------------------------------------- */

static mx_array *doubles(mx_array *a) {
    mx_array *d = mx_contiguous(mx_astype(a, MX_FLOAT64), false);
    return mx_eval1(d) ? d : NULL;
}

static double at(mx_array *a, int64_t i) {
    return ((const double *)a->data)[i];
}

static bool near(double a, double b, double tolerance) {
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= tolerance * (1 + fabs(b));
}

static void same(const op_case *c, const char *what, mx_array *a, mx_array *b, double tolerance) {
    mx_array *x = doubles(a), *y = doubles(b);
    if (!CHECK_MSG(x && y, "%s, %s: %s", c->name, what, mx_error_message())) {
        mx_error_clear();
        return;
    }
    if (!CHECK_MSG(mx_same_shape(x, y), "%s, %s: shapes differ", c->name, what))
        return;
    int64_t i = 0;
    while (i < x->size && near(at(x, i), at(y, i), tolerance))
        i++;
    bool ok = i == x->size;
    CHECK_MSG(ok, "%s, %s: element %lld is %.9g, expected %.9g", c->name, what, (long long)i,
              ok ? 0 : at(x, i), ok ? 0 : at(y, i));
}

static double tolerance(const op_case *c, mx_dtype t) {
    double wide = c->flags & LOOSE ? 10 : 1;
    switch (t) {
    case MX_FLOAT64: return wide * 1e-12;
    case MX_FLOAT32: return wide * 4e-6;
    case MX_FLOAT16: return wide * 4e-3;
    case MX_BFLOAT16: return wide * 3e-2;
    default: return 0;
    }
}

/* --- value, dtypes, layouts ------------------------------------------------------- */

static mx_array *by_points(const op_case *c, mx_array *const *in, const mx_array *like) {
    mx_array *y = mx_array_empty(like->shape, like->ndim, MX_FLOAT64), *x[CASE_INPUTS];
    for (int i = 0; i < inputs_of(c); i++)
        x[i] = doubles(mx_broadcast_to(in[i], like->shape, like->ndim));
    for (int64_t k = 0; k < y->size; k++) {
        double v[CASE_INPUTS];
        for (int i = 0; i < inputs_of(c); i++)
            v[i] = at(x[i], k);
        ((double *)y->data)[k] = c->point(v);
    }
    return y;
}

static void check_value(const op_case *c) {
    mx_array *in[CASE_INPUTS];
    make_inputs(c, SHORT, 1, MX_FLOAT64, in);
    mx_array *y = c->f(in);
    if (!CHECK_MSG(mx_eval1(y), "%s: %s", c->name, mx_error_message())) {
        mx_error_clear();
        return;
    }
    if (c->point)
        same(c, "value", y, by_points(c, in, y), tolerance(c, MX_FLOAT64));
    if (c->other)
        same(c, "the other way", y, c->other(in), tolerance(c, MX_FLOAT64));
}

static void check_dtypes(const op_case *c) {
    static const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16,
                                     MX_INT16,   MX_INT32,   MX_INT64};
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        mx_dtype t = types[k];
        bool half = t == MX_FLOAT16 || t == MX_BFLOAT16, whole = !mx_dtype_is_inexact(t);
        if ((whole && !(c->flags & INTS)) || (half && (c->flags & NO_HALF)))
            continue;
        mx_array *in[CASE_INPUTS], *wide[CASE_INPUTS];
        make_inputs(c, SHORT, 2, t, in);
        for (int i = 0; i < inputs_of(c); i++)
            wide[i] = differentiable(&c->in[i]) ? mx_astype(in[i], MX_FLOAT64) : in[i];
        same(c, mx_dtype_name(t), c->f(in), c->f(wide), tolerance(c, t));
    }
}

/* The same values in column order, reversed, and with gaps. */
static mx_array *laid_out(mx_array *a, int how) {
    mx_array *y = how == 0   ? mx_transpose(mx_contiguous(mx_transpose(a), false))
                  : how == 1 ? mx_flip(mx_contiguous(mx_flip(a, NULL, 0), false), NULL, 0)
                             : a;
    if (how == 2 && a->ndim) {
        int start[CASE_NDIM] = {0}, stop[CASE_NDIM], step[CASE_NDIM];
        y = mx_repeat(a, 2, -1);
        for (int i = 0; i < a->ndim; i++) {
            stop[i] = y->shape[i];
            step[i] = i == a->ndim - 1 ? 2 : 1;
        }
        mx_eval1(y);
        y = mx_slice(y, start, stop, step);
    }
    mx_eval1(y);
    return y;
}

static void check_layouts(const op_case *c) {
    static const char *const names[] = {"columns", "reversed", "gaps"};
    mx_array *in[CASE_INPUTS], *other[CASE_INPUTS];
    make_inputs(c, SHORT + 1, 3, MX_FLOAT32, in);
    mx_array *y = c->f(in);
    for (int how = 0; how < 3; how++) {
        for (int i = 0; i < inputs_of(c); i++)
            other[i] = laid_out(in[i], how);
        same(c, names[how], c->f(other), y, tolerance(c, MX_FLOAT32));
    }
    for (int i = 0; i < inputs_of(c); i++) {
        other[i] = in[i]->ndim
                       ? mx_broadcast_to(mx_slice_axis(in[i], 0, 0, 1), in[i]->shape, in[i]->ndim)
                       : in[i];
        in[i] = mx_add(other[i], mx_zeros_like(other[i]));
        mx_eval1(in[i]);
    }
    same(c, "broadcast", c->f(other), c->f(in), tolerance(c, MX_FLOAT32));
    if (c->flags & NO_EMPTY)
        return;
    make_inputs(c, 0, 3, MX_FLOAT32, in);
    CHECK_MSG(mx_eval1(c->f(in)), "%s of empty arrays: %s", c->name, mx_error_message());
    mx_error_clear();
}

/* --- derivatives ------------------------------------------------------------------ */

/* The operation as a function of its differentiable inputs; the others stay. */
typedef struct function {
    const op_case *c;
    mx_array *in[CASE_INPUTS];
} function;

static int free_inputs(const op_case *c, mx_array *const *in, mx_array **out) {
    int n = 0;
    for (int i = 0; i < inputs_of(c); i++)
        if (differentiable(&c->in[i]))
            out[n++] = in[i];
    return n;
}

static mx_array *apply(const function *f, mx_array *const *x) {
    mx_array *in[CASE_INPUTS];
    for (int i = 0, n = 0; i < inputs_of(f->c); i++)
        in[i] = differentiable(&f->c->in[i]) ? x[n++] : f->in[i];
    return f->c->f(in);
}

static bool call(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    (void)nin;
    return mx_arrays_add(out, apply(self->payload, in));
}

static double dot(mx_array *a, mx_array *b) {
    mx_array *x = doubles(a), *y = doubles(b);
    double sum = 0;
    for (int64_t i = 0; x && y && i < x->size; i++)
        sum += at(x, i) * at(y, i);
    return x && y ? sum : NAN;
}

static mx_array *random_like(mx_array *a, uint64_t seed) {
    mx_array *r = mx_array_empty(a->shape, a->ndim, MX_FLOAT64);
    for (int64_t i = 0; r && i < r->size; i++)
        ((double *)r->data)[i] = 2 * noise(&seed) - 1;
    return r;
}

/* (f(x + h t) - f(x - h t)) / 2h */
static mx_array *difference(const function *f, mx_array *const *x, mx_array *const *t, int n,
                            double h) {
    mx_array *up[CASE_INPUTS] = {0}, *down[CASE_INPUTS] = {0};
    for (int i = 0; i < n; i++) {
        up[i] = mx_add(x[i], mx_mul_s(t[i], h));
        down[i] = mx_sub(x[i], mx_mul_s(t[i], h));
    }
    return mx_mul_s(mx_sub(apply(f, up), apply(f, down)), 0.5 / h);
}

static void check_derivatives(const op_case *c) {
    function f = {.c = c};
    mx_array *x[CASE_INPUTS] = {0}, *t[CASE_INPUTS] = {0};
    make_inputs(c, SHORT, 4, MX_FLOAT64, f.in);
    int n = free_inputs(c, f.in, x);
    mx_closure k = mx_closure_local(call, &f);
    mx_array *y = c->f(f.in), *g = y && mx_eval1(y) ? random_like(y, 5) : NULL;
    mx_arrays outs = {0}, outs2 = {0}, grads = {0}, tangents = {0};
    for (int i = 0; i < n; i++)
        t[i] = random_like(x[i], 6 + (uint64_t)i);
    bool back = g && mx_vjp(&k, x, n, &g, 1, &outs, &grads);
    CHECK_MSG(back && (int)grads.count == n, "%s, vjp: %s", c->name, mx_error_message());
    mx_error_clear();
    bool forth = mx_jvp(&k, x, n, t, n, &outs2, &tangents);
    CHECK_MSG(forth && tangents.count == 1, "%s, jvp: %s", c->name, mx_error_message());
    mx_error_clear();
    if (back && forth && (int)grads.count == n && tangents.count == 1) {
        double sum = 0, want = dot(g, difference(&f, x, t, n, 1e-5));
        for (int i = 0; i < n; i++)
            sum += dot(grads.item[i], t[i]);
        CHECK_MSG(near(sum, want, 2e-6), "%s, vjp: %.9g, differences give %.9g", c->name, sum,
                  want);
        double across = dot(g, tangents.item[0]);
        CHECK_MSG(near(across, sum, 1e-9), "%s, jvp: %.12g, vjp gives %.12g", c->name, across, sum);
    }
    mx_arrays_free(&outs);
    mx_arrays_free(&outs2);
    mx_arrays_free(&grads);
    mx_arrays_free(&tangents);
}

/* --- vmap: each node's rule, from the inputs to the result ------------------------ */

typedef struct batched {
    mx_array *from, *to;
    int axis;
} batched;

typedef struct batcher {
    batched item[512];
    int count;
} batcher;

static void put(batcher *b, mx_array *from, mx_array *to, int axis) {
    if (b->count < 512)
        b->item[b->count++] = (batched){from, to, axis};
}

static batched *lookup(batcher *b, const mx_array *a) {
    for (int i = 0; i < b->count; i++)
        if (b->item[i].from == a)
            return &b->item[i];
    return NULL;
}

static batched batch(batcher *b, mx_array *a);

static void batch_node(batcher *b, mx_node *n) {
    enum { MOST = 16 };
    mx_array *in[MOST], *out[MOST] = {0};
    int axes[MOST], out_axes[MOST];
    bool any = false;
    for (int i = 0; i < n->nin && i < MOST; i++) {
        batched x = batch(b, n->in[i]);
        in[i] = x.to;
        axes[i] = x.axis;
        any |= x.axis >= 0;
    }
    bool ok =
        any && mx_node_desc(n)->vmap && mx_node_desc(n)->vmap(n, in, axes, BATCH, out, out_axes);
    for (int j = 0; j < n->nout && j < MOST; j++)
        if (n->out[j])
            put(b, n->out[j], any ? (ok ? out[j] : NULL) : n->out[j], ok ? out_axes[j] : -1);
}

static batched batch(batcher *b, mx_array *a) {
    batched *known = lookup(b, a);
    if (known)
        return *known;
    if (!a->node)
        return (batched){a, a, -1};
    batch_node(b, a->node);
    known = lookup(b, a);
    return known ? *known : (batched){a, NULL, -1};
}

static void check_vmap(const op_case *c) {
    mx_array *in[CASE_INPUTS], *seed[CASE_INPUTS], *items[BATCH][CASE_INPUTS], *results[BATCH];
    batcher b = {.count = 0};
    int n = inputs_of(c);
    for (int k = 0; k < BATCH; k++) {
        make_inputs(c, SHORT, 7 + (uint64_t)k, MX_FLOAT32, items[k]);
        results[k] = c->f(items[k]);
    }
    for (int i = 0; i < n;
         i++) { /* the first along axis 0, the second along the last, an index not at all */
        mx_array *column[BATCH];
        for (int k = 0; k < BATCH; k++)
            column[k] = items[c->in[i].index ? 0 : k][i];
        int axis = i % 2 ? column[0]->ndim : 0;
        seed[i] = mx_placeholder(column[0]->shape, column[0]->ndim, mx_dtype_of(column[0]));
        in[i] = c->in[i].index ? column[0] : mx_stack(column, BATCH, axis);
        put(&b, seed[i], in[i], c->in[i].index ? -1 : axis);
    }
    for (int k = 0; k < BATCH; k++)
        for (int i = 0; i < n; i++)
            if (c->in[i].index) {
                items[k][i] = items[0][i];
                results[k] = c->f(items[k]);
            }
    mx_array *y = c->f(seed);
    batched got = y ? batch(&b, y) : (batched){NULL, NULL, -1};
    mx_array *front = got.axis > 0 ? mx_moveaxis(got.to, got.axis, 0) : got.to;
    same(c, "vmap", front, mx_stack(results, BATCH, 0), tolerance(c, MX_FLOAT32));
}

/* --- instruction sets, threads ---------------------------------------------------- */

static void check_sets(const op_case *c) {
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    const char *chosen = mx_kernels_get()->name;
    mx_array *in[CASE_INPUTS], *first = NULL;
    make_inputs(c, 61, 8, MX_FLOAT32, in);
    for (int k = 0; k < count; k++) {
        mx_kernels_choose(all[k]->name);
        mx_array *y = c->f(in);
        mx_eval1(y);
        if (first)
            same(c, all[k]->name, y, first, tolerance(c, MX_FLOAT32));
        else
            first = y;
    }
    mx_kernels_choose(chosen);
}

static void check_threads(const op_case *c) {
    mx_array *in[CASE_INPUTS];
    make_inputs(c, LONG, 9, MX_FLOAT32, in);
    mx_pool_set_threads(1);
    mx_array *one = c->f(in);
    mx_eval1(one);
    mx_pool_set_threads(4);
    mx_array *four = c->f(in);
    mx_eval1(four);
    mx_pool_set_threads(0);
    same(c, "four threads", four, one, 0);
}

/* --- all of it -------------------------------------------------------------------- */

static void check_case(const op_case *c) {
    static void (*const checks[])(const op_case *) = {
        check_value, check_dtypes, check_layouts, check_derivatives,
        check_vmap,  check_sets,   check_threads};
    check_where = c->name;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        if ((checks[i] == check_derivatives && c->flags & NO_GRAD) ||
            (checks[i] == check_vmap && c->flags & NO_VMAP))
            continue;
        mx_scope s = mx_scope_open();
        checks[i](c);
        mx_scope_close(s);
        CHECK_MSG(!mx_failed(), "%s leaves an error: %s", c->name, mx_error_message());
        mx_error_clear();
    }
}

/* With an argument: only the operation of that name. */
int main(int argc, char **argv) {
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        for (const op_case *c = families[i]; c->name; c++)
            if (argc < 2 || strcmp(argv[1], c->name) == 0)
                check_case(c);
    return check_done();
}
