/* Patterns: a scanner, a text, a kind of characters, or a regular expression by PCRE2.
 *
 * Expressions of tokenizers are written for Oniguruma. What PCRE2 understands otherwise is put into
 * its words, or refused where that cannot be. A match may take MOST_STEPS steps, so that no text
 * makes it hang.
 */
#define _GNU_SOURCE           // memmem
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/tokenizer/parts.h"

enum { MOST_STEPS = 10 * 1000 * 1000, MOST_KILOBYTES = 64 * 1024, MOST_PATTERN = 16384 };

struct tok_pattern {
    tok_scan *scan;
    bool (*is)(uint32_t);
    bool ascii[128]; /* of these characters */
    tok_text text;   /* owned */
    pcre2_code *code;
    pcre2_match_context *limits;
    _Atomic(pcre2_match_data *) spare; /* for the next match */
};

/* --- matching --------------------------------------------------------------------------------- */

static bool next_of_class(const tok_pattern *p, const char *text, size_t n, size_t from,
                          size_t *start, size_t *end) {
    uint32_t c;
    for (size_t k; from < n; from += k) {
        k = tok_step(text + from, text + n, &c);
        if (c < 0x80 ? p->ascii[c] : p->is(c))
            return *start = from, *end = from + k, true;
    }
    return false;
}

static bool next_text(const tok_pattern *p, const char *text, size_t n, size_t from, size_t *start,
                      size_t *end) {
    if (!p->text.n || from >= n)
        return false;
    const char *at = memmem(text + from, n - from, p->text.p, p->text.n);
    if (at) {
        *start = (size_t)(at - text);
        *end = *start + p->text.n;
    }
    return at;
}

/* Runs of JIT-compiled code may need more stack than it has: then the interpreter does it. */
static int match(const tok_pattern *p, const char *text, size_t n, size_t from,
                 pcre2_match_data *m) {
    int r = pcre2_match(p->code, (PCRE2_SPTR)text, n, from, PCRE2_NO_UTF_CHECK, m, p->limits);
    if (r == PCRE2_ERROR_JIT_STACKLIMIT)
        r = pcre2_match(p->code, (PCRE2_SPTR)text, n, from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, m,
                        p->limits);
    return r;
}

static bool next_regex(const tok_pattern *p, const char *text, size_t n, size_t from, size_t *start,
                       size_t *end) {
    _Atomic(pcre2_match_data *) *spare = (_Atomic(pcre2_match_data *) *)(uintptr_t)&p->spare;
    pcre2_match_data *m = atomic_exchange(spare, NULL);
    if (!m && !(m = pcre2_match_data_create(1, NULL)))
        return mx_fail_nomem("tokenizer", 64);
    int r = match(p, text, n, from, m);
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m);
    *start = at[0];
    *end = at[1];
    pcre2_match_data_free(atomic_exchange(spare, m));
    if (r < 0 && r != PCRE2_ERROR_NOMATCH)
        mx_fail(MX_RANGE, "[tokenizer] the tokenizer's pattern takes too long for this text");
    return r >= 0 && *end >= *start;
}

bool tok_pattern_next(const tok_pattern *p, const char *text, size_t n, size_t from, size_t *start,
                      size_t *end) {
    if (p->scan && from < n)
        return *start = from, *end = (size_t)(p->scan(text + from, text + n) - text), true;
    return p->is     ? next_of_class(p, text, n, from, start, end)
           : p->code ? next_regex(p, text, n, from, start, end)
                     : next_text(p, text, n, from, start, end);
}

void tok_replace(const tok_pattern *pattern, tok_text with, tok_text from, tok_bytes *to) {
    size_t at = 0, start, end;
    for (size_t next = 0;
         next < from.n && tok_pattern_next(pattern, from.p, from.n, next, &start, &end);) {
        uint32_t c;
        tok_put(to, from.p + at, start - at);
        tok_source(to, from.p + start, end - start);
        tok_put(to, with.p, with.n);
        at = next = end;
        if (end == start && end < from.n) // nothing is found once at each place
            next += tok_step(from.p + end, from.p + from.n, &c);
        else if (end == start)
            break;
    }
    tok_put(to, from.p + at, from.n - at);
}

/* --- making ----------------------------------------------------------------------------------- */

void tok_pattern_free(tok_pattern *p) {
    if (!p)
        return;
    pcre2_match_data_free(p->spare);
    pcre2_code_free(p->code);
    pcre2_match_context_free(p->limits);
    mx_free((void *)(uintptr_t)p->text.p);
    mx_free(p);
}

tok_pattern *tok_pattern_text(const char *text, size_t n) {
    tok_pattern *p = mx_calloc(1, sizeof *p);
    if (p && tok_copy(&p->text, text, n))
        return p;
    tok_pattern_free(p);
    return NULL;
}

tok_pattern *tok_pattern_class(bool (*is)(uint32_t)) {
    tok_pattern *p = mx_calloc(1, sizeof *p);
    if (p)
        p->is = is;
    for (uint32_t c = 0; p && c < 128; c++)
        p->ascii[c] = is(c);
    return p;
}

/* --- from Oniguruma's words into PCRE2's ------------------------------------------------------ */

typedef struct rewrite {
    const char *from, *set; /* outside of a set, and inside; NULL: it is not understood there */
} rewrite;

/* \w has marks and connectors, \s has U+0085. */
static const rewrite *rewrite_of(char letter) {
#define WORD  "\\p{L}\\p{M}\\p{N}\\p{Pc}"
#define SPACE "\\s\\x{85}"
    static const struct {
        char letter;
        rewrite to;
    } all[] = {{'w', {"[" WORD "]", WORD}},
               {'W', {"[^" WORD "]", NULL}},
               {'s', {"[" SPACE "]", SPACE}},
               {'S', {"[^" SPACE "]", NULL}}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].letter == letter)
            return &all[i].to;
    return NULL;
}

static bool refuse(const char *text, size_t n, const char *what) {
    return mx_fail(MX_UNSUPPORTED, "[tokenizer] the pattern '%.*s': '%s' is not understood",
                   (int)(n < 200 ? n : 200), text, what);
}

/* A backslash and what follows it. */
static bool put_escape(tok_bytes *to, const char *text, size_t n, const char *at, bool in_set) {
    const rewrite *r = rewrite_of(at[1]);
    const char *other = r ? in_set ? r->set : r->from : NULL;
    if (r && !other)
        return refuse(text, n, (char[]){'\\', at[1], ' ', 'i', 'n', ' ', '[', ']', 0});
    tok_put(to, other ? other : at, other ? strlen(other) : 2);
    return true;
}

/* The set that begins at `at`; behind it. NULL and an error: it is not understood, or has no end.
   */
static const char *put_set(tok_bytes *to, const char *text, size_t n, const char *at) {
    const char *end = text + n, *p = at + 1 + (at + 1 < end && at[1] == '^');
    p += p < end && *p == ']'; // a member
    tok_put(to, at, (size_t)(p - at));
    for (const char *class; p < end; p++) {
        if (*p == ']')
            return tok_put(to, p, 1), p + 1;
        if (*p == '[') {
            class = end - p > 2 && p[1] == ':' ? memmem(p, (size_t)(end - p), ":]", 2) : NULL;
            if (!class)
                return refuse(text, n, "[ in []"), NULL;
            tok_put(to, p, (size_t)(class + 1 - p));
            p = class;
        }
        if (*p != '\\' || p + 1 == end)
            tok_put(to, p, 1);
        else if (put_escape(to, text, n, p, true))
            p++;
        else
            return NULL;
    }
    return refuse(text, n, "[ without ]"), NULL;
}

static bool translate(tok_bytes *to, const char *text, size_t n) {
    static const char *const other[] = {"&&",  "\\h", "\\H", "\\K", "\\G",
                                        "\\C", "(?{", "(*",  "(?m", "(?~"};
    const char *end = text + n;
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (memmem(text, n, other[i], strlen(other[i])))
            return refuse(text, n, other[i]);
    for (const char *p = text; p && p < end;) {
        if (*p == '}' && p > text && p + 1 < end && p[1] == '+' && strchr("0123456789,", p[-1]))
            return refuse(text, n, "{n}+"); // again and again there, possessive here
        if (*p == '[')
            p = put_set(to, text, n, p);
        else if (*p == '\\' && p + 1 < end)
            p = put_escape(to, text, n, p, false) ? p + 2 : NULL;
        else
            tok_put(to, p++, 1);
    }
    return !mx_failed();
}

static bool compile(tok_pattern *p, const tok_bytes *b) {
    int code;
    PCRE2_SIZE at;
    unsigned char why[160];
    p->code = pcre2_compile((PCRE2_SPTR)(b->p ? b->p : ""), b->n,
                            PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C,
                            &code, &at, NULL);
    if (!p->code) {
        pcre2_get_error_message(code, why, sizeof why);
        return mx_fail(MX_FORMAT, "[tokenizer] the pattern '%.*s' at byte %zu: %s",
                       (int)(b->n < 200 ? b->n : 200), b->p, (size_t)at, (char *)why);
    }
    p->limits = pcre2_match_context_create(NULL);
    if (!p->limits)
        return mx_fail_nomem("tokenizer", 128);
    pcre2_set_match_limit(p->limits, MOST_STEPS);
    pcre2_set_heap_limit(p->limits, MOST_KILOBYTES);
    pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE); // where that cannot be, the interpreter matches
    return true;
}

tok_pattern *tok_pattern_plain(const char *text, size_t n) {
    tok_bytes b = {0};
    if (n > MOST_PATTERN)
        return mx_fail(MX_FORMAT, "[tokenizer] a pattern of %zu bytes", n);
    tok_pattern *p = translate(&b, text, n) ? mx_calloc(1, sizeof *p) : NULL;
    bool ok = p && compile(p, &b);
    tok_free(&b);
    if (ok)
        return p;
    tok_pattern_free(p);
    return NULL;
}

tok_pattern *tok_pattern_regex(const char *text, size_t n) {
    tok_scan *scan = tok_scan_of(text, n);
    tok_pattern *p = scan ? mx_calloc(1, sizeof *p) : tok_pattern_plain(text, n);
    if (p)
        p->scan = scan;
    return p;
}
