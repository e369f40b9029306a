/* Making a traced graph smaller before it is kept. */
#ifndef MX_TRANSFORMS_SIMPLIFY_H
#define MX_TRANSFORMS_SIMPLIFY_H

#include "transforms/closure.h"

/* Replace the outputs of a trace by equal ones of a smaller graph:
 *     what does not depend on placeholders is computed now (constants)
 *     equal nodes become one
 *     chains of casts, reshapes, broadcasts and transposes become one, or none
 * False: an error is recorded and the outputs are as they were. */
bool mx_simplify(mx_arrays *outputs);
/* Only the first: what a trace takes from outside has to be data. */
bool mx_fold_constants(mx_arrays *outputs);
/* Of the constants only what waits in a file is computed. */
bool mx_read_loaded(const mx_arrays *outputs);

#endif
