/* What a backend is asked to compute: a node, perhaps fed by a program, or a program. */
#ifndef MX_GRAPH_TASK_H
#define MX_GRAPH_TASK_H

#include "graph/eval/backend.h"

typedef struct mx_task {
    const mx_backend *backend;
    mx_node *node;             /* NULL: a program alone */
    mx_array **out;            /* of the node; NULL where nobody wants one */
    const mx_program *program; /* alone; or what the node reads instead of its input 0; or NULL */
    const bool *donate;        /* of a program alone */
} mx_task;

static inline bool mx_task_run(const mx_task *t) {
    return t->node ? t->backend->run(t->node, t->out, t->program)
                   : t->backend->run_program(t->program, t->donate);
}

/* What it reads and makes: inputs are those of the program, then the node's own. */
static inline int mx_task_fed(const mx_task *t) { /* inputs of the program */
    return t->program ? t->program->n_in : 0;
}
static inline int mx_task_inputs(const mx_task *t) {
    return mx_task_fed(t) + (t->node ? t->node->nin - (t->program != NULL) : 0);
}
static inline mx_array *mx_task_input(const mx_task *t, int i) {
    int fed = mx_task_fed(t);
    return i < fed ? t->program->in[i] : t->node->in[i - fed + (t->program != NULL)];
}
static inline int mx_task_outputs(const mx_task *t) {
    return t->node ? t->node->nout : t->program->n_out;
}
static inline mx_array *mx_task_output(const mx_task *t, int j) {
    return t->node ? t->out[j] : t->program->out[j];
}

#endif
