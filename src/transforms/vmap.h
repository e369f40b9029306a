/* vmap: a function of single examples applied to a whole batch at once.
 *
 *     trace     the function is called once with placeholders that lack the batch axis
 *     replace   its graph is walked from the inputs; each primitive's rule moves the batch axis
 *               along
 *
 * Axis -1 (or below 0 after adding ndim): not batched. A primitive without a rule runs as a
 * loop. */
#ifndef MX_TRANSFORMS_VMAP_H
#define MX_TRANSFORMS_VMAP_H

#include <stdint.h>

#include "transforms/closure.h"

/* MX_NO_AXIS: this input or output has no batch axis. */
enum { MX_NO_AXIS = INT32_MIN };

bool mx_vmap_trace(mx_closure *f, mx_array *const *in, int n, const int *in_axes, mx_arrays *s_in,
                   mx_arrays *s_out);
bool mx_vmap_replace(mx_array *const *in, mx_array *const *s_in, int n, mx_array *const *s_out,
                     int nout, const int *in_axes, const int *out_axes, mx_arrays *out);
/* A new closure (one reference). */
mx_closure *mx_vmap(mx_closure *f, const int *in_axes, int n_in, const int *out_axes, int n_out);

#endif
