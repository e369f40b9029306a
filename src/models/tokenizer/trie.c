/* A trie: see trie.h. */
#include "models/tokenizer/trie.h"

#include "base/mem.h"
#include "base/status.h"

static bool rehash(tok_trie *t) {
    tok_trie more = {.slots = t->slots ? 2 * t->slots : 256};
    more.edge = mx_calloc(more.slots, sizeof *more.edge);
    if (!more.edge)
        return false;
    for (size_t i = 0; i < t->slots; i++)
        if (t->edge[i].to)
            more.edge[tok_trie_slot(&more, t->edge[i].key)] = t->edge[i];
    mx_free(t->edge);
    t->edge = more.edge;
    t->slots = more.slots;
    return true;
}

/* Keys of the root's edges are bytes. */
static tok_edge *edge_of(tok_trie *t, uint32_t key) {
    return key < 256 ? &t->first[key] : &t->edge[tok_trie_slot(t, key)];
}

static tok_edge *step_or_add(tok_trie *t, const tok_edge *from, unsigned char c) {
    uint32_t key = (from ? from->to : 0) << 8 | c, above = from ? from->key : 0;
    if (4 * t->nodes >= 3 * t->slots && !rehash(t)) // `from` may be no more
        return NULL;
    tok_edge *e = edge_of(t, key);
    if (e->to)
        return e;
    if (t->nodes >= TOK_MOST_NODES)
        return mx_fail(MX_FORMAT, "[tokenizer] the pieces are too many and too long"), NULL;
    t->nodes += !t->nodes; // 0 is the root
    *e = (tok_edge){key, (uint32_t)t->nodes++, -1, 0};
    if (key >= 256)
        edge_of(t, above)->more |= 1U << (c & 31);
    return e;
}

bool tok_trie_add(tok_trie *t, tok_text text, int32_t value) {
    tok_edge *e = NULL;
    for (size_t i = 0; i < text.n; i++)
        if (!(e = step_or_add(t, e, (unsigned char)text.p[i])))
            return false;
    if (e && e->value < 0)
        e->value = value;
    return true;
}

int32_t tok_trie_longest(const tok_trie *t, const char *p, const char *end, size_t *n) {
    int32_t found = -1;
    const tok_edge *e = NULL;
    *n = 0;
    for (const char *at = p; at < end && (e = tok_trie_step(t, e, (unsigned char)*at));) {
        at++;
        if (e->value >= 0) {
            found = e->value;
            *n = (size_t)(at - p);
        }
    }
    return found;
}

void tok_trie_free(tok_trie *t) {
    mx_free(t->edge);
}
