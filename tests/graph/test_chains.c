/* Chains of operations on float32 (kernels/pointwise/k_pw_chain.h) give the same bits as their
 * operations one by one: sizes on both sides of every cut that the loops make, operands in memory,
 * numbers, rows, columns and what is scattered, values that are kept on the way. */
#include "check.h"
#include "graph/eval/eval.h"
#include "ops/ops.h"
#include "same_values.h"

enum { WAYS = 8, MOST = 3 };

typedef struct inputs {
    mx_array *x, *y, *row, *col;
} inputs;

static mx_array *step(mx_array *a, bool each) {
    CHECK(a && (!each || mx_eval1(a)));
    return a;
}

/* The results that are wanted, at most MOST; `each`: every operation is evaluated by itself. */
static int results(mx_array **out, const inputs *in, int way, bool each) {
#define S(a) step(a, each)
    mx_array *x = in->x, *y = in->y, *a, *b;
    switch (way) {
    case 0: // as clip
        *out = S(mx_minimum(S(mx_maximum(x, mx_scalar(-1, MX_FLOAT32))), mx_scalar(1, MX_FLOAT32)));
        return 1;
    case 1: // the number on the left, and the input twice
        *out = S(mx_mul(S(mx_sub(mx_scalar(3, MX_FLOAT32), x)), x));
        return 1;
    case 2: *out = S(mx_sqrt(S(mx_abs(S(mx_add(S(mx_mul(x, y)), y)))))); return 1;
    case 3: // kept for another output, and for later
        out[0] = a = S(mx_exp(S(mx_negative(x))));
        b = S(mx_tanh(S(mx_add(a, y))));
        out[1] = S(mx_div(b, S(mx_add(a, b))));
        return 2;
    case 4: *out = S(mx_square(S(mx_sub(x, in->col)))); return 1;
    case 5: *out = S(mx_sigmoid(S(mx_add(S(mx_mul(in->row, x)), y)))); return 1;
    case 6: { // scalars as numbers and as arrays, on both sides
        mx_array *s = mx_scalar(0.75, MX_FLOAT32);
        a = S(mx_power(S(mx_abs(x)), s));
        out[0] = S(mx_where(S(mx_less(s, x)), s, S(mx_power(s, a))));
        out[1] = S(mx_sub(S(mx_maximum(s, a)), s));
        return 2;
    }
    default: // not all of it is a chain
        a = S(mx_maximum(S(mx_add(x, y)), S(mx_square(y))));
        out[0] = S(mx_where(S(mx_less(a, y)), a, S(mx_floor(S(mx_mul(a, y))))));
        out[1] = S(mx_mul(S(mx_floor(a)), a));
        return 2;
    }
#undef S
}

static void compare(const inputs *in, const char *how, int rows, int cols) {
    for (int way = 0; way < WAYS; way++) {
        mx_scope s = mx_scope_open();
        mx_array *want[MOST], *got[MOST];
        results(want, in, way, true);
        mx_scope building = mx_scope_open(); // so that nothing but the results is wanted
        int n = results(got, in, way, false);
        for (int i = 0; i < n; i++)
            mx_array_retain(got[i]);
        mx_scope_close(building);
        CHECK(mx_eval(got, n));
        for (int i = 0; i < n; i++) {
            CHECK_MSG(same_values(got[i], want[i]), "%s (%d,%d), way %d, result %d", how, rows,
                      cols, way, i);
            mx_array_release(got[i]);
        }
        mx_scope_close(s);
    }
}

static mx_array *values(int rows, int cols, uint64_t seed) {
    int shape[2] = {rows, cols};
    mx_array *x = mx_random_normal(shape, 2, MX_FLOAT32, NULL, NULL,
                                   mx_random_key(check_seed(seed + (uint64_t)rows * 8191)));
    CHECK(mx_eval1(x));
    return x;
}

/* From the second element on: no vector begins where a line does. */
static mx_array *moved(mx_array *x) {
    int shape[2] = {x->shape[0], x->shape[1]}, start[1] = {1}, stop[1] = {(int)x->size + 1};
    int flat[1] = {-1}, more[1] = {1}, one[1] = {1};
    mx_array *two[2] = {mx_full(more, 1, mx_scalar(7, MX_FLOAT32), MX_FLOAT32),
                        mx_reshape(x, flat, 1)};
    mx_array *all = mx_concatenate(two, 2, 0);
    CHECK(mx_eval1(all));
    return mx_reshape(mx_slice(all, start, stop, one), shape, 2);
}

static void compare_all(int rows, int cols) {
    mx_scope s = mx_scope_open();
    inputs in = {values(rows, cols, 1), values(rows, cols, 2), values(1, cols, 3),
                 values(rows, 1, 4)};
    compare(&in, "as they are", rows, cols);
    inputs other = {moved(in.x), moved(in.y), in.row, in.col};
    CHECK(mx_eval1(other.x) && mx_eval1(other.y));
    compare(&other, "moved", rows, cols);
    inputs turned = {mx_transpose(values(cols, rows, 5)), in.y, in.row, in.col};
    CHECK(mx_eval1(turned.x));
    compare(&turned, "turned", rows, cols);
    mx_scope_close(s);
}

static void sizes(void) {
    static const int all[][2] = {{0, 5},   {1, 1},    {1, 15},   {1, 31},    {1, 32},
                                 {1, 33},  {1, 63},   {1, 65},   {1, 127},   {1, 128},
                                 {1, 129}, {3, 85},   {1, 1023}, {1, 1024},  {1, 1025},
                                 {3, 341}, {5, 1000}, {7, 4099}, {300, 700}, {1, 200003}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        compare_all(all[i][0], all[i][1]);
}

int main(void) {
    RUN(sizes);
    return check_done();
}
