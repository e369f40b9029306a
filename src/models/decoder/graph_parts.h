/* Between the files of the machine that makes arrays (graph.h). Its rows are arrays. */
#ifndef MX_MODELS_GRAPH_PARTS_H
#define MX_MODELS_GRAPH_PARTS_H

#include "models/decoder/machine.h"
#include "ops/ops.h"

enum { DEC_MOST_TURNS = 4 };

/* What rows turn by: (rows, 1, rotated / 2). */
typedef struct dec_turn {
    const float *frequency;
    mx_array *cos, *sin;
} dec_turn;

typedef struct dec_graph {
    mx_machine base;
    dec_turn turn[DEC_MOST_TURNS]; /* those made last */
    int turns;
    mx_array *kept; /* rows; NULL: none were */
} dec_graph;

static inline mx_array *dec_array(mx_rows *x) {
    return (mx_array *)(void *)x;
}
static inline mx_rows *dec_as_rows(mx_array *a) {
    return (mx_rows *)(void *)a;
}

/* Of a matrix that is not dense. */
mx_quant_format dec_format_of(const mx_weight *w);
/* Times the matrix's own factor. */
mx_array *dec_scaled(const mx_weight *w, mx_array *y);
/* x w' + bias and the change, of rows (rows, in); float32. */
mx_array *dec_product(const mx_weight *w, mx_array *x);
/* Of the matrices that `which` (rows, used) picks of a stack: x (rows, 1 or used, 1, in) ->
   (rows, used, 1, out). */
mx_array *dec_picked_product(const mx_weight *w, mx_array *x, mx_array *which);
mx_array *dec_normed(const mx_norm *n, mx_array *x); /* over the last axis */
mx_array *dec_act(mx_activation act, mx_array *gate, mx_array *up);
/* Columns first .. first + count of the last axis. */
mx_array *dec_columns(mx_array *x, int64_t first, int64_t count);
/* The last axis as (n, the rest / n). */
mx_array *dec_heads(mx_array *x, int64_t n);

/* Spans first .. first + n of one length, as a batch. */
typedef struct dec_batch {
    int64_t first, n;
    int64_t row, count; /* the first row, rows of each */
} dec_batch;
/* The next of them, beginning with *out = {0}; false: there is none. */
bool dec_next_batch(const mx_pass *p, dec_batch *out);
/* Rows (rows, ...) of a batch as (n, count, ...). */
mx_array *dec_batch_of(const dec_batch *b, mx_array *x);
/* What makes rows (n, count, ...) of each batch; all of them one after the other, (rows, ...). */
typedef mx_array *dec_batch_function(void *payload, const dec_batch *b);
mx_array *dec_each_batch(const mx_pass *p, dec_batch_function *f, void *payload);

mx_rows *dec_graph_attend(mx_machine *m, const mx_attender *a, int64_t layer, mx_rows *q,
                          mx_rows *k, mx_rows *v, mx_rows *gate);
mx_rows *dec_graph_recur(mx_machine *m, mx_mixer_kind kind, const mx_recurrence *r, int64_t layer,
                         mx_rows *in, mx_rows *more);
mx_rows *dec_graph_experts(mx_machine *m, const mx_experts *e, mx_rows *x);

#endif
