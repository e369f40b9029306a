/* The simulated memory of a plan's units, by which orders of them are compared.
 *
 * A value is named by the step that makes it. The simulation knows its size, who looks at it, who
 * else holds it, views (no memory of their own, but they keep what they look at) and programs that
 * write over an input which dies.
 */
#ifndef MX_GRAPH_SIMULATE_H
#define MX_GRAPH_SIMULATE_H

#include "graph/eval/plan.h"

typedef struct mx_simulation {
    mx_plan *p;
    int32_t *first; /* by unit: its first input; unit + 1: the end */
    int32_t *from;  /* by input: the unit that makes it */
    int32_t *value; /* by input: whose memory it lies in; -1: outside the plan, or said before */
    int32_t *base;  /* by step: whose memory its first output lies in */
    int64_t *bytes; /* by step: memory of its own */
    int32_t *uses;  /* by step: units that look at it, and one if someone outside holds it */
    int32_t *left;  /* by step: uses to come, while simulating */
    int32_t *at;    /* by unit: inputs before this one are there */
    bool *done;     /* by unit */
} mx_simulation;

/* Of the plan's units as they stand; false: no memory. Freed by mx_simulation_free in any case. */
bool mx_simulation_init(mx_simulation *s, mx_plan *p);
void mx_simulation_free(mx_simulation *s);
/* Memory that a step asks for: none for views, insides of programs and what is not run. */
int64_t mx_simulate_bytes(const mx_step *t);

/* Nothing has run. */
void mx_simulate_start(mx_simulation *s);
/* A unit that u depends on and that has not run, or -1. */
int32_t mx_simulate_missing(const mx_simulation *s, int32_t u, bool last_first);
/* Unit u runs: memory that it asks for, and what it gives back afterwards. */
void mx_simulate_run(mx_simulation *s, int32_t u, int64_t *asked, int64_t *freed);
/* What is in use after u ran less what was before, if it ran now. */
int64_t mx_simulate_cost(mx_simulation *s, int32_t u);

/* An order by greedy.c: of the units that could run always the one of the least cost, the first of
   equals. False: no memory. O((units + inputs) log units). */
bool mx_plan_greedy(mx_simulation *s, int32_t *order);

#endif
