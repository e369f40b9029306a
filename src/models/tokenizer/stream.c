/* Text of ids as they come.
 *
 *     context   ids whose text was shown; what follows is decoded behind them
 *     fresh     ids since then
 *
 *     decode(context + fresh) without decode(context), up to the last whole character, is new
 *
 * What a decoder does to a piece depends on pieces near it alone, but for the first. So the context
 * is what was shown last, and longer only while it has no text. A stream is linear in its length.
 */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/tokenizer/parts.h"

/* How many ids may wait: a character has 4 bytes, so 4 would do but for pieces without text. */
enum { MOST_WAITING = 64, MOST_BYTES = 4 };

struct mx_token_stream {
    mx_tokenizer *t;
    bool special;
    tok_ids ids;    /* context and fresh */
    size_t context; /* how many of them are context */
    tok_bytes shown, all;
    size_t shown_of_all; /* bytes of decode(ids) that were shown */
};

mx_token_stream *mx_token_stream_make(mx_tokenizer *t, bool keep_special) {
    mx_token_stream *s = mx_calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->t = mx_tokenizer_retain(t);
    s->special = keep_special;
    return s;
}

void mx_token_stream_free(mx_token_stream *s) {
    if (!s)
        return;
    mx_tokenizer_release(s->t);
    mx_free(s->ids.p);
    tok_free(&s->shown);
    tok_free(&s->all);
    mx_free(s);
}

/* Decodes ids from `from`; how much of it has whole characters. */
static size_t decode(mx_token_stream *s, size_t from, bool open) {
    s->all.n = 0;
    if (!tok_decode_ids(s->t, s->ids.p + from, s->ids.n - from, s->special, open, &s->all))
        return 0;
    return s->all.n - (open ? tok_open_end(s->all.p, s->all.n) : 0);
}

static void show(mx_token_stream *s, size_t to) {
    s->shown.n = 0;
    if (to > s->shown_of_all)
        tok_put(&s->shown, s->all.p + s->shown_of_all, to - s->shown_of_all);
}

/* Where all is shown, what was fresh becomes the context, unless it has no text of its own. Bytes
   that never become a character may not wait for ever: of them the last are the context. */
static void advance(mx_token_stream *s, size_t whole) {
    size_t fresh = s->ids.n - s->context, from = s->context;
    bool all = whole == s->all.n, too_long = fresh >= MOST_WAITING;
    s->shown_of_all = whole;
    if (!all && !too_long)
        return;
    if (!all)
        from = s->ids.n - MOST_BYTES;
    size_t alone = decode(s, from, true);
    if (!alone && !too_long)
        return;
    memmove(s->ids.p, s->ids.p + from, (s->ids.n - from) * sizeof *s->ids.p);
    s->ids.n -= from;
    s->context = s->ids.n;
    s->shown_of_all = alone;
}

const char *mx_token_stream_put(mx_token_stream *s, int32_t id, size_t *n) {
    *n = 0;
    if (id < 0 || (size_t)id >= s->t->ids)
        return mx_fail(MX_RANGE, "[tokenizer] the id %d: ids are 0 to %zu", id, s->t->ids - 1);
    if (!s->special && mx_tokenizer_is_special(s->t, id))
        return "";
    tok_ids_put(&s->ids, id);
    size_t whole = decode(s, 0, true);
    if (mx_failed())
        return NULL;
    show(s, whole);
    advance(s, whole);
    *n = s->shown.n;
    return mx_failed() ? NULL : s->shown.p ? s->shown.p : "";
}

bool mx_token_stream_follow(mx_token_stream *s) {
    size_t n;
    int32_t before = tok_piece_before(s->t);
    if (s->ids.n)
        return mx_fail(MX_INVALID, "[tokenizer] the stream has begun");
    return before >= 0 ? mx_token_stream_put(s, before, &n) != NULL : !mx_failed();
}

const char *mx_token_stream_end(mx_token_stream *s, size_t *n) {
    size_t whole = s->ids.n ? decode(s, 0, false) : 0;
    show(s, whole);
    s->ids.n = s->context = s->shown_of_all = 0;
    *n = s->shown.n;
    return mx_failed() ? NULL : s->shown.p ? s->shown.p : "";
}
