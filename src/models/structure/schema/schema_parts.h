/* Between the files that read schemas: see schema.h. */
#ifndef MX_MODELS_STRUCTURE_SCHEMA_PARTS_H
#define MX_MODELS_STRUCTURE_SCHEMA_PARTS_H

#include <jansson.h>

#include "base/map.h"
#include "base/text.h"
#include "models/structure/automaton/points.h"
#include "models/structure/automaton/product.h"
#include "models/structure/schema/schema.h"

enum {
    SG_MOST_TOGETHER = 256,     /* schemas that hold at one place */
    SG_MOST_MEETINGS = 1 << 16, /* combinations of branches, all places together */
    SG_MOST_REGIONS = 64,       /* of names that patterns tell apart */
    SG_MOST_COUNTED = 1 << 13,  /* rules of an object with minProperties or maxProperties */
    SG_MOST_MULTIPLE = 10000    /* digits of a multipleOf, as a number */
};

/* Kinds of values. Numbers are integers and others. */
enum {
    SG_NULL = 1,
    SG_BOOLEAN = 2,
    SG_INTEGER = 4,
    SG_REAL = 8,
    SG_STRING = 16,
    SG_ARRAY = 32,
    SG_OBJECT = 64,
    SG_NUMBER = SG_INTEGER | SG_REAL,
    SG_ANY = 127
};

/* Rules that schemas share. */
typedef enum sg_common_rule {
    SG_C_SPACE,
    SG_C_STRING,
    SG_C_UNIT, /* a character of a string, in any spelling */
    SG_C_INTEGER,
    SG_C_NUMBER,
    SG_C_VALUE,
    SG_C_ARRAY,
    SG_C_OBJECT,
    SG_C_COUNT
} sg_common_rule;

/* A schema of a list. chosen: a branch of its anyOf and oneOf is in the list, too. */
typedef struct sg_item {
    json_t *schema;
    bool chosen;
} sg_item;

typedef struct sg_items {
    sg_item *item;
    size_t count, room;
} sg_items;

/* A list that waits to become its rule. */
typedef struct sg_wait {
    sg_items all;
    uint32_t rule;
    bool checks; /* it is there to see whether anything matches */
} sg_wait;

/* Branches i and k of a oneOf must not hold at once: the rule matches nothing. */
typedef struct sg_apart {
    uint32_t rule;
    json_t *schema;
    size_t i, k;
} sg_apart;

typedef struct sg_reader {
    sg_builder *b;
    json_t *root;
    int flags;
    mx_map rules; /* by the addresses of a list: number + 1 */
    mx_map
        homes; /* by a schema's address: the resource that it is in, where that is not the root */
    bool has_homes;
    sg_wait *wait;
    sg_apart *apart;
    size_t waits, wait_room, aparts, apart_room, meetings;
    bool checks;                 /* of the list that is being made */
    uint32_t common[SG_C_COUNT]; /* number + 1 */
    json_t *here;                /* what errors are about */
    const char *key;
    mx_text place;
} sg_reader;

/* --- schema_parts.c --- */
/* From here on errors are about a keyword (or NULL) of this schema. */
void sg_at(sg_reader *r, json_t *schema, const char *key);
void *sg_schema_wrong(sg_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void *sg_schema_refuse(sg_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool sg_items_add(sg_reader *r, sg_items *all, sg_item x);
void sg_items_free(sg_items *all);
/* What all of them allow. */
sg_expr sg_want(sg_reader *r, const sg_items *all);
/* Its rule; UINT32_MAX: nothing, or an error. */
uint32_t sg_want_rule(sg_reader *r, const sg_items *all);

/* --- schema_words.c: the keywords of one schema --- */
bool sg_words_check(sg_reader *r, json_t *schema);
/* Kinds of values that its keywords speak of, other than type, enum and const. */
unsigned sg_words_kinds(json_t *schema);
/* SG_ANY where there is no type. */
unsigned sg_words_types(json_t *schema);
/* The count that a keyword says; what is above the limit of counts is one more than that. */
uint32_t sg_words_count(json_t *schema, const char *key, uint32_t otherwise);

/* --- schema_ref.c --- */
bool sg_is_resource(json_t *schema);
/* The resource that it is in. */
json_t *sg_home(sg_reader *r, json_t *schema);
json_t *sg_ref_target(sg_reader *r, json_t *schema);
const char *sg_place(void *reader);

/* --- schema_meet.c --- */
/* What a list matches; leaf: what one matches that has no such demands any more. */
typedef sg_expr sg_leaf_fn(sg_reader *r, const sg_items *flat);
sg_expr sg_meet(sg_reader *r, const sg_items *all, sg_leaf_fn *leaf);
/* Adds what $ref and allOf lead to. False: an error, or (*none) nothing matches. */
bool sg_meet_names(sg_reader *r, json_t *schema, sg_items *flat, bool *none);

/* --- schema_equal.c: values as JSON Schema compares them, 1 and 1.0 being one number --- */
bool sg_same(json_t *a, json_t *b);
typedef struct sg_member {
    uint64_t hash;
    json_t *value;
} sg_member;

typedef struct sg_set {
    sg_member *member;
    size_t count;
} sg_set;

/* The values of const or enum. False and an error: no memory. */
bool sg_set_of(sg_set *s, json_t *schema);
void sg_set_free(sg_set *s);
bool sg_set_has(const sg_set *s, json_t *value);
/* Surely no value in common; of an empty one nothing is sure. */
bool sg_sets_are_apart(const sg_set *a, const sg_set *b);

/* --- schema_apart.c --- */
/* What is seen of a branch of a oneOf: its types, or where nothing is typed, the kinds its keywords
   speak of; its values, and those of one property. */
typedef struct sg_glance {
    unsigned types, kinds;
    bool typed; /* or it may be, by what is not looked at */
    sg_set own, tag;
} sg_glance;

/* Of each branch; NULL: no memory. */
sg_glance *sg_glances(sg_reader *r, json_t *branches);
void sg_glances_free(sg_glance *all, size_t n);
/* Adds the types and kinds of a schema; they begin with SG_ANY and 0. */
void sg_glance_at(sg_glance *g, json_t *schema);
/* Can surely no value match a and b where `both` holds, too? */
bool sg_glances_are_apart(const sg_glance *a, const sg_glance *b, const sg_glance *both);

/* --- schema_leaf.c --- */
sg_leaf_fn sg_leaf;

/* --- schema_common.c --- */
sg_expr sg_common(sg_reader *r, sg_common_rule which);
sg_expr sg_space(sg_reader *r);
/* open x close, with spaces inside. */
sg_expr sg_enclosed(sg_reader *r, const char *open, sg_expr x, const char *close);
sg_expr sg_comma(sg_reader *r);

/* --- by type; NULL of a _dfa: no demands, or an error --- */
sg_expr sg_values(sg_reader *r, const sg_items *flat, unsigned types);
sg_expr sg_number(sg_reader *r, const sg_items *flat, unsigned types);
bool sg_number_fits(sg_reader *r, const sg_items *flat, json_t *value, unsigned types);
sg_expr sg_string(sg_reader *r, const sg_items *flat);
sg_expr sg_quoted(sg_reader *r, sg_expr x); /* between quotes */
sg_dfa *sg_string_dfa(sg_reader *r, const sg_items *flat);
sg_expr sg_array(sg_reader *r, const sg_items *flat);
sg_expr sg_object(sg_reader *r, const sg_items *flat);

/* --- helpers --- */
/* The characters of a string between its quotes. */
void sg_spell(mx_text *t, const char *text, size_t n);
sg_expr sg_spelled(sg_reader *r, const char *before, const char *text, size_t n, const char *after);
/* The automaton of a regular expression; search: found anywhere in the text. */
sg_dfa *sg_pattern_dfa(sg_reader *r, const char *pattern, size_t n, sg_spelling as, bool search);
/* That of the spelled texts of least to most characters. */
sg_dfa *sg_length_dfa(sg_reader *r, uint32_t least, uint32_t most);
/* What a format demands of texts, as a regular expression; NULL: nothing. */
const char *sg_format(const char *name);
/* The kinds of values that a format is of; of others it demands nothing. 0: it is not known. */
unsigned sg_format_kinds(const char *name);

#endif
