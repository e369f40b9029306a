/* What all pictures of graphs share: the walk, inputs first, which calls a function for each leaf
 * and each node once. It is iterative and holds the lock of evaluation. */
#ifndef MX_GRAPH_SHOW_WALK_H
#define MX_GRAPH_SHOW_WALK_H

#include "graph/array/node.h"
#include "graph/show/dot.h"

typedef struct mx_picture {
    mx_namer *namer;
    mx_text *t;
    mx_text inputs; /* of lines: the names of leaves */
    uint64_t nodes; /* drawn so far */
    bool (*leaf)(struct mx_picture *p, mx_array *a);
    /* out: those that are alive, others are NULL */
    bool (*node)(struct mx_picture *p, mx_node *n, mx_array *const *out);
    mx_map seen;  /* addresses of nodes and leaves */
    mx_map sinks; /* addresses of the outputs */
} mx_picture;

/* False: no memory, or a function has failed. */
bool mx_picture_walk(mx_picture *p, mx_array *const *outputs, int n);
bool mx_picture_is_sink(const mx_picture *p, const mx_array *a); /* while it walks */

#endif
