/* Guesses of a smaller model (Leviathan et al. 2023; here a guess counts when the model itself
 * picks the same token, so that the text is that of the model alone). */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/generate/work.h"

enum { CATCH_UP = 512 }; /* tokens that the draft reads at a time */

struct gen_draft {
    mx_lm *lm;
    const mx_decoder *decoder;
    bool ahead; /* it is the model's own head (ahead.c) */
    mx_direct *direct;
    mx_cache *cache;
    gen_pass pass;
    int tokens; /* guessed at a time */
};

/* --- the same tokens ------------------------------------------------------------------------- */

static bool same_piece(const mx_tokenizer *a, const mx_tokenizer *b, size_t i) {
    const char *x = NULL, *y = NULL;
    size_t n = 0, m = 0;
    bool in_a = mx_tokenizer_piece(a, (int64_t)i, &x, &n);
    bool in_b = mx_tokenizer_piece(b, (int64_t)i, &y, &m);
    return in_a == in_b && (!in_a || (n == m && !memcmp(x, y, n)));
}

static bool same_tokens(const mx_lm *a, const mx_lm *b) {
    size_t n = mx_lm_tokens(a);
    bool same = n == mx_lm_tokens(b);
    for (size_t i = 0; same && i < n; i++)
        same = same_piece(a->tokenizer, b->tokenizer, i);
    return same || mx_fail(MX_INVALID, "[lm] the draft '%s' has other tokens than '%s'",
                           a->decoder->name, b->decoder->name);
}

static gen_draft *open_draft(mx_lm *lm, const mx_decoder *decoder, int tokens, int bits,
                             const mx_batch_options *o) {
    gen_draft *d = mx_calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->lm = mx_lm_retain(lm);
    d->decoder = decoder;
    d->tokens = tokens;
    d->direct = mx_direct_new(decoder);
    d->cache = d->direct ? mx_cache_new(decoder, bits, o->kv_bytes) : NULL;
    if (d->cache) {
        gen_limit_kept(d->cache, o, o->context ? o->context : decoder->context);
        return d;
    }
    gen_draft_free(d);
    return NULL;
}

gen_draft *gen_draft_open(mx_lm *draft, const mx_lm *lm, int bits, const mx_batch_options *o) {
    if (draft->decoder->encoder)
        return mx_fail(MX_INVALID, "[lm] the draft '%s' makes vectors, no text",
                       draft->decoder->name);
    int tokens = o->draft_tokens ? o->draft_tokens : 4;
    return same_tokens(draft, lm) ? open_draft(draft, draft->decoder, tokens, bits, o) : NULL;
}

gen_draft *gen_draft_ahead(const mx_lm *lm, int bits, const mx_batch_options *o) {
    const mx_decoder *ahead = lm->decoder->ahead;
    if (!ahead)
        return mx_fail(MX_INVALID, "[lm] '%s' has no head that looks ahead", lm->decoder->name);
    gen_draft *d = open_draft((mx_lm *)(uintptr_t)lm, ahead, o->heads, bits, o);
    if (!d)
        return NULL;
    d->ahead = d->pass.keeps = true;
    d->pass.width = (size_t)ahead->hidden;
    return d;
}

bool gen_draft_is_ahead(const gen_draft *d) {
    return d && d->ahead;
}

bool gen_draft_admit(gen_draft *d, gen_work *w) {
    return !gen_draft_is_ahead(d) || w->draft || gen_ahead_admit(d->cache, w);
}

void gen_draft_free(gen_draft *d) {
    if (!d)
        return;
    gen_pass_free(&d->pass);
    mx_cache_free(d->cache);
    mx_direct_free(d->direct);
    mx_lm_release(d->lm);
    mx_free(d);
}

/* --- reading the text ------------------------------------------------------------------------ */

/* The draft's sequence holds nothing but tokens of the text, and not the last. */
static bool begin(gen_draft *d, gen_work *w) {
    int64_t valid = (int64_t)(w->draft_valid < w->n ? w->draft_valid : w->n - 1);
    if (w->draft && mx_sequence_length(w->draft) > valid && !mx_sequence_trim(w->draft, valid))
        gen_draft_forget(w);
    if (!w->draft && !mx_failed())
        w->draft = mx_sequence_begin(d->cache, w->token, (int64_t)w->n);
    return w->draft;
}

/* Where the draft is in the text, and how many tokens it can read. */
static bool place(gen_draft *d, gen_work *w, int64_t *at, int64_t *n) {
    if (d->ahead ? !gen_ahead_begin(d->cache, w, n) : !begin(d, w))
        return false;
    *at = w->draft ? mx_sequence_length(w->draft) + (int64_t)w->draft_from : 0;
    if (!d->ahead)
        *n = (int64_t)w->n - *at;
    return true;
}

/* n tokens into the pass. */
static bool read_text(gen_draft *d, gen_work *w, int64_t at, int64_t n) {
    bool ok = gen_pass_add(&d->pass, w->draft, w->token + at, (size_t)n, w->guesses > 0) &&
              (!d->ahead || gen_ahead_join(w, &d->pass, n, d->decoder->hidden));
    w->draft_row = (int64_t)d->pass.rows - 1;
    if (ok && d->ahead) { // what is behind them is kept by passes to come
        size_t read = (size_t)(at + n - 1 - w->hidden_first);
        w->hidden_rows -= read;
        w->hidden_first += (int64_t)read;
        memmove(w->hidden, w->hidden + read * (size_t)d->decoder->hidden,
                w->hidden_rows * (size_t)d->decoder->hidden * sizeof *w->hidden);
    }
    return ok;
}

/* Rows of the text that the draft has not read, at most *budget; w->rows of them. No room: none. */
static bool catch_up(gen_draft *d, gen_work *w, int64_t *budget) {
    bool full = false;
    int64_t at, n;
    w->rows = 0;
    if (!place(d, w, &at, &n))
        return false;
    bool whole = n <= *budget;
    n = whole ? n : *budget;
    w->guesses = whole && n > 0 ? w->guesses : 0;
    if (n <= 0)
        return true;
    if (!mx_sequence_reserve(w->draft, n + GEN_MOST_GUESSES, &full)) {
        gen_draft_forget(w);
        w->guesses = 0;
        return full;
    }
    w->rows = n;
    *budget -= n;
    return read_text(d, w, at, n);
}

/* --- guessing -------------------------------------------------------------------------------- */

/* A guess as the sampler would pick it were the draft the model: same seed, same place. `ahead`
   guesses were made before. */
static bool pick(const gen_draft *d, gen_work *w, const float *logits, int64_t ahead) {
    mx_sampler *s = mx_sampler_copy(w->sampler);
    bool ok = s && mx_sampler_accept(s, w->guess, (size_t)ahead, false) &&
              mx_sampler_pick(s, logits, mx_lm_tokens(d->lm), NULL, &w->guess[ahead]);
    mx_sampler_free(s);
    return ok;
}

/* Guess number `ahead` of each that asked for so many, from the rows of the last pass. */
static bool pick_all(const gen_draft *d, gen_work *const *work, size_t n, const float *logits,
                     int64_t ahead) {
    for (size_t i = 0; i < n; i++) {
        gen_work *w = work[i];
        if (w->guesses <= ahead)
            continue;
        if (!pick(d, w, logits, ahead))
            return false;
        logits += d->decoder->vocabulary;
    }
    return true;
}

/* The next pass: the guess before, of each that is to have another. */
static bool go_on(gen_draft *d, gen_work *const *work, size_t n, int64_t ahead) {
    const float *kept = mx_direct_kept(d->direct);
    gen_pass_clear(&d->pass);
    for (size_t i = 0; i < n; i++) {
        gen_work *w = work[i];
        if (w->guesses <= ahead)
            continue;
        if (!gen_pass_add(&d->pass, w->draft, &w->guess[ahead - 1], 1, 1) ||
            (d->ahead && !gen_pass_join(&d->pass, 0, kept + w->draft_row * d->decoder->hidden, 1)))
            return false;
        w->draft_row = (int64_t)d->pass.rows - 1;
    }
    return true;
}

static bool read_all(gen_draft *d, gen_work *const *work, const int64_t *most, size_t n) {
    int64_t budget = CATCH_UP;
    gen_pass_clear(&d->pass);
    for (size_t i = 0; i < n; i++) {
        work[i]->guesses = most[i] < d->tokens ? most[i] : d->tokens;
        if (!catch_up(d, work[i], &budget))
            return false;
    }
    return true;
}

/* Where trimming needs a mark it is the place before the guesses. */
static void mark_all(const gen_draft *d, gen_work *const *work, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (work[i]->draft && (work[i]->rows || !d->ahead)) {
            work[i]->draft_valid = (size_t)mx_sequence_length(work[i]->draft);
            mx_sequence_mark(work[i]->draft);
        }
    mx_error_clear(); // a sequence without a mark begins anew
}

static bool guess_all(gen_draft *d, gen_work *const *work, const int64_t *most, size_t n) {
    const float *logits;
    bool ok = read_all(d, work, most, n);
    if (ok && d->pass.rows)
        ok = gen_pass_run(&d->pass, d->direct, &logits) && pick_all(d, work, n, logits, 0);
    if (ok)
        mark_all(d, work, n);
    for (int64_t ahead = 1; ok && go_on(d, work, n, ahead) && d->pass.rows; ahead++)
        ok = gen_pass_run(&d->pass, d->direct, &logits) && pick_all(d, work, n, logits, ahead);
    return ok && !mx_failed();
}

bool gen_draft_guess(gen_draft *d, gen_work *const *work, const int64_t *most, size_t n) {
    bool ok = guess_all(d, work, most, n);
    for (size_t i = 0; !ok && i < n; i++)
        work[i]->guesses = 0;
    return ok;
}
