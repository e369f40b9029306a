/* The machine that computes at once (src/models/direct): logits of tiny models equal those of
   transformers and of the machine that makes arrays; no row depends on what else is in a pass, on
   how a text is cut, or on threads. */
#include "check.h"
#include "base/threads/pool.h"
#include "graph/eval/eval.h"
#include "models/direct/direct.h"
#include "models/tiny_models.h"

enum { MOST = 64, LONG = 203 };

typedef struct model {
    mx_decoder *d;
    mx_direct *m;
    mx_cache *c;
} model;

static bool open_model(model *o, const char *path, int bits) {
    *o = (model){.d = mx_decoder_open(path)};
    o->m = o->d ? mx_direct_new(o->d) : NULL;
    o->c = o->m ? mx_cache_new(o->d, bits, 0) : NULL;
    return CHECK_MSG(o->c, "%s: %s", path, mx_error_message());
}

static void close_model(model *o) {
    mx_cache_free(o->c);
    mx_direct_free(o->m);
    mx_decoder_release(o->d);
    mx_error_clear();
}

/* The next n tokens of a text; their rows go to out. */
static bool feed(model *o, mx_sequence *s, const int *tokens, int64_t n, float *out) {
    bool full = false;
    const float *rows;
    bool encoder = o->d->encoder;
    mx_span span = {0, n, s ? mx_sequence_length(s) : 0, s};
    mx_pass pass = {.token = tokens, .rows = n, .span = &span, .spans = 1};
    if (!(encoder || CHECK(mx_sequence_reserve(s, n, &full))) ||
        !CHECK_MSG(mx_direct_pass(o->m, &pass, &rows), "%s", mx_error_message()))
        return false;
    int64_t width = encoder ? o->d->hidden : o->d->head.out;
    memcpy(out, rows, (size_t)(n * width) * sizeof *out);
    return true;
}

/* A whole text in pieces of `step`, with a cache of its own. */
static bool feed_in_steps(model *o, const int *tokens, int64_t n, int64_t step, float *out) {
    int64_t width = o->d->encoder ? o->d->hidden : o->d->head.out;
    mx_cache *c = mx_cache_new(o->d, 32, 0);
    mx_sequence *s = c && !o->d->encoder ? mx_sequence_begin(c, tokens, n) : NULL;
    bool ok = CHECK(s || o->d->encoder);
    for (int64_t at = 0; ok && at < n; at += step)
        ok = feed(o, s, tokens + at, n - at < step ? n - at : step, out + at * width);
    mx_sequence_end(s);
    mx_cache_free(c);
    return ok;
}

static bool same_bits(const float *a, const float *b, int64_t n, const char *what) {
    for (int64_t i = 0; i < n; i++)
        if (!(a[i] == b[i]))
            return CHECK_MSG(false, "%s: number %lld is %.9g, not %.9g", what, (long long)i,
                             (double)b[i], (double)a[i]);
    return CHECK(true);
}

/* --- families --------------------------------------------------------------------------------- */

static void one_family(const char *name) {
    tiny_model t;
    model o;
    if (!tiny_open(&t, name))
        return;
    float *whole = calloc((size_t)(t.count * t.width), sizeof *whole), *parts;
    parts = calloc((size_t)(t.count * t.width), sizeof *parts);
    if (open_model(&o, t.path, 32) && feed_in_steps(&o, t.tokens, t.count, t.count, whole)) {
        double distance = tiny_distance(&t, whole, 0, t.count);
        CHECK_MSG(distance < 1e-4, "%s: %.3g from transformers", name, distance);
        for (int step = 1; !o.d->encoder && step < 6; step += 2)
            if (feed_in_steps(&o, t.tokens, t.count, step, parts))
                same_bits(whole, parts, t.count * t.width, name);
    }
    close_model(&o);
    tiny_close(&t);
    free(whole);
    free(parts);
}

static void families(void) {
    static char names[128][64];
    int n = tiny_names(names, 128, NULL);
    CHECK(n > 0);
    for (int i = 0; i < n; i++)
        one_family(names[i]);
}

/* --- long texts ------------------------------------------------------------------------------- */

static bool open_tiny(model *o, const char *name, int bits) {
    tiny_model t;
    if (!tiny_open(&t, name))
        return false;
    tiny_close(&t);
    return open_model(o, t.path, bits);
}

static void draw(int *tokens, int64_t n, int64_t vocabulary, uint64_t seed) {
    uint64_t x = check_seed(seed);
    for (int64_t i = 0; i < n; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        tokens[i] = (int)((x >> 33) % (uint64_t)vocabulary);
    }
}

/* Over several pages, with windows and caps: beside the other machine. */
static void beside_arrays(const char *name, double most) {
    model o;
    int tokens[LONG];
    if (!open_tiny(&o, name, 32))
        return;
    int64_t width = o.d->head.out;
    draw(tokens, LONG, o.d->embedding.out, 1);
    float *rows = calloc((size_t)(LONG * width), sizeof *rows);
    mx_span span = {0, LONG, 0, NULL};
    mx_pass pass = {.token = tokens, .rows = LONG, .span = &span, .spans = 1};
    mx_array *want = mx_decoder_graph(o.d, &pass);
    if (CHECK_MSG(want && mx_eval1(want), "%s", mx_error_message()) &&
        feed_in_steps(&o, tokens, LONG, 50, rows)) {
        const float *w = (const float *)(const void *)want->data;
        double distance = 0;
        for (int64_t i = 0; i < LONG * width; i++)
            distance = fmax(distance, fabs((double)rows[i] - (double)w[i]));
        CHECK_MSG(distance < most, "%s: %.3g from the machine of arrays", name, distance);
    }
    free(rows);
    close_model(&o);
}

static void long_texts(void) {
    beside_arrays("llama.json", 5e-4);
    beside_arrays("gemma3.json", 5e-4);
    beside_arrays("gemma2.json", 5e-4);
    beside_arrays("mistral.json", 5e-4);
}

/* --- independence ----------------------------------------------------------------------------- */

/* Three texts of different lengths side by side, and each alone. */
static void side_by_side(void) {
    enum { TEXTS = 3 };
    static const int64_t lengths[TEXTS] = {70, 5, 131};
    model o;
    int tokens[TEXTS][LONG], next[TEXTS];
    mx_sequence *s[TEXTS];
    mx_span span[TEXTS];
    const float *rows;
    bool full;
    if (!open_tiny(&o, "gemma3.json", 32))
        return;
    int64_t width = o.d->head.out;
    float *alone = calloc((size_t)(LONG * width), sizeof *alone);
    for (int i = 0; i < TEXTS; i++) {
        draw(tokens[i], LONG, o.d->embedding.out, (uint64_t)i);
        s[i] = mx_sequence_begin(o.c, NULL, 0);
        feed(&o, s[i], tokens[i], lengths[i], alone);
        CHECK(mx_sequence_reserve(s[i], 1, &full));
        span[i] = (mx_span){i, 1, lengths[i], s[i]};
        next[i] = tokens[i][lengths[i]];
    }
    mx_pass pass = {.token = next, .rows = TEXTS, .span = span, .spans = TEXTS};
    CHECK(mx_direct_pass(o.m, &pass, &rows));
    float *together = mx_memdup(rows, (size_t)(TEXTS * width) * sizeof *rows);
    for (int i = 0; i < TEXTS; i++) {
        CHECK_EQ_INT(mx_sequence_length(s[i]), lengths[i] + 1);
        mx_sequence_end(s[i]);
        if (feed_in_steps(&o, tokens[i], lengths[i] + 1, LONG, alone))
            same_bits(alone + lengths[i] * width, together + i * width, width, "side by side");
    }
    mx_free(together);
    free(alone);
    close_model(&o);
}

static void threads(void) {
    model o;
    int tokens[LONG];
    if (!open_tiny(&o, "gemma3.json", 32))
        return;
    int64_t numbers = LONG * o.d->head.out;
    draw(tokens, LONG, o.d->embedding.out, 3);
    float *one = calloc((size_t)numbers, sizeof *one),
          *more = calloc((size_t)numbers, sizeof *more);
    mx_pool_set_threads(1);
    feed_in_steps(&o, tokens, LONG, LONG, one);
    for (int n = 2; n <= 4; n++) {
        mx_pool_set_threads(n);
        if (feed_in_steps(&o, tokens, LONG, n == 3 ? 1 : LONG, more))
            same_bits(one, more, numbers, "threads");
    }
    mx_pool_set_threads(0);
    free(one);
    free(more);
    close_model(&o);
}

/* --- refusals --------------------------------------------------------------------------------- */

static void refuses(model *o, const mx_pass *pass) {
    const float *rows;
    CHECK(!mx_direct_pass(o->m, pass, &rows) && mx_failed() && !rows);
    mx_error_clear();
}

static void refusals(void) {
    model o;
    bool full;
    const float *rows;
    int token[] = {1, 2, 3}, wild[] = {1, 1 << 20, 3};
    int64_t wanted = 3;
    if (!open_tiny(&o, "llama.json", 32))
        return;
    mx_sequence *s = mx_sequence_begin(o.c, NULL, 0);
    mx_span span = {0, 3, 0, s}, late = {0, 3, 1, s}, none = {0, 3, 0, NULL}, few = {0, 2, 0, s};
    mx_pass pass = {.token = token, .rows = 3, .span = &span, .spans = 1};
    refuses(&o, &pass); // nothing is reserved
    CHECK(mx_sequence_reserve(s, 3, &full));
    mx_pass p = pass;
    p.span = &late;
    refuses(&o, &p);
    p.span = &none;
    refuses(&o, &p);
    p.span = &few;
    refuses(&o, &p);
    p = pass;
    p.token = wild;
    refuses(&o, &p);
    p = pass;
    p.wanted = &wanted;
    p.wanted_rows = 1;
    refuses(&o, &p);
    CHECK_EQ_INT(mx_sequence_length(s), 0);
    CHECK(mx_direct_pass(o.m, &pass, &rows));
    CHECK_EQ_INT(mx_sequence_length(s), 3);
    mx_sequence_end(s);
    close_model(&o);
}

/* --- a real model ----------------------------------------------------------------------------- */

static int largest(const float *x, int64_t n) {
    int best = 0;
    for (int64_t i = 1; i < n; i++)
        best = x[i] > x[best] ? (int)i : best;
    return best;
}

/* "What is the capital of France?", as transformers answers it with the same file. */
static void paris(void) {
    static const int prompt[] = {1,    9690, 198,   2683, 359,  253,  5356, 5646,  11173, 3365,
                                 3511, 308,  34519, 28,   7018, 411,  407,  19712, 8182,  2,
                                 198,  1,    4093,  198,  1780, 314,  260,  3575,  282,   4649,
                                 47,   2,    198,   1,    520,  9531, 198};
    static const int answer[] = {504, 3575, 282, 4649, 314, 7042, 30, 2};
    enum { COUNT = sizeof prompt / sizeof *prompt, LENGTH = sizeof answer / sizeof *answer };
    char path[512];
    const char *models = getenv("MLX_MODELS");
    model o;
    snprintf(path, sizeof path, "%s/SmolLM2-135M-Instruct.Q4_1.gguf", models ? models : "");
    FILE *f = models ? fopen(path, "rb") : NULL;
    if (!f)
        return;
    fclose(f);
    if (!open_model(&o, path, 16))
        return;
    float *rows = calloc((size_t)(COUNT * o.d->head.out), sizeof *rows);
    mx_sequence *s = mx_sequence_begin(o.c, prompt, COUNT);
    bool ok = feed(&o, s, prompt, COUNT, rows);
    int next = largest(rows + (COUNT - 1) * o.d->head.out, o.d->head.out);
    for (int i = 0; ok && i < LENGTH; i++) {
        CHECK_EQ_INT(next, answer[i]);
        ok = feed(&o, s, &next, 1, rows);
        next = largest(rows, o.d->head.out);
    }
    mx_sequence_end(s);
    free(rows);
    close_model(&o);
}

int main(void) {
    mx_scope scope = mx_scope_open();
    RUN(families);
    RUN(long_texts);
    RUN(side_by_side);
    RUN(threads);
    RUN(refusals);
    RUN(paris);
    mx_scope_close(scope);
    files_done();
    return check_done();
}
