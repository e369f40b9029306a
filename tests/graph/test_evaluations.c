/* Evaluations side by side: what one waits for and what not, priorities, queues. Operations of the
   test's own wait for each other, so that no result depends on how fast something is. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/threads/pool.h"
#include "base/threads/turn.h"
#include "base/status.h"
#include "check.h"
#include "graph/array/params.h"
#include "graph/array/plugin.h"
#include "graph/eval/eval.h"
#include "graph/eval/share.h"
#include "ops/linalg/linalg.h"
#include "ops/ops.h"
#include "transforms/transforms.h"

/* --- an operation that does what the test says: y = x + 1 ------------------------------------- */

typedef void action(int64_t argument);
static action *actions[8];
static int own_op = -1;
static atomic_int runs[64]; /* by argument */

static bool infer(const mx_plugin_op *self, const int64_t *numbers, mx_array *const *in, int nin,
                  mx_out *out) {
    (void)self, (void)numbers, (void)nin;
    out->dtype = mx_dtype_of(in[0]);
    out->shape.ndim = in[0]->ndim;
    memcpy(out->shape.dim, in[0]->shape, (size_t)in[0]->ndim * sizeof(int));
    return true;
}

static bool run(const mx_plugin_op *self, const mx_node *y, const void *const *in, void *const *out,
                const mx_out *shapes) {
    const int64_t *numbers = ((const mx_p_plugin *)y->params)->numbers.v;
    (void)self, (void)shapes;
    for (int64_t i = 0; i < y->in[0]->size; i++)
        ((float *)out[0])[i] = ((const float *)in[0])[i] + 1;
    if (actions[numbers[0]])
        actions[numbers[0]](numbers[1]);
    atomic_fetch_add(&runs[numbers[1]], 1);
    return !mx_failed();
}

static const mx_plugin_op plus_one = {
    .name = "test_plus_one", .results = 1, .infer = infer, .run = run};

static mx_array *act(mx_array *x, int which, int64_t argument) {
    int64_t numbers[2] = {which, argument};
    if (own_op < 0)
        CHECK(mx_plugin_add(&plus_one, &own_op));
    mx_p_plugin p = {own_op, {.n = 2, .v = numbers}};
    mx_array *y = NULL;
    return mx_apply_multi(MX_PRIM_plugin, &p, &x, 1, &y, 1) ? y : NULL;
}

static mx_array *ones(int n) {
    return mx_full_s(&n, 1, 1, MX_FLOAT32);
}

static float first(mx_array *a) {
    return ((float *)a->data)[0];
}

static void nap(void) {
    const struct timespec t = {0, 1000 * 1000};
    nanosleep(&t, NULL);
}

enum { PATIENCE = 60000 }; /* naps: what does not come by then does not come */

static bool comes(atomic_int *what, int value) {
    for (int i = 0; i < PATIENCE && atomic_load(what) < value; i++)
        nap();
    return atomic_load(what) >= value;
}

static void stays(atomic_int *what, int value) {
    for (int i = 0; i < 30; i++) {
        CHECK_EQ_INT(atomic_load(what), value);
        nap();
    }
}

static void *evaluate(void *a) {
    mx_array *array = a;
    return (void *)(intptr_t)mx_eval1(array);
}

static pthread_t begin(mx_array *a) {
    pthread_t t;
    CHECK(pthread_create(&t, NULL, evaluate, a) == 0);
    return t;
}

static bool ended(pthread_t t) {
    void *ok;
    return pthread_join(t, &ok) == 0 && ok;
}

/* --- side by side ----------------------------------------------------------------------------- */

static atomic_int met, gate;

static void meet(int64_t unused) {
    (void)unused;
    atomic_fetch_add(&met, 1);
    if (!comes(&met, 2))
        mx_fail(MX_INVALID, "nobody came");
}

static void wait_at_gate(int64_t unused) {
    (void)unused;
    atomic_fetch_add(&met, 1);
    if (!comes(&gate, 1))
        mx_fail(MX_INVALID, "the gate stays shut");
}

static void reset(action *a) {
    actions[0] = a;
    atomic_store(&met, 0);
    atomic_store(&gate, 0);
    memset(runs, 0, sizeof runs);
}

static void test_two_threads_compute_at_once(void) {
    mx_scope s = mx_scope_open();
    reset(meet);
    mx_array *a = mx_sum(act(ones(100), 0, 0), NULL, 0, false),
             *b = mx_mul_s(act(ones(3), 0, 1), 5);
    pthread_t t = begin(a);
    CHECK(mx_eval1(b));
    CHECK(ended(t));
    CHECK_EQ_INT((int)first(a), 200);
    CHECK_EQ_INT((int)first(b), 10);
    mx_scope_close(s);
}

static void test_two_streams_compute_at_once(void) {
    mx_scope s = mx_scope_open();
    mx_stream two[2];
    reset(meet);
    for (int i = 0; i < 2; i++) {
        CHECK(mx_stream_new((mx_device){MX_CPU, 0}, &two[i]));
        mx_scope_use(two[i]);
        mx_array *a = act(ones(3), 0, i);
        CHECK(mx_async_eval(&a, 1));
    }
    CHECK(mx_streams_synchronize());
    CHECK_EQ_INT(atomic_load(&met), 2);
    mx_scope_close(s);
}

/* Who wants what another computes waits for it, and it is computed once. */
static void test_what_is_shared_is_computed_once(void) {
    mx_scope s = mx_scope_open();
    reset(wait_at_gate);
    mx_array *shared = act(ones(10), 0, 0), *a = mx_mul_s(shared, 2), *b = mx_mul_s(shared, 3);
    pthread_t one = begin(a), two;
    CHECK(comes(&met, 1));
    two = begin(b);
    stays(&runs[0], 0);
    atomic_store(&gate, 1);
    CHECK(ended(one));
    CHECK(ended(two));
    CHECK_EQ_INT(atomic_load(&runs[0]), 1);
    CHECK_EQ_INT((int)first(a), 4);
    CHECK_EQ_INT((int)first(b), 6);
    mx_scope_close(s);
}

static mx_array *wanted;
static bool wanted_ok;

static void want(int64_t unused) {
    (void)unused;
    mx_scope s = mx_scope_open();
    wanted_ok = mx_eval1(wanted);
    mx_scope_close(s);
}

static void test_evaluation_within_one(void) {
    mx_scope s = mx_scope_open();
    reset(want);
    wanted = mx_mul_s(ones(4), 7);
    CHECK(mx_eval1(act(ones(1), 0, 0)));
    CHECK(wanted_ok && first(wanted) == 7);
    mx_array *a = act(ones(1), 0, 0);
    wanted = mx_add_s(a, 1);
    CHECK(!mx_eval1(a));
    CHECK(!wanted_ok && strstr(mx_error_message(), "asks for that array") != NULL);
    mx_error_clear();
    reset(NULL);
    CHECK(mx_eval1(wanted) && first(wanted) == 3);
    mx_scope_close(s);
}

/* A failed evaluation leaves its nodes to others. */
static void fail(int64_t unused) {
    (void)unused;
    mx_fail(MX_INVALID, "as the test wants it");
}

static void test_failure_lets_go(void) {
    mx_scope s = mx_scope_open();
    reset(fail);
    mx_array *a = mx_mul_s(act(ones(2), 0, 0), 2);
    pthread_t t = begin(a);
    CHECK(!ended(t));
    CHECK(!mx_array_available(a));
    reset(NULL);
    CHECK(mx_eval1(a) && first(a) == 4);
    mx_scope_close(s);
}

/* --- priorities ------------------------------------------------------------------------------- */

/* What is under way at a low priority does not take another step while a high one computes. */
static atomic_int low_may_start;

static void count_while_high(int64_t unused) {
    (void)unused;
    if (!comes(&low_may_start, 1))
        mx_fail(MX_INVALID, "the test gave up");
}

static void test_low_priority_pauses(void) {
    mx_scope s = mx_scope_open();
    mx_stream high;
    reset(NULL);
    actions[1] = wait_at_gate;
    actions[2] = count_while_high;
    atomic_store(&low_may_start, 0);
    CHECK(mx_stream_new((mx_device){MX_CPU, 0}, &high) && mx_stream_set_priority(high, 100));
    mx_array *steps = ones(4);
    for (int i = 0; i < 8; i++)
        steps = act(steps, 2, 2);
    pthread_t slow = begin(steps);
    mx_scope_use(high);
    mx_array *urgent = act(ones(1), 1, 1);
    pthread_t fast = begin(urgent);
    CHECK(comes(&met, 1));
    atomic_store(&low_may_start, 1);
    CHECK(atomic_load(&runs[2]) <= 1);
    for (int i = 0; i < 30; i++)
        nap();
    CHECK(atomic_load(&runs[2]) <= 1); /* the one that had begun */
    atomic_store(&gate, 1);
    CHECK(ended(fast));
    CHECK(ended(slow));
    CHECK_EQ_INT(atomic_load(&runs[2]), 8);
    CHECK(!mx_stream_set_priority(high, 101));
    CHECK(!mx_stream_set_priority((mx_stream){{MX_CPU, 0}, 1 << 20}, 1));
    mx_error_clear();
    CHECK_EQ_INT(mx_stream_priority(high), 100);
    CHECK(mx_stream_set_priority(high, 0));
    mx_scope_close(s);
}

/* --- threads of streams ----------------------------------------------------------------------- */

static pthread_t computes;

/* met counts pieces of other threads, for one of which the evaluating one waits where it should
   come. */
static void see_thread(void *waits, int64_t begin, int64_t end) {
    (void)begin, (void)end;
    if (!pthread_equal(pthread_self(), computes))
        atomic_fetch_add(&met, 1);
    else if (*(const int64_t *)waits)
        CHECK(comes(&met, 1));
}

/* A job within an evaluation, as kernels make them. */
static void start_job(int64_t waits) {
    computes = pthread_self();
    mx_parallel_for(20, 1, see_thread, &waits);
}

static void test_streams_have_threads(void) {
    mx_scope s = mx_scope_open();
    mx_stream one;
    mx_pool_set_threads(4);
    CHECK(mx_stream_new((mx_device){MX_CPU, 0}, &one) && mx_stream_set_threads(one, 1));
    CHECK_EQ_INT(mx_stream_threads(one), 1);
    reset(start_job);
    CHECK(mx_eval1(act(ones(1), 0, 1))); // the default stream has all
    CHECK(atomic_load(&met) > 0);
    reset(start_job);
    mx_scope_use(one);
    CHECK(mx_eval1(act(ones(1), 0, 0)));
    CHECK_EQ_INT(atomic_load(&met), 0);
    CHECK_EQ_INT(mx_turn_threads(), 0); // over with the evaluation
    CHECK(!mx_stream_set_threads(one, 1025) && !mx_stream_set_threads(one, -1));
    CHECK(!mx_stream_set_threads((mx_stream){{MX_CPU, 0}, 1 << 20}, 1));
    mx_error_clear();
    CHECK(mx_stream_set_threads(one, 0));
    mx_pool_set_threads(0);
    mx_scope_close(s);
}

/* --- queues ----------------------------------------------------------------------------------- */

enum { JOBS = 100 };
static atomic_int queued;

static void *queue_jobs(void *arrays) {
    mx_array **a = arrays;
    bool ok = true;
    for (int i = 0; i < JOBS; i++) {
        ok &= mx_async_eval(&a[i], 1);
        atomic_fetch_add(&queued, 1);
    }
    return (void *)(intptr_t)ok;
}

static void test_queues_are_bounded(void) {
    mx_scope s = mx_scope_open();
    mx_array *a[JOBS];
    pthread_t t;
    void *ok;
    reset(wait_at_gate);
    atomic_store(&queued, 0);
    for (int i = 0; i < JOBS; i++)
        a[i] = act(ones(1), i ? 3 : 0, i ? 1 : 0);
    CHECK(pthread_create(&t, NULL, queue_jobs, a) == 0);
    CHECK(comes(&queued, 64));
    for (int i = 0; i < 30; i++)
        nap();
    CHECK(atomic_load(&queued) <= 65);
    atomic_store(&gate, 1);
    CHECK(pthread_join(t, &ok) == 0 && ok);
    CHECK(mx_streams_synchronize());
    CHECK_EQ_INT(atomic_load(&runs[1]), JOBS - 1);
    for (int i = 0; i < JOBS; i++)
        CHECK(mx_array_available(a[i]));
    mx_scope_close(s);
}

/* --- all at once ------------------------------------------------------------------------------ */

enum { THREADS = 6, ROUNDS = 40, SHARED = 12 };
static mx_array *shared[ROUNDS][SHARED];

static uint32_t next_random(uint32_t *state) {
    return *state = *state * 1664525u + 1013904223u;
}

/* shared[r][k] is k + 1 in every place; each thread sums some of them in an order of its own. */
static void *sum_some(void *ctx) {
    uint32_t state = (uint32_t)(intptr_t)ctx;
    intptr_t wrong = 0;
    for (int r = 0; r < ROUNDS; r++) {
        mx_scope s = mx_scope_open();
        mx_array *sum = ones(50);
        float value = 1;
        for (int i = 0; i < 10; i++) {
            uint32_t k = next_random(&state) >> 8;
            mx_array *x = shared[r][k % SHARED];
            sum = k & 1 << 12 ? mx_add(sum, x) : mx_maximum(sum, mx_sum(x, (int[]){0}, 1, true));
            float other = (float)(k % SHARED + 1);
            value = k & 1 << 12 ? value + other : fmaxf(value, 50 * other);
        }
        wrong += !mx_eval1(sum) || first(sum) != value;
        mx_scope_close(s);
    }
    return (void *)wrong;
}

static void test_many_threads_over_one_graph(void) {
    pthread_t t[THREADS];
    mx_scope s = mx_scope_open();
    for (int r = 0; r < ROUNDS; r++)
        for (int k = 0; k < SHARED; k++)
            shared[r][k] = k ? mx_add_s(shared[r][k - 1], 1) : ones(50);
    for (intptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&t[i], NULL, sum_some, (void *)(i + 1)) == 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong = NULL;
        pthread_join(t[i], &wrong);
        CHECK_EQ_INT((intptr_t)wrong, 0);
    }
    mx_scope_close(s);
}

/* --- a fork waits ----------------------------------------------------------------------------- */

/* As on a machine with many processors. */
static void test_many_threads_of_many_processors(void) {
    static const int sizes[] = {64, 256};
    for (int i = 0; i < 2; i++) {
        mx_pool_set_threads(sizes[i]);
        test_many_threads_over_one_graph();
        test_queues_are_bounded();
    }
    mx_pool_set_threads(0);
}

static void test_fork_waits_for_evaluations(void) {
    mx_scope s = mx_scope_open();
    reset(wait_at_gate);
    mx_array *a = mx_mul_s(act(ones(3), 0, 0), 2);
    pthread_t t = begin(a);
    CHECK(comes(&met, 1));
    atomic_store(&gate, 1);
    pid_t child = fork(); /* until a is there */
    if (child == 0) {
        alarm(60);
        mx_array *b = mx_add_s(a, 1);
        _exit(mx_array_available(a) && mx_eval1(b) && first(b) == 5 ? 0 : 1);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    CHECK(ended(t) && first(a) == 4);
    mx_scope_close(s);
}

/* --- small ones ------------------------------------------------------------------------------- */

static bool is_small(mx_array *a, double work) {
    bool done = false;
    CHECK(mx_eval_small(&a, 1, work, &done));
    CHECK(done == mx_array_available(a));
    return done;
}

static void test_small_evaluations_do_not_exceed_their_work(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = ones(4), *y = x;
    for (int i = 0; i < 20; i++)
        y = mx_add_s(y, 1);
    CHECK(!is_small(y, 500) && is_small(y, 20000) && first(y) == 21);
    CHECK(is_small(y, 0)); // it is there
    CHECK(!is_small(mx_add_s(ones(1000000), 1), 20000));
    mx_array *m = mx_matmul(mx_reshape(ones(90000), (int[]){300, 300}, 2),
                            mx_reshape(ones(90000), (int[]){300, 300}, 2));
    CHECK(!is_small(m, 1e6) && is_small(m, 1e9) && first(m) == 300);
    mx_scope_close(s);
}

/* What may wait is not begun: another's node, LAPACK, a function of the program. */
static void test_small_evaluations_do_not_wait(void) {
    mx_scope s = mx_scope_open();
    reset(wait_at_gate);
    mx_array *a = mx_mul_s(act(ones(3), 0, 0), 2), *b = mx_add_s(a, 1);
    CHECK(!is_small(a, 1e9));
    pthread_t t = begin(a);
    CHECK(comes(&met, 1));
    CHECK(!is_small(b, 1e9) && is_small(mx_add_s(ones(3), 1), 20000));
    atomic_store(&gate, 1);
    CHECK(ended(t) && is_small(b, 20000) && first(b) == 5);
    CHECK(!is_small(mx_inv(mx_eye(2, 2, 0, MX_FLOAT32)), 1e9));
    mx_scope_close(s);
}

static void test_small_evaluations_fail_as_others(void) {
    mx_scope s = mx_scope_open();
    bool done;
    mx_array *null = NULL, *p = mx_placeholder((int[]){2}, 1, MX_FLOAT32);
    CHECK(!mx_eval_small(&null, 1, 1000, &done));
    mx_array *y = mx_add_s(p, 1);
    CHECK(!mx_eval_small(&y, 1, 1000, &done) && done && mx_failed());
    mx_error_clear();
    mx_scope_close(s);
}

int main(void) {
    RUN(test_small_evaluations_do_not_exceed_their_work);
    RUN(test_small_evaluations_do_not_wait);
    RUN(test_small_evaluations_fail_as_others);
    RUN(test_two_threads_compute_at_once);
    RUN(test_two_streams_compute_at_once);
    RUN(test_what_is_shared_is_computed_once);
    RUN(test_evaluation_within_one);
    RUN(test_failure_lets_go);
    RUN(test_low_priority_pauses);
    RUN(test_streams_have_threads);
    RUN(test_queues_are_bounded);
    RUN(test_many_threads_over_one_graph);
    RUN(test_many_threads_of_many_processors);
    RUN(test_fork_waits_for_evaluations);
    return check_done();
}
