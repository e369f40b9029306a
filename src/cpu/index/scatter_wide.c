#include "cpu/index/scatter_wide.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/threads/pool.h"
#include "cpu/memory/cpu_copy.h"
#include "kernels/pointwise/k_pointwise.h"
#include "kernels/kernels.h"

/* --- which updates meet ----------------------------------------------------------------------- */

static int ascending(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t place_of(const cpu_slots *s, int64_t offset) {
    int64_t low = 0, high = s->count - 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (s->first[middle] < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool cpu_slots_find(cpu_slots *s, const int64_t *offset, int64_t n) {
    size_t bytes = (size_t)n * sizeof *offset;
    *s = (cpu_slots){mx_malloc(bytes), NULL, 0};
    s->first = s->slot ? mx_malloc(bytes) : NULL;
    if (!s->first) {
        cpu_slots_free(s);
        return false;
    }
    memcpy(s->first, offset, bytes);
    qsort(s->first, (size_t)n, sizeof *offset, ascending);
    for (int64_t i = 0; i < n; i++)
        if (i == 0 || s->first[i] != s->first[s->count - 1])
            s->first[s->count++] = s->first[i];
    for (int64_t i = 0; i < n; i++)
        s->slot[i] = place_of(s, offset[i]);
    return true;
}

void cpu_slots_free(cpu_slots *s) {
    mx_free(s->slot);
    mx_free(s->first);
}

/* --- float32 and back ------------------------------------------------------------------------- */

typedef struct casting {
    char *out;
    const char *in;
    size_t to, from; /* bytes of an element */
    mx_k_unary *kernel;
} casting;

static void cast_part(void *ctx, int64_t begin, int64_t end) {
    const casting *c = ctx;
    c->kernel(c->out + (size_t)begin * c->to, c->in + (size_t)begin * c->from,
              (size_t)(end - begin));
}

void cpu_cast(void *out, mx_dtype to, const void *in, mx_dtype from, int64_t n) {
    enum { GRAIN = 1 << 14 };
    casting c = {out, in, mx_dtype_size(to), mx_dtype_size(from),
                 mx_kernels_get()->pointwise->cast[from][to]};
    mx_parallel_for(n, GRAIN, cast_part, &c);
}

float *cpu_widened(const mx_array *a) {
    void *own = a->row_contiguous ? NULL : mx_malloc((size_t)a->size * mx_itemsize(a));
    float *wide = own || a->row_contiguous ? mx_malloc((size_t)a->size * sizeof *wide) : NULL;
    if (own && wide)
        cpu_copy_dense(own, a);
    if (wide)
        cpu_cast(wide, MX_FLOAT32, own ? own : a->data, mx_dtype_of(a), a->size);
    mx_free(own);
    return wide;
}

bool cpu_narrow(mx_array *out, const float *in) {
    int64_t strides[MX_MAX_NDIM];
    void *half = mx_malloc((size_t)out->size * mx_itemsize(out));
    if (!half)
        return false;
    cpu_cast(half, mx_dtype_of(out), in, MX_FLOAT32, out->size);
    mx_row_strides(out->shape, out->ndim, strides);
    cpu_copy_strided(out->data, out->strides, half, strides, out->shape, out->ndim,
                     mx_itemsize(out));
    mx_free(half);
    return true;
}
