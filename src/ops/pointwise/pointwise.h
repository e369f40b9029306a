/* What the files of pointwise operations share: derivative rows and descriptors. */
#ifndef MX_OPS_POINTWISE_H
#define MX_OPS_POINTWISE_H

#include "ops/rules.h"

/* A row: g times the derivative of y = name(x). Halves are float32 inside and rounded once. */
#define D1(name, expression)                                                              \
    static mx_array *d_##name(const mx_node *n, int i, mx_array *g) {                     \
        mx_array *x = mx_inside(n->in[0]), *y = mx_inside(mx_node_out(n, 0)), *given = g; \
        g = mx_inside(g);                                                                 \
        return (void)i, (void)x, (void)y, mx_rounded_as(given, expression);               \
    }
/* A row: g times the derivatives of y = name(a, b) towards a and towards b. */
#define D2(name, towards_a, towards_b)                                   \
    static mx_array *d_##name(const mx_node *n, int i, mx_array *g) {    \
        mx_array *a = mx_inside(n->in[0]), *b = mx_inside(n->in[1]);     \
        mx_array *y = mx_inside(mx_node_out(n, 0)), *given = g;          \
        g = mx_inside(g);                                                \
        return (void)a, (void)b, (void)y,                                \
               mx_rounded_as(given, i == 0 ? (towards_a) : (towards_b)); \
    }
/* The same of one step, or none: nothing to be gained by float32. */
#define STEP1(name, expression)                                       \
    static mx_array *d_##name(const mx_node *n, int i, mx_array *g) { \
        mx_array *x = n->in[0], *y = mx_node_out(n, 0);               \
        return (void)i, (void)x, (void)y, (expression);               \
    }
#define STEP2(name, towards_a, towards_b)                             \
    static mx_array *d_##name(const mx_node *n, int i, mx_array *g) { \
        mx_array *a = n->in[0], *b = n->in[1];                        \
        return (void)a, (void)b, i == 0 ? (towards_a) : (towards_b);  \
    }

/* r in g's dtype where that is a half. */
static inline mx_array *mx_rounded_as(const mx_array *g, mx_array *r) {
    mx_dtype t = g ? mx_dtype_of(g) : MX_FLOAT32;
    return mx_dtype_compute(t) == t ? r : mx_astype(r, t);
}

/* infer_name and the descriptor's common members; the rules of pointwise primitives are generic. */
#define POINTWISE_INFER(name)                                                                      \
    static bool infer_##name(const void *p, mx_array *const *in, int nin, mx_out *out, int nout) { \
        return (void)p, (void)nout, mx_pointwise_infer(MX_PW_##name, in, nin, out);                \
    }
#define POINTWISE_DESC(op, Op, more)           \
    const mx_prim_desc mx_desc_##op = {        \
        .name = #Op,                           \
        .traits = MX_TRAIT_POINTWISE | (more), \
        .infer = infer_##op,                   \
        .partial = d_##op,                     \
    };

#endif
