/* Looking for NaN and infinity in arrays. */
#ifndef MX_GRAPH_SCAN_H
#define MX_GRAPH_SCAN_H

#include "graph/array/array.h"

/* How many values (parts of complex numbers count one each) of an available array are infinite, or
   NaN; 0 of integers. An axis that repeats its elements counts once. */
int64_t mx_scan_bad(const mx_array *a, bool infinite);

#endif
