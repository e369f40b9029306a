/* How a view lies over the memory of its input: the same data, another offset and other strides.
 * Operations use it to make views of available arrays at once, backends to run view nodes. */
#ifndef MX_GRAPH_VIEW_H
#define MX_GRAPH_VIEW_H

#include "graph/array/node.h"

/* The place of the result (with `out`'s shape and dtype) of view primitive p over the
   available array `in`: offset in elements of `in`, strides in elements of the result.
   False, with no error, when only a copy can say it (a reshape of some strided arrays,
   a view as a dtype that does not fit). strides has room for out_ndim entries. */
bool mx_view_geometry(mx_prim p, const void *params, const mx_array *in, const int *shape, int ndim,
                      int64_t *offset, int64_t *strides);

/* A fill's output as a broadcast view of its value. */
bool mx_spread(const mx_node *n, mx_array *const *out);
/* Strides that show `in` as an array of this shape without moving data, if there are any. */
bool mx_reshape_strides(const mx_array *in, const int *shape, int ndim, int64_t *strides);
/* Strides that show `in` as an array of a shape it broadcasts to: 0 along new or
   stretched axes. */
void mx_broadcast_strides(const mx_array *in, const int *shape, int ndim, int64_t *strides);

#endif
