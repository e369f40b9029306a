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

/* What is written stands in an object under a name that is no UTF-8, so that no other has it. */
static const char written_name[] = "\xFF";

json_t *srv_json_written(const char *json) {
    json_t *object = json_object(), *text = json_string(json);
    if (object && text && json_object_set_new_nocheck(object, written_name, text) == 0)
        return object;
    json_decref(object);
    return NULL;
}

static bool has_written(const json_t *value) {
    const char *key;
    json_t *item;
    size_t i;
    if (json_object_get(value, written_name))
        return true;
    json_object_foreach((json_t *)(uintptr_t)value, key, item) if (has_written(item)) return true;
    json_array_foreach(value, i, item) if (has_written(item)) return true;
    return false;
}

static void put_value(srv_text *t, const json_t *value, size_t flags);

static void put_object(srv_text *t, const json_t *object, size_t flags) {
    const char *key, *between = "{";
    json_t *item;
    json_object_foreach((json_t *)(uintptr_t)object, key, item) {
        json_t *name = json_string(key);
        srv_text_add(t, between);
        put_value(t, name, flags);
        srv_text_add(t, ":");
        put_value(t, item, flags);
        json_decref(name);
        between = ",";
    }
    srv_text_add(t, "}");
}

static void put_list(srv_text *t, const json_t *list, size_t flags) {
    json_t *item;
    size_t i;
    json_array_foreach(list, i, item) {
        srv_text_add(t, i ? "," : "[");
        put_value(t, item, flags);
    }
    srv_text_add(t, "]");
}

static void put_value(srv_text *t, const json_t *value, size_t flags) {
    const json_t *written = json_object_get(value, written_name);
    if (!value || (!has_written(value) && json_dump_callback(value, dump, t, flags)))
        t->failed = true;
    else if (written)
        srv_text_put(t, json_string_value(written), json_string_length(written));
    else if (json_is_object(value) && has_written(value))
        put_object(t, value, flags);
    else if (has_written(value))
        put_list(t, value, flags);
}

void srv_text_json_digits(srv_text *t, json_t *doc, int digits) {
    put_value(t, doc, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));
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
