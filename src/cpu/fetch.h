/* Reading a strided operand piece by piece. */
#ifndef MX_CPU_FETCH_H
#define MX_CPU_FETCH_H

#include "cpu/layout.h"

/* Elements start .. start+n-1 (row-major order of operand 0 of the layout) of `data`, to `out`. */
void cpu_fetch(void *out, const void *data, size_t itemsize, const cpu_layout *l, int64_t start, size_t n);

#endif
