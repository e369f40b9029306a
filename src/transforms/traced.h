/* The graph that a traced function left behind: steps from the placeholders to the outputs, inputs
   first. */
#ifndef MX_TRANSFORMS_TRACED_H
#define MX_TRANSFORMS_TRACED_H

#include "graph/eval/plan.h"

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
