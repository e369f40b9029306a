/* argmax and argmin along one axis: rows, columns of neighbouring outputs, or one long
 * row in blocks. */
#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/program/source.h"
#include "graph/array/params.h"
#include "kernels/reduce/k_reduce.h"

enum { GRAIN = 1 << 14, BLOCK = 1 << 15, LONG = 1 << 17, FEW = 8, COLUMNS = 512 };

typedef struct job {
    const char *data;
    uint32_t *out;
    size_t item;
    int64_t n, step;     /* elements along the axis, their stride */
    cpu_layout outer;    /* operand 0 the input, operand 1 the output: all other axes */
    int64_t run, in, to; /* the innermost of them: size and strides */
    mx_k_arg_rows *rows;
    mx_k_arg_cols *cols;
    mx_k_arg_strided *strided;
    mx_k_arg_block *block;
    mx_k_arg_pick *pick;
} job;

/* Where output o of the outer axes but the innermost begins. */
static void seek(const job *j, int64_t o, int64_t *in, int64_t *to) {
    *in = *to = 0;
    for (int i = j->outer.ndim - 2; i >= 0; i--) {
        int64_t k = o % j->outer.shape[i];
        o /= j->outer.shape[i];
        *in += k * j->outer.stride[0][i];
        *to += k * j->outer.stride[1][i];
    }
}

static void find(const job *j, const char *x, uint32_t *out, int64_t outputs) {
    if (j->step == 1)
        j->rows(out, x, (size_t)outputs, (size_t)j->n, j->in);
    else if (j->in == 1)
        j->cols(out, x, (size_t)j->n, (size_t)outputs, j->step);
    else
        for (int64_t i = 0; i < outputs; i++)
            j->strided(out + i, x + i * j->in * (int64_t)j->item, (size_t)j->n, j->step);
}

static void task(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    while (begin < end) {
        int64_t in, to, at = begin % j->run, n = j->run - at;
        seek(j, begin / j->run, &in, &to);
        n = n < end - begin ? n : end - begin;
        find(j, j->data + (in + at * j->in) * (int64_t)j->item, j->out + to + at * j->to, n);
        begin += n;
    }
}

/* --- one long row ----------------------------------------------------------------- */

typedef struct long_row {
    const job *j;
    const char *x;
    uint32_t *candidate;
} long_row;

static void block_task(void *ctx, int64_t begin, int64_t end) {
    const long_row *r = ctx;
    const job *j = r->j;
    for (int64_t b = begin; b < end; b++) {
        int64_t first = b * BLOCK, n = j->n - first < BLOCK ? j->n - first : BLOCK;
        const char *x = r->x + first * j->step * (int64_t)j->item;
        r->candidate[b] = (uint32_t)first + j->block(x, (size_t)n, j->step);
    }
}

static bool find_long(const job *j, int64_t outputs) {
    int64_t blocks = (j->n + BLOCK - 1) / BLOCK;
    long_row r = {j, NULL, mx_malloc((size_t)blocks * sizeof(uint32_t))};
    for (int64_t o = 0; o < outputs && r.candidate; o++) {
        int64_t in, to, at = o % j->run;
        seek(j, o / j->run, &in, &to);
        r.x = j->data + (in + at * j->in) * (int64_t)j->item;
        mx_parallel_for(blocks, 1, block_task, &r);
        j->out[to + at * j->to] = j->pick(r.x, j->step, r.candidate, (size_t)blocks);
    }
    mx_free(r.candidate);
    return r.candidate != NULL;
}

/* --- running ---------------------------------------------------------------------- */

static void find_kernels(job *j, bool max, mx_dtype t) {
    const mx_k_reduce *k = mx_kernels_get()->reduce;
    j->rows = k->arg_rows[max][t];
    j->cols = k->arg_cols[max][t];
    j->strided = k->arg_strided[max][t];
    j->block = k->arg_block[max][t];
    j->pick = k->arg_pick[max][t];
}

/* All axes but the reduced one, in both arrays. */
static void lay_out(job *j, const mx_array *x, const int64_t *x_strides, int axis) {
    int shape[MX_MAX_NDIM], k = 0;
    int64_t in[MX_MAX_NDIM], to[MX_MAX_NDIM];
    const int64_t *const strides[2] = {in, to};
    for (int i = 0; i < x->ndim; i++)
        if (i != axis) {
            shape[k] = x->shape[i];
            in[k++] = x_strides[i];
        }
    mx_row_strides(shape, k, to);
    cpu_layout_collapse(&j->outer, shape, k, 2, strides);
    int last = j->outer.ndim - 1;
    j->run = last < 0 ? 1 : j->outer.shape[last];
    j->in = last < 0 ? 1 : j->outer.stride[0][last];
    j->to = last < 0 ? 1 : j->outer.stride[1][last];
}

static bool arg_reduce(const mx_array *x, const int64_t *strides, const void *data,
                       const mx_p_arg_reduce *p, mx_array *out) {
    job j = {.data = data, .out = (uint32_t *)out->data, .item = mx_itemsize(x)};
    j.n = x->shape[p->axis];
    j.step = strides[p->axis];
    lay_out(&j, x, strides, p->axis);
    find_kernels(&j, p->max, mx_dtype_of(x));
    if (out->size <= FEW && j.n >= LONG)
        return find_long(&j, out->size);
    int64_t least = j.step != 1 && j.in == 1 ? COLUMNS : 1; // wide enough to be read in streams
    mx_parallel_for(out->size, least + GRAIN / (j.n + 1), task, &j);
    return true;
}

/* Do rows, or columns of neighbouring outputs, run along memory? */
static bool lies_well(const mx_array *x, int axis) {
    job j = {0};
    lay_out(&j, x, x->strides, axis);
    return x->strides[axis] == 1 || j.in == 1 || x->row_contiguous;
}

/* Through a copy where they do not. */
static bool arg_reduce_any(const mx_array *x, const mx_p_arg_reduce *p, mx_array *out) {
    int64_t strides[MX_MAX_NDIM];
    cpu_dense d;
    if (lies_well(x, p->axis))
        return arg_reduce(x, x->strides, x->data, p, out);
    mx_row_strides(x->shape, x->ndim, strides);
    bool ok = cpu_dense_open(&d, x) && arg_reduce(x, strides, d.data, p, out);
    cpu_dense_close(&d);
    return ok;
}

bool cpu_arg_reduce(mx_node *n, mx_array **out, const mx_program *feed) {
    cpu_source s;
    bool ok = cpu_source_open(&s, n, feed) && cpu_source_settle(&s) && mx_array_alloc(out[0]) &&
              (out[0]->size == 0 || arg_reduce_any(s.a, n->params, out[0]));
    cpu_source_close(&s);
    return ok;
}
