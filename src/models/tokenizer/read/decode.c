/* Decoders as tokenizer.json describes them. */
#include <string.h>

#include "models/tokenizer/read/read.h"

static tok_decode *add(mx_tokenizer *t, tok_decode d) {
    if (t->decodes == TOK_MOST_STEPS)
        return tok_fail(t, "more than %d decoders", TOK_MOST_STEPS), NULL;
    t->decode[t->decodes] = d;
    return &t->decode[t->decodes++];
}

static bool read_bytes(mx_tokenizer *t, const json_t *j) {
    (void)j;
    return add(t, (tok_decode){.run = tok_decode_bytes});
}
static bool read_fallback(mx_tokenizer *t, const json_t *j) {
    (void)j;
    return add(t, (tok_decode){.run = tok_decode_fallback});
}
static bool read_fuse(mx_tokenizer *t, const json_t *j) {
    (void)j;
    return add(t, (tok_decode){.run = tok_decode_fuse});
}

/* A decoder with the text at a key. */
static tok_decode *add_text(mx_tokenizer *t, tok_decode d, const json_t *j, const char *key) {
    tok_text s = tok_text_of(j, key);
    tok_decode *x = add(t, d);
    return x && tok_copy(&x->text, s.p, s.n) ? x : NULL;
}

static bool read_strip(mx_tokenizer *t, const json_t *j) {
    json_int_t start = json_integer_value(json_object_get(j, "start")),
               stop = json_integer_value(json_object_get(j, "stop"));
    if (start < 0 || stop < 0)
        return tok_fail(t, "Strip: %lld and %lld", (long long)start, (long long)stop);
    tok_decode d = {.run = tok_decode_strip, .start = (size_t)start, .stop = (size_t)stop};
    return add_text(t, d, j, "content");
}

static bool read_replace(mx_tokenizer *t, const json_t *j) {
    tok_text s = tok_text_of(j, "content");
    tok_decode *d = add(t, (tok_decode){.run = tok_decode_replace});
    return d && tok_copy(&d->with, s.p, s.n) && (d->pattern = tok_read_pattern(t, j));
}

static bool read_metaspace(mx_tokenizer *t, const json_t *j) {
    tok_decode d = {.run = tok_decode_space};
    return tok_read_scheme(t, j, &d.scheme) && add_text(t, d, j, "replacement");
}

static bool read_wordpiece(mx_tokenizer *t, const json_t *j) {
    tok_decode d = {.run = tok_decode_wordpiece, .cleanup = tok_flag(j, "cleanup", true)};
    return add_text(t, d, j, "prefix");
}

static bool read_suffix(mx_tokenizer *t, const json_t *j) {
    return add_text(t, (tok_decode){.run = tok_decode_suffix}, j, "suffix");
}

static bool read_ctc(mx_tokenizer *t, const json_t *j) {
    tok_text s = tok_text_of(j, "word_delimiter_token");
    tok_decode *d =
        add_text(t, (tok_decode){.run = tok_decode_ctc, .cleanup = tok_flag(j, "cleanup", true)}, j,
                 "pad_token");
    return d && tok_copy(&d->with, s.p, s.n);
}

static bool read_sequence(mx_tokenizer *t, const json_t *j) {
    return tok_read_each(t, j, "decoders", tok_read_decoder);
}

bool tok_read_decoder(mx_tokenizer *t, const json_t *j) {
    static const tok_kind kinds[] = {
        {"Sequence", read_sequence},     {"ByteLevel", read_bytes},
        {"ByteFallback", read_fallback}, {"Fuse", read_fuse},
        {"Strip", read_strip},           {"Replace", read_replace},
        {"Metaspace", read_metaspace},   {"WordPiece", read_wordpiece},
        {"BPEDecoder", read_suffix},     {"CTC", read_ctc},
    };
    return tok_read_kind(t, j, "decoder", kinds, sizeof kinds / sizeof *kinds);
}
