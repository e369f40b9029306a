/* See narrow.h. */
#include "cpu/program/narrow.h"

#include <string.h>

#ifdef MX_TORTURE
enum { MANY = 2 };
#else
enum { MANY = 128 }; /* rows, so many that to look at one of them costs little */
#endif

static bool is_order(uint16_t op) {
    switch (op) {
    case MX_PW_equal:
    case MX_PW_not_equal:
    case MX_PW_less:
    case MX_PW_less_equal:
    case MX_PW_greater:
    case MX_PW_greater_equal: return true;
    default: return false;
    }
}

/* Unsigned numbers of the same order. */
static inline uint64_t key_of(mx_dtype t, const void *row, int64_t i) {
    switch (t) {
    case MX_INT32: return (uint64_t)(int64_t)((const int32_t *)row)[i] ^ 1ull << 63;
    case MX_INT64: return (uint64_t)((const int64_t *)row)[i] ^ 1ull << 63;
    case MX_UINT32: return ((const uint32_t *)row)[i];
    default: return ((const uint64_t *)row)[i];
    }
}

static inline __attribute__((always_inline)) void find_ends(cpu_narrow *w, const mx_dtype t,
                                                            const void *row, int64_t n) {
    w->low = w->high = key_of(t, row, 0);
    for (int64_t i = 1; i < n; i++) {
        uint64_t k = key_of(t, row, i);
        w->low = k < w->low ? k : w->low;
        w->high = k > w->high ? k : w->high;
    }
}

static void find_range(cpu_narrow *w, const void *row, int64_t n) {
    switch (w->from) {
    case MX_INT32: find_ends(w, MX_INT32, row, n); break;
    case MX_INT64: find_ends(w, MX_INT64, row, n); break;
    case MX_UINT32: find_ends(w, MX_UINT32, row, n); break;
    default: find_ends(w, MX_UINT64, row, n);
    }
}

/* The narrowest dtype of the differences; w->from: none is narrower. */
static mx_dtype narrowest(const cpu_narrow *w) {
    uint64_t most = w->high - w->low;
    if (most <= UINT8_MAX)
        return MX_UINT8;
    if (most <= UINT16_MAX)
        return MX_UINT16;
    return most <= UINT32_MAX && mx_dtype_size(w->from) == 8 ? MX_UINT32 : w->from;
}

static void put(mx_dtype to, void *row, int64_t i, uint64_t x) {
    switch (to) {
    case MX_UINT8: ((uint8_t *)row)[i] = (uint8_t)x; break;
    case MX_UINT16: ((uint16_t *)row)[i] = (uint16_t)x; break;
    default: ((uint32_t *)row)[i] = (uint32_t)x;
    }
}

static bool may_fit(mx_dtype t) {
    return t == MX_INT32 || t == MX_INT64 || t == MX_UINT32 || t == MX_UINT64;
}

bool cpu_narrow_open(cpu_narrow *w, const mx_instr *in, const void *row, int64_t n, int64_t rows) {
    const mx_k_chain *chain = mx_kernels_get()->chain;
    mx_dtype t = (mx_dtype)in->dtype;
    *w = (cpu_narrow){.from = t, .row = row, .wide = chain->number[in->op][t]};
    if (rows < MANY || !is_order(in->op) || !may_fit(t))
        return true;
    find_range(w, row, n);
    if ((w->to = narrowest(w)) == t)
        return true;
    if (!cpu_dense_room(&w->room, (size_t)n * mx_dtype_size(w->to)))
        return false;
    w->narrow = chain->number[in->op][w->to];
    for (int64_t i = 0; i < n; i++)
        put(w->to, w->room.copy, i, key_of(t, row, i) - w->low);
    return true;
}

/* Beyond the row's ends a number compares with all of it as with one element. */
void cpu_narrow_compare(const cpu_narrow *w, char *out, const void *number, int64_t i, size_t n,
                        bool turned) {
    uint64_t k = key_of(w->from, number, 0), room;
    if (k < w->low || k > w->high) {
        w->wide(out, w->row, number, 1, turned);
        memset(out, *out, n);
        return;
    }
    put(w->to, &room, 0, k - w->low);
    const char *from = w->room.data;
    w->narrow(out, from + (size_t)i * mx_dtype_size(w->to), &room, n, turned);
}

void cpu_narrow_close(cpu_narrow *w) {
    cpu_dense_close(&w->room);
}
