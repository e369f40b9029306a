/* Functions with derivative and batching rules of their own, and checkpoints.
 *
 *     inputs ──▶ f's own graph ──▶ results ─┐
 *        └──────────────────────────────────┴─▶ Custom node ──▶ outputs (the results' values)
 *
 * The node passes the results on; its rules look at the inputs instead of the graph between.
 * Outside of any transform there is nothing to rule, and no node is made.
 */
#ifndef MX_TRANSFORMS_CUSTOM_H
#define MX_TRANSFORMS_CUSTOM_H

#include "transforms/closure.h"

/* Each rule is a function and the object it works for (retained). A missing one is derived from f's
   graph. */
typedef struct mx_custom {
    mx_object object;
    /* one gradient for each primal (where need is false any array will do); cotangents has one
       entry for each output */
    bool (*vjp)(mx_object *self, mx_array *const *primals, const bool *need, int n,
                mx_array *const *cotangents, mx_array *const *outputs, int nout, mx_arrays *grads);
    /* one tangent for each output; tangents[i] belongs to primal argnums[i] */
    bool (*jvp)(mx_object *self, mx_array *const *primals, int n, mx_array *const *tangents,
                const int *argnums, int nargs, mx_arrays *tangents_out);
    /* batched outputs and where their batch axes are; axes[i] is -1 where input i has none */
    bool (*vmap)(mx_object *self, mx_array *const *in, const int *axes, int n, mx_arrays *out,
                 int *out_axes, int nout);
    mx_object *vjp_self, *jvp_self, *vmap_self;
} mx_custom;

mx_custom *mx_custom_new(void); /* no rules; one reference */

/* A new closure (one reference) of f with these rules (retained). */
mx_closure *mx_custom_function(mx_closure *f, mx_custom *rules);
/* f, whose inner values are computed again for its gradient instead of being kept
   (Griewank and Walther 2000; Chen et al. 2016). */
mx_closure *mx_checkpoint(mx_closure *f);

#endif
