/* Expressions: what a structure's front ends build, and the automaton is made of.
 *
 *     rule 0 "root"   CAT( TEXT "[", REF value, TEXT "]" )
 *     rule 1 "value"  ALT( REF root, CHAIN of RANGE '0'-'9', at least 1 )
 *
 * Nodes lie in one array; a node's parts have smaller numbers than it has, so that one pass over
 * the array meets parts before wholes. They are over bytes: characters outside ASCII have become
 * sequences of ranges of bytes (points.h). A rule's expression may refer to rules that have none
 * yet.
 *
 * The first error sticks: it is recorded (base/status.h), `failed` is set, and every further
 * step gives SG_NONE.
 */
#ifndef MX_MODELS_STRUCTURE_EXPR_H
#define MX_MODELS_STRUCTURE_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "models/structure/automaton/dfa.h"

typedef uint32_t sg_expr;
enum { SG_NONE = 0 /* matches nothing */, SG_EMPTY = 1 /* matches "" */ };

enum {
    SG_MOST_TEXT = 4 << 20,  /* bytes of a pattern, grammar, schema or list of choices */
    SG_MOST_NODES = 1 << 20, /* nodes of expressions */
    SG_MOST_STEPS = 1 << 27, /* of automata, all of a structure together */
    SG_MOST_RULES = 1 << 16,
    SG_MOST_DEPTH = 300,    /* of expressions in each other, also through rules set in place */
    SG_MOST_NESTING = 100,  /* of parentheses */
    SG_MOST_REPEAT = 100000 /* a bound in {m,n} */
};
/* No int: among those above it would make all of them unsigned. */
#define SG_UNBOUNDED UINT32_MAX

typedef enum sg_kind {
    SG_IS_NONE,
    SG_IS_EMPTY,
    SG_IS_RANGE,  /* one byte of first..last */
    SG_IS_TEXT,   /* count bytes from text[first] on */
    SG_IS_CAT,    /* the parts kid[first] ... one after another */
    SG_IS_ALT,    /* one of them */
    SG_IS_CHAIN,  /* the first so many of them: at least `least` */
    SG_IS_LIST,   /* kid[first] is a separator; the others in order, some left out: see sg_list */
    SG_IS_REPEAT, /* kid[first], least to most times */
    SG_IS_REF,    /* what rule `first` matches */
    SG_IS_DFA     /* what automaton `first` matches */
} sg_kind;

typedef struct sg_node {
    uint8_t kind;
    uint16_t depth;
    uint32_t first, count;
    uint32_t least, most;
} sg_node;

typedef struct sg_rule {
    char *name;
    sg_expr expr;
    size_t line; /* where it stands, or was first named; 0: its text has no lines */
    bool defined;
    bool apart; /* stays a rule of its own even where it is small, as its states are shared */
} sg_rule;

typedef struct sg_builder {
    sg_node *node;
    uint32_t *kid;
    char *text;
    sg_rule *rule;
    sg_dfa **dfa;
    size_t nodes, kids, bytes, rules, dfas;
    size_t node_room, kid_room, text_room, rule_room, dfa_room;
    const char *where;                   /* what errors are about: "regular expression" */
    const char *(*place)(void *context); /* or NULL: says it, when it is asked for */
    void *context;
    uint32_t asked;      /* how often sg_stopped was */
    uint64_t own_steps;  /* of a structure's first builder: */
    uint64_t *steps;     /* those that the whole structure has taken */
    uint64_t asks_after; /* how many of them the host is asked next */
    bool failed;
} sg_builder;

/* The first two nodes. whole: the builder that an automaton is a part of, whose steps count
   together; or NULL. It stays where it is until sg_end. False: no memory. */
bool sg_begin(sg_builder *b, const char *where, const sg_builder *whole);
void sg_end(sg_builder *b);
/* "[structure] <where>: ...". Returns SG_NONE. */
sg_expr sg_fail(sg_builder *b, mx_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The steps that one structure may take, from now on; 0: SG_MOST_STEPS. What it was. */
uint64_t sg_limit_steps(uint64_t steps);
/* Has the structure steps left? False and an error: it has not, or the host wants to stop, which is
   asked once in a few milliseconds of steps. */
bool sg_affords(sg_builder *b);
/* The same, after so many more. */
bool sg_spend(sg_builder *b, uint64_t steps);

/* Asks the host now and then whether it wants to stop; what loops over states and pairs ask. True:
   it does, or the builder has failed. */
bool sg_stopped(sg_builder *b);

sg_expr sg_range(sg_builder *b, unsigned first, unsigned last);
sg_expr sg_text(sg_builder *b, const char *text, size_t n);
sg_expr sg_word(sg_builder *b, const char *text); /* up to its 0 */
sg_expr sg_cat(sg_builder *b, const sg_expr *part, size_t n);
sg_expr sg_alt(sg_builder *b, const sg_expr *part, size_t n);
/* least <= most; most may be SG_UNBOUNDED. */
sg_expr sg_repeat(sg_builder *b, sg_expr x, uint32_t least, uint32_t most);
sg_expr sg_optional(sg_builder *b, sg_expr x);
/* part[0] part[1] ... of which the last may be missing, down to `least`. */
sg_expr sg_chain(sg_builder *b, const sg_expr *part, size_t n, uint32_t least);
/* The parts in order with the separator between those that are there; part i may be left out where
   optional[i]. */
sg_expr sg_list(sg_builder *b, sg_expr separator, const sg_expr *part, const bool *optional,
                size_t n);
sg_expr sg_ref(sg_builder *b, uint32_t rule);
/* d is taken over, also on failure; NULL: an error was recorded. */
sg_expr sg_automaton(sg_builder *b, sg_dfa *d);

/* A rule without an expression yet. UINT32_MAX: an error. */
uint32_t sg_rule_new(sg_builder *b, const char *name, size_t n);
void sg_rule_set(sg_builder *b, uint32_t rule, sg_expr x);

/* Lists of expressions that front ends gather. */
typedef struct sg_parts {
    sg_expr *item;
    size_t count, room;
} sg_parts;

bool sg_parts_add(sg_builder *b, sg_parts *p, sg_expr x);
sg_expr sg_parts_cat(sg_builder *b, sg_parts *p); /* and empties p */
sg_expr sg_parts_alt(sg_builder *b, sg_parts *p);
void sg_parts_free(sg_parts *p);

/* Front ends: does the text at *at, up to end, begin with this word? Then *at is behind it. */
bool sg_take(const char **at, const char *end, const char *word);

#endif
