/* scatter, scatter_axis (put_along_axis) and masked_scatter: a copy of the array, then
 * writes into it.
 *
 * Updates that meet are combined in the order of the indices, whatever the number of
 * threads: the work is split by columns of the updates or by positions of the other
 * axes, never along the indices. Halves that meet are combined in float32 (scatter_wide.h).
 */
#include <string.h>

#include "base/mem.h"
#include "base/threads/pool.h"
#include "base/status.h"
#include "cpu/cpu.h"
#include "cpu/memory/cpu_copy.h"
#include "cpu/index/cpu_index.h"
#include "cpu/memory/layout.h"
#include "cpu/index/scatter_wide.h"
#include "graph/array/params.h"
#include "kernels/kernels.h"

enum { GRAIN = 1 << 14, PIECE = 1024, COLUMNS = 64, BLOCK = 1 << 15 };

/* a's elements, contiguous; *own is what to free. NULL: out of memory. */
static const char *dense(const mx_array *a, void **own) {
    *own = NULL;
    if (a->row_contiguous)
        return a->data;
    if ((*own = mx_malloc((size_t)a->size * mx_itemsize(a))))
        cpu_copy_dense(*own, a);
    return *own;
}

/* --- scatter ---------------------------------------------------------------------- */

typedef struct move {
    mx_index_move m;
    cpu_layout l; /* of the slice: operand 0 the result, 1 the updates */
    mx_k_index_move *run;
    int64_t item, rows, columns; /* columns in pieces of COLUMNS */
} move;

/* One outer position of the slice, all index positions, columns [col, end). */
static void move_columns(const move *v, int64_t outer, int64_t col, int64_t end) {
    mx_index_move m = v->m;
    m.len = end - col;
    m.data = (char *)m.data + col * m.data_step * v->item;
    m.rows = (char *)m.rows + col * m.rows_step * v->item;
    v->run(&m, outer * m.n, (outer + 1) * m.n);
}

/* Neighbouring pieces of columns in one go: the longer a row is, the better it is read ahead. */
static void run_move(void *ctx, int64_t begin, int64_t end) {
    const move *v = ctx;
    for (int64_t t = begin; t < end;) {
        int64_t piece = t % v->columns, pieces = v->columns - piece;
        pieces = pieces < end - t ? pieces : end - t;
        int64_t last = (piece + pieces) * COLUMNS;
        move_columns(v, t / v->columns, piece * COLUMNS, last < v->m.len ? last : v->m.len);
        t += pieces;
    }
}

static void lay_out(move *v, const int64_t *data, const int *slice, const int64_t *rows, int ndim) {
    const int64_t *const strides[2] = {data, rows};
    cpu_layout_collapse(&v->l, slice, ndim, 2, strides);
    int last = v->l.ndim - 1;
    v->m.len = last < 0 ? 1 : v->l.shape[last];
    v->m.data_step = last < 0 ? 1 : v->l.stride[0][last];
    v->m.rows_step = last < 0 ? 1 : v->l.stride[1][last];
    v->m.ndim = last < 0 ? 0 : last;
    v->m.shape = v->l.shape;
    v->m.data_stride = v->l.stride[0];
    v->m.rows_stride = v->l.stride[1];
    v->rows = 1;
    for (int i = 0; i < v->m.ndim; i++)
        v->rows *= v->l.shape[i];
    v->columns = (v->m.len + COLUMNS - 1) / COLUMNS;
}

/* Slices of an array, and n rows of as many elements. */
typedef struct slices {
    mx_dtype dtype;
    void *data;
    const int64_t *strides;
    const int *slice;
    int ndim;
    int64_t each, n; /* elements of a slice; slices */
} slices;

static void move_slices(mx_k_index_move *run, const slices *s, void *rows, int64_t n,
                        const int64_t *offset) {
    int64_t own[MX_MAX_NDIM];
    move v = {.run = run, .item = (int64_t)mx_dtype_size(s->dtype)};
    v.m = (mx_index_move){
        .data = s->data, .rows = rows, .offset = offset, .n = n, .row_stride = s->each};
    mx_row_strides(s->slice, s->ndim, own);
    lay_out(&v, s->strides, s->slice, own, s->ndim);
    int64_t work = n * (v.m.len < COLUMNS ? v.m.len : COLUMNS);
    mx_parallel_for(v.rows * v.columns, 1 + GRAIN / work, run_move, &v);
}

static bool resolve_all(mx_node *n, const mx_array *out, const int64_t *strides, const int *slice,
                        int64_t *offset) {
    const mx_p_scatter *p = n->params;
    cpu_index list[MX_MAX_NDIM];
    for (int k = 0; k < p->axes.n; k++) {
        int axis = p->axes.v[k];
        list[k] = (cpu_index){n->in[k + 1], axis, out->shape[axis], slice[axis], strides[axis]};
    }
    offset[0] = 0;
    return cpu_index_resolve("scatter", list, p->axes.n, offset);
}

/* Does combining updates that meet round? */
static bool rounds(int op, const mx_array *out) {
    return (op == MX_SCATTER_ADD || op == MX_SCATTER_MUL) &&
           (out->dtype == MX_FLOAT16 || out->dtype == MX_BFLOAT16);
}

/* The slices that are written to, each once, go to `rows` and from there to `wide`; and back. */
static void combine_wide(int op, const slices *s, const float *updates, const cpu_slots *to,
                         char *rows, float *wide) {
    const mx_k_index *k = mx_kernels_get()->index;
    int64_t own[MX_MAX_NDIM], all = to->count * s->each;
    slices w = *s;
    mx_row_strides(s->slice, s->ndim, own);
    w.dtype = MX_FLOAT32;
    w.data = wide;
    w.strides = own;
    for (int64_t i = 0; i < s->n; i++)
        to->slot[i] *= s->each;
    move_slices(k->gather[mx_dtype_size(s->dtype)], s, rows, to->count, to->first);
    cpu_cast(wide, MX_FLOAT32, rows, s->dtype, all);
    move_slices(k->scatter[op][MX_FLOAT32], &w, (void *)updates, s->n, to->slot);
    cpu_cast(rows, s->dtype, wide, MX_FLOAT32, all);
    move_slices(k->scatter[MX_SCATTER_SET][s->dtype], s, rows, to->count, to->first);
}

/* Slices that are the same or have nothing in common. */
static bool scatter_slots_wide(int op, const slices *s, const mx_array *u, const cpu_slots *to) {
    size_t all = (size_t)(to->count * s->each);
    float *updates = cpu_widened(u), *wide = updates ? mx_malloc(all * sizeof *wide) : NULL;
    char *rows = wide ? mx_malloc(all * mx_dtype_size(s->dtype)) : NULL;
    if (rows)
        combine_wide(op, s, updates, to, rows, wide);
    mx_free(rows);
    mx_free(wide);
    mx_free(updates);
    return rows != NULL;
}

/* All of the array becomes float32. */
static bool scatter_all_wide(mx_node *n, mx_array *out, slices s, const mx_array *u,
                             int64_t *offset) {
    int64_t own[MX_MAX_NDIM];
    float *updates = cpu_widened(u), *wide = updates ? cpu_widened(out) : NULL;
    mx_row_strides(out->shape, out->ndim, own);
    s.dtype = MX_FLOAT32;
    s.data = wide;
    s.strides = own;
    bool ok = wide && resolve_all(n, out, own, s.slice, offset);
    if (ok)
        move_slices(
            mx_kernels_get()->index->scatter[((const mx_p_scatter *)n->params)->op][MX_FLOAT32], &s,
            updates, s.n, offset);
    ok = ok && cpu_narrow(out, wide);
    mx_free(wide);
    mx_free(updates);
    return ok;
}

static bool scatter_rows(int op, const slices *s, const mx_array *u, const int64_t *offset) {
    void *own;
    const char *updates = dense(u, &own);
    if (updates)
        move_slices(mx_kernels_get()->index->scatter[op][s->dtype], s, (void *)updates, s->n,
                    offset);
    mx_free(own);
    return updates != NULL;
}

/* Where slices overlap, or are about as much as the array. */
static bool wants_all(const mx_p_scatter *p, const mx_array *out, const slices *s) {
    bool overlap = false;
    for (int k = 0; k < p->axes.n; k++)
        overlap = overlap || s->slice[p->axes.v[k]] > 1;
    return overlap || s->n * s->each >= out->size / 4;
}

/* Halves whose updates may meet. */
static bool scatter_half(mx_node *n, mx_array *out, const slices *s, const mx_array *u,
                         int64_t *offset) {
    const mx_p_scatter *p = n->params;
    cpu_slots to;
    if (wants_all(p, out, s))
        return scatter_all_wide(n, out, *s, u, offset);
    if (!cpu_slots_find(&to, offset, s->n))
        return false;
    bool ok =
        to.count == s->n ? scatter_rows(p->op, s, u, offset) : scatter_slots_wide(p->op, s, u, &to);
    cpu_slots_free(&to);
    return ok;
}

static bool scatter(mx_node *n, mx_array *out) {
    const mx_p_scatter *p = n->params;
    const mx_array *u = n->in[n->nin - 1];
    int64_t count = n->nin > 2 ? n->in[1]->size : 1;
    if (u->size == 0)
        return true;
    slices s = {mx_dtype_of(out), out->data,       out->strides, u->shape + (u->ndim - out->ndim),
                out->ndim,        u->size / count, count};
    int64_t *offset = mx_malloc((size_t)count * sizeof *offset);
    bool ok = offset && resolve_all(n, out, out->strides, s.slice, offset);
    if (ok)
        ok = count > 1 && rounds(p->op, out) ? scatter_half(n, out, &s, u, offset)
                                             : scatter_rows(p->op, &s, u, offset);
    mx_free(offset);
    return ok;
}

/* --- scatter_axis
   -----------------------------------------------------------------------------------------------
   All axes but one are positions; at each the updates go in one by one. Lines run
   across positions where those are many and neighbours, else along the axis. */

typedef struct along {
    mx_array *out;
    const mx_array *idx, *u;
    cpu_index index;
    cpu_layout l; /* the other axes: operand 0 the indices, 1 the updates, 2 the result */
    int64_t n, idx_step, u_step;          /* along the axis */
    int64_t run, run_idx, run_u, run_out; /* along the innermost other axis */
    mx_k_index_move *put;
    _Atomic bool failed;
    _Atomic int64_t bad_idx; /* offset of a bad index */
} along;

typedef struct spot {
    int64_t idx, u, out;
} spot;

static spot spot_of(const along *g, int64_t e) {
    spot s = {0, 0, 0};
    for (int i = g->l.ndim - 1; i >= 0; i--) {
        int64_t k = e % g->l.shape[i];
        e /= g->l.shape[i];
        s.idx += k * g->l.stride[0][i];
        s.u += k * g->l.stride[1][i];
        s.out += k * g->l.stride[2][i];
    }
    return s;
}

/* n updates from s on: their indices idx_step apart, the result ramp apart besides what
 * the index says. */
static void put_line(along *g, spot s, int64_t n, int64_t idx_step, int64_t u_step, int64_t ramp) {
    int64_t offset[PIECE], room[PIECE], item = (int64_t)mx_itemsize(g->out);
    mx_index_axis axis = {g->index.size, g->index.size, g->index.step, ramp, false};
    const void *line = cpu_index_line(g->idx, s.idx, idx_step, n, room);
    int64_t bad = mx_kernels_get()->index->resolve[mx_dtype_of(g->idx)](offset, line, n, &axis);
    if (bad >= 0) {
        g->bad_idx = s.idx + bad * idx_step;
        g->failed = true;
        return;
    }
    mx_index_move m = {.data = g->out->data + s.out * item,
                       .rows = g->u->data + s.u * item,
                       .offset = offset,
                       .n = n};
    m.row_stride = u_step;
    m.len = m.data_step = m.rows_step = 1;
    g->put(&m, 0, n);
}

static void put_across(along *g, int64_t e, int64_t n) {
    spot s = spot_of(g, e);
    for (int64_t k = 0; k < g->n && !g->failed; k++) {
        put_line(g, s, n, g->run_idx, g->run_u, g->run_out);
        s.idx += g->idx_step;
        s.u += g->u_step;
    }
}

static void put_along(along *g, int64_t e) {
    spot s = spot_of(g, e);
    for (int64_t k = 0, n; k < g->n && !g->failed; k += n) {
        n = g->n - k < PIECE ? g->n - k : PIECE;
        put_line(g, s, n, g->idx_step, g->u_step, 0);
        s.idx += n * g->idx_step;
        s.u += n * g->u_step;
    }
}

static void put_lines(void *ctx, int64_t begin, int64_t end) {
    along *g = ctx;
    while (begin < end && !g->failed) {
        int64_t n = g->run - begin % g->run;
        n = n < end - begin ? n : end - begin;
        n = n < PIECE ? n : PIECE;
        if (n >= g->n || n >= COLUMNS)
            put_across(g, begin, n);
        else
            for (int64_t i = 0; i < n; i++)
                put_along(g, begin + i);
        begin += n;
    }
}

static void other_axes(along *g, int axis) {
    int shape[MX_MAX_NDIM], k = 0;
    int64_t x[MX_MAX_NDIM], u[MX_MAX_NDIM], o[MX_MAX_NDIM];
    const int64_t *const strides[3] = {x, u, o};
    for (int i = 0; i < g->out->ndim; i++)
        if (i != axis) {
            shape[k] = g->out->shape[i];
            x[k] = g->idx->strides[i];
            u[k] = g->u->strides[i];
            o[k++] = g->out->strides[i];
        }
    cpu_layout_collapse(&g->l, shape, k, 3, strides);
    int last = g->l.ndim - 1;
    g->run = last < 0 ? 1 : g->l.shape[last];
    g->run_idx = last < 0 ? 0 : g->l.stride[0][last];
    g->run_u = last < 0 ? 0 : g->l.stride[1][last];
    g->run_out = last < 0 ? 0 : g->l.stride[2][last];
}

static bool refuse(const along *g) {
    mx_array one = *g->idx; // the bad index as an array of one element
    cpu_index at = g->index;
    one.ndim = 0;
    one.data += g->bad_idx * (int64_t)mx_itemsize(g->idx);
    at.idx = &one;
    return cpu_index_refuse("scatter_axis", &at, 0);
}

static bool put_all(mx_node *n, mx_array *out, const mx_array *u) {
    const mx_p_scatter_axis *p = n->params;
    const mx_array *idx = n->in[1];
    along g = {.out = out, .idx = idx, .u = u};
    g.index = (cpu_index){idx, p->axis, out->shape[p->axis], 1, out->strides[p->axis]};
    g.n = idx->shape[p->axis];
    g.idx_step = idx->strides[p->axis];
    g.u_step = u->strides[p->axis];
    g.put = mx_kernels_get()->index->scatter[p->op][mx_dtype_of(out)];
    other_axes(&g, p->axis);
    mx_parallel_for(idx->size / g.n, 1 + GRAIN / g.n, put_lines, &g);
    return !g.failed || refuse(&g);
}

/* a as it would be in float32, in a row. */
static bool widen(mx_array *wide, int64_t *strides, const mx_array *a) {
    mx_row_strides(a->shape, a->ndim, strides);
    *wide = *a;
    wide->dtype = MX_FLOAT32;
    wide->strides = strides;
    wide->data = (char *)cpu_widened(a);
    return wide->data != NULL;
}

static bool put_all_wide(mx_node *n, mx_array *out) {
    int64_t out_strides[MX_MAX_NDIM], u_strides[MX_MAX_NDIM];
    mx_array sum = {.data = NULL}, u = {.data = NULL};
    bool ok = widen(&sum, out_strides, out) && widen(&u, u_strides, n->in[2]) &&
              put_all(n, &sum, &u) && cpu_narrow(out, (const float *)(const void *)sum.data);
    mx_free(sum.data);
    mx_free(u.data);
    return ok;
}

static bool scatter_axis(mx_node *n, mx_array *out) {
    const mx_p_scatter_axis *p = n->params;
    if (n->in[1]->size == 0)
        return true;
    bool may_meet = n->in[1]->shape[p->axis] > 1;
    return may_meet && rounds(p->op, out) ? put_all_wide(n, out) : put_all(n, out, n->in[2]);
}

/* --- masked_scatter --------------------------------------------------------------- */

typedef struct masked {
    mx_array *out;
    const uint8_t *mask;
    const char *src;
    int64_t *before; /* how many are set before each block */
} masked;

static int64_t block_length(const masked *m, int64_t b) {
    int64_t left = m->out->size - b * BLOCK;
    return left < BLOCK ? left : BLOCK;
}

static void count_blocks(void *ctx, int64_t begin, int64_t end) {
    const masked *m = ctx;
    for (int64_t b = begin; b < end; b++)
        m->before[b] = mx_kernels_get()->index->count_set(m->mask + b * BLOCK, block_length(m, b));
}

static void fill_blocks(void *ctx, int64_t begin, int64_t end) {
    const masked *m = ctx;
    int64_t item = (int64_t)mx_itemsize(m->out);
    for (int64_t b = begin; b < end; b++)
        mx_kernels_get()->index->masked[item](m->out->data + b * BLOCK * item, m->mask + b * BLOCK,
                                              block_length(m, b), m->src + m->before[b] * item);
}

static bool fill(masked *m, int64_t available) {
    int64_t blocks = (m->out->size + BLOCK - 1) / BLOCK, total = 0;
    if (!(m->before = mx_malloc((size_t)blocks * sizeof *m->before)))
        return false;
    mx_parallel_for(blocks, 1, count_blocks, m);
    for (int64_t b = 0; b < blocks; b++) {
        int64_t count = m->before[b];
        m->before[b] = total;
        total += count;
    }
    if (total <= available)
        mx_parallel_for(blocks, 1, fill_blocks, m);
    mx_free(m->before);
    return total <= available ||
           mx_fail(MX_RANGE,
                   "[masked_scatter] The mask selects %lld elements, the source has %lld.",
                   (long long)total, (long long)available);
}

static bool masked_scatter(mx_node *n, mx_array *out) {
    void *own_mask, *own_src = NULL;
    masked m = {.out = out};
    if (out->size == 0)
        return true;
    m.mask = (const uint8_t *)dense(n->in[1], &own_mask);
    m.src = m.mask ? dense(n->in[2], &own_src) : NULL;
    bool ok = m.src && fill(&m, n->in[2]->size);
    mx_free(own_src);
    mx_free(own_mask);
    return ok;
}

/* --- the family ------------------------------------------------------------------- */

bool cpu_scatter(mx_node *n, mx_array **out, const mx_program *feed) {
    (void)feed;
    if (!cpu_copy_or_take(out[0], n->in[0]))
        return false;
    switch (n->prim) {
    case MX_PRIM_scatter: return scatter(n, out[0]);
    case MX_PRIM_scatter_axis: return scatter_axis(n, out[0]);
    default: return masked_scatter(n, out[0]);
    }
}
