/* The bytes that single pieces stand for inside of a text. */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/tokenizer/parts.h"

typedef struct finder {
    const mx_tokenizer *t;
    tok_bytes all, one;
    int32_t before; /* a piece with text, so that the next one is not the first; -1: none */
    size_t before_n;
    bool bytes, fallback; /* decoders that it has */
} finder;

static bool decode(finder *f, const int32_t *ids, size_t n) {
    f->one.n = 0;
    return tok_decode_ids(f->t, ids, n, false, true, &f->one);
}

static bool is_text(const mx_tokenizer *t, int32_t id) {
    const char *text;
    size_t n;
    return mx_tokenizer_piece(t, id, &text, &n) && n && !mx_tokenizer_is_special(t, id) &&
           tok_byte_of_piece((tok_text){text, n}) < 0;
}

/* Whole characters that stay what they are when others follow. */
static bool stays(finder *f, int32_t id) {
    if (!is_text(f->t, id) || !decode(f, (int32_t[]){id, id}, 2))
        return false;
    size_t twice = f->one.n;
    return decode(f, &id, 1) && f->one.n && f->one.n < twice && !tok_open_end(f->one.p, f->one.n);
}

static bool find_before(finder *f) {
    f->before = -1;
    for (int32_t id = 0; (size_t)id < f->t->ids && f->before < 0 && !mx_failed(); id++)
        if (stays(f, id)) {
            f->before = id;
            f->before_n = f->one.n;
        }
    return !mx_failed();
}

int32_t tok_piece_before(const mx_tokenizer *t) {
    finder f = {.t = t};
    find_before(&f);
    tok_free(&f.one);
    return f.before;
}

/* What a decoder of bytes does not see alone: pieces may be parts of characters. */
static bool put_whole(finder *f, tok_text piece) {
    int b = f->fallback ? tok_byte_of_piece(piece) : -1;
    if (b >= 0)
        tok_put(&f->all, (char[]){(char)b}, 1);
    else if (f->bytes)
        tok_put_bytes(&f->all, piece);
    return b >= 0 || f->bytes;
}

static bool put(finder *f, int32_t id) {
    const char *text;
    size_t n;
    if (!mx_tokenizer_piece(f->t, id, &text, &n) || mx_tokenizer_is_special(f->t, id) ||
        put_whole(f, (tok_text){text, n}) || f->before < 0)
        return !mx_failed();
    if (!decode(f, (int32_t[]){f->before, id}, 2))
        return false;
    if (f->one.n > f->before_n)
        tok_put(&f->all, f->one.p + f->before_n, f->one.n - f->before_n);
    return !mx_failed();
}

char *mx_tokenizer_bytes(const mx_tokenizer *t, size_t *end) {
    finder f = {.t = t};
    for (int i = 0; i < t->decodes; i++) {
        f.bytes |= t->decode[i].run == tok_decode_bytes;
        f.fallback |= t->decode[i].run == tok_decode_fallback;
    }
    bool ok = tok_room(&f.all, 1) && find_before(&f);
    for (size_t i = 0; ok && i < t->ids; i++) {
        ok = put(&f, (int32_t)i);
        end[i] = f.all.n;
    }
    tok_free(&f.one);
    if (ok)
        return f.all.p;
    tok_free(&f.all);
    return NULL;
}
