/* The engine: fused programs against plain ones, deep and wide graphs, donation, errors,
   threads. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/memory/cache.h"
#include "base/mem.h"
#include "base/status.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "ops/ops.h"

static mx_array *ramp(int n) {
    return mx_arange(0, n, 1, MX_FLOAT32);
}

static float at(mx_array *a, int64_t i) {
    return ((float *)a->data)[i];
}

static void test_chain_is_fused_and_right(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = ramp(5000), *y = x;
    for (int i = 0; i < 9; i++)
        y = mx_add(mx_mul_s(y, 0.5), x);
    CHECK(mx_eval1(y));
    float want = 0;
    for (int i = 0; i < 9; i++)
        want = i ? want * 0.5f + 4999 : 4999 * 0.5f + 4999;
    CHECK_NEAR(at(y, 4999), want, 1e-3);
    CHECK(y->node == NULL);
    mx_scope_close(s);
}

static void test_values_wanted_outside_are_kept(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = ramp(3000), *mid = mx_mul_s(x, 2), *y = mx_add_s(mid, 1), *z = mx_sub(mid, y);
    mx_array *all[2] = {y, z};
    CHECK(mx_eval(all, 2));
    CHECK(mx_array_available(mid));
    CHECK_NEAR(at(mid, 2999), 5998, 0);
    CHECK_NEAR(at(y, 10), 21, 0);
    CHECK_NEAR(at(z, 77), -1, 0);
    mx_scope_close(s);
}

/* Programs around a reduction: no circle through the sum. */
static void test_paths_that_leave_and_return(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = ramp(100), *a = mx_add_s(x, 1), *total = mx_sum(a, NULL, 0, false);
    mx_array *y = mx_mul(mx_add(a, total), a);
    CHECK(mx_eval1(y));
    CHECK_NEAR(at(y, 9), (10 + 5050) * 10, 0);
    mx_scope_close(s);
}

static void test_broadcast_inputs(void) {
    mx_scope s = mx_scope_open();
    int rows[2] = {300, 1}, cols[2] = {1, 40};
    mx_array *r = mx_reshape(ramp(300), rows, 2), *c = mx_reshape(ramp(40), cols, 2);
    mx_array *y = mx_add(mx_mul_s(r, 100), mx_add_s(c, 0.5));
    CHECK(mx_eval1(y));
    CHECK_NEAR(at(y, 7 * 40 + 3), 703.5, 0);
    CHECK_EQ_INT(y->size, 12000);
    mx_scope_close(s);
}

static void test_transposed_input(void) {
    mx_scope s = mx_scope_open();
    int shape[2] = {30, 50};
    mx_array *a = mx_reshape(ramp(1500), shape, 2);
    mx_array *y = mx_add_s(mx_transpose(a), 1);
    CHECK(mx_eval1(y));
    CHECK_NEAR(at(y, 2 * 30 + 5), 5 * 50 + 2 + 1, 0);
    mx_scope_close(s);
}

/* Panels: several transposed inputs, one of them a half, over more elements than a panel holds. */
static void test_many_transposed_inputs(void) {
    mx_scope s = mx_scope_open();
    int shape[2] = {70, 300};
    mx_array *a = mx_reshape(ramp(21000), shape, 2),
             *h = mx_astype(mx_remainder(a, mx_scalar(256, MX_FLOAT32)), MX_BFLOAT16);
    mx_array *y = mx_add(mx_add(mx_transpose(a), mx_transpose(h)), mx_mul_s(mx_transpose(a), 2));
    CHECK(mx_eval1(h) && mx_eval1(y));
    int wrong = 0;
    for (int i = 0; i < 300; i++)
        for (int j = 0; j < 70; j++) {
            int v = j * 300 + i;
            wrong += at(y, i * 70 + j) != (float)(3 * v + v % 256);
        }
    CHECK_EQ_INT(wrong, 0);
    mx_scope_close(s);
}

/* Inputs that repeat along the first axis: shorter and longer than a tile, a matrix, a half, and
 * one that is too large to be kept. */
static void test_repeating_inputs(void) {
    static const int wide[] = {1, 3, 64, 300, 5000, 40000};
    for (size_t k = 0; k < sizeof wide / sizeof *wide; k++) {
        mx_scope s = mx_scope_open();
        int n = wide[k], shape[3] = {7, 2, n}, matrix[2] = {2, n}, wrong = 0;
        mx_array *x = mx_reshape(ramp(14 * n), shape, 3), *v = ramp(n);
        mx_array *m = mx_reshape(ramp(2 * n), matrix, 2);
        mx_array *h = mx_astype(mx_remainder(v, mx_scalar(256, MX_FLOAT32)), MX_BFLOAT16);
        mx_array *spread = mx_broadcast_to(v, shape, 3);
        mx_array *y = mx_add(mx_add(mx_sub(x, m), mx_mul_s(spread, 3)), h);
        mx_array *sum = mx_reduce(MX_SUM, mx_mul(mx_sub(x, m), mx_add_s(h, 1)), (int[]){0}, 1, 0);
        mx_array *all[] = {v, m, h, y, sum};
        CHECK(mx_eval(all, 5));
        for (int i = 0; i < 14 * n; i++)
            wrong += at(y, i) != (float)(i - i % (2 * n) + 3 * (i % n) + i % n % 256);
        for (int i = 0; i < 2 * n && n <= 64; i++) // 2 n (0 + ... + 6) times that
            wrong += at(sum, i) != (float)(42 * n * (i % n % 256 + 1));
        CHECK_EQ_INT(wrong, 0);
        mx_scope_close(s);
    }
}

static void test_empty_and_scalar(void) {
    mx_scope s = mx_scope_open();
    int none[2] = {0, 3};
    mx_array *e = mx_add_s(mx_zeros(none, 2, MX_FLOAT32), 1);
    mx_array *one = mx_exp(mx_scalar(0, MX_FLOAT32));
    CHECK(mx_eval1(e) && mx_eval1(one));
    CHECK_EQ_INT(e->size, 0);
    CHECK_NEAR(at(one, 0), 1, 0);
    mx_scope_close(s);
}

static void test_long_chain(void) {
    mx_array *x;
    mx_scope s = mx_scope_open();
    x = mx_array_retain(ramp(4));
    mx_scope_close(s);
    for (int i = 0; i < 1000000; i++) {
        s = mx_scope_open();
        mx_array *next = mx_array_retain(mx_add_s(x, 1));
        mx_array_release(x);
        x = next;
        mx_scope_close(s);
    }
    CHECK(mx_eval1(x));
    CHECK_NEAR(at(x, 3), 1000003, 0);
    mx_array_release(x);
}

static void test_unevaluated_chain_is_freed(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = mx_array_retain(ramp(4));
    mx_scope_close(s);
    for (int i = 0; i < 300000; i++) {
        s = mx_scope_open();
        mx_array *next = mx_array_retain(mx_sin(x));
        mx_array_release(x);
        x = next;
        mx_scope_close(s);
    }
    int64_t before = mx_alloc_live();
    mx_array_release(x);
    CHECK(before - mx_alloc_live() > 600000);
}

static void test_memory_returns(void) {
    size_t before = mx_mem_active();
    mx_scope s = mx_scope_open();
    mx_array *y = mx_sum(mx_exp(mx_mul_s(ramp(1 << 20), -1e-6)), NULL, 0, false);
    CHECK(mx_eval1(y));
    mx_scope_close(s);
    CHECK_EQ_INT(mx_mem_active(), before);
}

static void test_placeholders_are_refused(void) {
    mx_scope s = mx_scope_open();
    int shape[1] = {3};
    mx_array *y = mx_add_s(mx_placeholder(shape, 1, MX_FLOAT32), 1);
    CHECK(!mx_eval1(y));
    CHECK(strstr(mx_error_message(), "[eval]") != NULL);
    mx_error_clear();
    mx_scope_close(s);
}

static void test_async(void) {
    mx_scope s = mx_scope_open();
    mx_array *y = mx_sqrt(mx_square(ramp(100000)));
    CHECK(mx_async_eval(&y, 1));
    CHECK(mx_stream_synchronize(mx_scope_stream()));
    CHECK(mx_array_available(y));
    CHECK_NEAR(at(y, 99999), 99999, 0);
    mx_scope_close(s);
}

/* Many threads evaluate overlapping graphs over shared arrays. */
enum { THREADS = 8, ROUNDS = 50 };
static mx_array *shared[ROUNDS];

static void *evaluate_shared(void *ctx) {
    intptr_t wrong = 0, me = (intptr_t)ctx;
    for (int i = 0; i < ROUNDS; i++) {
        mx_scope s = mx_scope_open();
        mx_array *mine = mx_add_s(shared[i], (double)me);
        wrong += !mx_eval1(mine) || at(mine, 7) != 7.0f * 3 + (float)me;
        wrong += !mx_eval1(shared[i]) || at(shared[i], 99) != 297;
        mx_scope_close(s);
    }
    return (void *)wrong;
}

static void test_threads(void) {
    pthread_t t[THREADS];
    mx_scope s = mx_scope_open();
    for (int i = 0; i < ROUNDS; i++)
        shared[i] = mx_mul_s(ramp(2000), 3);
    for (intptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&t[i], NULL, evaluate_shared, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong = NULL;
        pthread_join(t[i], &wrong);
        CHECK_EQ_INT((intptr_t)wrong, 0);
    }
    mx_scope_close(s);
}

static void test_every_allocation_may_fail(void) {
    bool done = false;
    for (uint64_t n = 1; n < 10000 && !done; n++) {
        int64_t live = mx_alloc_live();
        mx_scope s = mx_scope_open();
        mx_alloc_fail_at(n);
        mx_array *x = ramp(50), *y = mx_add(mx_mul(x, x), mx_sum(x, NULL, 0, true));
        bool ok = y && mx_eval1(y);
        mx_alloc_fail_at(0);
        if (ok)
            done = n > 4;
        else
            CHECK_EQ_INT(mx_error_status(), MX_NOMEM);
        mx_error_clear();
        if (y && !ok) {
            CHECK(mx_eval1(y)); /* the same eval may be tried again */
            CHECK_NEAR(at(y, 3), 9 + 1225, 0);
        }
        mx_scope_close(s);
        CHECK(mx_alloc_live() <= live + 8); /* buffers that the engine keeps may have grown */
    }
    CHECK(done);
}

int main(void) {
    RUN(test_chain_is_fused_and_right);
    RUN(test_values_wanted_outside_are_kept);
    RUN(test_paths_that_leave_and_return);
    RUN(test_broadcast_inputs);
    RUN(test_transposed_input);
    RUN(test_many_transposed_inputs);
    RUN(test_repeating_inputs);
    RUN(test_empty_and_scalar);
    RUN(test_long_chain);
    RUN(test_unevaluated_chain_is_freed);
    RUN(test_memory_returns);
    RUN(test_placeholders_are_refused);
    RUN(test_async);
    RUN(test_threads);
    RUN(test_every_allocation_may_fail);
    return check_done();
}
