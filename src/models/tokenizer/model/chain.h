/* What a chain is made of (chain.c, chain_make.c).
 *
 * Text is walked through in units: bytes, or in a byte-level vocabulary what its characters stand
 * for. A node is where some units lead, and the piece that they are: what a walk asks and what is
 * asked of its piece are half a line of memory. Nodes that one node leads to lie side by side:
 *
 *     more     11000010...          bits of units, modulo 32
 *     next ──▶ [·][·][·] [·][·]     a node for each bit in order, behind them
 *               └──link───┘         others of the same bits, by links
 */
#ifndef MX_TOKENIZER_CHAIN_H
#define MX_TOKENIZER_CHAIN_H

#include "models/tokenizer/parts.h"

enum { TOK_UNMADE = -1, TOK_UNITS = 256, TOK_MOST_LENGTH = 1024 };

typedef struct tok_node {
    uint32_t rank, time; /* of its last merge; 0: it is a character */
    /* Its parts, which are nodes; left TOK_UNMADE: no text becomes it. Of a character left is its
       unit; TOK_UNITS: it has more than one. */
    int32_t left, right;
    int32_t id; /* -1: the units are no piece */
    uint32_t more, next;
    uint32_t link; /* node << 8 | the unit that leads here; node 0: there is no other */
} tok_node;

struct tok_chain {
    tok_node *node; /* 0: where every text begins. While pieces are made: by id */
    size_t nodes;
    uint32_t first[TOK_UNITS]; /* behind one unit; 0: none */
    uint32_t *second;          /* behind two */
    uint64_t *maybe;           /* of pairs that are joined two bits, by hash, of one word */
    int logs;                  /* how many words it has: 2 to this, at most 18 */
    uint32_t *rank;            /* of merges of two units; 0: there is none. NULL: not known yet */
    int16_t byte[0x800];       /* that a character of two bytes stands for; -1: none */
    bool bytes;                /* byte-level */
    bool whole;                /* and each byte is a piece */
};

/* The word of `maybe` that a pair has bits in. */
static inline uint64_t *tok_chain_word(const tok_chain *c, uint64_t pair, uint64_t *bits) {
    uint64_t h = pair * 0x9E3779B97F4A7C15U;
    *bits = (uint64_t)1 << (h >> 40 & 63) | (uint64_t)1 << (h >> 34 & 63);
    return &c->maybe[h >> (64 - c->logs)];
}

/* Bytes of the unit at p < end. 0: no piece has it. */
static inline size_t tok_chain_unit(const tok_chain *c, const char *p, const char *end,
                                    unsigned char *u) {
    *u = (unsigned char)*p;
    if (*u < 0x80 || !c->bytes)
        return 1;
    int byte = end - p < 2 ? -1 : c->byte[(*u & 0x1FU) << 6 | (p[1] & 0x3FU)];
    *u = (unsigned char)byte;
    return byte < 0 ? 0 : 2;
}

/* Is nothing joined at the border of two nodes' pieces? whole: but for the two themselves. */
bool tok_chain_meets(const tok_model *m, const tok_chain *c, int32_t a, int32_t b, bool whole);

#endif
