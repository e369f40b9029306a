/* compile: a function traced once per set of shapes and dtypes, then run as a plan.
 *
 *     compiled closure ──▶ cache ──▶ entry (dtypes, shapes) ──▶ recipe (graph/eval/recipe.h)
 *
 * shapeless: traced once per dtypes and numbers of dimensions; the template (shapeless.h) gives a
 * graph for each set of shapes, and each of these is compiled. The plans used last are kept.
 *
 * Under another transform the recipe's nodes are replayed, so that compile composes with
 * everything. */
#ifndef MX_TRANSFORMS_COMPILE_H
#define MX_TRANSFORMS_COMPILE_H

#include "transforms/closure.h"

typedef enum mx_compile_mode {
    MX_COMPILE_DISABLED, /* call the function itself */
    MX_COMPILE_NO_SIMPLIFY,
    MX_COMPILE_NO_FUSE, /* simplify; programs are fused at every evaluation anyway */
    MX_COMPILE_ENABLED
} mx_compile_mode;

/* A new closure (one reference) that calls f through a cache. shapeless: one trace for all shapes
   of the same number of dimensions. */
mx_closure *mx_compile(mx_closure *f, bool shapeless);
/* The same, which keeps at most so many of its traces: those used last. */
mx_closure *mx_compile_few(mx_closure *f, int most);
/* The same with a cache that is found by `id` and lives until it is erased, and constants that are
   part of the key: for bindings that make closures anew. */
mx_closure *mx_compile_id(mx_closure *f, uintptr_t id, bool shapeless, const uint64_t *constants,
                          size_t n);
void mx_compile_erase(uintptr_t id);
void mx_compile_clear_cache(void);

void mx_compile_set_mode(mx_compile_mode m);
mx_compile_mode mx_compile_get_mode(void);

#endif
