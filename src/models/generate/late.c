/* Tokens of an answer that may end before a stop text.
 *
 * Whether a token is the answer's is known when its text begins to be shown: what a stop text cuts
 * off has no event, so that tokens, with their log probabilities, are those of the text. A token
 * that begins before the cut is the answer's, with the text up to there; so it waits until all of
 * its text is shown, or cut off.
 *
 *     said     |The| end| of| the| line|      tokens as they came
 *     shown    |The| end| of|                 "the l" may become a stop text: both tokens wait
 */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"
#include "models/generate/work.h"

bool gen_late_put(gen_work *w, const mx_event *e, size_t from) {
    gen_late *l = &w->late;
    size_t k = e->top_num, n = l->n + 1;
    if (!mx_grow(&l->token, &l->room, n, sizeof *l->token) ||
        (k && (!mx_grow(&l->top, &l->top_room, n * k, sizeof *l->top) ||
               !mx_grow(&l->top_p, &l->top_p_room, n * k, sizeof *l->top_p))))
        return false;
    l->token[l->n] = (gen_late_token){e->token, e->generated, e->log_p, from};
    if (k) {
        memcpy(l->top + l->n * k, e->top_tokens, k * sizeof *l->top);
        memcpy(l->top_p + l->n * k, e->top_log_p, k * sizeof *l->top_p);
    }
    l->n++;
    return true;
}

/* The first `n` bytes that are shown become the text of one event. */
static bool take(gen_work *w, size_t n) {
    gen_late *l = &w->late;
    l->piece.len = 0;
    mx_text_put(&l->piece, mx_text_view(&w->shown), n);
    if (l->piece.failed)
        return mx_fail_nomem("lm", n);
    if (n)
        memmove(w->shown.data, w->shown.data + n, w->shown.len - n + 1);
    w->shown.len -= n;
    l->told += n;
    return true;
}

/* Where the text of the i-th ends. */
static size_t end_of(const gen_late *l, size_t i) {
    return i + 1 < l->n ? l->token[i + 1].from : l->said;
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static bool tell_one(gen_work *w, size_t i, gen_call c) {
    gen_late *l = &w->late;
    size_t k = w->log_probabilities > 0 ? (size_t)w->log_probabilities : 0;
    size_t end = end_of(l, i), n = end > l->told ? end - l->told : 0, own = least(n, w->shown.len);
    if (!take(w, own))
        return false;
    mx_event e = gen_event_of(w);
    e.token = l->token[i].token;
    e.generated = l->token[i].generated;
    e.log_p = l->token[i].log_p;
    e.text = mx_text_view(&l->piece);
    e.text_num = l->piece.len;
    e.top_tokens = k ? l->top + i * k : w->top;
    e.top_log_p = k ? l->top_p + i * k : w->top_p;
    e.top_num = k;
    e.cut = n - own;
    gen_tell(w, &e, c);
    return true;
}

static void drop(gen_work *w, size_t n) {
    gen_late *l = &w->late;
    size_t k = w->log_probabilities > 0 ? (size_t)w->log_probabilities : 0, left = l->n - n;
    if (n && left)
        memmove(l->token, l->token + n, left * sizeof *l->token);
    if (n && left && k) {
        memmove(l->top, l->top + n * k, left * k * sizeof *l->top);
        memmove(l->top_p, l->top_p + n * k, left * k * sizeof *l->top_p);
    }
    l->n = left;
}

/* Is the i-th the answer's, and what it shows known? */
static bool is_ready(const gen_work *w, size_t i) {
    const gen_late *l = &w->late;
    size_t shown = l->told + w->shown.len;
    return l->token[i].from < shown && (w->finish == MX_STOP_TEXT || end_of(l, i) <= shown);
}

bool gen_late_tell(gen_work *w, bool rest, gen_call c) {
    gen_late *l = &w->late;
    size_t i = 0;
    while (i < l->n && (rest || is_ready(w, i)) && tell_one(w, i, c))
        i++;
    drop(w, i);
    return !mx_failed();
}
