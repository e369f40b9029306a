/* rms_norm, layer_norm, rope, attention: fused against written out, derivatives, layouts,
   refusals. */
#include "gradients.h"

#include "graph/array/params.h"
#include "tolerance.h"

static const double *doubles(mx_array *a) {
    a = mx_contiguous(mx_astype(a, MX_FLOAT64), false);
    return a && mx_eval1(a) ? (const double *)a->data : NULL;
}

static void check_same(const char *what, mx_array *a, mx_array *b, double tolerance) {
    if (!CHECK_MSG(a && b && mx_same_shape(a, b), "%s: shapes differ or failed: %s", what,
                   mx_error_message()))
        return mx_error_clear();
    const double *x = doubles(a), *y = doubles(b);
    double worst = x && y ? 0 : INFINITY;
    for (int64_t i = 0; x && y && i < a->size; i++)
        worst = isnan(x[i]) && isnan(y[i])
                    ? worst
                    : fmax(worst, isnan(x[i] - y[i]) ? INFINITY : fabs(x[i] - y[i]));
    CHECK_MSG(worst <= tolerance, "%s: differ by %g %s", what, worst, mx_error_message());
    mx_error_clear();
}

/* What the primitive behind y computes, through its expansion. */
static mx_array *written_out(mx_array *y) {
    mx_array *out[4] = {NULL};
    if (!y || !CHECK(y->node && mx_node_desc(y->node)->expand) ||
        !mx_node_desc(y->node)->expand(y->node, y->node->in, out))
        return NULL;
    return out[y->index];
}

/* The expansion rounds at each of a few steps, and sums some forty numbers. */
static double steps_tolerance(mx_dtype t) {
    return 5 * tolerance_of(t, 40);
}

static void check_fused(const char *what, mx_array *y) {
    mx_dtype t = y ? mx_dtype_of(y) : MX_FLOAT32;
    mx_array *e = written_out(y);
    check_same(what, y, e, steps_tolerance(t));
}

static const mx_dtype floats[] = {MX_FLOAT32, MX_FLOAT64, MX_FLOAT16, MX_BFLOAT16};

/* --- norms ------------------------------------------------------------------------------------ */

static void norms_of(mx_dtype t, int rows, int n) {
    mx_scope s = mx_scope_open();
    mx_array *x = noise((int[]){2, rows, n}, 3, 1, t), *w = noise(&n, 1, 2, t),
             *b = noise(&n, 1, 3, t);
    mx_array *g = noise((int[]){2, rows, n}, 3, 4, t);
    check_fused("rms_norm", mx_rms_norm(x, w, 1e-5));
    check_fused("rms_norm plain", mx_rms_norm(x, NULL, 1e-5));
    check_fused("layer_norm", mx_layer_norm(x, w, b, 1e-5));
    check_fused("layer_norm weight", mx_layer_norm(x, w, NULL, 1e-5));
    check_fused("layer_norm bias", mx_layer_norm(x, NULL, b, 1e-5));
    check_fused("rms_norm strided",
                mx_rms_norm(mx_slice(x, (int[]){0, 0, 0}, (int[]){2, rows, n}, (int[]){1, 2, 1}), w,
                            1e-5));
    mx_array *turned = mx_swapaxes(noise((int[]){2, n, rows}, 3, 1, t), 1, 2);
    check_fused("layer_norm transposed", mx_layer_norm(turned, w, b, 1e-5));
    mx_p_norm p = {1e-5, true, false}, q = {1e-5, true, true};
    mx_array *out[3], *expanded[3] = {NULL};
    CHECK(mx_apply_multi(MX_PRIM_rms_norm_vjp, &p, (mx_array *[]){x, g, w}, 3, out, 2));
    CHECK(mx_prims[MX_PRIM_rms_norm_vjp]->expand(out[0]->node, out[0]->node->in, expanded));
    check_same("rms_norm dx", out[0], expanded[0], 8 * steps_tolerance(t));
    check_same("rms_norm dw", out[1], expanded[1], 2 * rows * steps_tolerance(t));
    CHECK(mx_apply_multi(MX_PRIM_layer_norm_vjp, &q, (mx_array *[]){x, g, w}, 3, out, 3));
    CHECK(mx_prims[MX_PRIM_layer_norm_vjp]->expand(out[0]->node, out[0]->node->in, expanded));
    check_same("layer_norm dx", out[0], expanded[0], 8 * steps_tolerance(t));
    check_same("layer_norm dw", out[1], expanded[1], 2 * rows * steps_tolerance(t));
    check_same("layer_norm db", out[2], expanded[2], 2 * rows * steps_tolerance(t));
    mx_scope_close(s);
}

static void norms(void) {
    for (int i = 0; i < 4; i++) {
        norms_of(floats[i], 3, 5);
        norms_of(floats[i], 40, 64);
        norms_of(floats[i], 1, 1000);
    }
}

static mx_array *rms(mx_array *const *x) {
    return mx_rms_norm(x[0], x[1], 1e-3);
}
static mx_array *plain_rms(mx_array *const *x) {
    return mx_rms_norm(x[0], NULL, 1e-3);
}
static mx_array *layer(mx_array *const *x) {
    return mx_layer_norm(x[0], x[1], x[2], 1e-3);
}
static mx_array *layer_without_bias(mx_array *const *x) {
    return mx_layer_norm(x[0], x[1], NULL, 1e-3);
}
static mx_array *layer_without_weight(mx_array *const *x) {
    return mx_layer_norm(x[0], NULL, x[1], 1e-3);
}
static mx_array *slope_of_rms(mx_array *const *x) {
    return gradient_of(rms, x, 2);
}
static mx_array *slope_of_layer(mx_array *const *x) {
    return gradient_of(layer, x, 3);
}

static void norm_derivatives(void) {
    mx_scope s = mx_scope_open();
    mx_array *in[3] = {NOISE(1, 3, 4, 6), NOISE(2, 6), NOISE(3, 6)};
    check_gradients("rms_norm", rms, in, 2);
    check_gradients("rms_norm plain", plain_rms, in, 1);
    check_gradients("layer_norm", layer, in, 3);
    check_gradients("layer_norm weight", layer_without_bias, in, 2);
    check_gradients("layer_norm bias", layer_without_weight, in, 2);
    check_gradients("rms_norm twice", slope_of_rms, in, 2);
    check_gradients("layer_norm twice", slope_of_layer, in, 3);
    mx_scope_close(s);
}

/* --- rope ------------------------------------------------------------------------------------- */

static const double ten_thousand = 10000;

static mx_array *offset_of(int v) {
    return mx_scalar_i64(v, MX_INT32);
}

static void rope_of(mx_dtype t, bool traditional) {
    mx_scope s = mx_scope_open();
    mx_array *x = noise((int[]){2, 3, 70, 16}, 4, 1, t), *freqs = mx_arange(1, 5, 1, MX_FLOAT32);
    mx_array *each = mx_arange(3, 5, 1, MX_INT32);
    check_fused("rope", mx_rope(x, 16, traditional, &ten_thousand, 1, offset_of(0), NULL));
    check_fused("rope part", mx_rope(x, 8, traditional, &ten_thousand, 0.5, offset_of(7), NULL));
    check_fused("rope freqs", mx_rope(x, 8, traditional, NULL, 2, offset_of(7), freqs));
    check_fused("rope offsets", mx_rope(x, 8, traditional, &ten_thousand, 1, each, NULL));
    check_fused("rope heads", mx_rope(mx_swapaxes(noise((int[]){2, 70, 3, 16}, 4, 1, t), 1, 2), 16,
                                      traditional, &ten_thousand, 1, offset_of(1), NULL));
    check_fused("rope one", mx_rope(noise((int[]){2, 3, 1, 16}, 4, 1, t), 16, traditional,
                                    &ten_thousand, 1, offset_of(300), NULL));
    check_fused("rope columns", mx_rope(mx_swapaxes(noise((int[]){3, 16, 5}, 3, 1, t), 1, 2), 16,
                                        traditional, &ten_thousand, 1, offset_of(1), NULL));
    mx_scope_close(s);
}

static void ropes(void) {
    rope_of(MX_FLOAT32, false);
    rope_of(MX_FLOAT32, true);
    rope_of(MX_FLOAT16, true);
    rope_of(MX_BFLOAT16, false);
}

static mx_array *turned(mx_array *const *x) {
    return mx_rope(x[0], 4, true, &ten_thousand, 1, offset_of(3), NULL);
}
static mx_array *turned_halves(mx_array *const *x) {
    return mx_rope(x[0], 6, false, &ten_thousand, 1, offset_of(3), NULL);
}

static mx_array *turned_by(mx_array *const *x) {
    return mx_sum_all(mx_square(mx_add(mx_rope(x[0], 6, false, NULL, 1, offset_of(3), x[1]),
                                       x[0])));
}

/* The gradient in float32 (fused) against float64 (written out). */
static void check_precisions(const char *what, array_fn *f, mx_array *const *x, int n,
                             double tolerance) {
    array_fn *g = f;
    mx_closure c = mx_closure_local(call_array_fn, &g);
    mx_array *single[6], *like = f(x), *u = mx_ones_like(like), *v = mx_astype(u, MX_FLOAT32);
    mx_arrays y = {0}, z = {0}, a = {0}, b = {0};
    for (int i = 0; i < n; i++)
        single[i] = x[i]->dtype == MX_FLOAT64 ? mx_astype(x[i], MX_FLOAT32) : x[i];
    bool ok = mx_vjp(&c, x, n, &u, 1, &y, &a) && mx_vjp(&c, single, n, &v, 1, &z, &b);
    CHECK_MSG(ok, "%s: %s", what, mx_error_message());
    for (int i = 0; i < n && ok; i++)
        if (x[i]->dtype == MX_FLOAT64)
            check_same(what, a.item[i], b.item[i], tolerance);
    if (ok)
        check_same(what, y.item[0], z.item[0], tolerance);
    mx_arrays_free(&y);
    mx_arrays_free(&z);
    mx_arrays_free(&a);
    mx_arrays_free(&b);
}

static void rope_derivatives(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = NOISE(1, 2, 3, 5, 8), *freqs = mx_add_s(mx_square(NOISE(2, 3)), 1);
    check_gradients("rope", turned, &x, 1);
    check_gradients("rope halves", turned_halves, &x, 1);
    check_precisions("rope", turned, &x, 1, 1e-5);
    check_precisions("rope halves", turned_halves, &x, 1, 1e-5);
    check_precisions("rope freqs", turned_by, (mx_array *[]){x, freqs}, 2, 2e-3);
    mx_scope_close(s);
}

/* --- attention -------------------------------------------------------------------------------- */

typedef struct attention_case {
    int b, h, hk, lq, lk, d, dv;
} attention_case;

static void attention_of(const attention_case *c, mx_dtype t) {
    mx_scope s = mx_scope_open();
    mx_array *q = noise((int[]){c->b, c->h, c->lq, c->d}, 4, 1, t),
             *k = noise((int[]){c->b, c->hk, c->lk, c->d}, 4, 2, t);
    mx_array *v = noise((int[]){c->b, c->hk, c->lk, c->dv}, 4, 3, t),
             *sinks = noise(&c->h, 1, 4, t);
    mx_array *bias = noise((int[]){c->lq, c->lk}, 2, 5, t),
             *seen = mx_greater(bias, mx_scalar(-0.5, t));
    mx_array *deep = noise((int[]){c->b, c->h, c->lq, c->lk}, 4, 6, t);
    check_fused("attention", mx_attention(q, k, v, 0.3, "", NULL, NULL));
    check_fused("attention causal", mx_attention(q, k, v, 0.3, "causal", NULL, NULL));
    check_fused("attention bias", mx_attention(q, k, v, 0.3, "", bias, NULL));
    check_fused("attention seen", mx_attention(q, k, v, 0.3, "array", seen, NULL));
    check_fused("attention deep", mx_attention(q, k, v, 0.3, "", deep, NULL));
    check_fused("attention sinks", mx_attention(q, k, v, 0.3, "", NULL, sinks));
    check_fused("attention both", mx_attention(q, k, v, 0.3, "causal", NULL, sinks));
    mx_array *rows = noise((int[]){c->b, c->lq, c->h, c->d}, 4, 7, t);
    check_fused("attention heads behind",
                mx_attention(mx_swapaxes(rows, 1, 2), k, v, 0.3, "", NULL, NULL));
    mx_scope_close(s);
}

static void attentions(void) {
    const attention_case cases[] = {{1, 1, 1, 3, 3, 4, 4},       {2, 4, 2, 5, 9, 8, 6},
                                    {1, 4, 4, 1, 33, 16, 16},    {2, 6, 3, 1, 70, 8, 8},
                                    {1, 2, 1, 130, 130, 32, 32}, {1, 2, 2, 9, 4, 8, 8}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        attention_of(&cases[i], MX_FLOAT32);
        attention_of(&cases[i], MX_FLOAT16);
        attention_of(&cases[i], MX_BFLOAT16);
    }
}

/* A query that sees no key weighs all alike. */
static void hidden_rows(void) {
    mx_scope s = mx_scope_open();
    mx_array *q = NOISE(1, 1, 1, 3, 4), *k = NOISE(2, 1, 1, 5, 4),
             *none = mx_zeros((int[]){3, 5}, 2, MX_BOOL);
    q = mx_astype(q, MX_FLOAT32);
    k = mx_astype(k, MX_FLOAT32);
    mx_array *mean = mx_broadcast_to(mx_mean(k, (int[]){2}, 1, true), (int[]){1, 1, 3, 4}, 4);
    check_same("no key", mx_attention(q, k, k, 1, "", none, NULL), mean, 1e-6);
    mx_scope_close(s);
}

static mx_array *attend(mx_array *const *x) {
    return mx_attention(x[0], x[1], x[2], 0.5, "causal", NULL, NULL);
}
static mx_array *attend_masked(mx_array *const *x) {
    return mx_attention(x[0], x[1], x[2], 0.5, "", x[3], x[4]);
}
static mx_array *slope_of_attend(mx_array *const *x) {
    return gradient_of(attend, x, 3);
}

static void attention_derivatives(void) {
    mx_scope s = mx_scope_open();
    mx_array *in[5] = {NOISE(1, 2, 4, 3, 4), NOISE(2, 2, 2, 5, 4), NOISE(3, 2, 2, 5, 3),
                       NOISE(4, 3, 5), NOISE(5, 4)};
    check_gradients("attention", attend, in, 3);
    check_gradients("attention masked", attend_masked, in, 5);
    check_gradients("attention twice", slope_of_attend, in, 3);
    check_precisions("attention", attend, in, 3, 1e-5);
    check_precisions("attention masked", attend_masked, in, 5, 1e-5);
    mx_scope_close(s);
}

/* --- refusals --------------------------------------------------------------------------------- */

static void refused(mx_array *a, const char *message) {
    CHECK(!a);
    CHECK_HAS(mx_error_message(), message);
    mx_error_clear();
}

static void norm_refusals(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = NOISE(1, 2, 3);
    refused(mx_rms_norm(x, NOISE(2, 4), 1e-5),
            "[rms_norm] weight must have the same size as the last dimension "
            "of x but has 4 elements.");
    refused(mx_rms_norm(x, NOISE(2, 1, 3), 1e-5),
            "[rms_norm] weight must have 1 dimension but has 2 dimensions.");
    refused(mx_rms_norm(mx_scalar(1, MX_FLOAT32), NULL, 1e-5),
            "[rms_norm] Input must have at least 1 dimension");
    refused(mx_layer_norm(mx_zeros((int[]){2}, 1, MX_INT32), NULL, NULL, 1e-5),
            "[layer_norm] Received unsupported type int32.");
    refused(mx_layer_norm(x, NULL, NOISE(2, 4), 1e-5), "[layer_norm] bias must have the same size");
    mx_scope_close(s);
}

static void rope_refusals(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = NOISE(1, 2, 4, 8), *at = offset_of(0);
    refused(mx_rope(NOISE(1, 2, 3), 2, false, &ten_thousand, 1, at, NULL),
            "[rope] Input must have at least 3 dimensions but got input with 2 dimensions.");
    refused(mx_rope(x, 10, false, &ten_thousand, 1, at, NULL),
            "[rope] dims must not exceed the input's last dimension (8) but got 10.");
    refused(mx_rope(x, 5, false, &ten_thousand, 1, at, NULL),
            "[rope] dims must be even but got 5.");
    refused(mx_rope(x, 0, false, &ten_thousand, 1, at, NULL),
            "[rope] dims must be positive but got 0.");
    refused(mx_rope(x, 4, false, NULL, 1, at, NULL), "[rope] Neither base nor freqs has a value.");
    refused(mx_rope(x, 4, false, &ten_thousand, 1, at, NOISE(1, 2)),
            "[rope] Only one of base or freqs");
    refused(mx_rope(x, 4, false, NULL, 1, at, NOISE(1, 3)),
            "[rope] freqs must be one dimensional with size 2");
    refused(mx_rope(x, 4, false, &ten_thousand, 1, mx_scalar(1, MX_FLOAT32), NULL),
            "[rope] offset must be an integer but got type float32.");
    refused(mx_rope(x, 4, false, &ten_thousand, 1, mx_arange(0, 3, 1, MX_INT32), NULL),
            "[rope] offset must be a scalar or vector with 2 elements but has shape (3).");
    mx_scope_close(s);
}

static void attention_refusals(void) {
    mx_scope s = mx_scope_open();
    mx_array *q = NOISE(1, 1, 4, 3, 8), *k = NOISE(2, 1, 2, 5, 8), *v = NOISE(3, 1, 2, 5, 6);
    refused(mx_attention(NOISE(1, 4, 3, 8), k, v, 1, "", NULL, NULL), "expected to be rank 4");
    refused(mx_attention(q, NOISE(1, 1, 2, 5, 4), v, 1, "", NULL, NULL), "matching last dimension");
    refused(mx_attention(NOISE(1, 1, 3, 3, 8), k, v, 1, "", NULL, NULL),
            "n_heads must be a multiple of n_kv_heads, found n_heads 3 for n_kv_heads 2.");
    refused(mx_attention(q, k, v, 1, "foo", NULL, NULL),
            "invalid mask option 'foo'. Must be 'causal', or an array.");
    refused(mx_attention(q, k, v, 1, "", NOISE(1, 3, 4), NULL), "[broadcast_shapes] Shapes (3,4)");
    refused(mx_attention(q, k, v, 1, "", NULL, NOISE(1, 3)),
            "Received invalid shape for sinks (3).");
    refused(mx_attention(mx_astype(q, MX_INT32), mx_astype(k, MX_INT32), mx_astype(v, MX_INT32), 1,
                         "", NULL, NULL),
            "Received unsupported type int32.");
    refused(mx_attention(mx_astype(q, MX_FLOAT16), mx_astype(k, MX_FLOAT16),
                         mx_astype(v, MX_FLOAT16), 1, "", NOISE(1, 3, 5), NULL),
            "Mask type must promote to output type float16.");
    mx_scope_close(s);
}

int main(void) {
    RUN(norms);
    RUN(norm_derivatives);
    RUN(ropes);
    RUN(rope_derivatives);
    RUN(attentions);
    RUN(hidden_rows);
    RUN(attention_derivatives);
    RUN(norm_refusals);
    RUN(rope_refusals);
    RUN(attention_refusals);
    return check_done();
}
