/* Byte pair encoding (Sennrich, Haddow and Birch 2016): of the neighbours in a word the pair of the
 * lowest rank becomes one piece, the leftmost of equal ones, until there is none.
 *
 *     symbols      a doubly linked list over the word's bytes
 *     candidates   a heap of pairs that could be merged; what a merge has made stale is told by its
 *                  length and dropped when it comes up
 *
 * Each merge takes a symbol away and adds two candidates at most, so a word of n bytes takes
 * O(n log n). Ranks come from a list of merges, by a table of pairs, or (SentencePiece) from the
 * score of the piece that a pair makes. Short words are looked up in the job's cache first: one
 * line a hash, so that it never grows. A tokenizer that has merged much gets a faster way to the
 * same pieces (chain.c).
 */
#include <string.h>

#include "base/memory/large.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"
#include "models/tokenizer/parts.h"

/* --- merges ----------------------------------------------------------------------------------- */

bool tok_bpe_reserve(tok_model *m, size_t merges) {
    if (merges > TOK_MOST_PIECES)
        return mx_fail(MX_FORMAT, "[tokenizer] %zu merges", merges);
    for (m->slots = 16; 2 * m->slots < 3 * merges;)
        m->slots *= 2;
    m->merge = mx_calloc(m->slots, sizeof *m->merge);
    mx_large_ask(m->merge, m->slots * sizeof *m->merge);
    return m->merge;
}

static bool merge_fail(const mx_tokenizer *t, tok_text left, tok_text right, size_t rank,
                       const char *what) {
    return tok_fail(t, "merge %zu, '%.*s' and '%.*s': %s", rank, (int)(left.n < 99 ? left.n : 99),
                    left.p, (int)(right.n < 99 ? right.n : 99), right.p, what);
}

bool tok_bpe_add(mx_tokenizer *t, tok_text left, tok_text right, size_t rank) {
    tok_model *m = &t->model;
    tok_bytes both = {0};
    size_t cut =
        right.n >= m->prefix.n && !memcmp(right.p, m->prefix.p ? m->prefix.p : "", m->prefix.n)
            ? m->prefix.n
            : 0;
    tok_put(&both, left.p, left.n);
    tok_put(&both, right.p + cut, right.n - cut);
    int32_t l = tok_vocab_find(&t->vocab, left.p, left.n),
            r = tok_vocab_find(&t->vocab, right.p, right.n),
            id = both.p ? tok_vocab_find(&t->vocab, both.p, both.n) : -1;
    tok_free(&both);
    if (l < 0 || r < 0 || id < 0)
        return merge_fail(t, left, right, rank, "there is no such piece");
    uint64_t pair = tok_bpe_pair(l, r);
    *tok_bpe_find(m, pair) =
        (tok_merge){pair, (uint32_t)rank + 1, id}; // of equal pairs the last counts
    return true;
}

/* Floats in an order of integers: the higher the score, the lower the rank. */
static uint32_t rank_of_score(float score) {
    uint32_t u;
    memcpy(&u, &score, 4);
    return ~(u & 0x80000000U ? ~u : u | 0x80000000U);
}

/* What two neighbours make. */
static bool join(const tok_job *job, const tok_model *m, tok_word w, const tok_symbol *a,
                 const tok_symbol *b, uint32_t *rank, int32_t *id) {
    if (m->merge) {
        const tok_merge *x = tok_bpe_find(m, tok_bpe_pair(a->id, b->id));
        *id = x->id;
        *rank = x->rank;
        return x->rank && a->id >= 0 && b->id >= 0;
    }
    if (a->id == TOK_TEXT_B || b->id == TOK_TEXT_B) // frozen
        return false;
    const tok_vocab *v = &job->t->vocab;
    *id = tok_vocab_find(v, w.p + a->at, (size_t)a->n + b->n);
    if (*id < 0 || (v->piece[*id].type != TOK_NORMAL && v->piece[*id].type != TOK_USER &&
                    v->piece[*id].type != TOK_UNUSED))
        return false;
    return *rank = rank_of_score(v->piece[*id].score), true;
}

/* --- the heap --------------------------------------------------------------------------------- */

static void heap_up(tok_candidate *h, size_t i) {
    tok_candidate x = h[i];
    for (; i && h[(i - 1) / 2].order > x.order; i = (i - 1) / 2)
        h[i] = h[(i - 1) / 2];
    h[i] = x;
}

static tok_candidate heap_take(tok_job *job) {
    tok_candidate *h = job->heap, top = h[0], x = h[--job->heaped];
    size_t n = job->heaped, i = 0;
    for (size_t k = 1; k < n; i = k, k = 2 * k + 1) {
        k += k + 1 < n && h[k + 1].order < h[k].order;
        if (x.order <= h[k].order)
            break;
        h[i] = h[k];
    }
    h[i] = x;
    return top;
}

static void propose(tok_job *job, const tok_model *m, tok_word w, int32_t left, int32_t right) {
    uint32_t rank;
    int32_t id;
    if (left < 0 || right < 0)
        return;
    const tok_symbol *a = &job->symbol[left], *b = &job->symbol[right];
    if (!join(job, m, w, a, b, &rank, &id) ||
        !mx_grow(&job->heap, &job->heap_room, job->heaped + 1, sizeof *job->heap))
        return;
    job->heap[job->heaped] =
        (tok_candidate){(uint64_t)rank << 32 | (uint32_t)left, a->n + b->n, id};
    heap_up(job->heap, job->heaped++);
}

static void merge(tok_job *job, const tok_model *m, tok_word w, tok_candidate c) {
    int32_t at = (int32_t)(uint32_t)c.order;
    tok_symbol *s = job->symbol, *a = &s[at];
    if (!a->n || a->next < 0 || a->n + s[a->next].n != c.n)
        return;
    tok_symbol *b = &s[a->next];
    a->n = c.n;
    a->id = c.id;
    a->next = b->next;
    b->n = 0;
    if (a->next >= 0)
        s[a->next].prev = at;
    propose(job, m, w, a->prev, at);
    propose(job, m, w, at, a->next);
}

static void merge_all(tok_job *job, const tok_model *m, tok_word w) {
    job->heaped = 0;
    for (size_t i = 0; i + 1 < job->symbols; i++)
        propose(job, m, w, (int32_t)i, (int32_t)i + 1);
    while (job->heaped)
        merge(job, m, w, heap_take(job));
}

/* --- symbols ---------------------------------------------------------------------------------- */

static void add_symbol(tok_job *job, size_t at, size_t n, int32_t id) {
    if (!mx_grow(&job->symbol, &job->symbol_room, job->symbols + 1, sizeof *job->symbol))
        return;
    int32_t i = (int32_t)job->symbols++;
    job->symbol[i] = (tok_symbol){(uint32_t)at, (uint32_t)n, i - 1, -1, id};
    if (i)
        job->symbol[i - 1].next = i;
}

/* A character as the vocabulary has it, with what stands for continuing and ending. */
static int32_t find_char(const tok_job *job, const tok_model *m, tok_word w, size_t at, size_t n) {
    const tok_vocab *v = &job->t->vocab;
    bool continues = at && m->prefix.n, ends = at + n == w.n && m->suffix.n;
    if (!continues && !ends)
        return tok_vocab_find(v, w.p + at, n);
    tok_bytes b = {0};
    if (continues)
        tok_put(&b, m->prefix.p, m->prefix.n);
    tok_put(&b, w.p + at, n);
    if (ends)
        tok_put(&b, m->suffix.p, m->suffix.n);
    int32_t id = b.p ? tok_vocab_find(v, b.p, b.n) : -1;
    tok_free(&b);
    return id;
}

static bool has_bytes(const tok_model *m, const char *p, size_t n) {
    bool all = m->byte_fallback;
    for (size_t i = 0; i < n; i++)
        all = all && m->byte_id[(unsigned char)p[i]] >= 0;
    return all;
}

/* A character without a piece: its bytes, or the unknown piece, one for several. */
static void add_unknown(tok_job *job, const tok_model *m, tok_word w, size_t at, size_t n) {
    tok_symbol *last = job->symbols ? &job->symbol[job->symbols - 1] : NULL;
    if (has_bytes(m, w.p + at, n)) {
        for (size_t i = 0; i < n; i++)
            add_symbol(job, at + i, 1, m->byte_id[(unsigned char)w.p[at + i]]);
        job->follows_unk = false;
    } else if (m->unk >= 0 && m->fuse_unk && job->follows_unk && last)
        last->n += (uint32_t)n;
    else if (m->unk >= 0) {
        add_symbol(job, at, n, m->unk);
        job->follows_unk = true;
    }
}

static void add_chars(tok_job *job, const tok_model *m, tok_word w) {
    uint32_t c;
    job->symbols = 0;
    job->follows_unk = false;
    for (size_t at = 0, n; at < w.n; at += n) {
        n = tok_step(w.p + at, w.p + w.n, &c);
        int32_t id = find_char(job, m, w, at, n);
        if (id < 0) {
            add_unknown(job, m, w, at, n);
            continue;
        }
        add_symbol(job, at, n, id);
        job->follows_unk = false;
    }
}

/* --- words, with the cache -------------------------------------------------------------------- */

enum { MOST_CACHED = sizeof((tok_cached *)NULL)->text };

/* Whoever finds that much was merged makes it; NULL: there is none. */
static const tok_chain *chain_of(tok_job *job, const tok_model *m, size_t n) {
    tok_model *own = (tok_model *)(uintptr_t)m;
    tok_chain *c = atomic_load_explicit(&own->chain, memory_order_acquire);
    size_t before = c ? 0 : atomic_fetch_add_explicit(&own->merged, n, memory_order_relaxed);
    if (c || before >= TOK_CHAIN_AFTER || before + n < TOK_CHAIN_AFTER || mx_failed())
        return c;
    c = tok_chain_new(job->t);
    mx_error_clear(); // it does without
    atomic_store_explicit(&own->chain, c, memory_order_release);
    return c;
}

static void encode(tok_job *job, const tok_model *m, tok_word w) {
    const tok_chain *c = chain_of(job, m, w.n);
    if (c && tok_chain_run(job, m, c, w)) {
        for (size_t i = 0; i < job->symbols; i++) {
            const tok_symbol *s = &job->symbol[i];
            tok_emit(job, w, s->at, (size_t)s->at + s->n, s->id);
        }
        job->follows_unk = false;
        return;
    }
    add_chars(job, m, w);
    merge_all(job, m, w);
    for (int32_t i = job->symbols ? 0 : -1; i >= 0; i = job->symbol[i].next) {
        const tok_symbol *s = &job->symbol[i];
        tok_emit(job, w, s->at, (size_t)s->at + s->n, s->id);
    }
}

static void remember(tok_cached *c, tok_word w, const int32_t *ids, size_t n) {
    if (n > sizeof c->id / sizeof *c->id)
        return;
    c->n = (uint8_t)w.n;
    c->ids = (uint8_t)n;
    memcpy(c->text, w.p, w.n);
    memcpy(c->id, ids, n * sizeof *ids);
}

/* Words with the unknown piece depend on what is before them, and so does what follows one. */
static bool may_be_kept(const tok_job *job, const tok_model *m, size_t before) {
    for (size_t i = before; i < job->out.n; i++)
        if (job->out.p[i] == m->unk)
            return false;
    return job->out.p;
}

/* Where a word would be. NULL: it may be in none. */
static tok_cached *line_of(const tok_job *job, tok_word w) {
    if (w.span || w.n > MOST_CACHED)
        return NULL;
    tok_cached *c = &job->cache[tok_hash(job->t->vocab.seed, w.p, w.n) & (TOK_WORD_CACHE - 1)];
    __builtin_prefetch(c);
    return c;
}

static void run_by(tok_job *job, const tok_model *m, tok_word w, tok_cached *c, tok_run_word *run) {
    if (!c) {
        run(job, m, w);
        return;
    }
    size_t before = job->out.n;
    if (c->n == w.n && tok_is_same(c->text, w.p, w.n)) {
        for (size_t i = 0; i < c->ids; i++)
            tok_ids_put(&job->out, c->id[i]);
        job->follows_unk = false;
        return;
    }
    bool follows_unk = job->follows_unk;
    run(job, m, w);
    if (!follows_unk && may_be_kept(job, m, before))
        remember(c, w, job->out.p + before, job->out.n - before);
}

void tok_run_cached(tok_job *job, const tok_model *m, tok_word w, tok_run_word *run) {
    run_by(job, m, w, line_of(job, w), run);
}

/* May words that the cache cannot hold be divided, where that changes nothing? Not where a chain
   takes any word as it is, which is faster. */
static bool divides_long(const tok_model *m) {
    const tok_chain *c = atomic_load_explicit(&m->chain, memory_order_acquire);
    return m->joined && !(c && tok_chain_is_whole(c));
}

/* A part's line is on its way while the part before it is encoded. */
static void encode_parts(tok_job *job, const tok_model *m, tok_word w, tok_run_word *run) {
    bool divides = w.n > MOST_CACHED && divides_long(m);
    tok_word part = tok_part(w, 0, divides ? tok_end_of_part(m, w, 0) : w.n), next;
    tok_cached *line = line_of(job, part), *next_line;
    for (size_t at = part.n; at < w.n; at += next.n, part = next, line = next_line) {
        next = tok_part(w, at, tok_end_of_part(m, w, at));
        next_line = line_of(job, next);
        run_by(job, m, part, line, run);
    }
    run_by(job, m, part, line, run);
}

/* A word that is a piece, whatever its merges are: parts of a word are not looked up like this, so
   that they are not in the cache. */
static void encode_whole(tok_job *job, const tok_model *m, tok_word w) {
    int32_t whole = tok_vocab_find(&job->t->vocab, w.p, w.n);
    if (whole >= 0)
        tok_emit(job, w, 0, w.n, whole);
    else
        encode(job, m, w);
}

void tok_model_bpe(tok_job *job, const tok_model *m, tok_word w) {
    job->follows_unk = false;
    int32_t one = w.n == 1 && (unsigned char)*w.p < 128 ? m->one[(unsigned char)*w.p] : -1;
    if (one >= 0)
        tok_emit(job, w, 0, 1, one);
    else if (m->ignore_merges)
        tok_run_cached(job, m, w, encode_whole);
    else
        encode_parts(job, m, w, encode);
}

/* --- SentencePiece: by scores ----------------------------------------------------------------- */

void tok_put_unknown(tok_job *job, const tok_model *m, tok_word w, size_t at, size_t n) {
    if (has_bytes(m, w.p + at, n)) {
        for (size_t i = at; i < at + n; i++)
            tok_emit(job, w, at, at + n, m->byte_id[(unsigned char)w.p[i]]);
        job->follows_unk = false;
    } else if (m->unk >= 0 && !(m->fuse_unk && job->follows_unk)) {
        tok_emit(job, w, at, at + n, m->unk);
        job->follows_unk = true;
    } else if (m->unk >= 0 && w.span && job->out.n && job->out.n <= job->span_room)
        job->span[job->out.n - 1].to = w.span[at + n - 1].to;
}

static void put_symbol(tok_job *job, const tok_model *m, tok_word w, const tok_symbol *s) {
    const tok_vocab *v = &job->t->vocab;
    int32_t id = tok_vocab_find(v, w.p + s->at, s->n);
    if (id < 0 || v->piece[id].type == TOK_BYTE || v->piece[id].type == TOK_CONTROL ||
        v->piece[id].type == TOK_UNKNOWN) {
        tok_put_unknown(job, m, w, s->at, s->n);
        return;
    }
    tok_emit(job, w, s->at, (size_t)s->at + s->n, id);
    job->follows_unk = false;
}

static void encode_scored(tok_job *job, const tok_model *m, tok_word w) {
    uint32_t c;
    job->symbols = 0;
    for (size_t at = 0, n; at < w.n; at += n) {
        bool frozen = tok_trie_longest(&m->user, w.p + at, w.p + w.n, &n) >= 0;
        n = frozen ? n : tok_step(w.p + at, w.p + w.n, &c);
        add_symbol(job, at, n, frozen ? TOK_TEXT_B : 0);
    }
    merge_all(job, m, w);
    for (int32_t i = job->symbols ? 0 : -1; i >= 0; i = job->symbol[i].next)
        put_symbol(job, m, w, &job->symbol[i]);
}

void tok_model_scored_bpe(tok_job *job, const tok_model *m, tok_word w) {
    job->follows_unk = false;
    encode_parts(job, m, w, encode_scored);
}
