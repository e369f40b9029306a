#include "models/chat.h"

#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "base/vec.h"
#include "models/json.h"

#define MARK    "\xEF\xB7\x90" /* U+FDD0 */
#define BEHIND  "\xEF\xB7\x91" /* U+FDD1 */
#define UNKNOWN "\xEF\xBF\xBD"
enum { MARK_BYTES = 3 };

static bool is_mark(const char *p, size_t n, const char *which) {
    return n >= MARK_BYTES && !memcmp(p, which, MARK_BYTES);
}

static bool is_any(const char *p, size_t n) {
    return is_mark(p, n, MARK) || is_mark(p, n, BEHIND);
}

/* --- before the template -------------------------------------------------------------- */

/* The text with marks around each special token; false: it has none. */
static bool mark(const mx_tokenizer *k, const char *text, size_t n, mx_text *to) {
    bool any = false;
    for (size_t i = 0, size; i < n; i += size) {
        size = mx_tokenizer_special_at(k, text + i, n - i);
        if (size) {
            mx_text_str(to, MARK);
            mx_text_put(to, text + i, size);
            mx_text_str(to, BEHIND);
            any = true;
        } else if (is_any(text + i, n - i)) {
            mx_text_str(to, UNKNOWN);
            size = MARK_BYTES;
            any = true;
        } else {
            mx_text_char(to, text[i]);
            size = 1;
        }
    }
    return any;
}

char *mx_chat_mark(const mx_tokenizer *k, const char *text, size_t n, size_t *size) {
    mx_text to = {0};
    mark(k, text, n, &to);
    *size = to.len;
    return mx_text_take(&to);
}

static bool mark_string(const mx_tokenizer *k, json_t *s) {
    mx_text to = {0};
    bool ok = true;
    if (mark(k, json_string_value(s), json_string_length(s), &to))
        ok = json_string_setn_nocheck(s, mx_text_view(&to), to.len) == 0;
    ok = ok && !to.failed;
    mx_text_free(&to);
    return ok || mx_fail_nomem("chat", json_string_length(s));
}

static bool add_parts(mx_vec *todo, json_t *value) {
    const char *key;
    json_t *part;
    size_t i;
    bool ok = true;
    json_array_foreach(value, i, part) {
        ok = ok && mx_vec_add(todo, part);
    }
    json_object_foreach(value, key, part) {
        ok = ok && mx_vec_add(todo, part);
    }
    return ok;
}

/* All texts inside of a value. */
static bool mark_value(const mx_tokenizer *k, json_t *value) {
    mx_vec todo = {0};
    bool ok = !value || mx_vec_add(&todo, value);
    while (ok && todo.count) {
        json_t *next = mx_vec_pop(&todo);
        ok = json_is_string(next) ? mark_string(k, next) : add_parts(&todo, next);
    }
    mx_vec_free(&todo);
    return ok;
}

bool mx_chat_guard(const mx_tokenizer *k, json_t *variables) {
    static const char *const strange[] = {"messages", "tools", "documents"};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof strange / sizeof *strange; i++)
        ok = mark_value(k, json_object_get(variables, strange[i]));
    return ok;
}

json_t *mx_chat_variables(const mx_tokenizer *k, const char *variables, size_t n) {
    json_t *root = mx_json_parse_zeros("chat", "variables", variables, n);
    if (root && !json_is_object(root))
        mx_fail(MX_INVALID, "[chat] the variables of a chat template are an object");
    if (json_is_object(root) && mx_chat_guard(k, root))
        return root;
    json_decref(root);
    return NULL;
}

/* --- behind it ------------------------------------------------------------------------- */

char *mx_chat_render(const mx_template *t, const json_t *variables, size_t *n) {
    char *given = mx_json_text(variables);
    char *text = given ? mx_template_render(t, given, strlen(given), NULL, n) : NULL;
    mx_free(given);
    return text;
}

typedef struct marked {
    const mx_tokenizer *tokenizer;
    mx_text text;
    size_t *edge;
    size_t edges, room;
} marked;

/* A special token that stands at p, between marks, is text; its bytes. A template may have cut what
   was between them, and said something else there. */
static size_t add_edges(marked *m, const char *p, size_t n) {
    size_t size = mx_tokenizer_special_at(m->tokenizer, p, n);
    if (!size || !is_mark(p + size, n - size, BEHIND))
        return 0;
    if (!mx_grow(&m->edge, &m->room, m->edges + 2, sizeof *m->edge))
        return 0;
    m->edge[m->edges++] = m->text.len;
    m->edge[m->edges++] = m->text.len + size;
    mx_text_put(&m->text, p, size);
    return size;
}

/* Where the next mark is; the end: there is none. */
static size_t next_mark(const char *p, size_t n, size_t i) {
    const char *at;
    for (; i < n && (at = memchr(p + i, MARK[0], n - i)); i++) {
        i = (size_t)(at - p);
        if (is_any(at, n - i))
            return i;
    }
    return n;
}

static bool take_marks(marked *m, const char *p, size_t n) {
    for (size_t i = 0, next; i < n && !mx_failed(); i = next) {
        next = next_mark(p, n, i);
        mx_text_put(&m->text, p + i, next - i);
        if (next < n) {
            bool opens = is_mark(p + next, n - next, MARK);
            next += MARK_BYTES;
            next += opens ? add_edges(m, p + next, n - next) : 0;
        }
    }
    return !mx_failed() && (!m->text.failed || mx_fail_nomem("chat", n));
}

int32_t *mx_chat_encode(mx_tokenizer *k, const char *text, size_t n, size_t *count) {
    marked m = {.tokenizer = k};
    int32_t *ids = NULL;
    if (take_marks(&m, text, n)) {
        mx_encode how = {.bare = true, .edge = m.edge, .edges = m.edges};
        ids = mx_tokenizer_encode(k, mx_text_view(&m.text), m.text.len, NULL, 0, how, count, NULL);
    }
    mx_text_free(&m.text);
    mx_free(m.edge);
    return ids;
}

/* --- whose tokens ---------------------------------------------------------------------- */

typedef struct finder {
    const mx_template *t;
    mx_tokenizer *k;
    const json_t *variables;
    mx_chat_tokens *out;
} finder;

static int32_t *encode(const finder *f, const json_t *variables, size_t *count) {
    size_t n;
    char *text = mx_chat_render(f->t, variables, &n);
    int32_t *id = text ? mx_chat_encode(f->k, text, n, count) : NULL;
    mx_free(text);
    return id;
}

static bool speaks(const json_t *message, const char *who) {
    const char *role = json_string_value(json_object_get(message, "role"));
    return role && strcmp(role, who) == 0;
}

/* The variables with the first n messages alone, for json_decref. */
static json_t *first_messages(const finder *f, size_t n, bool opens) {
    json_t *copy = json_copy((json_t *)(uintptr_t)f->variables), *some = json_array();
    const json_t *all = json_object_get(f->variables, "messages");
    bool ok = copy && some;
    for (size_t i = 0; ok && i < n; i++)
        ok = json_array_append(some, json_array_get(all, i)) == 0;
    ok = ok && json_object_set(copy, "messages", some) == 0 &&
         json_object_set_new(copy, "add_generation_prompt", json_boolean(opens)) == 0;
    json_decref(some);
    if (ok)
        return copy;
    json_decref(copy);
    return mx_fail_nomem("chat", 0);
}

/* How many of the tokens are those of the first n messages; opens: and of what opens an answer. */
static bool find_end(const finder *f, size_t n, bool opens, size_t *end) {
    const mx_chat_tokens *c = f->out;
    size_t count = 0;
    *end = 0;
    if (!n)
        return true;
    json_t *variables = first_messages(f, n, opens);
    int32_t *id = variables ? encode(f, variables, &count) : NULL;
    json_decref(variables);
    while (id && *end < count && *end < c->count && id[*end] == c->id[*end])
        ++*end;
    mx_free(id);
    return id;
}

/* Do tokens follow message i, of the next one or of an answer to come? */
static bool goes_on(const finder *f, size_t i) {
    return i + 1 < json_array_size(json_object_get(f->variables, "messages")) ||
           json_is_true(json_object_get(f->variables, "add_generation_prompt"));
}

static bool add_answer(const finder *f, size_t i, bool opens) {
    mx_chat_tokens *c = f->out;
    mx_chat_answer a = {0, c->count};
    if (!find_end(f, i, opens, &a.first) || (goes_on(f, i) && !find_end(f, i + 1, false, &a.end)))
        return false;
    if (a.first < a.end)
        c->answer[c->answers++] = a;
    return true;
}

bool mx_chat_tokens_make(mx_chat_tokens *out, const mx_template *t, mx_tokenizer *k,
                         const json_t *variables, bool last) {
    const json_t *messages = json_object_get(variables, "messages");
    size_t n = json_array_size(messages);
    finder f = {t, k, variables, out};
    *out = (mx_chat_tokens){0};
    out->id = encode(&f, variables, &out->count);
    out->answer = out->id ? mx_calloc(n + 1, sizeof *out->answer) : NULL;
    bool ok = out->answer;
    for (size_t i = last && n ? n - 1 : 0; ok && i < n; i++) {
        bool answers = speaks(json_array_get(messages, i), "assistant");
        if (answers || last)
            ok = add_answer(&f, i, answers);
    }
    if (!ok)
        mx_chat_tokens_free(out);
    return ok;
}

void mx_chat_tokens_free(mx_chat_tokens *c) {
    mx_free(c->id);
    mx_free(c->answer);
    *c = (mx_chat_tokens){0};
}
