/* Guesses of the model's own head (DeepSeek-AI 2024, multi-token prediction).
 *
 *     token   0      1      2      3
 *     hidden         0      1      2      of the model's last pass: what the token was picked from
 *     head    0      1      2      3  ──▶ guesses token 4
 *
 * The head is a model of one layer with a cache of its own (mx_decoder.ahead). It reads each token
 * with the hidden row of the one before; the first has none, zeros. Where the model found the
 * beginning of a text and the head did not, the head's text begins there.
 */
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "models/generate/work.h"

static int64_t hidden_end(const gen_work *w) {
    return w->hidden_first + (int64_t)w->hidden_rows;
}

bool gen_ahead_admit(mx_cache *c, gen_work *w) {
    int64_t n = mx_sequence_length(w->sequence);
    mx_sequence *s = n ? mx_sequence_begin(c, w->token, (int64_t)w->n) : NULL;
    if (n && !s)
        return false;
    if (s && mx_sequence_length(s) >= n && mx_sequence_trim(s, n) &&
        mx_sequence_trim(w->sequence, n - 1)) {
        w->draft = s;
        w->draft_from = 0;
        w->draft_valid = (size_t)n;
        return true;
    }
    mx_sequence_end(s);
    return !mx_failed();
}

bool gen_ahead_take(gen_work *w, const float *kept, int64_t width) {
    int64_t n = w->rows + w->guesses, most = (int64_t)w->n - 1 - w->mark;
    size_t at = w->hidden_rows * (size_t)width;
    n = n < most ? n : most;
    if (n <= 0)
        return true;
    if (hidden_end(w) != w->mark || !w->hidden_rows) {
        w->hidden_first = w->mark;
        w->hidden_rows = at = 0;
    }
    if (!mx_grow(&w->hidden, &w->hidden_room, at + (size_t)(n * width), sizeof *w->hidden))
        return false;
    memcpy(w->hidden + at, kept + w->first * width, (size_t)(n * width) * sizeof *kept);
    w->hidden_rows += (size_t)n;
    return true;
}

/* The token that it reads next. */
static int64_t place(const gen_work *w) {
    return (int64_t)w->draft_from + mx_sequence_length(w->draft);
}

/* A token can be read whose hidden row is there, the first one of a text without. */
static bool connects(const gen_work *w) {
    int64_t at = place(w);
    return at - 1 >= w->hidden_first || (at == 0 && w->hidden_first == 0);
}

static bool begin_anew(mx_cache *c, gen_work *w) {
    bool whole = w->hidden_first == 0;
    gen_draft_forget(w);
    w->draft_from = whole ? 0 : (size_t)w->hidden_first + 1;
    w->draft = mx_sequence_begin(c, whole ? w->token : NULL, hidden_end(w) + 1);
    return w->draft;
}

bool gen_ahead_begin(mx_cache *c, gen_work *w, int64_t *n) {
    int64_t valid = (int64_t)w->draft_valid;
    *n = 0;
    if (!w->hidden_rows)
        return true;
    if (w->draft && mx_sequence_length(w->draft) > valid && !mx_sequence_trim(w->draft, valid) &&
        mx_failed())
        return false;
    if (w->draft && mx_sequence_length(w->draft) > valid)
        gen_draft_forget(w);
    if ((!w->draft || !connects(w)) && !begin_anew(c, w))
        return false;
    int64_t last = hidden_end(w) < (int64_t)w->n - 1 ? hidden_end(w) : (int64_t)w->n - 1;
    *n = last + 1 - place(w);
    return true;
}

bool gen_ahead_join(gen_work *w, gen_pass *p, int64_t n, int64_t width) {
    int64_t at = place(w), nothing = at == 0;
    const float *rows = w->hidden + (at + nothing - 1 - w->hidden_first) * width;
    return gen_pass_join(p, (size_t)nothing, rows, (size_t)(n - nothing));
}
