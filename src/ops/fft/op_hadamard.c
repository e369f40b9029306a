/* hadamard_transform: the last axis times scale and the Hadamard matrix of its order m 2^k, which
 * is the Kronecker product of the one of order m (k_hadamard.h) and Sylvester's of order 2^k.
 */
#include <math.h>

#include "base/status.h"
#include "graph/array/params.h"
#include "ops/rules.h"

static const mx_field fields[] = {MX_FIELD(mx_p_hadamard, scale, DOUBLE),
                                  MX_FIELD(mx_p_hadamard, m, INT),
                                  MX_FIELD(mx_p_hadamard, transposed, BOOL), MX_FIELD_END};

static bool power_of_two(int n) {
    return n > 0 && (n & (n - 1)) == 0;
}

/* The odd part's order: 1, 12, 20 or 28; 0 where there is none. */
static int order_of(int n) {
    static const int orders[] = {1, 12, 20, 28};
    for (int i = 0; i < 4; i++)
        if (n % orders[i] == 0 && power_of_two(n / orders[i]))
            return orders[i];
    return 0;
}

static bool infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_p_hadamard *p = params;
    const mx_array *x = in[0];
    (void)nin, (void)nout;
    if (!mx_dtype_is_float(mx_dtype_of(x)))
        return mx_fail(MX_INVALID, "[hadamard] Unsupported type %s.",
                       mx_dtype_name(mx_dtype_of(x)));
    if (x->ndim == 0 || p->m == 0 || order_of(x->shape[x->ndim - 1]) != p->m)
        return mx_fail(MX_INVALID,
                       "[hadamard] Only supports n = m*2^k where m in (1, 12, 20, 28).");
    out->dtype = mx_dtype_of(x);
    out->shape = mx_shape_of(x);
    return true;
}

static bool vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad) {
    mx_p_hadamard p = *(const mx_p_hadamard *)y->params;
    p.transposed = !p.transposed;
    if (need[0])
        grad[0] = mx_apply1(MX_PRIM_hadamard, &p, cot[0]);
    return !mx_failed();
}

static bool vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                 int *out_axes) {
    (void)n;
    out[0] = mx_apply1(MX_PRIM_hadamard, y->params, mx_batch_front(in[0], axes[0]));
    out_axes[0] = 0;
    return out[0] != NULL;
}

const mx_prim_desc mx_desc_hadamard = {
    .name = "Hadamard",
    .fields = fields,
    .param_size = sizeof(mx_p_hadamard),
    .infer = infer,
    .vjp = vjp,
    .jvp = mx_linear_jvp,
    .vmap = vmap,
};

mx_array *mx_hadamard_transform(mx_array *a, const double *scale) {
    if (!a)
        return NULL;
    int n = a->ndim ? a->shape[a->ndim - 1] : 1;
    mx_p_hadamard p = {.scale = scale ? *scale : 1 / sqrt(n > 0 ? n : 1), .m = order_of(n)};
    if (a->ndim == 0) // a matrix of order one
        return mx_mul_s(mx_dtype_is_inexact(mx_dtype_of(a)) ? a : mx_astype(a, MX_FLOAT32),
                        p.scale);
    if (!mx_dtype_is_inexact(mx_dtype_of(a)))
        a = mx_astype(a, MX_FLOAT32);
    return mx_apply1(MX_PRIM_hadamard, &p, a);
}
