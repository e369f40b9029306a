/* Elements of a file: read into a block of their own, or where the file is mapped its pages. */
#include <stdatomic.h>

#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "graph/array/loaded.h"
#include "graph/array/params.h"

enum { GRAIN = 1 << 18 };

/* --- what is read becomes elements -------------------------------------------------- */

/* A boolean is 0 or 1: the first byte that is not. */
typedef struct bools {
    const unsigned char *byte;
    _Atomic int64_t wrong;
} bools;

static void find_wrong(void *ctx, int64_t begin, int64_t end) {
    bools *b = ctx;
    int64_t i = begin;
    while (i < end && b->byte[i] <= 1)
        i++;
    int64_t known = atomic_load(&b->wrong);
    while (i < end && i < known && !atomic_compare_exchange_weak(&b->wrong, &known, i))
        ;
}

static bool check_bools(const mx_p_load *p, const mx_loaded *from, const mx_array *a) {
    bools b = {(const unsigned char *)a->data, INT64_MAX};
    mx_parallel_for(a->size, GRAIN, find_wrong, &b);
    int64_t wrong = atomic_load(&b.wrong);
    return wrong == INT64_MAX ||
           mx_fail(MX_FORMAT, "[load] '%s' at byte %lld: %u is not a boolean",
                   mx_file_path(from->file), (long long)(p->at + wrong), b.byte[wrong]);
}

#define SWAP(bits)                                                   \
    static void swap_##bits(void *ctx, int64_t begin, int64_t end) { \
        uint##bits##_t *v = ctx;                                     \
        for (int64_t i = begin; i < end; i++)                        \
            v[i] = __builtin_bswap##bits(v[i]);                      \
    }
SWAP(16)
SWAP(32)
SWAP(64)

/* Complex numbers are pairs of floats. */
static void swap(mx_array *a) {
    size_t unit = a->dtype == MX_COMPLEX64 ? sizeof(float) : mx_itemsize(a);
    int64_t n = a->size * (int64_t)(mx_itemsize(a) / unit);
    if (unit > 1)
        mx_parallel_for(n, GRAIN, unit == 2 ? swap_16 : unit == 4 ? swap_32 : swap_64, a->data);
}

/* --- a node ------------------------------------------------------------------------- */

static bool read_copy(const mx_p_load *p, const mx_loaded *from, mx_array *a) {
    size_t bytes = (size_t)a->size * mx_itemsize(a);
    if (!mx_array_alloc(a) || !mx_file_read(from->file, a->data, bytes, (uint64_t)p->at))
        return false;
    if (p->swapped)
        swap(a);
    return a->dtype != MX_BOOL || check_bools(p, from, a);
}

/* Can the pages stand for the elements as they are? */
static bool fits(const mx_p_load *p, const mx_loaded *from, const mx_array *a) {
    size_t unit = a->dtype == MX_COMPLEX64 ? sizeof(float) : mx_itemsize(a);
    return from->mapped && a->size && !p->swapped && a->dtype != MX_BOOL &&
           ((uintptr_t)from->mapped->ptr + (size_t)p->at) % unit == 0;
}

bool cpu_load(mx_node *n, mx_array **out, const mx_program *feed) {
    const mx_p_load *p = n->params;
    const mx_loaded *from = (const mx_loaded *)p->file;
    (void)feed;
    if (!out[0])
        return true;
    if (!fits(p, from, out[0]))
        return read_copy(p, from, out[0]);
    if (!mx_file_check(from->file))
        return false;
    mx_array_place(out[0], from->mapped, (char *)from->mapped->ptr + p->at, NULL);
    return true;
}
