/* Small random lists of merges, and tokenizers of them. */
#ifndef MERGE_TABLES_H
#define MERGE_TABLES_H

#include "check.h"
#include "models/tokenizer/parts.h"

enum { MOST_PIECES = 60, MOST_MERGES = 400 };

typedef struct table {
    char piece[MOST_PIECES][16];
    int pieces, merge[MOST_MERGES][2], merges;
    uint64_t state;
} table;

static int any(table *b, int n) {
    b->state = b->state * 6364136223846793005u + 1442695040888963407u;
    return (int)((b->state >> 33) % (uint64_t)n);
}

static int piece_of(table *b, const char *text) {
    for (int i = 0; i < b->pieces; i++)
        if (!strcmp(b->piece[i], text))
            return i;
    if (b->pieces == MOST_PIECES)
        return -1;
    snprintf(b->piece[b->pieces], sizeof *b->piece, "%s", text);
    return b->pieces++;
}

/* Each two pieces that make a third are joined, or some of them. */
static void add_merges(table *b, int of) {
    char both[40];
    for (int i = 0; i < b->pieces; i++)
        for (int j = 0; j < b->pieces && b->merges < MOST_MERGES; j++) {
            snprintf(both, sizeof both, "%s%s", b->piece[i], b->piece[j]);
            for (int k = 0; k < b->pieces; k++)
                if (!strcmp(both, b->piece[k]) && any(b, of) == 0) {
                    b->merge[b->merges][0] = i;
                    b->merge[b->merges++][1] = j;
                }
        }
}

/* Ranks in any order, or the shorter pieces first with many exceptions. */
static void shuffle(table *b, int times) {
    for (int i = 0; i < times && b->merges; i++) {
        int x = any(b, b->merges), y = any(b, b->merges), swap[2];
        memcpy(swap, b->merge[x], sizeof swap);
        memcpy(b->merge[x], b->merge[y], sizeof swap);
        memcpy(b->merge[y], swap, sizeof swap);
    }
}

static table make_table(int seed) {
    table b = {.state = (uint64_t)seed * 977 + check_seed(11)};
    int letters = 1 + any(&b, 3), pieces = letters + 1 + any(&b, 25);
    char text[40];
    for (int i = 0; i < letters; i++)
        piece_of(&b, (char[]){(char)('a' + i), 0});
    while (b.pieces < pieces) {
        snprintf(text, sizeof text, "%s%s", b.piece[any(&b, b.pieces)], b.piece[any(&b, b.pieces)]);
        if (strlen(text) < 12)
            piece_of(&b, text);
        pieces -= strlen(text) >= 12;
    }
    add_merges(&b, 1 + any(&b, 3));
    shuffle(&b, any(&b, 3) * any(&b, 200));
    return b;
}

static mx_tokenizer *tokenizer_of(const table *b) {
    static char text[40000];
    size_t n = 0;
    n += (size_t)sprintf(text + n, "{\"model\":{\"type\":\"BPE\",\"vocab\":{");
    for (int i = 0; i < b->pieces; i++)
        n += (size_t)sprintf(text + n, "%s\"%s\":%d", i ? "," : "", b->piece[i], i);
    n += (size_t)sprintf(text + n, "},\"merges\":[");
    for (int i = 0; i < b->merges; i++)
        n += (size_t)sprintf(text + n, "%s\"%s %s\"", i ? "," : "", b->piece[b->merge[i][0]],
                             b->piece[b->merge[i][1]]);
    n += (size_t)sprintf(text + n, "]}}");
    return mx_tokenizer_of("test", text, n);
}

#endif
