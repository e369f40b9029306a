/* The thread pool: every element once, nested and concurrent calls, sizes, fork, scratch
 * memory. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "base/threads/turn.h"
#include "check.h"

#define N 100003

static _Atomic unsigned char touched[N];

static void touch(void *ctx, int64_t begin, int64_t end) {
    (void)ctx;
    for (int64_t i = begin; i < end; i++)
        atomic_fetch_add_explicit(&touched[i], 1, memory_order_relaxed);
}

static bool all_touched(int64_t n, int times) {
    for (int64_t i = 0; i < N; i++)
        if (touched[i] != (i < n ? times : 0))
            return false;
    return true;
}

static void forget(void) {
    for (int64_t i = 0; i < N; i++)
        touched[i] = 0;
}

static void test_every_element_once(void) {
    static const int64_t sizes[] = {0, 1, 2, 7, 64, 255, 256, 1000, 4097, N};
    static const int64_t grains[] = {0, 1, 3, 100, 5000, INT64_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t k = 0; k < sizeof grains / sizeof *grains; k++) {
            forget();
            mx_parallel_for(sizes[i], grains[k], touch, NULL);
            CHECK_MSG(all_touched(sizes[i], 1), "n %d grain %d", (int)sizes[i], (int)grains[k]);
        }
}

/* --- work of many seconds ------------------------------------------------------------- */

static atomic_int asked;

static int stop_at_once(void *data) {
    (void)data;
    atomic_fetch_add(&asked, 1);
    return 1;
}

static void touch_slowly(void *ctx, int64_t begin, int64_t end) {
    const struct timespec moment = {0, 1000 * 1000};
    for (int64_t i = begin; i < end; i++)
        nanosleep(&moment, NULL);
    touch(ctx, begin, end);
}

static void long_inside(void *ctx, int64_t begin, int64_t end) {
    atomic_bool *ok = ctx;
    if (!mx_parallel_for_long((end - begin) * 50, 1, touch_slowly, NULL))
        atomic_store(ok, false);
}

static void test_long_work(void) {
    static const int64_t sizes[] = {0, 1, 255, 1000, 4097, N};
    for (int64_t grain = 1; grain <= 5000; grain = grain * 7 + 1)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            forget();
            CHECK(mx_parallel_for_long(sizes[i], grain, touch, NULL));
            CHECK(all_touched(sizes[i], 1));
        }
    mx_interrupt_set_check_within(stop_at_once, NULL);
    for (int threads = 1; threads <= 4; threads += 3) {
        mx_pool_set_threads(threads);
        atomic_store(&asked, 0);
        forget();
        CHECK(!mx_parallel_for_long(20000, 1, touch_slowly, NULL));
        CHECK_EQ_INT(asked, 1); // who works on asks no more
        CHECK(!all_touched(20000, 1));
        CHECK(mx_error_status() == MX_INTERRUPTED);
        mx_error_clear();
    }
    atomic_bool ok = true;
    mx_parallel_for(4, 1, long_inside, &ok); // within a body there is nobody to tell
    CHECK(ok && !mx_failed());
    mx_interrupt_set_check_within(NULL, NULL);
    mx_pool_set_threads(0);
}

/* Its own priority is the highest: it waits for nobody. */
static void test_long_work_of_one_thread_in_its_turn(void) {
    mx_turn_set_priority(3);
    mx_turn_set_threads(1);
    mx_turn_change(3);
    forget();
    CHECK(mx_parallel_for_long(N, 1, touch, NULL) && all_touched(N, 1));
    mx_turn_change(MX_TURN_ALL);
    mx_turn_set_threads(0);
    mx_turn_set_priority(0);
}

/* Each is done whole, by the thread that asks for it. */
static void test_long_work_in_brief_jobs(void) {
    int jobs = 0;
    atomic_store(&asked, 0);
    mx_interrupt_set_check_within(stop_at_once, NULL);
    while (mx_parallel_for_long(1, 1, touch_slowly, NULL) && jobs < 1000)
        jobs++;
    CHECK(jobs < 1000 && asked == 1);
    CHECK(mx_error_status() == MX_INTERRUPTED);
    mx_error_clear();
    mx_interrupt_set_check_within(NULL, NULL);
}

static void check_grain(void *ctx, int64_t begin, int64_t end) {
    atomic_bool *short_piece = ctx;
    if (end - begin < 100 && end != 10050)
        atomic_store(short_piece, true);
}

static void test_pieces_are_at_least_a_grain(void) {
    atomic_bool short_piece = false;
    mx_parallel_for(10050, 100, check_grain, &short_piece);
    CHECK(!short_piece);
}

static void nest(void *ctx, int64_t begin, int64_t end) {
    atomic_int *moved = ctx;
    for (int64_t i = begin; i < end; i++) {
        int id = mx_pool_worker_id();
        mx_parallel_for(N, 1, touch, NULL);
        if (mx_pool_worker_id() != id || id < 0 || id >= mx_pool_threads())
            atomic_fetch_add(moved, 1);
    }
}

static void test_nested_calls(void) {
    atomic_int moved = 0;
    forget();
    mx_parallel_for(6, 1, nest, &moved);
    CHECK(all_touched(N, 6));
    CHECK_EQ_INT(moved, 0);
}

static void add_range(void *ctx, int64_t begin, int64_t end) {
    _Atomic int64_t *sum = ctx;
    int64_t s = 0;
    for (int64_t i = begin; i < end; i++)
        s += i;
    atomic_fetch_add(sum, s);
}

static void *call_often(void *arg) {
    for (int i = 0; i < 300; i++) {
        int64_t n = 1 + i * 37 % 5000;
        _Atomic int64_t sum = 0;
        mx_parallel_for(n, 1 + i % 50, add_range, &sum);
        if (sum != n * (n - 1) / 2)
            return NULL;
    }
    return arg;
}

static void test_callers_at_once(void) {
    pthread_t t[6];
    for (uintptr_t i = 0; i < 6; i++)
        CHECK(pthread_create(&t[i], NULL, call_often, (void *)(i + 1)) == 0);
    for (uintptr_t i = 0; i < 6; i++) {
        void *result;
        pthread_join(t[i], &result);
        CHECK(result == (void *)(i + 1));
    }
}

/* Somebody's turn comes and goes meanwhile. */
static atomic_bool turns;

static void *take_turns(void *unused) {
    (void)unused;
    for (int i = 0; atomic_load(&turns); i++)
        mx_turn_change(i % 2 ? 5 : 0);
    mx_turn_change(0);
    return NULL;
}

static void test_jobs_that_pause(void) {
    pthread_t t;
    atomic_store(&turns, true);
    CHECK(pthread_create(&t, NULL, take_turns, NULL) == 0);
    for (int i = 0; i < 200; i++) {
        forget();
        mx_parallel_for(N, 100, touch, NULL);
        CHECK(all_touched(N, 1));
    }
    atomic_store(&turns, false);
    pthread_join(t, NULL);
}

static void test_sizes(void) {
    static const int sizes[] = {1, 4, 2, 9, 3, 1, 5};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        mx_pool_set_threads(sizes[i]);
        CHECK_EQ_INT(mx_pool_threads(), sizes[i]);
        forget();
        mx_parallel_for(N, 10, touch, NULL);
        CHECK(all_touched(N, 1));
    }
    mx_pool_set_threads(0);
    CHECK(mx_pool_threads() >= 1);
}

/* --- a machine with many processors, simulated: more threads than there are here -------------- */

/* Of jobs by several callers at once no piece is lost and none is done twice; threads that are
   started and ended in between take none with them. */
static void test_many_processors(void) {
    static const int sizes[] = {64, 256, 64};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        mx_pool_set_threads(sizes[i]);
        CHECK_EQ_INT(mx_pool_threads(), sizes[i]);
        for (int64_t grain = 1; grain <= 1000; grain *= 10) {
            forget();
            mx_parallel_for(N, grain, touch, NULL);
            CHECK(all_touched(N, 1));
        }
        test_nested_calls();
        test_callers_at_once();
    }
    mx_pool_set_threads(0);
}

/* --- shares ----------------------------------------------------------------------------------- */

static atomic_int working, most_working;

static void count_working(void *ctx, int64_t begin, int64_t end) {
    int now = atomic_fetch_add(&working, 1) + 1, most = atomic_load(&most_working);
    while (now > most && !atomic_compare_exchange_weak(&most_working, &most, now))
        ;
    touch_slowly(ctx, begin, end);
    atomic_fetch_sub(&working, 1);
}

static void *work_with_share(void *share) {
    mx_turn_set_threads((int)(intptr_t)share);
    mx_parallel_for(60, 1, count_working, NULL);
    return NULL;
}

/* No more threads are in a caller's jobs than it may have, and others' jobs get the rest. */
static void test_shares(void) {
    mx_pool_set_threads(8);
    for (int share = 1; share <= 3; share++) {
        pthread_t t;
        forget();
        atomic_store(&most_working, 0);
        CHECK(pthread_create(&t, NULL, work_with_share, (void *)(intptr_t)share) == 0);
        pthread_join(t, NULL);
        CHECK(all_touched(60, 1));
        CHECK(atomic_load(&most_working) >= 1 && atomic_load(&most_working) <= share);
    }
    pthread_t two[2];
    forget();
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&two[i], NULL, work_with_share, (void *)(intptr_t)3) == 0);
    for (int i = 0; i < 2; i++)
        pthread_join(two[i], NULL);
    CHECK(all_touched(60, 2));
    mx_pool_set_threads(0);
}

static void see_signals(void *ctx, int64_t begin, int64_t end) {
    (void)begin, (void)end;
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    if (mx_pool_worker_id() > 0 && !sigismember(&set, SIGTERM))
        atomic_store((atomic_bool *)ctx, true);
    usleep(1000);
}

static void test_workers_block_signals(void) {
    atomic_bool open = false;
    mx_pool_set_threads(3);
    mx_parallel_for(20, 1, see_signals, &open);
    CHECK(!open);
    mx_pool_set_threads(0);
}

static void test_child_has_its_own_pool(void) {
    mx_pool_set_threads(3);
    CHECK_EQ_INT(mx_pool_threads(), 3);
    pid_t pid = fork();
    if (pid == 0) {
        forget();
        mx_parallel_for(N, 10, touch, NULL);
        _exit(all_touched(N, 1) && mx_pool_threads() == 3 ? 0 : 1);
    }
    int status = -1;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    mx_pool_set_threads(0);
}

static void test_scratch(void) {
    char *a = mx_scratch(0, 100), *b = mx_scratch(1, 5000);
    if (!CHECK(a && b && a != b))
        return;
    CHECK_EQ_INT((uintptr_t)a % 64 + (uintptr_t)b % 64, 0);
    memset(a, 1, 100);
    memset(b, 2, 5000);
    CHECK_EQ_INT(a[99], 1);
    CHECK(mx_scratch(0, 50) == (void *)a);
    CHECK(mx_scratch(2, SIZE_MAX - 10) == NULL);
}

int main(void) {
    RUN(test_every_element_once);
    RUN(test_long_work);
    RUN(test_long_work_of_one_thread_in_its_turn);
    RUN(test_long_work_in_brief_jobs);
    RUN(test_pieces_are_at_least_a_grain);
    RUN(test_nested_calls);
    RUN(test_callers_at_once);
    RUN(test_jobs_that_pause);
    RUN(test_sizes);
    RUN(test_many_processors);
    RUN(test_shares);
    RUN(test_workers_block_signals);
    RUN(test_child_has_its_own_pool);
    RUN(test_scratch);
    return check_done();
}
