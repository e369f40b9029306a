/* See traced.h. */
#include "transforms/traced.h"

#include <stdlib.h>

#include "base/mem.h"
#include "graph/eval/eval.h"
#include "graph/trace/trace.h"

bool mx_traced_inputs(mx_array *const *in, int n, mx_arrays *made) {
    for (int i = 0; i < n; i++) {
        mx_array *p = mx_placeholder(in[i]->shape, in[i]->ndim, mx_dtype_of(in[i]));
        if (!p)
            return false;
        p->tracer = mx_trace_level();
        if (!mx_arrays_add(made, p))
            return false;
    }
    return true;
}

/* Marks are 0 before and after; called under the lock. */
static void find_output_steps(mx_traced *t, mx_array *const *out, size_t n) {
    for (int32_t i = 0; i < t->plan.n_step; i++)
        t->plan.step[i].node->mark = (uint32_t)i + 1;
    for (size_t k = 0; k < n; k++) {
        const mx_node *node = mx_array_available(out[k]) ? NULL : out[k]->node;
        t->out_step[k] = node ? (int32_t)node->mark - 1 : -1;
    }
    for (int32_t i = 0; i < t->plan.n_step; i++)
        t->plan.step[i].node->mark = 0;
}

static bool order(mx_traced *t, mx_array *const *out, size_t n) {
    t->plan.open = true;
    t->out_step = mx_calloc(n + 1, sizeof *t->out_step);
    if (!t->out_step)
        return false;
    mx_eval_lock();
    bool ok = mx_plan_order(&t->plan, out, (int)n);
    for (int32_t i = 0; ok && i < t->plan.n_step; i++)
        mx_node_retain(t->plan.step[i].node);
    if (ok)
        find_output_steps(t, out, n);
    else
        t->plan.n_step = 0; /* nothing is retained */
    mx_eval_unlock();
    return ok;
}

static int by_address(const void *a, const void *b) {
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return (x > y) - (x < y);
}

static bool is_seed(const mx_array *a, mx_array *const *sorted, size_t n) {
    if (atomic_load(&a->state) != MX_PLACEHOLDER)
        return false;
    return !sorted || bsearch(&a, sorted, n, sizeof *sorted, by_address) != NULL;
}

static bool find_varying(mx_traced *t, mx_array *const *sorted, size_t n) {
    t->varies = mx_calloc((size_t)t->plan.n_step + 1, sizeof *t->varies);
    for (int32_t i = 0; t->varies && i < t->plan.n_step; i++) {
        const mx_step *s = &t->plan.step[i];
        for (int k = 0; k < s->node->nin; k++) {
            int32_t m = t->plan.src[s->src + k];
            t->varies[i] |= m >= 0 ? t->varies[m] : is_seed(s->node->in[k], sorted, n);
        }
    }
    return t->varies != NULL;
}

bool mx_traced_open(mx_traced *t, mx_array *const *outputs, size_t n, mx_array *const *seeds,
                    size_t n_seeds) {
    *t = (mx_traced){0};
    mx_array **sorted = seeds ? mx_memdup(seeds, n_seeds * sizeof *sorted) : NULL;
    if (seeds && !sorted)
        return false;
    if (sorted)
        qsort(sorted, n_seeds, sizeof *sorted, by_address);
    bool ok = order(t, outputs, n) && find_varying(t, sorted, n_seeds);
    mx_free(sorted);
    return ok;
}

void mx_traced_free(mx_traced *t) {
    for (int32_t i = 0; i < t->plan.n_step; i++)
        mx_node_release(t->plan.step[i].node);
    mx_plan_free(&t->plan);
    mx_free(t->varies);
    mx_free(t->out_step);
}
