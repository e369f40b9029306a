/* Encoding and decoding: see parts.h. */
#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"
#include "models/tokenizer/parts.h"
#include <string.h>

/* --- jobs ------------------------------------------------------------------------------------- */

enum { TRACKS = 3 + TOK_MOST_STEPS };

static tok_bytes *buffer_of(tok_job *job, size_t i) {
    return i == 0 ? &job->clean : i < 3 ? &job->normal[i - 1] : &job->stage[i - 3];
}

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
    mx_free(job->dead);
    mx_free(job->cache);
    for (size_t i = 0; job->tracks && i < TRACKS; i++)
        mx_free(job->tracks[i].span);
    mx_free(job->tracks);
    mx_free(job->span);
    mx_free(job);
}

static tok_job *new_job(mx_tokenizer *t) {
    tok_job *job = mx_calloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->t = t;
    if (t->model.run != tok_model_words &&
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

/* --- what tokens stand for -------------------------------------------------------------------- */

/* Buffers say what their bytes stand for, or no longer. */
static bool track(tok_job *job, bool on) {
    if (on && !job->tracks && !(job->tracks = mx_calloc(TRACKS, sizeof *job->tracks)))
        return false;
    for (size_t i = 0; i < TRACKS; i++)
        buffer_of(job, i)->track = on ? &job->tracks[i] : NULL;
    return true;
}

/* Spaces at the beginning, or the end, of a piece. */
static uint32_t spaces_of(tok_text s, bool at_end) {
    uint32_t n = 0, c = 0;
    for (size_t k; s.n; s.n -= k, n++) {
        if (at_end)
            c = tok_before(s.p, s.p + s.n), k = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        else
            k = tok_step(s.p, s.p + s.n, &c);
        if (c != tok_char_of_byte(' ') && !tok_is_space(c))
            break;
        s.p += at_end ? 0 : k;
    }
    return n;
}

static void trim(const mx_tokenizer *t, const tok_ids *ids, mx_token_span *span) {
    for (size_t i = 0; i < ids->n; i++) {
        tok_text s;
        mx_token_span *x = &span[i];
        if (!mx_tokenizer_piece(t, ids->p[i], &s.p, &s.n))
            continue;
        uint32_t before = spaces_of(s, false), behind = spaces_of(s, true);
        before -= before && t->trims_prefix && (i == 0 || x->from == 0);
        x->from = x->to - x->from < before ? x->to : x->from + before;
        if (x->to >= behind)
            x->to = x->to - x->from < behind ? x->from : x->to - behind;
    }
}

/* --- encoding --------------------------------------------------------------------------------- */

/* A text's ids, and what they stand for where that is asked for. */
typedef struct encoded {
    tok_ids ids;
    mx_token_span *span;
} encoded;

static void encode_one(tok_job *job, const char *p, size_t n) {
    tok_bytes *b = &job->clean;
    job->out.n = b->n = job->edge = 0;
    if (n > TOK_MOST_TEXT) {
        mx_fail(MX_RANGE, "[tokenizer] a text of %zu bytes", n);
        return;
    }
    tok_text s = n ? tok_clean(p, n, b) : (tok_text){"", 0};
    if (s.n)
        tok_run_added(job, (tok_word){s.p, s.n, true, tok_word_in(b, true).span});
    if (job->t->trims && job->how.spans && !mx_failed())
        trim(job->t, &job->out, job->span);
}

typedef struct result {
    tok_ids ids, types;
    mx_token_span *span; /* with room for all */
} result;

/* What stands in a template: an id, or all ids of a text. */
static void put_item(result *r, int32_t item, int32_t type, const encoded text[2]) {
    const encoded *from = item == TOK_TEXT_A ? &text[0] : item == TOK_TEXT_B ? &text[1] : NULL;
    size_t n = from ? from->ids.n : 1;
    if (r->span && n)
        memset(r->span + r->ids.n, 0, n * sizeof *r->span);
    if (r->span && from && n)
        memcpy(r->span + r->ids.n, from->span, n * sizeof *r->span);
    for (size_t i = 0; i < n; i++) {
        tok_ids_put(&r->ids, from ? from->ids.p[i] : item);
        tok_ids_put(&r->types, type);
    }
}

/* Items are those of a template, or texts alone. */
static bool put_all(const tok_ids *items, const tok_ids *types, result *r, const encoded text[2],
                    bool spans) {
    size_t n = 1;
    for (size_t i = 0; i < items->n; i++)
        n += items->p[i] == TOK_TEXT_A   ? text[0].ids.n
             : items->p[i] == TOK_TEXT_B ? text[1].ids.n
                                         : 1;
    if (!mx_grow(&r->ids.p, &r->ids.room, n, sizeof *r->ids.p) ||
        !mx_grow(&r->types.p, &r->types.room, n, sizeof *r->types.p) ||
        (spans && !(r->span = mx_calloc(n, sizeof *r->span))))
        return false;
    for (size_t i = 0; i < items->n; i++)
        put_item(r, items->p[i], types->p[i], text);
    return !mx_failed();
}

static bool put_text(const mx_tokenizer *t, result *r, const encoded text[2], bool pair,
                     mx_encode how) {
    int32_t item[] = {TOK_TEXT_A, TOK_TEXT_B}, type[] = {0, 1};
    size_t n = pair ? 2 : 1;
    const tok_ids items = {item, n, n}, types = {type, n, n},
                  *given = pair ? &t->post.pair : &t->post.single;
    return how.bare || !given->n ? put_all(&items, &types, r, text, how.spans)
                                 : put_all(given, pair ? &t->post.pair_type : &t->post.single_type,
                                           r, text, how.spans);
}

static bool encode_both(tok_job *job, tok_text s[2], encoded text[2]) {
    for (int i = 0; i < 2 && s[i].p; i++) {
        encode_one(job, s[i].p, s[i].n);
        text[i] = (encoded){job->out, job->span};
        job->out = (tok_ids){NULL, 0, 0};
        job->span = NULL;
        job->span_room = 0;
    }
    return !mx_failed();
}

int32_t *mx_tokenizer_encode(mx_tokenizer *t, const char *a, size_t a_n, const char *b, size_t b_n,
                             mx_encode how, size_t *n, int32_t **types) {
    encoded text[2] = {0};
    result r = {0};
    tok_text s[2] = {{a, a_n}, {b, b_n}};
    tok_job *job = tok_job_take(t);
    if (!job)
        return NULL;
    job->how = how;
    bool ok = track(job, how.spans) && encode_both(job, s, text) && put_text(t, &r, text, b, how);
    tok_job_give(t, job);
    for (int i = 0; i < 2; i++) {
        mx_free(text[i].ids.p);
        mx_free(text[i].span);
    }
    if (!ok || !types)
        mx_free(r.types.p);
    if (!ok) {
        mx_free(r.ids.p);
        mx_free(r.span);
        return NULL;
    }
    if (types)
        *types = r.types.p;
    if (how.spans)
        *how.spans = r.span;
    *n = r.ids.n;
    return r.ids.p;
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
    tok_list list[2] = {0};
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
    tok_bytes out = {0};
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
