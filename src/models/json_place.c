/* Where a byte of JSON stands, told from the text before it: what a parser says of a number is of a
 * value that has no place yet. */
#include <string.h>

#include "models/json.h"

enum { MOST_DEPTH = 64 };

/* An object or a list that is open: the member's name as it is written, or the item's number. */
typedef struct level {
    bool list, named; /* named: a member's value comes next, or has begun */
    const char *key;
    size_t key_num, index;
} level;

/* Behind the quotation mark that ends a text, or `at`. */
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

static int length_of(const level *l) {
    return (int)(l->key_num < 100 ? l->key_num : 100);
}

static const char *name_of(const level *l) {
    return l->key ? l->key : "";
}

void mx_json_place(mx_text *t, const char *text, size_t at) {
    level levels[MOST_DEPTH];
    size_t depth = levels_before(text, at, levels);
    for (size_t i = 0; i < depth; i++)
        if (levels[i].list)
            mx_text_add(t, "/%zu", levels[i].index);
        else
            mx_text_add(t, "/%.*s", length_of(&levels[i]), name_of(&levels[i]));
}

void mx_json_path(mx_text *t, const char *text, size_t at) {
    level levels[MOST_DEPTH];
    size_t depth = levels_before(text, at, levels);
    for (size_t i = 0; i < depth; i++)
        if (levels[i].list)
            mx_text_add(t, "[%zu]", levels[i].index);
        else
            mx_text_add(t, i ? ".%.*s" : "%.*s", length_of(&levels[i]), name_of(&levels[i]));
}
