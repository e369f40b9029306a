/* See source.h. */
#include "cpu/program/source.h"

#include <string.h>

#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/memory/straight.h"

enum { GRAIN = 8192 };

bool cpu_source_open(cpu_source *s, const mx_node *n, const mx_program *feed) {
    *s = (cpu_source){.a = n->in[0]};
    return !feed || (s->program = cpu_program_open(feed));
}

static bool is_spread(const mx_array *a) {
    for (int i = 0; i < a->ndim; i++)
        if (a->strides[i] == 0 && a->shape[i] > 1)
            return true;
    return false;
}

bool cpu_source_in_order(cpu_source *s, bool ordered) {
    const mx_array *a = s->a;
    if (s->program || !(cpu_has_gaps(a) || (ordered && is_spread(a))))
        return true;
    s->in = (mx_array *)a;
    s->itself = (mx_program){.ndim = a->ndim,
                             .shape = a->shape,
                             .size = a->size,
                             .n_in = 1,
                             .n_out = 1,
                             .in = &s->in,
                             .out_value = &s->value,
                             .out = &s->in};
    return (s->program = cpu_program_open(&s->itself)) != NULL;
}

void cpu_source_close(cpu_source *s) {
    if (s->program)
        cpu_program_close(s->program);
    s->program = NULL;
    cpu_dense_close(&s->copy);
}

typedef struct job {
    const cpu_source *s;
    char *out;
    _Atomic bool failed;
} job;

static void compute(void *ctx, int64_t begin, int64_t end) {
    job *j = ctx;
    if (!cpu_program_read(j->s->program, begin, end,
                          j->out + begin * (int64_t)mx_itemsize(j->s->a)))
        j->failed = true;
}

bool cpu_source_compute(const cpu_source *s, void *out) {
    job j = {s, out, false};
    mx_parallel_for(s->a->size, GRAIN, compute, &j);
    return !j.failed || mx_fail_nomem("eval", 0);
}

/* The fed array itself takes the values: it is nobody else's, and becomes available. */
bool cpu_source_settle(cpu_source *s) {
    mx_array *a = (mx_array *)s->a;
    if (!s->program)
        return true;
    if (s->in) {
        cpu_source_close(s);
        return cpu_dense_open(&s->copy, a);
    }
    if (!mx_array_alloc(a) || !cpu_source_compute(s, a->data))
        return false;
    cpu_source_close(s);
    return true;
}

void cpu_source_strides(const cpu_source *s, int64_t *strides) {
    if (s->program || s->copy.data)
        mx_row_strides(s->a->shape, s->a->ndim, strides);
    else
        memcpy(strides, s->a->strides, (size_t)s->a->ndim * sizeof *strides);
}

const void *cpu_source_data(const cpu_source *s) {
    return s->copy.data ? s->copy.data : s->a->data;
}
