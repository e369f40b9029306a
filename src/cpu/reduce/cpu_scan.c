/* Scans along one axis: row by row, or down blocks of neighbouring columns where those
 * are contiguous. */
#include "base/threads/pool.h"
#include "base/status.h"
#include "cpu/cpu.h"
#include "cpu/memory/cpu_copy.h"
#include "cpu/memory/layout.h"
#include "graph/array/params.h"
#include "kernels/scan/k_scan.h"
#include "kernels/kernels.h"

enum { GRAIN = 1 << 13, COLUMNS = 256, WIDE = 2048, NEAR = 4 };
/* columns: at least, at once; a step along a row */

typedef struct job {
    const char *in;
    char *out;
    int64_t item, n;
    int64_t in_step, out_step; /* along the axis */
    cpu_layout rest;           /* the other axes: operand 0 the input, 1 the output */
    int64_t run, in_run, out_run;
    bool columns;
    mx_scan_flags flags;
    mx_k_scan_row *row;
    mx_k_scan_cols *cols;
    mx_k_scan_init *init;
} job;

static void seek(const job *j, int64_t o, int64_t *in, int64_t *to) {
    *in = *to = 0;
    for (int i = j->rest.ndim - 2; i >= 0; i--) {
        int64_t k = o % j->rest.shape[i];
        o /= j->rest.shape[i];
        *in += k * j->rest.stride[0][i];
        *to += k * j->rest.stride[1][i];
    }
}

/* Rows begin .. begin + count - 1 of one run. Columns: the more at once, the longer the lines that
   are read ahead. */
static void scan_rows(const job *j, const char *in, char *out, int64_t count) {
    _Alignas(64) char carry[WIDE * 8];
    if (j->columns) {
        j->init(carry, (size_t)count);
        j->cols(out, j->out_step, in, j->in_step, (size_t)j->n, (size_t)count, carry, j->flags);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        j->init(carry, 1);
        j->row(out + i * j->out_run * j->item, j->out_step, in + i * j->in_run * j->item,
               j->in_step, (size_t)j->n, carry, j->flags);
    }
}

static void task(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    while (begin < end) {
        int64_t in, to, at = begin % j->run, count = j->run - at;
        seek(j, begin / j->run, &in, &to);
        count = count < end - begin ? count : end - begin;
        count = count < WIDE ? count : WIDE;
        in += at * j->in_run;
        to += at * j->out_run;
        scan_rows(j, j->in + in * j->item, j->out + to * j->item, count);
        begin += count;
    }
}

static void lay_out(job *j, const mx_array *x, const int64_t *x_strides, const mx_array *y,
                    int axis) {
    int shape[MX_MAX_NDIM], k = 0;
    int64_t in[MX_MAX_NDIM], to[MX_MAX_NDIM];
    const int64_t *const strides[2] = {in, to};
    for (int i = 0; i < x->ndim; i++)
        if (i != axis) {
            shape[k] = x->shape[i];
            in[k] = x_strides[i];
            to[k++] = y->strides[i];
        }
    cpu_layout_collapse(&j->rest, shape, k, 2, strides);
    int last = j->rest.ndim - 1;
    j->run = last < 0 ? 1 : j->rest.shape[last];
    j->in_run = last < 0 ? 0 : j->rest.stride[0][last];
    j->out_run = last < 0 ? 0 : j->rest.stride[1][last];
    j->n = x->shape[axis];
    j->in_step = x_strides[axis];
    j->out_step = y->strides[axis];
    j->columns = j->in_run == 1 && j->out_run == 1 && j->out_step != 1;
}

/* Neither columns that are neighbours in both arrays nor rows of which a cache line has many
   elements: these go through a copy where the result will be. */
static void lay_out_well(job *j, const mx_array *x, const mx_array *y, int axis) {
    j->in = x->data;
    lay_out(j, x, x->strides, y, axis);
    bool rows = j->out_step == 1 && j->in_step <= NEAR && j->in_step >= -NEAR;
    if (j->columns || rows || x->row_contiguous)
        return;
    cpu_copy_dense(y->data, x);
    j->in = y->data;
    lay_out(j, x, y->strides, y, axis);
}

bool cpu_scan(mx_node *n, mx_array **out, const mx_program *feed) {
    const mx_p_scan *p = n->params;
    mx_array *x = n->in[0], *y = out[0];
    mx_dtype t = mx_dtype_of(x);
    const mx_k_scan *k = mx_kernels_get()->scan;
    (void)feed;
    if (!k->row[p->op][t])
        return mx_fail(MX_UNSUPPORTED, "[scan] not possible for %s", mx_dtype_name(t));
    if (!mx_array_alloc_or_take(y, x))
        return false;
    if (y->size == 0)
        return true;
    job j = {.out = y->data, .item = (int64_t)mx_itemsize(x)};
    j.flags = (mx_scan_flags){p->reverse, p->inclusive};
    j.row = k->row[p->op][t];
    j.cols = k->cols[p->op][t];
    j.init = k->init[p->op][t];
    lay_out_well(&j, x, y, p->axis);
    mx_parallel_for(y->size / j.n, (j.columns ? COLUMNS : 1) + GRAIN / j.n, task, &j);
    return true;
}
