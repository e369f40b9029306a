/* What people call an operation: "Sum" for the Reduce that adds, what a program calls its own, the
   primitive's name for most. */
#ifndef MX_GRAPH_SHOW_NAME_H
#define MX_GRAPH_SHOW_NAME_H

#include "graph/array/node.h"

/* Which of a primitive's meanings its parameters ask for; 0 for those of one meaning. */
int mx_operation_variant(const mx_node *n);
const char *mx_operation_name(mx_prim p, int variant);

#endif
