/* A trie over bytes: which of many texts begin here?
 *
 *     (node, byte) -> edge     one table by hash, and one for the root
 *
 * An edge has all that is to be known of the node that it leads to: a step looks into memory once,
 * and where a step leads nowhere mostly not at all.
 */
#ifndef MX_TOKENIZER_TRIE_H
#define MX_TOKENIZER_TRIE_H

#include "models/tokenizer/text.h"

typedef struct tok_edge {
    uint32_t key;  /* node << 8 | byte */
    uint32_t to;   /* 0: there is none */
    int32_t value; /* -1, or the number of the text that ends there */
    uint32_t more; /* bits of the bytes, modulo 32, that lead on */
} tok_edge;

typedef struct tok_trie {
    tok_edge *edge;
    size_t slots, nodes; /* with the root, number 0, where there are any */
    tok_edge first[256]; /* of the root */
} tok_trie;

enum { TOK_MOST_NODES = 1 << 24 };

/* The first of two equal texts counts. Empty ones are left out. */
bool tok_trie_add(tok_trie *t, tok_text text, int32_t value);
void tok_trie_free(tok_trie *t);

static inline size_t tok_trie_slot(const tok_trie *t, uint32_t key) {
    size_t i = (size_t)(key * 0x9E3779B97F4A7C15U >> 24) & (t->slots - 1);
    while (t->edge[i].to && t->edge[i].key != key)
        i = (i + 1) & (t->slots - 1);
    return i;
}
/* Where an edge (NULL: the root) leads by a byte; NULL: nowhere. */
static inline const tok_edge *tok_trie_step(const tok_trie *t, const tok_edge *from,
                                            unsigned char c) {
    if (from && !(from->more >> (c & 31) & 1))
        return NULL;
    const tok_edge *e = from ? &t->edge[tok_trie_slot(t, from->to << 8 | c)] : &t->first[c];
    return e->to ? e : NULL;
}
/* The longest text at p: its value, -1 where there is none, and its length. */
int32_t tok_trie_longest(const tok_trie *t, const char *p, const char *end, size_t *n);

#endif
