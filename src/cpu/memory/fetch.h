/* Reading a strided operand piece by piece. */
#ifndef MX_CPU_FETCH_H
#define MX_CPU_FETCH_H

#include "cpu/memory/layout.h"
#include "kernels/copy/k_copy.h"
#include "kernels/kernels.h"

/* Elements start .. start+n-1, in row-major order, of operand 0 of the layout. */
static inline void cpu_fetch(void *out, const void *data, size_t itemsize, const cpu_layout *l,
                             int64_t start, size_t n) {
    mx_kernels_get()->copy->fetch[itemsize](out, data, l->ndim, l->shape, l->stride[0], start,
                                            (int64_t)n);
}

#endif
