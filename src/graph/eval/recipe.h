/* A recipe: a traced graph kept to be run again with other inputs.
 *
 *     inputs (placeholders) ─▶ graph of nodes ─▶ outputs
 *
 *     replay    makes the nodes anew from given arrays: under a transform, or with other shapes
 *     node      one Compiled node over given arrays; run executes the plan that was made once:
 *               programs already built, the uses of every value counted, no nodes made
 *
 * slot   a number for each array of the graph. Inputs come first, then constants and results.
 * step   a node of the graph, inputs first (for replay)
 * unit   a program or a node (for run), as in plan.h
 */
#ifndef MX_GRAPH_RECIPE_H
#define MX_GRAPH_RECIPE_H

#include "graph/eval/plan.h"

typedef struct mx_recipe_step {
    mx_node *node; /* the traced one, retained */
    int32_t *in;   /* slots */
    int32_t *out;
} mx_recipe_step;

typedef struct mx_recipe_unit {
    mx_node *node;      /* NULL: a program */
    mx_program program; /* of the unit, or of its feed; without arrays, which are a run's */
    bool has_feed;
    bool spread; /* a fill that is made as a view of its value */
    int32_t n_in, n_out;
    int32_t *in, *out; /* slots; of a node: its inputs, then its feed's inputs in feed_in */
    int32_t *feed_in;
    int32_t beside; /* as of mx_unit */
    double work;
} mx_recipe_unit;

#define MX_LIVES_ON INT32_MAX /* what a run neither makes for itself nor lets go of */

typedef struct mx_recipe {
    mx_object object;
    int n_in, n_out;
    uint8_t level;      /* of the transform that traced it */
    int32_t *out_slot;  /* of each output; may be an input's or a constant's */
    int32_t *out_made;  /* of each output: which of made_slot it is, -1: an input or a constant */
    int32_t *made_slot; /* the distinct outputs that are computed: the node's outputs */
    int n_made;
    int32_t n_slot;
    /* the traced array of each slot, retained: dtype and shape, or a constant's value */
    mx_array **proto;
    int32_t *uses; /* by slot: how often units read it, or MX_LIVES_ON */
    mx_recipe_step *step;
    int32_t n_step;
    mx_recipe_unit *unit;
    int32_t n_unit;
    int32_t most_arrays; /* of a unit's program */
    bool crews;          /* some may run side by side */
    double work;         /* of all steps, as of mx_node_work */
    /* NULL, or the same before it was simplified: it is replayed instead, as the order of the sums
       in a derivative follows the graph; released with this one */
    struct mx_recipe *plain;
    bool shapeless;     /* recorded as a template for other shapes */
    const char *pinned; /* NULL, or the operation for which it holds for the traced shapes alone */
} mx_recipe;

/* What the graph took in: constants, and arrays of a transform around it, which may be pending. */
static inline bool mx_recipe_captured(const mx_recipe *r, int32_t slot) {
    const mx_array *a = r->proto[slot];
    return slot >= r->n_in &&
           (atomic_load(&a->state) != MX_PENDING || (a->tracer && a->tracer < r->level));
}

/* inputs are placeholders; outputs depend on them and on available arrays. NULL: an error is
   recorded. */
mx_recipe *mx_recipe_new(mx_array *const *inputs, int n_in, mx_array *const *outputs, int n_out);
/* One without units, which can only be replayed. */
mx_recipe *mx_recipe_steps(mx_array *const *inputs, int n_in, mx_array *const *outputs, int n_out);
static inline mx_recipe *mx_recipe_retain(mx_recipe *r) {
    return (mx_recipe *)mx_object_retain(&r->object);
}
static inline void mx_recipe_release(mx_recipe *r) {
    if (r)
        mx_object_release(&r->object);
}

/* The outputs (owned by the scope) from inputs. False: an error is recorded. */
bool mx_recipe_replay(const mx_recipe *r, mx_array *const *in, mx_array **out);
bool mx_recipe_call(mx_recipe *r, mx_array *const *in, mx_array **out);

/* Run a Compiled node on a backend: for its family function. */
bool mx_recipe_run(const mx_recipe *r, mx_array *const *in, mx_array **out, const mx_backend *b);

/* The parameters of a Compiled node. */
typedef struct mx_p_compiled {
    mx_object *recipe;
} mx_p_compiled;

#endif
