/* The plan of one evaluation: steps in topological order, grouped into units.
 *
 *     step     a node that must be computed; src says which steps make its inputs (-1: available)
 *     unit     one call of the backend: a single node, or a group of pointwise steps (a program);
 *              `feed` is a program unit that the node reads instead of an array
 *     fill     a Full step: a value in every place. It costs memory only where somebody looks at
 *              its array: programs read the value itself, other nodes of the plan a broadcast view
 *              of it
 *
 *     order.c  fills the steps: iterative depth-first walk from the roots
 *     fuse.c   stages, groups, feeds, and the order of the units
 *     schedule.c  another order, where it needs less memory: greedy.c makes one, simulate.c weighs
 *     fill.c   which fills are run, and how
 *     build.c  makes the program of a unit just before it runs
 *
 * Everything lies in growing arrays that are kept between evaluations (evaluation.h).
 */
#ifndef MX_GRAPH_PLAN_H
#define MX_GRAPH_PLAN_H

#include "graph/eval/backend.h"

typedef struct mx_step {
    mx_node *node;
    int32_t src;    /* first entry of this step's inputs in plan.src */
    int32_t stage;  /* rises along every edge that does not stay inside a program */
    int32_t limit;  /* the latest stage that its consumers allow */
    int32_t parent; /* union-find over steps of one group */
    int32_t unit;
    int32_t next;   /* next step of the same unit, -1 at the end */
    uint32_t uses;  /* references held by steps of the same unit */
    uint16_t value; /* its value in the program being built */
    bool pointwise;
    bool joins;   /* a consumer at stage `limit` would take it into its program */
    bool root;    /* one of its outputs was asked for */
    bool through; /* a fill that is not run: programs read its value */
    bool spread;  /* a fill that is run as a view of its value */
    bool whole;   /* a fill that must not be: a consumer passes its memory on, or sums by strides */
} mx_step;

typedef struct mx_unit {
    int32_t first, last, count; /* steps */
    int32_t feed;               /* the unit whose program feeds this node, or -1 */
    /* not run by itself: its program feeds another unit, or it is a fill that is read through */
    bool idle;
    int32_t beside; /* the next place in the order of a unit that may run beside it, or -1 */
    double work;    /* as of mx_node_work, feed included */
    bool visited;
    bool ran;
} mx_unit;

typedef struct mx_plan {
    mx_step *step;
    int32_t n_step;
    int32_t *src;
    int32_t n_src;
    mx_unit *unit;
    int32_t n_unit;
    int32_t *order; /* units as they run */
    int32_t n_order;
    bool open;  /* placeholders are leaves, not errors: the plan of a trace */
    bool small; /* of an evaluation that must be quick: it has no more nodes than `left` pays for */
    double left; /* small: work that may still be added, as of mx_node_work */
    bool fills;  /* there is a fill among the steps */
    size_t room_step, room_src, room_unit, room_order;
    void *stack; /* of the walks */
    size_t room_stack;
} mx_plan;

/* Make room for n elements of a growing array of the plan; false: out of memory. */
bool mx_plan_room(void *array, size_t *room, size_t n, size_t size);

/* Collect the pending nodes that the roots need. False: a placeholder was reached, no memory, or,
   without an error, more work than a small plan may have: left is negative then. */
bool mx_plan_order(mx_plan *p, mx_array *const *roots, int n);
bool mx_plan_fuse(mx_plan *p);
/* Sets through and spread; once there are units. */
void mx_plan_fills(mx_plan *p);
/* What step s reads as input k, and the step that makes it (-1: it is available): behind fills. */
mx_array *mx_plan_input(const mx_plan *p, const mx_step *s, int k, int32_t *made_by);
/* Of several orders of the units, the one that needs least memory; after mx_plan_fuse's own
   order. */
bool mx_plan_schedule(mx_plan *p);
void mx_plan_free(mx_plan *p);

/* Sets work and beside (beside.h); last of all. */
void mx_plan_beside(mx_plan *p);
/* The program of a unit of pointwise steps. It lies in `b` until the next call. */
typedef struct mx_builder {
    mx_program program;
    mx_array **arrays;
    mx_instr *instrs;
    uint16_t *values;
    uint32_t *counts; /* references to each input from the unit's steps */
    bool *donate;     /* one for each input */
    int32_t room;     /* for a unit of so many steps */
} mx_builder;
bool mx_plan_build(mx_plan *p, int32_t unit, mx_builder *b);
void mx_builder_free(mx_builder *b);

/* The output array of a pointwise step. */
static inline mx_array *mx_step_out(const mx_step *s) {
    return s->node->out[0];
}
/* Does anyone outside its unit want this pointwise step's value? */
static inline bool mx_step_escapes(const mx_step *s) {
    return atomic_load_explicit(&mx_step_out(s)->refs, memory_order_acquire) > s->uses;
}

#endif
