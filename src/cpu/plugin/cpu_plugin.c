/* Kernels of operations that programs add: inputs and outputs in row order, outputs that nobody
   wants in memory that goes again. */
#include "graph/array/plugin.h"

#include <string.h>

#include "base/mem.h"
#include "cpu/cpu.h"
#include "cpu/memory/dense.h"
#include "graph/array/params.h"

typedef struct job {
    const mx_plugin_op *op;
    cpu_dense *dense; /* inputs, then outputs that nobody wants */
    const void **in;
    void **to;
    mx_out *shapes;
} job;

/* Of all outputs, also those that are gone: as when the node was made. */
static bool infer(const mx_node *n, job *j) {
    const mx_p_plugin *p = n->params;
    return j->op->infer(j->op, p->numbers.v, n->in, n->nin, j->shapes);
}

static bool open_inputs(const mx_node *n, job *j) {
    for (int i = 0; i < n->nin; i++) {
        if (!cpu_dense_open(&j->dense[i], n->in[i]))
            return false;
        j->in[i] = j->dense[i].data;
    }
    return true;
}

static bool open_output(const mx_node *n, mx_array *out, int i, job *j) {
    if (out) {
        bool ok = mx_array_alloc(out);
        j->to[i] = out->data;
        return ok;
    }
    const mx_out *o = &j->shapes[i];
    cpu_dense *room = &j->dense[n->nin + i];
    int64_t size;
    bool ok = mx_shape_size(o->shape.dim, o->shape.ndim, mx_dtype_size(o->dtype), &size) &&
              cpu_dense_room(room, (size_t)size * mx_dtype_size(o->dtype));
    j->to[i] = room->copy;
    return ok;
}

static bool run(const mx_node *n, mx_array **out, job *j) {
    bool ok = infer(n, j) && open_inputs(n, j);
    for (int i = 0; i < n->nout && ok; i++)
        ok = open_output(n, out[i], i, j);
    return ok && j->op->run(j->op, n, j->in, j->to, j->shapes);
}

bool cpu_plugin(mx_node *n, mx_array **out, const mx_program *feed) {
    size_t nin = n->nin, nout = n->nout;
    job j = {mx_plugin_at(((const mx_p_plugin *)n->params)->op),
             mx_calloc(nin + nout, sizeof *j.dense), mx_calloc(nin + 1, sizeof *j.in),
             mx_calloc(nout, sizeof *j.to), mx_calloc(nout, sizeof *j.shapes)};
    (void)feed;
    bool ok = j.dense && j.in && j.to && j.shapes && run(n, out, &j);
    for (size_t i = 0; j.dense && i < nin + nout; i++)
        cpu_dense_close(&j.dense[i]);
    mx_free(j.dense);
    mx_free(j.in);
    mx_free(j.to);
    mx_free(j.shapes);
    return ok;
}
