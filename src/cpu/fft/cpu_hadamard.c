/* hadamard_transform: chunks of lines that stay in cache. */
#include <stdatomic.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "cpu/memory/dense.h"
#include "graph/array/params.h"
#include "kernels/fft/k_hadamard.h"
#include "kernels/kernels.h"

enum { CHUNK = 8192 }; /* elements, or one line */

typedef struct job {
    mx_k_hadamard_args args; /* of one line */
    mx_k_hadamard_lines *run;
    int64_t line, count, per; /* elements of a line; lines; lines of a chunk */
    size_t item, wide;        /* bytes of an element stored, computed */
    atomic_bool nomem;
} job;

static void transform(void *ctx, int64_t begin, int64_t end) {
    job *j = ctx;
    for (int64_t chunk = begin; chunk < end; chunk++) {
        int64_t first = chunk * j->per, rest = j->count - first;
        mx_k_hadamard_args a = j->args;
        a.lines = rest < j->per ? rest : j->per;
        a.in = (const char *)a.in + (size_t)(first * j->line) * j->item;
        a.out = (char *)a.out + (size_t)(first * j->line) * j->item;
        a.work = mx_scratch(0, (size_t)(a.lines * j->line) * j->wide);
        if (a.work)
            j->run(&a);
        else
            atomic_store(&j->nomem, true);
    }
}

/* The matrix as the kernel reads it. */
static void *matrix_of(int m, bool transposed, mx_dtype t) {
    size_t wide = t == MX_FLOAT64 ? 8 : 4;
    void *matrix = mx_malloc((size_t)m * (size_t)m * wide);
    for (int i = 0; matrix && i < m * m; i++) {
        int e =
            transposed ? mx_hadamard_entry(m, i % m, i / m) : mx_hadamard_entry(m, i / m, i % m);
        if (wide == 8)
            ((double *)matrix)[i] = e;
        else
            ((float *)matrix)[i] = (float)e;
    }
    return matrix;
}

static bool run(const mx_p_hadamard *p, const mx_array *x, const void *from, mx_array *y) {
    mx_dtype t = mx_dtype_of(x);
    void *matrix = matrix_of(p->m, p->transposed, t);
    if (!matrix)
        return false;
    job j = {.run = mx_kernels_get()->hadamard->lines[t],
             .line = x->shape[x->ndim - 1],
             .item = mx_itemsize(x),
             .wide = t == MX_FLOAT64 ? 8 : 4};
    j.args = (mx_k_hadamard_args){.out = y->data,
                                  .in = from,
                                  .n = j.line / p->m,
                                  .m = p->m,
                                  .matrix = matrix,
                                  .scale = p->scale};
    j.count = x->size / j.line;
    j.per = j.line < CHUNK ? CHUNK / j.line : 1;
    mx_parallel_for((j.count + j.per - 1) / j.per, 1 + CHUNK / (j.per * j.line), transform, &j);
    mx_free(matrix);
    return !atomic_load(&j.nomem) || mx_fail_nomem("hadamard_transform", y->size * j.wide);
}

bool cpu_hadamard(mx_node *n, mx_array **out, const mx_program *feed) {
    cpu_dense x = {0};
    (void)feed;
    if (!mx_array_alloc(out[0]))
        return false;
    if (out[0]->size == 0)
        return true;
    bool ok = cpu_dense_open(&x, n->in[0]) && run(n->params, n->in[0], x.data, out[0]);
    cpu_dense_close(&x);
    return ok;
}
