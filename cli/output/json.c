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

bool cli_json_is_shallow(const char *text, size_t n, int most) {
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < n && depth <= most; i++) {
        char c = text[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']'))
            depth--;
    }
    return depth <= most;
}

/* DEL, the one control character that jansson writes as it is, can only stand in a string. */
static int put_json(const char *text, size_t length, void *file) {
    for (size_t i = 0; i < length; i++)
        if (text[i] == 0x7F ? fputs("\\u007F", file) < 0 : putc(text[i], file) == EOF)
            return -1;
    return 0;
}

void cli_json_print(const json_t *doc) {
    // ASCII alone: what a terminal would obey beyond it is escaped as well. Failures show at the
    // end, when stdout is flushed
    json_dump_callback(doc, put_json, stdout,
                       JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(17));
    putchar('\n');
}
