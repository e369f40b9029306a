/* Operations that programs add: one primitive (MX_PRIM_plugin) whose meaning is looked up.
 *
 * The table grows and never shrinks, so an index stands for an operation as long as the process
 * lives. What is behind the functions is the C API's business; they fail with mx_fail.
 */
#ifndef MX_GRAPH_PLUGIN_H
#define MX_GRAPH_PLUGIN_H

#include "graph/array/node.h"

enum { MX_PLUGIN_MOST = 1024 };

typedef struct mx_plugin_op mx_plugin_op;
struct mx_plugin_op {
    const char *name;
    int results;
    bool (*infer)(const mx_plugin_op *self, const int64_t *numbers, mx_array *const *in, int nin,
                  mx_out *out);
    /* Elements in row order: in[i] of y's inputs, out[j] of its outputs. */
    bool (*run)(const mx_plugin_op *self, const mx_node *y, const void *const *in, void *const *out,
                const mx_out *shapes);
    /* Rules as in prim.h; vmap NULL: one after the other. */
    bool (*vjp)(const mx_plugin_op *self, const mx_node *y, mx_array *const *cot, const bool *need,
                mx_array **grad);
    bool (*jvp)(const mx_plugin_op *self, const mx_node *y, mx_array *const *tan, mx_array **out);
    bool (*vmap)(const mx_plugin_op *self, const mx_node *y, mx_array *const *in, const int *axes,
                 mx_array **out, int *out_axes);
};

/* Puts its index into *index before anybody finds it. False and an error: the name is taken, or the
   table is full. It must live for ever. */
bool mx_plugin_add(const mx_plugin_op *op, int *index);
/* NULL: there is none. */
const mx_plugin_op *mx_plugin_at(int i);

#endif
