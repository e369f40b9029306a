/* See block_engine.h: the way of integers. A task makes panels of its columns, some k at a time,
   and multiplies them with its rows while they are in cache. */
#include "base/threads/pool.h"
#include "cpu/quant/block_engine.h"
#include "kernels/codes/codes.h"

#ifdef MX_TORTURE
enum { COLUMNS = 16, STEP_FEW = 256, STEP = 256 };
#else
enum { COLUMNS = 64, STEP_FEW = MX_CODE_CHUNK, STEP = 256 };
#endif

static ptrdiff_t row_bytes(const mx_qmm_args *a) {
    return mx_code_row_bytes(a->k, 1);
}

static void read(const block_job *j, char *row, const float *x) {
    mx_code_reading r = mx_code_reading_of(&mx_code_formats[j->f->kind]);
    mx_code_read(&r, row, x, j->a->k, 1);
}

/* Where memory sets the pace, no more panels than a product takes at once. */
static int64_t columns(const block_job *j) {
    const mx_k_codes *codes = mx_kernels_get()->codes;
    return j->most == 1 ? codes->lanes : j->few ? codes->lanes * codes->panels : COLUMNS;
}

/* Rows of W from row `from` on, one for each lane; what is behind the last is read as the last. */
static void list_rows(const uint8_t **rows, const mx_quant_matrix *w, int64_t from, int64_t last,
                      int lanes) {
    for (int i = 0; i < lanes; i++) {
        int64_t row = from + i < last ? from + i : last;
        rows[i] = (const uint8_t *)w->w + row * w->w_rs;
    }
}

/* Panels of k0 .. k0+n. The next task's rows lie behind these, and as many of their bytes are asked
   for, from front to back. */
static void unpack(const block_job *j, const block_part *part, char *panels, int count, int64_t j0,
                   int64_t last, int64_t k0, int64_t n) {
    const mx_k_codes *codes = mx_kernels_get()->codes;
    const mx_quant_matrix *w = &part->run->w;
    const uint8_t *rows[MX_CODE_LANES];
    int64_t at = k0 / j->f->items * j->f->bytes;
    for (int i = 0; i < count; i++) {
        int64_t first = j0 + (int64_t)i * codes->lanes;
        const uint8_t *ask =
            (const uint8_t *)w->w + (first + j->columns) * w->w_rs + at * codes->lanes;
        list_rows(rows, w, first, last, codes->lanes);
        codes->unpack[j->f->kind](panels + i * mx_code_panel_bytes(codes->lanes), rows, at,
                                  n / j->f->items, ask);
    }
}

/* One row of x: nothing is kept of W. */
static void multiply_vector(const block_job *j, const block_part *part, int64_t j0, int64_t last,
                            float *sums) {
    const uint8_t *rows[MX_CODE_LANES];
    list_rows(rows, &part->run->w, j0, last, mx_kernels_get()->codes->lanes);
    mx_code_table()->vector[j->f->kind](sums, rows, j->x + part->at * j->row_bytes, j->a->k, 1);
}

static bool multiply_panels(const block_job *j, const block_part *part, int64_t j0, int64_t n,
                            float *sums) {
    int lanes = mx_kernels_get()->codes->lanes, count = (int)((n + lanes - 1) / lanes);
    char *panels = mx_scratch(1, (size_t)(count * mx_code_panel_bytes(lanes)));
    mx_k_code_dots *dots = mx_code_table()->dots[mx_code_formats[j->f->kind].way];
    int64_t k = j->a->k, step = j->few ? STEP_FEW : STEP;
    if (!panels)
        return false;
    mx_code_dots_args a = {.acc = sums,
                           .lda = j->columns,
                           .panel = panels,
                           .panels = count,
                           .x = j->x + part->at * j->row_bytes,
                           .row_bytes = j->row_bytes,
                           .rows = part->rows,
                           .k = k,
                           .digits = 1};
    for (; a.k0 < k; a.k0 += a.n) {
        a.n = k - a.k0 < step ? k - a.k0 : step;
        unpack(j, part, panels, count, j0, j0 + n - 1, a.k0, a.n);
        dots(&a);
    }
    return true;
}

static bool multiply(const block_job *j, const block_part *part, int64_t j0, int64_t n,
                     float *sums) {
    if (j->most == 1) {
        multiply_vector(j, part, j0, j0 + n - 1, sums);
        return true;
    }
    return multiply_panels(j, part, j0, n, sums);
}

const block_way block_codes = {row_bytes, read, columns, multiply};
