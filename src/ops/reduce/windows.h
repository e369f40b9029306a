/* Reductions of windows of a padded array as one node (op_windows.c). */
#ifndef MX_OPS_REDUCE_WINDOWS_H
#define MX_OPS_REDUCE_WINDOWS_H

#include "graph/array/params.h"

/* The reduction of what the node `view` shows of what the node `pad` makes, which copies nothing;
   NULL where these are no windows. Only for what is run and not differentiated. */
mx_array *mx_reduce_windows(const mx_node *view, const mx_node *pad, const mx_p_reduce *p);
/* The same of a pending array; NULL also where a transform watches it. */
mx_array *mx_reduce_padded(mx_array *a, const mx_p_reduce *p);

#endif
