/* A trie: see trie.h. */
#include "models/tokenizer/trie.h"

#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"

static bool rehash(tok_trie *t) {
    tok_trie more = *t;
    more.slots = t->slots ? 2 * t->slots : 256;
    more.edge = mx_calloc(more.slots, sizeof *more.edge);
    if (!more.edge)
        return false;
    for (size_t i = 0; i < t->slots; i++)
        if (t->edge[i].to)
            more.edge[tok_trie_slot(&more, t->edge[i].key)] = t->edge[i];
    mx_free(t->edge);
    *t = more;
    return true;
}

static uint32_t add_node(tok_trie *t) {
    if (t->nodes >= TOK_MOST_NODES)
        return mx_fail(MX_FORMAT, "[tokenizer] the pieces are too many and too long"), 0;
    size_t at = t->nodes ? t->nodes : 1; // 0 is the root
    if (!mx_grow(&t->value, &t->room, at + 1, sizeof *t->value))
        return 0;
    t->value[at] = -1;
    t->nodes = at + 1;
    return (uint32_t)at;
}

static uint32_t step_or_add(tok_trie *t, uint32_t node, unsigned char c) {
    uint32_t to = tok_trie_step(t, node, c);
    if (to || (node && 2 * t->nodes >= t->slots && !rehash(t)) || !(to = add_node(t)))
        return to;
    if (node)
        t->edge[tok_trie_slot(t, node << 8 | c)] = (tok_edge){node << 8 | c, to};
    else
        t->first[c] = to;
    return to;
}

bool tok_trie_add(tok_trie *t, tok_text text, int32_t value) {
    uint32_t node = 0;
    for (size_t i = 0; i < text.n; i++)
        if (!(node = step_or_add(t, node, (unsigned char)text.p[i])))
            return false;
    if (node && t->value[node] < 0)
        t->value[node] = value;
    return true;
}

int32_t tok_trie_longest(const tok_trie *t, const char *p, const char *end, size_t *n) {
    int32_t found = -1;
    uint32_t node = 0;
    *n = 0;
    for (const char *at = p; at < end && (node = tok_trie_step(t, node, (unsigned char)*at));) {
        at++;
        if (t->value[node] >= 0) {
            found = t->value[node];
            *n = (size_t)(at - p);
        }
    }
    return found;
}

void tok_trie_free(tok_trie *t) {
    mx_free(t->edge);
    mx_free(t->value);
}
