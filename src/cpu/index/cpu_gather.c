/* gather (also take) and gather_axis (take_along_axis): offsets first, then rows are moved. */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "cpu/index/cpu_index.h"
#include "cpu/memory/layout.h"
#include "cpu/memory/straight.h"
#include "graph/array/params.h"
#include "kernels/kernels.h"

enum { GRAIN = 1 << 14, PIECE = 2048, LINE = 1 << 14, CACHE_LINE = 64, WORTH = 8, APART = 8 };

/* --- gather
   -----------------------------------------------------------------------------------------------
   The result has the leading axes of the slice, those of the indices, and the others:
   rows. */

typedef struct axes {
    int ndim, shape[MX_MAX_NDIM];
    int64_t data[MX_MAX_NDIM], rows[MX_MAX_NDIM];
} axes;

static void add_axis(axes *a, int size, int64_t data, int64_t rows) {
    a->shape[a->ndim] = size;
    a->data[a->ndim] = data;
    a->rows[a->ndim++] = rows;
}

static bool indexed(mx_ints list, int axis) {
    for (int i = 0; i < list.n; i++)
        if (list.v[i] == axis)
            return true;
    return false;
}

/* Sorts the slice's axes into those before and after the axes of the indices. */
static void split_axes(const mx_p_gather *p, const mx_array *a, const mx_array *out, int index_ndim,
                       axes *lead, axes *inner) {
    int at = 0;
    lead->ndim = inner->ndim = 0;
    for (int i = 0; i < a->ndim; i++) {
        if (i == p->place)
            at += index_ndim;
        if (p->drop && indexed(p->axes, i))
            continue;
        add_axis(i < p->place ? lead : inner, p->slice.v[i], a->strides[i], out->strides[at++]);
    }
}

typedef struct move {
    mx_index_move m;
    cpu_layout l; /* outer axes: operand 0 data, 1 rows */
    mx_k_index_move *run;
    int64_t items;
} move;

static void collapse(cpu_layout *l, const axes *a) {
    const int64_t *const strides[2] = {a->data, a->rows};
    cpu_layout_collapse(l, a->shape, a->ndim, 2, strides);
}

/* The innermost axis of a row is its length; the other ones are repeated like the
 * leading ones. */
static void lay_out(move *v, const axes *lead, const axes *inner) {
    cpu_layout in;
    collapse(&v->l, lead);
    collapse(&in, inner);
    v->m.len = v->m.data_step = v->m.rows_step = 1;
    for (int i = 0; i < in.ndim - 1; i++) {
        v->l.shape[v->l.ndim] = in.shape[i];
        v->l.stride[0][v->l.ndim] = in.stride[0][i];
        v->l.stride[1][v->l.ndim++] = in.stride[1][i];
    }
    if (in.ndim) {
        v->m.len = in.shape[in.ndim - 1];
        v->m.data_step = in.stride[0][in.ndim - 1];
        v->m.rows_step = in.stride[1][in.ndim - 1];
    }
    v->items = v->m.n;
    for (int i = 0; i < v->l.ndim; i++)
        v->items *= v->l.shape[i];
    v->m.ndim = v->l.ndim;
    v->m.shape = v->l.shape;
    v->m.data_stride = v->l.stride[0];
    v->m.rows_stride = v->l.stride[1];
}

static void run_move(void *ctx, int64_t begin, int64_t end) {
    const move *v = ctx;
    v->run(&v->m, begin, end);
}

static int64_t inner_size(const axes *inner) {
    int64_t n = 1;
    for (int i = 0; i < inner->ndim; i++)
        n *= inner->shape[i];
    return n;
}

static bool resolve_all(const mx_p_gather *p, mx_node *n, const mx_array *a, int64_t *offset) {
    cpu_index list[MX_MAX_NDIM];
    for (int k = 0; k < p->axes.n; k++) {
        int axis = p->axes.v[k];
        list[k] =
            (cpu_index){n->in[k + 1], axis, a->shape[axis], p->slice.v[axis], a->strides[axis]};
    }
    offset[0] = 0; // no index at all: the slice at the start
    return cpu_index_resolve("gather", list, p->axes.n, offset);
}

static bool gather(mx_node *n, const mx_array *a, mx_array *out, int64_t *offset) {
    const mx_p_gather *p = n->params;
    const mx_array *idx = p->axes.n ? n->in[1] : NULL;
    axes lead, inner;
    move v = {.run = mx_kernels_get()->index->gather[mx_itemsize(a)]};
    if (!resolve_all(p, n, a, offset))
        return false;
    split_axes(p, a, out, idx ? idx->ndim : 0, &lead, &inner);
    v.m = (mx_index_move){
        .data = a->data, .rows = out->data, .offset = offset, .n = idx ? idx->size : 1};
    v.m.row_stride = inner_size(&inner);
    lay_out(&v, &lead, &inner);
    mx_parallel_for(v.items, 1 + GRAIN / v.m.len, run_move, &v);
    return true;
}

/* Rows whose elements lie far apart are read out of a copy, where they are enough to pay for it. */
static bool gather_straight(mx_node *n, mx_array *out, int64_t *offset) {
    cpu_straight s;
    const mx_array *a = n->in[0];
    if (out->size < a->size / WORTH || !cpu_is_steep(a, a->shape, a->ndim, APART))
        return gather(n, a, out, offset);
    bool ok = cpu_straight_open(&s, a);
    if (ok) {
        ok = gather(n, &s.a, out, offset);
        cpu_straight_close(&s);
    }
    return ok;
}

/* --- gather_axis
   ----------------------------------------------------------------------------------------------
   The result, the indices and the array without the axis are walked together, line by line. */

typedef struct along {
    const mx_array *a, *idx;
    mx_array *out;
    cpu_index index;
    cpu_layout l; /* operand 0 the indices, 1 the array with the axis held at 0 */
    _Atomic bool failed;
    _Atomic int64_t bad;
} along;

static void seek(const cpu_layout *l, int64_t e, int64_t *x, int64_t *y) {
    *x = *y = 0;
    for (int i = l->ndim - 1; i >= 0; i--) {
        int64_t k = e % l->shape[i];
        e /= l->shape[i];
        *x += k * l->stride[0][i];
        *y += k * l->stride[1][i];
    }
}

/* A line that is read from all over is asked for in the order in which it lies. */
static void call_line(const along *g, const char *line, int64_t n) {
    int64_t bytes = g->index.size * (int64_t)mx_itemsize(g->a);
    if (g->index.step == 1 && bytes <= LINE && bytes <= n * CACHE_LINE)
        for (int64_t i = 0; i < bytes; i += CACHE_LINE)
            __builtin_prefetch(line + i);
}

static void gather_line(along *g, int64_t e, int64_t n) {
    int64_t room[PIECE], from, base;
    int last = g->l.ndim - 1;
    int64_t item = (int64_t)mx_itemsize(g->a), step = last < 0 ? 0 : g->l.stride[0][last];
    seek(&g->l, e, &from, &base);
    call_line(g, g->a->data + base * item, n);
    mx_index_axis axis = {g->index.size, g->index.size, g->index.step,
                          last < 0 ? 0 : g->l.stride[1][last], false};
    const void *line = cpu_index_line(g->idx, from, step, n, room);
    int64_t bad = mx_kernels_get()->index->line[item][mx_dtype_of(g->idx)](g->out->data + e * item,
                                                                           g->a->data + base * item,
                                                                           line, n, &axis);
    if (bad >= 0) {
        g->bad = e + bad;
        g->failed = true;
    }
}

static void gather_lines(void *ctx, int64_t begin, int64_t end) {
    along *g = ctx;
    int64_t line = g->l.ndim ? g->l.shape[g->l.ndim - 1] : 1;
    while (begin < end && !g->failed) {
        int64_t n = line - begin % line;
        n = n < end - begin ? n : end - begin;
        n = n < PIECE ? n : PIECE;
        gather_line(g, begin, n);
        begin += n;
    }
}

static bool gather_axis(mx_node *n, mx_array *out) {
    int axis = ((const mx_p_axis *)n->params)->axis;
    int64_t held[MX_MAX_NDIM];
    mx_array *a = n->in[0], *idx = n->in[1];
    const int64_t *const strides[3] = {idx->strides, held, out->strides};
    memcpy(held, a->strides, (size_t)a->ndim * sizeof *held);
    held[axis] = 0;
    along g = {.a = a, .idx = idx, .out = out};
    g.index = (cpu_index){idx, axis, a->shape[axis], 1, a->strides[axis]};
    cpu_layout_collapse(&g.l, idx->shape, idx->ndim, 3, strides);
    mx_parallel_for(out->size, GRAIN, gather_lines, &g);
    return !g.failed || cpu_index_refuse("take_along_axis", &g.index, g.bad);
}

/* One element for each index: an array of one axis, or whose other axes have size 1. */
static bool is_each(const mx_node *n) {
    const mx_p_gather *p = n->params;
    const mx_array *a = n->in[0];
    return p->axes.n == 1 && p->slice.v[p->axes.v[0]] == 1 && a->size &&
           a->size == a->shape[p->axes.v[0]];
}

/* As a line of gather_axis that all indices read: offsets need no memory. */
static bool gather_each(mx_node *n, mx_array *out) {
    static const int64_t stays[MX_MAX_NDIM];
    int axis = ((const mx_p_gather *)n->params)->axes.v[0];
    mx_array *a = n->in[0], *idx = n->in[1];
    const int64_t *const strides[2] = {idx->strides, stays};
    along g = {.a = a, .idx = idx, .out = out};
    g.index = (cpu_index){idx, axis, a->shape[axis], 1, a->strides[axis]};
    cpu_layout_collapse(&g.l, idx->shape, idx->ndim, 2, strides);
    mx_parallel_for(out->size, GRAIN, gather_lines, &g);
    return !g.failed || cpu_index_refuse("gather", &g.index, g.bad);
}

/* --- the family ------------------------------------------------------------------- */

bool cpu_gather(mx_node *n, mx_array **out, const mx_program *feed) {
    (void)feed;
    mx_array *y = out[0];
    if (!mx_array_alloc(y) || y->size == 0)
        return y->buffer != NULL;
    if (n->prim == MX_PRIM_gather_axis)
        return gather_axis(n, y);
    if (is_each(n))
        return gather_each(n, y);
    int64_t count = n->nin > 1 ? n->in[1]->size : 1;
    int64_t *offset = mx_malloc((size_t)count * sizeof *offset);
    bool ok = offset && gather_straight(n, y, offset);
    mx_free(offset);
    return ok;
}
