/* Byte pair encoding without a queue of merges.
 *
 * Let enc(s) be what merging makes of s: of the pairs that can be merged always the one of least
 * rank, the leftmost of equal ones. Then
 *
 *   1. pieces t1 t2 ... tn are enc of their text if and only if each of them is enc of its own, and
 *      each two neighbours are enc of theirs. Two pieces are enc of theirs unless a merge joins
 *      something across the border; up to the first such merge each side goes its own way, whatever
 *      stands beyond it.
 *   2. so the beginnings of a text that are divided in this way are divided in one way only, and a
 *      text is encoded from left to right: the longest piece that may follow, then shorter ones;
 *      where none may, the last piece was wrong, and its end is a dead end for good.
 *   3. merges have times: a merge comes at its rank, or where its parts come later, with the later
 *      of them, at once. Of one time those further left come first, with all that they bring
 *      about. A piece at the border is there from the time that made it to the one that uses it up.
 *      Going back in time from two pieces, the later one into its parts, meets all pairs that have
 *      stood at the border; one is joined if its time comes before either is used up.
 *
 * Each piece is walked to at most once from each place, so the time is n times the longest piece.
 * The table of how pieces are made takes some time itself: it is made when a tokenizer has merged
 * a while (TOK_CHAIN_AFTER bytes).
 */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"
#include "models/tokenizer/parts.h"

#ifndef TOK_COUNT
#define TOK_COUNT() ((void)0) /* a test counts the steps */
#endif

enum { UNMADE = -1, UNITS = 256, FILTER_WORDS = 15, MOST_LENGTH = 1024 };

/* How a piece is made of its text. */
typedef struct made {
    uint32_t rank, time; /* of its last merge; 0: it is a character */
    /* Its parts; left UNMADE: no text becomes it. Of a character left is its unit; UNITS: it has
       none, or more than one. */
    int32_t left, right;
} made;

/* Text is walked through in units: bytes, or in a byte-level vocabulary what its characters stand
   for. */
struct tok_chain {
    made *made;          /* by id */
    tok_trie trie;       /* of those that are made, by units */
    tok_edge *second;    /* behind each two units that pieces begin with */
    uint64_t *maybe;     /* of pairs that are joined two bits, by hash, of one word */
    uint32_t *rank;      /* of merges of two units: 0: there is none. NULL: not known yet */
    int16_t byte[0x800]; /* that a character of two bytes stands for; -1: none */
    bool bytes;          /* byte-level */
};

/* --- pairs ------------------------------------------------------------------------------------ */

static inline uint64_t *word_of(const tok_chain *c, uint64_t pair, uint64_t *bits) {
    uint64_t h = pair * 0x9E3779B97F4A7C15U;
    *bits = (uint64_t)1 << (h >> 43 & 63) | (uint64_t)1 << (h >> 37 & 63);
    return &c->maybe[h >> (64 - FILTER_WORDS)];
}

/* 0: they are not joined. */
static inline uint32_t rank_of(const tok_model *m, const tok_chain *c, int32_t a, int32_t b) {
    uint64_t pair = tok_bpe_pair(a, b), bits, word = *word_of(c, pair, &bits);
    return (word & bits) == bits ? tok_bpe_find(m, pair)->rank : 0;
}

/* The same of two characters. */
static inline uint32_t rank_of_chars(const tok_model *m, const tok_chain *c, int32_t a, int32_t b) {
    int32_t x = c->made[a].left, y = c->made[b].left;
    return c->rank && (x | y) < UNITS ? c->rank[x * UNITS + y] : rank_of(m, c, a, b);
}

/* What uses up a piece at the border, with its neighbour further away. */
typedef struct use {
    uint32_t rank, time;
    bool waits; /* for that neighbour, which comes at the same time */
} use;

/* Are two pieces joined that stand at the border, and what uses them up? */
static bool is_joined(uint32_t rank, const made *x, const made *y, use left, use right) {
    uint32_t both = x->time > y->time ? x->time : y->time; // since when they stand there
    if (rank >= both)
        return rank < left.time && rank <= right.time;
    return (left.time > both || rank < left.rank) &&
           (right.time > both || y->time < both || right.waits || rank <= right.rank);
}

/* Is nothing joined at the border of two pieces? whole: but for the two themselves. */
static bool may_meet(const tok_model *m, const tok_chain *c, int32_t a, int32_t b, bool whole) {
    use left = {UINT32_MAX, UINT32_MAX, false}, right = left;
    while (true) {
        TOK_COUNT();
        const made *x = &c->made[a], *y = &c->made[b];
        bool chars = !x->rank && !y->rank;
        uint32_t rank = whole ? 0 : chars ? rank_of_chars(m, c, a, b) : rank_of(m, c, a, b);
        if (rank && is_joined(rank, x, y, left, right))
            return false;
        if (chars)
            return true;
        whole = false;
        if (x->time > y->time) {
            left = (use){x->rank, x->time, false};
            a = x->right;
        } else {
            right = (use){y->rank, y->time, c->made[y->right].time == y->time};
            b = y->left;
        }
    }
}

/* --- how pieces are made ---------------------------------------------------------------------- */

static bool is_made(const tok_chain *c, int32_t id) {
    return c->made[id].left != UNMADE;
}

static bool is_char(tok_text s) {
    uint32_t c;
    return s.n && tok_step(s.p, s.p + s.n, &c) == s.n;
}

static bool begin(tok_chain *c, const mx_tokenizer *t) {
    for (uint32_t x = 0; x < sizeof c->byte / sizeof *c->byte; x++)
        c->byte[x] = (int16_t)tok_byte_of_char(x);
    c->made = mx_calloc(t->vocab.count + 1, sizeof *c->made);
    c->maybe = mx_calloc((size_t)1 << FILTER_WORDS, sizeof *c->maybe);
    for (size_t i = 0; c->made && i < t->vocab.count; i++)
        c->made[i].left = is_char(tok_vocab_piece(&t->vocab, (int64_t)i)) ? UNITS : UNMADE;
    for (size_t i = 0; c->maybe && i < t->model.slots; i++)
        if (t->model.merge[i].rank) {
            uint64_t bits, *word = word_of(c, t->model.merge[i].pair, &bits);
            *word |= bits;
        }
    return c->made && c->maybe;
}

static uint32_t later(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

/* Of merges that make one piece one is the way in which its own text becomes it. */
static void make_piece(const tok_model *m, tok_chain *c, const tok_merge *g) {
    int32_t a = (int32_t)(g->pair >> 32), b = (int32_t)g->pair;
    if (!is_made(c, g->id) && is_made(c, a) && is_made(c, b) && may_meet(m, c, a, b, true))
        c->made[g->id] =
            (made){g->rank, later(g->rank, later(c->made[a].time, c->made[b].time)), a, b};
}

/* Merges in order of what they make, short pieces first: sorted by counting. */
static bool make_pieces(const mx_tokenizer *t, tok_chain *c) {
    const tok_model *m = &t->model;
    size_t n = 0, lengths = t->vocab.longest + 2, *from = mx_calloc(lengths, sizeof *from);
    const tok_merge **list = mx_calloc(m->slots, sizeof *list);
    bool ok = from && list;
    for (size_t i = 0; ok && i < m->slots; i++)
        if (m->merge[i].rank)
            from[t->vocab.piece[m->merge[i].id].n + 1]++, n++;
    for (size_t i = 1; ok && i < lengths; i++)
        from[i] += from[i - 1];
    for (size_t i = 0; ok && i < m->slots; i++)
        if (m->merge[i].rank)
            list[from[t->vocab.piece[m->merge[i].id].n]++] = &m->merge[i];
    for (size_t i = 0; ok && i < n; i++)
        make_piece(m, c, list[i]);
    mx_free(from);
    mx_free(list);
    return ok;
}

/* --- pieces by text --------------------------------------------------------------------------- */

/* Bytes of the unit at p < end. 0: no piece has it. */
static inline size_t unit(const tok_chain *c, const char *p, const char *end, unsigned char *u) {
    *u = (unsigned char)*p;
    if (*u < 0x80 || !c->bytes)
        return 1;
    int byte = end - p < 2 ? -1 : c->byte[(*u & 0x1FU) << 6 | (p[1] & 0x3FU)];
    *u = (unsigned char)byte;
    return byte < 0 ? 0 : 2;
}

/* Are all characters of pieces such that stand for bytes? */
static bool stands_for_bytes(const mx_tokenizer *t, const tok_chain *c) {
    uint32_t x;
    for (size_t i = 0; i < t->vocab.count; i++) {
        tok_text s = tok_vocab_piece(&t->vocab, (int64_t)i);
        if (!is_made(c, (int32_t)i))
            continue;
        for (size_t at = 0; at < s.n;) {
            at += tok_step(s.p + at, s.p + s.n, &x);
            if (tok_byte_of_char(x) < 0)
                return false;
        }
    }
    return true;
}

static bool index_piece(tok_chain *c, tok_text s, int32_t id) {
    char text[MOST_LENGTH];
    size_t n = 0;
    if (s.n > MOST_LENGTH)
        return false;
    for (size_t at = 0; at < s.n; n++)
        at += unit(c, s.p + at, s.p + s.n, (unsigned char *)&text[n]);
    if (n == 1)
        c->made[id].left = (unsigned char)*text;
    return tok_trie_add(&c->trie, (tok_text){text, n}, id);
}

/* What there is of two units: where pieces go on behind them, and their merges. */
static bool index_units(const tok_model *m, tok_chain *c) {
    c->second = mx_calloc((size_t)UNITS * UNITS, sizeof *c->second);
    c->rank = mx_calloc((size_t)UNITS * UNITS, sizeof *c->rank);
    for (size_t i = 0; c->second && i < (size_t)UNITS * UNITS; i++) {
        const tok_edge *e = tok_trie_step(&c->trie, NULL, (unsigned char)(i / UNITS));
        if (e && (e = tok_trie_step(&c->trie, e, (unsigned char)i)))
            c->second[i] = *e;
    }
    for (size_t i = 0; c->rank && i < m->slots; i++) {
        const tok_merge *g = &m->merge[i];
        const made *x = &c->made[g->pair >> 32], *y = &c->made[(uint32_t)g->pair];
        if (g->rank && !x->rank && !y->rank && x->left >= 0 && y->left >= 0 &&
            (x->left | y->left) < UNITS)
            c->rank[x->left * UNITS + y->left] = g->rank;
    }
    return c->second && c->rank;
}

static bool index_pieces(const mx_tokenizer *t, tok_chain *c) {
    c->bytes = stands_for_bytes(t, c);
    for (size_t i = 0; i < t->vocab.count; i++) {
        tok_text s = tok_vocab_piece(&t->vocab, (int64_t)i);
        if (is_made(c, (int32_t)i) && tok_vocab_find(&t->vocab, s.p, s.n) == (int32_t)i &&
            !index_piece(c, s, (int32_t)i))
            return false;
    }
    return index_units(&t->model, c);
}

void tok_chain_free(tok_chain *c) {
    if (!c)
        return;
    tok_trie_free(&c->trie);
    mx_free(c->made);
    mx_free(c->maybe);
    mx_free(c->second);
    mx_free(c->rank);
    mx_free(c);
}

tok_chain *tok_chain_new(const mx_tokenizer *t) {
    const tok_model *m = &t->model;
    if (!m->merge || m->prefix.n || m->suffix.n)
        return NULL;
    tok_chain *c = mx_calloc(1, sizeof *c);
    if (c && begin(c, t) && make_pieces(t, c) && index_pieces(t, c))
        return c;
    tok_chain_free(c);
    return NULL;
}

/* --- words ------------------------------------------------------------------------------------ */

typedef struct found {
    uint32_t n;
    int32_t id;
} found;

/* The pieces that the text at p begins with, the longest last. */
static size_t find_pieces(const tok_chain *c, const char *p, const char *end, found *list) {
    const char *at = p;
    size_t n = 0, k;
    unsigned char u, before = 0;
    const tok_edge *e = NULL;
    for (size_t i = 0; at < end && (k = unit(c, at, end, &u)); i++, before = u) {
        TOK_COUNT();
        e = i == 1 ? &c->second[before * UNITS + u] : tok_trie_step(&c->trie, e, u);
        if (!e || !e->to)
            break;
        at += k;
        if (e->value >= 0) {
            list[n++] = (found){(uint32_t)(at - p), e->value};
            __builtin_prefetch(&c->made[e->value]);
        }
    }
    return n;
}

static bool push(tok_job *job, size_t at, found f) {
    if (!mx_grow(&job->symbol, &job->symbol_room, job->symbols + 1, sizeof *job->symbol))
        return false;
    job->symbol[job->symbols++] = (tok_symbol){(uint32_t)at, f.n, -1, -1, f.id};
    return true;
}

static bool is_dead(const tok_job *job, size_t at) {
    return job->dead[at >> 3] >> (at & 7) & 1;
}

static bool may_come(const tok_job *job, const tok_model *m, const tok_chain *c, size_t at,
                     const tok_symbol *last, found f) {
    return !is_dead(job, at + f.n) && (!last || may_meet(m, c, last->id, f.id, false));
}

/* The longest piece that may come next; in a run of one piece that piece again, whose text may
   begin longer ones that cannot stay. False: there is none. */
static bool go_on(tok_job *job, const tok_model *m, const tok_chain *c, size_t at,
                  const found *list, size_t n) {
    const tok_symbol *last = job->symbols ? &job->symbol[job->symbols - 1] : NULL;
    for (size_t i = n; last && i-- && list[i].n >= last->n;)
        if (list[i].id == last->id && may_come(job, m, c, at, last, list[i]))
            return push(job, at, list[i]);
    while (n--)
        if (may_come(job, m, c, at, last, list[n]))
            return push(job, at, list[n]);
    return false;
}

bool tok_chain_run(tok_job *job, const tok_model *m, const tok_chain *c, tok_word w) {
    found list[MOST_LENGTH];
    size_t at = 0, bytes = w.n / 8 + 1;
    job->symbols = 0;
    if (!mx_grow(&job->dead, &job->dead_room, bytes, 1))
        return false;
    memset(job->dead, 0, bytes);
    while (at < w.n && !mx_failed()) {
        size_t n = find_pieces(c, w.p + at, w.p + w.n, list);
        if (!n)
            return false; // a character that has no piece
        if (!go_on(job, m, c, at, list, n)) {
            if (!job->symbols)
                return false;
            job->dead[at >> 3] |= (uint8_t)(1U << (at & 7));
            job->symbols--;
        }
        const tok_symbol *last = job->symbols ? &job->symbol[job->symbols - 1] : NULL;
        at = last ? (size_t)last->at + last->n : 0;
    }
    return !mx_failed();
}
