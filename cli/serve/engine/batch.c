/* A model's thread: it computes a batch of requests, and tells what comes of them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "serve/engine/engine_own.h"

enum { MOST_TRIES = 3 };   // of a step that fails
enum { EPOCH_SHIFT = 44 }; // a request's number is that of its batch, and the library's

/* --- events ----------------------------------------------------------------------------------- */

static srv_finish finish_of(mlx_lm_finish finish) {
    switch (finish) {
    case MLX_LM_END_TOKEN: return SRV_ENDED;
    case MLX_LM_STOP_TEXT: return SRV_STOPPED;
    case MLX_LM_LENGTH: return SRV_LENGTH;
    case MLX_LM_FAILED: return SRV_FAILED;
    default: return SRV_CANCELLED;
    }
}

static void put(engine_request *r, const srv_event *e) {
    srv_queue_put(r->to, srv_event_copy(e));
}

static srv_event event_of(const engine_request *r, const mlx_lm_event *e) {
    return (srv_event){.choice = r->choice,
                       .token = e->token,
                       .log_p = e->log_p,
                       .top_num = (int)e->top_num,
                       .top_tokens = (int *)e->top_tokens,
                       .top_log_p = (float *)e->top_log_p,
                       .text = e->text ? e->text : "",
                       .text_num = e->text ? e->text_num : 0,
                       .cut = e->cut,
                       .stop = e->stop,
                       .prompt = e->prompt,
                       .cached = e->cached,
                       .generated = e->generated};
}

static void end_with(engine_request *r, srv_event e, srv_finish finish) {
    e.kind = SRV_END;
    e.token = -1;
    e.top_num = 0;
    e.finish = finish;
    put(r, &e);
}

static void tell_failure(engine_request *r, srv_event e, const char *why) {
    e.text = why;
    e.text_num = strlen(why);
    end_with(r, e, SRV_FAILED);
}

/* Under the model's lock. */
static void unlink_request(engine_request *r) {
    if (r->link)
        *r->link = r->next;
    if (r->next)
        r->next->link = r->link;
    r->link = NULL;
    r->next = NULL;
}

static void free_request(engine_request *r) {
    pthread_mutex_lock(&r->model->lock);
    unlink_request(r);
    pthread_mutex_unlock(&r->model->lock);
    srv_queue_release(r->to);
    mlx_token_stream_free(r->echo);
    free(r);
}

/* A token of the prompt, with what it adds to the prompt's text. */
static void tell_prompt(engine_request *r, srv_event e) {
    e.kind = SRV_PROMPT_TOKEN;
    e.text = "";
    e.text_num = 0;
    mlx_token_stream_put(&e.text, &e.text_num, r->echo, e.token);
    put(r, &e);
}

/* The last event of a request has no token. */
static int tell(const mlx_lm_event *e, void *data) {
    engine_request *r = e->payload;
    srv_event event = event_of(r, e);
    (void)data;
    if (!e->finish) {
        event.kind = SRV_TOKEN;
        if (e->token >= 0 && r->echo.ctx && e->generated == 0)
            tell_prompt(r, event);
        else if (e->token >= 0)
            put(r, &event);
        return 0;
    }
    if (e->finish == MLX_LM_FAILED) {
        event.status = engine_status(e->error);
        event.code = engine_code(event.text);
    }
    end_with(r, event, finish_of(e->finish));
    free_request(r);
    return 0;
}

/* --- the thread ------------------------------------------------------------------------------- */

/* Wait for a request. False: it is the end. */
static bool wait_for_work(srv_model *m, bool busy) {
    pthread_mutex_lock(&m->lock);
    while (!m->stop && !m->added && !busy)
        pthread_cond_wait(&m->came, &m->lock);
    m->added = false;
    bool goes_on = !m->stop;
    pthread_mutex_unlock(&m->lock);
    return goes_on;
}

/* One context for several models is the most that each may have of its own; of one that is named
   alone the library says what is wrong with it. */
static int64_t context_of(const srv_model *m) {
    int64_t asked = m->engine->o.context;
    return m->alone || !asked ? asked : m->about.context;
}

static bool open_batch(srv_model *m) {
    const srv_engine_options *o = &m->engine->o;
    mlx_lm_batch_options options = {.requests = (int)o->parallel,
                                    .waiting = (int)o->queue,
                                    .context = (int)context_of(m),
                                    .kv_bytes = o->kv_bytes,
                                    .kv_bits = (int)o->kv_bits};
    return mlx_lm_batch_open(&m->batch, m->lm, &options) == 0;
}

/* Steps have failed again and again: every request ends with that, and a new batch begins. False:
   that fails, too. */
static bool begin_anew(srv_model *m, const char *why) {
    pthread_mutex_lock(&m->lock);
    engine_request *former = m->requests; // what comes from here on is the new batch's
    if (former)
        former->link = &former;
    m->requests = NULL;
    m->epoch++;
    mlx_lm_batch_free(m->batch);
    m->batch = mlx_lm_batch_new();
    bool ok = open_batch(m);
    pthread_mutex_unlock(&m->lock);
    while (former) {
        tell_failure(former, (srv_event){.choice = former->choice}, why);
        free_request(former);
    }
    return ok;
}

static void pause_for(int tries) {
    struct timespec t = {0, 50000000L << tries};
    nanosleep(&t, NULL); // memory may come back
}

static void *compute(void *data) {
    srv_model *m = data;
    bool busy = false;
    int tries = 0;
    while (wait_for_work(m, busy)) {
        char why[512];
        if (mlx_lm_batch_step(&busy, m->batch, tell, NULL) == 0) {
            tries = 0;
            continue;
        }
        snprintf(why, sizeof why, "%s", mlx_last_error_message());
        pause_for(tries);
        busy = ++tries < MOST_TRIES || !begin_anew(m, why);
        tries = tries < MOST_TRIES ? tries : 0;
    }
    return NULL;
}

bool engine_batch_open(srv_model *m, srv_fault *f) {
    if (!open_batch(m))
        return false;
    m->stop = m->added = false;
    if (pthread_create(&m->thread, NULL, compute, m))
        return srv_fail(f, 500, "a thread could not be started");
    m->has_thread = true;
    return true;
}

void engine_batch_close(srv_model *m) {
    if (m->has_thread) {
        pthread_mutex_lock(&m->lock);
        m->stop = true;
        pthread_cond_signal(&m->came);
        pthread_mutex_unlock(&m->lock);
        pthread_join(m->thread, NULL);
    }
    m->has_thread = false;
    mlx_lm_batch_free(m->batch);
    m->batch = mlx_lm_batch_new();
    m->epoch++;
    while (m->requests)
        free_request(m->requests);
}

/* --- requests --------------------------------------------------------------------------------- */

static engine_request *make_request(srv_model *m, const srv_ask *a) {
    engine_request *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->model = m;
    r->to = srv_queue_hold(a->to);
    r->choice = a->choice;
    if (!a->echo || mlx_token_stream_open(&r->echo, m->tokenizer, a->echo_special) == 0)
        return r;
    free_request(r);
    return NULL;
}

/* The library's word: -1 the token's own alone, 0 none. */
static int log_probabilities(const srv_ask *a) {
    return a->log_probabilities < 0 ? 0 : a->log_probabilities ? a->log_probabilities : -1;
}

bool srv_model_can_hold(srv_model *m, const srv_ask *a, srv_fault *f) {
    mlx_structure structure;
    if (!engine_structure_lend(m->engine, a, &structure, f))
        return false;
    engine_structure_back(m->engine, a);
    return true;
}

/* Under the model's lock, before the batch has it: then whoever frees it waits for that. */
static void link_request(srv_model *m, engine_request *r) {
    r->next = m->requests;
    r->link = &m->requests;
    if (r->next)
        r->next->link = &r->next;
    m->requests = r;
}

int64_t srv_model_submit(srv_model *m, const srv_ask *a, srv_fault *f) {
    engine_request *r = make_request(m, a);
    int64_t id = 0;
    if (!r) {
        srv_fail(f, 500, "out of memory");
        return 0;
    }
    mlx_structure structure;
    if (!engine_structure_lend(m->engine, a, &structure, f)) {
        free_request(r);
        return 0;
    }
    mlx_lm_request request = {.tokens = a->tokens,
                              .token_num = a->token_num,
                              .most = (int)a->most,
                              .sampling = &a->sampling,
                              .stop = a->stop,
                              .stop_num = a->stop_num,
                              .ignore_end = a->ignore_end,
                              .log_probabilities = log_probabilities(a),
                              .echo = a->echo,
                              .show_special = a->markers,
                              .structure = structure,
                              .payload = r};
    pthread_mutex_lock(&m->lock);
    link_request(m, r);
    bool ok = mlx_lm_batch_add(&id, m->batch, &request) == 0;
    int64_t epoch = m->epoch;
    if (id == 0)
        unlink_request(r);
    m->added |= id != 0;
    pthread_cond_signal(&m->came);
    pthread_mutex_unlock(&m->lock);
    engine_structure_back(m->engine, a);
    if (!ok)
        engine_fail(f);
    if (ok && id == 0) {
        f->retry = 2;
        srv_fail(f, 429, "too many requests wait");
    }
    if (id == 0)
        free_request(r);
    return id ? epoch << EPOCH_SHIFT | id : 0;
}

void srv_model_cancel(srv_model *m, int64_t id) {
    pthread_mutex_lock(&m->lock);
    if (id >> EPOCH_SHIFT == m->epoch)
        mlx_lm_batch_cancel(m->batch, id & (((int64_t)1 << EPOCH_SHIFT) - 1));
    pthread_mutex_unlock(&m->lock);
}
