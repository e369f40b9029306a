/* A request: what it asks for, checked, and its text. */
#include "models/generate/work.h"

#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"

/* --- its prompt ------------------------------------------------------------------------------ */

/* The tokens of what was given, for mx_free. */
static int *tokens_of(const mx_lm *lm, const mx_request *r, size_t *n) {
    if (!r->text) {
        *n = r->token_num;
        return mx_memdup(r->tokens, *n * sizeof(int));
    }
    // what a template made begins as the model wants it to
    mx_encode how = {.bare = r->special, .plain = !r->special};
    return mx_tokenizer_encode(lm->tokenizer, r->text, r->text_num, NULL, 0, how, n, NULL);
}

/* Leaves out what is behind keep, so that the rest fills at most half of the context. */
static void cut(int *token, size_t *n, gen_limits l) {
    size_t keep = (size_t)l.keep, rest = ((size_t)l.context - keep) / 2;
    memmove(token + keep, token + *n - rest, rest * sizeof *token);
    *n = keep + rest;
}

static bool check_prompt(const mx_lm *lm, int *token, size_t *n, gen_limits l) {
    if (!mx_lm_check_tokens(lm, token, *n))
        return false;
    if ((int64_t)*n > l.room && (!l.shift || !l.room))
        return mx_fail(MX_RANGE,
                       "[lm] the prompt has %zu tokens, and kv_bytes (--max-kv) has room for %lld",
                       *n, (long long)l.room);
    if ((int64_t)*n <= l.context)
        return true;
    if (!l.shift)
        return mx_fail(MX_RANGE, "[lm] the prompt has %zu tokens, and the context is %lld", *n,
                       (long long)l.context);
    cut(token, n, l);
    return true;
}

/* Room for what is to come at once, where that is little. */
static bool set_prompt(gen_work *w, const mx_lm *lm, const mx_request *r, gen_limits l) {
    w->token = tokens_of(lm, r, &w->n);
    w->room = w->n;
    if (!w->token || !check_prompt(lm, w->token, &w->n, l))
        return false;
    w->prompt = w->n;
    return mx_grow(&w->token, &w->room, w->n + 64, sizeof *w->token);
}

/* --- how it is answered ---------------------------------------------------------------------- */

static bool check_ends(const mx_lm *lm, const mx_request *r) {
    for (size_t i = 0; r->end_tokens && i < r->end_token_num; i++)
        if (r->end_tokens[i] < 0 || r->end_tokens[i] >= lm->decoder->vocabulary)
            return mx_fail(MX_RANGE, "[lm] end token %zu is %d, and the model has %lld tokens", i,
                           r->end_tokens[i], (long long)lm->decoder->vocabulary);
    return true;
}

static bool set_ends(gen_work *w, const mx_lm *lm, const mx_request *r) {
    if (!check_ends(lm, r))
        return false;
    const int *from = r->end_tokens ? r->end_tokens : lm->end;
    size_t n = r->ignore_end ? 0 : r->end_tokens ? r->end_token_num : lm->ends;
    w->end = mx_memdup(from, n * sizeof *from);
    w->ends = n;
    return w->end;
}

static bool check_bias(const mx_lm *lm, const mx_sampling *o) {
    for (size_t i = 0; i < o->bias_count; i++)
        if (o->bias_tokens[i] < 0 || o->bias_tokens[i] >= lm->decoder->vocabulary)
            return mx_fail(MX_RANGE, "[lm] a bias is of token %d, and the model has %lld",
                           o->bias_tokens[i], (long long)lm->decoder->vocabulary);
    return true;
}

static bool set_sampling(gen_work *w, const mx_lm *lm, const mx_request *r) {
    static const mx_sampling likeliest = {0};
    const mx_sampling *o = r->sampling ? r->sampling : &likeliest;
    w->sampler = mx_sampler_new(o); // which says that lists are missing
    return w->sampler && check_bias(lm, o) && mx_sampler_accept(w->sampler, w->token, w->n, true);
}

/* Does the answer go on with text? Behind a special token a text begins, but what a structure
   allows counts the blank before it. */
static bool follows(const gen_work *w, const mx_lm *lm, const mx_request *r) {
    int last = w->n ? w->token[w->n - 1] : -1;
    return r->structure || (last >= 0 && !mx_tokenizer_is_special(lm->tokenizer, last));
}

static bool set_text(gen_work *w, const mx_lm *lm, const mx_request *r) {
    w->stream = mx_token_stream_make(lm->tokenizer, r->show_special);
    if (!w->stream || (follows(w, lm, r) && !mx_token_stream_follow(w->stream)))
        return false;
    w->stopped = -1;
    w->stop = r->stop_num ? mx_stop_new(r->stop, r->stop_num) : NULL;
    return w->stop || !r->stop_num;
}

static bool set_numbers(gen_work *w, const mx_lm *lm, const mx_request *r) {
    size_t top = r->log_probabilities > 0 ? (size_t)r->log_probabilities : 0;
    if (r->most < -1)
        return mx_fail(MX_INVALID, "[lm] %d tokens cannot be made", r->most);
    if (r->log_probabilities < -1 || top > mx_lm_tokens(lm))
        return mx_fail(MX_INVALID, "[lm] log probabilities of %d tokens of %zu are not possible",
                       r->log_probabilities, mx_lm_tokens(lm));
    w->most = r->most == 0 ? INT64_MAX : r->most < 0 ? 0 : r->most;
    w->log_probabilities = r->log_probabilities;
    w->echo = r->echo;
    w->top = mx_calloc(top + 1, sizeof *w->top);
    w->top_p = mx_calloc(top + 1, sizeof *w->top_p);
    return w->top && w->top_p;
}

static bool set_file(char **to, const char *path) {
    *to = path ? mx_strdup(path) : NULL;
    return *to || !path;
}

/* The ends of a request that has its own are those of its structure, too. */
static bool set_structure(gen_work *w, mx_lm *lm, const mx_request *r) {
    if (!r->structure)
        return true;
    sg_vocabulary *own = NULL, *v;
    if (r->end_tokens)
        v = own =
            sg_vocabulary_of(lm->tokenizer, (const uint32_t *)r->end_tokens, r->end_token_num);
    else
        v = mx_lm_vocabulary(lm);
    w->matcher = v ? mx_matcher_new(r->structure, v) : NULL;
    w->mask = w->matcher ? mx_calloc(v->words, sizeof *w->mask) : NULL;
    sg_vocabulary_release(own);
    return w->mask;
}

gen_work *gen_work_new(mx_lm *lm, const mx_request *r, gen_limits limits) {
    gen_work *w = mx_calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->payload = r->payload;
    atomic_init(&w->cancelled, false);
    if (set_numbers(w, lm, r) && set_prompt(w, lm, r, limits) && set_ends(w, lm, r) &&
        set_sampling(w, lm, r) && set_text(w, lm, r) && set_structure(w, lm, r) &&
        set_file(&w->load, r->load_cache) && set_file(&w->save, r->save_cache))
        return w;
    gen_work_free(w);
    return NULL;
}

void gen_work_free(gen_work *w) {
    if (!w)
        return;
    mx_sampler_free(w->sampler);
    mx_token_stream_free(w->stream);
    mx_stop_free(w->stop);
    mx_free(w->late.token);
    mx_free(w->late.top);
    mx_free(w->late.top_p);
    mx_text_free(&w->late.piece);
    mx_matcher_free(w->matcher);
    mx_free(w->mask);
    mx_text_free(&w->shown);
    mx_free(w->hidden);
    mx_free(w->token);
    mx_free(w->end);
    mx_free(w->top);
    mx_free(w->top_p);
    mx_free(w->load);
    mx_free(w->save);
    mx_free(w);
}

/* --- how far it is --------------------------------------------------------------------------- */

size_t gen_work_computed(const gen_work *w) {
    return w->sequence ? (size_t)mx_sequence_length(w->sequence) : 0;
}

size_t gen_work_pending(const gen_work *w) {
    return w->n - gen_work_computed(w);
}

bool gen_work_shift(gen_work *w, gen_limits l) {
    size_t keep = (size_t)l.keep, gone = w->n > keep ? (w->n - keep) / 2 : 0;
    if (!gone)
        return false;
    mx_sequence_end(w->sequence); // what is left is read again
    w->sequence = NULL;
    gen_draft_forget(w);
    w->hidden_rows = 0;
    memmove(w->token + keep, w->token + keep + gone, (w->n - keep - gone) * sizeof *w->token);
    w->n -= gone;
    if (!w->generated)
        w->prompt = w->n;
    w->echoed = w->prompt;
    return true;
}

void gen_draft_forget(gen_work *w) {
    mx_sequence_end(w->draft);
    w->draft = NULL;
    w->draft_valid = w->draft_from = 0;
}

/* --- files ----------------------------------------------------------------------------------- */

/* What others may find again is kept in the cache; a text that they cannot find becomes this one's.
 */
bool gen_work_load(gen_work *w, mx_cache *c) {
    mx_sequence *s = mx_sequence_load(c, w->load);
    mx_free(w->load);
    w->load = NULL;
    if (!s)
        return false;
    bool own = mx_cache_has_states(c) && mx_sequence_length(s) < (int64_t)w->n &&
               mx_sequence_begins(s, w->token, (int64_t)w->n);
    if (own)
        w->sequence = s;
    else
        mx_sequence_end(s);
    return true;
}

bool gen_work_save(gen_work *w) {
    int64_t n = (int64_t)w->n;
    if (!w->sequence)
        return mx_fail(MX_RANGE, "[lm] the cache had no room to keep what is to be saved");
    // guesses that did not come true
    if (mx_sequence_length(w->sequence) > n && !mx_sequence_trim(w->sequence, n) &&
        (mx_failed() || !mx_sequence_trim(w->sequence, w->mark)))
        return false;
    return mx_sequence_save(w->sequence, w->save);
}
