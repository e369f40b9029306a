/* What the families of operations share: argument checks, shapes, generic derivative
   and batching rules. */
#ifndef MX_OPS_RULES_H
#define MX_OPS_RULES_H

#include "graph/array/params.h"
#include "graph/trace/trace.h"
#include "ops/ops.h"

/* --- shapes and axes (shapes.c) --------------------------------------------------- */

/* NumPy broadcasting of two shapes into out (may be a or b's copy); false with
   "[op] Shapes (2,5) and (3,5) cannot be broadcast." */
bool mx_broadcast_shapes(const char *op, const int *a, int na, const int *b, int nb, mx_shape *out);
/* Can an axis have n elements? false with "[op] an axis of 4294967296 elements is too long:
   ...". */
bool mx_axis_fits(const char *op, int64_t n);
/* 0 <= result < ndim, or -1 with "[op] Axis 3 is out of bounds for array with 2 dimensions." */
int mx_axis(const char *op, int axis, int ndim);
/* Normalises a list of axes to a flag per axis; duplicates refused. axes NULL: all. */
bool mx_axes_mask(const char *op, const int *axes, int n, int ndim, bool *mask);
/* Same, sorted ascending into out (room MX_MAX_NDIM); returns the count or -1. */
int mx_axes_sorted(const char *op, const int *axes, int n, int ndim, int *out);
/* Copies an array's shape. */
mx_shape mx_shape_of(const mx_array *a);

/* --- generic rules (rules.c) ------------------------------------------------------ */

/* Sum g over the axes along which `like` was broadcast, so that it has like's shape
   (and dtype). */
mx_array *mx_unbroadcast(mx_array *g, mx_array *like);
/* vjp, jvp and vmap of every pointwise primitive, from `partial` and broadcasting alone. */
bool mx_pointwise_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad);
bool mx_pointwise_jvp(const mx_node *y, mx_array *const *tan, mx_array **out);
bool mx_pointwise_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                       mx_array **out, int *out_axes);
/* g e, -g and g s in the rules of derivatives, where g is often one number in every place (the
   cotangent of a sum): then known at once, without a node where e need not change. */
mx_array *mx_scaled(mx_array *g, mx_array *e);
mx_array *mx_negated(mx_array *g);
mx_array *mx_times(mx_array *g, double s);
/* jvp of primitives that are linear in their inexact inputs: the node applied to the
   tangents, zeros where an inexact input has none; the other inputs (indices) stay. */
bool mx_linear_jvp(const mx_node *y, mx_array *const *tan, mx_array **out);
/* vmap where nothing better is known: slice the batch, apply, stack. */
bool mx_loop_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                  int *out_axes);
/* Move batch axis `axis` to the front (-1: add one of size 1 there, or broadcast to n). */
mx_array *mx_batch_front(mx_array *a, int axis);
mx_array *mx_batch_front_full(mx_array *a, int axis, int n);
/* The batch axis first, then `ndim` axes, of which those that a lacks are of size 1; a itself
   where it has no batch axis. */
mx_array *mx_batch_aligned(mx_array *a, int axis, int ndim);

/* infer of pointwise primitive p: broadcast shape, operands of one dtype that p accepts. */
bool mx_pointwise_infer(mx_pointwise p, mx_array *const *in, int nin, mx_out *out);
/* A reshape that is asked for so: see mx_p_reshape. */
mx_array *mx_reshape_as(mx_array *a, const int *shape, int ndim, enum mx_reshape_how how,
                        mx_ints asked);
/* Shared by broadcast and full. */
extern const mx_field mx_shape_fields[];
bool mx_broadcast_infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout);
bool mx_broadcast_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad);
bool mx_broadcast_jvp(const mx_node *y, mx_array *const *tan, mx_array **out);
bool mx_broadcast_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n,
                       mx_array **out, int *out_axes);
/* In the shape of another array, which may have another shape when the graph is used again. */
mx_array *mx_reshape_like(mx_array *a, mx_array *like);
/* a has the shape of `like`, and is summed to it where it will not (mx_unbroadcast). */
mx_array *mx_reshape_summed(mx_array *a, mx_array *like);
mx_array *mx_broadcast_like(mx_array *a, mx_array *like);
/* The same in memory of its own where somebody looks at it: what is no broadcast to the user.
   fill_like leaves what has the shape as it is. */
mx_array *mx_fill(mx_array *value, const int *shape, int ndim);
mx_array *mx_fill_like(mx_array *value, mx_array *like);
/* A view of `a`: made at once where a is available and no transform watches it, else a node. */
mx_array *mx_apply_view(mx_prim p, const void *params, mx_array *a);

/* The words of a slice (mx_p_slice.asked) of ndim axes with all of a batch axis in front; room for
   three more. */
mx_ints mx_slice_words_batched(mx_ints asked, int ndim, int *room);

/* NumPy's slice of an axis of length n: start becomes the first element, size their number. */
bool mx_slice_axis_range(const char *op, int n, int step, int *start, int stop, int *size);

/* The dtype in which sums and differences of elements are taken where the result is a float: halves
   in float32, integers in float64, which holds them and their sums; a in that dtype. */
mx_dtype mx_dtype_inside(mx_dtype t);
mx_array *mx_inside(mx_array *a);

/* Binary promotion: both to the promoted dtype (weak scalars are the binding's business). */
bool mx_promote2(mx_array **a, mx_array **b);

#endif
