/* A node: one primitive applied to arrays.
 *
 *      output array ──▶ node ──▶ inputs        outputs own the node, the node owns its inputs
 *             ◀╌╌╌╌╌╌╌╌╌┘                      and knows its outputs weakly, so siblings make no
 *                                              cycle
 *
 * One allocation: node, inputs, outputs, parameters, the lists inside the parameters.
 */
#ifndef MX_GRAPH_NODE_H
#define MX_GRAPH_NODE_H

#include "graph/array/prim.h"
#include "graph/eval/stream.h"

enum { MX_MAX_ARITY = (1 << 24) - 1 }; /* inputs, and outputs, of one node */

struct mx_node {
    atomic_uint refs;            /* living outputs, and walks that hold on */
    uint32_t nin : 24, prim : 8; /* at most MX_MAX_ARITY; mx_prim */
    uint32_t nout : 24;
    uint16_t claim;  /* the evaluation that computes it (evaluation.h), or one that has ended; 0 */
    uint16_t source; /* where it was made (graph/watch/source.h); 0: not known */
    uint32_t mark;   /* scratch of a walk, under the lock of nodes */
    mx_stream stream;
    void *params; /* inside this allocation; NULL when the primitive has none */
    mx_array **in;
    mx_array **out; /* weak; an entry is NULL once that output is gone */
};

/* Apply a primitive: infers, makes the node and its outputs (owned by the scope). A NULL input
   passes through as NULL. */
mx_array *mx_apply(mx_prim p, const void *params, mx_array *const *in, int nin);
bool mx_apply_multi(mx_prim p, const void *params, mx_array *const *in, int nin, mx_array **out,
                    int nout);
static inline mx_array *mx_apply1(mx_prim p, const void *params, mx_array *a) {
    return mx_apply(p, params, &a, 1);
}
static inline mx_array *mx_apply2(mx_prim p, const void *params, mx_array *a, mx_array *b) {
    mx_array *in[2] = {a, b};
    return mx_apply(p, params, in, 2);
}

static inline const mx_prim_desc *mx_node_desc(const mx_node *n) {
    return mx_prims[n->prim];
}
/* The node's first output: `out(y)` in derivative rules. Alive while a rule runs. */
static inline mx_array *mx_node_out(const mx_node *n, int j) {
    return n->out[j];
}

bool mx_params_equal(const mx_prim_desc *d, const void *a, const void *b);
uint64_t mx_params_hash(const mx_prim_desc *d, const void *p);

mx_node *mx_node_retain(mx_node *n);
void mx_node_release(mx_node *n);
/* Array a no longer needs its node (it has data now). Unlinked the node is given to the caller, who
   releases it. */
void mx_array_detach(mx_array *a);
mx_node *mx_array_unlink(mx_array *a);
/* The outputs that are alive, each retained (NULL where gone); safe against other threads letting
   go. */
void mx_node_hold_outputs(mx_node *n, mx_array **out);

#endif
