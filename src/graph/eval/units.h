/* Running the units of an evaluation, in order or side by side (beside.h). */
#ifndef MX_GRAPH_UNITS_H
#define MX_GRAPH_UNITS_H

#include "graph/eval/evaluation.h"

/* All units of the plan; e ends with the last one. False: one failed, or the host wants to stop;
   then e is still there. */
bool mx_units_run(mx_evaluation *e);

#endif
