/* The graph that a transform walks: the nodes between its inputs and outputs, inputs first.
 *
 *     seed        an input's stand-in: the same value behind an identity node, flagged with the
 *                 level
 *     step        a node, whose inputs' slots are src[step.src ..]
 *     slot        a number for an array of the graph: its place in the list of (co)tangents.
 *                 Seed i has slot i; slot -1 does not depend on the seeds.
 */
#ifndef MX_TRANSFORMS_TAPE_H
#define MX_TRANSFORMS_TAPE_H

#include "graph/array/node.h"
#include "graph/trace/scope.h"
#include "transforms/transforms.h"

typedef struct mx_tape_step {
    mx_node *node; /* retained */
    int32_t src;   /* first of node->nin entries in tape.src */
    int32_t slot;  /* of output 0; the others follow */
    bool live;     /* its outputs vary with the seeds */
} mx_tape_step;

typedef struct mx_tape {
    mx_tape_step *step;
    size_t n_step, room_step;
    int32_t *src;
    size_t n_src, room_src;
    int32_t *out_slot; /* of each root */
    int32_t n_slot;
    int max_in, max_out; /* most inputs and outputs of a node */
} mx_tape;

/* What one transform holds while it runs. */
typedef struct mx_tracing {
    uint8_t level;
    mx_scope scope;
    mx_arrays seeds;
    const uint8_t *seed_level; /* the levels of the arrays the seeds stand for */
    /* have their data and no flag, retained: they let go of their nodes at the end */
    mx_array **done;
    size_t n_done, room_done;
} mx_tracing;

/* Enter a level and make the seeds. Always followed by mx_trace_end, also after a failure. */
bool mx_trace_begin(mx_tracing *t, mx_array *const *inputs, int n, uint8_t *levels);
/* After recording: no outer transform will walk what the rules make, so at the outermost level the
   flags fall before, and views of data are made at once. The tape keeps the graph. */
bool mx_trace_relax(mx_tracing *t, const mx_arrays *outputs);
/* Leave: what the results depend on goes back to the level that it has without the seeds. */
bool mx_trace_end(mx_tracing *t, const mx_arrays *results0, const mx_arrays *results1, bool ok);

bool mx_tape_record(mx_tape *tape, const mx_tracing *t, mx_array *const *roots, size_t n);
void mx_tape_free(mx_tape *tape);

/* The rules of one step, with the ways around a missing one: differentiate its expansion; transpose
   the rule of the other mode. (rule.c) */
bool mx_step_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad);
bool mx_step_jvp(const mx_node *y, mx_array *const *tan, mx_array **out);

#endif
