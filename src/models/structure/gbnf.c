/* See gbnf.h: recursive descent, with a bound on parentheses. */
#include "models/structure/gbnf.h"

#include <string.h>

#include "base/map.h"

typedef struct parser {
    sg_builder *b;
    const char *at, *end;
    mx_map rules; /* by name: number + 1 */
    int depth;
    const char *counted;
    size_t line; /* line ends up to there */
} parser;

/* Counts on from where it was asked last. */
static size_t line_of(parser *p) {
    for (; p->counted < p->at; p->counted++)
        p->line += *p->counted == '\n';
    return p->line + 1;
}

static sg_expr wrong(parser *p, const char *what) {
    return sg_fail(p->b, MX_INVALID, "line %zu: %s", line_of(p), what);
}

static int peek(const parser *p) {
    return p->at < p->end ? (unsigned char)*p->at : -1;
}

/* Blanks and comments; also line ends where `lines`. */
static void skip(parser *p, bool lines) {
    for (; peek(p) >= 0; p->at++) {
        if (peek(p) == '#')
            while (p->at + 1 < p->end && p->at[1] != '\n')
                p->at++;
        else if (peek(p) != ' ' && peek(p) != '\t' &&
                 !(lines && (peek(p) == '\n' || peek(p) == '\r')))
            return;
    }
}

/* --- names ----------------------------------------------------------------------------------- */

static bool is_name(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/* The number of the rule that is named here, new or not. UINT32_MAX: an error. */
static uint32_t name(parser *p) {
    char word[128];
    size_t n = 0;
    for (; is_name(peek(p)) && n + 1 < sizeof word; p->at++)
        word[n++] = *p->at;
    word[n] = 0;
    if (!n || is_name(peek(p)))
        return wrong(p, n ? "a name has more than 127 letters" : "a name is missing"), UINT32_MAX;
    uintptr_t known = (uintptr_t)mx_map_get(&p->rules, word);
    if (known)
        return (uint32_t)known - 1;
    uint32_t rule = sg_rule_new(p->b, word, n);
    if (!p->b->failed)
        p->b->rule[rule].line = line_of(p);
    if (!p->b->failed && !mx_map_set(&p->rules, word, (void *)((uintptr_t)rule + 1), NULL))
        p->b->failed = true;
    return p->b->failed ? UINT32_MAX : rule;
}

/* --- characters ------------------------------------------------------------------------------ */

static uint32_t hex(parser *p, int digits) {
    uint32_t v = 0;
    for (int i = 0; i < digits; i++, p->at++) {
        int c = peek(p), low = c | 0x20;
        if (!(c >= '0' && c <= '9') && !(low >= 'a' && low <= 'f'))
            return wrong(p, "a hexadecimal digit is missing");
        v = 16 * v + (uint32_t)(c <= '9' ? c - '0' : low - 'a' + 10);
    }
    if (v > SG_LAST_POINT || (v >= 0xd800 && v < 0xe000))
        return wrong(p, "this is no character");
    return v;
}

static uint32_t character(parser *p) {
    static const char names[] = "nrt\\\"[]", values[] = "\n\r\t\\\"[]";
    if (!sg_take(&p->at, p->end, "\\")) {
        uint32_t c = sg_decode(&p->at, p->end);
        return c == SG_NO_POINT ? wrong(p, "this is no UTF-8") : c;
    }
    int c = peek(p);
    const char *found = c > 0 ? strchr(names, c) : NULL;
    if (found)
        return p->at++, (unsigned char)values[found - names];
    return sg_take(&p->at, p->end, "x")   ? hex(p, 2)
           : sg_take(&p->at, p->end, "u") ? hex(p, 4)
           : sg_take(&p->at, p->end, "U") ? hex(p, 8)
                                          : wrong(p, "this escape is not known");
}

static sg_expr quoted(parser *p) {
    sg_parts all = {0};
    while (!p->b->failed && peek(p) >= 0 && peek(p) != '"')
        sg_parts_add(p->b, &all, sg_point(p->b, character(p), SG_PLAIN));
    if (!p->b->failed && !sg_take(&p->at, p->end, "\""))
        wrong(p, "a \" is missing");
    return sg_parts_cat(p->b, &all);
}

static sg_expr class(parser *p) {
    sg_points set = {0};
    bool negate = sg_take(&p->at, p->end, "^");
    while (!p->b->failed && peek(p) >= 0 && peek(p) != ']') {
        uint32_t first = character(p), last = first;
        if (peek(p) == '-' && p->end - p->at > 1 && p->at[1] != ']') {
            p->at++;
            last = character(p);
        }
        if (last < first)
            wrong(p, "the range ends before it begins");
        sg_points_add(p->b, &set, first, last);
    }
    if (!p->b->failed && !sg_take(&p->at, p->end, "]"))
        wrong(p, "a ] is missing");
    sg_points_close(p->b, &set, negate);
    return sg_points_expr(p->b, &set, SG_PLAIN);
}

/* --- expressions ------------------------------------------------------------------------------ */

static sg_expr alternatives(parser *p);

static sg_expr atom(parser *p) {
    sg_points all = {0};
    if (sg_take(&p->at, p->end, "\""))
        return quoted(p);
    if (sg_take(&p->at, p->end, "["))
        return class(p);
    if (sg_take(&p->at, p->end, ".")) {
        sg_points_close(p->b, &all, true);
        return sg_points_expr(p->b, &all, SG_PLAIN);
    }
    if (sg_take(&p->at, p->end, "(")) {
        if (++p->depth > SG_MOST_NESTING)
            return wrong(p, "parentheses are nested too deeply");
        sg_expr x = alternatives(p);
        p->depth--;
        return p->b->failed || sg_take(&p->at, p->end, ")") ? x : wrong(p, "a ) is missing");
    }
    if (is_name(peek(p))) {
        uint32_t rule = name(p);
        return p->b->failed ? SG_NONE : sg_ref(p->b, rule);
    }
    return wrong(p, peek(p) == '<' ? "tokens in a grammar cannot be enforced"
                                   : "an expression is missing");
}

static uint32_t count(parser *p) {
    uint32_t v = 0;
    if (peek(p) < '0' || peek(p) > '9')
        wrong(p, "a number of times is missing");
    for (; peek(p) >= '0' && peek(p) <= '9'; p->at++)
        v = v > SG_MOST_REPEAT ? v : 10 * v + (uint32_t)(peek(p) - '0');
    return v;
}

static bool bounds(parser *p, uint32_t *least, uint32_t *most) {
    if (sg_take(&p->at, p->end, "{")) {
        *least = *most = count(p);
        if (sg_take(&p->at, p->end, ","))
            *most = peek(p) == '}' ? SG_UNBOUNDED : count(p);
        if (!p->b->failed && (!sg_take(&p->at, p->end, "}") || *most < *least))
            wrong(p, "this is no {least,most}");
        return !p->b->failed;
    }
    *least = peek(p) == '+';
    *most = peek(p) == '?' ? 1 : SG_UNBOUNDED;
    return sg_take(&p->at, p->end, "*") || sg_take(&p->at, p->end, "+") ||
           sg_take(&p->at, p->end, "?");
}

static sg_expr sequence(parser *p) {
    sg_parts all = {0};
    uint32_t least, most;
    skip(p, p->depth > 0);
    while (!p->b->failed && peek(p) >= 0 && !strchr("|)\n\r", peek(p))) {
        sg_expr x = atom(p);
        skip(p, p->depth > 0);
        if (!p->b->failed && bounds(p, &least, &most))
            x = sg_repeat(p->b, x, least, most);
        skip(p, p->depth > 0);
        sg_parts_add(p->b, &all, x);
    }
    return sg_parts_cat(p->b, &all);
}

static sg_expr alternatives(parser *p) {
    sg_parts all = {0};
    skip(p, true);
    do {
        skip(p, true);
        sg_parts_add(p->b, &all, sequence(p));
    } while (!p->b->failed && sg_take(&p->at, p->end, "|"));
    return sg_parts_alt(p->b, &all);
}

static void rule(parser *p) {
    uint32_t r = name(p);
    size_t line = line_of(p);
    skip(p, true);
    if (!p->b->failed && !sg_take(&p->at, p->end, "::="))
        wrong(p, "a ::= is missing");
    sg_rule *own = p->b->failed ? NULL : &p->b->rule[r];
    if (own && own->defined)
        sg_fail(p->b, MX_INVALID, "line %zu: the rule '%.100s' is defined twice, first in line %zu",
                line, own->name, own->line);
    else if (own)
        own->line = line;
    sg_expr x = p->b->failed ? SG_NONE : alternatives(p);
    if (!p->b->failed && peek(p) == ')')
        wrong(p, "a ) has no (");
    sg_rule_set(p->b, r, x);
}

uint32_t sg_gbnf(sg_builder *b, const char *text, size_t n) {
    parser p = {.b = b, .at = text, .end = text + n, .counted = text};
    if (n > SG_MOST_TEXT)
        wrong(&p, "it has more than 4 MiB");
    for (skip(&p, true); !b->failed && peek(&p) >= 0; skip(&p, true))
        rule(&p);
    uintptr_t root = (uintptr_t)mx_map_get(&p.rules, "root");
    if (!b->failed && !root)
        sg_fail(b, MX_INVALID, "it has no rule 'root'");
    mx_map_free(&p.rules, NULL);
    return b->failed ? UINT32_MAX : (uint32_t)root - 1;
}
