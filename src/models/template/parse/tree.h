/* What a template is read into: a tree of nodes, which does not change any more.
 *
 *     {% if x %}A{{ y|upper }}{% endif %}
 *
 *     BODY ─ IF ─ NAME x
 *               ├ BODY ─ TEXT "A"
 *               │      └ PRINT ─ FILTER upper ─ NAME y
 *               └ (no else)
 */
#ifndef MX_TEMPLATE_TREE_H
#define MX_TEMPLATE_TREE_H

#include <stdatomic.h>

#include "models/template/template.h"
#include "models/template/value.h"

typedef enum tm_op {
    /* expressions */
    TM_CONST,    /* value */
    TM_NAME,     /* id */
    TM_ATTR,     /* a . value */
    TM_ITEM,     /* a [ b ] */
    TM_PART,     /* a [ kid 0 : kid 1 : kid 2 ], each may be NULL */
    TM_CALL,     /* a ( kids ) */
    TM_FILTER,   /* a | native ( kids ); a NULL: of what a block has written */
    TM_TEST,     /* a is native ( kids ) */
    TM_ARGUMENT, /* a, of the keyword `value` where that is a text */
    TM_SPREAD,   /* *a */
    TM_SPREAD_WORDS,
    TM_OR,
    TM_AND,
    TM_NOT,
    TM_COMPARE, /* a, then kids, each of op id with a */
    TM_ADD,
    TM_SUBTRACT,
    TM_MULTIPLY,
    TM_DIVIDE,
    TM_FLOOR_DIVIDE,
    TM_MODULO,
    TM_POWER,
    TM_NEGATE,
    TM_PLUS,
    TM_CONCAT, /* kids */
    TM_CHOICE, /* a if b else c, which may be NULL */
    TM_MAKE_LIST,
    TM_MAKE_TUPLE,
    TM_MAKE_DICT, /* kids: key, value, key, value */
    /* statements */
    TM_BODY,      /* kids */
    TM_TEXT,      /* value */
    TM_PRINT,     /* a */
    TM_SET,       /* target a, value b */
    TM_SET_BLOCK, /* target a, body b, filters c on it or NULL */
    TM_IF,        /* kids: condition, body, ...; c: else or NULL */
    TM_FOR,       /* target a, of b, if c, kids: body, else or NULL; id: recursive */
    TM_BREAK,
    TM_CONTINUE,
    TM_MACRO_NODE,   /* id: its name; kids: parameters; b: body */
    TM_PARAMETER,    /* id; a: default or NULL */
    TM_CALL_BLOCK,   /* a: the call; b: the macro that is its caller */
    TM_FILTER_BLOCK, /* a: filters; b: body */
    TM_SCOPE,        /* b: a body with names of its own */
    TM_WITH,         /* kids: target, value, ...; b: body */
} tm_op;

typedef enum tm_sign {
    TM_EQUAL,
    TM_UNEQUAL,
    TM_LESS,
    TM_LESS_EQUAL,
    TM_GREATER,
    TM_GREATER_EQUAL,
    TM_IN,
    TM_NOT_IN
} tm_sign;

typedef struct tm_node {
    uint8_t op;
    bool negated;          /* TEST; of a MACRO_NODE: whether it has a caller */
    bool more, more_words; /* MACRO_NODE: it takes more arguments (varargs, kwargs) */
    uint16_t depth;        /* 1 + that of what it is made of */
    uint32_t line;
    uint32_t id, kids;
    tm_value value;
    const struct tm_native *native;
    struct tm_node *a, *b, *c;
    struct tm_node **kid;
} tm_node;

/* A function that is written in C: a filter, a test, a method, or a global one. It gets what its
   parameters say, TM_MISSING where an argument was not given. */
typedef bool tm_function(tm_run *r, const tm_value *a, tm_value *out);
typedef struct tm_native {
    const char *name;
    const char *parameters; /* "value width=" : those with '=' may be missing; "*" at the end takes
                               a tuple of what is left, and a dict of the keywords */
    tm_function *run;       /* NULL: it is refused by name */
} tm_native;
enum { TM_MOST_PARAMETERS = 10 };

/* The names of variables have numbers. */
enum { TM_ID_LOOP, TM_ID_CALLER, TM_ID_VARARGS, TM_ID_KWARGS, TM_IDS };
#define TM_NO_ID UINT32_MAX

struct mx_template {
    atomic_int users;
    char *name;
    char *given; /* the text as it was given */
    size_t given_n;
    char *text; /* with lines that end in \n; nodes point into it */
    size_t n;
    tm_node *root;
    tm_run heap;       /* what the tree is made in */
    const char **word; /* the names, by id */
    size_t words, word_room;
    uint32_t *slot; /* ids + 1 by hash */
    size_t slots;
    char *defaults; /* variables of the model: a JSON object, or NULL */
};

/* The id of a name; TM_NO_ID: there is none. */
uint32_t tm_find_name(const mx_template *t, const char *p, size_t n);
/* The same, of a new one where there is none. TM_NO_ID and an error: no memory. */
uint32_t tm_add_name(mx_template *t, const char *p, size_t n);

/* Filters, tests and global functions by name; NULL: there is none. */
const tm_native *tm_find_filter(const char *p, size_t n);
const tm_native *tm_find_test(const char *p, size_t n);
const tm_native *tm_find_global(const char *p, size_t n);

/* Reads t->text into t->root. False and an error. */
bool tm_parse(mx_template *t);

#endif
