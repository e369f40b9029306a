/* Reductions and softmax of a chain that is not computed yet give the same bits as those of its
 * array: shapes on both sides of every cut that the loops make. */
#include "base/mem.h"
#include "base/status.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "ops/ops.h"
#include "same_values.h"

enum { WAYS = 9 };

static mx_array *reduced(mx_array *x, int way, int axis) {
    static const int both[2] = {0, 1};
    const int *axes = axis < 2 ? &axis : both;
    int n = axis < 2 ? 1 : 2;
    switch (way) {
    case 0: return mx_sum(x, axes, n, false);
    case 1: return mx_reduce(MX_PROD, x, axes, n, true);
    case 2: return mx_reduce(MX_MAX, x, axes, n, false);
    case 3: return mx_mean(x, axes, n, false);
    case 4: return mx_var(x, axes, n, true, 1);
    case 5: return mx_softmax(x, axes, n, true);
    case 6: return mx_logsumexp(x, axes, n, false);
    case 7: return mx_scan(MX_CUMSUM, x, axis % 2, false, true);
    default: return mx_arg_reduce(true, x, axis % 2, false);
    }
}

/* Numbers of many sizes, of which sums round at every step. */
static mx_array *values(int rows, int cols, mx_dtype t) {
    int shape[2] = {rows, cols};
    mx_array *x = mx_random_normal(shape, 2, MX_FLOAT32, NULL, NULL,
                                   mx_random_key(check_seed((uint64_t)(rows * 8191 + cols))));
    return mx_astype(mx_dtype_is_integer(t) ? mx_mul_s(x, 9) : x, t);
}

static mx_array *chain(mx_array *x) {
    return mx_sub(mx_square(x), mx_mul_s(x, 3));
}

static mx_array *product(mx_array *x) {
    return mx_mul(x, x);
}

typedef mx_array *chain_of(mx_array *x);

/* x is computed; `dense` holds its elements in order. */
static void compare_chains(chain_of *f, mx_array *x, mx_array *dense, const char *what) {
    for (int way = 0; way < WAYS; way++)
        for (int axis = 0; axis < 3; axis++) {
            mx_scope one = mx_scope_open();
            mx_array *computed = f(dense);
            CHECK(mx_eval1(computed));
            mx_array *want = reduced(computed, way, axis);
            mx_scope building = mx_scope_open(); // so that the reduction alone holds the chain
            mx_array *got = mx_scope_return(building, reduced(f(x), way, axis));
            CHECK_MSG(same_values(got, want), "%s (%d,%d) of %s, way %d along %d", what,
                      x->shape[0], x->shape[1], mx_dtype_name(mx_dtype_of(x)), way, axis);
            mx_scope_close(one);
        }
}

static void compare(int rows, int cols, mx_dtype t) {
    mx_scope s = mx_scope_open();
    mx_array *x = values(rows, cols, t);
    CHECK(mx_eval1(x));
    compare_chains(chain, x, x, "chain");
    mx_scope_close(s);
}

static const int shapes[][2] = {{1, 1},     {3, 5},      {7, 4096}, {2, 4097},   {17, 5000},
                                {3, 70000}, {1, 300000}, {5000, 1}, {40000, 3},  {9000, 10},
                                {1500, 63}, {1500, 64},  {700, 65}, {133, 2048}, {61, 2058},
                                {40, 5001}, {300, 300},  {33000, 7}};

static void shapes_of_each_dtype(void) {
    static const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16, MX_FLOAT64, MX_INT32};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t k = 0; k < sizeof types / sizeof *types; k++)
            compare(shapes[i][0], shapes[i][1], types[k]);
}

/* The same where what is read one after the other lies far apart: turned, or turned and
   repeated. */
static void turned(int rows, int cols, mx_dtype t) {
    mx_scope s = mx_scope_open();
    mx_array *x = mx_transpose(values(cols, rows, t)), *dense = mx_contiguous(x, false);
    CHECK(mx_eval1(x) && mx_eval1(dense) && !x->row_contiguous);
    compare_chains(chain, x, dense, "turned chain");
    compare_chains(product, x, dense, "turned product");
    mx_scope_close(s);
}

static void turned_shapes(void) {
    turned(40, 127, MX_FLOAT32);
    turned(5, 128, MX_FLOAT32);
    turned(30, 700, MX_FLOAT64);
    turned(17, 5000, MX_BFLOAT16);
    turned(300, 300, MX_INT32);
}

/* Three axes, of which a turned matrix has two: it is copied without what the third repeats. */
static mx_array *repeated(mx_array *m) {
    int shape[3] = {4, m->shape[0], m->shape[1]}, axes[2] = {0, 2};
    mx_array *x = mx_broadcast_to(m, shape, 3);
    return mx_sum(mx_add(mx_square(x), x), axes, 2, false);
}

static void turned_and_repeated(void) {
    mx_scope s = mx_scope_open();
    mx_array *m = mx_transpose(values(900, 33, MX_FLOAT32)), *dense = mx_contiguous(m, false);
    CHECK(mx_eval1(m) && mx_eval1(dense));
    CHECK(same_values(repeated(m), repeated(dense)));
    mx_scope_close(s);
}

/* An allocation that fails while inputs are copied is an error, and the next call works. */
static void turned_without_memory(void) {
    mx_scope s = mx_scope_open();
    mx_array *m = mx_transpose(values(900, 33, MX_FLOAT32));
    CHECK(mx_eval1(m));
    bool done = false;
    for (uint64_t n = 1; n < 200 && !done; n++) {
        mx_scope one = mx_scope_open();
        mx_array *y = repeated(m);
        mx_alloc_fail_at(n);
        done = mx_eval1(y);
        mx_alloc_fail_at(0);
        CHECK(done || mx_error_status() == MX_NOMEM);
        mx_error_clear();
        mx_scope_close(one);
    }
    CHECK(done);
    mx_scope_close(s);
}

/* Long sums are added up so that the error is of some roundings, not of as many as there are terms:
   1.5 in the root mean square of many keys. */
static void long_sums(void) {
    mx_scope s = mx_scope_open();
    int n[1] = {1 << 21};
    mx_array *x = mx_random_uniform(mx_scalar(0, MX_FLOAT32), mx_scalar(1, MX_FLOAT32), n, 1,
                                    MX_FLOAT32, mx_random_key(check_seed(3)));
    mx_array *sum = mx_sum_all(mx_square(x)),
             *want = mx_sum_all(mx_square(mx_astype(x, MX_FLOAT64)));
    mx_array *error =
        mx_abs(mx_sub(mx_div(mx_astype(sum, MX_FLOAT64), want), mx_scalar(1, MX_FLOAT64)));
    CHECK(mx_eval1(error) && *(double *)error->data < 8 * 0x1p-24);
    mx_scope_close(s);
}

int main(void) {
    RUN(shapes_of_each_dtype);
    RUN(turned_shapes);
    RUN(turned_and_repeated);
    RUN(turned_without_memory);
    RUN(long_sums);
    return check_done();
}
