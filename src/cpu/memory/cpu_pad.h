/* Padding, for whoever has to have it in memory. */
#ifndef MX_CPU_CPU_PAD_H
#define MX_CPU_CPU_PAD_H

#include "graph/array/params.h"

/* a in the middle of y, which has memory, and a value around it. */
void cpu_pad_into(mx_array *y, const mx_p_pad *p, const mx_array *value, const mx_array *a);

#endif
