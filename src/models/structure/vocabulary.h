/* A vocabulary as a tree of prefixes, its nodes in the order of a walk: children follow their
 * parent, and `end` is where its subtree ends, so that a walk is a loop. */
#ifndef MX_MODELS_STRUCTURE_VOCABULARY_H
#define MX_MODELS_STRUCTURE_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SG_MOST_TOKENS = 1 << 24, SG_MOST_TOKEN = 4096 };

typedef struct sg_twig {
    uint32_t end;
    uint32_t token; /* the first with these bytes; UINT32_MAX: none */
    uint16_t depth; /* bytes up to here, 1 and more */
    uint8_t byte;
} sg_twig;

typedef struct sg_vocabulary {
    size_t count, words; /* tokens; words of 32 bits in a mask */
    char *text;
    uint32_t *from; /* token i is text[from[i]] .. text[from[i + 1]] */
    uint32_t *same; /* the next token with the same bytes */
    sg_twig *twig;
    size_t twigs, twig_room, longest;
    uint32_t *ends; /* tokens that end the text */
    size_t n_ends;
    int references;
} sg_vocabulary;

/* Token i is the bytes text[i][0 .. size[i]); size 0: it never stands for text (special tokens).
   The tokens of `ends` end a complete text, whatever their bytes. Copied. NULL and an error. */
sg_vocabulary *sg_vocabulary_new(const char *const *text, const size_t *size, size_t count,
                                 const uint32_t *ends, size_t n_ends);
void sg_vocabulary_release(sg_vocabulary *v);
bool sg_is_end(const sg_vocabulary *v, uint32_t token);

#endif
