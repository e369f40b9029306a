/* Expressions. What binds tighter stands lower, as in Jinja's documentation; `**` is
 * left-associative there, and filters bind tighter than signs but for a sign's own operand.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "models/template/number.h"
#include "models/template/parse/parse.h"

static bool failed(const tm_parser *p) {
    return p->t->heap.failed;
}

/* --- literals --------------------------------------------------------------------------------- */

static tm_node *constant(tm_parser *p, tm_value v) {
    tm_node *n = tm_node_new(p, TM_CONST);
    if (n)
        n->value = v;
    return n;
}

static int hex_of(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* A character of `digits` hexadecimal digits at s. */
static bool put_hex(tm_parser *p, const char *s, const char *end, int digits) {
    uint32_t c = 0;
    for (int i = 0; i < digits; i++) {
        int d = s + i < end ? hex_of(s[i]) : -1;
        if (d < 0)
            return tm_refuse(p, "an escape needs %d hexadecimal digits", digits);
        c = c * 16 + (uint32_t)d;
    }
    if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        return tm_refuse(p, "the escape of U+%X is no character", (unsigned)c);
    tm_put_char(&p->t->heap, c);
    return true;
}

static const char *put_octal(tm_parser *p, const char *s, const char *end) {
    uint32_t c = 0;
    int n = 0;
    for (; n < 3 && s + n < end && s[n] >= '0' && s[n] <= '7'; n++)
        c = c * 8 + (uint32_t)(s[n] - '0');
    tm_put_char(&p->t->heap, c);
    return s + n;
}

/* An escape whose letter is at s; behind it. NULL and an error. */
static const char *put_escape(tm_parser *p, const char *s, const char *end) {
    static const char letters[] = "nrtabfv\\'\"", means[] = "\n\r\t\a\b\f\v\\'\"";
    const char *at = *s ? strchr(letters, *s) : NULL;
    int digits = *s == 'x' ? 2 : *s == 'u' ? 4 : *s == 'U' ? 8 : 0;
    if (at)
        return tm_put(&p->t->heap, means + (at - letters), 1), s + 1;
    if (*s == '\n')
        return s + 1;
    if (digits)
        return put_hex(p, s + 1, end, digits) ? s + 1 + digits : NULL;
    if (*s >= '0' && *s <= '7')
        return put_octal(p, s, end);
    if (*s == 'N')
        return tm_refuse(p, "escapes by name (\\N) are not understood");
    tm_put(&p->t->heap, "\\", 1);
    return s;
}

static bool put_string(tm_parser *p, const char *s, const char *end) {
    while (s < end) {
        const char *slash = memchr(s, '\\', (size_t)(end - s));
        tm_put(&p->t->heap, s, (size_t)((slash ? slash : end) - s));
        s = slash ? put_escape(p, slash + 1, end) : end;
        if (!s)
            return false;
    }
    return !failed(p);
}

/* Strings one after another are one. */
static tm_node *parse_string(tm_parser *p) {
    tm_node *n = tm_node_new(p, TM_CONST);
    size_t begin = tm_begin(&p->t->heap);
    for (; tm_now(p)->kind == TM_T_STRING; p->at++) {
        const char *s = tm_text_of(p, tm_now(p));
        if (!put_string(p, s + 1, s + tm_now(p)->n - 1))
            return NULL;
    }
    return n && tm_take(&p->t->heap, begin, &n->value) ? n : NULL;
}

/* The digits of a number without '_'; NULL and an error: too many. */
static const char *plain_digits(tm_parser *p, char *room, size_t size) {
    const tm_token *k = tm_now(p);
    size_t n = 0;
    if (k->n >= size)
        return tm_refuse(p, "a number of more than %zu digits", size - 1);
    for (size_t i = 0; i < k->n; i++)
        if (tm_text_of(p, k)[i] != '_')
            room[n++] = tm_text_of(p, k)[i];
    room[n] = 0;
    return room;
}

static tm_node *parse_int(tm_parser *p) {
    char room[400], *end;
    const char *s = plain_digits(p, room, sizeof room);
    if (!s)
        return NULL;
    bool prefixed = s[0] == '0' && s[1] && strchr("xXoObB", s[1]);
    int base = !prefixed ? 10 : strchr("xX", s[1]) ? 16 : strchr("oO", s[1]) ? 8 : 2;
    errno = 0;
    long long v = strtoll(s + 2 * prefixed, &end, base);
    if (errno)
        return tm_refuse(p, "the number %.40s has more than 64 bits", s);
    if (*end || end == s + 2 * prefixed)
        return tm_refuse(p, "'%.40s' is no number", s);
    if (!prefixed && s[0] == '0' && strspn(s, "0") != strlen(s))
        return tm_refuse(p, "the number %.40s begins with 0", s);
    tm_node *n = constant(p, tm_int(v));
    p->at++;
    return n;
}

static tm_node *parse_float(tm_parser *p) {
    char room[400];
    double v;
    const char *s = plain_digits(p, room, sizeof room);
    if (!s || !tm_read_float(s, strlen(s), &v))
        return s ? tm_refuse(p, "'%.40s' is no number", s) : NULL;
    tm_node *n = constant(p, tm_float(v));
    p->at++;
    return n;
}

/* --- names ------------------------------------------------------------------------------------ */

/* The name that a token is, with a zero behind it. */
static bool take_name(tm_parser *p, const tm_token *k, tm_value *out) {
    uint32_t id = tm_add_name(p->t, tm_text_of(p, k), k->n);
    if (id != TM_NO_ID)
        *out = tm_str(p->t->word[id], k->n);
    return id != TM_NO_ID;
}

/* A macro takes more arguments where it looks at them. */
static void notice(tm_parser *p, uint32_t id) {
    if (!p->macro)
        return;
    p->macro->negated |= id == TM_ID_CALLER;
    p->macro->more |= id == TM_ID_VARARGS;
    p->macro->more_words |= id == TM_ID_KWARGS;
}

tm_node *tm_parse_name(tm_parser *p) {
    const tm_token *k = tm_now(p);
    if (k->kind != TM_T_NAME)
        return tm_refuse(p, "a name is expected");
    tm_node *n = tm_node_new(p, TM_NAME);
    if (n)
        n->id = tm_add_name(p->t, tm_text_of(p, k), k->n);
    if (!n || n->id == TM_NO_ID)
        return NULL;
    n->value = tm_str(p->t->word[n->id], k->n);
    notice(p, n->id);
    p->at++;
    return n;
}

static tm_node *parse_word(tm_parser *p) {
    static const struct {
        const char *name;
        tm_value value;
    } words[] = {{"true", {.kind = TM_BOOL, .i = 1}},  {"True", {.kind = TM_BOOL, .i = 1}},
                 {"false", {.kind = TM_BOOL, .i = 0}}, {"False", {.kind = TM_BOOL, .i = 0}},
                 {"none", {.kind = TM_NONE}},          {"None", {.kind = TM_NONE}}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (tm_is_name(p, words[i].name)) {
            tm_node *n = constant(p, words[i].value);
            p->at++;
            return n;
        }
    return tm_parse_name(p);
}

static tm_node *parse_target(tm_parser *p, bool attribute) {
    tm_node *n = tm_parse_name(p);
    if (!n || !attribute || !tm_skip_sign(p, "."))
        return n;
    const tm_token *k = tm_now(p);
    if (k->kind != TM_T_NAME)
        return tm_refuse(p, "a name is expected behind '.'");
    n = tm_node_of(p, TM_ATTR, n, NULL);
    p->at++;
    return n && take_name(p, k, &n->value) ? n : NULL;
}

tm_node *tm_parse_target(tm_parser *p, bool attribute) {
    tm_nodes l = {0};
    bool bracket = tm_skip_sign(p, "("), comma = false;
    do {
        if (comma && tm_now(p)->kind != TM_T_NAME)
            break;
        tm_node *n = parse_target(p, attribute);
        if (!n || !tm_nodes_add(p, &l, n))
            return NULL;
    } while (tm_skip_sign(p, ",") && (comma = true));
    if (bracket && !tm_want_sign(p, ")"))
        return NULL;
    return comma ? tm_nodes_of(p, tm_node_new(p, TM_MAKE_TUPLE), &l) : l.item[0];
}

/* --- brackets --------------------------------------------------------------------------------- */

static bool is_end(const tm_parser *p) {
    const tm_token *k = tm_now(p);
    return k->kind == TM_T_CLOSE || k->kind == TM_T_UNTAG || k->kind == TM_T_END ||
           tm_is_sign(p, ")") || tm_is_sign(p, "]") || tm_is_sign(p, "}");
}

static tm_node *parse_group(tm_parser *p) {
    p->at++;
    if (tm_skip_sign(p, ")"))
        return tm_node_new(p, TM_MAKE_TUPLE);
    tm_node *n = tm_parse_exprs(p, false);
    return n && tm_want_sign(p, ")") ? n : NULL;
}

static tm_node *parse_list(tm_parser *p) {
    tm_nodes l = {0};
    p->at++;
    while (!tm_is_sign(p, "]")) {
        if (l.n && !tm_want_sign(p, ","))
            return NULL;
        if (tm_is_sign(p, "]"))
            break;
        if (!tm_nodes_add(p, &l, tm_parse_expr(p)))
            return NULL;
    }
    p->at++;
    return tm_nodes_of(p, tm_node_new(p, TM_MAKE_LIST), &l);
}

static tm_node *parse_dict(tm_parser *p) {
    tm_nodes l = {0};
    p->at++;
    while (!tm_is_sign(p, "}")) {
        if (l.n && !tm_want_sign(p, ","))
            return NULL;
        if (tm_is_sign(p, "}"))
            break;
        if (!tm_nodes_add(p, &l, tm_parse_expr(p)) || !tm_want_sign(p, ":") ||
            !tm_nodes_add(p, &l, tm_parse_expr(p)))
            return NULL;
    }
    p->at++;
    return tm_nodes_of(p, tm_node_new(p, TM_MAKE_DICT), &l);
}

static tm_node *parse_other(tm_parser *p) {
    const tm_token *k = tm_now(p);
    if (tm_is_sign(p, "("))
        return parse_group(p);
    if (tm_is_sign(p, "["))
        return parse_list(p);
    if (tm_is_sign(p, "{"))
        return parse_dict(p);
    if (k->kind == TM_T_SIGN)
        return tm_refuse(p, "an expression is expected, not '%.*s'", (int)k->n, tm_text_of(p, k));
    return tm_refuse(p, "an expression is expected where the tag ends");
}

static tm_node *parse_primary(tm_parser *p) {
    switch (tm_now(p)->kind) {
    case TM_T_NAME: return parse_word(p);
    case TM_T_STRING: return parse_string(p);
    case TM_T_INT: return parse_int(p);
    case TM_T_FLOAT: return parse_float(p);
    default: break;
    }
    tm_node *n = tm_enter(p) ? parse_other(p) : NULL;
    tm_leave(p);
    return n;
}

/* --- calls ------------------------------------------------------------------------------------ */

static tm_node *parse_keyword(tm_parser *p) {
    const tm_token *k = tm_now(p);
    p->at += 2;
    tm_node *n = tm_node_of(p, TM_ARGUMENT, tm_parse_expr(p), NULL);
    if (n)
        n->value = tm_str(tm_text_of(p, k), k->n);
    return n;
}

static bool is_keyword(const tm_parser *p) {
    const tm_token *next = tm_now(p) + 1;
    return tm_now(p)->kind == TM_T_NAME && next->kind == TM_T_SIGN && next->n == 1 &&
           *tm_text_of(p, next) == '=';
}

static tm_node *parse_argument(tm_parser *p, bool *words) {
    if (tm_skip_sign(p, "**")) {
        *words = true;
        return tm_node_of(p, TM_SPREAD_WORDS, tm_parse_expr(p), NULL);
    }
    if (is_keyword(p)) {
        *words = true;
        return parse_keyword(p);
    }
    if (tm_skip_sign(p, "*"))
        return tm_node_of(p, TM_SPREAD, tm_parse_expr(p), NULL);
    if (*words)
        return tm_refuse(p, "an argument without a name behind one with a name");
    return tm_node_of(p, TM_ARGUMENT, tm_parse_expr(p), NULL);
}

static bool parse_arguments(tm_parser *p, tm_node *n) {
    tm_nodes l = {0};
    bool words = false;
    while (!tm_is_sign(p, ")")) {
        if (l.n && !tm_want_sign(p, ","))
            return false;
        if (tm_is_sign(p, ")"))
            break;
        if (!tm_nodes_add(p, &l, parse_argument(p, &words)))
            return false;
    }
    p->at++;
    if (l.n > TM_MOST_ARGUMENTS)
        return tm_refuse(p, "more than %d arguments", TM_MOST_ARGUMENTS);
    return tm_nodes_of(p, n, &l);
}

bool tm_parse_arguments(tm_parser *p, tm_node *n) {
    bool ok = tm_enter(p) && tm_want_sign(p, "(") && parse_arguments(p, n);
    tm_leave(p);
    return ok;
}

static tm_node *parse_call(tm_parser *p, tm_node *a) {
    tm_node *n = tm_node_of(p, TM_CALL, a, NULL);
    return n && tm_parse_arguments(p, n) ? n : NULL;
}

/* --- subscripts ------------------------------------------------------------------------------- */

static tm_node *parse_dot(tm_parser *p, tm_node *a) {
    const tm_token *k = tm_now(p);
    if (k->kind == TM_T_INT)
        return tm_node_of(p, TM_ITEM, a, parse_int(p));
    if (k->kind != TM_T_NAME)
        return tm_refuse(p, "a name or number is expected behind '.'");
    tm_node *n = tm_node_of(p, TM_ATTR, a, NULL);
    p->at++;
    return n && take_name(p, k, &n->value) ? n : NULL;
}

/* "a:b:c" with parts that may be missing, or one index. */
static tm_node *parse_subscript(tm_parser *p, tm_node *a) {
    tm_node *part[3] = {NULL, NULL, NULL};
    int colons = 0;
    while (!tm_is_sign(p, "]") && !tm_is_sign(p, ",")) {
        if (colons < 2 && tm_skip_sign(p, ":"))
            colons++;
        else if (part[colons] || !(part[colons] = tm_parse_expr(p)))
            return failed(p) ? NULL : tm_refuse(p, "']' is expected");
    }
    if (!colons)
        return part[0] ? tm_node_of(p, TM_ITEM, a, part[0])
                       : tm_refuse(p, "an index is expected in '[]'");
    tm_node *n = tm_node_of(p, TM_PART, a, NULL);
    tm_nodes l = {0};
    for (int i = 0; i < 3; i++)
        if (!tm_nodes_add(p, &l, part[i]))
            return NULL;
    return tm_nodes_of(p, n, &l);
}

static tm_node *parse_brackets(tm_parser *p, tm_node *a) {
    tm_node *n = tm_enter(p) ? parse_subscript(p, a) : NULL;
    tm_leave(p);
    if (n && tm_is_sign(p, ","))
        return tm_refuse(p, "an index of several parts is not understood");
    return n && tm_want_sign(p, "]") ? n : NULL;
}

static tm_node *parse_postfix(tm_parser *p, tm_node *n) {
    while (n) {
        if (tm_skip_sign(p, "."))
            n = parse_dot(p, n);
        else if (tm_skip_sign(p, "["))
            n = parse_brackets(p, n);
        else if (tm_is_sign(p, "("))
            n = parse_call(p, n);
        else
            break;
    }
    return n;
}

/* --- filters and tests ------------------------------------------------------------------------ */

static tm_node *parse_filter(tm_parser *p, tm_node *a) {
    const tm_token *k = tm_now(p);
    const char *name = tm_text_of(p, k);
    if (k->kind != TM_T_NAME)
        return tm_refuse(p, "the name of a filter is expected");
    tm_node *n = tm_node_of(p, TM_FILTER, a, NULL);
    if (n && !(n->native = tm_find_filter(name, k->n)))
        return tm_refuse(p, "there is no filter '%.*s'", k->n > 60 ? 60 : (int)k->n, name);
    if (n && !n->native->run)
        return tm_refuse(p, "the filter '%s' is not supported", n->native->name);
    p->at++;
    return n && (!tm_is_sign(p, "(") || tm_parse_arguments(p, n)) ? n : NULL;
}

tm_node *tm_parse_filters(tm_parser *p, tm_node *a) {
    do
        a = parse_filter(p, a);
    while (a && tm_skip_sign(p, "|"));
    return a;
}

/* What may stand behind a test's name as its argument, without parentheses. */
static bool is_argument(const tm_parser *p) {
    const tm_token *k = tm_now(p);
    return k->kind == TM_T_STRING || k->kind == TM_T_INT || k->kind == TM_T_FLOAT ||
           tm_is_sign(p, "[") || tm_is_sign(p, "{") ||
           (k->kind == TM_T_NAME && !tm_is_name(p, "else") && !tm_is_name(p, "or") &&
            !tm_is_name(p, "and"));
}

static bool parse_test_argument(tm_parser *p, tm_node *n) {
    tm_nodes l = {0};
    if (tm_is_sign(p, "("))
        return tm_parse_arguments(p, n);
    if (!is_argument(p))
        return true;
    if (tm_is_name(p, "is"))
        return tm_refuse(p, "tests cannot be chained with 'is'");
    tm_node *a = parse_postfix(p, parse_primary(p));
    return a && tm_nodes_add(p, &l, tm_node_of(p, TM_ARGUMENT, a, NULL)) && tm_nodes_of(p, n, &l);
}

static tm_node *parse_test(tm_parser *p, tm_node *a) {
    bool negated = tm_skip_name(p, "not");
    const tm_token *k = tm_now(p);
    const char *name = tm_text_of(p, k);
    if (k->kind != TM_T_NAME)
        return tm_refuse(p, "the name of a test is expected");
    tm_node *n = tm_node_of(p, TM_TEST, a, NULL);
    if (n && !(n->native = tm_find_test(name, k->n)))
        return tm_refuse(p, "there is no test '%.*s'", k->n > 60 ? 60 : (int)k->n, name);
    p->at++;
    if (!n || !parse_test_argument(p, n))
        return NULL;
    n->negated = negated;
    return n;
}

static tm_node *parse_filtered(tm_parser *p, tm_node *n) {
    while (n) {
        if (tm_skip_sign(p, "|"))
            n = parse_filter(p, n);
        else if (tm_skip_name(p, "is"))
            n = parse_test(p, n);
        else if (tm_is_sign(p, "("))
            n = parse_call(p, n);
        else
            break;
    }
    return n;
}

/* --- signs ------------------------------------------------------------------------------------ */

static tm_node *parse_unary(tm_parser *p, bool filtered) {
    bool minus = tm_is_sign(p, "-"), plus = tm_is_sign(p, "+");
    tm_node *n = NULL;
    if (!minus && !plus)
        n = parse_primary(p);
    else {
        p->at++;
        if (tm_enter(p))
            n = tm_node_of(p, minus ? TM_NEGATE : TM_PLUS, parse_unary(p, false), NULL);
        tm_leave(p);
    }
    n = parse_postfix(p, failed(p) ? NULL : n);
    return filtered ? parse_filtered(p, n) : n;
}

typedef struct level {
    const char *sign[5];
    tm_op op[4];
} level;
enum { TILDE = 1, LEVELS = 4 };

static const level levels[LEVELS] = {
    {{"+", "-"}, {TM_ADD, TM_SUBTRACT}},
    {{"~"}, {TM_CONCAT}},
    {{"*", "/", "//", "%"}, {TM_MULTIPLY, TM_DIVIDE, TM_FLOOR_DIVIDE, TM_MODULO}},
    {{"**"}, {TM_POWER}},
};

static bool skip_of(tm_parser *p, const level *l, tm_op *op) {
    for (int i = 0; l->sign[i]; i++)
        if (tm_skip_sign(p, l->sign[i])) {
            *op = l->op[i];
            return true;
        }
    return false;
}

static tm_node *parse_level(tm_parser *p, int at);

static tm_node *parse_concat(tm_parser *p) {
    tm_nodes l = {0};
    tm_node *n = parse_level(p, TILDE + 1);
    if (!n || !tm_is_sign(p, "~"))
        return n;
    if (!tm_nodes_add(p, &l, n))
        return NULL;
    while (tm_skip_sign(p, "~"))
        if (!(n = parse_level(p, TILDE + 1)) || !tm_nodes_add(p, &l, n))
            return NULL;
    return tm_nodes_of(p, tm_node_new(p, TM_CONCAT), &l);
}

static tm_node *parse_level(tm_parser *p, int at) {
    tm_op op;
    if (at == TILDE)
        return parse_concat(p);
    tm_node *n = at + 1 < LEVELS ? parse_level(p, at + 1) : parse_unary(p, true);
    while (n && skip_of(p, &levels[at], &op)) {
        tm_node *b = at + 1 < LEVELS ? parse_level(p, at + 1) : parse_unary(p, true);
        n = b ? tm_node_of(p, op, n, b) : NULL;
    }
    return n;
}

/* --- comparisons and logic ------------------------------------------------------------------ */

static bool skip_comparison(tm_parser *p, tm_sign *sign) {
    static const char *const signs[] = {"==", "!=", "<", "<=", ">", ">="};
    for (int i = 0; i < 6; i++)
        if (tm_skip_sign(p, signs[i]))
            return *sign = (tm_sign)i, true;
    if (tm_skip_name(p, "in"))
        return *sign = TM_IN, true;
    if (!tm_is_name(p, "not"))
        return false;
    p->at++;
    if (tm_skip_name(p, "in"))
        return *sign = TM_NOT_IN, true;
    p->at--;
    return false;
}

static tm_node *parse_compare(tm_parser *p) {
    tm_nodes l = {0};
    tm_sign sign;
    tm_node *n = parse_level(p, 0);
    while (n && skip_comparison(p, &sign)) {
        tm_node *b = tm_node_of(p, TM_ARGUMENT, parse_level(p, 0), NULL);
        if (b)
            b->id = sign;
        if (!b || !tm_nodes_add(p, &l, b))
            return NULL;
    }
    return n && l.n ? tm_nodes_of(p, tm_node_of(p, TM_COMPARE, n, NULL), &l) : n;
}

static tm_node *parse_not(tm_parser *p) {
    if (!tm_is_name(p, "not"))
        return parse_compare(p);
    p->at++;
    tm_node *n = tm_enter(p) ? parse_not(p) : NULL;
    tm_leave(p);
    return n ? tm_node_of(p, TM_NOT, n, NULL) : NULL;
}

static tm_node *parse_and(tm_parser *p) {
    tm_node *n = parse_not(p);
    while (n && tm_skip_name(p, "and")) {
        tm_node *b = parse_not(p);
        n = b ? tm_node_of(p, TM_AND, n, b) : NULL;
    }
    return n;
}

tm_node *tm_parse_plain(tm_parser *p) {
    tm_node *n = parse_and(p);
    while (n && tm_skip_name(p, "or")) {
        tm_node *b = parse_and(p);
        n = b ? tm_node_of(p, TM_OR, n, b) : NULL;
    }
    return failed(p) ? NULL : n;
}

static tm_node *parse_choice(tm_parser *p, tm_node *a) {
    tm_node *b = tm_parse_plain(p), *c = NULL;
    if (b && tm_skip_name(p, "else")) {
        c = tm_enter(p) ? tm_parse_expr(p) : NULL;
        tm_leave(p);
    }
    tm_node *n = failed(p) ? NULL : tm_node_of(p, TM_CHOICE, a, b);
    if (n)
        n->c = c;
    return n && tm_set_depth(p, n) ? n : NULL;
}

tm_node *tm_parse_expr(tm_parser *p) {
    tm_node *n = tm_parse_plain(p);
    while (n && tm_skip_name(p, "if"))
        n = parse_choice(p, n);
    return n;
}

tm_node *tm_parse_exprs(tm_parser *p, bool plain) {
    tm_nodes l = {0};
    tm_node *n = plain ? tm_parse_plain(p) : tm_parse_expr(p);
    if (!n || !tm_is_sign(p, ","))
        return n;
    if (!tm_nodes_add(p, &l, n))
        return NULL;
    while (tm_skip_sign(p, ",") && !is_end(p)) {
        n = plain ? tm_parse_plain(p) : tm_parse_expr(p);
        if (!n || !tm_nodes_add(p, &l, n))
            return NULL;
    }
    return tm_nodes_of(p, tm_node_new(p, TM_MAKE_TUPLE), &l);
}
