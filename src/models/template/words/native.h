/* Functions in C: their arguments, their tables, and what tables' rows share. */
#ifndef MX_TEMPLATE_NATIVE_H
#define MX_TEMPLATE_NATIVE_H

#include "models/template/parse/tree.h"

typedef struct tm_table {
    const tm_native *row;
    size_t n;
} tm_table;
#define TM_TABLE(rows) {rows, sizeof rows / sizeof *rows}

const tm_native *tm_table_find(tm_table t, const char *p, size_t n);

/* Fills `slot` by f's parameters: `self` (or NULL) first, then the arguments. False and an error
   that names f. */
bool tm_bind(tm_run *r, const tm_native *f, const tm_value *self, const tm_args *a,
             tm_value slot[TM_MOST_PARAMETERS]);

typedef struct tm_method {
    tm_value self;
    const tm_native *native;
} tm_method;

/* Arguments of a kind; false and an error: of another. Missing ones are `otherwise`. */
bool tm_want_int(tm_run *r, const tm_value *v, int64_t otherwise, int64_t *out);
bool tm_want_str(tm_run *r, const tm_value *v, const char *otherwise, tm_value *out);
bool tm_want_flag(const tm_value *v, bool otherwise);

/* Methods by type; where `run` is NULL and there are no parameters the method changes its value,
   which templates may not. */
extern const tm_table tm_str_methods, tm_list_methods, tm_tuple_methods, tm_dict_methods,
    tm_number_methods;
extern const tm_table tm_text_filters, tm_list_filters, tm_value_filters, tm_tests, tm_globals;

/* x.name, and x[key], as Jinja looks for them; undefined where there is none. name ends in a
   zero. */
bool tm_attribute(tm_run *r, const tm_value *x, const char *name, tm_value *out);
bool tm_item(tm_run *r, const tm_value *x, const tm_value *key, tm_value *out);
/* Undefined, as x has no attribute of that name (NULL: no such element); true. */
bool tm_lacks(const tm_value *x, const char *name, tm_value *out);
/* x[start:stop:step]; missing or None: the ends. */
bool tm_part(tm_run *r, const tm_value *x, const tm_value part[3], tm_value *out);
/* a.0.b of filters: `path` is a text with dots or a number. */
bool tm_path(tm_run *r, const tm_value *x, const tm_value *path, tm_value *out);
/* item in x */
bool tm_contains(tm_run *r, const tm_value *x, const tm_value *item, bool *out);

/* "..." % args, and "...".format(...). */
bool tm_percent(tm_run *r, const tm_value *format, const tm_value *args, tm_value *out);
bool tm_braces(tm_run *r, const tm_value *format, const tm_value *args, const tm_value *words,
               tm_value *out);
/* strftime of the run's moment, in English. */
bool tm_put_time(tm_run *r, const tm_value *format);

/* A piece replaced, at most `most` times (-1: always). */
bool tm_replace(tm_run *r, const tm_value *text, const tm_value *from, const tm_value *to,
                int64_t most, tm_value *out);
/* Without the characters of `set` at its ends (missing: spaces). */
tm_value tm_strip(const tm_value *text, const tm_value *set, bool left, bool right);

#endif
