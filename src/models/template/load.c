/* Variables of JSON (RFC 8259): see load.h. */
#include "models/template/load.h"

#include <string.h>

#include "models/template/number.h"
#include "models/template/text.h"
#include "models/tokenizer/text.h"

typedef struct reader {
    tm_run *r;
    const char *what, *begin, *p, *end;
    int depth;
} reader;

static bool read_value(reader *s, tm_value *out);

static bool fail_at(reader *s, const char *at, const char *why) {
    mx_fail(MX_FORMAT, "[template] %s at byte %zu: %s", s->what, (size_t)(at - s->begin), why);
    s->r->failed = true;
    return false;
}

static void skip_space(reader *s) {
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
        s->p++;
}

static bool skip(reader *s, char c) {
    skip_space(s);
    bool there = s->p < s->end && *s->p == c;
    s->p += there;
    return there;
}

/* --- texts ------------------------------------------------------------------------------------ */

static bool hex(reader *s, uint32_t *out) {
    *out = 0;
    for (int i = 0; i < 4; i++, s->p++) {
        char c = s->p < s->end ? *s->p : 0;
        uint32_t d = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                     : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                            : 16;
        if (d == 16)
            return fail_at(s, s->p, "\\u needs four hexadecimal digits");
        *out = *out * 16 + d;
    }
    return true;
}

/* Behind "\u": a character, of two halves where it has them. */
static bool put_code(reader *s) {
    const char *at = s->p - 2;
    uint32_t c, low = 0;
    if (!hex(s, &c))
        return false;
    if (c >= 0xD800 && c < 0xDC00 && s->end - s->p >= 2 && s->p[0] == '\\' && s->p[1] == 'u') {
        s->p += 2;
        if (!hex(s, &low))
            return false;
        if (low >= 0xDC00 && low < 0xE000)
            c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    if (c >= 0xD800 && c < 0xE000)
        return fail_at(s, at, "half of a surrogate pair");
    tm_put_char(s->r, c);
    return true;
}

static bool put_escape(reader *s) {
    static const char letters[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    char c = s->p < s->end ? *s->p++ : 0;
    const char *at = c ? strchr(letters, c) : NULL;
    if (c == 'u')
        return put_code(s);
    if (!at)
        return fail_at(s, s->p, "an escape that JSON has not");
    tm_put(s->r, means + (at - letters), 1);
    return true;
}

static bool has_control(const char *p, size_t n) {
    size_t i = 0;
    for (uint64_t word; i + 8 <= n; i += 8) { // bytes below 0x20, eight at a time
        memcpy(&word, p + i, 8);
        if ((word - 0x2020202020202020u) & ~word & 0x8080808080808080u)
            return true;
    }
    for (; i < n; i++)
        if ((unsigned char)p[i] < 0x20)
            return true;
    return false;
}

/* From behind the first quote to behind the last. */
static bool read_escaped(reader *s, tm_value *out) {
    size_t begin = tm_begin(s->r);
    while (s->p < s->end && *s->p != '"') {
        const char *from = s->p;
        while (s->p < s->end && *s->p != '"' && *s->p != '\\' && (unsigned char)*s->p >= 0x20)
            s->p++;
        tm_put(s->r, from, (size_t)(s->p - from));
        if (s->p < s->end && (unsigned char)*s->p < 0x20)
            return fail_at(s, s->p, "a control character in a text");
        if (s->p < s->end && *s->p == '\\' && (s->p++, !put_escape(s)))
            return false;
    }
    if (s->p == s->end)
        return fail_at(s, s->p, "a text has no end");
    s->p++;
    return tm_take(s->r, begin, out);
}

static bool read_text(reader *s, tm_value *out) {
    const char *quote = memchr(s->p, '"', (size_t)(s->end - s->p));
    size_t n = quote ? (size_t)(quote - s->p) : 0;
    if (!quote || memchr(s->p, '\\', n) || has_control(s->p, n))
        return read_escaped(s, out);
    *out = tm_str(s->p, n);
    s->p = quote + 1;
    return true;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static size_t digits(reader *s) {
    const char *from = s->p;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return (size_t)(s->p - from);
}

/* A fraction and an exponent; false and an error: digits are missing. */
static bool skip_real(reader *s, bool *real) {
    if (s->p < s->end && *s->p == '.') {
        *real = true;
        s->p++;
        if (!digits(s))
            return fail_at(s, s->p, "digits are missing");
    }
    if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
        *real = true;
        s->p++;
        s->p += s->p < s->end && (*s->p == '+' || *s->p == '-');
        if (!digits(s))
            return fail_at(s, s->p, "digits are missing");
    }
    return true;
}

static bool read_number(reader *s, tm_value *out) {
    const char *from = s->p;
    bool real = false, big;
    int64_t i;
    double f;
    s->p += *s->p == '-';
    size_t n = digits(s);
    if (!n || (n > 1 && s->p[-(ptrdiff_t)n] == '0'))
        return fail_at(s, from, n ? "a number begins with 0" : "no value");
    if (!skip_real(s, &real))
        return false;
    n = (size_t)(s->p - from);
    if (!real && tm_read_int(from, n, 10, &i, &big))
        return *out = tm_int(i), true;
    if (!real)
        return fail_at(s, from, "an integer of more than 64 bits");
    if (!tm_read_float(from, n, &f))
        return fail_at(s, from, "a number of too many digits");
    *out = tm_float(f);
    return true;
}

/* --- containers ------------------------------------------------------------------------------- */

static bool read_list(reader *s, tm_value *out) {
    tm_list l = {0};
    tm_value v;
    while (!skip(s, ']')) {
        if (l.n && !skip(s, ','))
            return fail_at(s, s->p, "',' or ']' is expected");
        if (!read_value(s, &v) || !tm_list_add(s->r, &l, &v))
            return false;
    }
    return tm_list_done(s->r, &l, TM_LIST, out);
}

static bool read_pair(reader *s, tm_dict *d) {
    tm_value key, v;
    if (!skip(s, '"'))
        return fail_at(s, s->p, "a key is expected");
    const char *at = s->p - 1;
    size_t before = d->n;
    if (!read_text(s, &key))
        return false;
    if (!skip(s, ':'))
        return fail_at(s, s->p, "':' is expected");
    if (!read_value(s, &v) || !tm_dict_set(s->r, d, &key, &v))
        return false;
    return d->n > before || fail_at(s, at, "a key stands there twice");
}

static bool read_object(reader *s, tm_value *out) {
    tm_dict *d = tm_dict_new(s->r);
    while (d && !skip(s, '}')) {
        if (d->n && !skip(s, ','))
            return fail_at(s, s->p, "',' or '}' is expected");
        if (!read_pair(s, d))
            return false;
    }
    if (d)
        *out = tm_of_dict(d);
    return d;
}

static bool read_word(reader *s, tm_value *out) {
    static const struct {
        const char *word;
        tm_value value;
    } words[] = {{"true", {.kind = TM_BOOL, .i = 1}},
                 {"false", {.kind = TM_BOOL, .i = 0}},
                 {"null", {.kind = TM_NONE}}};
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(words[i].word);
        if ((size_t)(s->end - s->p) >= n && !memcmp(s->p, words[i].word, n)) {
            s->p += n;
            return *out = words[i].value, true;
        }
    }
    return fail_at(s, s->p, "no value");
}

/* As deep as TM_MOST_JSON. */
static bool read_value(reader *s, tm_value *out) {
    skip_space(s);
    char c = s->p < s->end ? *s->p : 0;
    if (!tm_spend(s->r, 1))
        return false;
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(s, out);
    if (c != '"' && c != '[' && c != '{')
        return read_word(s, out);
    s->p++;
    if (c == '"')
        return read_text(s, out);
    if (++s->depth > TM_MOST_JSON)
        return fail_at(s, s->p, "nested too deeply");
    bool ok = c == '[' ? read_list(s, out) : read_object(s, out);
    s->depth--;
    return ok;
}

bool tm_load_json(tm_run *r, const char *what, const char *json, size_t n, tm_dict **out) {
    reader s = {r, what, json, json, json + n, 0};
    tm_value v;
    if (!tm_is_ascii(json, n) && !tok_is_valid(json, n))
        return fail_at(&s, json, "no UTF-8");
    if (!read_value(&s, &v))
        return false;
    skip_space(&s);
    if (s.p < s.end)
        return fail_at(&s, s.p, "more than one value");
    if (v.kind != TM_DICT)
        return fail_at(&s, json, "no object");
    *out = v.dict;
    return true;
}
