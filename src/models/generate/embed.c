/* Vectors and classes of texts, and logits of whole texts: without a cache. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/decoder/graph.h"
#include "models/direct/direct.h"
#include "models/generate/lm.h"

mx_array *mx_lm_logits(const mx_lm *lm, const int *tokens, size_t n) {
    if (!mx_lm_check_tokens(lm, tokens, n))
        return NULL;
    if (lm->decoder->encoder)
        return mx_fail(MX_UNSUPPORTED, "[lm] '%s' makes vectors of texts, no logits",
                       lm->decoder->name);
    mx_span span = {.count = (int64_t)n};
    mx_pass pass = {.token = tokens, .rows = (int64_t)n, .span = &span, .spans = 1};
    return mx_decoder_graph(lm->decoder, &pass);
}

/* --- tails ----------------------------------------------------------------------------------- */

static void scale_to_one(float *v, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)v[i] * v[i];
    double by = sum > 0 ? 1 / sqrt(sum) : 0;
    for (int64_t i = 0; i < n; i++)
        v[i] = (float)(v[i] * by);
}

/* A column of rows (n, h) as one number. */
static double pooled(const float *row, int64_t n, int64_t h, mx_pooling how) {
    double v = how == MX_POOL_MAX ? row[0] : 0;
    if (how == MX_POOL_FIRST || how == MX_POOL_LAST)
        return row[how == MX_POOL_LAST ? (n - 1) * h : 0];
    for (int64_t i = 0; i < n; i++) {
        double x = row[i * h];
        if (how == MX_POOL_MAX)
            v = x > v || isnan(x) ? x : v;
        else
            v += how == MX_POOL_WEIGHTED ? (double)(i + 1) * x : x;
    }
    double count = (double)n;
    return how == MX_POOL_MEAN       ? v / count
           : how == MX_POOL_ROOT     ? v / sqrt(count)
           : how == MX_POOL_WEIGHTED ? v / (count * (count + 1) / 2)
                                     : v;
}

static double bend(double x, mx_bend how) {
    switch (how) {
    case MX_BEND_TANH: return tanh(x);
    case MX_BEND_RELU: return x > 0 || isnan(x) ? x : 0;
    case MX_BEND_GELU: return x * 0.5 * (1 + erf(x * 0.70710678118654752));
    default: return x;
    }
}

static const float *floats(const mx_array *a) {
    return a ? (const float *)(const void *)a->data : NULL;
}

static void normalize(float *y, int64_t n, const mx_norm *norm) {
    const float *w = floats(norm->weight), *b = floats(norm->bias);
    double mean = 0, var = 0;
    for (int64_t i = 0; i < n; i++)
        mean += y[i] / (double)n;
    for (int64_t i = 0; i < n; i++)
        var += (y[i] - mean) * (y[i] - mean) / (double)n;
    for (int64_t i = 0; i < n; i++) {
        double x = (y[i] - mean) / sqrt(var + (double)norm->eps);
        y[i] = (float)(x * (w ? (double)w[i] : 1) + (b ? (double)b[i] : 0));
    }
}

static void run_stage(float *y, const float *x, const mx_stage *s) {
    const float *w = floats(s->weight), *b = floats(s->bias);
    for (int64_t i = 0; i < s->out; i++) {
        double sum = b ? (double)b[i] : 0;
        for (int64_t k = 0; k < s->in; k++)
            sum += (double)w[i * s->in + k] * x[k];
        y[i] = (float)bend(sum, s->bend);
    }
    if (s->norm.kind)
        normalize(y, s->out, &s->norm);
}

/* The most numbers between two stages. */
static int64_t width_of(const mx_tail *t, int64_t hidden) {
    int64_t most = t->poolings * hidden;
    for (int i = 0; i < t->stages; i++)
        most = t->stage[i].out > most ? t->stage[i].out : most;
    return most;
}

/* The rows (n, h) of a text to its tail's numbers; `room` for twice its width. */
static void run_tail(float *to, const mx_tail *t, const float *rows, int64_t n, int64_t h,
                     float *room) {
    float *x = room, *y = room + width_of(t, h);
    for (int p = 0; p < t->poolings; p++)
        for (int64_t j = 0; j < h; j++)
            x[p * h + j] = (float)pooled(rows + j, n, h, t->pooling[p]);
    for (int i = 0; i < t->stages; i++) {
        run_stage(y, x, &t->stage[i]);
        float *last = x;
        x = y;
        y = last;
    }
    memcpy(to, x, (size_t)t->out * sizeof *to);
}

/* --- texts ----------------------------------------------------------------------------------- */

/* Rows of a pass: texts are taken until there are so many. */
enum { ROWS = 4096 };

static bool check_texts(const mx_lm *lm, const int *tokens, const size_t *ends, size_t count) {
    const mx_decoder *d = lm->decoder;
    for (size_t i = 0; i < count; i++) {
        size_t first = i ? ends[i - 1] : 0;
        if (ends[i] <= first)
            return mx_fail(MX_INVALID, "[lm] text %zu has no token", i);
        if ((int64_t)(ends[i] - first) > d->context)
            return mx_fail(MX_RANGE, "[lm] text %zu has %zu tokens, and the model reads %lld", i,
                           ends[i] - first, (long long)d->context);
    }
    return !count || mx_lm_check_tokens(lm, tokens, ends[count - 1]);
}

/* A machine that nobody computes with; NULL and an error. */
static mx_direct *take_machine(mx_lm *lm) {
    mx_direct *m = atomic_exchange(&lm->machine, NULL);
    return m ? m : mx_direct_new(lm->decoder);
}

/* Kept for the next call; of two that come back at once one goes. */
static void give_machine(mx_lm *lm, mx_direct *m) {
    mx_direct_free(atomic_exchange(&lm->machine, m));
}

typedef struct job {
    mx_lm *lm;
    const mx_tail *tail;
    const int *tokens, *types;
    const size_t *ends;
    size_t count;
    mx_span *span;
    float *room, *out;
} job;

/* One pass over texts from number i on; the number of the first that is not in it. */
static size_t next_texts(const job *j, size_t i, mx_pass *pass) {
    size_t first = i ? j->ends[i - 1] : 0;
    *pass = (mx_pass){
        .token = j->tokens + first, .type = j->types ? j->types + first : NULL, .span = j->span};
    do {
        int64_t n = (int64_t)(j->ends[i] - first) - pass->rows;
        j->span[pass->spans++] = (mx_span){.first = pass->rows, .count = n};
        pass->rows += n;
        i++;
    } while (i < j->count && (int64_t)(j->ends[i] - first) <= ROWS);
    return i;
}

static bool compute(const job *j, mx_direct *m) {
    int64_t h = j->lm->decoder->hidden, width = j->tail->out;
    for (size_t i = 0, behind; i < j->count; i = behind) {
        mx_pass pass;
        const float *rows = NULL;
        behind = next_texts(j, i, &pass);
        if (!mx_direct_pass(m, &pass, &rows))
            return false;
        for (int64_t k = 0; k < pass.spans; k++)
            run_tail(j->out + ((int64_t)i + k) * width, j->tail, rows + pass.span[k].first * h,
                     pass.span[k].count, h, j->room);
    }
    return true;
}

static mx_array *run(job j) {
    int shape[] = {(int)j.count, (int)j.tail->out};
    if (j.count > INT32_MAX)
        return mx_fail(MX_RANGE, "[lm] %zu texts are too many at once", j.count);
    mx_array *made = mx_array_empty(shape, 2, MX_FLOAT32);
    if (!j.count)
        return made;
    j.span = mx_calloc(j.count, sizeof *j.span);
    j.room = mx_calloc((size_t)(2 * width_of(j.tail, j.lm->decoder->hidden)), sizeof *j.room);
    mx_direct *m = made && j.span && j.room ? take_machine(j.lm) : NULL;
    bool ok = m;
    if (ok) {
        j.out = (float *)(void *)made->data;
        ok = compute(&j, m);
        give_machine(j.lm, m);
    }
    mx_free(j.span);
    mx_free(j.room);
    return ok ? made : NULL;
}

mx_array *mx_lm_embed(mx_lm *lm, const int *tokens, const int *types, const size_t *ends,
                      size_t count) {
    const mx_tail *t = &lm->decoder->vector;
    if (!t->poolings)
        return mx_fail(MX_UNSUPPORTED, "[lm] '%s' makes no vectors of texts", lm->decoder->name);
    if (!check_texts(lm, tokens, ends, count))
        return NULL;
    mx_array *made = run((job){lm, t, tokens, types, ends, count, NULL, NULL, NULL});
    for (size_t i = 0; made && i < count; i++)
        scale_to_one((float *)(void *)made->data + (int64_t)i * t->out, t->out);
    return made;
}

mx_array *mx_lm_classify(mx_lm *lm, const int *tokens, const int *types, const size_t *ends,
                         size_t count) {
    const mx_tail *t = &lm->decoder->score;
    if (!t->poolings)
        return mx_fail(MX_UNSUPPORTED, "[lm] '%s' has no classifier", lm->decoder->name);
    if (!check_texts(lm, tokens, ends, count))
        return NULL;
    return run((job){lm, t, tokens, types, ends, count, NULL, NULL, NULL});
}
