/* Evaluation and function transforms. */
#include "transforms/transforms.h"

#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/mem.h"
#include "capi/handles/closure.h"
#include "graph/eval/eval.h"

int mlx_eval(const mlx_vector_array outputs) {
    capi_call c = capi_begin_default();
    int n;
    mx_array *const *a = capi_arrays(outputs, &n);
    return capi_end_ok(&c, a && mx_eval(a, n));
}

int mlx_eval_small(bool *done, const mlx_vector_array outputs, uint64_t work) {
    capi_call c = capi_begin_default();
    int n;
    mx_array *const *a = capi_arrays(outputs, &n);
    bool ok = a && (done || mx_fail(MX_INVALID, "[eval_small] done is NULL"));
    return capi_end_ok(&c, ok && mx_eval_small(a, n, (double)work, done));
}

int mlx_async_eval(const mlx_vector_array outputs) {
    capi_call c = capi_begin_default();
    int n;
    mx_array *const *a = capi_arrays(outputs, &n);
    return capi_end_ok(&c, a && mx_async_eval(a, n));
}

int mlx_set_interrupt_check(int (*check)(void *data), void *data) {
    mx_interrupt_set_check(check, data);
    return 0;
}

int mlx_set_interrupt_check_within(int (*check)(void *data), void *data) {
    mx_interrupt_set_check_within(check, data);
    return 0;
}

/* Both lists to the handles, freed; the end of the call. */
static int end_lists(capi_call *c, bool ok, mlx_vector_array *res_0, mx_arrays *list_0,
                     mlx_vector_array *res_1, mx_arrays *list_1) {
    ok = ok && !mx_failed() && capi_slots(res_0, res_1, "vector_array") &&
         capi_put_arrays(res_0, list_0->item, list_0->count) &&
         capi_put_arrays(res_1, list_1->item, list_1->count);
    mx_arrays_free(list_0);
    mx_arrays_free(list_1);
    return capi_end_ok(c, ok);
}

int mlx_vjp(mlx_vector_array *res_0, mlx_vector_array *res_1, const mlx_closure fun,
            const mlx_vector_array primals, const mlx_vector_array cotangents) {
    capi_call c = capi_begin_default();
    mx_arrays out = {0}, grads = {0};
    int n, ncot;
    mx_closure *f = capi_closure(fun);
    mx_array *const *in = capi_arrays(primals, &n), *const *cot = capi_arrays(cotangents, &ncot);
    bool ok = f && in && cot && mx_vjp(f, in, n, cot, ncot, &out, &grads);
    return end_lists(&c, ok, res_0, &out, res_1, &grads);
}

int mlx_jvp(mlx_vector_array *res_0, mlx_vector_array *res_1, const mlx_closure fun,
            const mlx_vector_array primals, const mlx_vector_array tangents) {
    capi_call c = capi_begin_default();
    mx_arrays out = {0}, out_tan = {0};
    int n, ntan;
    mx_closure *f = capi_closure(fun);
    mx_array *const *in = capi_arrays(primals, &n), *const *tan = capi_arrays(tangents, &ntan);
    bool ok = f && in && tan && mx_jvp(f, in, n, tan, ntan, &out, &out_tan);
    return end_lists(&c, ok, res_0, &out, res_1, &out_tan);
}

/* --- value and gradient: a closure of its own ------------------------------------------------- */

typedef struct gradient {
    mx_closure *f;
    int nargs;
    int argnums[];
} gradient;

static void gradient_free(void *payload) {
    gradient *g = payload;
    mx_object_release(&g->f->object);
    mx_free(g);
}

static int gradient_call(mlx_vector_array *values, mlx_vector_array *grads,
                         const mlx_vector_array input, void *payload) {
    capi_call c = capi_begin_default();
    const gradient *g = payload;
    mx_arrays out = {0}, d = {0};
    int n;
    mx_array *const *in = capi_arrays(input, &n);
    bool ok = in && mx_value_and_grad(g->f, in, n, g->argnums, g->nargs, &out, &d);
    return end_lists(&c, ok, values, &out, grads, &d);
}

static int by_value(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static bool check_distinct(const int *argnums, size_t n) {
    int *sorted = mx_memdup(argnums, n * sizeof *argnums);
    if (!sorted)
        return false;
    qsort(sorted, n, sizeof *sorted, by_value);
    size_t i = 1;
    while (i < n && sorted[i] != sorted[i - 1])
        i++;
    int twice = sorted[i - 1];
    mx_free(sorted);
    return i >= n ||
           mx_fail(MX_INVALID, "[grad] Duplicate argument index %d is not allowed.", twice);
}

static gradient *gradient_new(mx_closure *f, const int *argnums, size_t n) {
    if (capi_count(argnums, n) == 0)
        return mx_fail(MX_INVALID, "[grad] Must specify at least one argument.");
    for (size_t i = 0; i < n; i++)
        if (argnums[i] < 0)
            return mx_fail(MX_RANGE,
                           "[grad] Can't compute the gradient of negative argument index %d",
                           argnums[i]);
    gradient *g = check_distinct(argnums, n) ? mx_malloc(sizeof *g + n * sizeof *argnums) : NULL;
    if (!g)
        return NULL;
    *g = (gradient){f, (int)n};
    memcpy(g->argnums, argnums, n * sizeof *argnums);
    mx_object_retain(&f->object);
    return g;
}

int mlx_value_and_grad(mlx_closure_value_and_grad *res, const mlx_closure fun, const int *argnums,
                       size_t argnums_num) {
    mx_error_clear();
    mx_closure *f = capi_closure(fun);
    gradient *g = f ? gradient_new(f, argnums, argnums_num) : NULL;
    return capi_done(g && capi_put_gradient(res, gradient_call, g, gradient_free));
}
