/* Units that do not need each other run side by side where each is too small for all threads: the
 * pool gets one job for a crew of them, in which each unit is a piece.
 *
 *     eval.c          units of equal stage whose inputs are there (units.c)
 *     recipe_run.c    likewise, of a compiled function
 *
 * A kernel gives the same bits on any number of threads, and here it has one. What fails in a crew
 * leaves its outputs pending, and is run again alone by the caller, which so gets its error.
 */
#ifndef MX_GRAPH_BESIDE_H
#define MX_GRAPH_BESIDE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MX_CREW = 32,   /* units at once */
    MX_WINDOW = 64, /* and how far ahead in the order they are looked for */
};

/* Are there threads, and does nobody want to see one unit after the other? */
bool mx_beside_possible(int32_t units);
/* Is a crew with so much together worth waking threads? */
bool mx_beside_pays(int n, double work);

/* run(ctx, i) for all i < n, each on one thread. Errors are forgotten. */
typedef void mx_beside_fn(void *ctx, int i);
void mx_beside(int n, mx_beside_fn *run, void *ctx);

#endif
