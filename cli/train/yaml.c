/* YAML by libyaml: see yaml.h. */
#include "train/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "parse/parse.h"

/* --- the library's ABI: libyaml-0.so.2 (https://pyyaml.org/wiki/LibYAML) ---------------------- */

typedef struct yaml_mark {
    size_t index, line, column; /* from 0 */
} yaml_mark;

enum { YAML_STREAM_END = 2, YAML_DOCUMENT_START = 3, YAML_DOCUMENT_END = 4, YAML_SCALAR = 6 };
enum { YAML_LIST = 7, YAML_LIST_END, YAML_MAPPING, YAML_MAPPING_END };
enum { YAML_PLAIN = 1 };

typedef struct yaml_event {
    int type;
    struct { // of scalars, of which lists and mappings have the first two
        const char *anchor, *tag, *text;
        size_t n;
        int implicit[2], style;
    } scalar;
    yaml_mark start, end;
} yaml_event;

typedef struct yaml_parser {
    int error;
    const char *problem;
    size_t offset;
    int value;
    yaml_mark place;
    void *rest[256]; /* it has about 50 */
} yaml_parser;

static struct library {
    int (*begin)(yaml_parser *p);
    void (*end)(yaml_parser *p);
    void (*input)(yaml_parser *p, FILE *file);
    int (*next)(yaml_parser *p, yaml_event *e);
    void (*drop)(yaml_event *e);
} lib;

static bool find_functions(void) {
    const cli_function all[] = {{&lib.begin, "yaml_parser_initialize"},
                                {&lib.end, "yaml_parser_delete"},
                                {&lib.input, "yaml_parser_set_input_file"},
                                {&lib.next, "yaml_parser_parse"},
                                {&lib.drop, "yaml_event_delete"}};
    return cli_functions_find("libyaml-0.so.2", all, sizeof all / sizeof *all);
}

/* --- events ----------------------------------------------------------------------------------- */

enum { DEEPEST = 32 };

typedef struct reader {
    cli_call *c;
    const char *path;
    yaml_parser parser;
    yaml_event event; /* the present one */
    int depth;
} reader;

__attribute__((format(printf, 3, 4))) static json_t *fail_at(reader *r, size_t line,
                                                             const char *format, ...) {
    char text[300];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    cli_fail(r->c, "%s, line %zu: %s", r->path, line + 1, text);
    return NULL;
}

#define FAIL(r, ...) fail_at(r, (r)->event.start.line, __VA_ARGS__)

static bool next(reader *r) {
    lib.drop(&r->event);
    memset(&r->event, 0, sizeof r->event);
    if (lib.next(&r->parser, &r->event))
        return true;
    const char *why = r->parser.problem ? r->parser.problem : "it is no YAML";
    fail_at(r, r->parser.place.line, "%s", why);
    return false;
}

/* --- scalars ---------------------------------------------------------------------------------- */

static const char digits[] = "0123456789";

/* Is it a number, and without a point and a power? */
static bool is_number(const char *s, bool *whole) {
    s += *s == '+' || *s == '-';
    size_t n = strspn(s, digits), more = 0;
    s += n;
    *whole = *s != '.' && *s != 'e' && *s != 'E';
    if (*s == '.')
        s += 1 + (more = strspn(s + 1, digits));
    if (n + more == 0)
        return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '+' || *s == '-';
        if ((n = strspn(s, digits)) == 0)
            return false;
        s += n;
    }
    return !*s;
}

static json_t *number(reader *r, const char *text, bool whole) {
    const char *first = text + (*text == '+' || *text == '-');
    if (!whole)
        return json_real(strtod(text, NULL));
    if (*first == '0' && first[1])
        return FAIL(r, "'%.40s' is octal for some readers: write it without the zeros", text);
    errno = 0;
    long long v = strtoll(text, NULL, 10);
    return errno ? FAIL(r, "'%.40s' is too large", text) : json_integer(v);
}

static json_t *scalar(reader *r) {
    const char *text = r->event.scalar.text;
    bool whole;
    if (memchr(text, 0, r->event.scalar.n))
        return FAIL(r, "the text has a zero inside");
    if (r->event.scalar.style != YAML_PLAIN)
        return json_stringn(text, r->event.scalar.n);
    if (!*text || cli_parse_choice("~|null|Null|NULL", text))
        return json_null();
    if (cli_parse_choice("true|True|TRUE|false|False|FALSE", text))
        return json_boolean(*text == 't' || *text == 'T');
    if (cli_parse_choice("yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF", text))
        return FAIL(r,
                    "'%s' is true or false for some readers and a text for others: write true, "
                    "false or \"%s\"",
                    text, text);
    return is_number(text, &whole) ? number(r, text, whole) : json_stringn(text, r->event.scalar.n);
}

/* --- values ----------------------------------------------------------------------------------- */

/* Of the present event, up to its end. */
static json_t *value(reader *r);

static json_t *list(reader *r) {
    json_t *all = json_array(), *item;
    while (next(r)) {
        if (r->event.type == YAML_LIST_END)
            return all;
        if (!(item = value(r)) || json_array_append_new(all, item))
            break;
    }
    json_decref(all);
    return NULL;
}

/* The present event is a key; false: it, or its value, is none. */
static bool pair(reader *r, json_t *all) {
    if (r->event.type != YAML_SCALAR || r->event.scalar.tag || r->event.scalar.anchor)
        return FAIL(r, "a key is a text") != NULL;
    if (json_object_get(all, r->event.scalar.text))
        return FAIL(r, "'%.100s' stands there twice", r->event.scalar.text) != NULL;
    char *key = strdup(r->event.scalar.text);
    json_t *v = key && next(r) ? value(r) : NULL;
    bool ok = v && json_object_set_new(all, key, v) == 0;
    free(key);
    return ok;
}

static json_t *mapping(reader *r) {
    json_t *all = json_object();
    while (next(r)) {
        if (r->event.type == YAML_MAPPING_END)
            return all;
        if (!pair(r, all))
            break;
    }
    json_decref(all);
    return NULL;
}

static json_t *value(reader *r) {
    int type = r->event.type;
    if (type != YAML_SCALAR && type != YAML_LIST && type != YAML_MAPPING)
        return FAIL(r, "aliases are not understood: write what they stand for");
    if (r->event.scalar.tag || r->event.scalar.anchor)
        return FAIL(r, "tags and anchors are not understood");
    if (r->depth >= DEEPEST)
        return FAIL(r, "it is nested deeper than %d", DEEPEST);
    r->depth++;
    json_t *v = type == YAML_SCALAR ? scalar(r) : type == YAML_LIST ? list(r) : mapping(r);
    r->depth--;
    return v;
}

/* --- the whole -------------------------------------------------------------------------------- */

static json_t *document(reader *r) {
    if (!next(r) || !next(r)) // the stream, the document
        return NULL;
    if (r->event.type != YAML_DOCUMENT_START)
        return FAIL(r, "there are no options");
    if (!next(r))
        return NULL;
    if (r->event.type != YAML_MAPPING)
        return FAIL(r, "options are lines like 'iters: 100'");
    json_t *all = value(r);
    bool ends = all && next(r) && next(r);
    if (ends && r->event.type == YAML_STREAM_END)
        return all;
    if (ends)
        FAIL(r, "another document begins, and there is to be one");
    json_decref(all);
    return NULL;
}

static bool is_folder(FILE *file) {
    struct stat s;
    return fstat(fileno(file), &s) == 0 && S_ISDIR(s.st_mode);
}

json_t *cli_yaml_load(cli_call *c, const char *path) {
    reader r = {.c = c, .path = path};
    FILE *file = fopen(path, "rb");
    json_t *all = NULL;
    if (!file || is_folder(file))
        cli_fail(c, "%s: %s", path, strerror(file ? EISDIR : errno));
    else if (!find_functions())
        cli_fail(c,
                 "%s: libyaml is not installed (libyaml-0.so.2; in Debian the package "
                 "libyaml-0-2); the same as JSON needs none",
                 path);
    else if (!lib.begin(&r.parser))
        cli_fail(c, "out of memory");
    else {
        lib.input(&r.parser, file);
        all = document(&r);
        lib.drop(&r.event);
        lib.end(&r.parser);
    }
    if (file)
        fclose(file);
    return all;
}
