/* Tokens of an answer that may end before a stop text.
 *
 * Whether a token is the answer's is known when its text begins to be shown: what a stop text cuts
 * off has no event, so that tokens, with their log probabilities, are those of the text. A token
 * that begins before the cut is the answer's, with the text up to there.
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

/* Bytes of the i-th that are shown and not told. */
static size_t own(const gen_work *w, size_t i) {
    const gen_late *l = &w->late;
    size_t end = i + 1 < l->n ? l->token[i + 1].from : l->said;
    size_t n = end > l->told ? end - l->told : 0;
    return n < w->shown.len ? n : w->shown.len;
}

static bool tell_one(gen_work *w, size_t i, gen_call c) {
    gen_late *l = &w->late;
    size_t k = w->log_probabilities > 0 ? (size_t)w->log_probabilities : 0;
    if (!take(w, own(w, i)))
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

bool gen_late_tell(gen_work *w, bool rest, gen_call c) {
    gen_late *l = &w->late;
    size_t i = 0;
    while (i < l->n && (rest || l->token[i].from < l->told + w->shown.len) && tell_one(w, i, c))
        i++;
    drop(w, i);
    return !mx_failed();
}
