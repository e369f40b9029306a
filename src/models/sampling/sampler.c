#include "models/sampling/sampler.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"
#include "kernels/kernels.h"
#include "kernels/random/k_random.h"
#include "models/sampling/candidates.h"
#include "models/sampling/penalties.h"

struct mx_sampler {
    mx_sampling o; /* its lists are copies */
    mx_history history;
    double mu, mu_after; /* of mirostat: now, and once `picked` is accepted */
    int picked;
};

/* --- settings --------------------------------------------------------------------------------- */

/* Of each number: its name, and the range that it may lie in. */
static const struct range {
    const char *name;
    size_t at;
    double low, high;
} ranges[] = {
#define RANGE(member, low, high) {#member, offsetof(mx_sampling, member), low, high}
    RANGE(temperature, 0, 1e6),
    RANGE(top_p, 0, 1),
    RANGE(min_p, 0, 1),
    RANGE(typical_p, 0, 1),
    RANGE(xtc_probability, 0, 1),
    RANGE(xtc_threshold, 0, 1),
    RANGE(repetition_penalty, 0, 1e6),
    RANGE(presence_penalty, -1e6, 1e6),
    RANGE(frequency_penalty, -1e6, 1e6),
    RANGE(dry_multiplier, 0, 1e6),
    RANGE(dry_base, 0, 1e6),
    RANGE(mirostat_tau, 0, 1e6),
    RANGE(mirostat_eta, 0, 1e6),
};

static bool check(const mx_sampling *o) {
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        double x;
        memcpy(&x, (const char *)o + ranges[i].at, sizeof x);
        if (!(x >= ranges[i].low && x <= ranges[i].high))
            return mx_fail(MX_INVALID, "[sampler] %s is %g, and must be from %g to %g",
                           ranges[i].name, x, ranges[i].low, ranges[i].high);
    }
    if (o->top_k < 0 || o->penalty_last < 0 || o->dry_allowed < 0 || o->dry_last < 0)
        return mx_fail(MX_INVALID, "[sampler] a number of tokens is negative");
    return true;
}

static bool is_list(const void *p, size_t count, const char *what) {
    if (count > MX_MOST_ENTRIES)
        return mx_fail(MX_RANGE, "[sampler] the %s %zu, at most %d are possible", what, count,
                       MX_MOST_ENTRIES);
    return p || !count || mx_fail(MX_INVALID, "[sampler] the %s NULL", what);
}

/* Lists that are announced are there. */
static bool check_lists(const mx_sampling *o) {
    if (!is_list(o->dry_breakers, o->dry_breaker_count, "breakers are") ||
        !is_list(o->bias, o->bias_count, "biases are") ||
        !is_list(o->bias_tokens, o->bias_count, "tokens of the biases are"))
        return false;
    for (size_t i = 0; i < o->bias_count; i++)
        if (isnan(o->bias[i]) || o->bias[i] == INFINITY)
            return mx_fail(MX_INVALID, "[sampler] the bias of token %d is no number",
                           o->bias_tokens[i]);
    return true;
}

static const void *copied(const void *from, size_t count, size_t size) {
    return count ? mx_memdup(from, count * size) : NULL;
}

mx_sampler *mx_sampler_new(const mx_sampling *o) {
    mx_sampler *s = check(o) && check_lists(o) ? mx_calloc(1, sizeof *s) : NULL;
    if (!s)
        return NULL;
    s->o = *o;
    s->o.dry_breakers = copied(o->dry_breakers, o->dry_breaker_count, sizeof(int));
    s->o.bias_tokens = copied(o->bias_tokens, o->bias_count, sizeof(int));
    s->o.bias = copied(o->bias, o->bias_count, sizeof(float));
    s->mu = 2 * o->mirostat_tau;
    s->picked = -1;
    if (!mx_failed())
        return s;
    mx_sampler_free(s);
    return NULL;
}

mx_sampler *mx_sampler_copy(const mx_sampler *s) {
    mx_sampler *copy = mx_sampler_new(&s->o);
    if (!copy)
        return NULL;
    copy->mu = s->mu, copy->mu_after = s->mu_after, copy->picked = s->picked;
    if (mx_sampler_accept(copy, s->history.token, s->history.count, false)) {
        copy->mu = s->mu, copy->mu_after = s->mu_after, copy->picked = s->picked;
        copy->history.prompt = s->history.prompt;
        return copy;
    }
    mx_sampler_free(copy);
    return NULL;
}

void mx_sampler_free(mx_sampler *s) {
    if (!s)
        return;
    mx_free((void *)(uintptr_t)s->o.dry_breakers);
    mx_free((void *)(uintptr_t)s->o.bias_tokens);
    mx_free((void *)(uintptr_t)s->o.bias);
    mx_free(s->history.token);
    mx_free(s);
}

/* --- the text so far -------------------------------------------------------------------------- */

static bool grow(mx_history *h, size_t n) {
    size_t needs;
    if (!mx_add_size(h->count, n, &needs))
        return mx_fail_nomem("sampler", SIZE_MAX);
    if (needs <= h->room)
        return true;
    size_t room = needs > SIZE_MAX / 2 ? needs : needs * 2;
    int *more = mx_realloc_array(h->token, room, sizeof *more);
    if (more)
        h->token = more, h->room = room;
    return more != NULL;
}

bool mx_sampler_accept(mx_sampler *s, const int *tokens, size_t n, bool prompt) {
    mx_history *h = &s->history;
    if (!n)
        return true;
    if (!grow(h, n))
        return false;
    memcpy(h->token + h->count, tokens, n * sizeof *tokens);
    h->count += n;
    h->prompt = prompt ? h->count : h->prompt;
    if (!prompt && tokens[0] == s->picked)
        s->mu = s->mu_after;
    s->picked = -1;
    return true;
}

void mx_sampler_forget(mx_sampler *s, size_t n) {
    mx_history *h = &s->history;
    h->count -= n < h->count ? n : h->count;
    h->prompt = h->prompt < h->count ? h->prompt : h->count;
    s->picked = -1;
}

/* --- numbers ---------------------------------------------------------------------------------- */

enum { FOR_DRAW, FOR_XTC, STREAMS };

/* In [0, 1), by the seed, the place in the text and what it is for. */
static double uniform(const mx_sampler *s, int purpose) {
    mx_random_stream stream = {{(uint32_t)s->o.seed, (uint32_t)(s->o.seed >> 32)},
                               (uint64_t)1 << 40};
    uint64_t first = 2 * (STREAMS * (uint64_t)s->history.count + (uint64_t)purpose);
    uint32_t word[2];
    mx_kernels_get()->random->words(word, &stream, first, first + 2);
    return ((double)(word[0] >> 5) * 67108864.0 + (double)(word[1] >> 6)) * 0x1p-53;
}

/* --- picking ---------------------------------------------------------------------------------- */

static bool is_allowed(const uint32_t *mask, size_t i) {
    return !mask || mask[i / 32] >> i % 32 & 1;
}

/* Candidates are what is allowed and not infinitely unlikely. */
static bool gather(mx_candidates *c, const float *logits, size_t n, const uint32_t *mask) {
    for (size_t i = 0; i < n; i++) {
        if (isnan(logits[i]) || logits[i] == INFINITY)
            return mx_fail(MX_NOT_FINITE, "[sampler] the logit of token %zu is %s", i,
                           isnan(logits[i]) ? "NaN" : "infinite");
        if (is_allowed(mask, i) && logits[i] > -INFINITY)
            c->item[c->count++] = (mx_candidate){logits[i], 0, (int)i};
    }
    return c->count || mx_fail(MX_INVALID, "[sampler] none of %zu tokens is allowed", n);
}

static void truncate_candidates(const mx_sampler *s, mx_candidates *c) {
    const mx_sampling *o = &s->o;
    mx_keep_top_k(c, o->top_k);
    mx_keep_typical(c, o->typical_p);
    mx_keep_top_p(c, o->top_p);
    mx_keep_min_p(c, o->min_p);
    mx_keep_xtc(c, o->xtc_probability, o->xtc_threshold > 0 ? o->xtc_threshold : 0.1,
                uniform(s, FOR_XTC));
    if (o->mirostat_tau > 0)
        mx_keep_surprise(c, s->mu);
}

static int draw(mx_sampler *s, mx_candidates *c) {
    double bits = 0, eta = s->o.mirostat_eta > 0 ? s->o.mirostat_eta : 0.1;
    truncate_candidates(s, c);
    const mx_candidate *x =
        mx_draw(c, s->o.temperature, uniform(s, FOR_DRAW), s->o.mirostat_tau > 0 ? &bits : NULL);
    s->picked = x->id;
    s->mu_after = s->mu - eta * (bits - s->o.mirostat_tau);
    return x->id;
}

static void add_bias(const mx_sampling *o, float *logits, size_t n) {
    for (size_t i = 0; i < o->bias_count; i++)
        if (o->bias_tokens[i] >= 0 && (size_t)o->bias_tokens[i] < n)
            logits[o->bias_tokens[i]] += o->bias[i];
}

/* Do all steps keep the likeliest token the likeliest, and is it what is picked? */
static bool is_greedy(const mx_sampling *o) {
    bool plain = !o->bias_count && o->presence_penalty == 0 && o->frequency_penalty == 0 &&
                 (o->repetition_penalty == 0 || o->repetition_penalty == 1);
    return plain && o->temperature == 0 && o->dry_multiplier == 0 && o->mirostat_tau == 0 &&
           o->xtc_probability == 0 && (o->typical_p == 0 || o->typical_p == 1);
}

/* The likeliest allowed token; -1: there is none, or a logit is no number. */
static int likeliest_of(const float *logits, size_t n, const uint32_t *mask) {
    float best = -INFINITY;
    int id = -1;
    for (size_t i = 0; i < n; i++) {
        if (!(logits[i] < INFINITY))
            return -1;
        if (logits[i] > best && is_allowed(mask, i))
            best = logits[i], id = (int)i;
    }
    return id;
}

bool mx_sampler_pick(mx_sampler *s, const float *logits, size_t n, const uint32_t *mask,
                     int *token) {
    int first = is_greedy(&s->o) ? likeliest_of(logits, n, mask) : -1;
    if (first >= 0) {
        *token = s->picked = first;
        return true;
    }
    float *own = mx_malloc(n * sizeof *own);
    mx_candidates c = {mx_malloc(n * sizeof *c.item), mx_malloc(n * sizeof *c.best), 0};
    bool ok = own && c.item && c.best;
    if (ok) {
        memcpy(own, logits, n * sizeof *own);
        add_bias(&s->o, own, n);
        ok = mx_penalize_repeats(&s->o, &s->history, own, n) &&
             mx_penalize_sequences(&s->o, &s->history, own, n) && gather(&c, own, n, mask);
    }
    if (ok)
        *token = draw(s, &c);
    mx_free(own);
    mx_free(c.item);
    mx_free(c.best);
    return ok;
}

/* --- log probabilities ------------------------------------------------------------------------ */

static bool log_sum(const float *logits, size_t n, double *out) {
    double max = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(logits[i]))
            return mx_fail(MX_NOT_FINITE, "[log_probability] the logit of token %zu is NaN", i);
        max = fmax(max, logits[i]);
    }
    if (!isfinite(max))
        return mx_fail(MX_NOT_FINITE, "[log_probability] no logit is finite");
    for (size_t i = 0; i < n; i++)
        sum += exp(logits[i] - max);
    *out = max + log(sum);
    return true;
}

bool mx_log_probability(const float *logits, size_t n, int token, double *out) {
    double all;
    if (token < 0 || (size_t)token >= n)
        return mx_fail(MX_RANGE, "[log_probability] token %d of %zu", token, n);
    if (!log_sum(logits, n, &all))
        return false;
    *out = logits[token] - all;
    return true;
}

bool mx_log_probabilities(const float *logits, size_t n, size_t k, int *tokens, float *out) {
    double all;
    if (k > n)
        return mx_fail(MX_RANGE, "[log_probability] the %zu likeliest of %zu tokens", k, n);
    mx_candidates c = {mx_malloc(n * sizeof *c.item), mx_malloc((k + 1) * sizeof *c.best), n};
    bool ok = c.item && c.best && log_sum(logits, n, &all);
    for (size_t i = 0; ok && i < n; i++)
        c.item[i] = (mx_candidate){logits[i], logits[i], (int)i};
    if (ok && k)
        mx_largest(&c, k);
    for (size_t i = 0; ok && i < k; i++) {
        tokens[i] = c.best[i].id;
        out[i] = (float)(c.best[i].logit - all);
    }
    mx_free(c.item);
    mx_free(c.best);
    return ok;
}
