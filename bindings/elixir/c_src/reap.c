/* Graphs that nobody needs any more are freed away from the schedulers: one of a million nodes
 * takes a second. What is evaluated has no graph and is freed at once, unless it is large: giving
 * pages back to the system takes its time, too. */
#include <pthread.h>
#include <time.h>

#include "nif.h"

enum { SMALL = 1 << 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, emptied = PTHREAD_COND_INITIALIZER;
static mlx_array *heap;
static size_t count, room, busy;
static bool started, asleep;

static void free_all(mlx_array *arrays, size_t n) {
    for (size_t i = 0; i < n; i++)
        mlx_array_free(arrays[i]);
    enif_free(arrays);
}

/* After it was woken it lets a heap gather for a moment, so that waking costs little. */
static void *reap(void *unused) {
    const struct timespec moment = {0, 500 * 1000};
    (void)unused;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (!count) {
            pthread_cond_broadcast(&emptied);
            asleep = true;
            pthread_cond_wait(&filled, &lock);
        }
        asleep = false;
        pthread_mutex_unlock(&lock);
        nanosleep(&moment, NULL);
        pthread_mutex_lock(&lock);
        mlx_array *arrays = heap;
        size_t n = busy = count;
        heap = NULL;
        count = room = 0;
        pthread_mutex_unlock(&lock);
        free_all(arrays, n);
        pthread_mutex_lock(&lock);
        busy = 0;
    }
    return NULL;
}

static bool start(void) {
    pthread_attr_t attributes;
    pthread_t thread;
    if (started)
        return true;
    if (pthread_attr_init(&attributes))
        return false;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    started = !pthread_create(&thread, &attributes, reap, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

/* With the lock. */
static bool push(mlx_array a) {
    if (count == room) {
        size_t more = room ? 2 * room : 64;
        mlx_array *larger = enif_realloc(heap, more * sizeof *larger);
        if (!larger)
            return false;
        heap = larger;
        room = more;
    }
    heap[count++] = a;
    return true;
}

static bool is_quick(mlx_array a) {
    bool available = false;
    return !a.ctx ||
           (!_mlx_array_is_available(&available, a) && available && mlx_array_nbytes(a) < SMALL);
}

void mex_reap(mlx_array a) {
    if (is_quick(a)) {
        mlx_array_free(a);
        return;
    }
    pthread_mutex_lock(&lock);
    bool taken = start() && push(a);
    if (taken && asleep) {
        asleep = false;
        pthread_cond_signal(&filled);
    }
    pthread_mutex_unlock(&lock);
    if (!taken)
        mlx_array_free(a);
}

void mex_reap_settle(void) {
    pthread_mutex_lock(&lock);
    while (count || busy)
        pthread_cond_wait(&emptied, &lock);
    pthread_mutex_unlock(&lock);
}

/* stats(): {arrays, closures, jobs, workers} that are alive now */
MEX_NIF(mex_nif_stats) {
    (void)argc, (void)argv;
    mex_reap_settle();
    return enif_make_tuple4(env, enif_make_long(env, atomic_load(&mex_live_arrays)),
                            enif_make_long(env, atomic_load(&mex_live_closures)),
                            enif_make_long(env, mex_jobs_running()),
                            enif_make_long(env, mex_workers()));
}
