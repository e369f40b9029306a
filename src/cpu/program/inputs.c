/* See inputs.h. */
#include "cpu/program/inputs.h"

#include "base/mem.h"
#include "cpu/memory/straight.h"
#include "cpu/program/interpreter.h"

struct cpu_inputs {
    mx_program p;
    int n;
    cpu_straight *made;
    mx_array *in[];
};

static bool is_steep(const mx_program *p, int i, bool by_pieces) {
    return cpu_is_steep(p->in[i], p->shape, p->ndim, CPU_PIECE_APART) &&
           (by_pieces || !cpu_panel_of(p, p->in[i]));
}

static bool straighten(cpu_inputs *s, const mx_program *p, bool by_pieces) {
    for (int i = 0; i < p->n_in; i++) {
        s->in[i] = p->in[i];
        if (!is_steep(p, i, by_pieces))
            continue;
        if (!cpu_straight_open(&s->made[s->n], p->in[i]))
            return false;
        s->in[i] = &s->made[s->n++].a;
    }
    return true;
}

static int count_steep(const mx_program *p, bool by_pieces) {
    int n = 0;
    for (int i = 0; i < p->n_in; i++)
        n += is_steep(p, i, by_pieces);
    return n;
}

static cpu_inputs *allocate(int n_in, int n_steep) {
    cpu_inputs *s = mx_calloc(1, sizeof *s + (size_t)n_in * sizeof *s->in);
    if (s && !(s->made = mx_calloc((size_t)n_steep, sizeof *s->made))) {
        mx_free(s);
        return NULL;
    }
    return s;
}

bool cpu_inputs_open(cpu_inputs **to, const mx_program *p, bool by_pieces) {
    int n = count_steep(p, by_pieces);
    *to = NULL;
    if (!n)
        return true;
    cpu_inputs *s = allocate(p->n_in, n);
    if (!s)
        return false;
    s->p = *p;
    s->p.in = s->in;
    if (!straighten(s, p, by_pieces)) {
        cpu_inputs_close(s);
        return false;
    }
    *to = s;
    return true;
}

const mx_program *cpu_inputs_program(const cpu_inputs *s) {
    return &s->p;
}

void cpu_inputs_close(cpu_inputs *s) {
    if (!s)
        return;
    for (int i = 0; i < s->n; i++)
        cpu_straight_close(&s->made[i]);
    mx_free(s->made);
    mx_free(s);
}
