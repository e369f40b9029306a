/* Batches of requests. A batch computes on a thread of its own while it has requests; each event
 * goes as a message to the process that asked:
 *
 *     {reference, :lm, token, text, finish, prompt, read, cached, generated, log p, likeliest}
 *     {reference, :lm_error, exception}
 *
 * What Elixir holds of a request is a ticket. When it is let go of (also with the process that had
 * it) or cancelled the request ends, and nothing more is sent.
 */
#include <math.h>
#include <pthread.h>

#include "lm.h"

enum { STACK = 16 * 1024 * 1024, MOST_FAILURES = 8 };

typedef struct batch {
    mlx_lm_batch handle;
    struct batch *left, *right; /* in the list of all */
    pthread_mutex_t lock;       /* over all that follows, and over the requests' members */
    struct request *first;
    unsigned long added; /* requests so far */
    bool running;        /* there is a thread */
    bool broken;         /* its steps fail */
} batch;

/* Held by the list until its last event, and by its ticket. */
typedef struct request {
    batch *of; /* kept */
    ErlNifPid owner;
    ErlNifEnv *env; /* has the reference */
    term ref;
    int64_t id;  /* 0: not known yet */
    bool silent; /* nothing is sent any more */
    bool listed;
    int holders;
    struct request *left, *right;
} request;

typedef struct ticket {
    request *request;
} ticket;

/* Guards the list; taken before a batch's own lock. */
static pthread_mutex_t batches_lock = PTHREAD_MUTEX_INITIALIZER;
static batch *batches;

/* --- requests --------------------------------------------------------------------------------- */

static request *new_request(batch *b, mex_job *job, term ref) {
    request *r = enif_alloc(sizeof *r);
    if (!r)
        return mex_fail("memory", "no memory for a request"), NULL;
    *r = (request){.of = b, .owner = job->owner, .env = enif_alloc_env(), .holders = 2};
    r->ref = enif_make_copy(r->env, ref);
    enif_keep_resource(b);
    return r;
}

/* One holder less. With no lock. */
static void let_go(request *r) {
    batch *b = r->of;
    pthread_mutex_lock(&b->lock);
    bool last = !--r->holders;
    pthread_mutex_unlock(&b->lock);
    if (!last)
        return;
    enif_free_env(r->env);
    enif_free(r);
    enif_release_resource(b);
}

static void enlist(request *r) {
    batch *b = r->of;
    pthread_mutex_lock(&b->lock);
    r->listed = true;
    r->right = b->first;
    if (b->first)
        b->first->left = r;
    b->first = r;
    pthread_mutex_unlock(&b->lock);
}

/* With the lock. Whether it was on the list, whose hold is then the caller's to let go of. */
static bool delist(request *r) {
    if (!r->listed)
        return false;
    if (r->left)
        r->left->right = r->right;
    else
        r->of->first = r->right;
    if (r->right)
        r->right->left = r->left;
    r->listed = false;
    return true;
}

static void silence(request *r) {
    pthread_mutex_lock(&r->of->lock);
    r->silent = true;
    int64_t id = r->id;
    pthread_mutex_unlock(&r->of->lock);
    if (id)
        mlx_lm_batch_cancel(r->of->handle, id);
}

void mex_ticket_free(ErlNifEnv *env, void *object) {
    request *r = ((ticket *)object)->request;
    (void)env;
    if (!r)
        return;
    silence(r);
    let_go(r);
}

/* lm_cancel(ticket) */
MEX_NIF(mex_nif_lm_cancel) {
    void *object;
    if (argc != 1 || !enif_get_resource(env, argv[0], mex_ticket_type, &object))
        return mex_expected(env, "the argument", "a request", argv[0]), mex_raise(env);
    silence(((ticket *)object)->request);
    return mex_atom.ok;
}

/* With the batch's lock. */
static int cancel_all_of(batch *b, const ErlNifPid *pid) {
    int n = 0;
    for (request *r = b->first; r; r = r->right)
        if (r->id && !r->silent && !enif_compare_pids(&r->owner, pid)) {
            mlx_lm_batch_cancel(b->handle, r->id);
            n++;
        }
    return n;
}

int mex_lm_cancel_process(const ErlNifPid *pid) {
    int n = 0;
    pthread_mutex_lock(&batches_lock);
    for (batch *b = batches; b; b = b->right) {
        pthread_mutex_lock(&b->lock);
        n += cancel_all_of(b, pid);
        pthread_mutex_unlock(&b->lock);
    }
    pthread_mutex_unlock(&batches_lock);
    return n;
}

/* --- events ----------------------------------------------------------------------------------- */

static term finish_term(ErlNifEnv *env, mlx_lm_finish finish) {
    static const char *const names[] = {"nil", "end", "stop", "length", "cancelled", "failed"};
    return enif_make_atom(env, names[finish]);
}

static term top_term(ErlNifEnv *env, const mlx_lm_event *e) {
    term list = enif_make_list(env, 0);
    for (size_t i = e->top_num; i-- > 0;)
        list = enif_make_list_cell(env,
                                   enif_make_tuple2(env, enif_make_int(env, e->top_tokens[i]),
                                                    mex_double_term(env, e->top_log_p[i])),
                                   list);
    return list;
}

static term event_term(ErlNifEnv *env, const request *r, const mlx_lm_event *e) {
    term items[] = {enif_make_copy(env, r->ref),
                    enif_make_atom(env, "lm"),
                    e->token < 0 ? mex_atom.nil : enif_make_int(env, e->token),
                    mex_text_term(env, e->text, e->text_num),
                    finish_term(env, e->finish),
                    enif_make_int64(env, e->prompt),
                    enif_make_int64(env, e->prompt_done),
                    enif_make_int64(env, e->cached),
                    enif_make_int64(env, e->generated),
                    isnan(e->log_p) ? mex_atom.nil : mex_double_term(env, e->log_p),
                    top_term(env, e)};
    return enif_make_tuple_from_array(env, items, sizeof items / sizeof *items);
}

/* False: the process is no more. */
static bool send_event(const request *r, const mlx_lm_event *e) {
    ErlNifEnv *env = enif_alloc_env();
    bool sent = enif_send(NULL, &r->owner, env, event_term(env, r, e));
    enif_free_env(env);
    return sent;
}

static int tell(const mlx_lm_event *e, void *payload) {
    request *r = e->payload;
    batch *b = payload;
    pthread_mutex_lock(&b->lock);
    r->id = e->id;
    if (!r->silent && !send_event(r, e))
        r->silent = true;
    bool silent = r->silent, gone = e->finish && delist(r);
    pthread_mutex_unlock(&b->lock);
    if (gone)
        let_go(r);
    return silent;
}

/* --- the thread ------------------------------------------------------------------------------- */

static void send_error(const request *r, term error) {
    ErlNifEnv *env = enif_alloc_env();
    enif_send(NULL, &r->owner, env,
              enif_make_tuple3(env, enif_make_copy(env, r->ref), enif_make_atom(env, "lm_error"),
                               enif_make_copy(env, error)));
    enif_free_env(env);
}

/* A step failed: all that run are told, and leave with the next one. */
static void fail_all(batch *b) {
    ErlNifEnv *env = enif_alloc_env();
    mex_fail_mlx();
    term error = mex_error_term(env);
    pthread_mutex_lock(&b->lock);
    for (request *r = b->first; r; r = r->right) {
        if (!r->silent)
            send_error(r, error);
        r->silent = true;
        if (r->id)
            mlx_lm_batch_cancel(b->handle, r->id);
    }
    pthread_mutex_unlock(&b->lock);
    enif_free_env(env);
}

/* Let go of the first request on the list; false: there is none. */
static bool let_go_of_first(batch *b) {
    pthread_mutex_lock(&b->lock);
    request *r = b->first;
    if (r)
        delist(r);
    pthread_mutex_unlock(&b->lock);
    if (r)
        let_go(r);
    return r;
}

/* The batch steps no more. */
static void abandon(batch *b) {
    pthread_mutex_lock(&b->lock);
    b->broken = true;
    pthread_mutex_unlock(&b->lock);
    while (let_go_of_first(b))
        continue;
}

/* Whether nothing was added since `seen`, and so the thread ends. */
static bool rest(batch *b, unsigned long seen) {
    pthread_mutex_lock(&b->lock);
    bool done = b->added == seen || b->broken;
    if (done)
        b->running = false;
    pthread_mutex_unlock(&b->lock);
    return done;
}

static unsigned long added(batch *b) {
    pthread_mutex_lock(&b->lock);
    unsigned long n = b->added;
    pthread_mutex_unlock(&b->lock);
    return n;
}

static void *run(void *argument) {
    batch *b = argument;
    bool busy = true;
    int failures = 0;
    for (unsigned long seen; seen = added(b), true;) {
        bool fine = !mlx_lm_batch_step(&busy, b->handle, tell, b);
        failures = fine ? 0 : failures + 1;
        if (!fine)
            fail_all(b);
        if (failures == MOST_FAILURES)
            abandon(b);
        if ((failures == MOST_FAILURES || (fine && !busy)) && rest(b, seen))
            break;
    }
    enif_release_resource(b);
    return NULL;
}

/* With the lock. */
static bool start(batch *b) {
    pthread_attr_t attributes;
    pthread_t thread;
    b->added++;
    if (b->broken)
        return mex_fail("internal", "the steps of these requests failed; open the model again");
    if (b->running)
        return true;
    if (pthread_attr_init(&attributes))
        return mex_fail("memory", "no thread can be started");
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK);
    enif_keep_resource(b);
    b->running = !pthread_create(&thread, &attributes, run, b);
    pthread_attr_destroy(&attributes);
    if (!b->running)
        enif_release_resource(b);
    return b->running || mex_fail("memory", "no thread can be started");
}

/* --- batches ---------------------------------------------------------------------------------- */

static void free_batch(void *handle) {
    mlx_lm_batch_free((mlx_lm_batch){handle});
}

static void list_batch(batch *b) {
    pthread_mutex_lock(&batches_lock);
    b->right = batches;
    if (batches)
        batches->left = b;
    batches = b;
    pthread_mutex_unlock(&batches_lock);
}

static void unlist_batch(batch *b) {
    pthread_mutex_lock(&batches_lock);
    if (b->left)
        b->left->right = b->right;
    else
        batches = b->right;
    if (b->right)
        b->right->left = b->left;
    pthread_mutex_unlock(&batches_lock);
}

void mex_batch_free(ErlNifEnv *env, void *object) {
    batch *b = object;
    (void)env;
    unlist_batch(b);
    mex_free_later(free_batch, b->handle.ctx);
    pthread_mutex_destroy(&b->lock);
}

static batch *batch_of(ErlNifEnv *env, term t) {
    void *object;
    if (!enif_get_resource(env, t, mex_batch_type, &object))
        return mex_expected(env, "the batch", "a batch of requests", t), NULL;
    return object;
}

/* {:batch_open, model, options} */
term mex_batch_open(ErlNifEnv *env, mex_job *job, const term *task) {
    mlx_lm *lm = mex_lm_of(job->env, task[1]);
    mlx_lm_batch_options options = {0};
    mlx_lm_batch handle = mlx_lm_batch_new();
    if (!lm || !mex_want_batch(job->env, &options, task[2]))
        return 0;
    if (mlx_lm_batch_open(&handle, *lm, &options))
        return mlx_lm_batch_free(handle), mex_fail_mlx(), 0;
    batch *b = enif_alloc_resource(mex_batch_type, sizeof *b);
    if (!b)
        return mlx_lm_batch_free(handle), mex_fail("memory", "no memory for a batch"), 0;
    *b = (batch){.handle = handle};
    pthread_mutex_init(&b->lock, NULL);
    list_batch(b);
    term t = enif_make_resource(env, b);
    enif_release_resource(b);
    return t;
}

/* {:batch_about, batch}: counts, in the order of mlx_lm_batch_state */
term mex_batch_about(ErlNifEnv *env, mex_job *job, const term *task) {
    batch *b = batch_of(job->env, task[1]);
    mlx_lm_batch_state s;
    if (!b || (mlx_lm_batch_about(&s, b->handle) && !mex_fail_mlx()))
        return 0;
    term items[] = {enif_make_int64(env, s.running),       enif_make_int64(env, s.waiting),
                    enif_make_uint64(env, s.kv_bytes),     enif_make_uint64(env, s.kv_kept),
                    enif_make_int64(env, s.prompt_tokens), enif_make_int64(env, s.generated),
                    enif_make_int64(env, s.cached),        enif_make_int64(env, s.guessed),
                    enif_make_int64(env, s.accepted),      enif_make_int64(env, s.steps)};
    return enif_make_tuple_from_array(env, items, sizeof items / sizeof *items);
}

/* The request is on the list before anybody can step. */
static bool add(batch *b, request *r, mlx_lm_request *wanted) {
    int64_t id = 0;
    wanted->payload = r;
    enlist(r);
    bool fine = !mlx_lm_batch_add(&id, b->handle, wanted) || mex_fail_mlx();
    if (fine && !id)
        fine = mex_fail("range", "too many requests wait");
    pthread_mutex_lock(&b->lock);
    r->id = id;
    fine = fine && start(b);
    bool gone = !fine && (!id || b->broken) && delist(r);
    pthread_mutex_unlock(&b->lock);
    if (gone)
        let_go(r);
    return fine;
}

static term ticket_term(ErlNifEnv *env, request *r) {
    ticket *object = enif_alloc_resource(mex_ticket_type, sizeof *object);
    if (!object)
        return mex_fail("memory", "no memory for a request"), 0;
    object->request = r;
    term t = enif_make_resource(env, object);
    enif_release_resource(object);
    return t;
}

/* {:ask, batch, reference, prompt, options}: a ticket, and events go to the job's owner */
term mex_ask(ErlNifEnv *env, mex_job *job, const term *task) {
    batch *b = batch_of(job->env, task[1]);
    mex_want want = {.count = 0};
    mex_operation("lm", 2);
    if (!b || (!enif_is_ref(job->env, task[2]) &&
               !mex_expected(job->env, "the reference", "a reference", task[2])))
        return 0;
    bool fine = mex_want_read(job->env, &want, task[3], task[4]);
    request *r = fine ? new_request(b, job, task[2]) : NULL;
    fine = r && add(b, r, &want.request);
    mex_want_free(&want);
    term t = fine ? ticket_term(env, r) : 0;
    if (r && !t)
        silence(r), let_go(r);
    return t;
}
