/* Programs of one instruction whose operands lie as its result does, element by element: nothing
 * needs a register or a tile. Most of what is evaluated as it is written is of this kind. */
#include "cpu/program/parts.h"

typedef struct single {
    mx_k_pw fn;
    int arity;
    char *out, *in[3];
    int64_t out_item, item[3]; /* bytes of an element */
} single;

bool cpu_is_single(const mx_program *p) {
    if (p->n_instr != 1 || p->n_out != 1 || p->out_value[0] != p->n_in)
        return false;
    for (int i = 0; i < p->n_in; i++)
        if (!cpu_is_direct(p, p->in[i]))
            return false;
    return true;
}

static void run_piece(void *ctx, int64_t begin, int64_t end) {
    const single *s = ctx;
    size_t n = (size_t)(end - begin);
    char *out = s->out + begin * s->out_item, *a = s->in[0] + begin * s->item[0];
    char *b = s->in[1] + begin * s->item[1], *c = s->in[2] + begin * s->item[2];
    switch (s->arity) {
    case 1: s->fn.unary(out, a, n); break;
    case 2: s->fn.binary(out, a, b, n); break;
    default: s->fn.ternary(out, a, b, c, n); break;
    }
}

bool cpu_single_run(const mx_program *p) {
    const mx_instr *in = &p->instr[0];
    single s = {.fn = cpu_instr_kernel(mx_kernels_get(), in), .arity = cpu_instr_arity(in)};
    s.out = p->out[0]->data;
    s.out_item = (int64_t)mx_itemsize(p->out[0]);
    for (int k = 0; k < 3; k++) { // an instruction of fewer repeats its first
        const mx_array *a = p->in[in->arg[k]];
        s.in[k] = a->data;
        s.item[k] = (int64_t)mx_itemsize(a);
    }
    return cpu_outputs_compute(p, p->size, CPU_PROGRAM_GRAIN / 2, run_piece, &s);
}
