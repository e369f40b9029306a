/* One step of a batch: who computes, how many tokens, and what comes of it. */
#include <string.h>

#include "base/status.h"
#include "models/generate/work.h"

/* --- who computes ---------------------------------------------------------------------------- */

static void drop_cancelled(mx_batch *b) {
    for (size_t i = 0; i < b->n; i++)
        if (!b->now[i]->finish && atomic_load(&b->now[i]->cancelled))
            b->now[i]->finish = MX_CANCELLED;
}

static bool runs(const gen_work *w) {
    return w->sequence && !w->finish;
}

static bool echoes(const gen_work *w) {
    return w->echo && w->echoed < w->prompt;
}

static size_t common(const gen_work *w, const gen_work *other) {
    size_t n = 0, most = w->n - 1 < other->n ? w->n - 1 : other->n;
    while (n < most && w->token[n] == other->token[n])
        n++;
    return n;
}

/* Of those that run the one that begins like w for longest; *n tokens. */
static const gen_work *alike(const mx_batch *b, const gen_work *w, size_t *n) {
    const gen_work *best = NULL;
    *n = 0;
    for (size_t i = 0; i < b->n && !echoes(w); i++) {
        size_t same = runs(b->now[i]) ? common(w, b->now[i]) : 0;
        if (same > *n)
            best = b->now[i], *n = same;
    }
    return best;
}

/* Goes on where another has come to, if that is further than what is kept. */
static void share(gen_work *w, const gen_work *other, size_t n) {
    size_t computed = gen_work_computed(other);
    n = n < computed ? n : computed;
    if (n <= gen_work_computed(w))
        return;
    mx_sequence *s = mx_sequence_fork(other->sequence);
    if (s && mx_sequence_trim(s, (int64_t)n)) {
        mx_sequence_end(w->sequence);
        w->sequence = s;
        return;
    }
    mx_sequence_end(s);
    mx_error_clear(); // it reads its prompt itself
}

/* Waits where a running one is reading the same text. */
static bool admit(mx_batch *b, gen_work *w) {
    size_t n;
    const gen_work *other = alike(b, w, &n);
    if (other && n >= MX_PAGE && gen_work_computed(other) < n)
        return true;
    if (w->load && !gen_work_load(w, b->cache)) {
        gen_answer_fail(w);
        return true;
    }
    if (!w->sequence)
        w->sequence = mx_sequence_begin(b->cache, w->token, (int64_t)w->n);
    // what is told with every token cannot be found in the cache
    if (!w->sequence || (echoes(w) && !mx_sequence_trim(w->sequence, 0)))
        return false;
    if (other && n >= MX_PAGE)
        share(w, other, n);
    if (!gen_draft_admit(b->draft, w))
        return false;
    if (!w->generated) {
        w->cached = (int64_t)gen_work_computed(w);
        b->done.cached += w->cached;
    }
    return true;
}

static bool admit_all(mx_batch *b) {
    int running = 0;
    for (size_t i = 0; i < b->n; i++)
        running += runs(b->now[i]);
    for (size_t i = 0; i < b->n && running < b->requests && !(b->crowded && running); i++)
        if (!b->now[i]->finish && !b->now[i]->sequence) {
            if (!admit(b, b->now[i]))
                return false;
            running += b->now[i]->sequence != NULL;
        }
    return true;
}

/* --- room ------------------------------------------------------------------------------------ */

static void put_back(mx_batch *b, gen_work *w) {
    mx_sequence_end(w->sequence);
    gen_draft_forget(w);
    w->sequence = NULL;
    w->rows = w->guesses = 0;
    b->crowded = true;
}

/* Who came last of those that run; *alone: nobody else runs. */
static gen_work *youngest(const mx_batch *b, bool *alone) {
    gen_work *last = NULL;
    int n = 0;
    for (size_t i = 0; i < b->n; i++)
        if (runs(b->now[i]))
            last = b->now[i], n++;
    *alone = n == 1;
    return last;
}

/* Its text alone is too long for the cache. */
static void end_of_room(const mx_batch *b, gen_work *w) {
    w->rows = 0;
    gen_draft_forget(w);
    if (!b->limits.shift || !gen_work_shift(w, b->limits))
        w->finish = MX_LENGTH;
}

/* Room for w's rows and guesses, which are fewer afterwards, or none where w had to go. */
static bool make_room(mx_batch *b, gen_work *w) {
    bool full = false, alone;
    while (w->rows) {
        if (mx_sequence_reserve(w->sequence, w->rows + w->guesses, &full))
            return true;
        if (!full)
            return false;
        if (w->guesses) {
            w->guesses = 0;
            continue;
        }
        gen_work *last = youngest(b, &alone);
        if (!alone)
            put_back(b, last);
        else
            end_of_room(b, w);
    }
    return true;
}

/* --- how many tokens ------------------------------------------------------------------------- */

/* Those that answer, then a chunk of prompts. */
static bool choose_rows(mx_batch *b) {
    for (size_t i = 0; i < b->n; i++) {
        gen_work *w = b->now[i];
        w->rows = runs(w) && gen_work_pending(w) == 1;
        if (!make_room(b, w))
            return false;
    }
    int64_t left = b->chunk;
    for (size_t i = 0; i < b->n && left; i++) {
        gen_work *w = b->now[i];
        if (!runs(w) || w->rows)
            continue;
        int64_t n = (int64_t)gen_work_pending(w), most = echoes(w) ? GEN_ECHO_ROWS : left;
        most = most < left ? most : left;
        w->rows = n < most ? n : most;
        if (!make_room(b, w))
            return false;
        left -= w->rows;
    }
    return true;
}

static bool add_rows(mx_batch *b, gen_work *w) {
    size_t at = gen_work_computed(w), n = (size_t)w->rows;
    size_t wanted = echoes(w) ? n : at + n == w->n;
    w->mark = (int64_t)at;
    w->wanted = (int64_t)b->pass.wanted_rows;
    w->first = (int64_t)b->pass.rows;
    if (w->guesses && !mx_sequence_mark(w->sequence))
        return false;
    return gen_pass_add(&b->pass, w->sequence, w->token + at, n, wanted) &&
           gen_pass_append(&b->pass, w->guess, (size_t)w->guesses);
}

static bool plan(mx_batch *b) {
    gen_pass_clear(&b->pass);
    if (!choose_rows(b))
        return false;
    for (size_t i = 0; i < b->n; i++)
        if (b->now[i]->rows && !add_rows(b, b->now[i]))
            return false;
    return true;
}

/* --- what comes of it ------------------------------------------------------------------------ */

static const float *row_of(const mx_batch *b, const gen_work *w, const float *logits, int64_t row) {
    return logits + (w->wanted + row) * b->lm->decoder->vocabulary;
}

/* Rows of the prompt say how likely the tokens behind them were. */
static void echo(mx_batch *b, gen_work *w, const float *logits) {
    size_t n = mx_lm_tokens(b->lm);
    if (!w->echoed)
        gen_answer_echo(w, NULL, n, b->call);
    for (int64_t i = 0; i < w->rows && echoes(w) && !w->finish; i++)
        if ((int64_t)w->echoed == w->mark + i + 1)
            gen_answer_echo(w, row_of(b, w, logits, i), n, b->call);
}

/* Picks a token, and more while they are what was guessed. */
static void answer(mx_batch *b, gen_work *w, const float *logits, int64_t first) {
    size_t n = mx_lm_tokens(b->lm);
    int64_t generated = w->generated, ahead = 0;
    while (true) {
        int token = gen_answer_pick(w, row_of(b, w, logits, first + ahead), n, b->limits, b->call);
        if (token < 0 || ahead == w->guesses || token != w->guess[ahead])
            break;
        ahead++;
        w->draft_valid += ahead < w->guesses && !gen_draft_is_ahead(b->draft);
    }
    b->done.guessed += w->guesses;
    b->done.accepted += ahead;
    b->done.generated += w->generated - generated;
}

/* The cache forgets guesses that did not come true. */
static bool trim(gen_work *w) {
    if (gen_work_computed(w) < w->n || mx_sequence_trim(w->sequence, (int64_t)w->n - 1))
        return true;
    if (mx_failed())
        return false;
    if (mx_sequence_trim(w->sequence, w->mark))
        return true;
    mx_sequence_end(w->sequence); // it is read again
    w->sequence = NULL;
    return !mx_failed();
}

static void settle(mx_batch *b, gen_work *w, const float *logits) {
    bool told = w->mark + w->rows < (int64_t)w->n, echoed = echoes(w);
    if (!w->generated)
        b->done.prompt_tokens += w->rows;
    if (echoed)
        echo(b, w, logits);
    if (told)
        gen_answer_progress(w, b->call);
    else if (!w->finish)
        answer(b, w, logits, echoed ? w->rows - 1 : 0);
    if (b->pass.keeps && !w->finish &&
        !gen_ahead_take(w, mx_direct_kept(b->direct), b->lm->decoder->hidden))
        gen_answer_fail(w);
    if (w->finish)
        return;
    if (!trim(w))
        gen_answer_fail(w);
    else if ((int64_t)w->n > b->limits.context)
        gen_work_shift(w, b->limits);
}

bool gen_step(mx_batch *b) {
    const float *logits = NULL;
    drop_cancelled(b);
    if (!admit_all(b) || !gen_step_guess(b) || !plan(b))
        return false;
    if (!b->pass.rows)
        return true;
    if (!gen_pass_run(&b->pass, b->direct, &logits))
        return false;
    b->done.steps++;
    for (size_t i = 0; i < b->n; i++)
        if (b->now[i]->rows)
            settle(b, b->now[i], logits);
    return true;
}
