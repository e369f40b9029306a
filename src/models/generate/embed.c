/* Vectors of texts, and logits of whole texts: without a cache. */
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

/* --- vectors --------------------------------------------------------------------------------- */

static void scale_to_one(float *v, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)v[i] * v[i];
    double by = sum > 0 ? 1 / sqrt(sum) : 0;
    for (int64_t i = 0; i < n; i++)
        v[i] = (float)(v[i] * by);
}

/* A column of rows (n, h) as one number; of a sum only its direction counts. */
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
    return how == MX_POOL_MEAN ? v / (double)n : v;
}

/* One vector (h) of the rows (n, h) of a text. */
static void pool(float *to, const float *rows, int64_t n, int64_t h, mx_pooling how) {
    for (int64_t j = 0; j < h; j++)
        to[j] = (float)pooled(rows + j, n, h, how);
    scale_to_one(to, h);
}

/* Rows of texts one behind the other; in the room of `count` spans. */
static void make_spans(mx_span *span, const size_t *ends, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t first = i ? ends[i - 1] : 0;
        span[i] = (mx_span){.first = (int64_t)first, .count = (int64_t)(ends[i] - first)};
    }
}

static bool check_texts(const mx_lm *lm, const int *tokens, const size_t *ends, size_t count) {
    const mx_decoder *d = lm->decoder;
    if (d->pooling == MX_POOL_NONE)
        return mx_fail(MX_UNSUPPORTED, "[lm] '%s' makes no vectors of texts", d->name);
    for (size_t i = 0; i < count; i++) {
        size_t first = i ? ends[i - 1] : 0;
        if (ends[i] <= first)
            return mx_fail(MX_INVALID, "[lm] text %zu has no token", i);
        if ((int64_t)(ends[i] - first) > d->context)
            return mx_fail(MX_RANGE, "[lm] text %zu has %zu tokens, and the model reads %lld", i,
                           ends[i] - first, (long long)d->context);
    }
    return count && mx_lm_check_tokens(lm, tokens, ends[count - 1]);
}

static bool compute(const mx_lm *lm, const mx_pass *pass, float *to) {
    const float *rows = NULL;
    int64_t h = lm->decoder->hidden;
    mx_direct *m = mx_direct_new(lm->decoder);
    bool ok = m && mx_direct_pass(m, pass, &rows);
    for (int64_t i = 0; ok && i < pass->spans; i++)
        pool(to + i * h, rows + pass->span[i].first * h, pass->span[i].count, h,
             lm->decoder->pooling);
    mx_direct_free(m);
    return ok;
}

mx_array *mx_lm_embed(const mx_lm *lm, const int *tokens, const int *types, const size_t *ends,
                      size_t count) {
    if (!check_texts(lm, tokens, ends, count))
        return NULL;
    int shape[] = {(int)count, (int)lm->decoder->hidden};
    mx_span *span = mx_calloc(count, sizeof *span);
    mx_array *made = span ? mx_array_empty(shape, 2, MX_FLOAT32) : NULL;
    bool ok = made;
    if (ok) {
        make_spans(span, ends, count);
        mx_pass pass = {.token = tokens,
                        .type = types,
                        .rows = (int64_t)ends[count - 1],
                        .span = span,
                        .spans = (int64_t)count};
        ok = compute(lm, &pass, (float *)(void *)made->data);
    }
    mx_free(span);
    return ok ? made : NULL;
}
