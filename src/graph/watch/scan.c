/* NaN and infinity by their bits: see scan.h. The magnitude of an infinity is a pattern of ones in
 * the exponent, that of a NaN is above it (IEEE 754-2019, 3.4). */
#include "graph/watch/scan.h"

#include <string.h>

/* A floating-point format: bytes, and the bits of its infinity. */
typedef struct format {
    int width;
    uint64_t infinity;
} format;

static const format formats[MX_DTYPE_COUNT] = {
    [MX_FLOAT16] = {2, 0x7c00},       [MX_BFLOAT16] = {2, 0x7f80},
    [MX_FLOAT32] = {4, 0x7f800000},   [MX_FLOAT64] = {8, 0x7ff0000000000000},
    [MX_COMPLEX64] = {4, 0x7f800000},
};

#define COUNT(bits)                                                                        \
    static int64_t count_##bits(const char *p, int64_t n, int64_t step, uint64_t inf,      \
                                bool infinite) {                                           \
        const uint##bits##_t most = (uint##bits##_t) - 1 >> 1, edge = (uint##bits##_t)inf; \
        uint##bits##_t word;                                                               \
        int64_t count = 0;                                                                 \
        for (int64_t i = 0; i < n; i++) {                                                  \
            memcpy(&word, p + i * step, sizeof word);                                      \
            word &= most;                                                                  \
            count += infinite ? word == edge : word > edge;                                \
        }                                                                                  \
        return count;                                                                      \
    }
COUNT(16)
COUNT(32)
COUNT(64)
#undef COUNT

static int64_t count_row(const format *f, const char *p, int64_t n, int64_t step, bool infinite) {
    return f->width == 2   ? count_16(p, n, step, f->infinity, infinite)
           : f->width == 4 ? count_32(p, n, step, f->infinity, infinite)
                           : count_64(p, n, step, f->infinity, infinite);
}

/* n elements `step` bytes apart; of complex numbers both parts. */
static int64_t count_elements(const mx_array *a, const char *p, int64_t n, int64_t step,
                              bool infinite) {
    const format *f = &formats[a->dtype];
    int64_t count = count_row(f, p, n, step, infinite);
    return a->dtype == MX_COMPLEX64 ? count + count_row(f, p + f->width, n, step, infinite) : count;
}

static int length(const mx_array *a, int axis) {
    return a->strides[axis] == 0 ? 1 : a->shape[axis];
}

/* The next row of all axes but the last; false behind the last one. */
static bool next_row(const mx_array *a, int *index, int64_t *at) {
    for (int i = a->ndim - 2; i >= 0; i--) {
        if (++index[i] < length(a, i)) {
            *at += a->strides[i];
            return true;
        }
        *at -= a->strides[i] * (length(a, i) - 1);
        index[i] = 0;
    }
    return false;
}

int64_t mx_scan_bad(const mx_array *a, bool infinite) {
    int64_t item = (int64_t)mx_itemsize(a), at = 0, count = 0;
    int index[MX_MAX_NDIM] = {0}, last = a->ndim - 1;
    if (!formats[a->dtype].width || a->size == 0 || a->beyond || !a->data)
        return 0;
    if (a->row_contiguous)
        return count_elements(a, a->data, a->size, item, infinite);
    int64_t n = last < 0 ? 1 : length(a, last), step = last < 0 ? 1 : a->strides[last];
    do
        count += count_elements(a, a->data + at * item, n, step * item, infinite);
    while (next_row(a, index, &at));
    return count;
}
