/* Batches: who is in them, and what any thread may ask. */
#include "models/generate/batch.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/threads/lock.h"
#include "models/generate/work.h"

/* --- opening --------------------------------------------------------------------------------- */

static bool in_range(int64_t value, int64_t least, int64_t most, const char *name) {
    return (value >= least && value <= most) ||
           mx_fail(MX_RANGE, "[lm] %s is %lld, and must be from %lld to %lld", name,
                   (long long)value, (long long)least, (long long)most);
}

/* What does nothing without another is refused. */
static bool needed(int value, bool other, const char *name, const char *needs) {
    return !value || other ||
           mx_fail(MX_INVALID, "[lm] %s is %d, and does nothing without %s", name, value, needs);
}

static bool check_options(const mx_lm *lm, const mx_batch_options *o) {
    const mx_decoder *d = lm->decoder;
    int64_t context = o->context ? o->context : d->context;
    if (d->encoder)
        return mx_fail(MX_UNSUPPORTED, "[lm] '%s' makes vectors of texts, no text", d->name);
    return in_range(o->requests, 0, 4096, "requests") &&
           in_range(o->waiting, 0, 1 << 20, "waiting") &&
           in_range(context, 2, d->context, "context") && in_range(o->chunk, 0, 1 << 16, "chunk") &&
           in_range(o->keep, 0, context - 2, "keep") &&
           needed(o->keep, o->shift, "keep", "shift") &&
           in_range(o->lookup, 0, GEN_MOST_GUESSES, "lookup") &&
           in_range(o->draft_tokens, 0, GEN_MOST_GUESSES, "draft_tokens") &&
           needed(o->draft_tokens, o->draft, "draft_tokens", "draft") &&
           in_range(o->heads, 0, GEN_MOST_GUESSES, "heads") &&
           (!o->heads || !o->draft ||
            mx_fail(MX_INVALID, "[lm] either a draft guesses or the model's own head"));
}

static bool check_bits(int bits) {
    return bits == 0 || bits == 32 || bits == 16 || bits == 8 || bits == 4 ||
           mx_fail(MX_INVALID, "[lm] kv_bits is %d, and must be 32, 16, 8 or 4", bits);
}

static void set_numbers(mx_batch *b, const mx_batch_options *o) {
    b->limits.context = o->context ? o->context : b->lm->decoder->context;
    b->limits.shift = o->shift;
    b->limits.keep = o->keep;
    b->requests = o->requests ? o->requests : 16;
    b->chunk = o->chunk ? o->chunk : 512;
    b->lookup = o->lookup;
    b->most = (size_t)b->requests + (size_t)(o->waiting ? o->waiting : 1000);
    atomic_flag_clear(&b->stepping);
}

static bool set_rooms(mx_batch *b) {
    b->work = mx_calloc(b->most, sizeof(gen_work *));
    b->now = mx_calloc(b->most, sizeof(gen_work *));
    b->asks = mx_calloc((size_t)b->requests, sizeof(gen_work *));
    b->guesses = mx_calloc((size_t)b->requests, sizeof *b->guesses);
    return b->work && b->now && b->asks && b->guesses;
}

/* A cache that cannot hold a token would fail each request. */
static bool check_room(const mx_batch *b, const mx_batch_options *o) {
    return b->limits.room > 0 ||
           mx_fail(MX_RANGE,
                   "[lm] kv_bytes (--max-kv) is %llu, and has no room for %d tokens, the least",
                   (unsigned long long)o->kv_bytes, MX_PAGE);
}

static bool set_machines(mx_batch *b, const mx_batch_options *o) {
    int bits = o->kv_bits ? o->kv_bits : 16;
    b->direct = mx_direct_new(b->lm->decoder);
    b->cache = b->direct ? mx_cache_new(b->lm->decoder, bits, o->kv_bytes) : NULL;
    if (b->cache) {
        b->limits.room = mx_cache_positions(b->cache);
        gen_limit_kept(b->cache, o, b->limits.context);
    }
    if (!b->cache || !check_room(b, o))
        return false;
    if (o->draft)
        b->draft = gen_draft_open(o->draft, b->lm, bits, o);
    if (o->heads)
        b->draft = gen_draft_ahead(b->lm, bits, o);
    b->pass.keeps = o->heads > 0;
    return b->draft || (!o->draft && !o->heads);
}

mx_batch *mx_batch_open(mx_lm *lm, const mx_batch_options *o) {
    static const mx_batch_options usual = {0};
    o = o ? o : &usual;
    mx_batch *b = check_options(lm, o) && check_bits(o->kv_bits) ? mx_calloc(1, sizeof *b) : NULL;
    if (!b)
        return NULL;
    b->lm = mx_lm_retain(lm);
    set_numbers(b, o);
    if (set_rooms(b) && set_machines(b, o))
        return b;
    mx_batch_free(b);
    return NULL;
}

void mx_batch_free(mx_batch *b) {
    if (!b)
        return;
    for (size_t i = 0; i < b->count; i++) {
        mx_sequence_end(b->work[i]->sequence);
        gen_draft_forget(b->work[i]);
        gen_work_free(b->work[i]);
    }
    gen_draft_free(b->draft);
    mx_cache_free(b->cache);
    mx_direct_free(b->direct);
    mx_lm_release(b->lm);
    gen_pass_free(&b->pass);
    mx_free(b->work);
    mx_free(b->now);
    mx_free(b->asks);
    mx_free(b->guesses);
    mx_free(b);
}

/* --- from any thread ------------------------------------------------------------------------- */

/* False: too many wait. */
static bool line_up(mx_batch *b, gen_work *w) {
    mx_lock(MX_LOCK_BATCH);
    bool fits = b->count < b->most;
    if (fits) {
        w->id = ++b->ids;
        b->work[b->count++] = w;
    }
    mx_unlock(MX_LOCK_BATCH);
    return fits;
}

bool mx_batch_add(mx_batch *b, const mx_request *r, int64_t *id) {
    gen_work *w = gen_work_new(b->lm, r, b->limits);
    if (!w)
        return false;
    *id = 0;
    if (line_up(b, w))
        *id = w->id;
    else
        gen_work_free(w);
    return true;
}

void mx_batch_cancel(mx_batch *b, int64_t id) {
    mx_lock(MX_LOCK_BATCH);
    for (size_t i = 0; i < b->count; i++)
        if (b->work[i]->id == id)
            atomic_store(&b->work[i]->cancelled, true);
    mx_unlock(MX_LOCK_BATCH);
}

void mx_batch_about(mx_batch *b, mx_batch_state *out) {
    mx_lock(MX_LOCK_BATCH);
    *out = b->state;
    out->waiting = (int64_t)b->count - b->state.running;
    mx_unlock(MX_LOCK_BATCH);
}

/* --- a step ---------------------------------------------------------------------------------- */

static void look(mx_batch *b) {
    mx_lock(MX_LOCK_BATCH);
    b->n = b->count;
    memcpy(b->now, b->work, b->n * sizeof *b->now);
    mx_unlock(MX_LOCK_BATCH);
    b->done = (mx_batch_state){0};
}

static void count(mx_batch_state *s, const mx_batch_state *more) {
    s->prompt_tokens += more->prompt_tokens;
    s->generated += more->generated;
    s->cached += more->cached;
    s->guessed += more->guessed;
    s->accepted += more->accepted;
    s->steps += more->steps;
}

/* Those that have ended leave the list; b->now has what is left of it. */
static void leave(mx_batch *b) {
    size_t kept = 0;
    mx_lock(MX_LOCK_BATCH);
    for (size_t i = 0; i < b->count; i++)
        if (!b->work[i]->finish)
            b->work[kept++] = b->work[i];
    b->count = kept;
    mx_unlock(MX_LOCK_BATCH);
}

static void end(mx_batch *b, gen_work *w) {
    if (w->save && w->finish < MX_CANCELLED && !gen_work_save(w))
        gen_answer_fail(w);
    gen_answer_end(w, b->call);
    mx_sequence_end(w->sequence);
    gen_draft_forget(w);
    gen_work_free(w);
    b->crowded = false;
}

static bool tidy(mx_batch *b) {
    int64_t running = 0;
    leave(b);
    for (size_t i = 0; i < b->n; i++)
        if (b->now[i]->finish)
            end(b, b->now[i]);
        else
            running += b->now[i]->sequence != NULL;
    mx_batch_state now = {.kv_bytes = mx_cache_bytes(b->cache),
                          .kv_kept = mx_cache_kept_bytes(b->cache)};
    mx_lock(MX_LOCK_BATCH);
    count(&b->state, &b->done);
    b->state.running = running;
    b->state.kv_bytes = now.kv_bytes;
    b->state.kv_kept = now.kv_kept;
    bool busy = b->count > 0;
    mx_unlock(MX_LOCK_BATCH);
    return busy;
}

bool mx_batch_step(mx_batch *b, mx_event_call *call, void *payload, bool *busy) {
    if (atomic_flag_test_and_set(&b->stepping))
        return mx_fail(MX_INVALID, "[lm] the batch is in a step already");
    b->call = (gen_call){call, payload};
    look(b);
    bool ok = gen_step(b);
    mx_status status = mx_error_status();
    char why[MX_ERROR_TEXT];
    snprintf(why, sizeof why, "%s", mx_error_message());
    mx_error_clear(); // who has ended is told so all the same
    *busy = tidy(b);
    atomic_flag_clear(&b->stepping);
    return ok || mx_fail(status, "%s", why);
}
