/* Inside custom functions: the node, and its batching where the function gives no rule. */
#ifndef MX_TRANSFORMS_CUSTOM_MAP_H
#define MX_TRANSFORMS_CUSTOM_MAP_H

#include "transforms/custom.h"

typedef struct mx_p_custom {
    mx_object *rules; /* mx_custom */
} mx_p_custom;

/* A Custom node over n inputs and nout results. */
bool mx_custom_apply(mx_custom *rules, mx_array *const *in, int n, mx_array *const *results,
                     int nout, mx_array **out);
/* The node over batched inputs and results (in[n_in ..]), with rules that map the given ones over
   the batch. */
bool mx_custom_map(mx_custom *rules, mx_array *const *in, const int *axes, int n_in, int nout,
                   int batch, mx_array **out, int *out_axes);

#endif
