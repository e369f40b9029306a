/* What the files of pointwise operations share: derivative rows and descriptors. */
#ifndef MX_OPS_POINTWISE_H
#define MX_OPS_POINTWISE_H

#include "ops/rules.h"

/* A row: g times the derivative of y = name(x). */
#define D1(name, expression)                                          \
    static mx_array *d_##name(const mx_node *n, int i, mx_array *g) { \
        mx_array *x = n->in[0], *y = mx_node_out(n, 0);               \
        return (void)i, (void)x, (void)y, (expression);               \
    }
/* A row: g times the derivatives of y = name(a, b) towards a and towards b. */
#define D2(name, towards_a, towards_b)                                        \
    static mx_array *d_##name(const mx_node *n, int i, mx_array *g) {         \
        mx_array *a = n->in[0], *b = n->in[1], *y = mx_node_out(n, 0);        \
        return (void)a, (void)b, (void)y, i == 0 ? (towards_a) : (towards_b); \
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
