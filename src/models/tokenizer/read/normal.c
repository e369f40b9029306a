/* Normalizers as tokenizer.json describes them. */
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/tokenizer/read/read.h"

static tok_normal *add(mx_tokenizer *t, tok_normal n) {
    if (t->normals == TOK_MOST_STEPS)
        return tok_fail(t, "more than %d normalizers", TOK_MOST_STEPS), NULL;
    t->normal[t->normals] = n;
    return &t->normal[t->normals++];
}

static bool add_form(mx_tokenizer *t, int form) {
    return add(t, (tok_normal){.run = tok_normal_form, .form = form});
}

static bool read_nfc(mx_tokenizer *t, const json_t *j) {
    (void)j;
    return add_form(t, UTF8PROC_COMPOSE);
}
static bool read_nfd(mx_tokenizer *t, const json_t *j) {
    (void)j;
    return add_form(t, UTF8PROC_DECOMPOSE);
}
static bool read_nfkc(mx_tokenizer *t, const json_t *j) {
    (void)j;
    return add_form(t, UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
}
static bool read_nfkd(mx_tokenizer *t, const json_t *j) {
    (void)j;
    return add_form(t, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
}
static bool read_lower(mx_tokenizer *t, const json_t *j) {
    (void)j;
    return add(t, (tok_normal){.run = tok_normal_lower});
}
static bool read_accents(mx_tokenizer *t, const json_t *j) {
    (void)j;
    return add(t, (tok_normal){.run = tok_normal_accents});
}
static bool read_nmt(mx_tokenizer *t, const json_t *j) {
    (void)j;
    return add(t, (tok_normal){.run = tok_normal_nmt});
}
static bool read_bytes(mx_tokenizer *t, const json_t *j) {
    (void)j;
    return add(t, (tok_normal){.run = tok_normal_bytes});
}

static bool read_strip(mx_tokenizer *t, const json_t *j) {
    return add(t, (tok_normal){.run = tok_normal_strip,
                               .left = tok_flag(j, "strip_left", true),
                               .right = tok_flag(j, "strip_right", true)});
}

static bool read_prepend(mx_tokenizer *t, const json_t *j) {
    tok_text s = tok_text_of(j, "prepend");
    tok_normal *n = add(t, (tok_normal){.run = tok_normal_prepend});
    return n && tok_copy(&n->text, s.p, s.n);
}

static bool read_replace(mx_tokenizer *t, const json_t *j) {
    tok_text s = tok_text_of(j, "content");
    tok_normal *n = add(t, (tok_normal){.run = tok_normal_replace});
    return n && tok_copy(&n->text, s.p, s.n) && (n->pattern = tok_read_pattern(t, j));
}

static bool read_bert(mx_tokenizer *t, const json_t *j) {
    bool lower = tok_flag(j, "lowercase", true), strip = tok_flag(j, "strip_accents", lower);
    return (!tok_flag(j, "clean_text", true) ||
            add(t, (tok_normal){.run = tok_normal_bert_clean})) &&
           (!tok_flag(j, "handle_chinese_chars", true) ||
            add(t, (tok_normal){.run = tok_normal_bert_han})) &&
           (!strip || (add(t, (tok_normal){.run = tok_normal_form, .form = UTF8PROC_DECOMPOSE}) &&
                       add(t, (tok_normal){.run = tok_normal_nonspacing}))) &&
           (!lower || add(t, (tok_normal){.run = tok_normal_lower}));
}

/* --- base64 (RFC 4648), in which the table of characters is written --------------------------- */

static int six_bits(char c) {
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

static bool unpack(tok_text s, tok_bytes *to) {
    uint32_t bits = 0;
    int have = 0;
    while (s.n && s.p[s.n - 1] == '=')
        s.n--;
    if (!tok_room(to, s.n))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        int six = six_bits(s.p[i]);
        if (six < 0)
            return false;
        bits = bits << 6 | (uint32_t)six;
        have += 6;
        if (have >= 8)
            to->p[to->n++] = (char)(bits >> (have -= 8));
    }
    return true;
}

static bool read_charsmap(mx_tokenizer *t, const json_t *j) {
    tok_text s = tok_text_of(j, "precompiled_charsmap");
    tok_bytes b = {0};
    if (!s.n)
        return true;
    tok_normal *n = add(t, (tok_normal){.run = tok_normal_charsmap});
    bool ok = n && (unpack(s, &b) || tok_fail(t, "precompiled_charsmap is no base64"));
    if (ok)
        n->map = tok_charsmap_new(b.p, b.n);
    ok = ok && n->map;
    tok_free(&b);
    return ok;
}

static bool read_sequence(mx_tokenizer *t, const json_t *j) {
    return tok_read_each(t, j, "normalizers", tok_read_normalizer);
}

bool tok_read_normalizer(mx_tokenizer *t, const json_t *j) {
    static const tok_kind kinds[] = {
        {"Sequence", read_sequence},
        {"NFC", read_nfc},
        {"NFD", read_nfd},
        {"NFKC", read_nfkc},
        {"NFKD", read_nfkd},
        {"Lowercase", read_lower},
        {"Strip", read_strip},
        {"StripAccents", read_accents},
        {"Prepend", read_prepend},
        {"Replace", read_replace},
        {"BertNormalizer", read_bert},
        {"Precompiled", read_charsmap},
        {"Nmt", read_nmt},
        {"ByteLevel", read_bytes},
    };
    return tok_read_kind(t, j, "normalizer", kinds, sizeof kinds / sizeof *kinds);
}
