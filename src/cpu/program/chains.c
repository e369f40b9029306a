/* Which operations of a program are chains: neighbours on float32, each of which has the one before
 * among its operands. A value that others read as well, or that is an output, is kept on the way.
 */
#include <string.h>

#include "cpu/program/interpreter.h"

static const mx_instr *instr_of(const cpu_program *c, const cpu_op *o) {
    return &c->p->instr[o->dst - c->p->n_in];
}

static bool has_step(const cpu_program *c, const cpu_op *o) {
    const mx_k_chain *k = c->k->chain;
    if (o->kind != OP_UNARY && o->kind != OP_BINARY && o->kind != OP_NUMBER)
        return false;
    const mx_instr *in = instr_of(c, o);
    return in->dtype == MX_FLOAT32 && in->op < MX_PW_COUNT &&
           (k->unary[in->op] || k->binary[in->op][MX_LINK_DATA][0]);
}

/* Something has to come from memory. */
static bool can_begin(const cpu_program *c, const cpu_op *o) {
    return has_step(c, o) && !(cpu_is_constant(c, o->arg[0]) &&
                               (o->kind == OP_UNARY || cpu_is_constant(c, o->arg[1])));
}

/* Is `before` one operand of o, and not both? */
static bool can_follow(const cpu_program *c, const cpu_op *o, int before) {
    if (!has_step(c, o))
        return false;
    return o->kind == OP_UNARY ? o->arg[0] == before
                               : (o->arg[0] == before) != (o->arg[1] == before);
}

static int length(const cpu_program *c, const cpu_op *o) {
    const cpu_op *end = c->op + c->n_op, *next = o;
    if (!can_begin(c, o))
        return 0;
    while (++next < end && can_follow(c, next, next[-1].dst))
        continue;
    return (int)(next - o);
}

static cpu_link *add(cpu_program *c, mx_k_step *step, int value) {
    cpu_link *l = &c->link[c->n_link++];
    *l = (cpu_link){step, value, 0};
    return l;
}

/* Of an operand that is one number. */
static mx_k_step *number_step(const mx_k_chain *k, uint16_t op, int side, float number) {
    bool plain = k->plain[op] && (number < 0 || number > 0);
    return plain ? k->plain[op] : k->binary[op][MX_LINK_NUMBER][side];
}

/* The value on its way is operand `side` of o. */
static void add_step(cpu_program *c, const cpu_op *o, int side) {
    uint16_t which = instr_of(c, o)->op;
    if (o->kind == OP_UNARY) {
        add(c, c->k->chain->unary[which], -1);
        return;
    }
    int other = o->arg[!side];
    if (!cpu_is_constant(c, other)) {
        add(c, c->k->chain->binary[which][MX_LINK_DATA][side], other);
        return;
    }
    float number = *(const float *)c->p->in[other]->data;
    add(c, number_step(c->k->chain, which, side, number), -1)->number = number;
}

static void begin(cpu_program *c, cpu_op *o, int count) {
    int side = cpu_is_constant(c, o->arg[0]);
    o->chain = count;
    o->link = c->n_link;
    add(c, NULL, o->arg[side]); // where the values come from
    add_step(c, o, side);
}

/* uses: how often each value is read. */
static void make_chain(cpu_program *c, cpu_op *o, int count, const int *uses) {
    begin(c, o, count);
    for (int i = 1; i < count; i++) {
        int before = o[i - 1].dst;
        if (uses[before] > 1 || c->place[before].reg < 0)
            add(c, c->k->chain->keep, before);
        add_step(c, &o[i], o[i].arg[0] != before);
    }
    add(c, c->k->chain->end, o[count - 1].dst);
    o->n_link = c->n_link - o->link;
}

static void count_uses(const cpu_program *c, int *uses) {
    static const int operands[] = {
        [OP_UNARY] = 1, [OP_BINARY] = 2, [OP_TERNARY] = 3, [OP_NUMBER] = 2, [OP_STORE] = 1};
    memset(uses, 0, (size_t)(c->p->n_in + c->p->n_instr) * sizeof *uses);
    for (const cpu_op *o = c->op; o < c->op + c->n_op; o++)
        for (int j = 0; j < operands[o->kind]; j++)
            uses[o->arg[j]]++;
}

void cpu_chains_find(cpu_program *c) {
    int *uses = c->spare; // which is done with
    count_uses(c, uses);
    for (int i = 0; i < c->n_op; i++) {
        int count = length(c, &c->op[i]);
        if (count > 1) {
            make_chain(c, &c->op[i], count, uses);
            i += count - 1;
        }
    }
}

bool cpu_chain_in_memory(const cpu_program *c) {
    if (!c->n_op || c->op->chain != c->n_op)
        return false;
    for (const cpu_link *l = c->link; l < c->link + c->n_link; l++)
        if (l->value >= 0 && c->place[l->value].reg != IN_MEMORY &&
            c->place[l->value].reg != CALLER)
            return false;
    return true;
}
