/* Few rows against quantized matrices: tasks of some columns of one run. x is float32 once for
   all. */
#include <stdatomic.h>
#include <string.h>

#include "base/memory/cache.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/quant/quant_internal.h"
#include "kernels/pointwise/k_pointwise.h"

#ifdef MX_TORTURE
enum { FEW_ROWS = 5, COLUMNS = 64, DOT_COLUMNS = 24, STRIP_ROWS = 3, TASK_NUMBERS = 512 };
#else
enum {
    FEW_ROWS = 8,
    COLUMNS = 256, /* of a task, and where the dot kernels need no strips */
    DOT_COLUMNS = 64,
    STRIP_ROWS = 8,      /* of W as float32, in cache */
    TASK_NUMBERS = 65536 /* of W, worth waking a thread */
};
#endif

bool quant_is_few(const mx_qmm_args *a, const mx_qmm_run *run) {
    return run->rows <= FEW_ROWS && a->dtype != MX_FLOAT64;
}

typedef struct few {
    const mx_qmm_args *a;
    float *x; /* rows of all few runs, ldx apart; arranged for the dot kernels if dots */
    int64_t ldx;
    const mx_k_quant_dots *dots; /* NULL: W goes through strips */
    const int64_t *run;          /* number of each few run, and of its first row in x */
    const int64_t *at;
    int64_t piece;  /* columns of a task */
    int64_t pieces; /* tasks of a run */
    atomic_bool nomem;
} few;

/* --- W in strips of float32 ------------------------------------------------------------------- */

/* y (s,columns) over columns j0.., which are adjacent in W. */
static void strips_of_columns(const few *p, const mx_qmm_run *run, const float *x, int s, float *y,
                              int64_t ldy, int64_t j0, int64_t columns) {
    float strip[STRIP_ROWS * COLUMNS];
    const mx_kernels *kern = mx_kernels_get();
    int64_t k = p->a->k;
    for (int64_t p0 = 0; p0 < k; p0 += STRIP_ROWS) {
        int64_t rows = k - p0 < STRIP_ROWS ? k - p0 : STRIP_ROWS;
        for (int64_t r = 0; r < rows; r++)
            kern->quant->dequant(strip + r * columns, &run->w, p0 + r, j0, columns);
        kern->matmul->skinny_sum[MX_FLOAT32](y, ldy, strip, columns, x + p0, p->ldx, s, rows,
                                             columns);
    }
}

/* The way of these columns, into y which is zero. */
static void columns_of(const few *p, const mx_qmm_run *run, const float *x, int s, float *y,
                       int64_t ldy, int64_t j0, int64_t columns) {
    if (p->dots)
        p->dots->dot(y, ldy, &run->w, j0, columns, x, p->ldx, s, p->a->k);
    else
        strips_of_columns(p, run, x, s, y, ldy, j0, columns);
}

/* --- tasks ------------------------------------------------------------------------------------ */

static void store_rows(const few *p, const mx_qmm_run *run, float *y, int64_t j0, int64_t columns) {
    const mx_qmm_args *a = p->a;
    for (int64_t i = 0; i < run->rows; i++) {
        int64_t at = quant_y_row(a, run, i) * a->n + j0;
        mx_k_store_args s = {.out = (char *)a->y + at * (int64_t)mx_dtype_size(a->dtype),
                             .acc = y + i * columns,
                             .m = 1,
                             .n = columns,
                             .alpha = 1};
        mx_kernels_get()->matmul->store[a->dtype](&s);
    }
}

/* Columns j0.. of one run. */
static bool piece(const few *p, int64_t which, int64_t j0) {
    const mx_qmm_run *run = &p->a->runs[p->run[which]];
    int64_t n = p->a->n, columns = n - j0 < p->piece ? n - j0 : p->piece;
    size_t bytes = (size_t)(run->rows * columns) * sizeof(float);
    float *y = mx_scratch(0, bytes);
    if (!y)
        return false;
    memset(y, 0, bytes);
    for (int64_t i = 0; i < run->rows; i += MX_K_SKINNY) {
        int s = (int)(run->rows - i < MX_K_SKINNY ? run->rows - i : MX_K_SKINNY);
        columns_of(p, run, p->x + (p->at[which] + i) * p->ldx, s, y + i * columns, columns, j0,
                   columns);
    }
    store_rows(p, run, y, j0, columns);
    return true;
}

static void pieces_body(void *ctx, int64_t begin, int64_t end) {
    few *p = ctx;
    for (int64_t t = begin; t < end; t++)
        if (!piece(p, t / p->pieces, t % p->pieces * p->piece))
            atomic_store(&p->nomem, true);
}

/* --- setting up ------------------------------------------------------------------------------- */

/* A row as float32, by way of `room` where it must be arranged. */
static void read_row(const few *p, float *dst, const void *x, float *room) {
    const mx_qmm_args *a = p->a;
    float *plain = p->dots ? room : dst;
    mx_kernels_get()->pointwise->cast[a->dtype][MX_FLOAT32](plain, x, (size_t)a->k);
    if (p->dots)
        p->dots->arrange(dst, plain, a->k, a->runs[0].w.format.bits);
}

static void read_rows(const few *p, int64_t which, float *room) {
    const mx_qmm_args *a = p->a;
    const mx_qmm_run *run = &a->runs[p->run[which]];
    for (int64_t i = 0; i < run->rows; i++) {
        int64_t at = quant_x_row(a, run, i) * a->k * (int64_t)mx_dtype_size(a->dtype);
        read_row(p, p->x + (p->at[which] + i) * p->ldx, (const char *)a->x + at, room);
    }
}

static void choose_way(few *p) {
    int bits = p->a->runs[0].w.format.bits;
    p->ldx = p->a->k;
    if (!p->a->transpose)
        return;
    p->dots = mx_kernels_get()->quant->dots;
    int64_t chunk = p->dots->lanes * 32 / bits;
    p->ldx = (p->a->k + chunk - 1) / chunk * chunk + 16; // not a power of two: other cache sets
}

/* Which runs are few, and where their rows begin: lists of `run_count` each. Returns how many. */
static int64_t list_runs(const mx_qmm_args *a, int64_t *run, int64_t *at, int64_t *rows) {
    int64_t count = 0;
    *rows = 0;
    for (int64_t i = 0; i < a->run_count; i++)
        if (a->runs[i].rows && quant_is_few(a, &a->runs[i])) {
            run[count] = i;
            at[count++] = *rows;
            *rows += a->runs[i].rows;
        }
    return count;
}

bool quant_few(const mx_qmm_args *a) {
    size_t list_bytes = (size_t)a->run_count * 2 * sizeof(int64_t);
    int64_t *list = mx_block_alloc(list_bytes), rows;
    if (!list)
        return false;
    int64_t count = list_runs(a, list, list + a->run_count, &rows);
    few p = {.a = a, .run = list, .at = list + a->run_count};
    choose_way(&p);
    size_t bytes = (size_t)(rows * p.ldx + a->k) * sizeof(float); // the last for read_row
    p.x = mx_block_alloc(bytes);
    if (p.x) {
        for (int64_t i = 0; i < count; i++)
            read_rows(&p, i, p.x + rows * p.ldx);
        p.piece = p.dots ? DOT_COLUMNS : COLUMNS;
        p.pieces = (a->n + p.piece - 1) / p.piece;
        int64_t numbers = a->k * (a->n < p.piece ? a->n : p.piece);
        mx_parallel_for(count * p.pieces, 1 + TASK_NUMBERS / (numbers + 1), pieces_body, &p);
        mx_block_free(p.x, bytes);
    }
    mx_block_free(list, list_bytes);
    if (atomic_load(&p.nomem))
        mx_fail_nomem("quantized_matmul", bytes);
    return p.x && !atomic_load(&p.nomem);
}
