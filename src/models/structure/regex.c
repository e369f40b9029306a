/* See regex.h: recursive descent, with a bound on parentheses. */
#include "models/structure/regex.h"

#include <string.h>

typedef struct parser {
    sg_builder *b;
    const char *text, *at, *end;
    sg_spelling as;
    bool search;
    int depth;
} parser;

static sg_expr wrong(parser *p, const char *what) {
    return sg_fail(p->b, MX_INVALID, "at byte %zu: %s", (size_t)(p->at - p->text), what);
}

static sg_expr refuse(parser *p, const char *what) {
    return sg_fail(p->b, MX_UNSUPPORTED, "at byte %zu: %s cannot be enforced",
                   (size_t)(p->at - p->text), what);
}

static int peek(const parser *p) {
    return p->at < p->end ? (unsigned char)*p->at : -1;
}

/* --- escapes --------------------------------------------------------------------------------- */

static uint32_t hex(parser *p, int digits) {
    uint32_t v = 0;
    for (int i = 0; i < digits; i++, p->at++) {
        int c = peek(p), low = c | 0x20;
        if (!(c >= '0' && c <= '9') && !(low >= 'a' && low <= 'f')) {
            wrong(p, "a hexadecimal digit is missing");
            return 0;
        }
        v = 16 * v + (uint32_t)(c <= '9' ? c - '0' : low - 'a' + 10);
    }
    return v;
}

static uint32_t braced(parser *p) {
    const char *close = memchr(p->at, '}', (size_t)(p->end - p->at));
    if (!close || close - p->at < 1 || close - p->at > 6)
        return wrong(p, "\\u{ wants one to six digits and a }");
    uint32_t v = hex(p, (int)(close - p->at));
    p->at += !p->b->failed;
    return v;
}

/* After \u: two halves of a pair are one character. */
static uint32_t unicode(parser *p) {
    uint32_t v = sg_take(&p->at, p->end, "{") ? braced(p) : hex(p, 4);
    if (v >= 0xd800 && v < 0xdc00 && sg_take(&p->at, p->end, "\\u")) {
        uint32_t low = hex(p, 4);
        if (low >= 0xdc00 && low < 0xe000)
            v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
    }
    if (v > SG_LAST_POINT || (v >= 0xd800 && v < 0xe000))
        wrong(p, "this is no character");
    return v;
}

static const sg_span digits[] = {{'0', '9'}},
                     word[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
                     space[] = {{'\t', '\r'},     {' ', ' '},       {0xa0, 0xa0},
                                {0x1680, 0x1680}, {0x2000, 0x200a}, {0x2028, 0x2029},
                                {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
                                {0xfeff, 0xfeff}},
                     ends[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

static const struct {
    char name;
    const sg_span *span;
    size_t count;
} classes[] = {{'d', digits, 1}, {'w', word, 4}, {'s', space, sizeof space / sizeof *space}};

/* \d and its like into the set, where the next letter names one. */
static bool take_class(parser *p, sg_points *set) {
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if ((peek(p) | 0x20) != classes[i].name)
            continue;
        sg_points own = {0};
        for (size_t j = 0; j < classes[i].count; j++)
            sg_points_add(p->b, &own, classes[i].span[j].first, classes[i].span[j].last);
        sg_points_close(p->b, &own, peek(p) != classes[i].name);
        for (size_t j = 0; j < own.count; j++)
            sg_points_add(p->b, set, own.span[j].first, own.span[j].last);
        sg_points_free(&own);
        p->at++;
        return true;
    }
    return false;
}

/* What is refused, by the letter after the backslash. */
static const struct {
    const char *letters, *what;
} refused[] = {{"123456789k", "a back reference"},
               {"bB", "a word boundary"},
               {"AzZG", "an anchor inside of a pattern"},
               {"pPXR", "a class of Unicode's properties"}};

static bool is_letter(int c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* \cA to \cZ (ECMA-262, 22.2.1): a control character by the letter that is typed with it. */
static uint32_t control(parser *p) {
    int c = peek(p);
    if (c < 0 || !is_letter(c))
        return wrong(p, "a letter belongs behind \\c");
    p->at++;
    return (uint32_t)c % 32;
}

/* A character after a backslash, which is none of the classes. In a class \b is a backspace. */
static uint32_t escaped(parser *p, bool in_class) {
    static const char names[] = "nrtfv0", values[] = "\n\r\t\f\v";
    int c = peek(p);
    if (c < 0)
        return wrong(p, "nothing follows the backslash");
    const char *name = strchr(names, c);
    if (in_class && c == 'b')
        return p->at++, '\b';
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (strchr(refused[i].letters, c))
            return refuse(p, refused[i].what);
    if (c == '0' && p->at + 1 < p->end && p->at[1] >= '0' && p->at[1] <= '9')
        return refuse(p, "a character in octal");
    if (name && c)
        return p->at++, (unsigned char)values[name - names];
    if (sg_take(&p->at, p->end, "x"))
        return hex(p, 2);
    if (sg_take(&p->at, p->end, "u"))
        return unicode(p);
    if (sg_take(&p->at, p->end, "c"))
        return control(p);
    bool letter = is_letter(c) || (c >= '0' && c <= '9');
    return letter ? wrong(p, "this escape is not known") : sg_decode(&p->at, p->end);
}

static uint32_t literal(parser *p) {
    uint32_t c = sg_decode(&p->at, p->end);
    if (c == SG_NO_POINT)
        return wrong(p, "this is no UTF-8");
    return c;
}

/* --- classes --------------------------------------------------------------------------------- */

static void span(parser *p, sg_points *set) {
    bool escape = sg_take(&p->at, p->end, "\\");
    if (escape && take_class(p, set))
        return;
    uint32_t first = escape ? escaped(p, true) : literal(p), last = first;
    bool range = peek(p) == '-' && p->end - p->at > 1 && p->at[1] != ']';
    if (range && !p->b->failed) {
        p->at++;
        last = sg_take(&p->at, p->end, "\\") ? escaped(p, true) : literal(p);
    }
    if (last < first)
        wrong(p, "the range ends before it begins");
    sg_points_add(p->b, set, first, last);
}

static sg_expr class(parser *p) {
    sg_points set = {0};
    bool negate = sg_take(&p->at, p->end, "^");
    while (!p->b->failed && peek(p) != ']' && peek(p) >= 0)
        span(p, &set);
    if (!p->b->failed && !sg_take(&p->at, p->end, "]"))
        wrong(p, "the class has no ]");
    sg_points_close(p->b, &set, negate);
    return sg_points_expr(p->b, &set, p->as);
}

/* --- atoms ----------------------------------------------------------------------------------- */

static sg_expr any(parser *p, bool also_lines) {
    sg_points set = {0};
    for (size_t i = 0; !also_lines && i < sizeof ends / sizeof *ends; i++)
        sg_points_add(p->b, &set, ends[i].first, ends[i].last);
    sg_points_close(p->b, &set, true);
    return sg_points_expr(p->b, &set, p->as);
}

static sg_expr alternatives(parser *p);

static void name(parser *p) {
    const char *close = memchr(p->at, '>', (size_t)(p->end - p->at));
    if (close)
        p->at = close + 1;
    else
        wrong(p, "the group's name has no >");
}

static sg_expr group(parser *p) {
    if (sg_take(&p->at, p->end, "?=") || sg_take(&p->at, p->end, "?!"))
        return refuse(p, "look-ahead");
    if (sg_take(&p->at, p->end, "?<=") || sg_take(&p->at, p->end, "?<!"))
        return refuse(p, "look-behind");
    if (sg_take(&p->at, p->end, "?>"))
        return refuse(p, "an atomic group");
    if (sg_take(&p->at, p->end, "?P<") || sg_take(&p->at, p->end, "?<"))
        name(p);
    else if (!sg_take(&p->at, p->end, "?:") && peek(p) == '?')
        return refuse(p, "a group of this kind");
    if (++p->depth > SG_MOST_NESTING)
        return wrong(p, "parentheses are nested too deeply");
    sg_expr x = alternatives(p);
    p->depth--;
    if (!p->b->failed && !sg_take(&p->at, p->end, ")"))
        return wrong(p, "a ) is missing");
    return x;
}

static sg_expr atom(parser *p) {
    sg_points set = {0};
    if (sg_take(&p->at, p->end, "("))
        return group(p);
    if (sg_take(&p->at, p->end, "["))
        return class(p);
    if (sg_take(&p->at, p->end, "."))
        return any(p, false);
    if (peek(p) >= 0 && strchr("*+?{", peek(p)))
        return wrong(p, "there is nothing to repeat");
    if (peek(p) == '^' || peek(p) == '$')
        return refuse(p, "an anchor inside of a pattern");
    if (sg_take(&p->at, p->end, "\\")) {
        if (take_class(p, &set)) {
            sg_points_close(p->b, &set, false);
            return sg_points_expr(p->b, &set, p->as);
        }
        sg_points_free(&set);
        return sg_point(p->b, escaped(p, false), p->as);
    }
    return sg_point(p->b, literal(p), p->as);
}

/* --- quantifiers ----------------------------------------------------------------------------- */

static uint32_t count(parser *p) {
    uint32_t v = 0;
    const char *start = p->at;
    for (; peek(p) >= '0' && peek(p) <= '9'; p->at++)
        v = v > SG_MOST_REPEAT ? v : 10 * v + (uint32_t)(peek(p) - '0');
    if (p->at == start)
        wrong(p, "a number of times is missing");
    return v;
}

static bool bounds(parser *p, uint32_t *least, uint32_t *most) {
    if (sg_take(&p->at, p->end, "{")) {
        *least = *most = count(p);
        if (sg_take(&p->at, p->end, ","))
            *most = peek(p) == '}' ? SG_UNBOUNDED : count(p);
        if (!p->b->failed && (!sg_take(&p->at, p->end, "}") || *most < *least))
            wrong(p, "this is no {least,most}");
        return true;
    }
    *least = peek(p) == '+';
    *most = peek(p) == '?' ? 1 : SG_UNBOUNDED;
    return sg_take(&p->at, p->end, "*") || sg_take(&p->at, p->end, "+") ||
           sg_take(&p->at, p->end, "?");
}

static sg_expr repeated(parser *p) {
    sg_expr x = atom(p);
    uint32_t least, most;
    if (p->b->failed || !bounds(p, &least, &most))
        return x;
    x = sg_repeat(p->b, x, least, most);
    if (peek(p) == '+')
        return refuse(p, "a possessive quantifier");
    sg_take(&p->at, p->end, "?"); // as few as possible: the same texts
    if (peek(p) >= 0 && strchr("*+?{", peek(p)))
        return wrong(p, "a quantifier follows a quantifier");
    return x;
}

/* --- alternatives ---------------------------------------------------------------------------- */

static void add_anything(parser *p, sg_parts *all) {
    sg_parts_add(p->b, all, sg_repeat(p->b, any(p, true), 0, SG_UNBOUNDED));
}

static sg_expr sequence(parser *p) {
    sg_parts all = {0};
    bool top = p->depth == 0, open = top && !sg_take(&p->at, p->end, "^");
    if (open && p->search)
        add_anything(p, &all);
    while (!p->b->failed && peek(p) >= 0 && peek(p) != '|' && peek(p) != ')') {
        bool last = p->at + 1 == p->end || p->at[1] == '|';
        if (top && peek(p) == '$' && last) {
            p->at++;
            return sg_parts_cat(p->b, &all);
        }
        sg_parts_add(p->b, &all, repeated(p));
    }
    if (top && p->search)
        add_anything(p, &all);
    return sg_parts_cat(p->b, &all);
}

static sg_expr alternatives(parser *p) {
    sg_parts all = {0};
    do
        sg_parts_add(p->b, &all, sequence(p));
    while (!p->b->failed && sg_take(&p->at, p->end, "|"));
    return sg_parts_alt(p->b, &all);
}

sg_expr sg_regex(sg_builder *b, const char *pattern, size_t n, sg_spelling as, bool search) {
    parser p = {
        .b = b, .text = pattern, .at = pattern, .end = pattern + n, .as = as, .search = search};
    if (n > SG_MOST_TEXT)
        return wrong(&p, "it has more than 4 MiB");
    sg_expr x = alternatives(&p);
    if (!b->failed && p.at < p.end)
        return wrong(&p, "a ) has no (");
    return x;
}
