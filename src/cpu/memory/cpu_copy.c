/* Copies on the pool, and the families `copy`: contiguous, and `full`. */
#include "cpu/memory/cpu_copy.h"

#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "graph/array/params.h"
#include "graph/array/view.h"
#include "kernels/copy/k_copy.h"
#include "kernels/kernels.h"

typedef struct copy_job {
    mx_copy_plan plan;
    mx_k_copy_rows *rows;
    void *out;
    const void *in;
} copy_job;

static void copy_piece(void *ctx, int64_t begin, int64_t end) {
    const copy_job *j = ctx;
    j->rows(j->out, j->plan.out, j->in, j->plan.in, j->plan.ndim, j->plan.shape, begin, end);
}

void cpu_copy_strided(void *out, const int64_t *out_strides, const void *in,
                      const int64_t *in_strides, const int *shape, int ndim, size_t itemsize) {
    copy_job j = {.rows = mx_kernels_get()->copy->rows[itemsize], .out = out, .in = in};
    mx_copy_plan_make(&j.plan, ndim, shape, out_strides, in_strides);
    if (j.plan.rows > 0)
        mx_parallel_for(j.plan.rows, j.plan.grain, copy_piece, &j);
}

void cpu_copy_dense(void *out, const mx_array *a) {
    int64_t strides[MX_MAX_NDIM];
    mx_row_strides(a->shape, a->ndim, strides);
    cpu_copy_strided(out, strides, a->data, a->strides, a->shape, a->ndim, mx_itemsize(a));
}

bool cpu_copy_or_take(mx_array *out, mx_array *in) {
    if (!mx_array_alloc_or_take(out, in))
        return false;
    if (out->data != in->data)
        cpu_copy_dense(out->data, in);
    return true;
}

static bool column_contiguous(const mx_array *a) {
    int64_t step = 1;
    for (int i = 0; i < a->ndim; i++) {
        if (a->shape[i] != 1 && a->strides[i] != step)
            return false;
        step *= a->shape[i];
    }
    return true;
}

/* A value of as many elements is copied, or its memory taken. */
bool cpu_full(mx_node *n, mx_array **out, const mx_program *feed) {
    int64_t strides[MX_MAX_NDIM];
    mx_array *a = n->in[0], *y = out[0];
    (void)feed;
    if (a->size == y->size)
        return cpu_copy_or_take(y, a);
    if (!mx_array_alloc(y))
        return false;
    mx_broadcast_strides(a, y->shape, y->ndim, strides);
    cpu_copy_strided(y->data, y->strides, a->data, strides, y->shape, y->ndim, mx_itemsize(y));
    return true;
}

bool cpu_copy(mx_node *n, mx_array **out, const mx_program *feed) {
    mx_array *a = n->in[0], *y = out[0];
    bool columns = ((const mx_p_contiguous *)n->params)->allow_col_major;
    (void)feed;
    if (a->row_contiguous || (columns && column_contiguous(a))) {
        mx_array_view(y, a, 0, a->strides);
        return true;
    }
    if (!mx_array_alloc(y))
        return false;
    cpu_copy_dense(y->data, a);
    return true;
}
