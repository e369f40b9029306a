/* Pictures of graphs: what is still to be computed, and from what.
 *
 *     digraph {                          Graphviz' language
 *     { rank=source; "A"; }              an array that is there
 *     { op1 [label ="Exp", shape=rectangle]; }
 *     "A" -> op1
 *     { rank=sink; "B"; }                an output
 *     op1 -> "B"
 *     }
 *
 *     Inputs: A (2) float32              the same as lines
 *     Outputs: B (2) float32
 *
 *     Exp A -> B
 *
 * The walk is iterative and holds the lock of evaluation.
 */
#ifndef MX_GRAPH_DOT_H
#define MX_GRAPH_DOT_H

#include "base/map.h"
#include "base/text.h"
#include "graph/array/array.h"

/* Names of arrays: those that were set, else A B ... Z AA AB ... in the order of asking. It
   keeps the arrays that it has named. */
typedef struct mx_namer {
    mx_map names;  /* by address */
    uint64_t next; /* number of the next made-up name */
} mx_namer;
bool mx_namer_set(mx_namer *n, mx_array *a, const char *name);
const char *mx_namer_get(mx_namer *n, mx_array *a); /* NULL: out of memory */
void mx_namer_free(mx_namer *n);

bool mx_dot(mx_text *t, mx_namer *namer, mx_array *const *outputs, int n);
bool mx_graph_lines(mx_text *t, mx_namer *namer, mx_array *const *outputs, int n);
/* The same for reading, a line an array (text.c):
       A: float32 (2)
       B: float32 (2) = Exp(A)  # train.py:12
       return B */
bool mx_graph_text(mx_text *t, mx_namer *namer, mx_array *const *outputs, int n);

#endif
