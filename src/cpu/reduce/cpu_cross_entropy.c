/* cross_entropy: rows of logits cut into blocks side by side, each reduced to its maximum and the
 * sum of exp(x - max); then log(sum) - (x[target] - max), so that a common offset of the logits
 * costs no digits. Nothing as large as the logits is made. */
#include <math.h>

#include "base/mem.h"
#include "base/threads/pool.h"
#include "base/status.h"
#include "cpu/cpu.h"
#include "cpu/index/cpu_index.h"
#include "cpu/memory/lines.h"
#include "kernels/pointwise/k_pointwise.h"
#include "kernels/norm/k_softmax.h"
#include "kernels/kernels.h"

enum { BLOCK = 1 << 14, GRAIN = 1 << 13 };

typedef struct job {
    const char *x;
    mx_dtype t;
    size_t item;
    cpu_lines rows;
    int64_t blocks; /* of a row */
    const int64_t *target;
    mx_softmax_part *part;
    float *out;
    _Atomic bool failed;
} job;

/* Block b of a row, where it lies or copied to scratch. */
static const void *block_at(const job *j, int64_t row, int64_t first, int64_t n) {
    if (j->rows.even)
        return j->x + (row * j->rows.stride + first) * (int64_t)j->item;
    void *to = mx_scratch(1, (size_t)n * j->item);
    if (to)
        cpu_fetch(to, j->x, j->item, &j->rows.at, row * j->rows.n + first, (size_t)n);
    return to;
}

static void reduce_blocks(void *ctx, int64_t begin, int64_t end) {
    job *j = ctx;
    mx_k_softmax_part *part = mx_kernels_get()->softmax->part[j->t];
    for (int64_t i = begin; i < end; i++) {
        int64_t first = i % j->blocks * BLOCK, left = j->rows.n - first,
                n = left < BLOCK ? left : BLOCK;
        const void *x = block_at(j, i / j->blocks, first, n);
        if (x)
            part(&j->part[i], x, (size_t)n);
        else
            j->failed = true;
    }
}

static double logit(const job *j, int64_t row) {
    uint64_t room;
    double value;
    cpu_fetch(&room, j->x, j->item, &j->rows.at, row * j->rows.n + j->target[row], 1);
    mx_kernels_get()->pointwise->cast[j->t][MX_FLOAT64](&value, &room, 1);
    return value;
}

static void finish_rows(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    for (int64_t r = begin; r < end; r++) {
        mx_softmax_part p = mx_softmax_merge(&j->part[r * j->blocks], (size_t)j->blocks);
        double x = logit(j, r);
        bool whole = isinf(p.max) && !isnan(p.sum);
        j->out[r] = (float)(whole ? p.max - x : log(p.sum) - (x - p.max));
    }
}

static bool run(job *j) {
    int64_t tasks = j->rows.count * j->blocks;
    if (!(j->part = mx_malloc((size_t)tasks * sizeof *j->part)))
        return false;
    mx_parallel_for(tasks, 1 + GRAIN / (j->rows.n < BLOCK ? j->rows.n : BLOCK), reduce_blocks, j);
    if (!j->failed)
        mx_parallel_for(j->rows.count, 256, finish_rows, j);
    mx_free(j->part);
    return !j->failed || mx_fail_nomem("cross_entropy", (unsigned long long)BLOCK * j->item);
}

bool cpu_cross_entropy(mx_node *n, mx_array **out, const mx_program *feed) {
    const mx_array *x = n->in[0], *targets = n->in[1];
    int last = x->ndim - 1;
    (void)feed;
    if (!mx_array_alloc(out[0]))
        return false;
    if (!targets->size)
        return true;
    cpu_index index = {targets, last, x->shape[last], 1, 1};
    int64_t *target = mx_malloc((size_t)targets->size * sizeof *target);
    job j = {.x = x->data,
             .t = mx_dtype_of(x),
             .item = mx_itemsize(x),
             .target = target,
             .out = (float *)out[0]->data};
    cpu_lines_of(&j.rows, x->shape, x->strides, x->ndim, last);
    j.blocks = (j.rows.n + BLOCK - 1) / BLOCK;
    bool ok = target && cpu_index_resolve("cross_entropy", &index, 1, target) && run(&j);
    mx_free(target);
    return ok;
}
