/* Bytes that grow, and UTF-8 as tokenizers look at it.
 *
 * Inside a tokenizer all text is valid UTF-8 (tok_clean makes it so), so that steps need no checks
 * but for the end. Failures of memory are recorded (base/status.h) and what was to be added is
 * missing: whoever started asks mx_failed.
 */
#ifndef MX_TOKENIZER_TEXT_H
#define MX_TOKENIZER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/tokenizer/tokenizer.h"

enum {
    TOK_MOST_TEXT = 1 << 30,
    TOK_MOST_GROWTH = 64,     /* times its length a text may become when it is normalized, */
    TOK_FREE_GROWTH = 1 << 16 /* and so many bytes more */
};

/* What each byte of a text that is made of another one stands for. What is put and lies in the
   source stands for itself; of anything else the i-th character stands for the i-th of those that
   tok_source named, or the last of them. */
typedef struct tok_track {
    mx_token_span *span; /* of each byte that was put */
    size_t room;
    const char *source;
    size_t source_n, at, end;
    const mx_token_span *below; /* of the source's bytes; NULL: it is the text as it was given */
} tok_track;

typedef struct tok_bytes {
    char *p; /* NULL while nothing was put */
    size_t n, room;
    size_t most;      /* that it may have; 0: TOK_MOST_TEXT */
    tok_track *track; /* NULL: nobody asks */
} tok_bytes;

bool tok_room(tok_bytes *b, size_t more); /* for `more` bytes behind those there are */
void tok_put(tok_bytes *b, const char *p, size_t n);
void tok_put_char(tok_bytes *b, uint32_t c); /* as UTF-8 */
void tok_free(tok_bytes *b);

/* Emptied, to be made of n bytes at p. */
void tok_begin(tok_bytes *b, const char *p, size_t n, const mx_token_span *below);
/* From now on b may become as long as a text of n bytes may when it is normalized; the end of that:
   false and an error where more was put, whatever room there was. */
void tok_bound(tok_bytes *b, size_t n);
bool tok_is_bounded(tok_bytes *b);
void tok_name_source(tok_bytes *b, const char *p, size_t n);
/* What is put next stands for n bytes at p of the source. */
static inline void tok_source(tok_bytes *b, const char *p, size_t n) {
    if (b->track)
        tok_name_source(b, p, n);
}

/* For the first character of n > 0 bytes. */
void tok_source_first(tok_bytes *b, const char *p, size_t n);

/* A piece of text of somebody else. */
typedef struct tok_text {
    const char *p;
    size_t n;
} tok_text;

/* The character at p < end, and how many bytes it has. Of what is no UTF-8 U+FFFD and the bytes of
   the longest beginning of a character, as Unicode recommends (3.9, U+FFFD substitution of maximal
   subparts): a surrogate's three bytes are three of them, as in Python's bytes.decode. */
static inline size_t tok_step(const char *p, const char *end, uint32_t *c);
size_t tok_step_any(const char *p, const char *end, uint32_t *c); /* the same */

/* Characters of up to three bytes, which nearly all are; 0: it is another, or none. */
static inline size_t tok_step_usual(const char *text, size_t have, uint32_t *c) {
    const unsigned char *p = (const unsigned char *)text;
    if (*p < 0x80)
        return *c = *p, 1;
    if (have < 2 || (p[1] & 0xC0) != 0x80 || *p < 0xC2)
        return 0;
    if (*p < 0xE0)
        return *c = (*p & 0x1FU) << 6 | (p[1] & 0x3FU), 2;
    if (have < 3 || *p >= 0xF0 || (p[2] & 0xC0) != 0x80)
        return 0;
    *c = (*p & 0xFU) << 12 | (p[1] & 0x3FU) << 6 | (p[2] & 0x3FU);
    return *c >= 0x800 && (*c < 0xD800 || *c > 0xDFFF) ? 3 : 0;
}

static inline size_t tok_step(const char *p, const char *end, uint32_t *c) {
    size_t n = tok_step_usual(p, (size_t)(end - p), c);
    return n ? n : tok_step_any(p, end, c);
}

/* The character before p > begin in valid text. */
uint32_t tok_before(const char *begin, const char *p);
/* Bytes of the cluster of characters (UAX 29) that begins at p, of n > 0. */
size_t tok_cluster(const char *p, size_t n);
bool tok_is_valid(const char *p, size_t n);
/* How many bytes at the end are the beginning of a character that may still be completed. */
size_t tok_open_end(const char *p, size_t n);
/* The text with U+FFFD for what is no UTF-8: p itself, or a copy in `room`, which was empty. */
tok_text tok_clean(const char *p, size_t n, tok_bytes *room);

/* --- kinds of characters ---------------------------------------------------------------------- */

bool tok_is_space(uint32_t c);      /* White_Space */
bool tok_is_word(uint32_t c);       /* \w of Unicode (UTS 18): letters, marks, digits, connectors */
bool tok_is_punct(uint32_t c);      /* ASCII's punctuation and symbols, and categories P */
bool tok_is_numeric(uint32_t c);    /* categories N */
bool tok_is_mark(uint32_t c);       /* categories M */
bool tok_is_nonspacing(uint32_t c); /* category Mn */
bool tok_is_han(uint32_t c);        /* the blocks that BERT's tokenizer sets apart */

/* What the patterns of byte-level tokenizers tell apart. */
typedef enum tok_class { TOK_OTHER, TOK_LETTER, TOK_NUMBER, TOK_SPACE } tok_class;
tok_class tok_class_of(uint32_t c);
extern const unsigned char tok_ascii_class[128];

#endif
