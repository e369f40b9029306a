/* Tokens: see lex.h. The rules are those of Jinja's documentation ("Whitespace Control", and the
 * settings trim_blocks and lstrip_blocks that transformers' documentation names). */
#include "models/template/parse/lex.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "models/template/text.h"

typedef struct lexer {
    mx_template *t;
    const char *p;
    size_t n, at;
    uint32_t line;
    size_t counted; /* newlines before it are in `line` */
    bool starts;    /* what comes begins a line, though no newline stands before it */
    tm_tokens *out;
    char open[TM_MOST_NESTING * 2];
    size_t opened;
} lexer;

static bool fail_at(lexer *x, size_t at, const char *message, const char *what) {
    for (; x->counted < at; x->counted++)
        x->line += x->p[x->counted] == '\n';
    x->t->heap.line = x->line;
    return tm_fail(&x->t->heap, MX_FORMAT, message, what);
}

static bool add(lexer *x, tm_token_kind kind, size_t at, size_t n) {
    for (; x->counted < at; x->counted++)
        x->line += x->p[x->counted] == '\n';
    if (!mx_grow(&x->out->item, &x->out->room, x->out->n + 1, sizeof *x->out->item))
        return x->t->heap.failed = true, false;
    x->out->item[x->out->n++] = (tm_token){kind, x->line, (uint32_t)at, (uint32_t)n};
    return true;
}

static bool looks_at(const lexer *x, size_t at, const char *s) {
    size_t n = strlen(s);
    return x->n - at >= n && !memcmp(x->p + at, s, n);
}

static size_t skip_space(const lexer *x, size_t at) {
    return at + tm_space_left(x->p + at, x->n - at);
}

/* --- texts ------------------------------------------------------------------------------------ */

/* Where a text [from, to) before a tag ends that has the sign behind it; `plain`: a tag whose line
   may be stripped. */
static size_t end_of_text(const lexer *x, size_t from, size_t to, char sign, bool plain) {
    size_t line = to;
    if (sign == '-')
        return to - tm_space_right(x->p + from, to - from);
    if (sign == '+' || !plain)
        return to;
    while (line > from && x->p[line - 1] != '\n')
        line--;
    bool begins = line > from || x->starts;
    return begins && skip_space(x, line) >= to ? line : to;
}

static size_t next_tag(const lexer *x, size_t at) {
    for (const char *p; at < x->n; at = (size_t)(p - x->p) + 1) {
        p = memchr(x->p + at, '{', x->n - at);
        if (!p || p + 1 >= x->p + x->n)
            return x->n;
        if (p[1] == '{' || p[1] == '%' || p[1] == '#')
            return (size_t)(p - x->p);
    }
    return x->n;
}

static bool add_text(lexer *x, size_t from, size_t to) {
    return to <= from || add(x, TM_T_TEXT, from, to - from);
}

/* How a tag ends that closes with `end` ("%}", "#}"): behind it; 0: it does not end here. */
static size_t tag_end(lexer *x, size_t at, const char *end) {
    bool minus = looks_at(x, at, "-"), plus = looks_at(x, at, "+");
    size_t behind = at + (minus || plus);
    if (!looks_at(x, behind, end))
        return 0;
    behind += 2;
    if (minus)
        behind = skip_space(x, behind);
    else if (!plus && behind < x->n && x->p[behind] == '\n')
        behind++;
    x->starts = x->p[behind - 1] == '\n';
    return behind;
}

static bool skip_comment(lexer *x, size_t begin) {
    for (size_t at = begin + 2; at < x->n; at++) {
        size_t behind = strchr("-+#", x->p[at]) && x->p[at] ? tag_end(x, at, "#}") : 0;
        if (behind)
            return x->at = behind, true;
    }
    return fail_at(x, begin, "the comment%s has no end", "");
}

/* --- raw -------------------------------------------------------------------------------------- */

static char sign_at(const lexer *x, size_t at) {
    return at < x->n && (x->p[at] == '-' || x->p[at] == '+') ? x->p[at] : 0;
}

/* Behind "{%-  word" at `at`; 0: something else stands there. */
static size_t behind_word(const lexer *x, size_t at, const char *word) {
    if (!looks_at(x, at, "{%"))
        return 0;
    at += 2;
    at = skip_space(x, at + (sign_at(x, at) != 0));
    return looks_at(x, at, word) ? skip_space(x, at + strlen(word)) : 0;
}

/* Behind "{% raw %}"; 0: it is none. */
static size_t raw_begin(const lexer *x, size_t at) {
    size_t behind = behind_word(x, at, "raw");
    if (behind && looks_at(x, behind, "-%}"))
        return skip_space(x, behind + 3);
    return behind && looks_at(x, behind, "%}") ? behind + 2 : 0;
}

static bool lex_raw(lexer *x, size_t begin, size_t from) {
    x->starts = x->p[from - 1] == '\n';
    for (size_t at = from; at < x->n; at++) {
        size_t word = x->p[at] == '{' ? behind_word(x, at, "endraw") : 0;
        size_t end = word ? end_of_text(x, from, at, sign_at(x, at + 2), true) : 0;
        size_t behind = word ? tag_end(x, word, "%}") : 0;
        if (!behind)
            continue;
        x->at = behind;
        return add_text(x, from, end);
    }
    return fail_at(x, begin, "%s has no end", "raw");
}

/* --- inside tags ------------------------------------------------------------------------------ */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static size_t digits(const lexer *x, size_t at) {
    while (at < x->n && (is_digit(x->p[at]) || (x->p[at] == '_' && is_digit(x->p[at - 1]) &&
                                                at + 1 < x->n && is_digit(x->p[at + 1]))))
        at++;
    return at;
}

/* Behind an exponent at `at`, or `at`. */
static size_t exponent(const lexer *x, size_t at) {
    if (at >= x->n || (x->p[at] != 'e' && x->p[at] != 'E'))
        return at;
    size_t from = at + 1 + (at + 1 < x->n && (x->p[at + 1] == '+' || x->p[at + 1] == '-'));
    return from < x->n && is_digit(x->p[from]) ? digits(x, from) : at;
}

static bool lex_number(lexer *x) {
    size_t from = x->at, end;
    bool after_dot = x->out->n && x->out->item[x->out->n - 1].kind == TM_T_SIGN &&
                     x->p[x->out->item[x->out->n - 1].at] == '.' && from && x->p[from - 1] == '.';
    if (x->p[from] == '0' && from + 1 < x->n && strchr("xXoObB", x->p[from + 1]) &&
        x->p[from + 1]) {
        for (end = from + 2; end < x->n && (isalnum((unsigned char)x->p[end]) || x->p[end] == '_');)
            end++;
        x->at = end;
        return add(x, TM_T_INT, from, end - from);
    }
    end = digits(x, from);
    size_t whole = end;
    if (!after_dot && end + 1 < x->n && x->p[end] == '.' && is_digit(x->p[end + 1]))
        end = digits(x, end + 1);
    end = after_dot ? end : exponent(x, end);
    x->at = end;
    return add(x, end > whole ? TM_T_FLOAT : TM_T_INT, from, end - from);
}

static bool lex_string(lexer *x) {
    char quote = x->p[x->at];
    for (size_t at = x->at + 1; at < x->n; at++) {
        if (x->p[at] == '\\')
            at++;
        else if (x->p[at] == quote) {
            size_t from = x->at;
            x->at = at + 1;
            return add(x, TM_T_STRING, from, at + 1 - from);
        }
    }
    return fail_at(x, x->at, "the %s has no end", "string");
}

static bool balance(lexer *x, char c) {
    static const char pairs[] = "()[]{}";
    const char *at = strchr(pairs, c);
    if ((at - pairs) % 2 == 0) {
        if (x->opened == sizeof x->open)
            return fail_at(x, x->at, "more than %s brackets in each other", "200");
        x->open[x->opened++] = at[1];
        return true;
    }
    char word[] = {c, 0}, pair[] = "'?' stands where '?' is expected";
    if (!x->opened)
        return fail_at(x, x->at, "'%s' closes nothing", word);
    if (x->open[--x->opened] == c)
        return true;
    pair[1] = c;
    pair[18] = x->open[x->opened];
    return fail_at(x, x->at, "%s", pair);
}

static bool lex_sign(lexer *x) {
    static const char *const pairs[] = {"//", "**", "==", "!=", ">=", "<="};
    char c = x->p[x->at], word[] = {c, 0};
    size_t n = 1;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (looks_at(x, x->at, pairs[i]))
            n = 2;
    if (!c || (n == 1 && !strchr("+-/*%~[](){}><=.:|,;", c)))
        return fail_at(x, x->at, "the character '%s' is not understood",
                       (unsigned char)c < 0x80 && c >= ' ' ? word : "(not ASCII)");
    if (n == 1 && strchr("()[]{}", c) && !balance(x, c))
        return false;
    x->at += n;
    return add(x, TM_T_SIGN, x->at - n, n);
}

static bool lex_name(lexer *x) {
    size_t from = x->at, at = from;
    while (at < x->n && (is_letter(x->p[at]) || is_digit(x->p[at])))
        at++;
    x->at = at;
    return add(x, TM_T_NAME, from, at - from);
}

static bool lex_inside(lexer *x) {
    char c = x->p[x->at];
    return is_letter(c)            ? lex_name(x)
           : is_digit(c)           ? lex_number(x)
           : c == '\'' || c == '"' ? lex_string(x)
                                   : lex_sign(x);
}

/* Behind "-}}" or "}}". */
static size_t close_end(lexer *x, size_t at) {
    bool minus = looks_at(x, at, "-");
    if (!looks_at(x, at + minus, "}}"))
        return 0;
    size_t behind = at + minus + 2;
    behind = minus ? skip_space(x, behind) : behind;
    x->starts = x->p[behind - 1] == '\n';
    return behind;
}

/* From behind "{{" or "{%" to behind its end. */
static bool lex_tag(lexer *x, size_t begin, bool prints) {
    x->opened = 0;
    while ((x->at = skip_space(x, x->at)) < x->n) {
        size_t at = x->at;
        size_t behind = x->opened ? 0 : prints ? close_end(x, at) : tag_end(x, at, "%}");
        if (behind) {
            x->at = behind;
            return add(x, prints ? TM_T_CLOSE : TM_T_UNTAG, at, behind - at);
        }
        if (!lex_inside(x))
            return false;
    }
    return fail_at(x, begin, "the tag %s has no end", prints ? "'{{'" : "'{%'");
}

static bool lex_one(lexer *x) {
    size_t from = x->at, tag = next_tag(x, from);
    if (tag == x->n) {
        x->at = x->n;
        return add_text(x, from, tag);
    }
    char kind = x->p[tag + 1], sign = sign_at(x, tag + 2);
    if (!add_text(x, from, end_of_text(x, from, tag, sign, kind != '{')))
        return false;
    if (kind == '#')
        return skip_comment(x, tag);
    size_t raw = kind == '%' ? raw_begin(x, tag) : 0;
    if (raw)
        return lex_raw(x, tag, raw);
    x->at = tag + 2 + (sign != 0);
    return add(x, kind == '{' ? TM_T_OPEN : TM_T_TAG, tag, x->at - tag) &&
           lex_tag(x, tag, kind == '{');
}

bool tm_lex(mx_template *t, tm_tokens *out) {
    lexer x = {.t = t, .p = t->text, .n = t->n, .line = 1, .starts = true, .out = out};
    while (x.at < x.n)
        if (!lex_one(&x))
            return false;
    return add(&x, TM_T_END, x.n, 0);
}
