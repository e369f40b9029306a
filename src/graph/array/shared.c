#include "graph/array/shared.h"

#include <string.h>

#include "base/shared.h"
#include "base/status.h"
#include "graph/array/mapped.h"
#include "graph/eval/eval.h"

enum { HEAD = 4096 };

typedef struct head {
    char magic[8];
    uint32_t dtype;
    int32_t ndim;
    int32_t shape[MX_MAX_NDIM];
} head;
static const char magic[8] = "MLXSHM1";

/* --- opening ------------------------------------------------------------------------------ */

/* Whoever wrote the head may have lied. */
static bool check(const char *name, const mx_buffer *b, const head *h) {
    int64_t size;
    bool ok = b->bytes >= HEAD && memcmp(h->magic, magic, sizeof magic) == 0 &&
              h->dtype < MX_DTYPE_COUNT && h->ndim >= 0 && h->ndim <= MX_MAX_NDIM &&
              mx_shape_size(h->shape, h->ndim, mx_dtype_size((mx_dtype)h->dtype), &size) &&
              (uint64_t)size * mx_dtype_size((mx_dtype)h->dtype) <= b->bytes - HEAD;
    return ok ||
           mx_fail(MX_FORMAT,
                   "[array_shared_open] the shared memory '%s' of %zu bytes holds no whole array",
                   name, b->bytes);
}

static mx_buffer *map(const char *name) {
    mx_mapped m;
    return mx_shared_map("array_shared_open", name, &m) ? mx_buffer_over_mapping(&m) : NULL;
}

mx_array *mx_shared_array_open(const char *name) {
    head h = {.ndim = -1};
    mx_buffer *b = map(name);
    if (!b)
        return NULL;
    if (b->bytes >= sizeof h)
        memcpy(&h, b->ptr, sizeof h); // a copy: the segment may be written to meanwhile
    bool ok = check(name, b, &h);
    mx_array *a = ok ? mx_array_over(b, HEAD, h.shape, NULL, h.ndim, (mx_dtype)h.dtype) : NULL;
    mx_buffer_release(b);
    return a;
}

/* --- making ------------------------------------------------------------------------------- */

mx_array *mx_shared_array_new(const char *name, mx_array *a) {
    union {
        head h;
        char bytes[HEAD];
    } first = {.h = {.dtype = a->dtype, .ndim = a->ndim}};
    memcpy(first.h.magic, magic, sizeof magic);
    if (a->ndim)
        memcpy(first.h.shape, a->shape, (size_t)a->ndim * sizeof *a->shape);
    bool ok = mx_eval1(a) && mx_shared_create("array_shared_new", name, &first, HEAD, a->data,
                                              (size_t)a->size * mx_itemsize(a));
    return ok ? mx_shared_array_open(name) : NULL;
}
