/* Statements: texts, prints and tags. */
#include <string.h>

#include "base/mem.h"
#include "models/template/parse/parse.h"

static tm_node *parse_body(tm_parser *p, const char *const *ends);

/* --- ends of tags ----------------------------------------------------------------------------- */

static bool want_untag(tm_parser *p) {
    const tm_token *k = tm_now(p);
    if (k->kind != TM_T_UNTAG)
        return tm_refuse(p, "'%.*s' stands where the tag should end", k->n > 40 ? 40 : (int)k->n,
                         tm_text_of(p, k));
    p->at++;
    return true;
}

/* Is "{% word" here, of one of the words? */
static bool at_end(const tm_parser *p, const char *const *ends) {
    const tm_token *k = tm_now(p);
    if (k->kind != TM_T_TAG || k[1].kind != TM_T_NAME)
        return false;
    for (; *ends; ends++)
        if (k[1].n == strlen(*ends) && !memcmp(tm_text_of(p, k + 1), *ends, k[1].n))
            return true;
    return false;
}

/* The body up to "{% end", which it goes behind, and to the tag's end. */
static tm_node *body_to(tm_parser *p, const char *end) {
    const char *const ends[] = {end, NULL};
    tm_node *n = parse_body(p, ends);
    p->at += n ? 2 : 0;
    return n && want_untag(p) ? n : NULL;
}

static tm_node *tag_body(tm_parser *p, const char *end) {
    return want_untag(p) ? body_to(p, end) : NULL;
}

/* A body that a loop around cannot be left from. */
static tm_node *apart(tm_parser *p, const char *end) {
    int loops = p->loops;
    p->loops = 0;
    tm_node *n = tag_body(p, end);
    p->loops = loops;
    return n;
}

/* --- if and for ------------------------------------------------------------------------------- */

static const char *const if_ends[] = {"elif", "else", "endif", NULL};

static tm_node *parse_if(tm_parser *p) {
    tm_nodes l = {0};
    tm_node *n = tm_node_new(p, TM_IF);
    do {
        if (!n || !tm_nodes_add(p, &l, tm_parse_exprs(p, true)) || !want_untag(p) ||
            !tm_nodes_add(p, &l, parse_body(p, if_ends)))
            return NULL;
        p->at++;
    } while (tm_skip_name(p, "elif"));
    if (tm_skip_name(p, "else"))
        n->c = tag_body(p, "endif");
    else if (p->at++, !want_untag(p))
        return NULL;
    return tm_nodes_of(p, n, &l);
}

static tm_node *for_body(tm_parser *p, tm_node *n) {
    static const char *const ends[] = {"else", "endfor", NULL};
    tm_nodes l = {0};
    p->loops++;
    bool ok = tm_nodes_add(p, &l, parse_body(p, ends));
    p->loops--;
    if (!ok)
        return NULL;
    p->at++;
    tm_node *other = NULL;
    if (tm_skip_name(p, "else"))
        other = tag_body(p, "endfor");
    else if (p->at++, !want_untag(p))
        return NULL;
    return tm_nodes_add(p, &l, other) ? tm_nodes_of(p, n, &l) : NULL;
}

static tm_node *parse_for(tm_parser *p) {
    tm_node *target = tm_parse_target(p, false);
    if (target && !tm_skip_name(p, "in"))
        return tm_refuse(p, "'in' is expected in 'for'");
    tm_node *of = target ? tm_parse_exprs(p, true) : NULL;
    tm_node *n = of ? tm_node_of(p, TM_FOR, target, of) : NULL;
    if (n && tm_skip_name(p, "if"))
        n->c = tm_parse_expr(p);
    if (!n || p->t->heap.failed)
        return NULL;
    n->id = tm_skip_name(p, "recursive");
    return want_untag(p) ? for_body(p, n) : NULL;
}

static tm_node *parse_jump(tm_parser *p, tm_op op) {
    if (!p->loops)
        return tm_refuse(p, "'%s' stands outside of a loop", op == TM_BREAK ? "break" : "continue");
    tm_node *n = tm_node_new(p, op);
    return n && want_untag(p) ? n : NULL;
}

static tm_node *parse_break(tm_parser *p) {
    return parse_jump(p, TM_BREAK);
}

static tm_node *parse_continue(tm_parser *p) {
    return parse_jump(p, TM_CONTINUE);
}

/* --- set -------------------------------------------------------------------------------------- */

static tm_node *set_block(tm_parser *p, tm_node *target) {
    tm_node *filters = tm_skip_sign(p, "|") ? tm_parse_filters(p, NULL) : NULL;
    tm_node *body = p->t->heap.failed ? NULL : apart(p, "endset");
    tm_node *n = body ? tm_node_of(p, TM_SET_BLOCK, target, body) : NULL;
    if (n)
        n->c = filters;
    return n && tm_set_depth(p, n) ? n : NULL;
}

static tm_node *parse_set(tm_parser *p) {
    tm_node *target = tm_parse_target(p, true);
    if (!target || !tm_skip_sign(p, "="))
        return target ? set_block(p, target) : NULL;
    tm_node *value = tm_parse_exprs(p, false);
    tm_node *n = value ? tm_node_of(p, TM_SET, target, value) : NULL;
    return n && want_untag(p) ? n : NULL;
}

static tm_node *parse_with(tm_parser *p) {
    tm_nodes l = {0};
    tm_node *n = tm_node_new(p, TM_WITH);
    while (n && tm_now(p)->kind != TM_T_UNTAG) {
        if (l.n && !tm_want_sign(p, ","))
            return NULL;
        if (!tm_nodes_add(p, &l, tm_parse_target(p, false)) || !tm_want_sign(p, "=") ||
            !tm_nodes_add(p, &l, tm_parse_expr(p)))
            return NULL;
    }
    if (n)
        n->b = tag_body(p, "endwith");
    return tm_nodes_of(p, n, &l);
}

/* --- macros ----------------------------------------------------------------------------------- */

static tm_node *parse_parameter(tm_parser *p, bool *optional) {
    tm_node *name = tm_parse_name(p), *n = name ? tm_node_new(p, TM_PARAMETER) : NULL;
    if (!n)
        return NULL;
    n->id = name->id;
    n->value = name->value;
    if (tm_skip_sign(p, "="))
        n->a = tm_parse_expr(p), *optional = true;
    else if (*optional)
        return tm_refuse(p, "a parameter without a default behind one with a default");
    return tm_set_depth(p, n) ? n : NULL;
}

static bool parse_parameters(tm_parser *p, tm_node *n) {
    tm_nodes l = {0};
    bool optional = false;
    if (!tm_want_sign(p, "("))
        return false;
    while (!tm_is_sign(p, ")")) {
        if (l.n && !tm_want_sign(p, ","))
            return false;
        if (tm_is_sign(p, ")"))
            break;
        if (!tm_nodes_add(p, &l, parse_parameter(p, &optional)))
            return false;
    }
    p->at++;
    if (l.n > TM_MOST_ARGUMENTS)
        return tm_refuse(p, "more than %d parameters", TM_MOST_ARGUMENTS);
    return tm_nodes_of(p, n, &l);
}

/* The body of a macro, whose own names it notices. */
static tm_node *macro_body(tm_parser *p, tm_node *n, const char *end) {
    tm_node *around = p->macro;
    p->macro = n;
    n->b = apart(p, end);
    p->macro = around;
    return n->b && tm_set_depth(p, n) ? n : NULL;
}

static tm_node *parse_macro(tm_parser *p) {
    tm_node *name = tm_parse_name(p), *n = name ? tm_node_new(p, TM_MACRO_NODE) : NULL;
    if (!n)
        return NULL;
    n->id = name->id;
    n->value = name->value;
    return parse_parameters(p, n) ? macro_body(p, n, "endmacro") : NULL;
}

static tm_node *parse_call_block(tm_parser *p) {
    tm_node *caller = tm_node_new(p, TM_MACRO_NODE);
    if (!caller)
        return NULL;
    caller->id = TM_NO_ID;
    caller->value = tm_word("caller");
    if (tm_is_sign(p, "(") && !parse_parameters(p, caller))
        return NULL;
    tm_node *call = tm_parse_expr(p);
    if (call && call->op != TM_CALL)
        return tm_refuse(p, "'call' needs a call");
    if (!call || !macro_body(p, caller, "endcall"))
        return NULL;
    return tm_node_of(p, TM_CALL_BLOCK, call, caller);
}

static tm_node *parse_filter_block(tm_parser *p) {
    tm_node *filters = tm_parse_filters(p, NULL), *body = filters ? apart(p, "endfilter") : NULL;
    return body ? tm_node_of(p, TM_FILTER_BLOCK, filters, body) : NULL;
}

/* What the model has written: no more than a scope, when a text is made. */
static tm_node *parse_generation(tm_parser *p) {
    tm_node *body = apart(p, "endgeneration");
    return body ? tm_node_of(p, TM_SCOPE, NULL, body) : NULL;
}

/* --- tags ------------------------------------------------------------------------------------- */

static tm_node *parse_print(tm_parser *p) {
    tm_nodes l = {0};
    tm_node *n = tm_node_new(p, TM_BODY);
    while (tm_now(p)->kind != TM_T_UNTAG) {
        if (l.n && !tm_want_sign(p, ","))
            return NULL;
        tm_node *a = tm_parse_expr(p);
        if (!a || !tm_nodes_add(p, &l, tm_node_of(p, TM_PRINT, a, NULL)))
            return NULL;
    }
    p->at++;
    return tm_nodes_of(p, n, &l);
}

static tm_node *parse_known(tm_parser *p) {
    static const struct {
        const char *name;
        tm_node *(*parse)(tm_parser *p);
    } tags[] = {{"if", parse_if},
                {"for", parse_for},
                {"set", parse_set},
                {"macro", parse_macro},
                {"call", parse_call_block},
                {"filter", parse_filter_block},
                {"generation", parse_generation},
                {"with", parse_with},
                {"break", parse_break},
                {"continue", parse_continue},
                {"print", parse_print}};
    static const char *const refused[] = {"include", "import", "from",  "extends",
                                          "block",   "do",     "trans", "autoescape"};
    const tm_token *k = tm_now(p);
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (tm_skip_name(p, tags[i].name))
            return tags[i].parse(p);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (tm_is_name(p, refused[i]))
            return tm_refuse(p, "the tag '%s' is not supported", refused[i]);
    return tm_refuse(p, "the tag '%.*s' is not expected", k->n > 40 ? 40 : (int)k->n,
                     tm_text_of(p, k));
}

static tm_node *parse_tag(tm_parser *p) {
    p->at++;
    tm_node *n = tm_enter(p) ? parse_known(p) : NULL;
    tm_leave(p);
    return p->t->heap.failed ? NULL : n;
}

static tm_node *parse_text(tm_parser *p) {
    const tm_token *k = tm_now(p);
    tm_node *n = tm_node_new(p, TM_TEXT);
    if (n)
        n->value = tm_str(tm_text_of(p, k), k->n);
    p->at++;
    return n;
}

static tm_node *parse_output(tm_parser *p) {
    p->at++;
    tm_node *n = tm_parse_exprs(p, false);
    if (n && tm_now(p)->kind != TM_T_CLOSE)
        return tm_refuse(p, "'%.*s' stands where '}}' is expected",
                         tm_now(p)->n > 40 ? 40 : (int)tm_now(p)->n, tm_text_of(p, tm_now(p)));
    p->at++;
    return n ? tm_node_of(p, TM_PRINT, n, NULL) : NULL;
}

static tm_node *parse_piece(tm_parser *p) {
    switch (tm_now(p)->kind) {
    case TM_T_TEXT: return parse_text(p);
    case TM_T_OPEN: return parse_output(p);
    default: return parse_tag(p);
    }
}

/* Up to one of the ends (NULL: of the text). */
static tm_node *parse_body(tm_parser *p, const char *const *ends) {
    tm_nodes l = {0};
    tm_node *n = tm_node_new(p, TM_BODY);
    while (n && tm_now(p)->kind != TM_T_END && !(ends && at_end(p, ends)))
        if (!tm_nodes_add(p, &l, parse_piece(p)))
            return NULL;
    if (n && ends && tm_now(p)->kind == TM_T_END)
        return tm_refuse(p, "the template ends where '%s' is expected", ends[0]);
    return tm_nodes_of(p, n, &l);
}

bool tm_parse(mx_template *t) {
    static const char *const ids[TM_IDS] = {"loop", "caller", "varargs", "kwargs"};
    tm_parser p = {.t = t};
    for (int i = 0; i < TM_IDS; i++)
        if (tm_add_name(t, ids[i], strlen(ids[i])) == TM_NO_ID)
            return false;
    if (tm_lex(t, &p.tokens))
        t->root = parse_body(&p, NULL);
    mx_free(p.tokens.item);
    return t->root && !t->heap.failed;
}
