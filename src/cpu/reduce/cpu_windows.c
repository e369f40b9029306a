/* Reductions of windows of a padded array that is not made (ops/reduce/op_windows.c).
 *
 *     ┌───────────────┐     windows that lie in the array are folded where they lie; of the others
 *     │  ┌─────────┐  │     what lies in it, where padding changes nothing, and else strips that
 *     │  │ array   │  │     are copied with the padding around them
 *     │  └─────────┘  │
 *     └───────────────┘     the order of an output's elements is that of the padded array
 *
 * Where that order is another one than run by run, or most windows would be copied, the padded
 * array is made after all. What is done depends on shapes, strides and the padding's value alone.
 */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "cpu/memory/cpu_pad.h"
#include "cpu/reduce/cpu_reduce.h"
#include "kernels/kernels.h"
#include "kernels/reduce/k_reduce.h"

enum { CHUNK = 2048, MOST_RUNS = 64, MOST_SPATIAL = 8, GRAIN = 1 << 14 };
enum { ORDERED = 4 }; /* rows of a run that are added to each other before they are added up */

typedef struct windows {
    const mx_p_reduce_windows *p;
    const mx_array *a; /* (N, spatial..., C) */
    const char *value;
    char *result;
    int n;                                   /* spatial axes; the last is that of runs */
    int64_t runs, run;                       /* runs of a window, rows of each */
    int64_t low, size, stride, places, step; /* of the last axis; from row to row of a run */
    int64_t columns;
    bool clips;              /* padding changes nothing */
    size_t item, acc, final; /* bytes of an element, an accumulator, a result */
    mx_k_red_runs *fold;
    mx_k_red_init *init;
    mx_k_red_finish *finish;
    _Atomic bool failed;
} windows;

/* A line of outputs, of which only the last axis differs. */
typedef struct line {
    bool lies[MOST_RUNS];      /* does the k-th run lie in the array, seen along the other axes? */
    ptrdiff_t run[MOST_RUNS];  /* where it begins for a window at place 0 of the last axis */
    ptrdiff_t seen[MOST_RUNS]; /* those that lie there */
    int64_t n_seen;
    char *to;  /* the first output */
    char *own; /* accumulators of CHUNK columns */
} line;

/* Some windows: the first element of the first one, the offsets of runs from there, their rows. */
typedef struct look {
    const char *x;
    const ptrdiff_t *start;
    int64_t runs, run, step;
} look;

/* So many columns from output i on. */
static void fold(const windows *w, const line *l, const look *at, int64_t i, int64_t columns) {
    char *to = l->to + i * w->columns * (int64_t)w->final;
    for (int64_t c = 0, n; c < columns; c += n) {
        n = columns - c < CHUNK ? columns - c : CHUNK;
        char *out = to + c * (int64_t)w->final, *acc = w->acc == w->final ? out : l->own;
        w->init(acc, (size_t)n);
        w->fold(acc, at->x + c * (int64_t)w->item, at->start, (size_t)at->runs, (size_t)at->run,
                (size_t)n, at->step);
        if (acc != out)
            w->finish(out, acc, (size_t)n);
    }
}

/* --- strips ----------------------------------------------------------------------- */

/* Places begin .. begin + n - 1 of the last axis of run k, with padding around them. */
static char *copy_run(const windows *w, const line *l, int64_t k, int64_t begin, int64_t n,
                      const char *blank, char *to) {
    size_t bytes = (size_t)w->columns * w->item;
    const char *from = w->a->data + l->run[k] * (int64_t)w->item;
    for (int64_t i = begin; i < begin + n; i++, to += bytes) {
        bool lies = l->lies[k] && i >= 0 && i < w->size;
        memcpy(to, lies ? from + i * w->step * (int64_t)w->item : blank, bytes);
    }
    return to;
}

/* Outputs first .. end - 1, over a copy of what they see. */
static bool fold_copied(const windows *w, const line *l, int64_t first, int64_t end) {
    int64_t places = (end - first - 1) * w->stride + w->run, row = w->columns * (int64_t)w->item;
    ptrdiff_t start[MOST_RUNS];
    char *blank = mx_scratch(0, (size_t)((w->runs * places + 1) * row)), *to;
    if (!blank)
        return false;
    look at = {to = blank + row, start, w->runs, w->run, w->columns};
    for (int64_t c = 0; c < w->columns; c++)
        memcpy(blank + c * (int64_t)w->item, w->value, w->item);
    for (int64_t k = 0; k < w->runs; k++) {
        start[k] = k * places * w->columns;
        to = copy_run(w, l, k, first * w->stride - w->low, places, blank, to);
    }
    for (int64_t i = first; i < end; i++, at.x += w->stride * row)
        fold(w, l, &at, i, w->columns);
    return true;
}

/* --- where the array lies --------------------------------------------------------- */

/* Outputs first .. end - 1, whose runs lie in the array. */
static void fold_lying(const windows *w, const line *l, int64_t first, int64_t end) {
    int64_t stride = w->stride * w->step;
    look at = {w->a->data + (first * w->stride - w->low) * w->step * (int64_t)w->item, l->seen,
               l->n_seen, w->run, w->step};
    if (stride == w->columns) { // neighbours of the first output's columns are the next one's
        fold(w, l, &at, first, (end - first) * w->columns);
        return;
    }
    for (int64_t i = first; i < end; i++, at.x += stride * (int64_t)w->item)
        fold(w, l, &at, i, w->columns);
}

/* The same of those that reach into the padding at one side. */
static void fold_clipped(const windows *w, const line *l, int64_t first, int64_t end) {
    for (int64_t i = first; i < end; i++) {
        int64_t begin = i * w->stride - w->low, behind = begin + w->run;
        begin = begin < 0 ? 0 : begin;
        behind = behind < w->size ? behind : w->size;
        int64_t run = behind > begin ? behind - begin : 0;
        begin = run ? begin : 0;
        fold(w, l,
             &(look){w->a->data + begin * w->step * (int64_t)w->item, l->seen, l->n_seen, run,
                     w->step},
             i, w->columns);
    }
}

/* --- lines ------------------------------------------------------------------------ */

/* The first output along axis i that begins in the array, and the one behind the last that ends
   there. */
static void inside_of(const windows *w, int i, int64_t *first, int64_t *end) {
    const mx_p_reduce_windows *p = w->p;
    int64_t stride = p->stride.v[i], places = p->places.v[i],
            left = w->a->shape[i + 1] + p->low.v[i] - p->window.v[i];
    *first = (p->low.v[i] + stride - 1) / stride;
    *first = *first < places ? *first : places;
    *end = left < 0 ? 0 : left / stride + 1;
    *end = *end < places ? *end : places;
    *end = *end > *first ? *end : *first;
}

/* Run k of the line's windows, whose first elements are at `begin` of the axes but the last. */
static void find_run(const windows *w, line *l, int64_t batch, const int64_t *begin, int64_t k) {
    const int *window = w->p->window.v;
    int64_t left = k;
    l->run[k] = batch;
    l->lies[k] = true;
    for (int i = w->n - 2; i >= 0; left /= window[i--]) {
        int64_t place = begin[i] + left % window[i];
        l->lies[k] = l->lies[k] && place >= 0 && place < w->a->shape[i + 1];
        l->run[k] += place * w->a->strides[i + 1];
    }
    if (l->lies[k])
        l->seen[l->n_seen++] = l->run[k];
}

static void find_line(const windows *w, line *l, int64_t k) {
    int64_t begin[MOST_SPATIAL];
    l->to = w->result + k * w->places * w->columns * (int64_t)w->final;
    l->n_seen = 0;
    for (int i = w->n - 2; i >= 0; k /= w->p->places.v[i--])
        begin[i] = k % w->p->places.v[i] * w->p->stride.v[i] - w->p->low.v[i];
    for (int64_t r = 0; r < w->runs; r++)
        find_run(w, l, k * w->a->strides[0], begin, r);
}

/* Outputs first .. end - 1 at one side. */
static bool fold_side(const windows *w, const line *l, int64_t first, int64_t end) {
    if (first >= end)
        return true;
    if (!w->clips)
        return fold_copied(w, l, first, end);
    fold_clipped(w, l, first, end);
    return true;
}

static bool fold_line(const windows *w, const line *l) {
    int64_t first, end;
    inside_of(w, w->n - 1, &first, &end);
    if (!w->clips && l->n_seen < w->runs)
        return fold_copied(w, l, 0, w->places);
    if (!fold_side(w, l, 0, first) || !fold_side(w, l, end, w->places))
        return false;
    if (first < end)
        fold_lying(w, l, first, end);
    return true;
}

static void lines_task(void *ctx, int64_t begin, int64_t end) {
    windows *w = ctx;
    _Alignas(64) char own[CHUNK * 8];
    line l = {.own = own};
    for (int64_t k = begin; k < end; k++) {
        find_line(w, &l, k);
        if (!fold_line(w, &l))
            w->failed = true;
    }
}

/* --- which way -------------------------------------------------------------------- */

/* The shape of the padded array, or of the view of its windows. */
static int padded_shape(const windows *w, int *shape) {
    memcpy(shape, w->a->shape, (size_t)w->a->ndim * sizeof *shape);
    for (int i = 0; i < w->n; i++)
        shape[i + 1] += w->p->low.v[i] + w->p->high.v[i];
    return w->a->ndim;
}

/* As the view of windows would lie over the padded array. NULL: no memory. */
static mx_array *view_of(const windows *w) {
    int padded[MX_MAX_NDIM], shape[MX_MAX_NDIM], n = w->n, ndim = padded_shape(w, padded);
    int64_t steps[MX_MAX_NDIM];
    mx_row_strides(padded, ndim, steps);
    shape[0] = padded[0];
    shape[2 * n + 1] = padded[n + 1];
    memcpy(shape + 1, w->p->places.v, (size_t)n * sizeof *shape);
    memcpy(shape + 1 + n, w->p->window.v, (size_t)n * sizeof *shape);
    mx_array *view = mx_array_shell(shape, 2 * n + 2, mx_dtype_of(w->a));
    for (int i = 0; view && i < view->ndim; i++)
        view->strides[i] = i <= n ? steps[i] * (i ? w->p->stride.v[i - 1] : 1) : steps[i - n];
    return view;
}

static mx_p_reduce reduction(const windows *w, int *axes) {
    for (int i = 0; i < w->n; i++)
        axes[i] = w->n + 1 + i;
    return (mx_p_reduce){w->p->op, {w->n, axes}, false};
}

/* Is the value what a fold begins with, so that it may be left out? Of sums only where rows are
   added one after the other. */
static bool is_neutral(const windows *w) {
    double value;
    mx_dtype t = mx_dtype_of(w->a);
    mx_kernels_get()->pointwise->cast[t][MX_FLOAT64](&value, w->value, 1);
    switch (w->p->op) {
    case MX_RED_SUM: return value == 0 && w->run < ORDERED;
    case MX_RED_MAX: return value == -(double)INFINITY;
    case MX_RED_MIN: return value == (double)INFINITY;
    default: return false;
    }
}

/* Do more windows lie in the array than do not? */
static bool mostly_inside(const windows *w) {
    double all = 1, inside = 1;
    for (int i = 0; i < w->n; i++) {
        int64_t first, end;
        inside_of(w, i, &first, &end);
        all *= w->p->places.v[i];
        inside *= (double)(end - first);
    }
    return 2 * inside > all;
}

static bool run_lying(windows *w) {
    int64_t lines = w->a->shape[0];
    for (int i = 0; i < w->n - 1; i++)
        lines *= w->p->places.v[i];
    mx_parallel_for(lines, 1 + GRAIN / (w->places * w->runs * w->run * w->columns + 1), lines_task,
                    w);
    return !w->failed || mx_fail_nomem("reduce", 0);
}

/* The padded array, its view and the reduction of that. */
static bool run_padded(windows *w, mx_array *view, const mx_p_reduce *q, mx_array *value,
                       mx_array *out) {
    int shape[MX_MAX_NDIM], low[MX_MAX_NDIM] = {0}, high[MX_MAX_NDIM] = {0};
    int64_t strides[MX_MAX_NDIM];
    mx_array *padded = mx_array_shell(shape, padded_shape(w, shape), mx_dtype_of(w->a));
    memcpy(low + 1, w->p->low.v, (size_t)w->n * sizeof *low);
    memcpy(high + 1, w->p->high.v, (size_t)w->n * sizeof *high);
    mx_p_pad pad = {{w->n + 2, low}, {w->n + 2, high}};
    bool ok = padded && mx_array_alloc(padded);
    if (ok) {
        cpu_pad_into(padded, &pad, value, w->a);
        memcpy(strides, view->strides, (size_t)view->ndim * sizeof *strides);
        mx_array_view(view, padded, 0, strides);
        atomic_store(&view->state, MX_AVAILABLE);
        ok = cpu_reduce_array(view, q, out);
    }
    mx_array_release(padded);
    return ok;
}

static void describe_axes(windows *w) {
    const mx_p_reduce_windows *p = w->p;
    int last = w->n - 1;
    w->columns = w->a->shape[w->n + 1];
    w->size = w->a->shape[w->n];
    w->step = w->a->strides[w->n];
    w->low = p->low.v[last];
    w->stride = p->stride.v[last];
    w->places = p->places.v[last];
    w->run = p->window.v[last];
    w->runs = 1;
    for (int i = 0; i < last; i++)
        w->runs *= p->window.v[i];
}

static windows describe(const mx_node *n, mx_array *out) {
    const mx_p_reduce_windows *p = n->params;
    const mx_k_reduce *k = mx_kernels_get()->reduce;
    mx_dtype t = mx_dtype_of(n->in[0]);
    mx_red_op op = (mx_red_op)p->op;
    windows w = {.p = p, .a = n->in[0], .n = p->places.n};
    w.value = n->in[1]->data;
    w.result = out->data;
    w.item = mx_dtype_size(t);
    w.acc = mx_dtype_size(mx_red_acc(op, t));
    w.final = mx_itemsize(out);
    w.fold = k->runs[op][t];
    w.init = k->init[op][t];
    w.finish = k->finish[op][t];
    describe_axes(&w);
    w.clips = is_neutral(&w);
    return w;
}

/* Is each output folded run by run, of columns that lie together, and few of them copied? */
static bool lies(const windows *w, const mx_array *view, const mx_p_reduce *q) {
    return w->a->strides[w->n + 1] == 1 && w->fold && w->runs <= MOST_RUNS &&
           (w->clips || mostly_inside(w)) && cpu_reduce_runs(view, q) == w->runs;
}

bool cpu_windows(mx_node *n, mx_array **out, const mx_program *feed) {
    int axes[MOST_SPATIAL];
    (void)feed;
    if (!mx_array_alloc(out[0]))
        return false;
    windows w = describe(n, out[0]);
    mx_p_reduce q = reduction(&w, axes);
    mx_array *view = view_of(&w);
    bool ok = view != NULL;
    if (ok && lies(&w, view, &q))
        ok = run_lying(&w);
    else if (ok)
        ok = run_padded(&w, view, &q, n->in[1], out[0]);
    mx_array_release(view);
    return ok;
}
