/* Numbers to codes, and float8. The formulas are those that MLX's results follow; each division
 * rounds by itself, so that the bits agree. */
#include "kernels/quant/k_quant_codes.h"

enum { MOST_GROUP = 128 };

/* ---- a group of numbers to codes ---- */

static void pack_codes(uint32_t *w, const uint8_t *code, int n, int bits) {
    uint64_t bag = 0;
    int have = 0;
    for (int i = 0; i < n; i++) {
        bag |= (uint64_t)code[i] << have;
        have += bits;
        if (have >= 32) {
            *w++ = (uint32_t)bag;
            bag >>= 32;
            have -= 32;
        }
    }
}

/* Of a NaN both are NaN. */
static void extremes(const float *x, int n, float *lo, float *hi) {
    vf low = vf_set1(INFINITY), high = vf_set1(-INFINITY);
    vm nan = vf_isnan(low);
    for (int i = 0; i < n; i += VF_LANES) {
        vf v = vf_load(x + i);
        nan = vm_or(nan, vf_isnan(v));
        low = vf_min(low, v);
        high = vf_max(high, v);
    }
    *lo = vm_any(nan) ? NAN : vf_hmin(low);
    *hi = vm_any(nan) ? NAN : vf_hmax(high);
}

/* The edge of larger magnitude is met exactly: it becomes the bias, and the scale is a whole part
   of it. A range around zero that is too small for that has bias 0. */
static void scale_and_bias(float lo, float hi, float most, float *scale, float *bias) {
    float s = (hi - lo) / most;
    if (!isfinite(lo) || !isfinite(hi)) { // the group is NaN
        *scale = *bias = NAN;
        return;
    }
    s = s < 1e-7f ? 1e-7f : s;
    bool low = fabsf(lo) > fabsf(hi);
    float edge = low ? lo : hi;
    s = low ? s : -s;
    float q = rintf(edge / s);
    *scale = q != 0 ? edge / q : s;
    *bias = q != 0 ? edge : 0;
}

static void affine_codes(uint8_t *code, const float *x, int n, float most, float *scale,
                         float *bias) {
    float lo, hi;
    extremes(x, n, &lo, &hi);
    scale_and_bias(lo, hi, most, scale, bias);
    vf s = vf_set1(*scale), b = vf_set1(*bias), top = vf_set1(most);
    for (int i = 0; i < n; i += VF_LANES) {
        vf q = vf_round(vf_div(vf_sub(vf_load(x + i), b), s));
        q = vf_select(vf_gt(q, vf_zero()), q, vf_zero()); // a NaN too becomes 0
        vi_store_u8(code + i, vi_round_f(vf_min(top, q)));
    }
}

/* To nearest; between two, the smaller magnitude; nothing becomes -0. */
SV vi to_e2m1(vf x) {
    static const float half_way[7] = {0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5};
    vf a = vf_abs(x);
    vi code = vi_set1(0), one = vi_set1(1);
    for (int i = 0; i < 7; i++)
        code = vi_add(code, vi_select(vf_gt(a, vf_set1(half_way[i])), one, vi_set1(0)));
    vi sign = vi_and(vi_shr(as_vi(x), 28), vi_set1(8));
    return vi_select(vi_eq(code, vi_set1(0)), code, vi_or(code, sign));
}

/* The largest magnitude; NaN if there is one. */
static float largest(const float *x, int n) {
    vf m = vf_zero();
    for (int i = 0; i < n; i += VF_LANES)
        m = vf_max_nan(m, vf_abs(vf_load(x + i)));
    return vm_any(vf_isnan(m)) ? NAN : vf_hmax(m);
}

SV float round_one(float x, mx_dtype kind) {
    uint16_t h[1] = {0};
    if (kind == MX_FLOAT32)
        return x;
    h[0] = kind == MX_FLOAT16 ? mx_f32_to_f16(x) : mx_f32_to_bf16(x);
    return kind_get(h, 0, kind);
}

/* Codes and the scale's code. A group with a NaN becomes NaN by its scale, with zeros: e4m3's 0x7f,
   and e8m0's 255, which is infinity times zero; infinities saturate. */
SV void float_codes(uint8_t *code, uint8_t *scale, const float *x, mx_quant_format f, float stretch,
                    mx_dtype kind) {
    float most = f.mode == MX_MXFP8 ? 448 : 6, m = largest(x, f.group), s;
    m = round_one(m / most, kind);
    if (f.mode == MX_NVFP4) {
        *scale = mx_f32_to_e4m3(m * stretch);
        s = mx_e4m3_to_f32(*scale);
    } else {
        *scale = isnan(m) ? 255 : mx_f32_to_e8m0_up(m);
        s = mx_e8m0_to_f32(*scale);
    }
    if (s == 0 || isnan(m)) {
        memset(code, 0, (size_t)f.group);
        return;
    }
    for (int i = 0; i < f.group; i += VF_LANES) {
        vf v = quant_round(vf_div(vf_load(x + i), vf_set1(s)), kind);
        v = vf_mul(v, vf_set1(stretch));
        vi_store_u8(code + i, f.mode == MX_MXFP8 ? quant_to_e4m3(v) : to_e2m1(v));
    }
}

SV void put_kind(void *p, ptrdiff_t i, float x, mx_dtype kind) {
    if (kind == MX_FLOAT32)
        ((float *)p)[i] = x;
    else
        ((uint16_t *)p)[i] = kind == MX_FLOAT16 ? mx_f32_to_f16(x) : mx_f32_to_bf16(x);
}

SV void quantize(uint32_t *w, void *scales, void *biases, const void *x, mx_quant_format f,
                 ptrdiff_t groups, float stretch, mx_dtype kind) {
    float v[MOST_GROUP], scale, bias;
    uint8_t code[MOST_GROUP];
    for (ptrdiff_t g = 0; g < groups; g++) {
        for (int i = 0; i < f.group; i += VF_LANES)
            vf_store(v + i, kind_load(kind_at(x, g * f.group + i, kind), kind));
        if (f.mode == MX_AFFINE) {
            affine_codes(code, v, f.group, (float)((1 << f.bits) - 1), &scale, &bias);
            put_kind(scales, g, scale, kind);
            put_kind(biases, g, bias, kind);
        } else {
            float_codes(code, (uint8_t *)scales + g, v, f, stretch, kind);
        }
        pack_codes(w + g * f.group * f.bits / 32, code, f.group, f.bits);
    }
}

static void quantize_f32(uint32_t *w, void *scales, void *biases, const void *x, mx_quant_format f,
                         ptrdiff_t groups, float stretch) {
    quantize(w, scales, biases, x, f, groups, stretch, MX_FLOAT32);
}
static void quantize_f16(uint32_t *w, void *scales, void *biases, const void *x, mx_quant_format f,
                         ptrdiff_t groups, float stretch) {
    quantize(w, scales, biases, x, f, groups, stretch, MX_FLOAT16);
}
static void quantize_bf16(uint32_t *w, void *scales, void *biases, const void *x, mx_quant_format f,
                          ptrdiff_t groups, float stretch) {
    quantize(w, scales, biases, x, f, groups, stretch, MX_BFLOAT16);
}

/* ---- float8 ---- */

SV void to_fp8(uint8_t *dst, const void *x, size_t n, mx_dtype kind) {
    size_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES)
        vi_store_u8(dst + i, quant_to_e4m3(kind_load(kind_at(x, (ptrdiff_t)i, kind), kind)));
    for (; i < n; i++)
        dst[i] = mx_f32_to_e4m3(kind_get(x, (ptrdiff_t)i, kind));
}
SV void from_fp8(void *dst, const uint8_t *x, size_t n, mx_dtype kind) {
    size_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES)
        kind_store((char *)dst + i * kind_size(kind), quant_from_e4m3(vi_load_u8(x + i)), kind);
    for (; i < n; i++)
        put_kind(dst, (ptrdiff_t)i, mx_e4m3_to_f32(x[i]), kind);
}
static void to_fp8_f32(uint8_t *dst, const void *x, size_t n) {
    to_fp8(dst, x, n, MX_FLOAT32);
}
static void to_fp8_f16(uint8_t *dst, const void *x, size_t n) {
    to_fp8(dst, x, n, MX_FLOAT16);
}
static void to_fp8_bf16(uint8_t *dst, const void *x, size_t n) {
    to_fp8(dst, x, n, MX_BFLOAT16);
}
static void from_fp8_f32(void *dst, const uint8_t *x, size_t n) {
    from_fp8(dst, x, n, MX_FLOAT32);
}
static void from_fp8_f16(void *dst, const uint8_t *x, size_t n) {
    from_fp8(dst, x, n, MX_FLOAT16);
}
static void from_fp8_bf16(void *dst, const uint8_t *x, size_t n) {
    from_fp8(dst, x, n, MX_BFLOAT16);
}

#define FLOATS(name) \
    {[MX_FLOAT32] = name##_f32, [MX_FLOAT16] = name##_f16, [MX_BFLOAT16] = name##_bf16}

const mx_k_quant KN(mx_quant) = {
    .quantize = FLOATS(quantize),
    .dequant = KN(k_dequant),
    .dots = &KN(k_quant_dots),
    .pack = KN(k_quant_pack),
    .dequantize = {[MX_FLOAT32] = KN(k_dequantize_f32),
                   [MX_FLOAT16] = KN(k_dequantize_f16),
                   [MX_BFLOAT16] = KN(k_dequantize_bf16)},
    .to_fp8 = FLOATS(to_fp8),
    .from_fp8 = FLOATS(from_fp8),
};
