/* What is said in a window: the best of some rows by beam search, or of rows that are drawn at a
 * temperature where that text repeats itself or is unlikely (section 4.5 of the paper). */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "whisper.h"

enum { DRAWN = 5, GRAM = 4 }; /* rows at a temperature; tokens whose repetition counts */

typedef struct row {
    int said[MOST + 1], n;
    double total; /* the logarithm of the probability of all, the end included */
} row;

typedef struct search {
    const whisper *m;
    const words *w;
    cache *c;
    float *logits, *scores; /* of MOST_ROWS rows; of one */
    int room;               /* for tokens */
} search;

static double mean_of(const row *r) {
    return r->total / (r->n + 1);
}

static void check_numbers(const float *logits, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(logits[i]))
            die("the model", "what it computes is no number: its weights are broken");
}

/* The logits behind n tokens of each of r rows. */
static void go_on(search *s, const int *tokens, int r, int n) {
    size_t step = step_begin();
    mlx_array logits = logits_after(s->m, s->c, tokens, r, n);
    need(mlx_array_eval(logits));
    size_t count = (size_t)r * (size_t)s->w->vocab;
    memcpy(s->logits, mlx_array_data_float32(logits), sizeof(float) * count);
    check_numbers(s->logits, count);
    step_end(step);
}

static const float *scores_of(search *s, int i, const row *r, double temperature) {
    const float *logits = s->logits + (size_t)i * (size_t)s->w->vocab;
    follow_scores(s->w, logits, r->said, r->n, (float)temperature, s->scores);
    return s->scores;
}

/* --- beams ------------------------------------------------------------------------------------ */

typedef struct step {
    double total;
    int parent, token;
} step;

/* Put a step where it belongs among the n that are sorted, the best first; n. */
static int insert(step *steps, int n, int most, step one) {
    int at = n;
    while (at > 0 && steps[at - 1].total < one.total)
        at--;
    if (at == most)
        return n;
    n = n < most ? n + 1 : n;
    memmove(steps + at + 1, steps + at, sizeof *steps * (size_t)(n - at - 1));
    steps[at] = one;
    return n;
}

/* The steps that may be the best: of each row one more than there are rows, as one may end. */
static int best_steps(search *s, const row *rows, int going, int count, step *steps) {
    int n = 0, most = (count + 1) * going;
    for (int i = 0; i < going; i++) {
        step best[MOST_ROWS + 1];
        int found = 0;
        const float *scores = scores_of(s, i, &rows[i], 1);
        for (int t = 0; t < s->w->vocab; t++)
            if (scores[t] > -INFINITY)
                found = insert(best, found, count + 1, (step){rows[i].total + scores[t], i, t});
        for (int k = 0; k < found; k++)
            n = insert(steps, n, most, best[k]);
    }
    return n;
}

static row longer(const row *r, step one) {
    row next = *r;
    next.said[next.n++] = one.token;
    next.total = one.total;
    return next;
}

/* The rows that go on; those that end count, and the best of them is kept. */
static int take_steps(search *s, row *rows, const step *steps, int n, int count, int *ended,
                      row *best) {
    row next[MOST_ROWS];
    int parents[MOST_ROWS], tokens[MOST_ROWS], going = 0;
    for (int k = 0; k < n && going < count; k++) {
        row one = rows[steps[k].parent];
        one.total = steps[k].total;
        if (steps[k].token != s->w->end) {
            parents[going] = steps[k].parent;
            tokens[going] = steps[k].token;
            next[going++] = longer(&one, steps[k]);
        } else if (++*ended == 1 || mean_of(&one) > mean_of(best)) {
            *best = one;
        }
    }
    memcpy(rows, next, sizeof *rows * (size_t)going);
    if (going > 0 && *ended < count && rows[0].n < s->room) {
        cache_take(s->c, parents, going);
        go_on(s, tokens, going, 1);
    }
    return going;
}

/* Of the continuations of `count` rows always the likeliest `count`, until as many have ended. */
static row beams(search *s, int count) {
    row rows[MOST_ROWS], best = {.n = 0};
    step steps[MOST_ROWS * (MOST_ROWS + 1)];
    int going = 1, ended = 0;
    rows[0] = best;
    while (going > 0 && ended < count && rows[0].n < s->room) {
        int n = best_steps(s, rows, going, count, steps);
        going = take_steps(s, rows, steps, n, count, &ended, &best);
    }
    for (int i = 0; i < going && !ended; i++)
        if (i == 0 || mean_of(&rows[i]) > mean_of(&best))
            best = rows[i];
    return best;
}

/* --- temperatures ----------------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea and Flood 2014), in [0, 1). */
static double uniform(void) {
    static uint64_t state = 1;
    uint64_t z = state += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static int draw(const float *scores, int n) {
    double left = uniform();
    int last = 0;
    for (int t = 0; t < n; t++)
        if (scores[t] > -INFINITY) {
            last = t;
            if ((left -= exp(scores[t])) < 0)
                break;
        }
    return last;
}

/* Draw the next token of each row that has not ended; how many go on. */
static int draw_tokens(search *s, row *rows, bool *ended, int *tokens, double temperature) {
    int going = 0;
    for (int i = 0; i < DRAWN; i++) {
        tokens[i] = s->w->end;
        if (ended[i])
            continue;
        const float *scores = scores_of(s, i, &rows[i], temperature);
        tokens[i] = draw(scores, s->w->vocab);
        rows[i].total += scores[tokens[i]];
        ended[i] = tokens[i] == s->w->end || rows[i].n == s->room;
        if (!ended[i])
            rows[i].said[rows[i].n++] = tokens[i], going++;
    }
    return going;
}

/* The best of some rows whose tokens are drawn. */
static row drawn(search *s, double temperature) {
    row rows[DRAWN] = {{.n = 0}};
    int tokens[DRAWN], parents[DRAWN] = {0}, best = 0;
    bool ended[DRAWN] = {false};
    size_t vocab = (size_t)s->w->vocab;
    cache_take(s->c, parents, DRAWN);
    for (size_t i = 1; i < DRAWN; i++)
        memcpy(s->logits + i * vocab, s->logits, sizeof(float) * vocab);
    while (draw_tokens(s, rows, ended, tokens, temperature) > 0)
        go_on(s, tokens, DRAWN, 1);
    for (int i = 1; i < DRAWN; i++)
        if (mean_of(&rows[i]) > mean_of(&rows[best]))
            best = i;
    return rows[best];
}

/* --- a window --------------------------------------------------------------------------------- */

/* Whether more than two thirds of the runs of four tokens were said before. */
static bool repeats(const row *r) {
    int again = 0, runs = r->n - GRAM + 1;
    for (int i = 1; i < runs; i++)
        for (int j = 0; j < i; j++)
            if (memcmp(r->said + i, r->said + j, GRAM * sizeof(int)) == 0) {
                again++;
                break;
            }
    return 3 * again > 2 * runs;
}

bool is_silent(const decoded *d) {
    return d->no_speech > 0.6 && d->mean < -1;
}

/* Say to the decoder what was said before, and that a transcript begins. */
static void begin(search *s, const history *before) {
    int prompt[MOST + 2], n = 0, most = s->m->positions / 2 - 1;
    int kept = before->n < most ? before->n : most;
    if (kept > 0)
        prompt[n++] = s->w->previous;
    memcpy(prompt + n, before->said + before->n - kept, sizeof(int) * (size_t)kept);
    n += kept;
    prompt[n++] = s->w->start;
    cache_forget(s->c);
    go_on(s, prompt, 1, n);
}

/* The rows' logits behind the whole prompt. */
static void ask(search *s, options *o) {
    if (s->w->multilingual) {
        o->language = o->language ? o->language : language_of(s->w, s->logits);
        int about[2] = {o->language, o->translate ? s->w->translate : s->w->transcribe};
        go_on(s, about, 1, 2);
    }
    int half = s->m->positions / 2, left = s->m->positions - s->c->length;
    s->room = half < left ? half : left;
    s->room = s->room < MOST ? s->room : MOST;
}

static decoded try_at(search *s, options *o, const history *before, double temperature) {
    decoded d = {.temperature = temperature};
    begin(s, before);
    d.no_speech = chance_of(s->w, s->logits, s->w->no_speech);
    ask(s, o);
    row best = temperature > 0 ? drawn(s, temperature) : beams(s, o->beam);
    d.n = best.n;
    d.mean = mean_of(&best);
    d.good = !repeats(&best) && d.mean >= -1;
    memcpy(d.said, best.said, sizeof d.said);
    return d;
}

decoded decode(const whisper *m, const words *w, cache *c, options *o, const history *before) {
    static const double temperatures[] = {0, 0.2, 0.4, 0.6, 0.8, 1};
    int tries = o->temperature < 0 ? 6 : 1;
    size_t vocab = (size_t)w->vocab;
    search s = {m, w, c, malloc(sizeof(float) * MOST_ROWS * vocab), malloc(sizeof(float) * vocab),
                0};
    decoded d = {.n = 0};
    if (!s.logits || !s.scores)
        die("the search", "out of memory");
    for (int i = 0; i < tries; i++) {
        d = try_at(&s, o, before, o->temperature < 0 ? temperatures[i] : o->temperature);
        if (d.good || is_silent(&d))
            break;
    }
    free(s.logits);
    free(s.scores);
    return d;
}
