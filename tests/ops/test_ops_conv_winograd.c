/* Kernels of 3x3 in float32, which go through transformed squares: against float64, which sums
 * directly; that bits depend neither on threads nor on the other images; what is infinite.
 */
#include <string.h>

#include "base/threads/pool.h"
#include "gradients.h"
#include "ops/conv/conv.h"
#include "tolerance.h"

typedef struct setting {
    int n, down, across, c, o, groups; /* c and o: of a group */
    int low[2], high[2];
    bool flip;
} setting;

static const setting settings[] = {
    {2, 12, 12, 32, 32, 1, {1, 1}, {1, 1}, false},  {1, 9, 13, 40, 33, 1, {1, 1}, {1, 1}, true},
    {3, 10, 7, 33, 70, 1, {0, 2}, {1, 0}, false},   {2, 16, 16, 64, 48, 2, {1, 1}, {1, 1}, false},
    {1, 31, 6, 100, 32, 1, {2, 2}, {2, 2}, false},  {40, 6, 6, 32, 40, 1, {0, 0}, {0, 0}, true},
    {4, 15, 15, 37, 35, 3, {1, 2}, {0, 1}, true},   {1, 57, 43, 32, 32, 1, {1, 1}, {1, 1}, false},
    {8, 14, 14, 256, 40, 1, {1, 1}, {1, 1}, false}, {2, 20, 20, 32, 130, 1, {3, 0}, {3, 0}, false}};
enum { SETTINGS = sizeof settings / sizeof *settings };

static const int one[2] = {1, 1}, kernel[2] = {3, 3};

static mx_p_conv params_of(const setting *s) {
    return (mx_p_conv){{2, one}, {2, s->low}, {2, s->high}, {2, one}, {2, one}, s->groups, s->flip};
}

/* Operands of both dtypes, and a cotangent. */
typedef struct operands {
    mx_array *x, *w, *g, *x1, *w1, *g1;
} operands;

static operands operands_of(const setting *s) {
    int down = s->down + s->low[0] + s->high[0] - 2,
        across = s->across + s->low[1] + s->high[1] - 2;
    operands a = {.x = NOISE(1, s->n, s->down, s->across, s->c * s->groups),
                  .w = NOISE(2, s->o * s->groups, 3, 3, s->c),
                  .g = NOISE(3, s->n, down, across, s->o * s->groups)};
    a.x1 = mx_astype(a.x, MX_FLOAT32);
    a.w1 = mx_astype(a.w, MX_FLOAT32);
    a.g1 = mx_astype(a.g, MX_FLOAT32);
    a.x = mx_astype(a.x1, MX_FLOAT64); // the same numbers
    a.w = mx_astype(a.w1, MX_FLOAT64);
    a.g = mx_astype(a.g1, MX_FLOAT64);
    return a;
}

static mx_array *weight_of(const mx_p_conv *p, mx_array *x, mx_array *g) {
    mx_p_conv_weight q = {*p, {2, kernel}};
    return mx_apply2(MX_PRIM_conv_weight, &q, x, g);
}

static void check_off(const char *what, int which, mx_array *found, mx_array *wanted,
                      double terms) {
    mx_array *off = mx_abs(mx_sub(mx_astype(found, MX_FLOAT64), wanted));
    double worst = off ? value_of(mx_reduce(MX_MAX, off, NULL, 0, false)) : NAN;
    CHECK_MSG(worst <= sum_tolerance(MX_FLOAT32, terms), "setting %d, %s: off by %g %s", which,
              what, worst, mx_error_message());
}

static void values(void) {
    for (int i = 0; i < SETTINGS; i++) {
        mx_scope scope = mx_scope_open();
        const setting *s = &settings[i];
        operands a = operands_of(s);
        mx_p_conv p = params_of(s);
        check_off("results", i, mx_conv_general(a.x1, a.w1, &p), mx_conv_general(a.x, a.w, &p),
                  9.0 * s->c);
        check_off("towards the input", i, mx_conv_towards_input(&p, a.x1, a.w1, a.g1),
                  mx_conv_towards_input(&p, a.x, a.w, a.g), 9.0 * s->o);
        check_off("towards the weight", i, weight_of(&p, a.x1, a.g1), weight_of(&p, a.x, a.g),
                  (double)a.g->size / (s->o * s->groups));
        mx_scope_close(scope);
    }
}

/* Sums of C products are nearer than those of 9 C. */
static void error_of_long_sums(void) {
    mx_scope scope = mx_scope_open();
    setting s = {1, 16, 16, 512, 32, 1, {1, 1}, {1, 1}, false};
    operands a = operands_of(&s);
    mx_p_conv p = params_of(&s);
    mx_array *off = mx_sub(mx_astype(mx_conv_general(a.x1, a.w1, &p), MX_FLOAT64),
                           mx_conv_general(a.x, a.w, &p));
    double found = sqrt(value_of(mx_mean(mx_square(off), NULL, 0, false))),
           unit = rounding_of(MX_FLOAT32), terms = 9.0 * s.c;
    // sums of n products of size 1/9, rounded after each: errors of sqrt(k) / 3 units at step k
    CHECK_MSG(found < unit / 3 * terms / sqrt(2) / sqrt(3), "%g", found);
    mx_scope_close(scope);
}

static bool same_bits(mx_array *a, mx_array *b) {
    a = mx_contiguous(a, false);
    b = mx_contiguous(b, false);
    return a && b && mx_same_shape(a, b) && mx_eval((mx_array *[]){a, b}, 2) &&
           memcmp(a->data, b->data, (size_t)a->size * mx_itemsize(a)) == 0;
}

static void threads(void) {
    for (int i = 0; i < SETTINGS; i++) {
        mx_scope scope = mx_scope_open();
        const setting *s = &settings[i];
        operands a = operands_of(s);
        mx_p_conv p = params_of(s);
        mx_array *y[2], *w[2];
        for (int k = 0; k < 2; k++) {
            mx_pool_set_threads(k ? 7 : 1);
            y[k] = mx_conv_general(a.x1, a.w1, &p);
            w[k] = weight_of(&p, a.x1, a.g1);
            CHECK(mx_eval((mx_array *[]){y[k], w[k]}, 2));
        }
        mx_pool_set_threads(0);
        CHECK_MSG(same_bits(y[0], y[1]) && same_bits(w[0], w[1]), "setting %d", i);
        mx_scope_close(scope);
    }
}

static void other_images(void) {
    mx_scope scope = mx_scope_open();
    operands a = operands_of(&settings[6]);
    mx_p_conv p = params_of(&settings[6]);
    mx_array *all = mx_conv_general(a.x1, a.w1, &p);
    for (int i = 0; i < settings[6].n; i++)
        CHECK_MSG(same_bits(mx_slice_axis(all, 0, i, i + 1),
                            mx_conv_general(mx_slice_axis(a.x1, 0, i, i + 1), a.w1, &p)),
                  "image %d", i);
    mx_scope_close(scope);
}

/* Whole numbers stay exact; an infinity and a NaN are seen where a tap is on them, others' bits
 * stay. */
static void special_values(void) {
    mx_scope scope = mx_scope_open();
    setting s = settings[0];
    operands a = operands_of(&s);
    mx_p_conv p = params_of(&s);
    mx_array *x = mx_round(mx_mul_s(a.x1, 7)), *w = mx_round(mx_mul_s(a.w1, 7)),
             *g = mx_round(mx_mul_s(a.g1, 7)), *g64 = mx_astype(g, MX_FLOAT64),
             *x64 = mx_astype(x, MX_FLOAT64), *w64 = mx_astype(w, MX_FLOAT64);
    mx_array *y = mx_conv_general(x, w, &p), *y64 = mx_conv_general(x64, w64, &p);
    CHECK(same_bits(y, mx_astype(y64, MX_FLOAT32)));
    CHECK(same_bits(weight_of(&p, x, g), mx_astype(weight_of(&p, x64, g64), MX_FLOAT32)));
    const double specials[] = {INFINITY, -INFINITY, NAN, 3e38};
    for (int i = 0; i < 4; i++) {
        mx_array *odd = mx_contiguous(mx_add_s(x, 0), false);
        if (!CHECK(odd && mx_eval1(odd)))
            break;
        ((float *)odd->data)[(5 * 12 + 6) * 32 + 3] = (float)specials[i];
        mx_array *odd64 = mx_astype(odd, MX_FLOAT64), *found = mx_conv_general(odd, w, &p),
                 *wanted = mx_astype(mx_conv_general(odd64, w64, &p), MX_FLOAT32);
        CHECK_MSG(value_of(mx_allclose(found, wanted, 1e-5, 1e-5, true)) == 1, "%g", specials[i]);
        CHECK(same_bits(mx_slice_axis(found, 0, 1, 2), mx_slice_axis(y, 0, 1, 2)));
        CHECK(value_of(mx_allclose(weight_of(&p, odd, g),
                                   mx_astype(weight_of(&p, odd64, g64), MX_FLOAT32), 1e-5, 1e-5,
                                   true)) == 1);
    }
    mx_scope_close(scope);
}

int main(void) {
    RUN(values);
    RUN(error_of_long_sums);
    RUN(threads);
    RUN(other_images);
    RUN(special_values);
    return check_done();
}
