/* SentencePiece's tokenizer.model: a message in the wire format of Protocol Buffers.
 *
 *     tag       varint: number of the field << 3 | wire type
 *     0 varint  1 eight bytes  2 length (varint) and bytes  5 four bytes
 *
 *     1 pieces (again and again)       1 text  2 score (float)  3 type
 *     2 how it was trained             3 model (1 Unigram, 2 BPE)  24 spaces at the end
 *                                      35 byte fallback  40 41 42 43 ids of unk, bos, eos, pad
 *     3 how text is normalized         2 table of characters  3 space before  4 spaces made one
 *                                      5 spaces become U+2581
 *
 * Lengths are checked against the bytes there are; fields with other numbers are left out.
 */
#include <string.h>

#include "models/tokenizer/parts.h"

/* --- the wire format -------------------------------------------------------------------------- */

typedef struct wire {
    const char *p, *end;
    bool bad;
} wire;

typedef struct field {
    unsigned number, type;
    uint64_t value;
    tok_text bytes;
} field;

static uint64_t varint(wire *w) {
    uint64_t v = 0;
    for (int shift = 0; w->p < w->end && shift < 64; shift += 7) {
        unsigned char c = (unsigned char)*w->p++;
        v |= (uint64_t)(c & 0x7F) << shift;
        if (!(c & 0x80))
            return v;
    }
    w->bad = true;
    return 0;
}

static tok_text bytes(wire *w, uint64_t n) {
    tok_text s = {w->p, 0};
    w->bad = w->bad || n > (uint64_t)(w->end - w->p);
    if (!w->bad)
        w->p += s.n = (size_t)n;
    return s;
}

/* The next field; false at the end and where the message is broken. */
static bool next(wire *w, field *f) {
    if (w->p == w->end || w->bad)
        return false;
    uint64_t tag = varint(w);
    *f = (field){(unsigned)(tag >> 3), (unsigned)(tag & 7), 0, {"", 0}};
    if (f->type == 0)
        f->value = varint(w);
    else if (f->type == 2)
        f->bytes = bytes(w, varint(w));
    else if (f->type == 5 || f->type == 1)
        f->bytes = bytes(w, f->type == 5 ? 4 : 8);
    else
        w->bad = true;
    return !w->bad;
}

/* --- the model -------------------------------------------------------------------------------- */

enum { UNIGRAM = 1, BPE = 2 };

typedef struct described {
    mx_tokenizer *t;
    size_t pieces;
    uint64_t model;
    int64_t unk, bos, eos, pad;
    bool byte_fallback, at_end, prefix, squeeze, escape;
    tok_text table;
} described;

typedef bool take(described *d, const field *f);

static bool read_message(described *d, tok_text s, take *each) {
    wire w = {s.p, s.p + s.n, false};
    field f;
    while (next(&w, &f))
        if (!each(d, &f))
            return false;
    return !w.bad ||
           tok_fail(d->t, "it is no tokenizer.model: broken at byte %zu of a message of %zu",
                    (size_t)(w.p - s.p), s.n);
}

static float as_float(tok_text s) {
    float v = 0;
    if (s.n == 4)
        memcpy(&v, s.p, 4);
    return v;
}

static bool take_piece(described *d, tok_text s) {
    wire w = {s.p, s.p + s.n, false};
    field f;
    tok_text text = {"", 0};
    float score = 0;
    uint64_t type = TOK_NORMAL;
    while (next(&w, &f)) {
        if (f.number == 1 && f.type == 2)
            text = f.bytes;
        else if (f.number == 2)
            score = as_float(f.bytes);
        else if (f.number == 3)
            type = f.value;
    }
    if (w.bad || type < TOK_NORMAL || type > TOK_BYTE || score != score ||
        !tok_is_valid(text.p, text.n))
        return tok_fail(d->t, "piece %zu is broken", d->pieces);
    return tok_vocab_add(&d->t->vocab, (int64_t)d->pieces++, text, score, (tok_type)type);
}

static bool take_training(described *d, const field *f) {
    switch (f->number) {
    case 3: d->model = f->value; break;
    case 24: d->at_end = f->value; break;
    case 35: d->byte_fallback = f->value; break;
    case 40: d->unk = (int64_t)f->value; break;
    case 41: d->bos = (int64_t)f->value; break;
    case 42: d->eos = (int64_t)f->value; break;
    case 43: d->pad = (int64_t)f->value; break;
    default: break;
    }
    return true;
}

static bool take_normalizing(described *d, const field *f) {
    switch (f->number) {
    case 2: d->table = f->bytes; break;
    case 3: d->prefix = f->value; break;
    case 4: d->squeeze = f->value; break;
    case 5: d->escape = f->value; break;
    default: break;
    }
    return true;
}

static bool take_part(described *d, const field *f) {
    if (f->type != 2)
        return true;
    return f->number == 1   ? take_piece(d, f->bytes)
           : f->number == 2 ? read_message(d, f->bytes, take_training)
           : f->number == 3 ? read_message(d, f->bytes, take_normalizing)
                            : true;
}

/* Ids are counted in 32 bits with a sign; -1: there is none. */
static void set_role(mx_tokenizer *t, mx_token_role role, int64_t id) {
    int32_t v = (int32_t)(uint32_t)(uint64_t)id;
    t->role[role] = v >= 0 && (size_t)v < t->vocab.count ? v : -1;
}

static bool set_normalizer(described *d) {
    mx_tokenizer *t = d->t;
    tok_normal *n = &t->normal[t->normals++];
    *n = (tok_normal){.run = tok_normal_piece,
                      .prefix = d->prefix,
                      .squeeze = d->squeeze,
                      .escape = d->escape,
                      .at_end = d->at_end,
                      .kept = &t->model.user};
    if (d->table.n)
        n->map = tok_charsmap_new(d->table.p, d->table.n);
    return !d->table.n || n->map;
}

bool tok_read_piece_model(mx_tokenizer *t, const char *p, size_t n) {
    described d = {t, 0, UNIGRAM, 0, 1, 2, -1, false, false, true, true, true, {"", 0}};
    if (!read_message(&d, (tok_text){p, n}, take_part))
        return false;
    if (!d.pieces)
        return tok_fail(
            t, "it is neither a tokenizer.json nor a tokenizer.model: there are no pieces");
    if (d.model != UNIGRAM && d.model != BPE)
        return tok_fail(t, "a SentencePiece model of words or characters is not understood");
    set_role(t, MX_TOKEN_UNK, d.unk);
    set_role(t, MX_TOKEN_BOS, d.bos);
    set_role(t, MX_TOKEN_EOS, d.eos);
    set_role(t, MX_TOKEN_PAD, d.pad);
    t->is_piece_model = true;
    t->model.byte_fallback = d.byte_fallback;
    return set_normalizer(&d) && tok_set_pieces(t, d.model == BPE, true) &&
           tok_set_piece_decoders(t, d.prefix, d.at_end);
}
