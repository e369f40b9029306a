/* Sorting along one axis: sort, argsort, partition, argpartition, line by line on the pool. */
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "cpu/memory/lines.h"
#include "graph/array/params.h"
#include "kernels/sort/k_sort.h"

enum { GRAIN = 1 << 11, TILE_BYTES = 1 << 18, MOST_LINES = 16 };

typedef struct job {
    const mx_k_sort *k;
    mx_prim prim;
    mx_dtype t;
    size_t kth, scratch, item, out_item;
    cpu_lines in, out;
    const char *from;
    char *to;
    bool plain; /* lines are contiguous in both arrays */
    _Atomic bool failed;
} job;

static void sort_line(const job *j, void *out, const void *x, void *scratch) {
    size_t n = (size_t)j->in.n;
    switch (j->prim) {
    case MX_PRIM_sort: j->k->sort[j->t](out, x, n, scratch); break;
    case MX_PRIM_argsort: j->k->argsort[j->t](out, x, n, scratch); break;
    case MX_PRIM_partition: j->k->partition[j->t](out, x, n, j->kth, scratch); break;
    default: j->k->argpartition[j->t](out, x, n, j->kth, scratch); break;
    }
}

static void plain_task(void *ctx, int64_t begin, int64_t end) {
    job *j = ctx;
    void *scratch = mx_scratch(1, j->scratch);
    if (!scratch)
        j->failed = true;
    for (int64_t i = begin; i < end && scratch; i++)
        sort_line(j, j->to + i * j->out.stride * (int64_t)j->out_item,
                  j->from + i * j->in.stride * (int64_t)j->item, scratch);
}

/* A few lines at a time: copied out, sorted, copied to their places. */
static void tile_task(void *ctx, int64_t begin, int64_t end) {
    job *j = ctx;
    int64_t most = TILE_BYTES / (int64_t)j->item / j->in.n, run = j->out.run;
    most = most < 1 ? 1 : most > MOST_LINES ? MOST_LINES : most;
    char *scratch = mx_scratch(1, j->scratch);
    char *x = mx_scratch(2, (size_t)(most * j->in.n) * j->item);
    char *y = mx_scratch(3, (size_t)(most * j->in.n) * j->out_item);
    if (!scratch || !x || !y)
        j->failed = true;
    for (int64_t n; begin < end && !j->failed; begin += n) {
        n = run - begin % run;
        n = n < most ? n : most;
        n = n < end - begin ? n : end - begin;
        cpu_lines_read(&j->in, x, j->from, j->item, begin, n);
        for (int64_t i = 0; i < n; i++)
            sort_line(j, y + (size_t)(i * j->in.n) * j->out_item,
                      x + (size_t)(i * j->in.n) * j->item, scratch);
        cpu_lines_write(&j->out, j->to, y, j->out_item, begin, n);
    }
}

/* One long contiguous row: its halves are split from each other, then their halves, until each
   thread has a part, and at last these are sorted. */
#ifdef MX_TORTURE
enum { LONG = 16, MOST_PARTS = 8 };
#else
enum { LONG = 1 << 16, MOST_PARTS = 8 };
#endif

typedef struct long_row {
    job *j;
    int parts, last; /* now and in the end */
} long_row;

static int64_t part_start(const job *j, int64_t part, int parts) {
    return j->in.n / parts * part + j->in.n % parts * part / parts;
}

static void long_task(void *ctx, int64_t begin, int64_t end) {
    const long_row *row = ctx;
    job *j = row->j;
    void *scratch = mx_scratch(1, j->scratch);
    if (!scratch)
        j->failed = true;
    for (int64_t i = begin; i < end && scratch; i++) {
        int64_t from = part_start(j, i, row->parts), to = part_start(j, i + 1, row->parts);
        char *out = j->to + (size_t)from * j->item;
        const char *x = row->parts == 1 ? j->from : out;
        if (row->parts == row->last)
            j->k->sort[j->t](out, x, (size_t)(to - from), scratch);
        else
            j->k->partition[j->t](out, x, (size_t)(to - from),
                                  (size_t)(part_start(j, 2 * i + 1, 2 * row->parts) - from),
                                  scratch);
    }
}

static void sort_long(job *j) {
    int last = 1;
    while (last < mx_pool_threads() && last < MOST_PARTS)
        last *= 2;
    for (int n = 1; n <= last && !j->failed; n *= 2)
        j->failed = !mx_parallel_for_long(n, 1, long_task, &(long_row){j, n, last}) || j->failed;
}

/* Numbers of one or two bytes are counted, which is faster than to split them. */
static bool is_long(const job *j) {
    return j->prim == MX_PRIM_sort && j->item > 2 && j->plain && j->in.count == 1 &&
           j->in.n >= LONG;
}

bool cpu_sort(mx_node *n, mx_array **out, const mx_program *feed) {
    const mx_p_sort *p = n->params;
    mx_array *x = n->in[0], *y = out[0];
    job j = {.k = mx_kernels_get()->sort, .prim = (mx_prim)n->prim, .t = mx_dtype_of(x)};
    (void)feed;
    if (!mx_array_alloc(y))
        return false;
    if (y->size == 0)
        return true;
    j.item = mx_itemsize(x);
    j.out_item = mx_itemsize(y);
    cpu_lines_of(&j.in, x->shape, x->strides, x->ndim, p->axis);
    cpu_lines_of(&j.out, y->shape, y->strides, y->ndim, p->axis);
    j.kth = (size_t)(p->kth < 0 ? p->kth + j.in.n : p->kth);
    j.from = x->data;
    j.to = y->data;
    j.plain = j.in.even && j.out.even;
    j.scratch = mx_sort_scratch(j.t, (size_t)j.in.n);
    if (j.scratch && is_long(&j))
        sort_long(&j);
    else if (j.scratch && !mx_parallel_for_long(j.in.count, 1 + GRAIN / j.in.n,
                                                j.plain ? plain_task : tile_task, &j))
        return false;
    return (j.scratch && !j.failed) || mx_fail_nomem("sort", (unsigned long long)j.scratch);
}
