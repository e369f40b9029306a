/* See cpu_index.h. */
#include <stdatomic.h>
#include <string.h>

#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/index/cpu_index.h"
#include "cpu/memory/fetch.h"
#include "kernels/pointwise/k_pointwise.h"

enum { PIECE = 1024, GRAIN = 8192 };

bool cpu_index_refuse(const char *op, const cpu_index *list, int64_t i) {
    int64_t value, strides[MX_MAX_NDIM];
    const mx_array *a = list->idx;
    const int64_t *const all[1] = {strides};
    char raw[8];
    cpu_layout l;
    cpu_broadcast_strides(a, a->shape, a->ndim, strides);
    cpu_layout_collapse(&l, a->shape, a->ndim, 1, all);
    cpu_fetch(raw, a->data, mx_itemsize(a), &l, i, 1);
    mx_kernels_get()->pointwise->cast[mx_dtype_of(a)][MX_INT64](&value, raw, 1);
    if (list->slice > 1)
        return mx_fail(MX_RANGE,
                       "[%s] index %lld with a slice of %d is out of bounds for axis "
                       "%d with size %d.",
                       op, (long long)value, list->slice, list->axis, list->size);
    return mx_fail(MX_RANGE, "[%s] index %lld is out of bounds for axis %d with size %d.", op,
                   (long long)value, list->axis, list->size);
}

const void *cpu_index_line(const mx_array *idx, int64_t at, int64_t stride, int64_t n, void *room) {
    int64_t item = (int64_t)mx_itemsize(idx);
    const char *from = idx->data + at * item;
    if (stride == 1 || n == 1)
        return from;
    cpu_layout l = {1, {n}, {{stride}}};
    cpu_fetch(room, from, (size_t)item, &l, 0, (size_t)n);
    return room;
}

typedef struct job {
    const cpu_index *list;
    const cpu_layout *layout;
    int64_t *offset;
    bool add;
    _Atomic int64_t bad; /* the first bad element, or the size */
} job;

static void note_bad(job *j, int64_t i) {
    int64_t seen = atomic_load(&j->bad);
    while (i < seen && !atomic_compare_exchange_weak(&j->bad, &seen, i))
        continue;
}

static void resolve(void *ctx, int64_t begin, int64_t end) {
    job *j = ctx;
    const cpu_index *x = j->list;
    const mx_array *a = x->idx;
    mx_index_axis axis = {x->size, x->size - x->slice + 1, x->step, 0, j->add};
    int64_t room[PIECE];
    for (int64_t n; begin < end; begin += n) {
        const void *from = a->data + begin * (int64_t)mx_itemsize(a);
        n = end - begin < PIECE ? end - begin : PIECE;
        if (!a->row_contiguous) {
            cpu_fetch(room, a->data, mx_itemsize(a), j->layout, begin, (size_t)n);
            from = room;
        }
        int64_t bad =
            mx_kernels_get()->index->resolve[mx_dtype_of(a)](j->offset + begin, from, n, &axis);
        if (bad >= 0)
            note_bad(j, begin + bad);
    }
}

bool cpu_index_resolve(const char *op, const cpu_index *list, int k, int64_t *offset) {
    for (int i = 0; i < k; i++) {
        const mx_array *a = list[i].idx;
        cpu_layout l;
        const int64_t *const all[1] = {a->strides};
        cpu_layout_collapse(&l, a->shape, a->ndim, 1, all);
        job j = {&list[i], &l, offset, i > 0, a->size};
        mx_parallel_for(a->size, GRAIN, resolve, &j);
        if (j.bad < a->size)
            return cpu_index_refuse(op, &list[i], j.bad);
    }
    return true;
}
