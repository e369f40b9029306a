/* Values of documents, and the one place that writes them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "output/output.h"

json_t *cli_json_bytes(const char *text, size_t length) {
    json_t *value = json_stringn(text, length);
    if (value || !text)
        return value;
    char *escaped = cli_escape(text, length); // it is no UTF-8
    value = escaped ? json_string(escaped) : NULL;
    free(escaped);
    return value;
}

json_t *cli_json_said(const char *text, size_t length) {
    json_t *value = json_stringn(length ? text : "", length);
    size_t n;
    char *readable = value ? NULL : cli_mended(text, length, &n);
    if (readable)
        value = json_stringn(readable, n);
    free(readable);
    return value;
}

const json_t *cli_json_referred(const json_t *root, const char *reference) {
    const char *at = reference && *reference == '#' ? reference + 1 : NULL;
    while (at && *at == '/') {
        size_t n = strcspn(++at, "/");
        root = json_object_getn(root, at, n);
        at += n;
    }
    return at && !*at ? root : NULL;
}

json_t *cli_json_text(const char *text) {
    return text ? cli_json_bytes(text, strlen(text)) : NULL;
}

json_t *cli_json_real(double value) {
    if (isfinite(value))
        return json_real(value);
    return json_string(isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

json_t *cli_json_shape(const int *shape, int ndim) {
    json_t *list = json_array();
    for (int i = 0; i < ndim; i++)
        json_array_append_new(list, json_integer(shape[i]));
    return list;
}

/* A place in JSON, of which only what stands outside of texts is looked at. */
typedef struct place {
    const char *at, *end;
    bool quoted;
} place;

/* The next byte that stands outside of texts, or -1. */
static int outside(place *p) {
    while (p->at < p->end) {
        char c = *p->at++;
        if (p->quoted && c == '\\')
            p->at++;
        else if (c == '"')
            p->quoted = !p->quoted;
        else if (!p->quoted)
            return (unsigned char)c;
    }
    return -1;
}

bool cli_json_is_shallow(const char *text, size_t n, int most) {
    place p = {text, text + n, false};
    int depth = 0;
    for (int c; depth <= most && (c = outside(&p)) >= 0;)
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    return depth <= most;
}

uint64_t cli_json_memory(const char *text, size_t n) {
    enum { OBJECT = 384, LIST = 128, KEY = 128, VALUE = 48 }; // of jansson's on 64 bits
    place p = {text, text + n, false};
    uint64_t sum = n;
    for (int c; (c = outside(&p)) >= 0;)
        sum += c == '{' ? OBJECT : c == '[' ? LIST : c == ':' ? KEY : c == ',' ? VALUE : 0;
    return sum;
}

/* DEL, the one control character that jansson writes as it is, can only stand in a string. */
static int put_json(const char *text, size_t length, void *file) {
    for (size_t i = 0; i < length; i++)
        if (text[i] == 0x7F ? fputs("\\u007F", file) < 0 : putc(text[i], file) == EOF)
            return cli_unsaid(), -1;
    return 0;
}

void cli_json_print(const json_t *doc) {
    // ASCII alone: what a terminal would obey beyond it is escaped as well. Failures show at the
    // end, when stdout is flushed
    json_dump_callback(doc, put_json, stdout,
                       JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(17));
    putchar('\n');
}
