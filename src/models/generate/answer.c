/* What a request answers: tokens, their text, and when it ends. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "base/vec.h"
#include "models/generate/work.h"

void gen_answer_fail(gen_work *w) {
    mx_text_free(&w->shown);
    mx_text_str(&w->shown, mx_error_message());
    w->error = mx_error_status();
    mx_error_clear();
    w->finish = MX_FAILED;
}

/* --- log probabilities ----------------------------------------------------------------------- */

/* Those of a token and of the likeliest, into the event. */
static bool add_log_p(gen_work *w, mx_event *e, const float *logits, size_t n) {
    if (!w->log_probabilities)
        return true;
    e->top_num = w->log_probabilities > 0 ? (size_t)w->log_probabilities : 0;
    if (!mx_log_probability(logits, n, e->token, &e->log_p))
        return false;
    e->log_p = (float)e->log_p; // as the same token's among the likeliest
    return !e->top_num || mx_log_probabilities(logits, n, e->top_num, w->top, w->top_p);
}

void gen_answer_echo(gen_work *w, const float *logits, size_t n, gen_call c) {
    mx_event e = gen_event_of(w);
    e.token = w->token[w->echoed++];
    if (!logits || add_log_p(w, &e, logits, n))
        gen_tell(w, &e, c);
    else
        gen_answer_fail(w);
}

void gen_answer_progress(gen_work *w, gen_call c) {
    mx_event e = gen_event_of(w);
    e.text = ""; // the last token's was told with it
    e.text_num = 0;
    gen_tell(w, &e, c);
}

/* --- text ------------------------------------------------------------------------------------ */

/* Adds what may be shown of new text; a stop text ends the answer. */
static bool show(gen_work *w, const char *text, size_t n) {
    int found = -1;
    if (w->stop && !mx_stop_feed(w->stop, text, n, &text, &n, &found))
        return false;
    mx_text_put(&w->shown, text, n);
    if (found >= 0) {
        w->finish = MX_STOP_TEXT;
        w->stopped = found;
    }
    return !w->shown.failed || mx_fail_nomem("lm", n);
}

static bool show_token(gen_work *w, int token) {
    size_t n = 0;
    if (!w->stop)
        w->shown.len = 0; // told with the last token
    const char *text = mx_token_stream_put(w->stream, token, &n);
    w->late.said += n;
    return text && show(w, text, n);
}

/* What was held back; nothing behind a stop text. */
static bool show_rest(gen_work *w) {
    size_t n = 0;
    const char *text;
    if (!w->stop)
        w->shown.len = 0;
    if (w->finish == MX_STOP_TEXT)
        return true;
    text = mx_token_stream_end(w->stream, &n);
    w->late.said += n;
    if (!text || !show(w, text, n))
        return false;
    if (!w->stop || w->finish == MX_STOP_TEXT)
        return true;
    mx_stop_end(w->stop, &text, &n);
    mx_text_put(&w->shown, text, n);
    return !w->shown.failed || mx_fail_nomem("lm", n);
}

/* --- tokens ---------------------------------------------------------------------------------- */

static bool ends(const gen_work *w, int token) {
    for (size_t i = 0; i < w->ends; i++)
        if (w->end[i] == token)
            return true;
    return false;
}

static bool add(gen_work *w, int token) {
    if (!mx_grow(&w->token, &w->room, w->n + 1, sizeof token) ||
        !mx_sampler_accept(w->sampler, &token, 1, false))
        return false;
    w->token[w->n++] = token;
    w->generated++;
    return true;
}

/* A token that is no end: its text and its event, which with stop texts may wait. */
static bool answer(gen_work *w, int token, const float *logits, size_t n, gen_call c) {
    size_t from = w->late.said;
    if (!add(w, token) || !show_token(w, token))
        return false;
    mx_event e = gen_event_of(w);
    e.token = token;
    if (!add_log_p(w, &e, logits, n))
        return false;
    if (w->stop)
        return gen_late_put(w, &e, from) && gen_late_tell(w, false, c);
    gen_tell(w, &e, c);
    return true;
}

/* *over: the token ends what the structure allows. */
static bool pick(gen_work *w, const float *logits, size_t n, int *token, bool *over) {
    bool fits = true;
    if (w->matcher && !mx_matcher_mask(w->matcher, w->mask))
        return false;
    if (!mx_sampler_pick(w->sampler, logits, n, w->mask, token))
        return false;
    if (w->matcher && !mx_matcher_accept(w->matcher, (uint32_t)*token, &fits))
        return false;
    *over = w->matcher && mx_matcher_ended(w->matcher);
    return fits || mx_fail(MX_INTERNAL, "[lm] token %d does not fit its structure", *token);
}

/* Nothing may follow. */
static bool is_whole(const gen_work *w) {
    return w->matcher && !mx_matcher_continues(w->matcher);
}

/* No token more may come. */
static bool is_full(const gen_work *w, gen_limits l) {
    return w->generated >= w->most || ((int64_t)w->n >= l.context && !l.shift);
}

int gen_answer_pick(gen_work *w, const float *logits, size_t n, gen_limits l, gen_call c) {
    int token = -1;
    bool over = false;
    if (is_full(w, l)) {
        w->finish = MX_LENGTH;
        return -1;
    }
    if (!pick(w, logits, n, &token, &over)) {
        gen_answer_fail(w);
        return -1;
    }
    if (over || ends(w, token))
        w->finish = MX_END_TOKEN;
    else if (!answer(w, token, logits, n, c))
        gen_answer_fail(w);
    else if (atomic_load(&w->cancelled))
        w->finish = MX_CANCELLED;
    else if (!w->finish && is_whole(w))
        w->finish = MX_END_TOKEN;
    else if (!w->finish && is_full(w, l))
        w->finish = MX_LENGTH;
    return w->finish ? -1 : token;
}

void gen_answer_end(gen_work *w, gen_call c) {
    if (w->finish != MX_FAILED && !(show_rest(w) && gen_late_tell(w, w->finish != MX_STOP_TEXT, c)))
        gen_answer_fail(w);
    mx_event e = gen_event_of(w);
    e.finish = w->finish;
    e.stop = w->finish == MX_STOP_TEXT ? w->stopped : -1;
    e.error = w->finish == MX_FAILED ? (int)w->error : 0;
    gen_tell(w, &e, c);
}
