/* Reductions, statistics, softmax, scans: values from MLX 0.32, all layouts,
 * derivatives, refusals. */
#include "ops_check.h"

#include "base/threads/pool.h"

static mx_array *grid(void) { /* (3,4) with both signs and no ties */
    return mx_reshape(F(3, -1, 4, 1.5, -5, 9, 2.5, -6, 5.5, 3.5, -8, 7), LIST(3, 4));
}

static mx_array *reduced(mx_reduce_op op, mx_array *a, int axis) {
    return mx_reduce(op, a, &axis, 1, false);
}

static void test_values(void) {
    mx_array *a = grid();
    VALUES(reduced(MX_SUM, a, 1), 1e-6, 7.5, 0.5, 8);
    VALUES(reduced(MX_SUM, a, 0), 1e-6, 3.5, 11.5, -1.5, 2.5);
    VALUES(reduced(MX_PROD, a, -1), 1e-6, -18, 675, -1078);
    VALUES(reduced(MX_MAX, a, 0), 0, 5.5, 9, 4, 7);
    VALUES(reduced(MX_MIN, a, 1), 0, -1, -6, -8);
    VALUES(mx_sum_all(a), 1e-6, 16);
    VALUES(reduced(MX_ALL, mx_greater(a, mx_scalar(-2, MX_FLOAT32)), 1), 0, 1, 0, 0);
    VALUES(reduced(MX_ANY, mx_greater(a, mx_scalar(8, MX_FLOAT32)), 1), 0, 0, 1, 0);
    VALUES(mx_arg_reduce(true, a, 1, false), 0, 2, 1, 3);
    VALUES(mx_arg_reduce(false, a, 0, true), 0, 1, 0, 2, 1);
    VALUES(mx_arg_reduce_all(true, a, false), 0, 5);
    SHAPE(mx_arg_reduce_all(true, a, true), 1, 1);
    SHAPE(mx_sum(a, LIST(0), true), 1, 4);
    SHAPE(mx_sum(a, NULL, 0, true), 1, 1);
}

static void test_dtypes(void) {
    mx_array *a = I(1, 0, 3);
    DTYPE(mx_sum_all(mx_astype(a, MX_BOOL)), MX_INT32);
    DTYPE(mx_sum_all(mx_astype(a, MX_UINT8)), MX_UINT32);
    DTYPE(mx_sum_all(mx_astype(a, MX_INT64)), MX_INT64);
    DTYPE(mx_sum_all(mx_astype(a, MX_BFLOAT16)), MX_BFLOAT16);
    DTYPE(mx_reduce(MX_MAX, mx_astype(a, MX_UINT8), NULL, 0, false), MX_UINT8);
    DTYPE(mx_reduce(MX_ALL, a, NULL, 0, false), MX_BOOL);
    DTYPE(mx_mean(a, NULL, 0, false), MX_FLOAT32);
    DTYPE(mx_arg_reduce(true, a, 0, false), MX_UINT32);
    DTYPE(mx_scan(MX_CUMSUM, mx_astype(a, MX_BOOL), 0, false, true), MX_INT32);
    DTYPE(mx_softmax(a, NULL, 0, false), MX_FLOAT32);
    for (int t = 0; t < MX_DTYPE_COUNT; t++) {
        mx_array *x = mx_astype(a, (mx_dtype)t);
        VALUES(mx_sum_all(x), 0, t == MX_BOOL ? 2 : 4);
        VALUES(mx_reduce(MX_PROD, x, NULL, 0, false), 0, 0);
        VALUES(mx_reduce(MX_MAX, x, NULL, 0, false), 0, t == MX_BOOL ? 1 : 3);
        VALUES(mx_reduce(MX_MIN, x, NULL, 0, false), 0, 0);
        VALUES(mx_reduce(MX_ANY, x, NULL, 0, false), 0, 1);
        VALUES(mx_arg_reduce(false, x, 0, false), 0, 1);
        VALUES(mx_scan(MX_CUMMAX, x, 0, false, true), 0, 1, 1, t == MX_BOOL ? 1 : 3);
    }
}

static void test_statistics(void) {
    mx_array *a = F(1, 0, 3);
    VALUES(mx_mean(a, NULL, 0, false), 1e-7, 1.3333333730697632);
    VALUES(mx_var(a, NULL, 0, false, 0), 1e-6, 1.5555557012557983);
    VALUES(mx_std(a, NULL, 0, false, 0), 1e-6, 1.247219204902649);
    VALUES(mx_var(F(10001, 10002, 10004), NULL, 0, false, 1), 1e-6, 2.333334);
    VALUES(mx_var(a, NULL, 0, false, 3), 0, INFINITY);
    VALUES(mx_mean(mx_zeros(LIST(0), MX_FLOAT32), NULL, 0, false), 0, NAN);
    VALUES(mx_number_of_elements(grid(), LIST(1), false, MX_FLOAT32), 0, 4);
    VALUES(mx_mean(mx_astype(mx_full_s(LIST(70000), 1, MX_FLOAT32), MX_FLOAT16), NULL, 0, false),
           1e-3, 1);
    VALUES(mx_mean(grid(), LIST(0, 1), false), 1e-6, 16.0 / 12);
}

static void test_empty_and_identity(void) {
    mx_array *e = mx_zeros(LIST(0, 3), MX_FLOAT32);
    VALUES(mx_sum_axis(e, 0, false), 0, 0, 0, 0);
    VALUES(mx_reduce(MX_PROD, e, LIST(0), false), 0, 1, 1, 1);
    VALUES(mx_reduce(MX_ALL, e, NULL, 0, false), 0, 1);
    VALUES(mx_reduce(MX_ANY, e, NULL, 0, false), 0, 0);
    SHAPE(mx_sum_axis(e, 1, false), 0);
    CHECK(mx_eval1(mx_sum_axis(e, 1, false)));
    CHECK(mx_eval1(mx_reduce(MX_MAX, e, LIST(1), false)));
    CHECK(mx_eval1(mx_softmax(e, LIST(0), false)));
    CHECK(mx_eval1(mx_scan(MX_CUMSUM, e, 0, false, true)));
    FAILS(mx_reduce(MX_MAX, e, NULL, 0, false), "[max] Cannot max reduce over axis 0 with size 0.");
    FAILS(mx_arg_reduce(false, e, 1, false), "[argmin] Cannot argmin reduce zero size array.");
    FAILS(mx_logsumexp(e, NULL, 0, false), "[logsumexp] Received empty array.");
}

static void test_refusals(void) {
    mx_array *a = grid();
    FAILS(mx_sum_axis(a, 5, false), "5 is out of bounds for array with 2 dimensions");
    FAILS(mx_sum(a, LIST(0, 0), false), "uplicate axes");
    FAILS(mx_scan(MX_CUMSUM, a, 5, false, true),
          "[cumsum] Axis 5 is out of bounds for array with 2 dimensions.");
    FAILS(mx_arg_reduce(true, mx_scalar(2, MX_FLOAT32), 0, false), "out of bounds");
    CHECK(mx_sum_all(NULL) == NULL);
    CHECK(mx_softmax(NULL, NULL, 0, false) == NULL);
}

static void test_nan(void) {
    mx_array *a = mx_reshape(F(1, NAN, 3, NAN, 5, 2), LIST(2, 3));
    VALUES(reduced(MX_MAX, a, 1), 0, NAN, NAN);
    VALUES(reduced(MX_MIN, a, 0), 0, NAN, NAN, 2);
    VALUES(mx_arg_reduce(true, a, 1, false), 0, 1, 0);
    VALUES(mx_arg_reduce(false, a, 1, false), 0, 1, 0);
    VALUES(mx_scan(MX_CUMMAX, a, 1, false, true), 0, 1, NAN, NAN, NAN, NAN, NAN);
}

/* --- every layout against sums in double ------------------------------------------ */

static double plain_sum(mx_array *a, const bool *red,
                        int64_t out) { /* of a contiguous float32 array */
    double sum = 0;
    for (int64_t e = 0; e < a->size; e++) {
        int64_t rest = e, o = 0, step = 1;
        for (int i = a->ndim - 1; i >= 0; i--) {
            int64_t k = rest % a->shape[i];
            rest /= a->shape[i];
            o += red[i] ? 0 : k * step;
            step *= red[i] ? 1 : a->shape[i];
        }
        sum += o == out ? ((float *)a->data)[e] : 0;
    }
    return sum;
}

static void check_layout(mx_array *a, int axes_mask, const char *what) {
    int axes[8], n = 0;
    bool red[8] = {false};
    for (int i = 0; i < a->ndim; i++)
        if (axes_mask >> i & 1) {
            red[i] = true;
            axes[n++] = i;
        }
    mx_array *plain = mx_contiguous(mx_copy(a), false);
    mx_array *got = mx_sum(a, n ? axes : &n, n, false),
             *big = mx_reduce(MX_MAX, a, n ? axes : &n, n, false);
    mx_array *fed = mx_sum(mx_add_s(mx_mul_s(a, 2), 1), n ? axes : &n, n, false);
    if (!CHECK(mx_eval1(plain)) || !CHECK(mx_eval1(got)) || !CHECK(mx_eval1(big)) ||
        !CHECK(mx_eval1(fed)))
        return;
    double count = got->size ? (double)a->size / (double)got->size : 0;
    for (int64_t o = 0; o < got->size; o += 1 + got->size / 7) {
        double want = plain_sum(plain, red, o);
        CHECK_MSG(fabs(((float *)got->data)[o] - want) < 1e-3 * (1 + fabs(want)),
                  "%s %d [%d]: %g, expected %g", what, axes_mask, (int)o, ((float *)got->data)[o],
                  want);
        CHECK_MSG(fabs(((float *)fed->data)[o] - 2 * want - count) <
                      1e-3 * (1 + fabs(want) + count),
                  "fed %s %d [%d]: %g, expected %g", what, axes_mask, (int)o,
                  ((float *)fed->data)[o], 2 * want + count);
    }
}

static mx_array *some(const int *shape, int ndim) {
    int64_t n = 1;
    for (int i = 0; i < ndim; i++)
        n *= shape[i];
    return mx_reshape(mx_sin(mx_arange(0, (double)n, 1, MX_FLOAT32)), shape, ndim);
}

static void test_layouts(void) {
    mx_array *a = some(LIST(5, 7, 11));
    for (int mask = 0; mask < 8; mask++) {
        check_layout(a, mask, "plain");
        check_layout(mx_transpose(a), mask, "transposed");
        check_layout(mx_transpose_axes(a, LIST(1, 0, 2)), mask, "permuted");
        check_layout(mx_flip(a, LIST(0, 2)), mask, "flipped");
        check_layout(mx_slice(a, (int[]){1, 0, 2}, (int[]){5, 7, 11}, (int[]){2, 3, 2}), mask,
                     "sliced");
        check_layout(mx_broadcast_to(some(LIST(1, 7, 1)), LIST(3, 7, 9)), mask, "broadcast");
    }
    check_layout(some(LIST(3, 5000)), 1, "wide");
    check_layout(some(LIST(3, 5000)), 2, "wide");
    check_layout(some(LIST(5000, 3)), 1, "tall");
    check_layout(some(LIST(70000)), 1, "long");
    check_layout(some(LIST(2, 3, 2, 3)), 5, "mixed");
    for (int mask = 0; mask < 16; mask++) {
        check_layout(some(LIST(3, 9, 40, 2)), mask, "short runs");
        check_layout(some(LIST(2, 5, 600, 20)), mask, "runs");
        check_layout(mx_transpose(some(LIST(2, 4, 17, 6))), mask, "short columns");
    }
}

/* Reductions over every other axis, against one axis at a time: exact in these dtypes. */
/* A sum of products has the bits of the sum of their array. */
static void check_products(mx_array *a, mx_array *b) {
    mx_array *ab = mx_mul(a, b), *aa = mx_square(a);
    if (!CHECK(mx_eval1(a)) || !CHECK(mx_eval1(b)) || !CHECK(mx_eval1(ab)) || !CHECK(mx_eval1(aa)))
        return;
    for (int mask = 1; mask < 1 << a->ndim; mask++) {
        int axes[4], n = 0;
        for (int i = 0; i < a->ndim; i++)
            if (mask >> i & 1)
                axes[n++] = i;
        SAME(mx_sum(mx_mul(a, b), axes, n, false), mx_sum(ab, axes, n, false), 0);
        SAME(mx_sum(mx_square(a), axes, n, false), mx_sum(aa, axes, n, false), 0);
    }
}

static void test_products(void) {
    static const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT64, MX_FLOAT16, MX_COMPLEX64, MX_INT32};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        mx_array *a = mx_astype(mx_mul_s(some(LIST(5, 7, 11)), 9), types[t]);
        check_products(a, mx_flip(a, LIST(0, 1, 2)));
        check_products(mx_transpose(a), mx_exp(mx_transpose(a)));
        check_products(a, mx_astype(some(LIST(7, 1)), types[t]));
        mx_array *wide = mx_astype(some(LIST(3, 5003)), types[t]);
        check_products(wide, mx_add_s(wide, 0.5));
        check_products(mx_astype(some(LIST(70001)), types[t]), mx_astype(some(LIST(1)), types[t]));
        check_products(mx_astype(some(LIST(600, 17)), types[t]),
                       mx_astype(some(LIST(17)), types[t]));
        check_products(mx_astype(some(LIST(3, 0, 2)), types[t]),
                       mx_astype(some(LIST(1)), types[t]));
    }
}

static void test_alternating_axes(void) {
    static const mx_dtype dtypes[] = {MX_BOOL,    MX_UINT8,    MX_INT32,   MX_INT64,
                                      MX_FLOAT16, MX_BFLOAT16, MX_FLOAT32, MX_FLOAT64};
    for (size_t t = 0; t < sizeof dtypes / sizeof *dtypes; t++)
        for (int width = 2; width < 40; width += 15) {
            int shape[4] = {3, 4, 35, width};
            mx_array *a = mx_astype(mx_mul_s(some(shape, 4), 9), dtypes[t]), *b;
            for (int odd = 0; odd < 2; odd++) {
                mx_array *both = mx_reduce(MX_MAX, a, LIST(odd, 2 + odd), false);
                b = reduced(MX_MAX, reduced(MX_MAX, a, 2 + odd), odd);
                SAME(both, b, 0);
            }
            b = mx_astype(a, MX_INT32);
            SAME(mx_sum(b, LIST(1, 3), false), mx_sum_axis(mx_sum_axis(b, 3, false), 1, false), 0);
        }
}

static void test_threads_do_not_matter_short(void) {
    static const int axes[3][2] = {{1, 3}, {0, 2}, {3, 3}};
    mx_array *a = some(LIST(2, 40, 530, 6));
    for (int i = 0; i < 3; i++) {
        mx_array *s[3];
        for (int t = 0; t < 3; t++) {
            mx_pool_set_threads(1 + 2 * t);
            s[t] = mx_sum(a, axes[i], 1 + (axes[i][0] != axes[i][1]), false);
            CHECK(mx_eval1(s[t]));
            CHECK(memcmp(s[t]->data, s[0]->data, (size_t)s[0]->size * 4) == 0);
        }
    }
    mx_pool_set_threads(0);
}

static void test_threads_do_not_matter(void) {
    mx_array *a = some(LIST(300, 1100));
    for (int axis = 0; axis < 3; axis++) {
        float one, many;
        mx_array *s = axis < 2 ? mx_sum_axis(a, axis, false) : mx_sum_all(a), *t;
        mx_pool_set_threads(1);
        CHECK(mx_eval1(s));
        mx_pool_set_threads(3);
        t = axis < 2 ? mx_sum_axis(a, axis, false) : mx_sum_all(a);
        CHECK(mx_eval1(t));
        one = *(float *)s->data, many = *(float *)t->data;
        CHECK(memcmp(s->data, t->data, (size_t)s->size * 4) == 0);
        CHECK_NEAR(one, many, 0);
    }
    mx_pool_set_threads(0);
}

static void test_long_arg_reduce(void) {
    mx_array *a = mx_arange(0, 300000, 1, MX_FLOAT32),
             *hill = mx_negative(mx_abs(mx_add_s(a, -200123)));
    VALUES(mx_arg_reduce(true, hill, 0, false), 0, 200123);
    VALUES(mx_arg_reduce(false, hill, 0, false), 0, 0);
    mx_array *b = some(LIST(9, 40, 11)), *at = mx_arg_reduce(true, b, 1, false);
    SAME(mx_squeeze_axis(mx_take_along_axis(b, mx_expand_dim(at, 1), 1), 1),
         mx_reduce(MX_MAX, b, LIST(1), false), 0);
    at = mx_arg_reduce(true, mx_transpose(b), 1, false);
    SAME(mx_squeeze_axis(mx_take_along_axis(mx_transpose(b), mx_expand_dim(at, 1), 1), 1),
         mx_reduce(MX_MAX, mx_transpose(b), LIST(1), false), 0);
}

/* --- softmax and logsumexp -------------------------------------------------------- */

static mx_array *plain_softmax(mx_array *a, const int *axes, int n) {
    mx_array *e = mx_exp(mx_sub(a, mx_reduce(MX_MAX, a, axes, n, true)));
    return mx_div(e, mx_sum(e, axes, n, true));
}

static void test_softmax(void) {
    VALUES(mx_softmax(F(1, 0, 3), NULL, 0, false), 1e-6, 0.11419519037008286, 0.04201006889343262,
           0.8437947034835815);
    VALUES(mx_softmax(F(-INFINITY, -INFINITY), NULL, 0, false), 0, NAN, NAN);
    VALUES(mx_softmax(mx_scalar(3, MX_FLOAT32), NULL, 0, false), 0, 1);
    mx_array *a = some(LIST(6, 37, 5));
    SAME(mx_softmax(a, LIST(2), false), plain_softmax(a, LIST(2)), 1e-6);
    SAME(mx_softmax(a, LIST(1), false), plain_softmax(a, LIST(1)), 1e-6);
    SAME(mx_softmax(a, LIST(0), false), plain_softmax(a, LIST(0)), 1e-6);
    SAME(mx_softmax(a, LIST(0, 2), true), plain_softmax(a, LIST(0, 2)), 1e-6);
    SAME(mx_softmax(mx_transpose(a), LIST(2), true), plain_softmax(mx_transpose(a), LIST(2)), 1e-6);
    SAME(mx_softmax(mx_mul_s(a, 3), LIST(1), true), plain_softmax(mx_mul_s(a, 3), LIST(1)), 1e-6);
    mx_array *wide = some(LIST(2, 70000)), *fed = mx_mul_s(wide, 4);
    SAME(mx_softmax(wide, LIST(1), false), plain_softmax(wide, LIST(1)), 1e-6);
    SAME(mx_softmax(mx_mul_s(wide, 4), LIST(1), false), plain_softmax(fed, LIST(1)), 1e-6);
    mx_array *half = mx_astype(a, MX_BFLOAT16);
    SAME(mx_softmax(half, LIST(1), false), plain_softmax(mx_astype(half, MX_FLOAT32), LIST(1)),
         1e-2);
}

static void test_logsumexp(void) {
    VALUES(mx_logsumexp(F(1, 0, 3), NULL, 0, false), 1e-6, 3.1698460578918457);
    VALUES(mx_logsumexp(F(-INFINITY, -INFINITY), NULL, 0, false), 0, -INFINITY);
    VALUES(mx_logsumexp(F(INFINITY, -INFINITY), NULL, 0, false), 0, INFINITY);
    VALUES(mx_logsumexp(F(1000, 1000), NULL, 0, true), 1e-6, 1000.6931472);
    mx_array *a = some(LIST(6, 37, 5)), *want = mx_log(mx_sum(mx_exp(a), LIST(0, 2), false));
    SAME(mx_logsumexp(a, LIST(0, 2), false), want, 1e-6);
    SAME(mx_logsumexp(a, LIST(1), true), mx_log(mx_sum(mx_exp(a), LIST(1), true)), 1e-6);
    SAME(mx_logsumexp(mx_mul_s(a, 2), LIST(2), false),
         mx_log(mx_sum(mx_exp(mx_mul_s(a, 2)), LIST(2), false)), 1e-6);
    mx_array *wide = some(LIST(2, 70000));
    SAME(mx_logsumexp(wide, LIST(1), false), mx_log(mx_sum(mx_exp(wide), LIST(1), false)), 1e-6);
}

/* --- scans ------------------------------------------------------------------------ */

static void test_scans(void) {
    mx_array *x = F(1, 3, 2, 5);
    VALUES(mx_scan(MX_CUMSUM, x, 0, false, true), 0, 1, 4, 6, 11);
    VALUES(mx_scan(MX_CUMSUM, x, 0, false, false), 0, 0, 1, 4, 6);
    VALUES(mx_scan(MX_CUMSUM, x, 0, true, false), 0, 10, 7, 5, 0);
    VALUES(mx_scan(MX_CUMPROD, x, 0, false, false), 0, 1, 1, 3, 6);
    VALUES(mx_scan(MX_CUMPROD, x, 0, true, true), 0, 30, 30, 10, 5);
    VALUES(mx_scan(MX_CUMMAX, x, 0, false, false), 0, -INFINITY, 1, 3, 3);
    VALUES(mx_scan(MX_CUMMIN, x, 0, true, true), 0, 1, 2, 2, 5);
    VALUES(mx_scan(MX_CUMLOGSUMEXP, x, 0, false, true), 1e-6, 1, 3.1269280910491943,
           3.4076061248779297, 5.185182571411133);
    mx_array *a = ops_grid(3, 4);
    VALUES(mx_scan(MX_CUMSUM, a, 0, false, true), 0, 0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 21);
    VALUES(mx_scan(MX_CUMSUM, mx_transpose(a), 0, true, true), 0, 6, 22, 38, 6, 18, 30, 5, 13, 21,
           3, 7, 11);
    VALUES(mx_scan(MX_CUMSUM, mx_transpose(a), 1, false, true), 0, 0, 4, 12, 1, 6, 15, 2, 8, 18, 3,
           10, 21);
    VALUES(mx_scan(MX_CUMMAX, I(1, 3, 2), 0, false, false), 0, -2147483648.0, 1, 3);
}

/* --- derivatives ------------------------------------------------------------------ */

static mx_array *f_sum(mx_array *const *in) {
    return mx_sum_axis(mx_square(in[0]), 0, false);
}
static mx_array *f_prod(mx_array *const *in) {
    return mx_reduce(MX_PROD, in[0], LIST(1), false);
}
static mx_array *f_prod_all(mx_array *const *in) {
    return mx_reduce(MX_PROD, in[0], NULL, 0, true);
}
static mx_array *f_max(mx_array *const *in) {
    return mx_reduce(MX_MAX, in[0], LIST(1), false);
}
static mx_array *f_min(mx_array *const *in) {
    return mx_reduce(MX_MIN, in[0], NULL, 0, false);
}
static mx_array *f_mean(mx_array *const *in) {
    return mx_mean(mx_square(in[0]), LIST(0), true);
}
static mx_array *f_var(mx_array *const *in) {
    return mx_var(in[0], LIST(1), false, 1);
}
static mx_array *f_std(mx_array *const *in) {
    return mx_std(in[0], NULL, 0, false, 0);
}
static mx_array *f_softmax(mx_array *const *in) {
    return mx_softmax(in[0], LIST(0), false);
}
static mx_array *f_softmax2(mx_array *const *in) {
    return mx_softmax(in[0], LIST(0, 1), false);
}
static mx_array *f_lse(mx_array *const *in) {
    return mx_logsumexp(in[0], LIST(1), false);
}
static mx_array *f_lse_all(mx_array *const *in) {
    return mx_logsumexp(in[0], NULL, 0, true);
}

static void test_derivatives(void) {
    mx_array *a = grid(),
             *zeros = mx_reshape(F(3, 0, 4, 1.5, 0, 9, 0, -6, 5.5, 3.5, -8, 7), LIST(3, 4));
    DERIVATIVES(f_sum, a);
    DERIVATIVES(f_prod, a);
    DERIVATIVES(f_prod, zeros);
    DERIVATIVES(f_prod_all, mx_mul_s(a, 0.5));
    DERIVATIVES(f_max, a);
    DERIVATIVES(f_min, a);
    DERIVATIVES(f_mean, a);
    DERIVATIVES(f_var, a);
    DERIVATIVES(f_std, a);
    DERIVATIVES(f_softmax, a);
    DERIVATIVES(f_softmax2, mx_mul_s(a, 0.2));
    DERIVATIVES(f_lse, a);
    DERIVATIVES(f_lse_all, a);
}

#define SCAN(name, op, axis, reverse, inclusive)             \
    static mx_array *name(mx_array *const *in) {             \
        return mx_scan(op, in[0], axis, reverse, inclusive); \
    }
#define SCAN_CASES(name, op)             \
    SCAN(name##_00, op, 1, false, false) \
    SCAN(name##_01, op, 1, false, true)  \
    SCAN(name##_10, op, 0, true, false)  \
    SCAN(name##_11, op, 0, true, true)
SCAN_CASES(f_cumsum, MX_CUMSUM)
SCAN_CASES(f_cumprod, MX_CUMPROD)
SCAN_CASES(f_cummax, MX_CUMMAX)
SCAN_CASES(f_cummin, MX_CUMMIN)
SCAN_CASES(f_cumlse, MX_CUMLOGSUMEXP)

/* The first element of an exclusive extreme is infinite: it is left out. */
static mx_array *finite_part(mx_array *y) {
    return y ? mx_where(mx_isfinite(y), y, mx_zero_like(y)) : NULL;
}
static mx_array *f_cummax_ex(mx_array *const *in) {
    return finite_part(f_cummax_00(in));
}
static mx_array *f_cummin_ex(mx_array *const *in) {
    return finite_part(f_cummin_10(in));
}
static mx_array *f_cummin_ex0(mx_array *const *in) {
    return finite_part(f_cummin_00(in));
}
static mx_array *f_cummax_ex1(mx_array *const *in) {
    return finite_part(f_cummax_10(in));
}
static mx_array *f_cumlse_ex0(mx_array *const *in) {
    return finite_part(f_cumlse_00(in));
}
static mx_array *f_cumlse_ex1(mx_array *const *in) {
    return finite_part(f_cumlse_10(in));
}

static void test_scan_derivatives(void) {
    mx_array *a = mx_mul_s(grid(), 0.5),
             *zeros = mx_reshape(F(3, 0, 4, 1.5, 0, 9, 0, -6, 5.5, 3.5, -8, 7), LIST(3, 4));
    DERIVATIVES(f_cumsum_00, a);
    DERIVATIVES(f_cumsum_01, a);
    DERIVATIVES(f_cumsum_10, a);
    DERIVATIVES(f_cumsum_11, a);
    DERIVATIVES(f_cumprod_00, a);
    DERIVATIVES(f_cumprod_01, zeros);
    DERIVATIVES(f_cumprod_10, zeros);
    DERIVATIVES(f_cumprod_11, a);
    DERIVATIVES(f_cummax_ex, a);
    DERIVATIVES(f_cummax_01, a);
    DERIVATIVES(f_cummin_ex, a);
    DERIVATIVES(f_cummin_11, a);
    DERIVATIVES(f_cummin_01, a);
    DERIVATIVES(f_cummin_ex0, a);
    DERIVATIVES(f_cummax_11, a);
    DERIVATIVES(f_cummax_ex1, a);
    DERIVATIVES(f_cumlse_ex0, a);
    DERIVATIVES(f_cumlse_01, a);
    DERIVATIVES(f_cumlse_ex1, a);
    DERIVATIVES(f_cumlse_11, a);
}

int main(void) {
    RUN_SCOPED(test_values);
    RUN_SCOPED(test_dtypes);
    RUN_SCOPED(test_statistics);
    RUN_SCOPED(test_empty_and_identity);
    RUN_SCOPED(test_refusals);
    RUN_SCOPED(test_nan);
    RUN_SCOPED(test_layouts);
    RUN_SCOPED(test_products);
    RUN_SCOPED(test_alternating_axes);
    RUN_SCOPED(test_threads_do_not_matter);
    RUN_SCOPED(test_threads_do_not_matter_short);
    RUN_SCOPED(test_long_arg_reduce);
    RUN_SCOPED(test_softmax);
    RUN_SCOPED(test_logsumexp);
    RUN_SCOPED(test_scans);
    RUN_SCOPED(test_derivatives);
    RUN_SCOPED(test_scan_derivatives);
    return check_done();
}
