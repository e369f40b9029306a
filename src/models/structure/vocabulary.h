/* A vocabulary as two trees of prefixes, of short tokens and of long ones. A tree's nodes lie in
 * the order of a walk: children follow their parent, and `end` is where its subtree ends, so that a
 * walk is a loop. It does not change, but for the masks that are kept with it (table.h), so
 * that any threads may use it. */
#ifndef MX_MODELS_STRUCTURE_VOCABULARY_H
#define MX_MODELS_STRUCTURE_VOCABULARY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SG_MOST_TOKENS = 1 << 24, SG_MOST_TOKEN = 4096 };
/* Bytes of a short token: states that agree so far are one where masks are kept (names.h). */
enum { SG_SHORT = 32 };
enum { SG_SHORT_TREE, SG_LONG_TREE, SG_TREES };

typedef struct sg_twig {
    uint32_t end;
    uint32_t token; /* the first with these bytes; UINT32_MAX: none */
    uint16_t depth; /* bytes up to here, 1 and more */
    uint8_t byte;
} sg_twig;

typedef struct sg_tree {
    sg_twig *twig;
    size_t twigs, room;
} sg_tree;

typedef struct sg_vocabulary {
    size_t count, words; /* tokens; words of 32 bits in a mask */
    char *text;
    uint32_t *from; /* token i is text[from[i]] .. text[from[i + 1]] */
    uint32_t *same; /* the next token with the same bytes */
    sg_tree tree[SG_TREES];
    size_t longest;
    uint32_t *ends; /* tokens that end the text */
    size_t n_ends;
    struct sg_table *table;
    atomic_int references;
} sg_vocabulary;

/* Token i is the bytes text[i][0 .. size[i]); size 0: it never stands for text (special tokens).
   The tokens of `ends` end a complete text, whatever their bytes. Copied. NULL and an error. */
sg_vocabulary *sg_vocabulary_new(const char *const *text, const size_t *size, size_t count,
                                 const uint32_t *ends, size_t n_ends);
/* That of a tokenizer; no ends: its own. (tokens.c) */
struct mx_tokenizer;
sg_vocabulary *sg_vocabulary_of(struct mx_tokenizer *t, const uint32_t *ends, size_t n_ends);
sg_vocabulary *sg_vocabulary_retain(sg_vocabulary *v);
void sg_vocabulary_release(sg_vocabulary *v);
bool sg_is_end(const sg_vocabulary *v, uint32_t token);

#endif
