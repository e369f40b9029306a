/* A backend: how nodes are computed on one kind of device. The CPU's is in src/cpu/cpu.c.
 *
 * Evaluations, of several threads at once, call run and run_program in an order in which every
 * input is available. Each gives the outputs memory (mx_array_alloc, _take, _view) and computes
 * them, or fails with mx_fail and leaves them pending.
 */
#ifndef MX_GRAPH_BACKEND_H
#define MX_GRAPH_BACKEND_H

#include "graph/eval/program.h"

typedef struct mx_backend {
    const char *name;
    /* Compute a node that is not pointwise. out[j] is NULL where nobody wants output j.
       feed: when not NULL, node input 0 is pending and its value is this program's only output
       (only for primitives with MX_TRAIT_FEED, and only when can_feed said yes). */
    bool (*run)(mx_node *n, mx_array **out, const mx_program *feed);
    /* Compute a program's outputs. donate[i]: input i is used by nobody else and may be
       overwritten. */
    bool (*run_program)(const mx_program *p, const bool *donate);
    /* Would run(n, feed) beat computing input 0 first? */
    bool (*can_feed)(const mx_node *n);
} mx_backend;

/* The backend of a device; NULL and an error where there is none. */
const mx_backend *mx_backend_of(mx_device d);
/* Each backend folder defines one of these; the table in backend.c lists them. */
extern const mx_backend mx_cpu_backend;

#endif
