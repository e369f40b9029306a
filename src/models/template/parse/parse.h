/* Between the two halves of the parser: expressions (parse_expr.c) and statements (parse.c). */
#ifndef MX_TEMPLATE_PARSE_H
#define MX_TEMPLATE_PARSE_H

#include "models/template/parse/lex.h"

typedef struct tm_parser {
    mx_template *t;
    tm_tokens tokens;
    size_t at;
    int nesting;
    int loops;      /* for loops around, within the function that is read */
    tm_node *macro; /* the macro around, or NULL */
} tm_parser;

/* Records an error at the present token. Returns NULL. */
void *tm_refuse(tm_parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* False and an error: too deep. tm_leave after it in any case. */
bool tm_enter(tm_parser *p);
static inline void tm_leave(tm_parser *p) {
    p->nesting--;
}

static inline const tm_token *tm_now(const tm_parser *p) {
    return &p->tokens.item[p->at];
}
static inline const char *tm_text_of(const tm_parser *p, const tm_token *k) {
    return p->t->text + k->at;
}
bool tm_is_sign(const tm_parser *p, const char *sign);
bool tm_is_name(const tm_parser *p, const char *name);
bool tm_skip_sign(tm_parser *p, const char *sign); /* true, and behind it, where it stands there */
bool tm_skip_name(tm_parser *p, const char *name);
bool tm_want_sign(tm_parser *p, const char *sign); /* false and an error where it does not */

/* Nodes: NULL and an error where memory or depth end. Parts may be NULL. */
tm_node *tm_node_new(tm_parser *p, tm_op op);
tm_node *tm_node_of(tm_parser *p, tm_op op, tm_node *a, tm_node *b);
bool tm_set_depth(tm_parser *p, tm_node *n);

/* Lists of nodes that are gathered: of the heap. */
typedef struct tm_nodes {
    tm_node **item;
    size_t n, room;
} tm_nodes;
bool tm_nodes_add(tm_parser *p, tm_nodes *l, tm_node *n);
/* The kids of a node, and its depth. NULL and an error. */
tm_node *tm_nodes_of(tm_parser *p, tm_node *n, const tm_nodes *l);

/* A name of a variable, as a NAME node. */
tm_node *tm_parse_name(tm_parser *p);
/* What is assigned to: a name, name.attribute where `attribute`, or several with commas. */
tm_node *tm_parse_target(tm_parser *p, bool attribute);
tm_node *tm_parse_expr(tm_parser *p);
/* Without a choice ("if"), as in `for x in y if z`. */
tm_node *tm_parse_plain(tm_parser *p);
/* One or several with commas, which are a tuple. */
tm_node *tm_parse_exprs(tm_parser *p, bool plain);
/* "name(...)|name" behind `|` or at the beginning of a filter block, on `a`, which may be NULL. */
tm_node *tm_parse_filters(tm_parser *p, tm_node *a);
/* "(a, b=c)" into the kids of n. */
bool tm_parse_arguments(tm_parser *p, tm_node *n);

#endif
