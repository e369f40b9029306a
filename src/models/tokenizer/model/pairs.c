/* Where a word of BPE may be divided.
 *
 * A merge joins the last character of one piece and the first of another. Between two characters
 * that no merge joins nothing is ever merged, so what stands before and behind is encoded alone:
 * a text without spaces to divide by becomes short words, which the cache knows. All pairs that are
 * joined are bits of a table by hash; two pairs with one bit divide less, and nothing else.
 */
#include "base/mem.h"
#include "models/tokenizer/parts.h"

enum { BITS = 20 };

static uint32_t bit_of(uint32_t a, uint32_t b) {
    return (uint32_t)((a * 0x9E3779B97F4A7C15U ^ b) * 0xD6E8FEB86659FD93U >> (64 - BITS));
}

static void join(tok_model *m, uint32_t a, uint32_t b) {
    uint32_t i = bit_of(a, b);
    m->joined[i >> 5] |= 1U << (i & 31);
    if ((a | b) < TOK_NEAR)
        m->joined_near[a][b >> 5] |= 1U << (b & 31);
}

/* Characters within a piece that a merge makes. */
static void join_all(tok_model *m, tok_text s) {
    uint32_t a, b;
    for (size_t at = s.n ? tok_step(s.p, s.p + s.n, &a) : 0; at < s.n; a = b) {
        at += tok_step(s.p + at, s.p + s.n, &b);
        join(m, a, b);
    }
}

/* The unknown piece and pieces of bytes stand for other characters than they have. */
static bool is_text(const mx_tokenizer *t, int32_t id) {
    return id != t->model.unk && tok_byte_of_piece(tok_vocab_piece(&t->vocab, id)) < 0;
}

/* False: a merge does not say which characters it joins. */
static bool join_merge(mx_tokenizer *t, const tok_merge *g) {
    int32_t left = (int32_t)(g->pair >> 32), right = (int32_t)g->pair;
    tok_text a = tok_vocab_piece(&t->vocab, left), b = tok_vocab_piece(&t->vocab, right);
    uint32_t c;
    if (!is_text(t, left) || !is_text(t, right) || !a.n || !b.n)
        return false;
    tok_step(b.p, b.p + b.n, &c);
    join(&t->model, tok_before(a.p, a.p + a.n), c);
    return true;
}

/* Does a character depend on nothing but what is merged with it? */
static bool may_divide(const tok_model *m) {
    bool bytes = m->byte_fallback;
    for (int b = 0; b < 256; b++)
        bytes = bytes && m->byte_id[b] >= 0;
    return !m->prefix.n && !m->suffix.n && (bytes || !m->fuse_unk || m->unk < 0);
}

static bool begin(tok_model *m) {
    m->joined = mx_calloc((1U << BITS) / 32, sizeof *m->joined);
    return m->joined;
}

bool tok_join_merges(mx_tokenizer *t) {
    tok_model *m = &t->model;
    bool divides = may_divide(m);
    if (divides && !begin(m))
        return false;
    for (size_t i = 0; divides && i < m->slots; i++)
        divides = !m->merge[i].rank || join_merge(t, &m->merge[i]);
    if (!divides) {
        mx_free(m->joined);
        m->joined = NULL;
    }
    return true;
}

bool tok_join_pieces(mx_tokenizer *t) {
    if (!begin(&t->model))
        return false;
    for (size_t i = 0; i < t->vocab.count; i++)
        join_all(&t->model, tok_vocab_piece(&t->vocab, (int64_t)i));
    return true;
}

size_t tok_end_of_part(const tok_model *m, tok_word w, size_t at) {
    const char *end = w.p + w.n, *p = w.p + at;
    uint32_t a, b;
    p += tok_step(p, end, &a);
    for (size_t k; p < end; p += k, a = b) {
        k = tok_step(p, end, &b);
        if ((a | b) < TOK_NEAR ? !(m->joined_near[a][b >> 5] >> (b & 31) & 1)
                               : !(m->joined[bit_of(a, b) >> 5] >> (bit_of(a, b) & 31) & 1))
            break;
    }
    return (size_t)(p - w.p);
}
