/* Operations that programs add (graph/array/plugin.h), applied. */
#ifndef MX_OPS_PLUGIN_H
#define MX_OPS_PLUGIN_H

#include "graph/array/plugin.h"

/* The operation of this index on n arrays, with its other arguments as bits of an integer or a
   double each; one array for each result. */
bool mx_plugin_apply(int op, const int64_t *numbers, int count, mx_array *const *in, int n,
                     mx_array **out);

#endif
