/* Every pointwise kernel of every instruction set that this processor has, against the reference of
 * kernels/k_ref.h (halves: against the float32 kernel): random and special values, every length up
 * to 70, odd addresses, in place. The rows come from pointwise.def; a new operation is tested as
 * soon as it stands there. */
#include <float.h>
#include <stdlib.h>

#include "base/half.h"
#include "check.h"
#include "kernels/k_ref.h"
#include "kernels/kernels.h"

enum { N = 3000, TAIL = 70, ROOM = 8 * (N + 64) };

static uint64_t state;

static uint64_t random_bits(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1du;
}
static double uniform(double lo, double hi) {
    return lo + (hi - lo) * (double)(random_bits() >> 11) * 0x1p-53;
}

/* ---- values ---- */

static const double special[] = {0.0,
                                 -0.0,
                                 INFINITY,
                                 -INFINITY,
                                 NAN,
                                 1,
                                 -1,
                                 0.5,
                                 -0.5,
                                 1.5,
                                 2.5,
                                 -2.5,
                                 2,
                                 -2,
                                 3,
                                 -3,
                                 10,
                                 0.1,
                                 -0.1,
                                 1e-3,
                                 0x1p-24,
                                 -0x1p-24,
                                 0x1p-126,
                                 -0x1p-126,
                                 0x1p-149,
                                 -0x1p-149,
                                 0x1.fffffep127,
                                 -0x1.fffffep127,
                                 88.7,
                                 88.8,
                                 -87.4,
                                 -103.9,
                                 -104.1,
                                 8388607.5,
                                 8388608.5,
                                 2147483520.0,
                                 2147483648.0,
                                 -2147483648.0,
                                 -2147483904.0,
                                 4294967040.0,
                                 4294967296.0,
                                 9.2e18,
                                 9.3e18,
                                 1.8e19,
                                 1.9e19,
                                 -9.3e18,
                                 1e30,
                                 -1e30,
                                 131072,
                                 131073,
                                 1e6,
                                 1.5707963,
                                 3.1415927,
                                 0.70710678,
                                 0.99999994,
                                 1.0000001,
                                 -0.99999994,
                                 300.7,
                                 -300.7,
                                 65519,
                                 65520,
                                 65536,
                                 6.1e-5,
                                 5.9e-8,
                                 2.9e-8,
                                 1e-10,
                                 41,
                                 -41,
                                 5e9,
                                 -5e9};
enum { SPECIALS = sizeof special / sizeof *special };

/* A special value, any bits, or a number near those that matter. */
static double some_real(size_t k, bool tame) {
    uint32_t u = (uint32_t)random_bits();
    if (tame)
        return k % 2 ? uniform(-3, 3) : uniform(-10, 10);
    if (k % 5 == 0)
        return special[random_bits() % SPECIALS];
    if (k % 5 == 1) {
        float f = mx_bits_f32(u);
        return isnan(f) ? NAN : f;
    }
    return k % 5 == 2 ? uniform(-1, 1) : k % 5 == 3 ? uniform(-12, 12) : uniform(-110, 110);
}
/* In the middle of two halves, or just beside it. */
static double some_middle(void) {
    uint64_t bits = random_bits();
    int digits = bits & 1 ? 12 : 9, e = (int)(bits >> 8 & 31) - 16;
    double odd = (double)((1 << (digits - 1)) | (bits >> 16 & ((1 << (digits - 1)) - 1)) | 1);
    double beside = bits & 2 ? 0 : bits & 4 ? 0x1p-50 : -0x1p-50;
    return ldexp(odd * (1 + beside), e - digits) * (bits & 8 ? -1 : 1);
}
static uint64_t some_integer_middle(mx_dtype t) {
    int sign = mx_dtype_category(t) == MX_CAT_SIGNED, digits = 8 * (int)mx_dtype_size(t) - sign;
    uint64_t bits = random_bits(), odd = 256 | (bits & 255) | 1, beside = bits >> 8 & 3;
    return (odd << (digits - 9)) + (beside & 1 ? beside - 2 : 0);
}
static void put(mx_dtype t, char *p, size_t k, bool tame) {
    uint64_t bits = random_bits();
    double x = some_real(k, tame);
    if (mx_dtype_is_integer(t) && k % 2) /* small numbers, also as divisors and shifts */
        bits = (uint64_t)((int64_t)(bits % 21) - (mx_dtype_category(t) == MX_CAT_SIGNED ? 10 : 0));
    if (mx_dtype_is_integer(t) && k % 11 == 0)
        bits = mx_dtype_category(t) == MX_CAT_SIGNED ? UINT64_C(1) << (8 * mx_dtype_size(t) - 1)
                                                     : UINT64_MAX;
    if (!tame && k % 13 == 0)
        x = some_middle(), bits = mx_dtype_size(t) >= 4 ? some_integer_middle(t) : bits;
    if (t == MX_BOOL)
        bits &= 1;
    float f = (float)x, g = (float)some_real(k / 7, tame);
    uint16_t h = t == MX_FLOAT16 ? mx_f32_to_f16(f) : mx_f32_to_bf16(f);
    const void *from = t == MX_FLOAT32 || t == MX_COMPLEX64 ? (void *)&f
                       : t == MX_FLOAT64                    ? (void *)&x
                                                            : (void *)&bits;
    size_t size = mx_dtype_size(t);
    memcpy(p + k * size, t == MX_FLOAT16 || t == MX_BFLOAT16 ? (void *)&h : from,
           t == MX_COMPLEX64 ? 4 : size);
    if (t == MX_COMPLEX64)
        memcpy(p + k * size + 4, &g, 4);
}
static void fill_values(mx_dtype t, char *p, bool tame) {
    for (size_t k = 0; k < N; k++)
        put(t, p, k, tame);
}

/* ---- what is allowed ---- */

static bool any_of(mx_pointwise op, const mx_pointwise *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (list[i] == op)
            return true;
    return false;
}
/* Correctly rounded, or exact. */
static bool is_exact(mx_pointwise op) {
    static const mx_pointwise list[] = {
        MX_PW_abs,    MX_PW_negative,     MX_PW_sign,      MX_PW_square,   MX_PW_sqrt,
        MX_PW_floor,  MX_PW_ceil,         MX_PW_trunc,     MX_PW_round,    MX_PW_real,
        MX_PW_imag,   MX_PW_conjugate,    MX_PW_add,       MX_PW_subtract, MX_PW_multiply,
        MX_PW_divide, MX_PW_floor_divide, MX_PW_remainder, MX_PW_maximum,  MX_PW_minimum};
    return any_of(op, list, sizeof list / sizeof *list);
}
/* Ill-conditioned near a zero of the function: there the error counts as if the result were 1. */
static bool has_zeros(mx_pointwise op) {
    return op == MX_PW_lgamma || op == MX_PW_digamma || op == MX_PW_logaddexp;
}
static double allowed(mx_pointwise op, mx_dtype t) {
    if (t == MX_COMPLEX64)
        return op == MX_PW_power || op == MX_PW_logaddexp ? 200 : 6;
    if (t == MX_FLOAT32)
        return is_exact(op) ? 0.5 : 3;
    return is_exact(op) ? 0.501 : op == MX_PW_erfinv || has_zeros(op) ? 16 : 4; // docs/accuracy.md
}
static double error_of(mx_pointwise op, mx_ref want, mx_ref got) {
    double e = mx_ref_error(want, got);
    if (has_zeros(op) && e > 1 && isfinite((double)want.re) && isfinite((double)got.re) &&
        want.type != MX_COMPLEX64)
        e = (double)fabsl(want.re - got.re) /
            (want.type == MX_FLOAT32 ? FLT_EPSILON : DBL_EPSILON) / fmax(1, fabs((double)want.re));
    return e;
}
/* Where the C library's complex functions and the reference may part: overflow, branch cuts,
 * NaN. */
static bool is_tame(mx_pointwise op, mx_dtype t) {
    return t == MX_COMPLEX64 && mx_pw_infos[op].result == MX_PWR_SAME && op != MX_PW_add &&
           op != MX_PW_subtract;
}

/* ---- running ---- */

static char in[3][ROOM], out[ROOM], again[ROOM];
static mx_ref want[N];

static mx_dtype result_type(mx_pointwise op, mx_dtype t) {
    mx_pw_result r = mx_pw_infos[op].result;
    return r == MX_PWR_BOOL ? MX_BOOL : r == MX_PWR_PART && t == MX_COMPLEX64 ? MX_FLOAT32 : t;
}
static void call(mx_pointwise op, mx_k_pw f, void *o, const void *a, const void *b, const void *c,
                 size_t n) {
    if (mx_pw_infos[op].arity == 1)
        f.unary(o, a, n);
    else if (mx_pw_infos[op].arity == 2)
        f.binary(o, a, b, n);
    else
        f.ternary(o, a, b, c, n);
}
static void find_wanted(mx_pointwise op, mx_dtype t) {
    mx_dtype ta = op == MX_PW_select ? MX_BOOL : t;
    for (size_t k = 0; k < N; k++) {
        mx_ref a = mx_ref_load(ta, in[0], k), b = mx_ref_load(t, in[1], k),
               c = mx_ref_load(t, in[2], k);
        want[k] = mx_ref_pointwise(op, a, b, c);
    }
}
static void check_values(const char *isa, mx_pointwise op, mx_dtype t) {
    mx_dtype r = result_type(op, t);
    double worst = 0;
    size_t at = 0;
    for (size_t k = 0; k < N; k++) {
        double e = error_of(op, want[k], mx_ref_load(r, out, k));
        if (e > worst)
            worst = e, at = k;
    }
    mx_ref a = mx_ref_load(op == MX_PW_select ? MX_BOOL : t, in[0], at),
           b = mx_ref_load(t, in[1], at), got = mx_ref_load(r, out, at);
    CHECK_MSG(worst <= allowed(op, t),
              "%s %s %s: error %g: a %La%+Lai %lld, b %La%+Lai %lld, "
              "result %La%+Lai %lld, expected %La%+Lai %lld",
              isa, mx_pw_infos[op].name, mx_dtype_name(t), worst, a.re, a.im, (long long)a.i, b.re,
              b.im, (long long)b.i, got.re, got.im, (long long)got.i, want[at].re, want[at].im,
              (long long)want[at].i);
}
/* The same values; NaN may have any sign. */
static bool same_values(mx_dtype t, const char *x, const char *y, size_t n) {
    bool same = true;
    for (size_t k = 0; k < n; k++)
        same = same && mx_ref_error(mx_ref_load(t, x, k), mx_ref_load(t, y, k)) == 0;
    return same;
}
/* Short runs at odd addresses give the same bits and touch nothing else. */
static void check_tails(const char *isa, mx_pointwise op, mx_dtype t, mx_k_pw f) {
    size_t size = mx_dtype_size(t), so = mx_dtype_size(result_type(op, t)),
           sa = op == MX_PW_select ? 1 : size;
    bool same = true, kept = true;
    for (size_t n = 0; n <= TAIL; n++) {
        size_t from = n % 7;
        memset(again, 0x5a, so * (TAIL + 32));
        call(op, f, again + so * 3, in[0] + sa * from, in[1] + size * from, in[2] + size * from, n);
        same = same && same_values(result_type(op, t), again + so * 3, out + so * from, n);
        for (size_t k = 0; k < so * (TAIL + 32); k++)
            if (k < so * 3 || k >= so * (3 + n))
                kept = kept && again[k] == 0x5a;
    }
    CHECK_MSG(kept, "%s %s %s wrote outside", isa, mx_pw_infos[op].name, mx_dtype_name(t));
    CHECK_MSG(same, "%s %s %s: a short run differs", isa, mx_pw_infos[op].name, mx_dtype_name(t));
}
static void check_in_place(const char *isa, mx_pointwise op, mx_dtype t, mx_k_pw f) {
    size_t size = mx_dtype_size(t);
    int first = op == MX_PW_select;
    if (mx_dtype_size(result_type(op, t)) != size)
        return;
    for (int k = first; k < mx_pw_infos[op].arity; k++) {
        const void *p[3] = {in[0], in[1], in[2]};
        memcpy(again, in[k], size * N);
        p[k] = again;
        call(op, f, again, p[0], p[1], p[2], N);
        CHECK_MSG(same_values(result_type(op, t), again, out, N), "%s %s %s in place of operand %d",
                  isa, mx_pw_infos[op].name, mx_dtype_name(t), k);
    }
}
/* On halves: the same bits as the float32 kernel between conversions. */
static void check_half(const mx_kernels *k, mx_pointwise op, mx_dtype t) {
    static float wide[3][N];
    static char result[4 * N];
    const mx_k_pointwise *p = k->pointwise;
    const void *a = op == MX_PW_select ? (void *)in[0] : (void *)wide[0];
    mx_dtype r = result_type(op, MX_FLOAT32);
    for (int j = 0; j < 3; j++)
        p->cast[t][MX_FLOAT32](wide[j], in[j], N);
    call(op, p->op[op][MX_FLOAT32], result, a, wide[1], wide[2], N);
    p->cast[r][r == MX_BOOL ? r : t](again, result, N);
    CHECK_MSG(same_values(result_type(op, t), again, out, N),
              "%s %s %s differs from float32, rounded", k->name, mx_pw_infos[op].name,
              mx_dtype_name(t));
}
static void check_op(mx_pointwise op, mx_dtype t) {
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    bool half = mx_dtype_compute(t) != t,
         accepted = mx_pw_accepts(mx_pw_infos[op].domain, mx_dtype_compute(t));
    for (int j = 0; j < 3; j++)
        fill_values(j == 0 && op == MX_PW_select ? MX_BOOL : t, in[j], is_tame(op, t));
    if (accepted && !half)
        find_wanted(op, t);
    for (int i = 0; i < count; i++) {
        mx_k_pw f = all[i]->pointwise->op[op][t];
        if (!CHECK_MSG((f.unary != NULL) == accepted,
                       "%s %s %s: a kernel where there should be none, or none", all[i]->name,
                       mx_pw_infos[op].name, mx_dtype_name(t)) ||
            !accepted)
            continue;
        call(op, f, out, in[0], in[1], in[2], N);
        if (half)
            check_half(all[i], op, t);
        else
            check_values(all[i]->name, op, t);
        check_tails(all[i]->name, op, t, f);
        check_in_place(all[i]->name, op, t, f);
    }
}
static void operations(void) {
    for (int op = 0; op < MX_PW_COUNT; op++)
        for (int t = 0; t < MX_DTYPE_COUNT; t++)
            check_op((mx_pointwise)op, (mx_dtype)t);
}

/* ---- casts and fills ---- */

static void check_cast(const mx_kernels *k, mx_dtype from, mx_dtype to) {
    mx_k_unary *f = k->pointwise->cast[from][to];
    size_t sf = mx_dtype_size(from), st = mx_dtype_size(to), wrong = 0, at = 0;
    f(out, in[0], N);
    for (size_t i = 0; i < N; i++)
        if (mx_ref_error(mx_ref_cast(mx_ref_load(from, in[0], i), to), mx_ref_load(to, out, i)) !=
            0)
            at = i, wrong++;
    mx_ref a = mx_ref_load(from, in[0], at), got = mx_ref_load(to, out, at), w = mx_ref_cast(a, to);
    CHECK_MSG(wrong == 0, "%s %s to %s: %zu wrong: %La %lld gives %La %lld, expected %La %lld",
              k->name, mx_dtype_name(from), mx_dtype_name(to), wrong, a.re, (long long)a.i, got.re,
              (long long)got.i, w.re, (long long)w.i);
    bool good = true;
    for (size_t n = 0; n <= TAIL; n++) {
        memset(again, 0x5a, st * (TAIL + 32));
        f(again + st, in[0] + sf * (n % 5), n);
        good = good && same_values(to, again + st, out + st * (n % 5), n);
        for (size_t i = 0; i < st * (TAIL + 32); i++)
            good = good && ((i >= st && i < st * (n + 1)) || again[i] == 0x5a);
    }
    CHECK_MSG(good, "%s %s to %s: short runs", k->name, mx_dtype_name(from), mx_dtype_name(to));
    if (sf == st) {
        memcpy(again, in[0], sf * N);
        f(again, again, N);
        CHECK_MSG(same_values(to, again, out, N), "%s %s to %s in place", k->name,
                  mx_dtype_name(from), mx_dtype_name(to));
    }
}
static void casts(void) {
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    for (int from = 0; from < MX_DTYPE_COUNT; from++) {
        fill_values((mx_dtype)from, in[0], false);
        for (int i = 0; i < count; i++)
            for (int to = 0; to < MX_DTYPE_COUNT; to++)
                check_cast(all[i], (mx_dtype)from, (mx_dtype)to);
    }
}
static void halves_exhaustively(void) {
    static uint16_t h[65536], back[65536];
    static float f[65536];
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    for (int i = 0; i < 65536; i++)
        h[i] = (uint16_t)i;
    for (int j = 0; j < 2 * count; j++) {
        mx_dtype t = j % 2 ? MX_FLOAT16 : MX_BFLOAT16;
        const mx_k_pointwise *k = all[j / 2]->pointwise;
        int wrong = 0;
        k->cast[t][MX_FLOAT32](f, h, 65536);
        k->cast[MX_FLOAT32][t](back, f, 65536);
        for (int i = 0; i < 65536; i++) {
            float w = t == MX_FLOAT16 ? mx_f16_to_f32(h[i]) : mx_bf16_to_f32(h[i]);
            wrong += isnan(w) ? !isnan(f[i]) : w != f[i] || back[i] != h[i];
        }
        CHECK_MSG(wrong == 0, "%s %s: %d of 65536", all[j / 2]->name, mx_dtype_name(t), wrong);
    }
}
static void fills(void) {
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    for (int i = 0; i < count; i++)
        for (size_t size = 1; size <= 8; size *= 2) {
            bool good = true;
            for (size_t n = 0; n <= TAIL; n++) {
                memset(again, 0x5a, 8 * (TAIL + 8));
                all[i]->pointwise->fill[size](again, in[0] + 8 * n, n);
                for (size_t k = 0; k < n; k++)
                    good = good && memcmp(again + k * size, in[0] + 8 * n, size) == 0;
                good = good && again[n * size] == 0x5a;
            }
            CHECK_MSG(good, "%s fill of %zu bytes", all[i]->name, size);
        }
}

/* ---- the inverse error function, to the bit ---- */

static float plain_erfinv(float x) {
    static const float mid[] = {8.86226892e-1f,  -2.32015476e-1f, 1.15392581e-2f, 2.31468678e-3f,
                                -1.47697632e-4f, -5.61530760e-5f, 1.12963626e-7f, 1.22774793e-6f,
                                1.43285448e-7f,  5.43877832e-9f};
    static const float end[] = {8.40016484e-1f, -2.64646143e-1f, 4.83185798e-3f,
                                3.02698812e-3f, 3.93552968e-4f,  2.84108955e-5f,
                                1.22150334e-6f, 2.93243101e-8f,  3.03697567e-10f};
    float t = logf(fmaf(x, -x, 1.0f));
    bool far = fabsf(t) > 6.125f;
    int n = far ? 8 : 9;
    float p = far ? end[8] : mid[9];
    for (int i = n - 1; i >= 0; i--)
        p = fmaf(p, t, far ? end[i] : mid[i]);
    return x * p;
}
/* Values that MLX 0.32 gives, and the plain formula on many more: random normal numbers depend
 * on each bit. */
static void erfinv_bits(void) {
    static const float x[] = {0x1p-1f,         -0x1.cccccc0p-1f, 0x1.fae148p-1f,
                              0x1.99999ap-4f,  0x1.fffffcp-1f,   -0x1.333334p-2f,
                              0x1.0624dep-10f, 0x1.6a09e6p-1f,   0x1p-2f};
    static const uint32_t mlx[] = {0x3ef430fe, 0xbf94e009, 0x3fe92331, 0x3db5fa21, 0x406f9c68,
                                   0xbe8b803d, 0x3a6851b3, 0x3f3e6538, 0x3e66b835};
    static float in32[N], out32[N];
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    memcpy(in32, x, sizeof x);
    for (int k = sizeof x / sizeof *x; k < N; k++)
        in32[k] = k % 3 ? (float)uniform(-1, 1)
                        : (float)((1 - exp2(uniform(-24, -1))) * (k % 2 ? 1 : -1));
    for (int i = 0; i < count; i++) {
        int wrong = 0;
        all[i]->pointwise->op[MX_PW_erfinv][MX_FLOAT32].unary(out32, in32, N);
        for (int k = 0; k < N; k++)
            wrong += mx_f32_bits(out32[k]) != mx_f32_bits(plain_erfinv(in32[k]));
        CHECK_MSG(wrong == 0, "%s: %d of %d differ from the plain formula", all[i]->name, wrong, N);
        CHECK_MSG(memcmp(out32, mlx, sizeof mlx) == 0, "%s: not what MLX gives", all[i]->name);
    }
}

int main(void) {
    state = check_seed(88172645463325252u);
    RUN(operations);
    RUN(erfinv_bits);
    RUN(casts);
    RUN(halves_exhaustively);
    RUN(fills);
    return check_done();
}
