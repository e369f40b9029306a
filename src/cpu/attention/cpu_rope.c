/* Rotary embedding: one table of cosines and sines a sequence, applied to the rows of all heads.
 *
 * The last small table is kept: the layers of a model ask for the same one again and again. Who
 * finds another evaluation at it makes a table of its own. */
#include <stdatomic.h>

#include "base/mem.h"
#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "cpu/memory/cpu_copy.h"
#include "cpu/memory/dense.h"
#include "graph/array/params.h"
#include "graph/array/read.h"
#include "kernels/attention/k_rope.h"
#include "kernels/kernels.h"

enum { KEPT = 8192, BLOCK_ROWS = 64, GRAIN = 8192 };

typedef struct table {
    const float *cosine, *sine; /* a row of dims / 2 for each position */
    float *own;                 /* what to free */
    bool borrowed;              /* it is the kept one */
} table;

typedef struct job {
    const mx_p_rope *p;
    const mx_array *x;
    const char *in;
    char *out;
    const int64_t *strides; /* of `in` */
    size_t item;
    int64_t rows, n, blocks; /* T, D, blocks of rows in T */
    int64_t step;      /* entries of the tables from one batch to the next: 0, all share one */
    int64_t per_batch; /* sequences of one batch */
    table t;
} job;

/* --- tables ----------------------------------------------------------------------------------- */

static atomic_flag borrowed = ATOMIC_FLAG_INIT;

/* Of whoever has set the flag. */
static struct {
    mx_p_rope p;
    double first;
    int64_t rows;
    float cosine[KEPT], sine[KEPT];
} kept;

static bool is_kept(const mx_p_rope *p, double first, int64_t rows) {
    return kept.rows == rows && kept.first == first && kept.p.dims == p->dims &&
           kept.p.base == p->base && kept.p.scale == p->scale;
}

static double offset_at(const mx_array *offset, int64_t i) {
    int64_t at = offset->ndim && offset->shape[0] > 1 ? i * offset->strides[0] : 0;
    return mx_read_double(offset->data + at * (int64_t)mx_itemsize(offset), mx_dtype_of(offset));
}

static void keep_table(const mx_p_rope *p, double first, int64_t rows, const double *inverse) {
    mx_rope_table(kept.cosine, kept.sine, inverse, (size_t)p->dims / 2, first, (size_t)rows,
                  p->scale);
    kept.p = *p;
    kept.first = first;
    kept.rows = rows;
}

static bool large_tables(table *t, const mx_p_rope *p, const mx_array *offset, int64_t count,
                         int64_t rows, const double *inverse) {
    int64_t half = p->dims / 2, one = rows * half;
    float *own = mx_malloc((size_t)(2 * count * one) * sizeof *own);
    if (!own)
        return false;
    *t = (table){own, own + count * one, own, false};
    for (int64_t i = 0; i < count; i++)
        mx_rope_table(own + i * one, own + (count + i) * one, inverse, (size_t)half,
                      offset_at(offset, i), (size_t)rows, p->scale);
    return true;
}

static void return_table(const table *t) {
    mx_free(t->own);
    if (t->borrowed)
        atomic_flag_clear_explicit(&borrowed, memory_order_release);
}

/* One table, or one for each batch where offsets differ. */
static bool make_tables(job *j, const mx_array *offset, const void *freqs) {
    size_t half = (size_t)j->p->dims / 2;
    int64_t count = offset->ndim && offset->shape[0] > 1 ? offset->shape[0] : 1;
    bool small = count == 1 && !freqs && j->rows * (int64_t)half <= KEPT &&
                 !atomic_flag_test_and_set_explicit(&borrowed, memory_order_acquire);
    if (small)
        j->t = (table){kept.cosine, kept.sine, NULL, true};
    if (small && is_kept(j->p, offset_at(offset, 0), j->rows))
        return true;
    double *inverse = mx_malloc(half * sizeof *inverse);
    if (!inverse)
        return false;
    mx_rope_inv_freq(inverse, half, j->p->base, freqs);
    j->step = count > 1 ? j->rows * (int64_t)half : 0;
    if (small)
        keep_table(j->p, offset_at(offset, 0), j->rows, inverse);
    bool ok = small || large_tables(&j->t, j->p, offset, count, j->rows, inverse);
    mx_free(inverse);
    return ok;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* Where sequence s begins in the input, in elements. */
static int64_t sequence_at(const job *j, int64_t s) {
    int64_t at = 0;
    for (int i = j->x->ndim - 3; i >= 0; i--) {
        at += s % j->x->shape[i] * j->strides[i];
        s /= j->x->shape[i];
    }
    return at;
}

static void turn(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    int64_t item = (int64_t)j->item, half = j->p->dims / 2, row_stride = j->strides[j->x->ndim - 2];
    for (int64_t i = begin; i < end; i++) {
        int64_t s = i / j->blocks, first = i % j->blocks * BLOCK_ROWS;
        int64_t rows = j->rows - first < BLOCK_ROWS ? j->rows - first : BLOCK_ROWS;
        int64_t entry = s / j->per_batch * j->step + first * half;
        mx_kernels_get()->rope->rows[j->x->dtype](
            j->out + (s * j->rows + first) * j->n * item, j->n,
            j->in + (sequence_at(j, s) + first * row_stride) * item, row_stride,
            j->t.cosine + entry, j->t.sine + entry, (size_t)rows, (size_t)j->n, (size_t)j->p->dims,
            j->p->traditional, j->p->inverse);
    }
}

/* x where it lies if its rows are contiguous, else copied into the result and turned there. */
static bool place(job *j, mx_array *x, mx_array *out, int64_t *dense) {
    bool rows = x->ndim && x->strides[x->ndim - 1] == 1;
    if (!mx_array_alloc_or_take(out, x))
        return false;
    j->in = rows ? x->data : out->data;
    j->strides = rows ? x->strides : dense;
    j->out = out->data;
    mx_row_strides(x->shape, x->ndim, dense);
    if (!rows)
        cpu_copy_dense(out->data, x);
    return true;
}

static void run(job *j) {
    int64_t sequences = j->x->size / (j->rows * j->n),
            rows = j->rows < BLOCK_ROWS ? j->rows : BLOCK_ROWS;
    j->blocks = (j->rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    j->per_batch = sequences / j->x->shape[0];
    mx_parallel_for(sequences * j->blocks, 1 + GRAIN / (rows * j->n), turn, j);
}

bool cpu_rope(mx_node *n, mx_array **out, const mx_program *feed) {
    mx_array *x = n->in[0];
    const mx_p_rope *p = n->params;
    int64_t dense[MX_MAX_NDIM];
    cpu_dense freqs;
    job j = {.p = p,
             .x = x,
             .item = mx_itemsize(x),
             .rows = x->shape[x->ndim - 2],
             .n = x->shape[x->ndim - 1]};
    (void)feed;
    if (x->size == 0)
        return mx_array_alloc(out[0]);
    bool ok = cpu_dense_open(&freqs, p->freqs ? n->in[2] : NULL) &&
              make_tables(&j, n->in[1], freqs.data) && place(&j, x, out[0], dense);
    if (ok)
        run(&j);
    return_table(&j.t);
    cpu_dense_close(&freqs);
    return ok;
}
