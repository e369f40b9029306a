/* Reading a strided operand piece by piece: see fetch.h. */
#include "cpu/fetch.h"

#include <string.h>

/* The index and offset of element `start`. */
static int64_t seek(const cpu_layout *l, int64_t start, int64_t *index) {
    int64_t offset = 0;
    for (int i = l->ndim - 1; i >= 0; i--) {
        index[i] = start % l->shape[i];
        start /= l->shape[i];
        offset += index[i] * l->stride[0][i];
    }
    return offset;
}

/* `run` elements further along the last axis, which carries into the others at its end. */
static int64_t advance(const cpu_layout *l, int64_t offset, int64_t *index, int64_t run) {
    int i = l->ndim - 1;
    index[i] += run;
    offset += run * l->stride[0][i];
    while (i > 0 && index[i] == l->shape[i]) {
        offset += l->stride[0][i - 1] - l->shape[i] * l->stride[0][i];
        index[i--] = 0;
        index[i]++;
    }
    return offset;
}

#define FETCH_T uint8_t
#define FETCH_N fetch_1
#include "cpu/fetch_impl.h"
#define FETCH_T uint16_t
#define FETCH_N fetch_2
#include "cpu/fetch_impl.h"
#define FETCH_T uint32_t
#define FETCH_N fetch_4
#include "cpu/fetch_impl.h"
#define FETCH_T uint64_t
#define FETCH_N fetch_8
#include "cpu/fetch_impl.h"

void cpu_fetch(void *out, const void *data, size_t itemsize, const cpu_layout *l, int64_t start, size_t n) {
    if (l->ndim == 0)
        memcpy(out, data, itemsize); /* one element */
    else if (itemsize == 1)
        fetch_1(out, data, l, start, n);
    else if (itemsize == 2)
        fetch_2(out, data, l, start, n);
    else if (itemsize == 4)
        fetch_4(out, data, l, start, n);
    else
        fetch_8(out, data, l, start, n);
}
