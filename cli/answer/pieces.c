/* Pieces of an answer: see pieces.h. */
#include "answer/pieces.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* --- bytes ------------------------------------------------------------------------------------ */

bool answer_bytes_put(answer_bytes *b, const char *text, size_t n) {
    if (b->n + n + 1 > b->room) {
        size_t room = (b->n + n + 1) * 2;
        char *data = realloc(b->data, room);
        if (!data)
            return false;
        b->data = data;
        b->room = room;
    }
    if (n)
        memcpy(b->data + b->n, text, n);
    b->n += n;
    b->data[b->n] = 0;
    return true;
}

void answer_bytes_drop(answer_bytes *b, size_t n) {
    memmove(b->data, b->data + n, b->n - n + 1);
    b->n -= n;
}

void answer_bytes_clear(answer_bytes *b) {
    b->n = 0;
    if (b->data)
        *b->data = 0;
}

size_t answer_spaces_before(const char *text, size_t n) {
    size_t i = 0;
    while (i < n && isspace((unsigned char)text[i]))
        i++;
    return i;
}

size_t answer_spaces_behind(const char *text, size_t n) {
    size_t i = 0;
    while (i < n && isspace((unsigned char)text[n - 1 - i]))
        i++;
    return i;
}

bool answer_only_spaces(const char *text, size_t n) {
    return answer_spaces_before(text, n) == n;
}

/* --- text ------------------------------------------------------------------------------------- */

bool answer_pieces_begin(answer_pieces *p, cli_piece_sink *sink, void *data) {
    *p = (answer_pieces){.sink = sink, .data = data};
    return answer_bytes_put(&p->kinds[CLI_PIECE_TEXT].spaces, "", 0) &&
           answer_bytes_put(&p->kinds[CLI_PIECE_REASONING].spaces, "", 0);
}

void answer_pieces_free(answer_pieces *p) {
    free(p->kinds[CLI_PIECE_TEXT].spaces.data);
    free(p->kinds[CLI_PIECE_REASONING].spaces.data);
}

/* The spaces that were held back, with n bytes behind them. */
static bool emit(answer_pieces *p, cli_piece_kind kind, const char *text, size_t n) {
    answer_kind *k = &p->kinds[kind];
    if (k->spaces.n + n == 0)
        return true;
    bool ok =
        answer_bytes_put(&k->spaces, text, n) &&
        p->sink(
            &(cli_piece){.kind = kind, .text = k->spaces.data, .n = k->spaces.n, .older = k->older},
            p->data);
    answer_bytes_clear(&k->spaces);
    k->kept = k->older = 0;
    return ok;
}

bool answer_pieces_tell(answer_pieces *p, cli_piece_kind kind, const char *text, size_t n) {
    answer_kind *k = &p->kinds[kind];
    size_t skipped = p->marked && !k->began ? answer_spaces_before(text, n) : 0;
    text += skipped;
    n -= skipped;
    size_t last = answer_spaces_behind(text, n);
    if (n > last) {
        k->began = true;
        k->loose = false;
        if (!emit(p, kind, text, n - last))
            return false;
    }
    return answer_bytes_put(&k->spaces, text + n - last, last);
}

void answer_pieces_mark(answer_pieces *p) {
    p->marked = true;
    for (int kind = CLI_PIECE_TEXT; kind <= CLI_PIECE_REASONING; kind++) {
        answer_kind *k = &p->kinds[kind];
        k->loose = true;
        if (!k->began)
            answer_bytes_clear(&k->spaces);
        k->older = k->spaces.n;
    }
}

void answer_pieces_forget(answer_pieces *p) {
    answer_kind *k = &p->kinds[CLI_PIECE_TEXT];
    if (k->spaces.n > k->kept)
        k->spaces.n = k->kept;
    if (k->older > k->kept)
        k->older = k->kept;
}

bool answer_pieces_end(answer_pieces *p) {
    answer_kind *k = &p->kinds[CLI_PIECE_TEXT];
    return k->loose || emit(p, CLI_PIECE_TEXT, "", 0);
}

void answer_pieces_anew(answer_pieces *p) {
    for (int kind = CLI_PIECE_TEXT; kind <= CLI_PIECE_REASONING; kind++) {
        answer_kind *k = &p->kinds[kind];
        answer_bytes_clear(&k->spaces);
        k->kept = k->older = 0;
    }
}

/* --- calls ------------------------------------------------------------------------------------ */

static char *without_spaces(answer_part arguments, size_t *n) {
    char *text = NULL;
    FILE *file = open_memstream(&text, n);
    if (file)
        cli_written_put(file, arguments);
    return cli_written_done(file, &text, file);
}

bool answer_pieces_call(answer_pieces *p, const char *name, const char *id, answer_part arguments) {
    size_t n;
    char *text = without_spaces(arguments, &n);
    cli_piece piece = {.kind = CLI_PIECE_CALL, .text = text, .n = n, .name = name, .id = id};
    bool ok = text && p->sink(&piece, p->data);
    free(text);
    answer_pieces_mark(p);
    p->kinds[CLI_PIECE_TEXT].kept = p->kinds[CLI_PIECE_TEXT].spaces.n;
    return ok;
}
