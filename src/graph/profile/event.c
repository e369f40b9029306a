/* Records of tasks: see event.h. */
#include "graph/profile/event.h"

#include <string.h>

#include "graph/show/name.h"
#include "graph/watch/cost.h"

/* --- writing ---------------------------------------------------------------------------------- */

static mx_prim operation_of(const mx_instr *i) {
    return i->op == MX_OPC_CAST ? MX_PRIM_astype : (mx_prim)i->op;
}

static uint16_t *operations(mx_event *e) {
    return (uint16_t *)(e + 1);
}

static void put_operations(mx_event *e, const mx_task *t) {
    int n = t->program ? t->program->n_instr : 0;
    for (int k = 0; k < n; k++)
        operations(e)[k] = (uint16_t)operation_of(&t->program->instr[k]);
    if (t->node)
        operations(e)[n++] = t->node->prim, e->variant = (uint16_t)mx_operation_variant(t->node);
    e->n_op = (uint16_t)n;
    e->source = t->node ? t->node->source : n ? t->program->instr[n - 1].source : 0;
}

static int32_t *put_array(int32_t *to, const mx_array *a) {
    *to++ = a->dtype | a->ndim << 8;
    memcpy(to, a->shape, (size_t)a->ndim * sizeof *to);
    return to + a->ndim;
}

static int32_t *first_array(const mx_event *e) {
    return (int32_t *)operations((mx_event *)e) + (e->n_op + 1) / 2;
}

static void put_arrays(mx_event *e, const mx_task *t) {
    int32_t *to = first_array(e);
    for (int i = 0; i < e->in && i < MX_EVENT_ARRAYS; i++, e->n_in++)
        to = put_array(to, mx_task_input(t, i));
    for (int j = 0; j < e->out && e->n_out < MX_EVENT_ARRAYS; j++) {
        const mx_array *a = mx_task_output(t, j);
        e->n_out += a != NULL;
        to = a ? put_array(to, a) : to;
    }
    e->size = (uint32_t)(((char *)to - (char *)e + 7) & ~7);
}

mx_event *mx_event_describe(mx_event_room *room, const mx_task *t) {
    mx_event *e = (mx_event *)room->bytes;
    mx_cost cost = mx_task_cost(t);
    *e = (mx_event){
        .read = cost.read,
        .flops = cost.flops,
        .stream = t->node ? t->node->stream.index : t->program->stream,
        .in = mx_task_inputs(t),
        .out = mx_task_outputs(t),
        .program = !t->node,
    };
    put_operations(e, t);
    put_arrays(e, t);
    return e;
}

/* --- reading ---------------------------------------------------------------------------------- */

mx_event_array mx_event_get(const mx_event *e, bool output, int k) {
    const int32_t *at = first_array(e);
    for (int skip = k + (output ? e->n_in : 0); skip > 0; skip--)
        at += 1 + (*at >> 8);
    return (mx_event_array){(mx_dtype)(*at & 0xff), *at >> 8, at + 1};
}

static int repeats(const uint16_t *op, int n) {
    int k = 1;
    while (k < n && op[k] == op[0])
        k++;
    return k;
}

void mx_event_name(mx_text *t, const mx_event *e) {
    const uint16_t *op = operations((mx_event *)e);
    for (int i = 0, k; i < e->n_op; i += k) {
        k = repeats(op + i, e->n_op - i);
        int variant = i == e->n_op - 1 ? e->variant : 0;
        mx_text_add(t, k > 1 ? "%s%s x%d" : "%s%s", i ? "+" : "",
                    mx_operation_name((mx_prim)op[i], variant), k);
    }
}

void mx_event_arrays(mx_text *t, const mx_event *e, bool output) {
    int listed = output ? e->n_out : e->n_in;
    char shape[MX_MAX_NDIM * 12];
    for (int k = 0; k < listed; k++) {
        mx_event_array a = mx_event_get(e, output, k);
        mx_shape_text(shape, sizeof shape, a.shape, a.ndim);
        mx_text_add(t, "%s%s %s", k ? ", " : "", mx_dtype_name(a.dtype), shape);
    }
    if (listed < (output ? e->out : e->in) && listed == MX_EVENT_ARRAYS)
        mx_text_str(t, ", ...");
}
