/* See block_engine.h: parts, and the tasks of a batch of them. */
#include "cpu/quant/block_engine.h"

#include <string.h>

#include "base/memory/cache.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "kernels/codes/codes.h"
#include "kernels/pointwise/k_pointwise.h"

#ifdef MX_TORTURE
enum { FEW_ROWS = 2, PART_ROWS = 5, BATCH_ROWS = 11, TASK_NUMBERS = 512 };
#else
enum {
    FEW_ROWS = 32,
    PART_ROWS = BLOCK_PART_ROWS,
    BATCH_ROWS = BLOCK_BATCH_ROWS,
    TASK_NUMBERS = 65536 /* of W, worth waking a thread */
};
#endif

/* --- rows of x -------------------------------------------------------------------------------- */

static bool read_row(const block_job *j, int64_t i) {
    const mx_qmm_args *a = j->a;
    const char *x = (const char *)a->x + j->source[i] * a->k * (int64_t)mx_dtype_size(a->dtype);
    char *row = j->x + i * j->row_bytes;
    if (a->dtype == MX_FLOAT32) {
        j->way->read(j, row, (const float *)(const void *)x);
        return true;
    }
    float *wide = mx_scratch(0, (size_t)a->k * sizeof *wide);
    if (!wide)
        return false;
    mx_kernels_get()->pointwise->cast[a->dtype][MX_FLOAT32](wide, x, (size_t)a->k);
    j->way->read(j, row, wide);
    return true;
}

static void read_body(void *ctx, int64_t begin, int64_t end) {
    block_job *j = ctx;
    for (int64_t i = begin; i < end; i++)
        if (!read_row(j, i))
            atomic_store(&j->nomem, true);
}

/* --- tasks ------------------------------------------------------------------------------------ */

static void store_rows(const block_job *j, const block_part *part, const float *sums, int64_t j0,
                       int64_t n) {
    const mx_qmm_args *a = j->a;
    for (int64_t i = 0; i < part->rows; i++) {
        int64_t at = quant_y_row(a, part->run, part->first + i) * a->n + j0;
        mx_k_store_args s = {.out = (char *)a->y + at * (int64_t)mx_dtype_size(a->dtype),
                             .acc = sums + i * j->columns,
                             .m = 1,
                             .n = n,
                             .alpha = 1};
        mx_kernels_get()->matmul->store[a->dtype](&s);
    }
}

static bool piece(const block_job *j, const block_part *part, int64_t j0) {
    int64_t left = j->a->n - j0, n = left < j->columns ? left : j->columns;
    size_t bytes = (size_t)(part->rows * j->columns) * sizeof(float);
    float *sums = mx_scratch(0, bytes);
    if (!sums)
        return false;
    memset(sums, 0, bytes);
    if (!j->way->multiply(j, part, j0, n, sums))
        return false;
    store_rows(j, part, sums, j0, n);
    return true;
}

static void pieces_body(void *ctx, int64_t begin, int64_t end) {
    block_job *j = ctx;
    for (int64_t t = begin; t < end; t++)
        if (!piece(j, &j->parts[t / j->pieces], t % j->pieces * j->columns))
            atomic_store(&j->nomem, true);
}

static int64_t grain(int64_t numbers) {
    return 1 + TASK_NUMBERS / (numbers + 1);
}

/* All parts so far. */
static bool flush(block_job *j) {
    const mx_qmm_args *a = j->a;
    j->most = 0;
    for (int64_t i = 0; i < j->count; i++)
        j->most = j->parts[i].rows > j->most ? j->parts[i].rows : j->most;
    j->few = j->most <= FEW_ROWS;
    j->columns = j->way->columns(j);
    j->pieces = (a->n + j->columns - 1) / j->columns;
    mx_parallel_for(j->rows, grain(a->k), read_body, j);
    int64_t numbers = a->k * j->columns * (j->few ? 1 : 1 + j->rows / j->count);
    bool done = !atomic_load(&j->nomem) &&
                mx_parallel_for_long(j->count * j->pieces, grain(numbers), pieces_body, j);
    j->count = j->rows = 0;
    if (atomic_load(&j->nomem))
        mx_fail_nomem("quantized_matmul", 0);
    return done;
}

/* --- parts ------------------------------------------------------------------------------------ */

static void add_part(block_job *j, const mx_qmm_run *run, int64_t first, int64_t rows) {
    j->parts[j->count++] = (block_part){run, first, rows, j->rows};
    for (int64_t i = 0; i < rows; i++)
        j->source[j->rows++] = quant_x_row(j->a, run, first + i);
}

static bool add_run(block_job *j, const mx_qmm_run *run) {
    for (int64_t first = 0; first < run->rows; first += PART_ROWS) {
        int64_t left = run->rows - first, rows = left < PART_ROWS ? left : PART_ROWS;
        if (j->rows + rows > BATCH_ROWS && !flush(j))
            return false;
        add_part(j, run, first, rows);
    }
    return true;
}

static bool multiply(block_job *j) {
    for (int64_t i = 0; i < j->a->run_count; i++)
        if (!add_run(j, &j->a->runs[i]))
            return false;
    return j->count == 0 || flush(j);
}

/* --- the product ------------------------------------------------------------------------------ */

static int64_t rows_of(const mx_qmm_args *a) {
    int64_t rows = 0;
    for (int64_t i = 0; i < a->run_count && rows < BATCH_ROWS; i++)
        rows += a->runs[i].rows;
    return rows < BATCH_ROWS ? rows : BATCH_ROWS;
}

static const block_way *way_of(const mx_qmm_args *a, const mx_block_format *f) {
    return a->transpose && !a->whole && mx_code_formats[f->kind].exists ? &block_codes
                                                                        : &block_floats;
}

static const mx_block_format *format_of(const mx_qmm_args *a) {
    return mx_block_by_id((uint32_t)a->runs[0].w.format.mode - MX_BLOCK_MODE);
}

bool quant_blocks(const mx_qmm_args *a) {
    size_t rows = (size_t)rows_of(a);
    if (rows == 0)
        return true;
    block_job j = {.a = a, .f = format_of(a)};
    j.way = way_of(a, j.f);
    j.row_bytes = j.way->row_bytes(a);
    // every part has a row at least; parts begin at a line of the cache
    size_t parts = rows * sizeof *j.parts, source = rows * sizeof *j.source;
    size_t x = (rows * (size_t)j.row_bytes + 63) / 64 * 64, bytes = x + parts + source;
    j.x = mx_block_alloc(bytes);
    if (!j.x)
        return false;
    j.parts = (block_part *)(void *)(j.x + x);
    j.source = (int64_t *)(void *)(j.parts + rows);
    bool ok = multiply(&j);
    mx_block_free(j.x, bytes);
    return ok;
}
