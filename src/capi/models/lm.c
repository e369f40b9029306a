/* lm.h: handles of language models and of batches. */
#include "mlx/c/lm.h"

#include <string.h>

#include "base/mem.h"
#include "capi/capi.h"
#include "capi/models/tokens.h"
#include "models/generate/batch.h"

/* Structs that two layers declare. */
#define SAME(a, b, member) (offsetof(a, member) == offsetof(b, member))
_Static_assert(sizeof(mlx_lm_request) == sizeof(mx_request) &&
                   SAME(mlx_lm_request, mx_request, token_num) &&
                   SAME(mlx_lm_request, mx_request, stop) &&
                   SAME(mlx_lm_request, mx_request, log_probabilities) &&
                   SAME(mlx_lm_request, mx_request, show_special) &&
                   SAME(mlx_lm_request, mx_request, save_cache) &&
                   SAME(mlx_lm_request, mx_request, payload),
               "mlx_lm_request and mx_request differ");
_Static_assert(sizeof(mlx_lm_event) == sizeof(mx_event) && SAME(mlx_lm_event, mx_event, finish) &&
                   SAME(mlx_lm_event, mx_event, generated) && SAME(mlx_lm_event, mx_event, stop) &&
                   SAME(mlx_lm_event, mx_event, error) && SAME(mlx_lm_event, mx_event, cut) &&
                   (int)MLX_LM_FAILED == (int)MX_FAILED,
               "mlx_lm_event and mx_event differ");
_Static_assert(sizeof(mlx_lm_batch_options) == sizeof(mx_batch_options) &&
                   SAME(mlx_lm_batch_options, mx_batch_options, kv_bits) &&
                   SAME(mlx_lm_batch_options, mx_batch_options, draft) &&
                   SAME(mlx_lm_batch_options, mx_batch_options, draft_tokens) &&
                   SAME(mlx_lm_batch_options, mx_batch_options, heads),
               "mlx_lm_batch_options and mx_batch_options differ");
_Static_assert(sizeof(mlx_lm_batch_state) == sizeof(mx_batch_state) &&
                   SAME(mlx_lm_batch_state, mx_batch_state, steps),
               "mlx_lm_batch_state and mx_batch_state differ");

static bool is_given(const void *p, const char *what) {
    return p || mx_fail(MX_INVALID, "[lm] the %s NULL", what);
}

static mx_lm *lm_of(mlx_lm lm) {
    return capi_object(lm.ctx, "lm");
}

static mx_batch *batch_of(mlx_lm_batch b) {
    return capi_object(b.ctx, "lm batch");
}

/* --- models ---------------------------------------------------------------------------------- */

mlx_lm mlx_lm_new(void) {
    return (mlx_lm){NULL};
}

int mlx_lm_open(mlx_lm *res, const char *file, const mlx_lm_options *options) {
    mx_error_clear();
    mx_lm **slot = is_given(file, "path is") ? (mx_lm **)capi_slot(res, "lm") : NULL;
    mx_lm *made = slot ? mx_lm_open(file, options ? options->adapter : NULL) : NULL;
    if (!made)
        return capi_report();
    mx_lm_release(*slot);
    *slot = made;
    return 0;
}

int mlx_lm_free(mlx_lm lm) {
    int status;
    if (capi_frees(lm.ctx, "lm", &status))
        mx_lm_release(lm.ctx);
    return status;
}

static mlx_lm_info info_of(const mx_lm *lm) {
    const mx_decoder *d = lm->decoder;
    return (mlx_lm_info){.family = d->family->name,
                         .name = d->name,
                         .context = d->context,
                         .vocabulary = d->vocabulary,
                         .hidden = d->hidden,
                         .layers = d->layers,
                         .parameters = d->parameters,
                         .bytes = d->bytes,
                         .encoder = d->encoder,
                         .end_tokens = lm->end,
                         .end_token_num = lm->ends,
                         .vector = d->vector.out,
                         .classes = d->score.out};
}

int mlx_lm_about(mlx_lm_info *info, const mlx_lm lm) {
    mx_error_clear();
    const mx_lm *x = lm_of(lm);
    bool ok = x && is_given(info, "result is");
    if (ok)
        *info = info_of(x);
    return capi_done(ok);
}

int mlx_lm_usual_sampling(mlx_sampler_options *options, const mlx_lm lm) {
    mx_error_clear();
    const mx_lm *x = lm_of(lm);
    bool ok = x && is_given(options, "result is");
    if (ok)
        memcpy(options, &x->usual, sizeof *options);
    return capi_done(ok);
}

int mlx_lm_tokenizer(mlx_tokenizer *res, const mlx_lm lm) {
    mx_error_clear();
    mx_lm *x = lm_of(lm);
    mx_tokenizer **slot = x ? (mx_tokenizer **)capi_slot(res, "tokenizer") : NULL;
    if (!slot)
        return capi_report();
    mx_tokenizer *kept = mx_tokenizer_retain(x->tokenizer);
    mx_tokenizer_release(*slot);
    *slot = kept;
    return 0;
}

int mlx_lm_chat(mlx_tokens *res, const mlx_lm lm, const char *variables, size_t n) {
    size_t count = 0;
    mx_error_clear();
    mx_lm *x = lm_of(lm);
    bool ok = x && is_given(variables, "variables are");
    int *ids = ok ? mx_lm_chat(x, variables, n, &count) : NULL;
    return capi_put_tokens(res, ids, NULL, count);
}

int mlx_lm_logits(mlx_array *res, const mlx_lm lm, const int *tokens, size_t n) {
    capi_call c = capi_begin_default();
    const mx_lm *x = lm_of(lm);
    bool ok = x && is_given(tokens, "tokens are");
    return capi_end(&c, res, ok ? mx_lm_logits(x, tokens, n) : NULL);
}

/* Texts, alone or behind `first`. */
typedef struct texts {
    const char *first;
    size_t first_num;
    const char *const *text;
    const size_t *length;
    size_t count;
} texts;

static bool add_text(const mx_lm *lm, mx_text_tokens *to, const texts *t, size_t i) {
    if (!is_given(t->text[i], "text is"))
        return false;
    return t->first ? mx_lm_add_text(lm, to, t->first, t->first_num, t->text[i], t->length[i])
                    : mx_lm_add_text(lm, to, t->text[i], t->length[i], NULL, 0);
}

static int encode_texts(mlx_tokens *res, size_t *ends, mlx_lm lm, const texts *t) {
    mx_text_tokens all = {0};
    const mx_lm *x = lm_of(lm);
    bool ok = x && is_given(ends, "list of ends is") && is_given(t->text, "list of texts is") &&
              is_given(t->length, "list of lengths is");
    for (size_t i = 0; ok && i < t->count; i++) {
        ok = add_text(x, &all, t, i);
        ends[i] = all.n;
    }
    if (!ok || (!t->count && !(all.id = mx_calloc(1, sizeof *all.id)))) {
        mx_free(all.id);
        mx_free(all.type);
        return capi_report();
    }
    return capi_put_tokens(res, all.id, all.type, all.n);
}

int mlx_lm_texts(mlx_tokens *res, size_t *ends, const mlx_lm lm, const char *const *list,
                 const size_t *lengths, size_t count) {
    mx_error_clear();
    return encode_texts(res, ends, lm, &(texts){NULL, 0, list, lengths, count});
}

int mlx_lm_pairs(mlx_tokens *res, size_t *ends, const mlx_lm lm, const char *text, size_t text_num,
                 const char *const *others, const size_t *lengths, size_t count) {
    mx_error_clear();
    if (!is_given(text, "text is"))
        return capi_report();
    return encode_texts(res, ends, lm, &(texts){text, text_num, others, lengths, count});
}

int mlx_lm_embed(mlx_array *res, const mlx_lm lm, const int *tokens, const int *types,
                 const size_t *ends, size_t count) {
    capi_call c = capi_begin_default();
    mx_lm *x = lm_of(lm);
    bool ok =
        x && (!count || (is_given(tokens, "tokens are") && is_given(ends, "list of ends is")));
    return capi_end(&c, res, ok ? mx_lm_embed(x, tokens, types, ends, count) : NULL);
}

int mlx_lm_classify(mlx_array *res, const mlx_lm lm, const int *tokens, const int *types,
                    const size_t *ends, size_t count) {
    capi_call c = capi_begin_default();
    mx_lm *x = lm_of(lm);
    bool ok =
        x && (!count || (is_given(tokens, "tokens are") && is_given(ends, "list of ends is")));
    return capi_end(&c, res, ok ? mx_lm_classify(x, tokens, types, ends, count) : NULL);
}

/* --- batches --------------------------------------------------------------------------------- */

mlx_lm_batch mlx_lm_batch_new(void) {
    return (mlx_lm_batch){NULL};
}

int mlx_lm_batch_open(mlx_lm_batch *res, const mlx_lm lm, const mlx_lm_batch_options *options) {
    mx_batch_options o = {0};
    mx_error_clear();
    mx_lm *x = lm_of(lm);
    mx_batch **slot = x ? (mx_batch **)capi_slot(res, "lm batch") : NULL;
    if (slot && options && capi_empty_or_object(options->draft.ctx, "lm"))
        memcpy(&o, options, sizeof o);
    mx_batch *made = slot && !mx_failed() ? mx_batch_open(x, &o) : NULL;
    if (!made)
        return capi_report();
    mx_batch_free(*slot);
    *slot = made;
    return 0;
}

int mlx_lm_batch_free(mlx_lm_batch b) {
    int status;
    if (capi_frees(b.ctx, "lm batch", &status))
        mx_batch_free(b.ctx);
    return status;
}

static bool is_list(const void *p, size_t n, const char *what) {
    return !n || (is_given(p, what) && capi_count(p, n));
}

/* Lists that are announced are there, and no longer than lists can be. */
static bool is_whole(const mx_request *r) {
    bool ok = (r->text || is_given(r->tokens, "text and tokens are")) &&
              is_list(r->tokens, r->token_num, "tokens are") &&
              is_list(r->stop, r->stop_num, "stop texts are") &&
              is_list(r->end_tokens, r->end_token_num, "end tokens are");
    if (r->text && (r->tokens || r->token_num))
        return mx_fail(MX_INVALID, "[lm] a prompt is a text or tokens, not both");
    for (size_t i = 0; ok && i < r->stop_num; i++)
        ok = is_given(r->stop[i], "stop text is");
    return ok && capi_empty_or_object(r->structure, "structure");
}

int mlx_lm_batch_add(int64_t *id, mlx_lm_batch batch, const mlx_lm_request *request) {
    mx_request r;
    mx_error_clear();
    mx_batch *b = batch_of(batch);
    bool ok = b && is_given(id, "result is") && is_given(request, "request is");
    if (ok)
        memcpy(&r, request, sizeof r);
    return capi_done(ok && is_whole(&r) && mx_batch_add(b, &r, id));
}

int mlx_lm_batch_cancel(mlx_lm_batch batch, int64_t id) {
    mx_error_clear();
    mx_batch *b = batch_of(batch);
    if (b)
        mx_batch_cancel(b, id);
    return capi_done(b != NULL);
}

/* The program's callback, and its word for it. */
typedef struct told {
    mlx_lm_callback call;
    void *payload;
} told;

static int tell(const mx_event *event, void *payload) {
    const told *t = payload;
    mlx_lm_event e;
    memcpy(&e, event, sizeof e);
    capi_callback c = capi_callback_begin();
    int result = t->call(&e, t->payload);
    if (!capi_callback_end(c, "lm", result))
        mx_error_clear(); // it wants the request to end
    return result;
}

int mlx_lm_batch_step(bool *busy, mlx_lm_batch batch, mlx_lm_callback call, void *payload) {
    told t = {call, payload};
    capi_call c = capi_begin_default();
    mx_batch *b = batch_of(batch);
    bool ok = b && is_given(busy, "result is");
    return capi_end_ok(&c, ok && mx_batch_step(b, call ? tell : NULL, &t, busy));
}

int mlx_lm_batch_about(mlx_lm_batch_state *state, mlx_lm_batch batch) {
    mx_batch_state s;
    mx_error_clear();
    mx_batch *b = batch_of(batch);
    bool ok = b && is_given(state, "result is");
    if (ok)
        mx_batch_about(b, &s);
    if (ok)
        memcpy(state, &s, sizeof *state);
    return capi_done(ok);
}
