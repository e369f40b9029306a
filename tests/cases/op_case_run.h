/* What the programs over the case table share: the families, inputs of a row, comparison. */
#ifndef OP_CASE_RUN_H
#define OP_CASE_RUN_H

#include "op_cases.h"

#include "base/status.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "transforms/transforms.h"

#define FAMILY(name) op_cases_##name,
static const op_case *const families[] = {OP_FAMILIES};
#undef FAMILY

/* --- inputs ----------------------------------------------------------------------- */

__attribute__((unused)) static int inputs_of(const op_case *c) {
    int n = 0;
    while (n < CASE_INPUTS && (c->in[n].ndim || c->in[n].lo != c->in[n].hi))
        n++;
    return n;
}

__attribute__((unused)) static double noise(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

__attribute__((unused)) static mx_array *make(const op_input *i, int n, uint64_t seed, mx_dtype t) {
    int shape[CASE_NDIM];
    for (int k = 0; k < i->ndim; k++)
        shape[k] = i->shape[k] == N ? n : i->shape[k];
    mx_array *a = mx_array_empty(shape, i->ndim, MX_FLOAT64);
    bool whole = i->index || !mx_dtype_is_inexact(t);
    seed = check_seed(seed);
    for (int64_t k = 0; a && k < a->size; k++) {
        double v = i->lo + noise(&seed) * (i->hi - i->lo + (whole ? 1 : 0));
        ((double *)a->data)[k] = whole ? floor(v) : v;
    }
    if (i->boolean)
        return mx_greater(a, mx_zero_like(a));
    return mx_astype(mx_astype(a, i->index ? MX_INT32 : t), i->index ? MX_INT32 : t);
}

enum { BATCH = 3, SHORT = 2, LONG = 4001 };

__attribute__((unused)) static void make_inputs(const op_case *c, int n, uint64_t seed, mx_dtype t,
                                                mx_array **in) {
    for (int i = 0; i < inputs_of(c); i++)
        in[i] = make(&c->in[i], n, seed * 977 + (uint64_t)i, t);
    mx_eval(in, inputs_of(c));
}

__attribute__((unused)) static bool differentiable(const op_input *i) {
    return !i->index && !i->boolean;
}

/* --- comparison ------------------------------------------------------------------- */

__attribute__((unused)) static mx_array *doubles(mx_array *a) {
    mx_array *d = mx_contiguous(mx_astype(a, MX_FLOAT64), false);
    return mx_eval1(d) ? d : NULL;
}

__attribute__((unused)) static double at(mx_array *a, int64_t i) {
    return ((const double *)a->data)[i];
}

__attribute__((unused)) static bool near(double a, double b, double tolerance) {
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= tolerance * (1 + fabs(b));
}

__attribute__((unused)) static void same(const op_case *c, const char *what, mx_array *a,
                                         mx_array *b, double tolerance) {
    mx_array *x = doubles(a), *y = doubles(b);
    if (!CHECK_MSG(x && y, "%s, %s: %s", c->name, what, mx_error_message())) {
        mx_error_clear();
        return;
    }
    if (!CHECK_MSG(mx_same_shape(x, y), "%s, %s: shapes differ", c->name, what))
        return;
    int64_t i = 0;
    while (i < x->size && near(at(x, i), at(y, i), tolerance))
        i++;
    bool ok = i == x->size;
    CHECK_MSG(ok, "%s, %s: element %lld is %.9g, expected %.9g", c->name, what, (long long)i,
              ok ? 0 : at(x, i), ok ? 0 : at(y, i));
}

__attribute__((unused)) static double tolerance(const op_case *c, mx_dtype t) {
    double wide = c->flags & LOOSE ? 10 : 1;
    switch (c->flags & SINGLE && t == MX_FLOAT64 ? MX_FLOAT32 : t) {
    case MX_FLOAT64: return wide * 1e-12;
    case MX_FLOAT32: return wide * 4e-6;
    case MX_FLOAT16: return wide * 4e-3;
    case MX_BFLOAT16: return wide * 3e-2;
    default: return 0;
    }
}

#endif
