/* Batches of matrices: see linalg_batch.h. */
#include "cpu/linalg/linalg_batch.h"

#include <string.h>

#include "base/status.h"
#include "cpu/memory/cpu_copy.h"
#include "kernels/matmul/k_matmul.h"

bool linalg_open(linalg_batch *j, mx_node *n, mx_array **out) {
    const mx_array *a = n->in[0];
    *j = (linalg_batch){.n = n,
                        .out = out,
                        .rows = a->shape[a->ndim - 2],
                        .cols = a->shape[a->ndim - 1],
                        .count = 1,
                        .item = mx_itemsize(a)};
    atomic_store(&j->worst, UINT64_MAX);
    for (int i = 0; i < a->ndim - 2; i++)
        j->count *= a->shape[i];
    for (int i = 0; i < n->nout; i++)
        if (out[i] && !mx_array_alloc(out[i]))
            return false;
    return true;
}

/* The first element of matrix b; the last `inner` axes belong to it. */
static char *matrix_at(const mx_array *a, int64_t b, int inner) {
    int64_t offset = 0;
    for (int i = a->ndim - inner - 1; i >= 0; i--) {
        offset += b % a->shape[i] * a->strides[i];
        b /= a->shape[i];
    }
    return a->data + offset * (int64_t)mx_itemsize(a);
}

enum { SMALL = 1024 }; /* elements */

/* to[c * rows + r] = from[r * from_rs + c] */
static void turn(void *to, const void *from, int64_t from_rs, int rows, int cols, size_t item) {
    const mx_k_matmul *k = mx_kernels_get()->matmul;
    mx_k_pack *pack = item == 4 ? k->f32->pack[MX_FLOAT32] : k->f64->pack[MX_FLOAT64];
    pack(to, rows, from, from_rs, 1, rows, cols);
}

static void copy_elements(void *to, int64_t rs, int64_t cs, const void *from, int64_t from_rs,
                          int64_t from_cs, int rows, int cols, size_t item) {
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) {
            int64_t i = r * rs + c * cs, k = r * from_rs + c * from_cs;
            if (item == 4)
                ((uint32_t *)to)[i] = ((const uint32_t *)from)[k];
            else
                ((uint64_t *)to)[i] = ((const uint64_t *)from)[k];
        }
}

void linalg_copy(void *to, int64_t rs, int64_t cs, const void *from, int64_t from_rs,
                 int64_t from_cs, int rows, int cols, size_t item) {
    bool small = (int64_t)rows * cols <= SMALL;
    if (small && rs == 1 && cs == rows && from_cs == 1)
        turn(to, from, from_rs, rows, cols, item);
    else if (small && cs == 1 && rs == cols && from_rs == 1)
        turn(to, from, from_cs, cols, rows, item);
    else if (small && cs == 1 && from_cs == 1)
        for (int r = 0; r < rows; r++)
            memcpy((char *)to + r * rs * (int64_t)item,
                   (const char *)from + r * from_rs * (int64_t)item, (size_t)cols * item);
    else if (small)
        copy_elements(to, rs, cs, from, from_rs, from_cs, rows, cols, item);
    else
        cpu_copy_strided(to, (int64_t[]){rs, cs}, from, (int64_t[]){from_rs, from_cs},
                         (int[]){rows, cols}, 2, item);
}

void linalg_load(const linalg_batch *j, int i, int64_t b, void *to, int64_t rs, int64_t cs) {
    const mx_array *a = j->n->in[i];
    int last = a->ndim - 1;
    linalg_copy(to, rs, cs, matrix_at(a, b, 2), a->strides[last - 1], a->strides[last],
                a->shape[last - 1], a->shape[last], mx_itemsize(a));
}

void linalg_store(const linalg_batch *j, int k, int64_t b, const void *from, int64_t rs,
                  int64_t cs) {
    const mx_array *a = j->out[k];
    int last = a ? a->ndim - 1 : 0;
    if (a)
        linalg_copy(matrix_at(a, b, 2), a->strides[last - 1], a->strides[last], from, rs, cs,
                    a->shape[last - 1], a->shape[last], mx_itemsize(a));
}

void *linalg_out(const linalg_batch *j, int k, int64_t b, int inner) {
    return j->out[k] ? matrix_at(j->out[k], b, inner) : NULL;
}

void linalg_note(linalg_batch *j, int64_t b, int code) {
    uint64_t mark = (uint64_t)b << 32 | (uint32_t)code, seen = atomic_load(&j->worst);
    while (code && mark < seen && !atomic_compare_exchange_weak(&j->worst, &seen, mark))
        ;
}

bool linalg_report(const linalg_batch *j, const char *op, const char *trouble) {
    uint64_t mark = atomic_load(&j->worst);
    long long b = (long long)(mark >> 32);
    int code = (int)(uint32_t)mark;
    if (mark == UINT64_MAX)
        return true;
    if (code == LINALG_NO_MEMORY)
        return mx_fail(MX_NOMEM, "[linalg::%s] out of memory for the workspace", op);
    if (code == LINALG_NOT_FINITE)
        trouble = "has elements that are infinite or not a number";
    if (j->count > 1)
        return mx_fail(MX_UNSUPPORTED, "[linalg::%s] matrix %lld of %lld %s", op, b,
                       (long long)j->count, trouble);
    return mx_fail(MX_UNSUPPORTED, "[linalg::%s] the matrix %s", op, trouble);
}
