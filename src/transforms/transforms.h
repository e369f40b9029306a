/* Function transforms: derivatives of closures. Composable in any order and depth. */
#ifndef MX_TRANSFORMS_TRANSFORMS_H
#define MX_TRANSFORMS_TRANSFORMS_H

#include "transforms/closure.h"

/* Results go to lists that are empty at first and that the caller frees, also after a failure.
   The cause of a failing function is the error of the transform. */

/* f at the primals, and for each primal the sum over the outputs of cotangent times derivative
   (conjugated, for complex ones). There is one cotangent for each output, or one for each that
   is no stop_gradient(..), which takes none; a NULL cotangent is zero. */
bool mx_vjp(mx_closure *f, mx_array *const *primals, int n, mx_array *const *cotangents, int ncot,
            mx_arrays *outputs, mx_arrays *grads);

/* f at the primals, and the directional derivative of each output. A NULL tangent is zero. */
bool mx_jvp(mx_closure *f, mx_array *const *primals, int n, mx_array *const *tangents, int ntan,
            mx_arrays *outputs, mx_arrays *out_tangents);

/* f at its inputs, and the gradients of its first output, a scalar, towards inputs argnums[..]. */
bool mx_value_and_grad(mx_closure *f, mx_array *const *in, int nin, const int *argnums, int nargs,
                       mx_arrays *outputs, mx_arrays *grads);

#endif
