/* See straight.h. */
#include "cpu/program/straight.h"

#include <string.h>

#include "base/mem.h"
#include "cpu/memory/cpu_copy.h"
#include "cpu/memory/dense.h"
#include "cpu/memory/layout.h"

enum {
#ifdef MX_TORTURE
    LONG = 3,
    STEEP = 3
#else
    LONG = 128, /* elements of a row of which a piece has too few for a panel */
    STEEP = 16  /* a stride from which neighbours lie in other cache lines */
#endif
};

typedef struct input {
    mx_array a;
    int64_t strides[MX_MAX_NDIM];
    cpu_dense copy;
} input;

struct cpu_straight {
    mx_program p;
    int n;
    input *made;
    mx_array *in[];
};

static bool is_short(int64_t stride) {
    return stride && stride < STEEP && stride > -STEEP;
}

/* Do elements that are read one after the other lie far apart, and others lie between them? */
static bool is_steep(const mx_program *p, const mx_array *a) {
    int64_t strides[MX_MAX_NDIM];
    const int64_t *all[1] = {strides};
    cpu_layout l;
    if (a->row_contiguous || a->size == 1)
        return false;
    cpu_broadcast_strides(a, p->shape, p->ndim, strides);
    cpu_layout_collapse(&l, p->shape, p->ndim, 1, all);
    int last = l.ndim - 1;
    if (last < 1 || l.shape[last] < LONG || !l.stride[0][last] || is_short(l.stride[0][last]))
        return false;
    bool between = false;
    for (int i = 0; i < last; i++)
        between |= is_short(l.stride[0][i]);
    return between;
}

/* The strides of a copy without what is repeated, and its shape; how many elements it has. */
static int64_t lay_out(const mx_array *a, int64_t *strides, int *shape) {
    int64_t n = 1;
    for (int i = a->ndim - 1; i >= 0; i--) {
        shape[i] = a->strides[i] ? a->shape[i] : 1;
        strides[i] = a->strides[i] ? n : 0;
        n *= shape[i];
    }
    return n;
}

static bool straighten(input *to, const mx_array *a) {
    int shape[MX_MAX_NDIM];
    int64_t n = lay_out(a, to->strides, shape);
    if (!cpu_dense_room(&to->copy, (size_t)n * mx_itemsize(a)))
        return false;
    cpu_copy_strided(to->copy.copy, to->strides, a->data, a->strides, shape, a->ndim,
                     mx_itemsize(a));
    to->a = (mx_array){.state = MX_AVAILABLE,
                       .dtype = a->dtype,
                       .row_contiguous = n == a->size,
                       .ndim = a->ndim,
                       .size = a->size,
                       .buffer = a->buffer,
                       .data = to->copy.copy,
                       .strides = to->strides,
                       .shape = a->shape};
    return true;
}

static bool straighten_all(cpu_straight *s, const mx_program *p) {
    for (int i = 0; i < p->n_in; i++) {
        s->in[i] = p->in[i];
        if (!is_steep(p, p->in[i]))
            continue;
        if (!straighten(&s->made[s->n], p->in[i]))
            return false;
        s->in[i] = &s->made[s->n++].a;
    }
    return true;
}

static int count_steep(const mx_program *p) {
    int n = 0;
    for (int i = 0; i < p->n_in; i++)
        n += is_steep(p, p->in[i]);
    return n;
}

bool cpu_straight_open(cpu_straight **to, const mx_program *p) {
    int n = count_steep(p);
    *to = NULL;
    if (!n)
        return true;
    cpu_straight *s = mx_malloc(sizeof *s + (size_t)p->n_in * sizeof *s->in);
    input *made = mx_malloc((size_t)n * sizeof *made);
    if (!s || !made) {
        mx_free(s);
        mx_free(made);
        return false;
    }
    *s = (cpu_straight){.p = *p, .made = made};
    s->p.in = s->in;
    if (!straighten_all(s, p)) {
        cpu_straight_close(s);
        return false;
    }
    *to = s;
    return true;
}

const mx_program *cpu_straight_program(const cpu_straight *s) {
    return &s->p;
}

void cpu_straight_close(cpu_straight *s) {
    if (!s)
        return;
    for (int i = 0; i < s->n; i++)
        cpu_dense_close(&s->made[i].copy);
    mx_free(s->made);
    mx_free(s);
}
