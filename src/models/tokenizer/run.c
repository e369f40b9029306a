/* Encoding and decoding: see parts.h. */
#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"
#include "models/tokenizer/parts.h"
#include <string.h>

/* --- jobs ------------------------------------------------------------------------------------- */

static void free_job(tok_job *job) {
    if (!job)
        return;
    for (size_t i = 0; i < TOK_MOST_STEPS; i++)
        tok_free(&job->stage[i]);
    tok_free(&job->clean);
    tok_free(&job->normal[0]);
    tok_free(&job->normal[1]);
    mx_free(job->out.p);
    mx_free(job->symbol);
    mx_free(job->heap);
    mx_free(job->best);
    mx_free(job->cache);
    mx_free(job);
}

/* A job may go without a cache: then nothing is looked up in it. */
static tok_job *new_job(mx_tokenizer *t) {
    tok_job *job = mx_calloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->t = t;
    if ((t->model.run == tok_model_bpe || t->model.run == tok_model_scored_bpe) &&
        !(job->cache = mx_calloc(TOK_WORD_CACHE, sizeof *job->cache))) {
        mx_free(job);
        return NULL;
    }
    return job;
}

tok_job *tok_job_take(mx_tokenizer *t) {
    for (int i = 0; i < TOK_SPARE_JOBS; i++) {
        tok_job *job = atomic_exchange(&t->spare[i], NULL);
        if (job)
            return job;
    }
    return new_job(t);
}

/* What a long text needed is not kept. */
static bool is_large(const tok_job *job) {
    enum { LARGE = 1 << 20 };
    return job->clean.room > LARGE || job->normal[0].room > LARGE || job->normal[1].room > LARGE ||
           job->out.room > LARGE || job->symbol_room > LARGE / 16 || job->best_room > LARGE / 16;
}

void tok_job_give(mx_tokenizer *t, tok_job *job) {
    for (int i = 0; job && !mx_failed() && !is_large(job) && i < TOK_SPARE_JOBS; i++) {
        tok_job *free = NULL;
        if (atomic_compare_exchange_strong(&t->spare[i], &free, job))
            return;
    }
    free_job(job);
}

void tok_free_spare(mx_tokenizer *t) {
    for (int i = 0; i < TOK_SPARE_JOBS; i++)
        free_job(atomic_exchange(&t->spare[i], NULL));
}

/* --- encoding --------------------------------------------------------------------------------- */

static void encode_one(tok_job *job, const char *p, size_t n) {
    job->out.n = job->clean.n = job->edge = 0;
    if (n > TOK_MOST_TEXT)
        mx_fail(MX_RANGE, "[tokenizer] a text of %zu bytes", n);
    else if (n)
        tok_run_added(job, tok_clean(p, n, &job->clean));
}

/* What stands in a template: an id, or all ids of a text. */
static void put_item(tok_ids *out, tok_ids *types, int32_t item, int32_t type,
                     const tok_ids text[2]) {
    const tok_ids *from = item == TOK_TEXT_A ? &text[0] : item == TOK_TEXT_B ? &text[1] : NULL;
    for (size_t i = 0; i < (from ? from->n : 1); i++) {
        tok_ids_put(out, from ? from->p[i] : item);
        if (types)
            tok_ids_put(types, type);
    }
}

static void put_all(const mx_tokenizer *t, tok_ids *out, tok_ids *types, const tok_ids text[2],
                    bool bare, bool pair) {
    const tok_ids *items = pair ? &t->post.pair : &t->post.single,
                  *kinds = pair ? &t->post.pair_type : &t->post.single_type;
    if (bare || !items->n) {
        put_item(out, types, TOK_TEXT_A, 0, text);
        if (pair)
            put_item(out, types, TOK_TEXT_B, 1, text);
        return;
    }
    for (size_t i = 0; i < items->n; i++)
        put_item(out, types, items->p[i], kinds->p[i], text);
}

static bool encode_both(tok_job *job, tok_text s[2], tok_ids text[2]) {
    for (int i = 0; i < 2 && s[i].p; i++) {
        encode_one(job, s[i].p, s[i].n);
        text[i] = job->out;
        job->out = (tok_ids){NULL, 0, 0};
    }
    return !mx_failed();
}

int32_t *mx_tokenizer_encode(mx_tokenizer *t, const char *a, size_t a_n, const char *b, size_t b_n,
                             mx_encode how, size_t *n, int32_t **types) {
    tok_ids text[2] = {{NULL, 0, 0}, {NULL, 0, 0}}, out = {NULL, 0, 0}, kinds = {NULL, 0, 0};
    tok_text s[2] = {{a, a_n}, {b, b_n}};
    tok_job *job = tok_job_take(t);
    if (!job)
        return NULL;
    job->how = how;
    if (encode_both(job, s, text) && mx_grow(&out.p, &out.room, 1, sizeof *out.p))
        put_all(t, &out, types ? &kinds : NULL, text, how.bare, b);
    tok_job_give(t, job);
    mx_free(text[0].p);
    mx_free(text[1].p);
    if (mx_failed()) {
        mx_free(out.p);
        mx_free(kinds.p);
        return NULL;
    }
    if (types)
        *types = kinds.p;
    *n = out.n;
    return out.p;
}

/* --- decoding --------------------------------------------------------------------------------- */

static void free_list(tok_list *l) {
    tok_free(&l->text);
    mx_free(l->end);
}

static void gather(const mx_tokenizer *t, const int32_t *ids, size_t n, bool special,
                   tok_list *to) {
    const char *text;
    for (size_t i = 0, k; i < n; i++) {
        if (!mx_tokenizer_piece(t, ids[i], &text, &k) ||
            (!special && mx_tokenizer_is_special(t, ids[i])))
            continue;
        tok_put(&to->text, text, k);
        tok_list_end(to);
    }
}

/* Without decoders pieces are words. */
static void put_texts(const mx_tokenizer *t, const tok_list *l, tok_bytes *out) {
    for (size_t i = 0; i < l->n; i++) {
        tok_text s = tok_list_at(l, i);
        if (i && !t->decodes)
            tok_put(out, " ", 1);
        tok_put(out, s.p, s.n);
    }
}

bool tok_decode_ids(const mx_tokenizer *t, const int32_t *ids, size_t n, bool special, bool open,
                    tok_bytes *out) {
    tok_list list[2] = {{{NULL, 0, 0}, NULL, 0, 0}, {{NULL, 0, 0}, NULL, 0, 0}};
    gather(t, ids, n, special, &list[0]);
    for (int i = 0; i < t->decodes && !mx_failed(); i++) {
        tok_list *to = &list[(i + 1) & 1];
        to->n = to->text.n = 0;
        t->decode[i].run(&t->decode[i], &list[i & 1], to, open);
    }
    if (!mx_failed())
        put_texts(t, &list[t->decodes & 1], out);
    free_list(&list[0]);
    free_list(&list[1]);
    return !mx_failed();
}

char *mx_tokenizer_decode(mx_tokenizer *t, const int32_t *ids, size_t count, bool keep_special,
                          size_t *n) {
    tok_bytes out = {NULL, 0, 0};
    for (size_t i = 0; i < count; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= t->ids)
            return mx_fail(MX_RANGE, "[tokenizer] the id %d: ids are 0 to %zu", ids[i], t->ids - 1);
    if (tok_decode_ids(t, ids, count, keep_special, false, &out) && tok_room(&out, 1)) {
        out.p[out.n] = 0;
        *n = out.n;
        return out.p;
    }
    tok_free(&out);
    return NULL;
}
