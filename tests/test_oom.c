/* Every operation of the case table with its n-th allocation failing, for every n: the call or the evaluation
 * says out of memory, nothing is lost, and the same thing works afterwards. */
#include <math.h>

#include "base/cache.h"
#include "base/mem.h"
#include "base/status.h"
#include "check.h"
#include "graph/eval.h"
#include "op_cases.h"
#include "transforms/transforms.h"

static const op_case *const families[] = {op_cases_pointwise, op_cases_view, op_cases_join,
                                          op_cases_reduce, op_cases_index, op_cases_matmul};

enum { LENGTH = 3, MOST_ALLOCATIONS = 20000 };

static int inputs_of(const op_case *c) {
    int n = 0;
    while (n < CASE_INPUTS && (c->in[n].ndim || c->in[n].lo != c->in[n].hi))
        n++;
    return n;
}

static mx_array *make(const op_input *i, int salt) {
    int shape[CASE_NDIM];
    for (int k = 0; k < i->ndim; k++)
        shape[k] = i->shape[k] == N ? LENGTH : i->shape[k];
    mx_array *a = mx_array_empty(shape, i->ndim, MX_FLOAT32);
    for (int64_t k = 0; k < a->size; k++) {
        double part = fmod((double)(k * 7 + salt * 3 + 1) * 0.3819660113, 1), v = i->lo + part * (i->hi - i->lo);
        ((float *)(void *)a->data)[k] = (float)(i->index ? floor(v) : v);
    }
    if (i->boolean)
        return mx_greater(a, mx_zero_like(a));
    return i->index ? mx_astype(a, MX_INT32) : a;
}

static bool differentiable(const op_case *c) {
    return !(c->flags & NO_GRAD) && !c->in[0].index && !c->in[0].boolean;
}

/* Other inputs than the first are constants of the function. */
static mx_array *rest[CASE_INPUTS];
static bool call_first(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    const op_case *c = self->payload;
    mx_array *all[CASE_INPUTS];
    (void)n;
    for (int i = 0; i < CASE_INPUTS; i++)
        all[i] = i ? rest[i] : in[0];
    return mx_arrays_add(out, c->f(all));
}

static bool run_gradient(const op_case *c, mx_array *const *in) {
    mx_closure f = mx_closure_local(call_first, (void *)c);
    mx_arrays out = {0}, grads = {0};
    mx_scope s = mx_scope_open();
    for (int i = 0; i < CASE_INPUTS; i++)
        rest[i] = in[i];
    mx_array *y = c->f(in), *g = y ? mx_ones_like(y) : NULL;
    bool ok = g && mx_vjp(&f, in, 1, &g, 1, &out, &grads) && mx_eval(grads.item, (int)grads.count);
    mx_arrays_free(&out);
    mx_arrays_free(&grads);
    mx_scope_close(s);
    return ok;
}

static bool run_value(const op_case *c, mx_array *const *in) {
    mx_scope s = mx_scope_open();
    mx_array *y = c->f(in);
    bool ok = y && mx_eval1(y);
    mx_scope_close(s);
    return ok;
}

static void fail_each(const op_case *c, mx_array *const *in, bool (*run)(const op_case *, mx_array *const *)) {
    bool done = false;
    CHECK(run(c, in)); /* what the engine keeps between evaluations is there */
    int64_t live = mx_alloc_live();
    size_t active = mx_mem_active();
    for (uint64_t n = 1; n < MOST_ALLOCATIONS && !done; n++) {
        mx_error_clear();
        mx_mem_cache_clear();
        mx_alloc_fail_at(n);
        bool ok = run(c, in);
        done = mx_alloc_count() < n;
        mx_alloc_fail_at(0);
        if (!ok && mx_error_status() != MX_NOMEM)
            printf("%s, allocation %llu: %s\n", c->name, (unsigned long long)n, mx_error_message());
        if (!ok)
            CHECK_EQ_INT(mx_error_status(), MX_NOMEM);
        mx_error_clear();
    }
    CHECK(done);
    if (mx_alloc_live() > live || mx_mem_active() != active)
        printf("%s: %lld allocations and %lld bytes are lost\n", c->name, (long long)(mx_alloc_live() - live),
               (long long)(mx_mem_active() - active));
    CHECK(mx_alloc_live() <= live);
    CHECK_EQ_INT((long long)mx_mem_active(), (long long)active);
    CHECK(run(c, in));
}

static void test_case(const op_case *c) {
    mx_array *in[CASE_INPUTS] = {NULL};
    mx_scope s = mx_scope_open();
    for (int i = 0; i < inputs_of(c); i++)
        in[i] = make(&c->in[i], i);
    CHECK(mx_eval(in, inputs_of(c)));
    fail_each(c, in, run_value);
    if (differentiable(c))
        fail_each(c, in, run_gradient);
    mx_scope_close(s);
}

int main(void) {
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (const op_case *c = families[f]; c->name; c++) {
            check_where = c->name;
            test_case(c);
        }
    return check_done();
}
