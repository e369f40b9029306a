/* Samplers (mlx/c/sampler.h): every step against its definition in float64, draws against the
 * distribution, and texts that end an answer against a search of the whole. */
#include <math.h>

#include "base/mem.h"
#include "base/status.h"
#include "check.h"
#include "io_files.h"
#include "mlx/c/mlx.h"
#include "models/sampling/candidates.h"
#include "models/sampling/penalties.h"

enum { MOST = 400 };

static uint64_t state;
static double unit(void) { /* xorshift */
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (double)(state >> 11) * 0x1p-53;
}
static int below(int n) {
    return (int)(unit() * n);
}

/* --- steps ------------------------------------------------------------------------------------ */

static mx_candidate items[MOST], others[MOST];
static double p[MOST];

/* Random logits, some of them equal, and their probabilities. */
static mx_candidates problem(unsigned seed, int *n) {
    state = check_seed(0x9e3779b97f4a7c15u + seed);
    *n = 1 + below(seed % 7 ? 40 : MOST);
    double sum = 0, width = 0.1 + 8 * unit();
    for (int i = 0; i < *n; i++) {
        float logit = below(4) ? (float)(unit() * width) : (float)below(3);
        items[i] = (mx_candidate){logit, 0, i};
        sum += exp(logit);
    }
    for (int i = 0; i < *n; i++)
        p[i] = exp(items[i].logit) / sum;
    return (mx_candidates){items, others, (size_t)*n};
}

static bool holds(const mx_candidates *c, int id) {
    for (size_t i = 0; i < c->count; i++)
        if (c->item[i].id == id)
            return true;
    return false;
}

/* How many candidates come before i where `score` orders them, of equal ones the smaller id. */
static int rank_of(const double *score, int n, int i) {
    int rank = 0;
    for (int j = 0; j < n; j++)
        rank += score[j] > score[i] || (score[j] == score[i] && j < i);
    return rank;
}

/* Is what was kept the shortest start of that order with the mass? A sum within rounding of it may
   fall on either side. */
static void check_mass(const mx_candidates *c, const double *score, int n, double mass) {
    for (int i = 0; i < n; i++) {
        double before = 0;
        for (int j = 0; j < n; j++)
            before += rank_of(score, n, j) < rank_of(score, n, i) ? p[j] : 0;
        if (fabs(before - mass) > 1e-9)
            CHECK_EQ_INT(holds(c, i), before < mass);
    }
}

static void masses(void) {
    for (unsigned seed = 0; seed < 300; seed++) {
        int n;
        double score[MOST], entropy = 0, mass = 0.05 + 0.9 * unit();
        mx_candidates c = problem(seed, &n);
        for (int i = 0; i < n; i++)
            score[i] = items[i].logit;
        mx_keep_top_p(&c, mass);
        check_mass(&c, score, n, mass);
        c = problem(seed, &n);
        for (int i = 0; i < n; i++)
            entropy -= p[i] * log(p[i]);
        // as the step orders: by float32
        double all = log(exp(items[0].logit) / p[0]);
        for (int i = 0; i < n; i++)
            score[i] = (float)-fabs(all - items[i].logit - entropy);
        mx_keep_typical(&c, mass);
        for (size_t i = 0; i < c.count; i++) // the order may differ where distances nearly do
            score[c.item[i].id] = c.item[i].key;
        check_mass(&c, score, n, mass);
    }
}

static void counts(void) {
    for (unsigned seed = 0; seed < 300; seed++) {
        int n;
        double score[MOST], ratio = unit(), threshold = unit() * 0.3;
        mx_candidates c = problem(seed, &n);
        int k = 1 + below(n);
        double largest = 0;
        for (int i = 0; i < n; i++) {
            score[i] = items[i].logit;
            largest = fmax(largest, p[i]);
        }
        mx_keep_top_k(&c, k);
        for (int i = 0; i < n; i++)
            CHECK_EQ_INT(holds(&c, i), rank_of(score, n, i) < k);
        c = problem(seed, &n);
        mx_keep_min_p(&c, ratio);
        for (int i = 0; i < n; i++)
            if (fabs(p[i] / largest - ratio) > 1e-9)
                CHECK_EQ_INT(holds(&c, i), p[i] >= ratio * largest);
        c = problem(seed, &n);
        int above = 0, least = -1;
        for (int i = 0; i < n; i++)
            if (p[i] >= threshold) {
                above++;
                least = least < 0 || p[i] <= p[least] ? i : least;
            }
        mx_keep_xtc(&c, 0.5, threshold, 0.49);
        for (int i = 0; i < n; i++)
            CHECK_EQ_INT(holds(&c, i), above < 2 || p[i] < threshold || i == least);
        c = problem(seed, &n);
        mx_keep_xtc(&c, 0.5, threshold, 0.5);
        CHECK_EQ_INT(c.count, n);
    }
}

static void steps_left_out(void) {
    int n;
    mx_candidates c = problem(1, &n);
    mx_keep_top_k(&c, 0), mx_keep_top_k(&c, n), mx_keep_top_k(&c, INT32_MAX);
    mx_keep_top_p(&c, 0), mx_keep_top_p(&c, 1), mx_keep_typical(&c, 0), mx_keep_typical(&c, 1);
    mx_keep_min_p(&c, 0), mx_keep_xtc(&c, 0, 0.1, 0);
    CHECK_EQ_INT(c.count, n);
    mx_keep_top_p(&c, 1e-12);
    CHECK_EQ_INT(c.count, 1);
}

/* --- penalties -------------------------------------------------------------------------------- */

static void repeats(void) {
    int text[] = {3, 1, 3, 0, 9, 1, -4, 1};
    mx_history h = {text, 8, 8, 3}; // 3 1 3 are the prompt's
    float logits[4] = {2, -1, 0.5f, 4};
    mx_sampling o = {.repetition_penalty = 2, .presence_penalty = 0.25, .frequency_penalty = 0.5};
    CHECK(mx_penalize_repeats(&o, &h, logits, 4));
    CHECK_NEAR(logits[0], 1 - 0.25 - 0.5, 0);
    CHECK_NEAR(logits[1], -2 - 0.25 - 2 * 0.5, 0);
    CHECK_NEAR(logits[2], 0.5, 0);
    CHECK_NEAR(logits[3], 2, 0); // not generated
    float again[4] = {2, -1, 0.5f, 4};
    o.penalty_last = 3;
    CHECK(mx_penalize_repeats(&o, &h, again, 4));
    CHECK_NEAR(again[0], 2, 0);
    CHECK_NEAR(again[1], -2 - 0.25 - 2 * 0.5, 0);
}

/* The longest end of the text that also stands before an earlier `next`, without breakers. */
static int longest_before(const int *t, int n, int next, int breaker) {
    int longest = 0;
    for (int j = 1; j < n; j++) {
        int k = 0;
        while (t[j] == next && k < j && t[j - 1 - k] == t[n - 1 - k] && t[n - 1 - k] != breaker)
            k++;
        longest = k > longest ? k : longest;
    }
    return longest;
}

static void sequences(void) {
    for (unsigned seed = 0; seed < 400; seed++) {
        state = check_seed(77 + seed);
        int t[60], n = below(60), kinds = 2 + below(3), last = below(3) ? 0 : 1 + below(30);
        int breaker = below(2) ? 1 : -7;
        for (int i = 0; i < n; i++)
            t[i] = below(kinds);
        mx_history h = {t, (size_t)n, 60, 0};
        mx_sampling o = {.dry_multiplier = 0.8,
                         .dry_base = 1.5,
                         .dry_allowed = 1 + below(3),
                         .dry_last = last,
                         .dry_breakers = &breaker,
                         .dry_breaker_count = 1};
        float logits[5] = {0};
        CHECK(mx_penalize_sequences(&o, &h, logits, 5));
        int skip = last && last < n ? n - last : 0;
        for (int i = 0; i < 5; i++) {
            int k = longest_before(t + skip, n - skip, i, breaker);
            double want = k >= o.dry_allowed ? -0.8 * pow(1.5, k - o.dry_allowed) : 0;
            CHECK_NEAR(logits[i], want, 1e-6 * (1 - want));
        }
    }
}

/* --- samplers --------------------------------------------------------------------------------- */

static mlx_sampler open(mlx_sampler_options o) {
    mlx_sampler s = mlx_sampler_new();
    CHECK_OK(mlx_sampler_open(&s, &o));
    return s;
}

static int pick(mlx_sampler s, const float *logits, size_t n) {
    int token = -1;
    CHECK_OK(mlx_sampler_pick(&token, s, logits, n, NULL));
    return token;
}

static void likeliest(void) {
    mlx_sampler s = open((mlx_sampler_options){.top_p = 0.5});
    CHECK_EQ_INT(pick(s, (float[]){1, 3, -INFINITY, 3, 2}, 5), 1);
    CHECK_EQ_INT(pick(s, (float[]){-5}, 1), 0);
    mlx_sampler_free(s);
    int banned = 1;
    float never = -INFINITY;
    s = open((mlx_sampler_options){.bias_tokens = &banned, .bias = &never, .bias_count = 1});
    CHECK_EQ_INT(pick(s, (float[]){1, 3, 0, 3, 2}, 5), 3);
    mlx_sampler_free(s);
}

/* Frequencies lie within five standard deviations, which a fixed seed does or does not. */
static void draws(void) {
    float logits[5] = {0.5f, -1, 2, 1, 0};
    enum { DRAWS = 20000 };
    int seen[5] = {0};
    double sum = 0, t = 1.3;
    mlx_sampler s = open((mlx_sampler_options){.temperature = t, .seed = 0x123456789abcdef});
    for (int i = 0; i < DRAWS; i++) {
        int token = pick(s, logits, 5);
        CHECK_EQ_INT(pick(s, logits, 5), token); // nothing was accepted
        seen[token]++;
        CHECK_OK(mlx_sampler_accept(s, &token, 1, false));
    }
    for (int i = 0; i < 5; i++)
        sum += exp(logits[i] / t);
    for (int i = 0; i < 5; i++) {
        double want = exp(logits[i] / t) / sum, deviation = sqrt(want * (1 - want) / DRAWS);
        CHECK_NEAR(seen[i] / (double)DRAWS, want, 5 * deviation);
    }
    mlx_sampler_free(s);
}

/* Mirostat aims at a surprise: the mean of many tokens of a Zipf distribution has it. */
static void mirostat(void) {
    float logits[1000];
    double sum = 0, log_p;
    for (int i = 0; i < 1000; i++)
        logits[i] = -logf((float)i + 1);
    mlx_sampler s =
        open((mlx_sampler_options){.temperature = 1, .mirostat_tau = 4, .mirostat_eta = 0.05});
    for (int i = 0; i < 4000; i++) {
        int token = pick(s, logits, 1000);
        CHECK_OK(mlx_sampler_accept(s, &token, 1, false));
        CHECK_OK(mlx_log_probability(&log_p, logits, 1000, token));
        sum -= log_p / log(2);
    }
    // the surprise is that of the whole distribution, mirostat's that of what is left: a little
    // less
    CHECK(sum / 4000 > 4 && sum / 4000 < 5.5);
    mlx_sampler_free(s);
}

/* One that goes on, a copy, and one that went astray and came back, say the same. */
static void goes_on(void) {
    float logits[50];
    for (int i = 0; i < 50; i++)
        logits[i] = sinf((float)i);
    mlx_sampler_options o = {
        .temperature = 1, .seed = 5, .repetition_penalty = 1.1, .dry_multiplier = 0.5};
    mlx_sampler a = open(o), b = mlx_sampler_new();
    for (int i = 0; i < 20; i++) {
        int token = pick(a, logits, 50);
        CHECK_OK(mlx_sampler_accept(a, &token, 1, i < 5));
    }
    CHECK_OK(mlx_sampler_copy(&b, a));
    CHECK_OK(mlx_sampler_accept(b, (int[]){1, 2, 3}, 3, false));
    CHECK_OK(mlx_sampler_forget(b, 3));
    int astray = 0;
    for (int i = 0; i < 20; i++) {
        int token = pick(a, logits, 50);
        CHECK_EQ_INT(pick(b, logits, 50), token);
        CHECK_OK(mlx_sampler_accept(a, &token, 1, false));
        CHECK_OK(mlx_sampler_accept(b, &token, 1, false));
    }
    mlx_sampler c = open((mlx_sampler_options){.temperature = 1, .seed = 6});
    for (int i = 0; i < 20; i++) {
        int token = pick(c, logits, 50);
        astray += token != pick(a, logits, 50);
        CHECK_OK(mlx_sampler_accept(c, &token, 1, false));
    }
    CHECK(astray > 0);
    CHECK_OK(mlx_sampler_forget(c, SIZE_MAX));
    mlx_sampler_free(a), mlx_sampler_free(b), mlx_sampler_free(c);
}

static void masks(void) {
    float logits[70] = {0};
    uint32_t only[3] = {0, 0, 0};
    int token = -1;
    mlx_sampler s = open((mlx_sampler_options){.temperature = 1});
    CHECK_FAILS(mlx_sampler_pick(&token, s, logits, 70, only), "none of 70 tokens is allowed");
    only[2] = 1u << 3;
    CHECK_OK(mlx_sampler_pick(&token, s, logits, 70, only));
    CHECK_EQ_INT(token, 67);
    logits[67] = -INFINITY;
    CHECK_FAILS(mlx_sampler_pick(&token, s, logits, 70, only), "none of 70 tokens is allowed");
    logits[3] = NAN;
    CHECK_FAILS(mlx_sampler_pick(&token, s, logits, 70, NULL), "the logit of token 3 is NaN");
    logits[3] = INFINITY;
    CHECK_FAILS(mlx_sampler_pick(&token, s, logits, 70, NULL), "the logit of token 3 is infinite");
    CHECK_FAILS(mlx_sampler_pick(&token, s, logits, 0, NULL), "0 logits");
    CHECK_FAILS(mlx_sampler_pick(&token, mlx_sampler_new(), logits, 70, NULL), "empty handle");
    mlx_sampler_free(s);
}

static void refuses(void) {
    const mlx_sampler_options wrong[] = {
        {.temperature = -1},
        {.temperature = NAN},
        {.top_p = 1.5},
        {.min_p = -0.1},
        {.typical_p = INFINITY},
        {.top_k = -1},
        {.xtc_probability = 2},
        {.repetition_penalty = -2},
        {.dry_multiplier = -1},
        {.dry_allowed = -1},
        {.mirostat_tau = -1},
        {.dry_breaker_count = 1},
        {.bias_count = 1},
        {.dry_breakers = &(int){1}, .dry_breaker_count = (size_t)1 << 62},
        {.bias_tokens = &(int){1}, .bias = &(float){1}, .bias_count = SIZE_MAX / 4 + 1},
        {.penalty_last = -1},
        {.frequency_penalty = NAN},
    };
    mlx_sampler s = mlx_sampler_new();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_FAILS(mlx_sampler_open(&s, &wrong[i]), "[sampler]");
    CHECK(!s.ctx);
}

static void probabilities(void) {
    float logits[6] = {1, 2, -INFINITY, 2, 0, -3}, log_p[6];
    int tokens[6];
    double sum = exp(1) + 2 * exp(2) + 1 + exp(-3), one;
    CHECK_OK(mlx_log_probabilities(tokens, log_p, logits, 6, 6));
    const int order[6] = {1, 3, 0, 4, 5, 2};
    for (int i = 0; i < 6; i++) {
        CHECK_EQ_INT(tokens[i], order[i]);
        CHECK_NEAR(log_p[i], i < 5 ? logits[order[i]] - log(sum) : -INFINITY, 1e-6);
    }
    CHECK_OK(mlx_log_probability(&one, logits, 6, 4));
    CHECK_NEAR(one, -log(sum), 1e-12);
    CHECK_OK(mlx_log_probabilities(NULL, NULL, logits, 6, 0));
    CHECK_FAILS(mlx_log_probabilities(tokens, log_p, logits, 6, 7), "the 7 likeliest of 6");
    CHECK_FAILS(mlx_log_probability(&one, logits, 6, 6), "token 6 of 6");
    CHECK_FAILS(mlx_log_probability(&one, (float[]){-INFINITY}, 1, 0), "no logit is finite");
    CHECK_FAILS(mlx_log_probability(&one, (float[]){NAN, 1}, 2, 1), "NaN");
}

/* --- texts that end an answer ----------------------------------------------------------------- */

/* Where the first text that is whole begins, and which it is; -1: none. */
static int search(const char *text, const char *const *words, int count, int *begins) {
    for (size_t end = 1; end <= strlen(text); end++) {
        int found = -1;
        for (int i = 0; i < count; i++) {
            size_t n = strlen(words[i]);
            if (n <= end && !strncmp(text + end - n, words[i], n) &&
                (found < 0 || n > strlen(words[found])))
                found = i;
        }
        if (found >= 0) {
            *begins = (int)(end - strlen(words[found]));
            return found;
        }
    }
    return -1;
}

static void check_stream(const char *text, const char *const *words, int count) {
    mlx_vector_string list = mlx_vector_string_new();
    for (int i = 0; i < count; i++)
        mlx_vector_string_append_value(list, words[i]);
    mlx_stop s = mlx_stop_new();
    CHECK_OK(mlx_stop_open(&s, list));
    char got[128] = "";
    const char *shown;
    size_t n, length = strlen(text);
    int found = -1, begins = (int)length, want = search(text, words, count, &begins);
    for (size_t at = 0; at < length;) {
        size_t piece = (size_t)below(4);
        piece = piece < length - at ? piece : length - at;
        CHECK_OK(mlx_stop_feed(&shown, &n, &found, s, text + at, piece));
        strncat(got, shown, n);
        at += piece;
    }
    CHECK_OK(mlx_stop_end(&shown, &n, s));
    strncat(got, shown, n);
    CHECK_EQ_INT(found < 0 ? -1 : (int)strlen(words[found]),
                 want < 0 ? -1 : (int)strlen(words[want]));
    CHECK_MSG((int)strlen(got) == begins && !strncmp(got, text, (size_t)begins),
              "%s: shown %s, %d bytes expected", text, got, begins);
    mlx_stop_free(s);
    mlx_vector_string_free(list);
}

static void stops(void) {
    for (unsigned seed = 0; seed < 2000; seed++) {
        state = check_seed(1234 + seed);
        char text[60], storage[3][8];
        const char *words[3];
        int n = below(50), count = below(4);
        for (int i = 0; i < n; i++)
            text[i] = (char)('a' + below(2));
        text[n] = 0;
        for (int i = 0; i < count; i++) {
            int length = 1 + below(6);
            for (int k = 0; k < length; k++)
                storage[i][k] = (char)('a' + below(2));
            storage[i][length] = 0;
            words[i] = storage[i];
        }
        check_stream(text, words, count);
    }
    mlx_stop s = mlx_stop_new();
    mlx_vector_string list = mlx_vector_string_new_value("");
    CHECK_FAILS(mlx_stop_open(&s, list), "is empty");
    mlx_vector_string_free(list);
}

/* --- no memory -------------------------------------------------------------------------------- */

static int everything(void) {
    float logits[40];
    int token = 0, bias_token = 3, breaker = 2;
    float bias = 1;
    for (int i = 0; i < 40; i++)
        logits[i] = cosf((float)i);
    mlx_sampler_options o = {.temperature = 1,
                             .top_k = 30,
                             .top_p = 0.9,
                             .repetition_penalty = 1.2,
                             .dry_multiplier = 1,
                             .dry_breakers = &breaker,
                             .dry_breaker_count = 1,
                             .bias_tokens = &bias_token,
                             .bias = &bias,
                             .bias_count = 1};
    mlx_sampler s = mlx_sampler_new(), t = mlx_sampler_new();
    int status = mlx_sampler_open(&s, &o) ||
                 mlx_sampler_accept(s, (int[]){1, 2, 1, 2, 1}, 5, true) ||
                 mlx_sampler_copy(&t, s) || mlx_sampler_pick(&token, t, logits, 40, NULL);
    mlx_sampler_free(s), mlx_sampler_free(t);
    return status;
}

static void no_memory(void) {
    int64_t live = mx_alloc_live();
    CHECK_OK(everything());
    uint64_t steps = 0;
    for (int status = 1; status && steps < 100;) {
        mx_alloc_fail_at(++steps);
        status = everything();
        mx_alloc_fail_at(0);
        CHECK_EQ_INT(mx_alloc_live(), live);
    }
    CHECK(steps > 8 && steps < 100);
}

int main(void) {
    mlx_set_error_handler(count_told, NULL, NULL);
    RUN(masses);
    RUN(counts);
    RUN(steps_left_out);
    RUN(repeats);
    RUN(sequences);
    RUN(likeliest);
    RUN(draws);
    RUN(mirostat);
    RUN(goes_on);
    RUN(masks);
    RUN(refuses);
    RUN(probabilities);
    RUN(stops);
    RUN(no_memory);
    return check_done();
}
