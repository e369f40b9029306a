/* fork while other threads evaluate: the child finds every lock open, and computes. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/threads/lock.h"
#include "check.h"
#include "mlx/c/mlx.h"

static mlx_stream none;
static atomic_bool stop;
static atomic_int rounds;

/* Something of everything: a matrix product on all threads, a transform, a compiled function, a
   queued evaluation. */
static int compute(float *result) {
    int shape[2] = {160, 160}, status;
    mlx_array a = mlx_array_new(), b = mlx_array_new(), c = mlx_array_new();
    mlx_array value = mlx_array_new_float(0.5f);
    status = mlx_full(&a, shape, 2, value, MLX_FLOAT32, none) || mlx_matmul(&b, a, a, none) ||
             mlx_fft_fft(&c, b, 160, -1, MLX_FFT_NORM_BACKWARD, none) || mlx_real(&c, c, none) ||
             mlx_sum(&c, c, false, none);
    mlx_vector_array later = mlx_vector_array_new_value(b);
    status = status || mlx_async_eval(later) || mlx_array_item_float32(result, c);
    mlx_vector_array_free(later);
    mlx_array_free(value);
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_array_free(c);
    return status;
}

static void *keep_computing(void *wrong) {
    float result;
    while (!atomic_load(&stop)) {
        if (compute(&result) || result != 160.0f * 160 * 40)
            atomic_store((atomic_bool *)wrong, true);
        atomic_fetch_add(&rounds, 1);
    }
    return NULL;
}

/* 0: the child computed what is right; by SIGALRM it ends where it hangs. */
static int child_of_fork(void) {
    float result = 0;
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGALRM, SIG_DFL);
        alarm(60);
        bool ok =
            compute(&result) == 0 && result == 160.0f * 160 * 40 && mlx_synchronize(none) == 0;
        _exit(ok ? 0 : 1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

static void test_fork_under_load(void) {
    pthread_t thread[3];
    atomic_bool wrong = false;
    for (int i = 0; i < 3; i++)
        CHECK_EQ_INT(pthread_create(&thread[i], NULL, keep_computing, &wrong), 0);
    for (int i = 0; i < 20; i++) {
        int seen = atomic_load(&rounds);
        while (atomic_load(&rounds) < seen + 2)
            sched_yield();
        CHECK_EQ_INT(child_of_fork(), 0);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    CHECK(!wrong);
}

/* A thread that forks with a lock in its hands does not wait for itself. */
static void test_fork_with_locks_held(void) {
    for (int id = 0; id < MX_LOCK_COUNT; id++) {
        mx_lock((mx_lock_id)id);
        int status = -1;
        pid_t pid = fork();
        if (pid == 0) {
            alarm(60);
            mx_unlock((mx_lock_id)id);
            float result = 0;
            _exit(compute(&result));
        }
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
        mx_unlock((mx_lock_id)id);
    }
}

/* AddressSanitizer's allocator has locks of its own, which a child never gets back from threads
   that held them; ThreadSanitizer takes threads that a child starts for those of its parent, and a
   lock that is in the hands of who forks for one out of order. */
#if defined(__SANITIZE_ADDRESS__)
enum { UNDER_LOAD = 0, WITH_LOCKS = 1 };
#elif defined(__SANITIZE_THREAD__)
enum { UNDER_LOAD = 0, WITH_LOCKS = 0 };
#else
enum { UNDER_LOAD = 1, WITH_LOCKS = 1 };
#endif

int main(void) {
    mlx_set_error_handler(NULL, NULL, NULL);
    float result = 0;
    CHECK_EQ_INT(compute(&result), 0);
    if (UNDER_LOAD)
        RUN(test_fork_under_load);
    if (WITH_LOCKS)
        RUN(test_fork_with_locks_held);
    return check_done();
}
