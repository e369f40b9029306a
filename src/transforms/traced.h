/* The graph that a traced function left behind: steps from the placeholders to the outputs, inputs
   first. */
#ifndef MX_TRANSFORMS_TRACED_H
#define MX_TRANSFORMS_TRACED_H

#include "graph/eval/plan.h"
#include "transforms/closure.h"

/* Placeholders like each of in, flagged with the running level: what a function is traced with. */
bool mx_traced_inputs(mx_array *const *in, int n, mx_arrays *made);

typedef struct mx_traced {
    mx_plan plan;      /* its steps, each node retained */
    bool *varies;      /* by step: depends on a seed */
    int32_t *out_step; /* the step that makes each output, or -1 */
} mx_traced;

/* Seeds are placeholders; none given: all placeholders. Always followed by free. */
bool mx_traced_open(mx_traced *t, mx_array *const *outputs, size_t n, mx_array *const *seeds,
                    size_t n_seeds);
void mx_traced_free(mx_traced *t);

#endif
