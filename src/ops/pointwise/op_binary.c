/* Binary pointwise operations, select, and what is made of them (where, clip, isclose ...). */
#include <math.h>

#include "base/status.h"
#include "ops/pointwise/pointwise.h"

/* --- derivatives: g dy/da, g dy/db ------------------------------------------------ */

/* g where the condition holds, else 0; selected, never multiplied. */
static mx_array *keep_if(mx_array *condition, mx_array *g) {
    return g ? mx_where(condition, g, mx_zero_like(g)) : NULL;
}
static mx_array *keep_unless(mx_array *condition, mx_array *g) {
    return g ? mx_where(condition, mx_zero_like(g), g) : NULL;
}
static mx_array *is_zero(mx_array *a) {
    return a ? mx_equal(a, mx_zero_like(a)) : NULL;
}
static mx_array *norm2(mx_array *a, mx_array *b) {
    return mx_add(mx_square(a), mx_square(b));
}

STEP2(add, g, g)
STEP2(subtract, g, mx_negated(g))
STEP2(multiply, mx_scaled(g, b), mx_scaled(g, a))
D2(divide, mx_div(g, b), mx_negative(mx_div(mx_mul(g, y), b)))
D2(remainder, g, mx_negative(mx_mul(g, mx_floor_divide(a, b))))
D2(power, keep_unless(is_zero(b), mx_mul(g, mx_mul(b, mx_power(a, mx_add_s(b, -1))))),
   keep_unless(is_zero(a), mx_mul(g, mx_mul(y, mx_log(a)))))
STEP2(maximum, keep_if(mx_greater(a, b), g), keep_unless(mx_greater(a, b), g))
STEP2(minimum, keep_if(mx_less(a, b), g), keep_unless(mx_less(a, b), g))
D2(arctan2, mx_div(mx_mul(g, b), norm2(a, b)), mx_negative(mx_div(mx_mul(g, a), norm2(a, b))))
D2(logaddexp, mx_scaled(g, mx_sigmoid(mx_sub(a, b))), mx_scaled(g, mx_sigmoid(mx_sub(b, a))))
#define d_floor_divide  NULL /* constant between jumps */
#define d_equal         NULL
#define d_not_equal     NULL
#define d_less          NULL
#define d_less_equal    NULL
#define d_greater       NULL
#define d_greater_equal NULL
#define d_logical_and   NULL
#define d_logical_or    NULL
#define d_logical_xor   NULL
#define d_bitwise_and   NULL
#define d_bitwise_or    NULL
#define d_bitwise_xor   NULL
#define d_left_shift    NULL
#define d_right_shift   NULL

/* y = c ? a : b */
static mx_array *d_select(const mx_node *y, int i, mx_array *g) {
    mx_array *c = y->in[0];
    return i == 0 ? NULL : i == 1 ? keep_if(c, g) : keep_unless(c, g);
}

/* --- descriptors ------------------------------------------------------------------ */

#define COMMUTES(p)                                                                               \
    ((p) == MX_PW_add || (p) == MX_PW_multiply || (p) == MX_PW_logaddexp || (p) == MX_PW_equal || \
     (p) == MX_PW_not_equal || (p) == MX_PW_logical_and || (p) == MX_PW_logical_or ||             \
     (p) == MX_PW_logical_xor || (p) == MX_PW_bitwise_and || (p) == MX_PW_bitwise_or ||           \
     (p) == MX_PW_bitwise_xor)
#define TRAITS(p) (COMMUTES(p) ? MX_TRAIT_COMMUTES : 0)

#define BINARY(name, Name, domain, result) POINTWISE_INFER(name)
#define TERNARY                            BINARY
#include "kernels/pointwise/pointwise.def"
#define BINARY(name, Name, domain, result) POINTWISE_DESC(name, Name, TRAITS(MX_PW_##name))
#define TERNARY                            BINARY
#include "kernels/pointwise/pointwise.def"

/* --- the operations --------------------------------------------------------------- */

static bool is_bits(mx_pointwise p) {
    return mx_pw_infos[p].domain == MX_PWD_BITS;
}

static mx_array *refuse(mx_pointwise p, mx_dtype a, mx_dtype b) {
    if (is_bits(p))
        return mx_fail(MX_INVALID,
                       "[%s] Only allowed on integer or boolean types but got types %s and %s.",
                       mx_pw_infos[p].name, mx_dtype_name(a), mx_dtype_name(b));
    return mx_fail(MX_INVALID, "[%s] Not supported for %s.", mx_pw_infos[p].name,
                   mx_dtype_name(mx_dtype_promote(a, b)));
}

/* The dtype that both operands get: promoted, and one that has a kernel. Bools shift
   and divide as uint8. */
static mx_dtype operand_dtype(mx_pointwise p, mx_dtype t) {
    mx_pw_domain d = mx_pw_infos[p].domain;
    bool shift = p == MX_PW_left_shift || p == MX_PW_right_shift;
    if (d == MX_PWD_LOGIC)
        return MX_BOOL;
    if (t == MX_BOOL && (shift || d == MX_PWD_ORDERED || d == MX_PWD_NUMBER))
        return MX_UINT8;
    return d == MX_PWD_INEXACT || d == MX_PWD_FLOAT ? mx_dtype_to_inexact(t) : t;
}

static mx_array *binary(mx_pointwise p, mx_array *a, mx_array *b) {
    if (!a || !b)
        return NULL;
    mx_dtype promoted = mx_dtype_promote(mx_dtype_of(a), mx_dtype_of(b)),
             t = operand_dtype(p, promoted);
    bool taken = mx_pw_accepts(mx_pw_infos[p].domain, mx_dtype_compute(t));
    if (!taken || (p == MX_PW_remainder && t == MX_COMPLEX64))
        return refuse(p, mx_dtype_of(a), mx_dtype_of(b));
    mx_array *y = mx_apply2((mx_prim)p, NULL, mx_astype(a, t), mx_astype(b, t));
    return promoted == MX_BOOL && t == MX_UINT8 && !is_bits(p) ? mx_astype(y, MX_BOOL) : y;
}

#define BINARY(name, Name, domain, result)          \
    mx_array *mx_##name(mx_array *a, mx_array *b) { \
        return binary(MX_PW_##name, a, b);          \
    }
#include "kernels/pointwise/pointwise.def"

/* --- with scalars ----------------------------------------------------------------- */

mx_array *mx_scalar_like(mx_array *a, double s) {
    return a ? mx_scalar(s, mx_dtype_of(a)) : NULL;
}
mx_array *mx_zero_like(mx_array *a) {
    return mx_scalar_like(a, 0);
}
mx_array *mx_one_like(mx_array *a) {
    return mx_scalar_like(a, 1);
}
mx_array *mx_add_s(mx_array *a, double s) {
    return mx_add(a, mx_scalar_like(a, s));
}
mx_array *mx_mul_s(mx_array *a, double s) {
    return mx_mul(a, mx_scalar_like(a, s));
}
mx_array *mx_pow_s(mx_array *a, double s) {
    return s == 2 ? mx_square(a) : mx_power(a, mx_scalar_like(a, s));
}
mx_array *mx_rsub_s(double s, mx_array *a) {
    return mx_sub(mx_scalar_like(a, s), a);
}
mx_array *mx_rdiv_s(double s, mx_array *a) {
    return mx_div(mx_scalar_like(a, s), a);
}

/* --- choices and comparisons ------------------------------------------------------ */

mx_array *mx_where(mx_array *cond, mx_array *x, mx_array *y) {
    if (!mx_promote2(&x, &y))
        return NULL;
    mx_array *in[3] = {mx_astype(cond, MX_BOOL), x, y};
    return mx_apply(MX_PRIM_select, NULL, in, 3);
}

mx_array *mx_clip(mx_array *a, mx_array *lo, mx_array *hi) {
    if (!lo && !hi)
        return mx_fail(MX_INVALID, "[clip] At most one of a_min and a_max may be None");
    if (lo)
        a = mx_maximum(a, lo);
    return hi ? mx_minimum(a, hi) : a;
}

bool mx_divmod(mx_array *a, mx_array *b, mx_array *out[2]) {
    if (!mx_promote2(&a, &b))
        return false;
    if (mx_dtype_of(a) == MX_COMPLEX64)
        return mx_fail(MX_INVALID, "[divmod] Complex type not supported.");
    out[0] = mx_floor_divide(a, b);
    out[1] = mx_remainder(a, b);
    return out[0] && out[1];
}

/* |a - b| <= most for integers of 64 bits, which float64 does not tell apart: a whole number
 * is at most `most` where it is at most the whole part of it. */
static mx_array *integers_near(mx_array *a, mx_array *b, mx_array *most) {
    mx_array *ua = mx_astype(a, MX_UINT64), *ub = mx_astype(b, MX_UINT64);
    mx_array *apart = mx_where(mx_greater(a, b), mx_sub(ua, ub), mx_sub(ub, ua));
    mx_array *all = mx_greater_equal(most, mx_scalar(0x1p64, MX_FLOAT64));
    mx_array *some =
        mx_logical_and(mx_greater_equal(most, mx_scalar(0, MX_FLOAT64)), mx_logical_not(all));
    mx_array *whole = mx_floor(mx_where(some, most, mx_scalar(0, MX_FLOAT64)));
    mx_array *near = mx_less_equal(apart, mx_astype(whole, MX_UINT64));
    return mx_logical_or(all, mx_logical_and(some, near));
}

/* |a - b| <= atol + rtol |b|; equal infinities are close, other pairs with one are not. */
mx_array *mx_isclose(mx_array *a, mx_array *b, double rtol, double atol, bool equal_nan) {
    if (!mx_promote2(&a, &b))
        return NULL;
    mx_array *x = mx_inside(a), *y = mx_inside(b);
    mx_array *most = mx_add_s(mx_mul_s(mx_abs(y), rtol), atol);
    if (a->dtype == MX_INT64 || a->dtype == MX_UINT64)
        return integers_near(a, b, most);
    mx_array *near = mx_less_equal(mx_abs(mx_sub(x, y)), most);
    near = mx_where(mx_logical_or(mx_isinf(x), mx_isinf(y)), mx_equal(x, y), near);
    return equal_nan ? mx_logical_or(near, mx_logical_and(mx_isnan(x), mx_isnan(y))) : near;
}

mx_array *mx_allclose(mx_array *a, mx_array *b, double rtol, double atol, bool equal_nan) {
    return mx_reduce(MX_ALL, mx_isclose(a, b, rtol, atol, equal_nan), NULL, 0, false);
}

mx_array *mx_array_equal(mx_array *a, mx_array *b, bool equal_nan) {
    if (!a || !b)
        return NULL;
    if (!mx_same_shape(a, b))
        return mx_scalar(0, MX_BOOL);
    mx_array *same = mx_equal(a, b);
    if (equal_nan)
        same = mx_logical_or(same, mx_logical_and(mx_isnan(a), mx_isnan(b)));
    return mx_reduce(MX_ALL, same, NULL, 0, false);
}
