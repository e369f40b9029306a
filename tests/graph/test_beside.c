/* Units side by side: random graphs of many lanes have the same bits on one thread and on four,
 * plain and compiled, also where memory runs out on the way; what fails in a crew says why. */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "graph/eval/evaluation.h"
#include "ops/ops.h"
#include "transforms/compile.h"

/* --- random graphs ---------------------------------------------------------------------------- */

enum { LANES = 12, COLS = 96, DEPTH = 7, GRAPHS = 12 };

static uint32_t state;

static int roll(int n) {
    state = state * 1664525u + 1013904223u;
    return (int)((state >> 8) % (uint32_t)n);
}

/* One step more of a lane x; w is COLS x COLS, other another value of the same lane. */
static mx_array *grow(mx_array *x, mx_array *other, mx_array *w) {
    static const int last[1] = {-1};
    switch (roll(9)) {
    case 0: return mx_matmul(x, w);
    case 1: return mx_tanh(mx_add(x, other));
    case 2: return mx_softmax(mx_mul(x, other), last, 1, false);
    case 3: return mx_sub(x, mx_mean(x, last, 1, true));
    case 4: return mx_add(mx_transpose(mx_transpose(x)), mx_sum(other, (int[]){0}, 1, true));
    case 5: return mx_scan(MX_CUMSUM, x, 1, false, true);
    case 6: return mx_div(mx_square(x), mx_add_s(mx_abs(other), 1));
    case 7: return mx_transpose(mx_contiguous(mx_transpose(x), false));
    default: return mx_maximum(x, mx_mul_s(other, 0.5));
    }
}

/* in: a value for each lane, then w. Out: the last of each lane, one on the way, and a sum of
   all. */
static bool forest(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    mx_array *sum = NULL;
    state = (uint32_t)(uintptr_t)self->payload;
    (void)n;
    for (int i = 0; i < LANES; i++) {
        mx_array *x = in[i], *other = in[i];
        for (int k = 0; k < DEPTH; k++) {
            mx_array *next = grow(x, other, in[LANES]);
            other = roll(3) ? x : other;
            x = next;
        }
        mx_array *all = mx_sum_all(x);
        sum = sum ? mx_add(sum, all) : all;
        if (!mx_arrays_add(out, x) || (roll(2) && !mx_arrays_add(out, other)))
            return false;
    }
    return mx_arrays_add(out, sum);
}

static void make_inputs(mx_array **in) {
    for (int i = 0; i <= LANES; i++) {
        int rows = i == LANES ? COLS : 60 + 5 * i;
        mx_array *key = mx_random_key(check_seed((uint64_t)i));
        in[i] = mx_random_normal((int[]){rows, COLS}, 2, MX_FLOAT32, NULL, NULL, key);
    }
    in[LANES] = mx_mul_s(in[LANES], 0.1);
    CHECK(mx_eval(in, LANES + 1));
}

static bool same_bits(const mx_array *a, const mx_array *b) {
    return mx_array_available(a) && mx_array_available(b) && mx_same_shape(a, b) &&
           a->row_contiguous && b->row_contiguous &&
           memcmp(a->data, b->data, (size_t)a->size * mx_itemsize(a)) == 0;
}

static bool all_same(const mx_arrays *a, const mx_arrays *b) {
    bool same = a->count == b->count;
    for (size_t i = 0; i < a->count && same; i++)
        same = same_bits(a->item[i], b->item[i]);
    return same;
}

/* Called and evaluated, again where memory runs out, which the fail-th allocation does; 0: none. */
static bool run(mx_closure *f, mx_array *const *in, int threads, uint64_t fail, mx_arrays *out) {
    mx_scope s = mx_scope_open();
    mx_arrays dense = {0};
    mx_pool_set_threads(threads);
    bool ok = mx_closure_call(f, in, LANES + 1, out);
    for (size_t i = 0; ok && i < out->count; i++)
        ok = mx_arrays_add(&dense, mx_contiguous(out->item[i], false));
    if (fail)
        mx_alloc_fail_at(fail);
    if (ok && !mx_eval(dense.item, (int)dense.count)) {
        CHECK(fail && mx_error_status() == MX_NOMEM);
        mx_error_clear();
        ok = mx_eval(dense.item, (int)dense.count);
    }
    mx_alloc_fail_at(0);
    mx_arrays_free(out);
    *out = dense;
    mx_scope_close(s);
    return CHECK(ok);
}

static void compare(mx_closure *f, mx_array *const *in, const mx_arrays *wanted, int threads,
                    uint64_t fail) {
    mx_arrays got = {0};
    CHECK(run(f, in, threads, fail, &got) && all_same(wanted, &got));
    mx_arrays_free(&got);
}

static void test_random_lanes(void) {
    mx_scope s = mx_scope_open();
    mx_array *in[LANES + 1];
    make_inputs(in);
    for (uintptr_t g = 1; g <= GRAPHS; g++) {
        mx_arrays wanted = {0};
        mx_closure plain = mx_closure_local(forest, (void *)g);
        mx_closure *compiled = mx_compile(&plain, false);
        if (!CHECK(compiled && run(&plain, in, 1, 0, &wanted)))
            break;
        compare(&plain, in, &wanted, 4, 0);
        compare(compiled, in, &wanted, 1, 0);
        for (uint64_t fail = 0; fail < 400; fail += 79) {
            compare(&plain, in, &wanted, 4, fail);
            compare(compiled, in, &wanted, 4, fail);
        }
        mx_object_release(&compiled->object);
        mx_arrays_free(&wanted);
    }
    mx_pool_set_threads(0);
    mx_scope_close(s);
}

/* --- which run side by side ------------------------------------------------------------------- */

/* How many units of the plan of a can have others beside them. */
static int pairs_of(mx_array *const *a, int n) {
    mx_plan p = {0};
    int pairs = 0;
    CHECK(mx_plan_order(&p, a, n) && mx_plan_fuse(&p));
    mx_plan_beside(&p);
    for (int32_t i = 0; i < p.n_order; i++)
        pairs += p.unit[p.order[i]].beside >= 0;
    mx_plan_free(&p);
    return pairs;
}

static mx_array *noise(int rows, int cols) {
    return mx_random_normal((int[]){rows, cols}, 2, MX_FLOAT32, NULL, NULL,
                            mx_random_key(check_seed(3)));
}

static void test_what_runs_side_by_side(void) {
    mx_scope s = mx_scope_open();
    mx_array *x[4], *y[4], *chain = noise(80, 80);
    for (int i = 0; i < 4; i++)
        x[i] = noise(80, 80 + i);
    CHECK(mx_eval(x, 4) && mx_eval1(chain));
    for (int i = 0; i < 4; i++) {
        y[i] = mx_tanh(mx_mul_s(x[i], 2));
        chain = mx_matmul(chain, chain);
    }
    CHECK_EQ_INT(pairs_of(y, 4), 3);
    CHECK_EQ_INT(pairs_of(&chain, 1), 0); // each needs the one before
    for (int i = 0; i < 4; i++)
        y[i] = mx_tanh(noise(8, 8 + i));
    CHECK_EQ_INT(pairs_of(y, 4), 0); // too little
    for (int i = 0; i < 4; i++)
        y[i] = mx_matmul(mx_ones((int[]){1024, 1024}, 2, MX_FLOAT32),
                         mx_ones((int[]){1024, 1024 + i}, 2, MX_FLOAT32));
    CHECK_EQ_INT(pairs_of(y, 4), 0); // enough for all threads
    mx_scope_close(s);
}

/* --- errors ----------------------------------------------------------------------------------- */

static void test_what_fails_says_why(void) {
    enum { N = 20000, PLACES = 6 };
    static int32_t place[N];
    mx_scope s = mx_scope_open();
    mx_array *x = mx_arange(0, N, 1, MX_FLOAT32), *y[PLACES];
    mx_pool_set_threads(4);
    for (int i = 0; i < PLACES; i++) {
        place[N / 2] = i == 2 ? N : 7;
        y[i] = mx_take(x, mx_array_from(place, (int[]){N}, 1, MX_INT32), 0);
    }
    CHECK(mx_eval1(x));
    CHECK_EQ_INT(pairs_of(y, PLACES), PLACES - 1);
    CHECK(!mx_eval(y, PLACES));
    CHECK(mx_error_status() != MX_OK && strstr(mx_error_message(), "20000"));
    mx_error_clear();
    CHECK(!mx_array_available(y[2]));
    for (int i = 0; i < PLACES; i++)
        if (i != 2)
            CHECK(mx_eval1(y[i]) && ((const float *)y[i]->data)[N / 2] == 7);
    mx_pool_set_threads(0);
    mx_scope_close(s);
}

int main(void) {
    RUN(test_what_runs_side_by_side);
    RUN(test_what_fails_says_why);
    RUN(test_random_lanes);
    return check_done();
}
