/* How a chain is made (chain.h): which pieces are what merging makes of their text, short ones
 * first, and a trie of them. */
#include "base/memory/large.h"
#include "base/mem.h"
#include "models/tokenizer/model/chain.h"

/* --- how pieces are made ---------------------------------------------------------------------- */

static bool is_made(const tok_chain *c, int32_t id) {
    return c->node[id].left != TOK_UNMADE;
}

static bool is_char(tok_text s) {
    uint32_t c;
    return s.n && tok_step(s.p, s.p + s.n, &c) == s.n;
}

static bool begin(tok_chain *c, const mx_tokenizer *t) {
    for (uint32_t x = 0; x < sizeof c->byte / sizeof *c->byte; x++)
        c->byte[x] = (int16_t)tok_byte_of_char(x);
    c->node = mx_calloc(t->vocab.count + 1, sizeof *c->node);
    for (c->logs = 6; c->logs < 18 && (t->model.slots >> c->logs) > 8;)
        c->logs++;
    c->maybe = mx_calloc((size_t)1 << c->logs, sizeof *c->maybe);
    for (size_t i = 0; c->node && i < t->vocab.count; i++) {
        bool one = is_char(tok_vocab_piece(&t->vocab, (int64_t)i));
        c->node[i] = (tok_node){.left = one ? TOK_UNITS : TOK_UNMADE, .id = (int32_t)i};
    }
    for (size_t i = 0; c->maybe && i < t->model.slots; i++)
        if (t->model.merge[i].rank) {
            uint64_t bits, *word = tok_chain_word(c, t->model.merge[i].pair, &bits);
            *word |= bits;
        }
    return c->node && c->maybe;
}

static uint32_t later(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

/* Of merges that make one piece one is the way in which its own text becomes it. */
static void make_piece(const tok_model *m, tok_chain *c, const tok_merge *g) {
    int32_t a = (int32_t)(g->pair >> 32), b = (int32_t)g->pair;
    if (!is_made(c, g->id) && is_made(c, a) && is_made(c, b) && tok_chain_meets(m, c, a, b, true))
        c->node[g->id] = (tok_node){.rank = g->rank,
                                    .time = later(g->rank, later(c->node[a].time, c->node[b].time)),
                                    .left = a,
                                    .right = b,
                                    .id = g->id};
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

static bool add_piece(tok_chain *c, tok_trie *trie, tok_text s, int32_t id) {
    char text[TOK_MOST_LENGTH];
    size_t n = 0;
    if (s.n > TOK_MOST_LENGTH)
        return false;
    for (size_t at = 0; at < s.n; n++)
        at += tok_chain_unit(c, s.p + at, s.p + s.n, (unsigned char *)&text[n]);
    if (n == 1)
        c->node[id].left = (unsigned char)*text;
    return tok_trie_add(trie, (tok_text){text, n}, id);
}

static bool add_pieces(const mx_tokenizer *t, tok_chain *c, tok_trie *trie) {
    c->bytes = stands_for_bytes(t, c);
    for (size_t i = 0; i < t->vocab.count; i++) {
        tok_text s = tok_vocab_piece(&t->vocab, (int64_t)i);
        if (is_made(c, (int32_t)i) && tok_vocab_find(&t->vocab, s.p, s.n) == (int32_t)i &&
            !add_piece(c, trie, s, (int32_t)i))
            return false;
    }
    return true;
}

/* --- nodes ------------------------------------------------------------------------------------ */

/* Edges of a trie by the nodes that they lead from, sorted by counting: those of node i end at
   end[i]. */
typedef struct sorted {
    const tok_edge **edge;
    size_t *end;
} sorted;

static void count_edge(const tok_edge *e, sorted *to, bool put) {
    if (e->to && put)
        to->edge[to->end[e->key >> 8]++] = e;
    else if (e->to)
        to->end[e->key >> 8]++;
}

static void count_edges(const tok_trie *trie, sorted *to, bool put) {
    for (size_t i = 0; i < TOK_UNITS; i++)
        count_edge(&trie->first[i], to, put);
    for (size_t i = 0; i < trie->slots; i++)
        count_edge(&trie->edge[i], to, put);
}

static bool sort_edges(const tok_trie *trie, sorted *to) {
    to->edge = mx_calloc(trie->nodes + 1, sizeof *to->edge);
    to->end = mx_calloc(trie->nodes + 1, sizeof *to->end);
    if (!to->edge || !to->end)
        return false;
    count_edges(trie, to, false);
    for (size_t i = 0, n = 0, k; i < trie->nodes; i++, n += k) {
        k = to->end[i];
        to->end[i] = n;
    }
    count_edges(trie, to, true);
    return true;
}

/* Nodes for n edges that lead from x: the first of each bit in order, others behind them. */
static void place_nodes(tok_chain *c, tok_node *x, const tok_edge **edge, size_t n,
                        uint32_t *place) {
    uint32_t seen = 0, next = (uint32_t)c->nodes, others;
    for (size_t i = 0; i < n; i++)
        x->more |= 1U << (edge[i]->key & 31);
    x->next = next;
    others = next + (uint32_t)__builtin_popcount(x->more);
    for (size_t i = 0; i < n; i++) {
        uint32_t unit = edge[i]->key & 255, bit = 1U << (unit & 31), link = 0;
        uint32_t at = next + (uint32_t)__builtin_popcount(x->more & (bit - 1));
        if (seen & bit) {
            tok_node *head = &c->node[at];
            link = head->link & ~255U;
            at = others++;
            head->link = at << 8 | (head->link & 255);
        }
        seen |= bit;
        c->node[at] = (tok_node){.left = TOK_UNMADE, .id = edge[i]->value, .link = link | unit};
        place[edge[i]->to] = at;
    }
    c->nodes += n;
}

/* Pieces and their parts, which went by id, into nodes. */
static bool move_pieces(tok_chain *c, const tok_node *by_id, size_t ids) {
    int32_t *node_of = mx_calloc(ids + 1, sizeof *node_of);
    for (size_t i = 0; node_of && i < c->nodes; i++)
        if (c->node[i].id >= 0)
            node_of[c->node[i].id] = (int32_t)i;
    for (size_t i = 0; node_of && i < c->nodes; i++) {
        tok_node *x = &c->node[i];
        const tok_node *from = x->id >= 0 ? &by_id[x->id] : x;
        x->rank = from->rank;
        x->time = from->time;
        x->right = from->rank ? node_of[from->right] : 0;
        x->left = from->rank ? node_of[from->left] : from->left;
    }
    mx_free(node_of);
    return node_of;
}

/* What there is of one and two units: nodes, and merges. */
static bool index_units(const tok_model *m, tok_chain *c, const tok_trie *trie,
                        const uint32_t *place) {
    c->second = mx_calloc((size_t)TOK_UNITS * TOK_UNITS, sizeof *c->second);
    uint32_t *rank = mx_calloc((size_t)TOK_UNITS * TOK_UNITS, sizeof *rank);
    for (size_t i = 0; c->second && rank && i < (size_t)TOK_UNITS * TOK_UNITS; i++) {
        const tok_edge *a = tok_trie_step(trie, NULL, (unsigned char)(i / TOK_UNITS)),
                       *b = tok_trie_step(trie, NULL, (unsigned char)i),
                       *e = a ? tok_trie_step(trie, a, (unsigned char)i) : NULL;
        c->first[i / TOK_UNITS] = a ? place[a->to] : 0;
        c->second[i] = e ? place[e->to] : 0;
        if (a && b && a->value >= 0 && b->value >= 0)
            rank[i] = tok_bpe_find(m, tok_bpe_pair(a->value, b->value))->rank;
    }
    c->rank = rank;
    c->whole = c->bytes;
    for (size_t u = 0; u < TOK_UNITS; u++)
        c->whole &= c->first[u] && c->node[c->first[u]].id >= 0;
    return c->second && c->rank;
}

static bool make_nodes(const mx_tokenizer *t, tok_chain *c, const tok_trie *trie) {
    sorted by = {0};
    tok_node *by_id = c->node;
    uint32_t *place = mx_calloc(trie->nodes + 1, sizeof *place);
    c->node = mx_calloc(trie->nodes + 1, sizeof *c->node);
    mx_large_ask(c->node, (trie->nodes + 1) * sizeof *c->node);
    bool ok = place && c->node && sort_edges(trie, &by);
    if (ok)
        c->node[0] = (tok_node){.left = TOK_UNMADE, .id = -1};
    c->nodes = 1;
    for (size_t i = 0, at = 0; ok && i < trie->nodes; at = by.end[i++]) // the lower ones lead
        place_nodes(c, &c->node[place[i]], by.edge + at, by.end[i] - at, place);
    ok = ok && move_pieces(c, by_id, t->vocab.count) && index_units(&t->model, c, trie, place);
    mx_free(by.edge);
    mx_free(by.end);
    mx_free(place);
    mx_free(by_id);
    return ok;
}

static bool index_pieces(const mx_tokenizer *t, tok_chain *c) {
    tok_trie trie = {0};
    bool ok = add_pieces(t, c, &trie) && make_nodes(t, c, &trie);
    tok_trie_free(&trie);
    return ok;
}

void tok_chain_free(tok_chain *c) {
    if (!c)
        return;
    mx_free(c->node);
    mx_free(c->maybe);
    mx_free(c->second);
    mx_free(c->rank);
    mx_free(c);
}

bool tok_chain_is_whole(const tok_chain *c) {
    return c->whole;
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
