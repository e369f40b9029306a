/* Where a byte of JSON stands, told from the text before it. */
#include <stdio.h>
#include <string.h>

#include "output/output.h"

enum { MOST_DEPTH = 64 };

/* An object or a list that is open. */
typedef struct level {
    bool list, named; /* named: a member's value comes next, or has begun */
    const char *key;  /* as it is written */
    size_t key_num, index;
} level;

/* The quotation mark that ends a text, or `at`. */
static size_t end_of_text(const char *text, size_t i, size_t at) {
    for (i++; i < at && text[i] != '"'; i++)
        i += text[i] == '\\';
    return i < at ? i : at;
}

static size_t levels_before(const char *text, size_t at, level *levels) {
    size_t depth = 0;
    for (size_t i = 0; i < at; i++) {
        level *top = &levels[depth ? depth - 1 : 0];
        char c = text[i];
        if (c == '"') {
            size_t end = end_of_text(text, i, at);
            if (depth && !top->list && !top->named)
                top->key = text + i + 1, top->key_num = end - i - 1;
            i = end;
        } else if ((c == '{' || c == '[') && depth < MOST_DEPTH) {
            levels[depth++] = (level){.list = c == '['};
        } else if (c == '}' || c == ']') {
            depth -= depth > 0;
        } else if (depth && c == ',') {
            top->index++;
            top->named = false;
        } else if (depth && c == ':') {
            top->named = true;
        }
    }
    return depth;
}

static void place_of(const char *text, size_t at, char *out, size_t room) {
    level levels[MOST_DEPTH];
    size_t depth = levels_before(text, at, levels), n = 0;
    *out = 0;
    for (size_t i = 0; i < depth && n < room; i++) {
        const level *l = &levels[i];
        int length = (int)(l->key_num < room ? l->key_num : room);
        int more = l->list ? snprintf(out + n, room - n, "[%zu]", l->index)
                           : snprintf(out + n, room - n, n ? ".%.*s" : "%.*s", length,
                                      l->key ? l->key : "");
        n += more > 0 ? (size_t)more : 0;
    }
}

bool cli_json_number_is_lost(const char *text, const json_error_t *e, char *place, size_t room) {
    size_t from = e->position > 0 ? (size_t)e->position : 0;
    if (json_error_code(e) != json_error_numeric_overflow)
        return false;
    while (from && text[from - 1] && strchr("0123456789+-.eE", text[from - 1]))
        from--;
    place_of(text, from, place, room);
    return true;
}
