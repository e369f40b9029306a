/* Pending arrays that can be computed twice for little: what a file holds, seen through a few
 * views, casts and pointwise operations. A writer computes a copy of such an array's graph and lets
 * it go; the array itself stays pending, so that a model which is larger than memory goes from one
 * file to another with one tensor in memory. */
#ifndef MX_GRAPH_AGAIN_H
#define MX_GRAPH_AGAIN_H

#include "graph/array/array.h"

/* The same value in a graph of its own, down to what is available. NULL, without an error: it is
   not such an array. (NULL with an error: no memory.) */
mx_array *mx_again(mx_array *a);

#endif
