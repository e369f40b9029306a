/* Rows between products: activations, residuals, caps, results of attention. */
#include "kernels/attention/k_attention.h"
#include "kernels/simd/k_lanes.h"
#include "kernels/simd/vmath.h"

#define L VF_LANES
#define T MX_FLOAT32

SV vf silu(vf x) {
    return vf_mul(x, vf_sigmoid(x));
}
SV vf gelu(vf x) {
    vf erf = vf_erf(vf_mul(x, vf_set1(0.70710678f)));
    return vf_mul(vf_mul(x, vf_set1(0.5f)), vf_add(vf_set1(1.0f), erf));
}
SV vf gelu_tanh(vf x) {
    vf cube = vf_mul(vf_mul(x, x), x);
    vf inner = vf_mul(vf_set1(0.79788456f), vf_fma(vf_set1(0.044715f), cube, x));
    return vf_mul(vf_mul(x, vf_set1(0.5f)), vf_add(vf_set1(1.0f), vf_tanh(inner)));
}
SV vf relu(vf x) {
    return vf_max(vf_zero(), x);
}
SV vf relu2(vf x) {
    return vf_mul(relu(x), relu(x));
}
SV vf clamped(vf x) {
    x = vf_min(vf_set1(7.0f), x);
    return vf_mul(x, vf_sigmoid(vf_mul(x, vf_set1(1.702f))));
}
SV vf sigmoid(vf x) {
    return vf_sigmoid(x);
}

/* What the gate is multiplied by. */
SV vf other(mx_gate_kind kind, const float *up, size_t i, size_t n) {
    vf u = up ? lanes_some(T, up, i, n) : vf_set1(kind == MX_GATE_clamped ? 0.0f : 1.0f);
    if (kind != MX_GATE_clamped)
        return u;
    return vf_add(vf_set1(1.0f), vf_min(vf_set1(7.0f), vf_max(vf_set1(-7.0f), u)));
}

#define X(name)                                                                         \
    static void gate_##name(float *out, const float *gate, const float *up, size_t n) { \
        for (size_t i = 0; i < n; i += L)                                               \
            lanes_put_some(T, out, i, n,                                                \
                           vf_mul(name(lanes_some(T, gate, i, n)),                      \
                                  other(MX_GATE_##name, up, i, n)));                    \
    }
MX_GATES(X)
#undef X

static void add(float *x, const float *y, float scale, size_t n) {
    vf s = vf_set1(scale);
    for (size_t i = 0; i < n; i += L) {
        vf v = vf_fma(s, lanes_some(T, y, i, n), lanes_some(T, x, i, n));
        lanes_put_some(T, x, i, n, v);
    }
}

static void cap(float *x, float scale, float most, size_t n) {
    vf s = vf_set1(most != 0 ? scale / most : scale), c = vf_set1(most);
    for (size_t i = 0; i < n; i += L) {
        vf v = vf_mul(lanes_some(T, x, i, n), s);
        lanes_put_some(T, x, i, n, most != 0 ? vf_mul(c, vf_tanh(v)) : v);
    }
}

/* e^x for x <= 0; NaN stays. */
static float weight(float x) {
    float e[L];
    vf v = vf_set1(x);
    vf_store(e, vf_select(vf_lt(v, vf_set1(-87.0f)), vf_zero(), vf_exp_negative(v)));
    return e[0];
}

static void fold(float *m, float *l, float *o, float m2, float l2, const float *o2, size_t n) {
    float top = *m > m2 ? *m : m2;
    float c = *m == top ? 1.0f : weight(*m - top), c2 = m2 == top ? 1.0f : weight(m2 - top);
    vf a = vf_set1(c), b = vf_set1(c2);
    for (size_t i = 0; i < n; i += L) {
        vf v = vf_mul(lanes_some(T, o, i, n), a);
        lanes_put_some(T, o, i, n, vf_fma(lanes_some(T, o2, i, n), b, v));
    }
    *l = *l * c + l2 * c2;
    *m = top;
}

static void divide(float *o, float by, size_t n) {
    vf d = vf_set1(by);
    for (size_t i = 0; i < n; i += L)
        lanes_put_some(T, o, i, n, vf_div(lanes_some(T, o, i, n), d));
}

static void scan(float *s, size_t rows, size_t n, float decay, float dt, const float *x,
                 const float *b, const float *c, float *y) {
    vf d = vf_set1(decay);
    for (size_t r = 0; r < rows; r++, s += n) {
        vf sum = vf_zero(), v = vf_set1(dt * x[r]);
        for (size_t i = 0; i < n; i += L) {
            vf now = vf_fma(v, lanes_some(T, b, i, n), vf_mul(d, lanes_some(T, s, i, n)));
            lanes_put_some(T, s, i, n, now);
            sum = vf_fma(now, lanes_some(T, c, i, n), sum);
        }
        y[r] = vf_sum(sum);
    }
}

const mx_k_decode KN(mx_decode) = {
#define X(name) .gate[MX_GATE_##name] = gate_##name,
    MX_GATES(X)
#undef X
        .add = add,
    .cap = cap,
    .fold = fold,
    .divide = divide,
    .scan = scan,
    .sums = KN(mx_cell_sums),
    .plain = &KN(mx_cells_plain),
    .vnni = &KN(mx_cells_vnni),
};
