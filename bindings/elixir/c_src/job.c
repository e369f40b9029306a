/* What may take long runs on threads of its own, in the name of a process of Elixir's.
 *
 *     process                          worker
 *     start(parent, ref, task)  ---->  takes the job
 *     receive            <----------   {ref, :call, fun, arrays}    a closure's body
 *     answer(job, {:ok, arrays}) --->  goes on
 *     receive            <----------   {ref, {:ok, result}} or {ref, {:error, exception}}
 *
 * While a worker waits for an answer its process may start another job with this one as parent: the
 * worker runs it at once, on top of what it is in the middle of. So transforms within transforms
 * are on one thread, as the library's levels of tracing ask. Workers stay; a process that dies
 * stops its jobs, and a job that is stopped fails at the next step of its evaluation.
 */
#include <pthread.h>
#include <time.h>

#include "nif.h"

enum { MOST_WORKERS = 512, MOST_NESTED = 200, STACK = 16 * 1024 * 1024 };
enum { LINGER_NS = 150 * 1000, RESTS = 32 };

typedef struct mex_worker {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    _Atomic(mex_job *) given; /* to run next; changes under the lock */
    mex_job *top;             /* which it is in the middle of */
    struct mex_worker *next;  /* among the idle */
} mex_worker;

/* Guards what follows; taken before a worker's own lock. */
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static mex_worker *idle;
static mex_job *first_waiting, *last_waiting; /* for a worker */
static mex_job *all;
static long workers, running;
static atomic_bool somebody_lingers;

static _Thread_local mex_worker *self;

/* --- asked to stop ---------------------------------------------------------------------------- */

bool mex_job_stopped(const mex_job *job) {
    for (; job; job = job->parent)
        if (atomic_load_explicit(&job->cancelled, memory_order_relaxed))
            return true;
    return false;
}

static int check(void *unused) {
    (void)unused;
    return self && mex_job_stopped(self->top);
}

void mex_jobs_load(void) {
    mlx_set_interrupt_check(check, NULL);
    mlx_set_interrupt_check_within(check, NULL);
}

mex_job *mex_job_here(void) {
    return self ? self->top : NULL;
}

/* The worker of a job may have gone on to another: then waking it does no harm. */
static void wake(mex_worker *w) {
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

static void stop(mex_job *job) {
    atomic_store(&job->cancelled, true);
    wake(job->worker);
}

void mex_job_down(ErlNifEnv *env, void *object, ErlNifPid *pid, ErlNifMonitor *monitor) {
    (void)env, (void)pid, (void)monitor;
    pthread_mutex_lock(&pool_lock);
    stop(object);
    pthread_mutex_unlock(&pool_lock);
}

void mex_job_free(ErlNifEnv *env, void *object) {
    mex_job *job = object;
    (void)env;
    if (job->env)
        enif_free_env(job->env);
    if (job->answers)
        enif_free_env(job->answers);
}

/* --- the list of all -------------------------------------------------------------------------- */

static void enlist(mex_job *job) {
    job->left = NULL;
    job->right = all;
    if (all)
        all->left = job;
    all = job;
    running++;
}

/* Was it stopped? Who stops jobs has counted it then, and nobody can any more. */
static bool delist(mex_job *job) {
    pthread_mutex_lock(&pool_lock);
    bool stopped = mex_job_stopped(job);
    if (job->left)
        job->left->right = job->right;
    else
        all = job->right;
    if (job->right)
        job->right->left = job->left;
    running--;
    pthread_mutex_unlock(&pool_lock);
    return stopped;
}

long mex_jobs_running(void) {
    pthread_mutex_lock(&pool_lock);
    long n = running;
    pthread_mutex_unlock(&pool_lock);
    return n;
}

long mex_workers(void) {
    pthread_mutex_lock(&pool_lock);
    long n = workers;
    pthread_mutex_unlock(&pool_lock);
    return n;
}

/* --- running ---------------------------------------------------------------------------------- */

/* What a job that was stopped says, whatever it was in the middle of. */
static term interrupted(ErlNifEnv *env) {
    mex_operation("", 0);
    mex_fail("interrupted", "the computation was stopped by Mlx.cancel/1");
    return enif_make_tuple2(env, mex_atom.error, mex_error_term(env));
}

static term outcome(ErlNifEnv *env, mex_job *job) {
    mex_operation("", 0);
    mex_fail("interrupted", "it was stopped before it began");
    term result = mex_job_stopped(job) ? 0 : mex_task(env, job);
    if (result)
        return enif_make_tuple2(env, mex_atom.ok, result);
    return job->raised ? enif_make_tuple2(env, mex_atom.raised, mex_error_term(env))
                       : enif_make_tuple2(env, mex_atom.error, mex_error_term(env));
}

/* Run a job to its end and tell its owner; the reference that the worker has is let go. */
static void run(mex_worker *w, mex_job *job) {
    ErlNifEnv *env = enif_alloc_env();
    pthread_mutex_lock(&w->lock);
    job->parent = w->top;
    w->top = job;
    pthread_mutex_unlock(&w->lock);
    term result = outcome(env, job);
    if (delist(job) && !job->lasting)
        result = interrupted(env);
    pthread_mutex_lock(&w->lock);
    w->top = job->parent;
    job->parent = NULL;
    pthread_mutex_unlock(&w->lock);
    enif_send(NULL, &job->owner, env, enif_make_tuple2(env, enif_make_copy(env, job->ref), result));
    enif_free_env(env);
    enif_release_resource(job);
}

/* The next job for a worker that has none: one that waits, or NULL and it is idle. */
static mex_job *next_job(mex_worker *w) {
    pthread_mutex_lock(&pool_lock);
    mex_job *job = first_waiting;
    if (job) {
        first_waiting = job->next;
        if (!first_waiting)
            last_waiting = NULL;
        job->worker = w;
    } else {
        w->next = idle;
        idle = w;
    }
    pthread_mutex_unlock(&pool_lock);
    return job;
}

static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void rest(void) {
    for (int i = 0; i < RESTS; i++) {
#if defined __x86_64__
        __builtin_ia32_pause();
#elif defined __aarch64__
        __asm__ volatile("yield");
#endif
    }
}

/* Programs that train ask for the next job a moment after the last: one idle worker at a time stays
   awake for as long as falling asleep and being woken would take. */
static void linger(mex_worker *w) {
    if (atomic_exchange(&somebody_lingers, true))
        return;
    for (long long end = now_ns() + LINGER_NS; !atomic_load(&w->given) && now_ns() < end;)
        rest();
    atomic_store(&somebody_lingers, false);
}

static mex_job *wait_for_job(mex_worker *w) {
    linger(w);
    pthread_mutex_lock(&w->lock);
    while (!w->given)
        pthread_cond_wait(&w->wake, &w->lock);
    mex_job *job = w->given;
    w->given = NULL;
    pthread_mutex_unlock(&w->lock);
    return job;
}

static void *work(void *argument) {
    mex_worker *w = self = argument;
    for (;;) {
        run(w, wait_for_job(w));
        for (mex_job *job; (job = next_job(w));)
            run(w, job);
    }
    return NULL;
}

static bool start_thread(mex_worker *w) {
    pthread_attr_t attributes;
    pthread_t thread;
    if (pthread_attr_init(&attributes))
        return false;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK);
    int status = pthread_create(&thread, &attributes, work, w);
    pthread_attr_destroy(&attributes);
    return !status;
}

static mex_worker *new_worker(mex_job *job) {
    mex_worker *w = enif_alloc(sizeof *w);
    if (!w)
        return NULL;
    *w = (mex_worker){.given = job};
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    job->worker = w;
    if (start_thread(w))
        return workers++, w;
    job->worker = NULL;
    enif_free(w);
    return NULL;
}

static void give(mex_worker *w, mex_job *job) {
    pthread_mutex_lock(&w->lock);
    job->worker = w;
    w->given = job;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

/* To an idle worker, a new one, or in line. With pool_lock. */
static bool place(mex_job *job) {
    mex_worker *w = idle;
    if (w) {
        idle = w->next;
        give(w, job);
        return true;
    }
    if (workers < MOST_WORKERS && new_worker(job))
        return true;
    if (!workers)
        return mex_fail("memory", "no thread can be started");
    job->next = NULL;
    if (last_waiting)
        last_waiting->next = job;
    else
        first_waiting = job;
    last_waiting = job;
    return true;
}

/* On top of its parent, which must be waiting for its owner's answer. */
static bool place_on(mex_job *parent, mex_job *job) {
    mex_worker *w = parent->worker;
    if (!w || parent->depth >= MOST_NESTED)
        return mex_fail("range", "more than %d functions are inside each other", MOST_NESTED);
    pthread_mutex_lock(&w->lock);
    bool fits = w->top == parent && parent->waiting && !parent->answers && !w->given;
    if (fits) {
        job->depth = parent->depth + 1;
        job->worker = w;
        w->given = job;
        pthread_cond_broadcast(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    return fits || mex_fail("invalid", "the job does not wait for its process");
}

/* --- functions of Elixir's -------------------------------------------------------------------- */

/* With the worker's lock: until there is an answer, running what comes on top meanwhile. */
static bool wait_for_answer(mex_worker *w, mex_job *job) {
    while (!job->answers && (w->given || !mex_job_stopped(job))) {
        mex_job *on_top = w->given;
        w->given = NULL;
        if (!on_top) {
            pthread_cond_wait(&w->wake, &w->lock);
            continue;
        }
        pthread_mutex_unlock(&w->lock);
        run(w, on_top);
        pthread_mutex_lock(&w->lock);
    }
    return job->answers;
}

static term inputs_term(ErlNifEnv *env, const mlx_vector_array *inputs, int n) {
    term list = enif_make_list(env, 0);
    if (n == 1)
        return mex_arrays_term(env, *inputs, false);
    while (n--) {
        term arrays = mex_arrays_term(env, inputs[n], false);
        if (!arrays)
            return 0;
        list = enif_make_list_cell(env, arrays, list);
    }
    return list;
}

static bool send_call(mex_job *job, term function, const mlx_vector_array *inputs, int n) {
    ErlNifEnv *env = enif_alloc_env();
    term arrays = inputs_term(env, inputs, n);
    bool sent =
        arrays && enif_send(NULL, &job->owner, env,
                            enif_make_tuple4(env, enif_make_copy(env, job->ref), mex_atom.call,
                                             enif_make_copy(env, function), arrays));
    enif_free_env(env);
    return sent;
}

bool mex_job_ask(mex_job *job, term function, const mlx_vector_array *inputs, int n,
                 ErlNifEnv **env, term *answer) {
    mex_worker *w = job->worker;
    pthread_mutex_lock(&w->lock);
    job->waiting = true;
    pthread_mutex_unlock(&w->lock);
    bool sent = send_call(job, function, inputs, n);
    pthread_mutex_lock(&w->lock);
    bool answered = sent && wait_for_answer(w, job);
    job->waiting = false;
    *env = job->answers;
    *answer = job->answer;
    job->answers = NULL;
    pthread_mutex_unlock(&w->lock);
    return answered;
}

/* --- what Elixir calls ------------------------------------------------------------------------ */

static mex_job *job_of(ErlNifEnv *env, term t) {
    void *object;
    return enif_get_resource(env, t, mex_job_type, &object) ? object : NULL;
}

static bool is_owner(ErlNifEnv *env, const mex_job *job) {
    ErlNifPid me;
    return enif_self(env, &me) && !enif_compare_pids(&me, &job->owner);
}

static mex_job *new_job(ErlNifEnv *env, term ref, term task) {
    mex_job *job = enif_alloc_resource(mex_job_type, sizeof *job);
    if (!job)
        return mex_fail("memory", "no memory for a job"), NULL;
    memset(job, 0, sizeof *job);
    atomic_init(&job->cancelled, false);
    enif_self(env, &job->owner);
    job->env = enif_alloc_env();
    job->ref = enif_make_copy(job->env, ref);
    job->task = enif_make_copy(job->env, task);
    return job;
}

static bool begin(ErlNifEnv *env, mex_job *parent, mex_job *job) {
    ErlNifMonitor monitor;
    pthread_mutex_lock(&pool_lock);
    enlist(job);
    enif_keep_resource(job); // the worker's
    bool placed = parent ? place_on(parent, job) : place(job);
    pthread_mutex_unlock(&pool_lock);
    if (!placed) {
        delist(job);
        enif_release_resource(job);
        return false;
    }
    // a process that is being killed has no more monitors
    if (!parent && enif_monitor_process(env, job, &job->owner, &monitor) > 0)
        atomic_store(&job->cancelled, true);
    return true;
}

/* start(parent or nil, reference, task): a job */
MEX_NIF(mex_nif_start) {
    mex_job *parent = argc == 3 ? job_of(env, argv[0]) : NULL;
    if (argc != 3 || (!parent && argv[0] != mex_atom.nil))
        return mex_expected(env, "the parent", "a job or nil", argv[0]), mex_raise_as(env, "start");
    if (parent && !is_owner(env, parent))
        return mex_fail("invalid", "the parent is another process's"), mex_raise_as(env, "start");
    if (!enif_is_ref(env, argv[1]))
        return mex_expected(env, "the reference", "a reference", argv[1]),
               mex_raise_as(env, "start");
    mex_job *job = new_job(env, argv[1], argv[2]);
    if (!job)
        return mex_raise_as(env, "start");
    bool fine = begin(env, parent, job);
    term t = fine ? enif_make_resource(env, job) : mex_raise_as(env, "start");
    enif_release_resource(job);
    return t;
}

/* answer(job, {:ok, arrays} or :error): what the function gave that a job asked for */
MEX_NIF(mex_nif_answer) {
    mex_job *job = argc == 2 ? job_of(env, argv[0]) : NULL;
    if (!job || !is_owner(env, job))
        return mex_expected(env, "the job", "a job of this process", argv[0]),
               mex_raise_as(env, "answer");
    mex_worker *w = job->worker;
    ErlNifEnv *answers = enif_alloc_env();
    term answer = enif_make_copy(answers, argv[1]);
    bool taken = false;
    if (w)
        pthread_mutex_lock(&w->lock);
    if (w && job->waiting && !job->answers) {
        job->answers = answers;
        job->answer = answer;
        taken = true;
        pthread_cond_broadcast(&w->wake);
    }
    if (w)
        pthread_mutex_unlock(&w->lock);
    if (!taken)
        enif_free_env(answers);
    return taken ? mex_atom.ok : mex_atom.error;
}

/* cancel(job): it fails as interrupted, soon */
MEX_NIF(mex_nif_cancel) {
    mex_job *job = argc == 1 ? job_of(env, argv[0]) : NULL;
    if (!job)
        return mex_expected(env, "the argument", "a job", argv[0]), mex_raise_as(env, "cancel");
    pthread_mutex_lock(&pool_lock);
    stop(job);
    pthread_mutex_unlock(&pool_lock);
    return mex_atom.ok;
}

/* cancel_process(pid): all that runs in its name; how many */
MEX_NIF(mex_nif_cancel_process) {
    ErlNifPid pid;
    int n = 0;
    if (argc != 1 || !enif_get_local_pid(env, argv[0], &pid))
        return mex_expected(env, "the argument", "a process of this node", argv[0]),
               mex_raise_as(env, "cancel");
    pthread_mutex_lock(&pool_lock);
    for (mex_job *job = all; job; job = job->right)
        if (!enif_compare_pids(&pid, &job->owner)) {
            stop(job);
            n++;
        }
    pthread_mutex_unlock(&pool_lock);
    return enif_make_int(env, n + mex_lm_cancel_process(&pid));
}
