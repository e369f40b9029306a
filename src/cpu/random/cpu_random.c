/* Random bits: each key has a stream of its own, cut into pieces for the pool. */
#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "cpu/memory/fetch.h"
#include "graph/array/params.h"
#include "kernels/random/k_random.h"

enum { GRAIN = 8192 };

typedef struct job {
    char *out;
    mx_random_stream stream;
} job;

static void make_pairs(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    mx_kernels_get()->random->pairs(j->out, &j->stream, (uint64_t)begin, (uint64_t)end);
}

bool cpu_random(mx_node *n, mx_array **out, const mx_program *feed) {
    (void)feed;
    mx_array *y = out[0];
    const mx_array *keys = n->in[0];
    int64_t count = keys->size / 2;
    cpu_layout l;
    const int64_t *const strides[1] = {keys->strides};
    if (!mx_array_alloc(y))
        return false;
    cpu_layout_collapse(&l, keys->shape, keys->ndim, 1, strides);
    bool ok = true;
    for (int64_t k = 0; ok && k < count && y->size; k++) {
        uint64_t bytes = (uint64_t)(y->size / count) * mx_itemsize(y);
        job j = {y->data + (uint64_t)k * bytes, {{0, 0}, bytes}};
        cpu_fetch(j.stream.key, keys->data, 4, &l, 2 * k, 2);
        ok = mx_parallel_for_long((int64_t)mx_random_pairs(&j.stream), GRAIN, make_pairs, &j);
    }
    return ok;
}
