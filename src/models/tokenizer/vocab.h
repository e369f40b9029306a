/* The pieces of a tokenizer, by number and by text.
 *
 *     text    all pieces, one behind the other
 *     piece   id -> place in text, length     (at NONE: no piece has this id)
 *     slot    hash -> id                      open addressing
 *
 * Where two pieces have one text, which lists of GGUF have, the first is found. The hash is seeded,
 * so that a file cannot choose texts that collide.
 */
#ifndef MX_TOKENIZER_VOCAB_H
#define MX_TOKENIZER_VOCAB_H

#include <string.h>

#include "models/tokenizer/text.h"

enum { TOK_MOST_PIECES = 1 << 24, TOK_MOST_PIECE = 65535 };

/* What a piece is, in the numbers of SentencePiece and GGUF. */
typedef enum tok_type {
    TOK_NORMAL = 1,
    TOK_UNKNOWN,
    TOK_CONTROL,
    TOK_USER,
    TOK_UNUSED,
    TOK_BYTE
} tok_type;

typedef struct tok_piece {
    double score;
    uint32_t at;
    uint16_t n;
    uint8_t type;
} tok_piece;
#define TOK_NO_PIECE UINT32_MAX /* for `at` */

typedef struct tok_slot {
    uint32_t hash;
    uint32_t next; /* id + 1; 0: free */
} tok_slot;

typedef struct tok_vocab {
    tok_bytes text;
    tok_piece *piece;
    size_t count, room; /* ids are below count */
    tok_slot *slot;
    size_t slots, used;
    uint64_t seed;
    size_t longest;
    const char *name; /* of its file, for messages */
} tok_vocab;

/* Sets the piece of an id, which has none. False and an error: it has one, it is too large, or the
   piece is too long. */
bool tok_vocab_add(tok_vocab *v, int64_t id, tok_text text, double score, tok_type type);
/* -1: there is none. */
int32_t tok_vocab_find(const tok_vocab *v, const char *p, size_t n);
/* "" with p NULL: there is none. */
tok_text tok_vocab_piece(const tok_vocab *v, int64_t id);
void tok_vocab_free(tok_vocab *v);

/* At most 8 bytes as a number, from which they are known. */
static inline uint64_t tok_bits(const char *p, size_t n) {
    uint64_t a = 0, b = 0;
    if (n == 8)
        memcpy(&a, p, 8);
    else if (n >= 4) {
        memcpy(&a, p, 4);
        memcpy(&b, p + n - 4, 4);
        a |= b << 32;
    } else if (n)
        a = (unsigned char)p[0] | (uint64_t)(unsigned char)p[n / 2] << 8 |
            (uint64_t)(unsigned char)p[n - 1] << 16;
    return a;
}
/* Are n bytes the same? For short texts. */
static inline bool tok_is_same(const char *p, const char *q, size_t n) {
    for (; n > 8; p += 8, q += 8, n -= 8)
        if (tok_bits(p, 8) != tok_bits(q, 8))
            return false;
    return tok_bits(p, n) == tok_bits(q, n);
}
/* A hash of short texts. */
uint64_t tok_hash(uint64_t seed, const char *p, size_t n);
uint64_t tok_seed(void); /* of this process */

#endif
