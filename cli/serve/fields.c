/* Tables of fields against objects of JSON. */
#include "serve/fields.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/output.h"
#include "parse/parse.h"

/* Where a value stands, from the inside out. */
typedef struct place {
    const struct place *up;
    const char *name; /* NULL: an item */
    size_t index;
} place;

static void fill(srv_fault *f, int status, const char *format, va_list list) {
    if (f->status)
        return; // the first sticks
    f->status = status;
    vsnprintf(f->text, sizeof f->text, format, list);
}

bool srv_fail(srv_fault *f, int status, const char *format, ...) {
    va_list list;
    va_start(list, format);
    fill(f, status, format, list);
    va_end(list);
    return false;
}

bool srv_fail_stopped(srv_fault *f) {
    return srv_fail(f, 504, "the request took too long, or its client has gone");
}

bool srv_fail_field(srv_fault *f, const char *field, const char *format, ...) {
    va_list list;
    if (!f->status)
        snprintf(f->field, sizeof f->field, "%s", field);
    va_start(list, format);
    fill(f, 400, format, list);
    va_end(list);
    return false;
}

enum { MOST_DEPTH = 64, FREE_MEMORY = 16 << 20, MEMORY_OF_A_BYTE = 8 };

/* Empty objects take a hundred times the memory of their text. */
static bool is_light(const char *text, size_t n) {
    return cli_json_memory(text, n) <= FREE_MEMORY + (uint64_t)MEMORY_OF_A_BYTE * n;
}

json_t *srv_json_read(const char *text, size_t n, size_t flags, const char *it, srv_fault *f) {
    json_error_t error;
    json_t *value = NULL;
    char field[160];
    if (!cli_json_is_shallow(text, n, MOST_DEPTH))
        srv_fail(f, 400, "%s nested deeper than %d", it, MOST_DEPTH);
    else if (!is_light(text, n))
        srv_fail(f, 400, "%s of more values than so long a text is worth", it);
    else if ((value = json_loadb(text, n, flags, &error)))
        return value;
    else if (cli_json_number_is_lost(text, &error, field, sizeof field))
        srv_fail_field(f, field,
                       "the number is out of range: whole ones have 64 bits at most (-2^63 to "
                       "2^63 - 1), others are those of float64");
    else
        srv_fail(f, 400, "%s no JSON: %s, at byte %d", it, error.text, error.position);
    return NULL;
}

static void write_place(const place *p, char *out, size_t room) {
    if (p->up)
        write_place(p->up, out, room); // as deep as tables are
    size_t n = strlen(out);
    if (p->name)
        snprintf(out + n, room - n, n ? ".%s" : "%s", p->name);
    else
        snprintf(out + n, room - n, "[%zu]", p->index);
}

static bool fail_at(const place *p, srv_fault *f, const char *format, ...) {
    char text[160] = "";
    va_list list;
    write_place(p, text, sizeof text);
    if (!f->status)
        memcpy(f->field, text, sizeof text);
    va_start(list, format);
    fill(f, 400, format, list);
    va_end(list);
    return false;
}

/* --- one value -------------------------------------------------------------------------------- */

static int type_of(const json_t *v) {
    switch (json_typeof(v)) {
    case JSON_OBJECT: return SRV_OBJECT;
    case JSON_ARRAY: return SRV_LIST;
    case JSON_STRING: return SRV_TEXT;
    case JSON_INTEGER: return SRV_INT | SRV_REAL;
    case JSON_REAL: return SRV_REAL;
    default: return json_is_boolean(v) ? SRV_BOOL : 0;
    }
}

/* "a number or a list" */
static const char *types_text(int types, char *out, size_t room) {
    static const struct {
        int type;
        const char *text;
    } names[] = {{SRV_BOOL, "true or false"}, {SRV_INT, "an integer"}, {SRV_REAL, "a number"},
                 {SRV_TEXT, "a text"},        {SRV_LIST, "a list"},    {SRV_OBJECT, "an object"}};
    *out = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (types & names[i].type)
            snprintf(out + strlen(out), room - strlen(out), "%s%s", *out ? " or " : "",
                     names[i].text);
    return out;
}

static bool number_fits(const srv_field *t, const json_t *v, const place *p, srv_fault *f) {
    double x = json_number_value(v);
    if (t->least == 0 && t->most == 0)
        return true;
    return (x >= t->least && x <= t->most) ||
           fail_at(p, f, "%.15g is outside of %.15g to %.15g", x, t->least, t->most);
}

static bool text_fits(const srv_field *t, const json_t *v, const place *p, srv_fault *f) {
    const char *text = json_string_value(v);
    size_t n = json_string_length(v);
    if (!t->zeros && strlen(text) != n)
        return fail_at(p, f, "the text has a zero inside");
    if (t->count && n > t->count)
        return fail_at(p, f, "%zu bytes are too many: %zu is the limit", n, t->count);
    if (t->words && !cli_parse_choice(t->words, text))
        return fail_at(p, f, "'%.60s' is none of %s", text, t->words);
    return true;
}

static bool object_fits(const srv_field *table, const json_t *object, void *to, const place *p,
                        srv_fault *f);

/* An item of a list has the list's limits of texts and numbers only by its own type. */
static bool items_fit(const srv_field *t, const json_t *v, const place *p, srv_fault *f) {
    const json_t *item;
    size_t i;
    char names[100];
    if (t->count && json_array_size(v) > t->count)
        return fail_at(p, f, "%zu items are too many: %zu is the limit", json_array_size(v),
                       t->count);
    json_array_foreach(v, i, item) {
        place here = {p, NULL, i};
        if (t->items && !(type_of(item) & t->items))
            return fail_at(&here, f, "it is not %s", types_text(t->items, names, sizeof names));
        if (json_is_string(item) && !t->zeros &&
            strlen(json_string_value(item)) != json_string_length(item))
            return fail_at(&here, f, "the text has a zero inside");
        if (t->inner && json_is_object(item) && !object_fits(t->inner, item, NULL, &here, f))
            return false;
    }
    return true;
}

static bool is_only(const srv_field *t, const json_t *v, const place *p, srv_fault *f) {
    json_t *wanted = json_loads(t->only, JSON_DECODE_ANY, NULL);
    bool same = wanted && json_equal(wanted, v);
    json_decref(wanted);
    return same || fail_at(p, f, "only %s is possible here", t->only);
}

static bool fits(const srv_field *t, const json_t *v, void *to, const place *p, srv_fault *f) {
    char names[100];
    if (t->types & SRV_REFUSED)
        return fail_at(p, f, "it is not supported: %s", t->words);
    if (t->types & SRV_EMPTY)
        return (json_is_array(v) && json_array_size(v) == 0) ||
               fail_at(p, f, "it is not supported");
    if (t->only)
        return is_only(t, v, p, f);
    if (!(type_of(v) & t->types))
        return fail_at(p, f, "it is not %s", types_text(t->types, names, sizeof names));
    if (json_is_number(v))
        return number_fits(t, v, p, f);
    if (json_is_string(v))
        return text_fits(t, v, p, f);
    if (json_is_array(v))
        return items_fit(t, v, p, f);
    return !json_is_object(v) || !t->inner || object_fits(t->inner, v, to, p, f);
}

static void store(const srv_field *t, const json_t *v, void *to) {
    char *at = (char *)to + t->to;
    switch (t->types) {
    case SRV_BOOL: *(bool *)at = json_is_true(v); break;
    case SRV_INT: *(int64_t *)at = json_integer_value(v); break;
    case SRV_REAL: *(double *)at = json_number_value(v); break;
    case SRV_TEXT: *(const char **)at = json_string_value(v); break;
    default: *(const json_t **)at = v;
    }
}

/* --- objects ---------------------------------------------------------------------------------- */

static const srv_field *find(const srv_field *table, const char *name) {
    for (; table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

static const char *next_name(size_t i, const void *data) {
    return ((const srv_field *)data)[i].name;
}

static bool unknown(const srv_field *table, const place *p, srv_fault *f) {
    const char *near = cli_near(p->name, next_name, table);
    if (near)
        return fail_at(p, f, "there is no such field; did you mean '%s'?", near);
    return fail_at(p, f, "there is no such field");
}

static bool has_required(const srv_field *table, const json_t *object, const place *p,
                         srv_fault *f) {
    for (; table->name; table++) {
        const json_t *v = json_object_get(object, table->name);
        if (table->required && (!v || json_is_null(v)))
            return fail_at(&(place){p, table->name, 0}, f, "it is missing");
    }
    return true;
}

static bool object_fits(const srv_field *table, const json_t *object, void *to, const place *p,
                        srv_fault *f) {
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)object, name, v) {
        place here = {p, name, 0};
        const srv_field *t = find(table, name);
        if (!t)
            return unknown(table, &here, f);
        if (json_is_null(v))
            continue;
        if (!fits(t, v, to, &here, f))
            return false;
        if (to && t->to != SRV_NOWHERE && !t->only && !(t->types & (SRV_REFUSED | SRV_EMPTY)))
            store(t, v, to);
    }
    return has_required(table, object, p, f);
}

bool srv_fields_read(const srv_field *table, const json_t *object, void *to, srv_fault *f) {
    if (!json_is_object(object))
        return srv_fail(f, 400, "the body is no JSON object");
    return object_fits(table, object, to, NULL, f);
}

bool srv_fields_read_at(const srv_field *table, const json_t *object, const char *name, void *to,
                        srv_fault *f) {
    place here = {NULL, name, 0};
    if (!json_is_object(object))
        return fail_at(&here, f, "it is not an object");
    return object_fits(table, object, to, &here, f);
}
