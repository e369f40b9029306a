/* Values as Python writes them (its reference, "Literals"), made JSON. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer/style.h"

enum { MOST_DEPTH = 64 };

/* --- texts ------------------------------------------------------------------------------------ */

static void put_code(FILE *to, uint32_t code) {
    if (code == '"' || code == '\\')
        fprintf(to, "\\%c", (int)code);
    else if (code >= ' ' && code < 0x7F)
        putc((int)code, to);
    else if (code > 0xFFFF)
        fprintf(to, "\\u%04x\\u%04x", 0xD7C0 + (code >> 10), 0xDC00 + (code & 0x3FF));
    else
        fprintf(to, "\\u%04x", code);
}

/* So many hexadecimal digits. */
static bool put_digits(answer_part *r, FILE *to, int n) {
    char digits[9] = "";
    if (r->end - r->at < n)
        return false;
    memcpy(digits, r->at, (size_t)n);
    r->at += n;
    uint32_t code = (uint32_t)strtoul(digits, NULL, 16);
    bool ok = strspn(digits, "0123456789abcdefABCDEF") == (size_t)n && code <= 0x10FFFF;
    if (ok)
        put_code(to, code);
    return ok;
}

static bool is_octal(const answer_part *r) {
    return r->at < r->end && *r->at >= '0' && *r->at <= '7';
}

/* Up to three octal digits. */
static bool put_octal(answer_part *r, FILE *to) {
    uint32_t code = 0;
    for (int i = 0; i < 3 && is_octal(r); i++)
        code = code * 8 + (uint32_t)(*r->at++ - '0');
    put_code(to, code);
    return true;
}

/* Behind a backslash. What Python does not know stands with it. */
static bool put_escape(answer_part *r, FILE *to) {
    static const char codes[] = "abfnrtv'\"\\", values[] = "\a\b\f\n\r\t\v'\"\\";
    if (r->at == r->end || *r->at == 'N')
        return false;
    if (is_octal(r))
        return put_octal(r, to);
    char c = *r->at++;
    const char *found = c ? strchr(codes, c) : NULL;
    if (c == 'x' || c == 'u' || c == 'U')
        return put_digits(r, to, c == 'x' ? 2 : c == 'u' ? 4 : 8);
    if (found)
        put_code(to, (uint32_t)values[found - codes]);
    else if (c != '\n')
        r->at--, put_code(to, '\\');
    return true;
}

/* A character that stands for itself; what is no UTF-8 shows when the whole is read. */
static void put_plain_byte(FILE *to, char c) {
    if ((unsigned char)c < 0x80)
        put_code(to, (uint32_t)c);
    else
        putc(c, to);
}

/* How a text begins: letters before its quotes, of which there are one or three. */
typedef struct quotes {
    size_t n; /* 0: no text begins */
    char quote;
    bool raw;
} quotes;

static quotes take_quotes(answer_part *r) {
    answer_part at = *r;
    bool raw = at.at < at.end && (*at.at == 'r' || *at.at == 'R');
    at.at += raw || (at.at < at.end && (*at.at == 'u' || *at.at == 'U'));
    if (at.at == at.end || (*at.at != '"' && *at.at != '\''))
        return (quotes){0};
    quotes q = {.n = 1, .quote = *at.at, .raw = raw};
    if (at.end - at.at >= 3 && at.at[1] == q.quote && at.at[2] == q.quote)
        q.n = 3;
    r->at = at.at + q.n;
    return q;
}

/* Does the text end here? Its quotes are taken then. */
static bool take_closing(answer_part *r, quotes q) {
    for (size_t i = 0; i < q.n; i++)
        if (r->at + i >= r->end || r->at[i] != q.quote)
            return false;
    r->at += q.n;
    return true;
}

/* One piece of a text, up to its end: as JSON, or (to NULL) nowhere. */
static bool take_text(answer_part *r, quotes q, FILE *to) {
    while (!take_closing(r, q)) {
        if (r->at == r->end || (*r->at == '\n' && q.n == 1))
            return false;
        char c = *r->at++;
        bool escape = c == '\\' && r->at < r->end;
        if (escape && !q.raw && to) {
            if (!put_escape(r, to))
                return false;
            continue;
        }
        if (to)
            put_plain_byte(to, c);
        if (escape && to)
            put_plain_byte(to, *r->at);
        r->at += escape;
    }
    return true;
}

/* A text, as JSON, with those that adjoin it. False: it is none. */
static bool put_text(answer_part *r, FILE *to) {
    quotes q = take_quotes(r);
    if (!q.n)
        return false;
    putc('"', to);
    while (q.n) {
        if (!take_text(r, q, to))
            return false;
        cli_written_skip(r);
        q = take_quotes(r);
    }
    putc('"', to);
    return true;
}

static bool begins_text(const answer_part *r) {
    answer_part at = *r;
    return take_quotes(&at).n;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static bool is_digit(const answer_part *r) {
    return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

/* Digits, with single low lines between them. False: there are none. */
static bool put_number_digits(answer_part *r, FILE *to) {
    bool any = is_digit(r);
    while (is_digit(r)) {
        putc(*r->at++, to);
        r->at += r->end - r->at > 1 && *r->at == '_' && r->at[1] >= '0' && r->at[1] <= '9';
    }
    return any;
}

/* 0x1F, 0o17, 0b11, of 64 bits. */
static bool put_based(answer_part *r, FILE *to) {
    static const char letters[] = "xXoObB", bases[] = {16, 16, 8, 8, 2, 2};
    const char *found =
        r->end - r->at > 2 && *r->at == '0' && r->at[1] ? strchr(letters, r->at[1]) : NULL;
    if (!found)
        return false;
    answer_part at = {r->at + 2, r->end};
    char *digits = cli_answer_take_name(&at, ""), *end = digits;
    errno = 0;
    uint64_t value = digits ? strtoull(digits, &end, bases[found - letters]) : 0;
    bool ok = digits && *digits && !*end && errno == 0 && !(digits[1] && strchr("xX", digits[1]));
    if (ok)
        fprintf(to, "%" PRIu64, value), *r = at;
    free(digits);
    return ok;
}

/* e+10 */
static bool put_exponent(answer_part *r, FILE *to) {
    if (r->at == r->end || (*r->at != 'e' && *r->at != 'E'))
        return true;
    putc(*r->at++, to);
    if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
        putc(*r->at++, to);
    return put_number_digits(r, to);
}

/* Without a sign. JSON has a digit on both sides of a point. */
static bool put_magnitude(answer_part *r, FILE *to) {
    if (put_based(r, to))
        return true;
    bool before = put_number_digits(r, to), point = r->at < r->end && *r->at == '.', behind = false;
    if (point) {
        r->at++;
        fputs(before ? "." : "0.", to);
        behind = put_number_digits(r, to);
        fputs(behind ? "" : "0", to);
    }
    return (before || behind) && put_exponent(r, to);
}

static bool put_number(answer_part *r, FILE *to) {
    for (cli_written_skip(r); r->at < r->end && (*r->at == '+' || *r->at == '-'); r->at++) {
        if (*r->at == '-')
            putc('-', to); // two of them are no JSON
        cli_written_skip(r);
    }
    return put_magnitude(r, to);
}

/* --- values ----------------------------------------------------------------------------------- */

static bool put_value(answer_part *r, FILE *to, int depth);

/* Items up to a bracket, `between` them a comma (there are some before); with `keys`, each behind
   its key. */
static bool put_items(answer_part *r, FILE *to, const char *between, char close, bool keys,
                      int depth) {
    while (!cli_written_take(r, close)) {
        if ((*between && !cli_written_take(r, ',')))
            return false;
        if (cli_written_take(r, close))
            return true;
        fputs(between, to);
        between = ",";
        cli_written_skip(r);
        if (keys && (!put_text(r, to) || !cli_written_take(r, ':')))
            return false;
        if (keys)
            putc(':', to);
        if (!put_value(r, to, depth))
            return false;
    }
    return true;
}

static bool put_list(answer_part *r, FILE *to, char close, bool keys, int depth) {
    putc(keys ? '{' : '[', to);
    bool ok = put_items(r, to, "", close, keys, depth + 1);
    putc(keys ? '}' : ']', to);
    return ok;
}

/* A value on its own, for free; NULL: it is none. */
static char *make_value(answer_part *r, int depth) {
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    bool ok = to && put_value(r, to, depth);
    return cli_written_done(to, &text, ok);
}

/* Behind a round bracket: (x) is x; (x,) and (x, y) are lists. */
static bool put_tuple(answer_part *r, FILE *to, int depth) {
    if (cli_written_is_next(r, ")"))
        return put_list(r, to, ')', false, depth);
    char *first = make_value(r, depth + 1);
    bool alone = first && cli_written_take(r, ')');
    bool ok = first && fprintf(to, alone ? "%s" : "[%s", first) > 0;
    free(first);
    if (!ok || alone)
        return ok;
    ok = put_items(r, to, ",", ')', false, depth + 1);
    putc(']', to);
    return ok;
}

static bool is_word(answer_part part, const char *word) {
    size_t n = (size_t)(part.end - part.at);
    return n == strlen(word) && memcmp(part.at, word, n) == 0;
}

const char *cli_answer_word(answer_part part) {
    static const char *const words[][2] = {{"True", "true"}, {"False", "false"}, {"None", "null"}};
    for (size_t i = 0; i < 3; i++)
        if (is_word(part, words[i][0]) || is_word(part, words[i][1]))
            return words[i][1];
    return NULL;
}

static bool put_word(answer_part *r, FILE *to) {
    char *name = cli_answer_take_name(r, "");
    const char *word = name ? cli_answer_word((answer_part){name, name + strlen(name)}) : NULL;
    free(name);
    return word && fputs(word, to) >= 0;
}

static bool put_value(answer_part *r, FILE *to, int depth) {
    if (depth == MOST_DEPTH)
        return false;
    cli_written_skip(r);
    if (begins_text(r))
        return put_text(r, to);
    if (cli_written_take(r, '['))
        return put_list(r, to, ']', false, depth);
    if (cli_written_take(r, '('))
        return put_tuple(r, to, depth);
    if (cli_written_take(r, '{'))
        return put_list(r, to, '}', true, depth);
    return cli_written_is_next(r, "+-.0123456789") ? put_number(r, to) : put_word(r, to);
}

bool cli_answer_put_literal(answer_part *r, FILE *to) {
    return put_value(r, to, 0);
}

bool cli_answer_pass_text(answer_part *r) {
    quotes q = take_quotes(r);
    r->at += !q.n;
    return !q.n || take_text(r, q, NULL);
}
