/* The gated delta rule (Yang, Kautz and Hatamizadeh, "Gated Delta Networks", 2024), a linear
 * attention whose state decays:
 *
 *     q, k (B,T,Hk,Dk)   v (B,T,H,Dv), H a multiple of Hk
 *     gamma (B,T,H) or (B,T,H,Dk)   beta (B,T,H)
 *     state (B,H,Dv,Dk)  mask (B,T)    ->    y (B,T,H,Dv), the state after the last step
 *
 * For each head S' = gamma_t S;  S = S' + beta_t (v_t - S' k_t) k_t^T;  y_t = S q_t. A masked step
 * leaves S and gives 0.
 * The state is kept in float32 at least. Derivatives go through the expansion, one step after
 * another.
 */
#include "base/mem.h"
#include "base/status.h"
#include "graph/array/params.h"
#include "ops/rules.h"

#define NAME "[gated_delta_update] "
enum { TEXT = 256, Q = 0, K, V, GAMMA, BETA, STATE, MASK };

static const mx_field fields[] = {MX_FIELD(mx_p_gated_delta, mask, BOOL), MX_FIELD_END};

/* --- shapes ----------------------------------------------------------------------------------- */

static bool same(const char *what, const mx_array *a, const int *shape, int ndim) {
    char has[TEXT], wanted[TEXT];
    return mx_shape_is(a, shape, ndim) || mx_fail(MX_INVALID, NAME "%s has shape %s, expected %s",
                                                  what, mx_shape_text(has, TEXT, a->shape, a->ndim),
                                                  mx_shape_text(wanted, TEXT, shape, ndim));
}

static bool check_main(mx_array *const *in) {
    static const char *const names[] = {"q", "k", "v"};
    for (int i = 0; i < 3; i++)
        if (in[i]->ndim != 4)
            return mx_fail(MX_INVALID, NAME "%s must have 4 dimensions, has %d", names[i],
                           in[i]->ndim);
    const int *q = in[Q]->shape, *v = in[V]->shape, like[4] = {q[0], q[1], v[2], v[3]};
    if (!same("k", in[K], q, 4) || !same("v", in[V], like, 4))
        return false;
    return (q[2] > 0 && v[2] % q[2] == 0) || (q[2] == 0 && v[2] == 0) ||
           mx_fail(MX_INVALID, NAME "v's %d heads are no multiple of k's %d", v[2], q[2]);
}

static bool infer(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_p_gated_delta *p = params;
    if (nin != MASK + p->mask || nout != 2)
        return mx_fail(MX_INVALID, NAME "%d inputs do not fit the parameters", nin);
    if (!check_main(in))
        return false;
    const int *q = in[Q]->shape, *v = in[V]->shape, each[4] = {q[0], q[1], v[2], q[3]};
    const int state[4] = {q[0], v[2], v[3], q[3]};
    if (!same("gamma", in[GAMMA], each, in[GAMMA]->ndim == 4 ? 4 : 3) ||
        !same("beta", in[BETA], each, 3) || !same("the state", in[STATE], state, 4) ||
        (p->mask && !same("mask", in[MASK], each, 2)))
        return false;
    mx_dtype t = mx_dtype_of(in[Q]);
    for (int i = 0; i < MASK; i++)
        if (in[i]->dtype != t || (t != MX_FLOAT32 && t != MX_FLOAT64))
            return mx_fail(MX_INVALID, NAME "the dtypes do not fit: %s",
                           mx_dtype_name(mx_dtype_of(in[i])));
    if (p->mask && in[MASK]->dtype != MX_BOOL)
        return mx_fail(MX_INVALID, NAME "the mask must be bool");
    out[0] = (mx_out){t, mx_shape_of(in[V])};
    out[1] = (mx_out){t, mx_shape_of(in[STATE])};
    return true;
}

/* --- in simpler primitives -------------------------------------------------------------------- */

/* (B,T,Hk,D) with each head as often as heads of v share it: (B,T,H,D) */
static mx_array *shared(mx_array *a, int heads) {
    int members = a && a->shape[2] ? heads / a->shape[2] : 1;
    return a && members > 1 ? mx_repeat(a, members, 2) : a;
}

/* Step t of (B,T,...), without that axis. */
static mx_array *at(mx_array *a, int t) {
    return a ? mx_squeeze_axis(mx_slice_axis(a, 1, t, t + 1), 1) : NULL;
}

/* The state (B,H,Dv,Dk) after a step. */
static mx_array *next(mx_array *s, mx_array *k, mx_array *v, mx_array *gamma, mx_array *beta) {
    mx_array *key = mx_expand_dim(k, -2);
    mx_array *kept = mx_mul(s, mx_expand_dim(gamma, -2));
    mx_array *change =
        mx_mul(mx_sub(v, mx_sum_axis(mx_mul(kept, key), -1, false)), mx_expand_dim(beta, -1));
    return mx_add(kept, mx_mul(mx_expand_dim(change, -1), key));
}

/* What a mask (B) leaves of `now`, and `otherwise` elsewhere. */
static mx_array *where_seen(mx_array *mask, int t, mx_array *now, mx_array *otherwise) {
    if (!mask || !now)
        return now;
    mx_array *seen = at(mask, t);
    while (seen && seen->ndim < now->ndim)
        seen = mx_expand_dim(seen, -1);
    return mx_where(seen, now, otherwise);
}

static bool steps(mx_array *const *in, mx_array *mask, mx_array **y, mx_array **state) {
    int heads = in[V]->shape[2];
    mx_array *q = shared(in[Q], heads), *k = shared(in[K], heads), *s = in[STATE];
    mx_array *gamma = in[GAMMA]->ndim == 4 ? in[GAMMA] : mx_expand_dim(in[GAMMA], -1);
    for (int t = 0; t < in[V]->shape[1] && s; t++) {
        mx_array *now = next(s, at(k, t), at(in[V], t), at(gamma, t), at(in[BETA], t));
        mx_array *seen =
            now ? mx_sum_axis(mx_mul(now, mx_expand_dim(at(q, t), -2)), -1, false) : NULL;
        y[t] = where_seen(mask, t, seen, seen ? mx_zero_like(seen) : NULL);
        s = where_seen(mask, t, now, s);
    }
    *state = s;
    return s != NULL;
}

static bool as_algebra(mx_array *const *in, mx_array *mask, mx_array **out) {
    int n = in[V]->shape[1];
    mx_array **y = mx_calloc((size_t)n + 1, sizeof *y);
    bool ok = y && steps(in, mask, y, &out[1]);
    if (ok)
        out[0] = n ? mx_stack(y, n, 1) : mx_zeros_like(in[V]);
    mx_free(y);
    return ok && out[0];
}

static bool expand(const mx_node *y, mx_array *const *in, mx_array **out) {
    return as_algebra(in, y->nin > MASK ? in[MASK] : NULL, out);
}

/* --- batching: one more axis of examples ------------------------------------------------------ */

static bool vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                 int *out_axes) {
    mx_array *to[MASK + 1], *r[2];
    int batch = y->in[Q]->shape[0];
    mx_trace_pin("GatedDelta");
    for (int i = 0; i < y->nin; i++) {
        to[i] = mx_batch_front_full(in[i], axes[i], n);
        if (!to[i] || !(to[i] = mx_flatten(to[i], 0, 1)))
            return false;
    }
    if (!mx_apply_multi(MX_PRIM_gated_delta, y->params, to, y->nin, r, 2))
        return false;
    for (int j = 0; j < 2; j++) {
        out[j] = mx_unflatten(r[j], 0, (int[]){n, batch}, 2);
        out_axes[j] = 0;
    }
    return out[0] && out[1];
}

const mx_prim_desc mx_desc_gated_delta = {
    .name = "GatedDelta",
    .fields = fields,
    .param_size = sizeof(mx_p_gated_delta),
    .infer = infer,
    .vmap = vmap,
    .expand = expand,
};

/* --- the operation ---------------------------------------------------------------------------- */

static mx_array *widened(mx_array *a, const int *shape, int ndim, mx_dtype t) {
    return a ? mx_broadcast_to(mx_astype(a, t), shape, ndim) : NULL;
}

static mx_array *seen_steps(mx_array *mask, const int *q) {
    return mask ? mx_broadcast_to(mx_astype(mask, MX_BOOL), q, 2) : NULL;
}

/* All of one dtype, and broadcast; false: an error. */
static bool prepare(mx_array *const *given, mx_dtype t, mx_array **in) {
    const int *q = given[Q]->shape, *v = given[V]->shape, each[4] = {q[0], q[1], v[2], q[3]};
    const int state[4] = {q[0], v[2], v[3], q[3]};
    for (int i = Q; i <= V; i++)
        in[i] = mx_astype(given[i], t);
    in[GAMMA] = widened(given[GAMMA], each, given[GAMMA]->ndim == 4 ? 4 : 3, t);
    in[BETA] = widened(given[BETA], each, 3, t);
    in[STATE] = given[STATE] ? widened(given[STATE], state, 4, t) : mx_zeros(state, 4, t);
    in[MASK] = seen_steps(given[MASK], q);
    return !mx_failed();
}

bool mx_gated_delta_update(mx_array *q, mx_array *k, mx_array *v, mx_array *gamma, mx_array *beta,
                           mx_array *state, mx_array *mask, mx_array **out) {
    mx_array *given[MASK + 1] = {q, k, v, gamma, beta, state, mask}, *in[MASK + 1];
    if (!q || !k || !v || !gamma || !beta || !check_main(given))
        return false;
    mx_dtype t = MX_FLOAT32,
             shown = mx_dtype_to_inexact(mx_dtype_promote(mx_dtype_of(q), mx_dtype_of(k)));
    for (int i = 0; i < MASK; i++)
        t = given[i] ? mx_dtype_promote(t, mx_dtype_of(given[i])) : t;
    mx_p_gated_delta p = {mask != NULL};
    if (!prepare(given, t, in))
        return false;
    bool ok = t == MX_COMPLEX64
                  ? as_algebra(in, in[MASK], out)
                  : mx_apply_multi(MX_PRIM_gated_delta, &p, in, MASK + p.mask, out, 2);
    return ok && (out[0] = mx_astype(out[0], shown)) && out[1];
}
