/* A trie over bytes: which of many texts begin here?
 *
 *     edge    (node, byte) -> node     one table by hash
 *     value   of a node: -1, or the number of the text that ends there
 */
#ifndef MX_TOKENIZER_TRIE_H
#define MX_TOKENIZER_TRIE_H

#include "models/tokenizer/text.h"

typedef struct tok_edge {
    uint32_t key; /* node << 8 | byte */
    uint32_t to;  /* 0: free */
} tok_edge;

typedef struct tok_trie {
    tok_edge *edge;
    size_t slots, nodes, room;
    int32_t *value;
    uint32_t first[256]; /* the edges of the root */
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
/* From a node that is not the root. */
static inline uint32_t tok_trie_edge(const tok_trie *t, uint32_t node, unsigned char c) {
    return t->slots ? t->edge[tok_trie_slot(t, node << 8 | c)].to : 0;
}
/* From node (0: the root) by a byte; 0: there is no way. */
static inline uint32_t tok_trie_step(const tok_trie *t, uint32_t node, unsigned char c) {
    return node ? tok_trie_edge(t, node, c) : t->first[c];
}
/* The longest text at p: its value, -1 where there is none, and its length. */
int32_t tok_trie_longest(const tok_trie *t, const char *p, const char *end, size_t *n);

#endif
