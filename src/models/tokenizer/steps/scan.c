/* The patterns that byte-level tokenizers divide text by, without an interpreter of patterns.
 *
 *     's|'t|'re|'ve|'m|'ll|'d          a contraction
 *     [^\r\n\p{L}\p{N}]?\p{L}+         letters, and something before them
 *     \p{N}{1,3}                       digits, some at a time
 *      ?[^\s\p{L}\p{N}]+[\r\n]*        anything else, and new lines behind it
 *     \s*[\r\n]+ | \s+(?!\S) | \s+     space: with its last new line; else but for the last
 *
 * They differ in few ways, which a row of `style` says. A pattern that is not in the table is run
 * by PCRE2; tests compare the two.
 */
#include <string.h>

#include "models/tokenizer/parts.h"

typedef struct style {
    bool any_case;   /* contractions also in capitals */
    bool any_before; /* anything but new lines, letters and digits may stand before letters; else
                         a space */
    size_t digits;   /* at a time; 0: all, with a space before */
    bool new_lines;  /* go with what is before them */
} style;

static const style gpt2 = {false, false, 0, false};
static const style llama3 = {true, true, 3, true};
static const style qwen2 = {true, true, 1, true};

/* A character: its class and its bytes. */
static inline size_t look(const char *p, const char *end, tok_class *k) {
    unsigned char c = (unsigned char)*p;
    if (c < 0x80)
        return *k = tok_ascii_class[c], 1;
    uint32_t u;
    size_t n = tok_step(p, end, &u);
    return *k = tok_class_of(u), n;
}

/* Behind the characters of a class, `most` of them. */
static inline const char *run(const char *p, const char *end, tok_class want, size_t most) {
    tok_class k;
    for (size_t n; most-- && p < end && (n = look(p, end, &k), k == want);)
        p += n;
    return p;
}

/* --- contractions ----------------------------------------------------------------------------- */

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* U+017F is an s where case does not count. */
static size_t long_s(const char *p, const char *end) {
    return end - p >= 3 && p[1] == '\xC5' && p[2] == '\xBF' ? 3 : 0;
}

static size_t contraction(const char *p, const char *end, bool any_case) {
    static const char *const words[] = {"s", "t", "re", "ve", "m", "ll", "d"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]), k = 0;
        while (k < n && p + 1 + k < end && (any_case ? lower(p[1 + k]) : p[1 + k]) == words[i][k])
            k++;
        if (k == n)
            return 1 + n;
    }
    return any_case ? long_s(p, end) : 0;
}

/* --- space ------------------------------------------------------------------------------------ */

static bool is_line(char c) {
    return c == '\r' || c == '\n';
}

/* p is space. */
static const char *space(const char *p, const char *end, const style *s) {
    const char *to = p, *last = p, *line = NULL;
    tok_class k;
    for (size_t n; to < end && (n = look(to, end, &k), k == TOK_SPACE); to += n) {
        last = to;
        if (s->new_lines && is_line(*to))
            line = to + 1;
    }
    return line ? line : to == end || last == p ? to : last;
}

/* --- a word ----------------------------------------------------------------------------------- */

static const char *other(const char *p, const char *end, const style *s) {
    p = run(p, end, TOK_OTHER, SIZE_MAX);
    while (s->new_lines && p < end && is_line(*p))
        p++;
    return p;
}

/* What begins with a character of class k, with a space before p or not. */
static inline const char *of_class(const char *p, const char *end, tok_class k, const style *s) {
    return k == TOK_LETTER   ? run(p, end, TOK_LETTER, SIZE_MAX)
           : k == TOK_NUMBER ? run(p, end, TOK_NUMBER, s->digits ? s->digits : SIZE_MAX)
                             : other(p, end, s);
}

static inline const char *scan(const char *p, const char *end, const style *s) {
    tok_class k, next = TOK_SPACE;
    size_t n = look(p, end, &k), c;
    if (*p == '\'' && (c = contraction(p, end, s->any_case)))
        return p + c;
    if (k == TOK_LETTER || k == TOK_NUMBER)
        return of_class(p, end, k, s);
    if (p + n < end)
        look(p + n, end, &next);
    bool joins = *p == ' ' || (s->any_before && next == TOK_LETTER && !is_line(*p));
    if (joins && next != TOK_SPACE && !(next == TOK_NUMBER && s->digits))
        return of_class(p + n, end, next, s);
    return k == TOK_SPACE ? space(p, end, s) : other(p, end, s);
}

static const char *scan_gpt2(const char *p, const char *end) {
    return scan(p, end, &gpt2);
}
static const char *scan_llama3(const char *p, const char *end) {
    return scan(p, end, &llama3);
}
static const char *scan_qwen2(const char *p, const char *end) {
    return scan(p, end, &qwen2);
}

#define TAIL " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define HEAD "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"

tok_scan *tok_scan_of(const char *pattern, size_t n) {
    static const struct {
        const char *pattern;
        tok_scan *scan;
    } known[] = {
        {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
         scan_gpt2},
        {HEAD "\\p{N}{1,3}|" TAIL, scan_llama3},
        {HEAD "\\p{N}|" TAIL, scan_qwen2},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].pattern) == n && !memcmp(known[i].pattern, pattern, n))
            return known[i].scan;
    return NULL;
}
