/* See block_engine.h: the way of integers. A task multiplies strips of its columns with its rows,
   some k at a time, so that these stay in cache. */
#include "base/threads/pool.h"
#include "cpu/quant/block_engine.h"
#include "kernels/codes/codes.h"

#ifdef MX_TORTURE
enum { COLUMNS = 16, STEP_BYTES = 2048 };
#else
enum { COLUMNS = 64, STEP_BYTES = 512 * 1024 /* of rows of x */ };
#endif
enum { STEP = 256 /* numbers: whole blocks */ };

static ptrdiff_t row_bytes(const mx_qmm_args *a) {
    return mx_code_row_bytes(a->k, 1);
}

static void read(const block_job *j, char *row, const float *x) {
    mx_code_reading r = mx_code_reading_of(&mx_code_formats[j->f->kind]);
    mx_code_read(&r, row, x, j->a->k, 1);
}

static int64_t columns(const block_job *j) {
    return j->few ? mx_kernels_get()->codes->lanes : COLUMNS;
}

static int64_t step_of(const block_job *j, const block_part *part) {
    int64_t k = j->a->k, bytes = part->rows * j->row_bytes;
    int64_t step = bytes <= STEP_BYTES ? k : STEP_BYTES * k / bytes / STEP * STEP;
    return step < STEP ? STEP : step;
}

/* Rows of W from row `from` on; room: where copies go if these are fewer than lanes. */
static mx_code_strip strip_of(const mx_quant_matrix *w, int64_t from, int64_t some, int lanes,
                              void *room) {
    mx_code_strip s = {(const uint8_t *)w->w + from * w->w_rs, w->w_rs};
    return some < lanes ? mx_code_strip_of(room, s, some, w->w_rs) : s;
}

static bool multiply(const block_job *j, const block_part *part, int64_t j0, int64_t n,
                     float *sums) {
    int lanes = mx_kernels_get()->codes->lanes;
    const mx_quant_matrix *w = &part->run->w;
    void *room = n % lanes ? mx_scratch(1, (size_t)(lanes * w->w_rs)) : NULL;
    if (n % lanes && !room)
        return false;
    mx_code_product p = {.ldy = j->columns,
                         .x = j->x + part->at * j->row_bytes,
                         .row_bytes = j->row_bytes,
                         .rows = part->rows,
                         .k = j->a->k,
                         .digits = 1};
    int64_t step = step_of(j, part);
    for (; p.k0 < p.k; p.k0 += p.n) {
        p.n = p.k - p.k0 < step ? p.k - p.k0 : step;
        for (int64_t i = 0; i < n; i += lanes) {
            p.y = sums + i;
            mx_code_table()->multiply[j->f->kind](&p, strip_of(w, j0 + i, n - i, lanes, room));
        }
    }
    return true;
}

const block_way block_codes = {row_bytes, read, columns, multiply};
