/* A text that grows. */
#include "serve/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(srv_text *t, size_t n) {
    if (t->failed || n > SIZE_MAX / 4 - t->n)
        return t->failed = true, false;
    if (t->n + n + 1 <= t->room)
        return true;
    size_t room = (t->n + n + 1) * 3 / 2 + 64;
    char *data = realloc(t->data, room);
    if (!data)
        return t->failed = true, false;
    t->data = data;
    t->room = room;
    return true;
}

void srv_text_put(srv_text *t, const char *data, size_t n) {
    if (!make_room(t, n))
        return;
    if (n)
        memcpy(t->data + t->n, data, n);
    t->n += n;
    t->data[t->n] = 0;
}

void srv_text_add(srv_text *t, const char *text) {
    srv_text_put(t, text, strlen(text));
}

void srv_text_print(srv_text *t, const char *format, ...) {
    char line[512];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(line, sizeof line, format, list);
    va_end(list);
    if (n < 0 || (size_t)n >= sizeof line)
        t->failed = true;
    else
        srv_text_put(t, line, (size_t)n);
}

static int dump(const char *data, size_t n, void *to) {
    srv_text_put(to, data, n);
    return ((srv_text *)to)->failed ? -1 : 0;
}

void srv_text_json_digits(srv_text *t, json_t *doc, int digits) {
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits);
    if (!doc || json_dump_callback(doc, dump, t, flags))
        t->failed = true;
    json_decref(doc);
}

void srv_text_json(srv_text *t, json_t *doc) {
    srv_text_json_digits(t, doc, 17);
}

void srv_text_event(srv_text *t, const char *name, json_t *doc) {
    if (name)
        srv_text_print(t, "event: %s\n", name);
    srv_text_add(t, "data: ");
    srv_text_json(t, doc);
    srv_text_add(t, "\n\n");
}

void srv_text_free(srv_text *t) {
    free(t->data);
    *t = (srv_text){0};
}
