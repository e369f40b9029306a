/* Arrays in shared memory of a name.
 *
 *     0      "MLXSHM1\0"
 *     8      dtype (4), dimensions (4), sizes (4 each, 64 of them)
 *     4096   the elements, in row order
 */
#ifndef MX_GRAPH_SHARED_H
#define MX_GRAPH_SHARED_H

#include "graph/array/array.h"

/* A copy of a, which is evaluated, under a name; then the array of that name. */
mx_array *mx_shared_array_new(const char *name, mx_array *a);
mx_array *mx_shared_array_open(const char *name);

#endif
