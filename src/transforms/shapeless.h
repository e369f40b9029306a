/* Traces that are used with other shapes than they were made for.
 *
 *     f ──traced once (graph/trace/trace.h)──▶ template ──▶ for each set of shapes: its graph
 *
 * What operations meant is made again for the new shapes; what holds numbers of the traced ones (a
 * slice's ends, a window's strides) is refused where they differ. */
#ifndef MX_TRANSFORMS_SHAPELESS_H
#define MX_TRANSFORMS_SHAPELESS_H

#include "graph/eval/recipe.h"
#include "transforms/closure.h"

/* The outputs of a template, made with stand-ins or arrays of any shapes but the same numbers of
   dimensions and dtypes. False: an error is recorded. */
bool mx_shapeless_make(const mx_recipe *r, mx_array *const *in, mx_arrays *out);
/* A new closure (one reference) that does this. r is retained. */
mx_closure *mx_shapeless_closure(mx_recipe *r);

#endif
