/* softmax and logsumexp along one axis.
 *
 *     rows    the axis is contiguous: the kernels read it where it lies
 *     tiles   it is not: a few rows are gathered into scratch, worked on, and spread
 * again split   few and long rows: blocks of one row side by side (Milakov and
 * Gimelshein, "Online normalizer calculation for softmax", 2018), cut by size alone
 *
 * softmax of a program: the program writes into the result, and the kernels work on it there.
 */
#include "base/mem.h"
#include "base/threads/pool.h"
#include "base/status.h"
#include "cpu/memory/lines.h"
#include "cpu/program/source.h"
#include "graph/array/params.h"
#include "kernels/pointwise/k_pointwise.h"
#include "kernels/norm/k_softmax.h"

enum {
    GRAIN = 1 << 13,
    BLOCK = 1 << 14,
    LONG = 1 << 16,
    FEW = 8,
    TILE_BYTES = 1 << 16,
    MOST_ROWS = 16
};

typedef struct job {
    const mx_k_softmax *k;
    mx_dtype t;
    size_t item;
    const char *in;
    char *out; /* softmax: like the input; logsumexp: one a row */
    int64_t rows, n;
    cpu_lines read, write; /* of the input and of softmax's result */
    bool plain;            /* the kernels read and write where the rows lie */
    bool log;              /* logsumexp */
    mx_softmax_part *part;
    const cpu_source *source;
    _Atomic bool failed;
} job;

/* --- rows ------------------------------------------------------------------------- */

static void row_task(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    int64_t item = (int64_t)j->item;
    const char *x = j->in + begin * j->read.stride * item;
    if (j->log)
        j->k->logsumexp[j->t](j->out + begin * item, x, j->read.stride, (size_t)(end - begin),
                              (size_t)j->n);
    else
        j->k->softmax[j->t](j->out + begin * j->n * item, j->n, x, j->read.stride,
                            (size_t)(end - begin), (size_t)j->n);
}

/* --- rows of a program ------------------------------------------------------------ */

/* softmax: read into the result. logsumexp: read into scratch. */
static bool read_rows(const job *j, int64_t begin, int64_t rows) {
    int64_t item = (int64_t)j->item, n = j->n;
    char *to = j->log ? mx_scratch(1, (size_t)(rows * n) * j->item) : j->out + begin * n * item;
    if (!to || !cpu_program_read(j->source->program, begin * n, (begin + rows) * n, to))
        return false;
    if (j->log)
        j->k->logsumexp[j->t](j->out + begin * item, to, n, (size_t)rows, (size_t)n);
    else
        j->k->softmax[j->t](to, n, to, n, (size_t)rows, (size_t)n);
    return true;
}

static void program_task(void *ctx, int64_t begin, int64_t end) {
    job *j = ctx;
    int64_t most = TILE_BYTES / (int64_t)j->item / j->n;
    for (int64_t r; begin < end; begin += r) {
        r = end - begin < most ? end - begin : most > 0 ? most : 1;
        if (!read_rows(j, begin, r))
            j->failed = true;
    }
}

/* --- tiles ------------------------------------------------------------------------ */

static void tile_task(void *ctx, int64_t begin, int64_t end) {
    job *j = ctx;
    int64_t most = TILE_BYTES * 4 / (int64_t)j->item / j->n, run = j->write.run;
    most = most < 1 ? 1 : most > MOST_ROWS ? MOST_ROWS : most;
    most = most < run ? most : run;
    char *tile = mx_scratch(1, (size_t)(most * j->n) * j->item);
    for (int64_t r; begin < end && tile; begin += r) {
        r = run - begin % run;
        r = r < most ? r : most;
        r = r < end - begin ? r : end - begin;
        cpu_lines_read(&j->read, tile, j->in, j->item, begin, r);
        if (j->log) {
            j->k->logsumexp[j->t](j->out + begin * (int64_t)j->item, tile, j->n, (size_t)r,
                                  (size_t)j->n);
        } else {
            j->k->softmax[j->t](tile, j->n, tile, j->n, (size_t)r, (size_t)j->n);
            cpu_lines_write(&j->write, j->out, tile, j->item, begin, r);
        }
    }
    if (!tile)
        j->failed = true;
}

/* --- few long rows ---------------------------------------------------------------- */

static int64_t blocks_of(const job *j) {
    return (j->n + BLOCK - 1) / BLOCK;
}

static void part_task(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    int64_t blocks = blocks_of(j);
    for (int64_t t = begin; t < end; t++) {
        int64_t first = t % blocks * BLOCK, n = j->n - first < BLOCK ? j->n - first : BLOCK;
        j->k->part[j->t](&j->part[t],
                         j->in + (t / blocks * j->read.stride + first) * (int64_t)j->item,
                         (size_t)n);
    }
}

static void apply_task(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    int64_t blocks = blocks_of(j), item = (int64_t)j->item;
    for (int64_t t = begin; t < end; t++) {
        int64_t r = t / blocks, first = t % blocks * BLOCK,
                n = j->n - first < BLOCK ? j->n - first : BLOCK;
        j->k->apply[j->t](j->out + (r * j->n + first) * item,
                          j->in + (r * j->read.stride + first) * item, &j->part[r * blocks],
                          (size_t)n);
    }
}

static void store_log(const job *j, int64_t r, const mx_softmax_part *whole) {
    double v = mx_softmax_part_log(whole);
    mx_kernels_get()->pointwise->cast[MX_FLOAT64][j->t](j->out + r * (int64_t)j->item, &v, 1);
}

static bool run_split(job *j) {
    int64_t blocks = blocks_of(j), tasks = j->rows * blocks;
    if (!(j->part = mx_malloc((size_t)tasks * sizeof *j->part)))
        return false;
    mx_parallel_for(tasks, 1, part_task, j);
    for (int64_t r = 0; r < j->rows; r++) {
        mx_softmax_part *p = &j->part[r * blocks];
        p[0] = mx_softmax_merge(p, (size_t)blocks);
        if (j->log)
            store_log(j, r, p);
    }
    if (!j->log)
        mx_parallel_for(tasks, 1, apply_task, j);
    mx_free(j->part);
    return true;
}

/* --- running ---------------------------------------------------------------------- */

static void prepare(job *j, const mx_array *a, const int64_t *strides, int axis) {
    int64_t own[MX_MAX_NDIM];
    mx_row_strides(a->shape, a->ndim, own);
    cpu_lines_of(&j->read, a->shape, strides, a->ndim, axis);
    cpu_lines_of(&j->write, a->shape, own, a->ndim, axis);
    j->n = j->read.n;
    j->rows = j->read.count;
    j->plain = j->read.even && (j->log || j->write.even);
}

static bool run(job *j) {
    if (!j->plain)
        mx_parallel_for(j->rows, 1 + GRAIN / j->n, tile_task, j);
    else if (j->rows <= FEW && j->n >= LONG)
        return run_split(j);
    else
        mx_parallel_for(j->rows, 1 + GRAIN / j->n, row_task, j);
    return true;
}

/* A program whose rows are short and come one after the other is read by rows; any
   other is computed first, softmax's in the place of the result. */
static bool run_program(job *j, cpu_source *s, int axis) {
    int64_t strides[MX_MAX_NDIM];
    if (j->plain && !(j->rows <= FEW && j->n >= LONG)) {
        mx_parallel_for(j->rows, 1 + GRAIN / j->n, program_task, j);
        return true;
    }
    if (j->log ? !cpu_source_settle(s) : !cpu_source_compute(s, j->out))
        return false;
    j->in = j->log ? s->a->data : j->out;
    mx_row_strides(s->a->shape, s->a->ndim, strides);
    prepare(j, s->a, strides, axis);
    return run(j);
}

static bool work(cpu_source *s, int axis, bool log, mx_array *out) {
    int64_t strides[MX_MAX_NDIM];
    job j = {.k = mx_kernels_get()->softmax,
             .t = mx_dtype_of(s->a),
             .item = mx_itemsize(s->a),
             .log = log};
    if (s->a->size == 0)
        return true;
    j.source = s;
    j.in = s->a->data;
    j.out = out->data;
    cpu_source_strides(s, strides);
    prepare(&j, s->a, strides, axis);
    if (!(s->program ? run_program(&j, s, axis) : run(&j)))
        return false;
    return !j.failed ||
           mx_fail_nomem(log ? "logsumexp" : "softmax", (unsigned long long)j.n * j.item);
}

bool cpu_softmax(mx_node *n, mx_array **out, const mx_program *feed) {
    cpu_source s;
    bool log = n->prim == MX_PRIM_logsumexp;
    int axis =
        log ? ((const mx_p_logsumexp *)n->params)->axis : ((const mx_p_axis *)n->params)->axis;
    if (!cpu_source_open(&s, n, feed))
        return false;
    bool give =
        log || s.program ? mx_array_alloc(out[0]) : mx_array_alloc_or_take(out[0], n->in[0]);
    bool ok = give && work(&s, axis, log, out[0]);
    cpu_source_close(&s);
    return ok;
}
