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

#include "base/status.h"
#include "base/vec.h"
#include "models/tokenizer/model/chain.h"

#ifndef TOK_COUNT
#define TOK_COUNT() ((void)0) /* a test counts the steps */
#endif

/* --- pairs ------------------------------------------------------------------------------------ */

/* 0: they are not joined. */
static inline uint32_t rank_of(const tok_model *m, const tok_chain *c, const tok_node *x,
                               const tok_node *y) {
    if (c->rank && !x->rank && !y->rank && (x->left | y->left) < TOK_UNITS)
        return c->rank[x->left * TOK_UNITS + y->left];
    uint64_t pair = tok_bpe_pair(x->id, y->id), bits, word = *tok_chain_word(c, pair, &bits);
    return (word & bits) == bits ? tok_bpe_find(m, pair)->rank : 0;
}

/* What uses up a piece at the border, with its neighbour further away. */
typedef struct use {
    uint32_t rank, time;
    bool waits; /* for that neighbour, which comes at the same time */
} use;

/* Are two pieces joined that stand at the border, and what uses them up? */
static bool is_joined(uint32_t rank, const tok_node *x, const tok_node *y, use left, use right) {
    uint32_t both = x->time > y->time ? x->time : y->time; // since when they stand there
    if (rank >= both)
        return rank < left.time && rank <= right.time;
    return (left.time > both || rank < left.rank) &&
           (right.time > both || y->time < both || right.waits || rank <= right.rank);
}

static const use never = {UINT32_MAX, UINT32_MAX, false};

static use use_of_left(const tok_node *x) {
    return (use){x->rank, x->time, false};
}

static use use_of_right(const tok_chain *c, const tok_node *y) {
    return (use){y->rank, y->time, c->node[y->right].time == y->time};
}

/* Where all ways back in time end: is nothing joined of the characters at the border? Mostly that
   tells. */
static bool chars_meet(const tok_model *m, const tok_chain *c, int32_t a, int32_t b) {
    use left = never, right = never;
    const tok_node *x = &c->node[a], *y = &c->node[b];
    for (; x->rank; x = &c->node[x->right])
        left = use_of_left(x);
    for (; y->rank; y = &c->node[y->left])
        right = use_of_right(c, y);
    uint32_t rank = rank_of(m, c, x, y);
    return !rank || !is_joined(rank, x, y, left, right);
}

static inline bool meets(const tok_model *m, const tok_chain *c, int32_t a, int32_t b, bool whole) {
    use left = never, right = never;
    const tok_node *x = &c->node[a], *y = &c->node[b];
    if ((!whole || x->rank || y->rank) && !chars_meet(m, c, a, b))
        return false;
    for (; x->rank || y->rank; whole = false) {
        TOK_COUNT();
        uint32_t rank = whole ? 0 : rank_of(m, c, x, y);
        if (rank && is_joined(rank, x, y, left, right))
            return false;
        if (x->time > y->time) {
            left = use_of_left(x);
            x = &c->node[x->right];
        } else {
            right = use_of_right(c, y);
            y = &c->node[y->left];
        }
    }
    return true;
}

bool tok_chain_meets(const tok_model *m, const tok_chain *c, int32_t a, int32_t b, bool whole) {
    return meets(m, c, a, b, whole);
}

/* --- words ------------------------------------------------------------------------------------ */

typedef struct found {
    uint32_t n;
    int32_t node;
} found;

static inline unsigned count_bits(uint32_t x) {
    x -= x >> 1 & 0x55555555;
    x = (x & 0x33333333) + (x >> 2 & 0x33333333);
    return ((x + (x >> 4)) & 0x0F0F0F0F) * 0x01010101U >> 24;
}

/* 0: there is no way. */
static inline uint32_t step(const tok_chain *c, uint32_t node, unsigned char u) {
    const tok_node *x = &c->node[node];
    uint32_t bit = 1U << (u & 31);
    if (!(x->more & bit))
        return 0;
    uint32_t below = x->more & (bit - 1), to = x->next + (below ? count_bits(below) : 0);
    while (to && (unsigned char)c->node[to].link != u)
        to = c->node[to].link >> 8;
    return to;
}

/* The pieces that the text at p begins with, the longest last. */
static size_t find_pieces(const tok_chain *c, const char *p, const char *end, found *list) {
    const char *at = p;
    size_t n = 0, k;
    unsigned char u, before = 0;
    uint32_t node = 0;
    for (size_t i = 0; at < end && (k = tok_chain_unit(c, at, end, &u)); i++, before = u) {
        TOK_COUNT();
        node = i == 0 ? c->first[u] : i == 1 ? c->second[before * TOK_UNITS + u] : step(c, node, u);
        if (!node)
            break;
        at += k;
        if (c->node[node].id >= 0)
            list[n++] = (found){(uint32_t)(at - p), (int32_t)node};
    }
    return n;
}

/* A symbol's `prev` is its node. */
static bool push(tok_job *job, const tok_chain *c, size_t at, found f) {
    if (!mx_grow(&job->symbol, &job->symbol_room, job->symbols + 1, sizeof *job->symbol))
        return false;
    job->symbol[job->symbols++] = (tok_symbol){(uint32_t)at, f.n, f.node, -1, c->node[f.node].id};
    return true;
}

static bool is_dead(const tok_job *job, size_t at) {
    return job->dead[at >> 3] >> (at & 7) & 1;
}

static bool may_come(const tok_job *job, const tok_model *m, const tok_chain *c, size_t at,
                     const tok_symbol *last, found f) {
    return !is_dead(job, at + f.n) && (!last || meets(m, c, last->prev, f.node, false));
}

/* The longest piece that may come next; in a run of one piece that piece again, whose text may
   begin longer ones that cannot stay. False: there is none. */
static bool go_on(tok_job *job, const tok_model *m, const tok_chain *c, size_t at,
                  const found *list, size_t n) {
    const tok_symbol *last = job->symbols ? &job->symbol[job->symbols - 1] : NULL;
    for (size_t i = n; last && i-- && list[i].n >= last->n;)
        if (list[i].node == last->prev && may_come(job, m, c, at, last, list[i]))
            return push(job, c, at, list[i]);
    while (n--)
        if (may_come(job, m, c, at, last, list[n]))
            return push(job, c, at, list[n]);
    return false;
}

bool tok_chain_run(tok_job *job, const tok_model *m, const tok_chain *c, tok_word w) {
    found list[TOK_MOST_LENGTH];
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
