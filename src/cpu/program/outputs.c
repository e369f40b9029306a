/* Where a program's results lie: see parts.h. */
#include "cpu/program/parts.h"

/* Output o may lie in input i's memory if nothing reads the input after the output is written. */
static bool may_take(const mx_program *p, int i, int o) {
    int v = p->out_value[o];
    if (p->in[i]->size != p->size || mx_itemsize(p->in[i]) != mx_itemsize(p->out[o]))
        return false;
    for (int k = v < p->n_in ? 0 : v - p->n_in + 1; k < p->n_instr; k++)
        for (int j = 0; j < cpu_instr_arity(&p->instr[k]); j++)
            if (p->instr[k].arg[j] == i)
                return false;
    for (int other = 0; other < p->n_out; other++)
        if (other != o && p->out_value[other] == i)
            return false;
    return true;
}

static bool takes_memory(const mx_program *p) {
    for (int o = 0; o < p->n_out; o++)
        for (int i = 0; i < p->n_in; i++)
            if (p->out[o]->buffer == p->in[i]->buffer)
                return true;
    return false;
}

static bool give_memory(const mx_program *p, const bool *donate, int o) {
    for (int i = 0; i < p->n_in; i++)
        if (donate[i] && atomic_load(&p->in[i]->buffer->refs) == 1 && may_take(p, i, o)) {
            mx_array_take(p->out[o], p->in[i]);
            return true;
        }
    return mx_array_alloc(p->out[o]);
}

bool cpu_outputs_give(const mx_program *p, const bool *donate) {
    for (int o = 0; o < p->n_out; o++)
        if (!give_memory(p, donate, o))
            return false;
    return true;
}

/* What lay in memory that was taken would be lost by a stop, and the same may be asked for
   again. */
bool cpu_outputs_compute(const mx_program *p, int64_t n, int64_t grain, mx_range_body *body,
                         void *ctx) {
    if (!takes_memory(p))
        return mx_parallel_for_long(n, grain, body, ctx);
    mx_parallel_for(n, grain, body, ctx);
    return true;
}
