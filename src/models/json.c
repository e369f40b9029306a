/* JSON in and out: see json.h. */
#include "models/json.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "io/safetensors/safetensors.h"

/* --- in -------------------------------------------------------------------------------------- */

/* The parser's words, but where they speak of its flags. */
static const char *why(const json_error_t *e) {
    enum json_error_code code = json_error_code(e);
    bool zero = code == json_error_null_character || code == json_error_null_byte_in_key;
    return zero ? "a text has a zero inside" : e->text;
}

/* A number that ends at a byte, which no type has. */
static void fail_number(const char *op, const char *name, const char *text, const json_error_t *e) {
    size_t end = e->position > 0 ? (size_t)e->position : 0, from = end;
    mx_text place = {0};
    while (from && text[from - 1] && strchr("0123456789+-.eE", text[from - 1]))
        from--;
    mx_json_place(&place, text, from);
    mx_fail(MX_FORMAT,
            "[%s] '%s' at '%s': the number %.*s is out of range: whole ones have 64 bits at most "
            "(-2^63 to 2^63 - 1), others are those of float64",
            op, name, mx_text_view(&place), (int)(end - from < 40 ? end - from : 40), text + from);
    mx_text_free(&place);
}

static json_t *parse(const char *op, const char *name, const char *text, size_t n, size_t flags) {
    json_error_t e;
    if (n > MX_JSON_MOST)
        return mx_fail(MX_FORMAT, "[%s] '%s': more than 100 MB of JSON", op, name);
    if (!n)
        return mx_fail(MX_FORMAT, "[%s] '%s' is empty, and JSON was expected", op, name);
    if (!st_is_shallow(text, n))
        return mx_fail(MX_FORMAT, "[%s] '%s' is nested too deeply", op, name);
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES | flags, &e);
    if (!root && json_error_code(&e) == json_error_numeric_overflow)
        fail_number(op, name, text, &e);
    else if (!root)
        mx_fail(MX_FORMAT, "[%s] '%s' at byte %d: %s", op, name, e.position, why(&e));
    return root;
}

/* How many digits there are from i on. */
static size_t digits_at(const char *text, size_t i, size_t n) {
    size_t end = i;
    while (end < n && text[end] >= '0' && text[end] <= '9')
        end++;
    return end - i;
}

/* Is what ends at `end`, of so many digits, a whole number of more than 64 bits? */
static bool is_long(const char *text, size_t end, size_t digits, size_t n) {
    char before = digits < end ? text[end - digits - 1] : ' ', behind = end < n ? text[end] : ' ';
    if (digits < 19 || strchr(".eE+", before) || strchr(".eE", behind))
        return false;
    return digits > 19 || memcmp(text + end - digits, "9223372036854775807", 19) > 0;
}

/* The end of the first such number behind i, outside of texts; 0: there is none. */
static size_t next_long(const char *text, size_t i, size_t n) {
    for (bool inside = false; i < n;) {
        size_t digits = inside ? 0 : digits_at(text, i, n);
        if (is_long(text, i + digits, digits, n))
            return i + digits;
        inside ^= text[i] == '"';
        i += digits ? digits : inside && text[i] == '\\' ? 2 : 1;
    }
    return 0;
}

/* Such numbers become real ones of the same length: the last two digits of 19 or more are beyond
   what those can tell. */
static void make_real(char *text, size_t end, size_t n) {
    for (; end; end = next_long(text, end, n))
        memcpy(text + end - 2, "e2", 2);
}

json_t *mx_json_parse(const char *op, const char *name, const char *text, size_t n) {
    size_t end = next_long(text, 0, n);
    char *copy = end ? mx_memdup(text, n) : NULL;
    if (!end)
        return parse(op, name, text, n, 0);
    if (!copy)
        return NULL;
    make_real(copy, end, n);
    json_t *root = parse(op, name, copy, n, 0);
    mx_free(copy);
    return root;
}

json_t *mx_json_parse_zeros(const char *op, const char *name, const char *text, size_t n) {
    return parse(op, name, text, n, JSON_ALLOW_NUL);
}

/* Infinity outside of texts becomes a number as long. */
static void make_finite(char *text, size_t n) {
    static const char word[] = "Infinity";
    bool inside = false;
    for (size_t i = 0; i < n; i++) {
        if (inside && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            inside = !inside;
        else if (!inside && n - i >= 8 && memcmp(text + i, word, 8) == 0)
            memcpy(text + i, "1e308   ", 8);
    }
}

static json_t *parse_config(const char *op, const char *path, const mx_source *s) {
    char *text = mx_memdup(s->data, s->size);
    if (!text)
        return NULL;
    make_finite(text, s->size);
    json_t *root = mx_json_parse(op, path, text, s->size);
    mx_free(text);
    return root;
}

static json_t *load(const char *op, const char *path, bool config) {
    mx_source s;
    if (!mx_source_file(&s, op, path, false))
        return NULL;
    json_t *root = NULL;
    if (s.size > MX_JSON_MOST)
        mx_source_fail(&s, 0, "it has more than 100 MB");
    else if (mx_source_get(&s, 0, s.size, "the text"))
        root = config ? parse_config(op, path, &s)
                      : mx_json_parse(op, path, (const char *)s.data, s.size);
    mx_source_close(&s);
    return root;
}

json_t *mx_json_load(const char *op, const char *path) {
    return load(op, path, false);
}

json_t *mx_json_load_config(const char *op, const char *path) {
    return load(op, path, true);
}

/* --- paths ----------------------------------------------------------------------------------- */

/* Copies what stands before one of `ends`; behind it. NULL: it is too long. */
static const char *piece(char *out, size_t room, const char *s, const char *ends) {
    size_t n = strcspn(s, ends);
    if (n >= room)
        return NULL;
    memcpy(out, s, n);
    out[n] = 0;
    return s + n;
}

/* One path, up to '|' or the end. */
static json_t *at_path(const json_t *object, const char *path) {
    const json_t *at = object;
    char key[128];
    while (at && path) {
        path = piece(key, sizeof key, path, ".|");
        at = path ? json_object_get(at, key) : NULL;
        if (!path || *path != '.')
            break;
        path++;
    }
    return path && !json_is_null(at) ? (json_t *)(uintptr_t)at : NULL;
}

json_t *mx_json_at(const json_t *object, const char *paths) {
    for (const char *p = paths; p; p = strchr(p, '|'), p = p ? p + 1 : NULL) {
        json_t *found = at_path(object, p);
        if (found)
            return found;
    }
    return NULL;
}

const char *mx_json_text_at(const json_t *object, const char *paths) {
    return json_string_value(mx_json_at(object, paths));
}

bool mx_json_put(json_t *object, const char *path, json_t *value) {
    char key[128];
    const char *rest = piece(key, sizeof key, path, ".|");
    if (rest && *rest == '.' && !json_object_get(object, key))
        json_object_set_new(object, key, json_object());
    bool deeper = rest && *rest == '.';
    if (deeper)
        return mx_json_put(json_object_get(object, key), rest + 1, value);
    if (rest && value && json_object_set_new(object, key, value) == 0)
        return true;
    return mx_fail(MX_NOMEM, "[json] out of memory at '%.100s'", path);
}

/* --- out ------------------------------------------------------------------------------------- */

static void add(mx_text *t, const json_t *v, int depth);

static void add_line(mx_text *t, int depth) {
    mx_text_add(t, "\n%*s", 2 * depth, "");
}

static void add_string(mx_text *t, const json_t *v) {
    char *s = json_dumps(v, JSON_ENCODE_ANY);
    if (s)
        mx_text_str(t, s);
    else
        t->failed = true;
    free(s);
}

static void add_real(mx_text *t, double x) {
    size_t before = t->len;
    mx_text_f64(t, x);
    if (t->data && !strpbrk(t->data + before, ".en"))
        mx_text_str(t, ".0"); // it stays a real number
}

static void add_object(mx_text *t, const json_t *v, int depth) {
    const char *key, *between = "";
    json_t *item;
    mx_text_char(t, '{');
    json_object_foreach((json_t *)(uintptr_t)v, key, item) {
        json_t *name = json_string(key);
        mx_text_str(t, between);
        add_line(t, depth + 1);
        add_string(t, name);
        mx_text_str(t, ": ");
        add(t, item, depth + 1);
        between = ",";
        json_decref(name);
    }
    if (*between)
        add_line(t, depth);
    mx_text_char(t, '}');
}

/* Lists of plain values stand in a line. */
static bool is_plain(const json_t *list) {
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)(uintptr_t)list, i, item) {
        if (json_is_object(item) || json_is_array(item))
            return false;
    }
    return true;
}

static void add_list(mx_text *t, const json_t *v, int depth) {
    bool plain = is_plain(v);
    size_t i;
    json_t *item;
    mx_text_char(t, '[');
    json_array_foreach((json_t *)(uintptr_t)v, i, item) {
        if (i)
            mx_text_str(t, plain ? ", " : ",");
        if (!plain)
            add_line(t, depth + 1);
        add(t, item, depth + 1);
    }
    if (!plain)
        add_line(t, depth);
    mx_text_char(t, ']');
}

/* As deep as what was parsed: 64. */
static void add(mx_text *t, const json_t *v, int depth) {
    switch (json_typeof(v)) {
    case JSON_OBJECT: add_object(t, v, depth); break;
    case JSON_ARRAY: add_list(t, v, depth); break;
    case JSON_STRING: add_string(t, v); break;
    case JSON_INTEGER: mx_text_add(t, "%lld", (long long)json_integer_value(v)); break;
    case JSON_REAL: add_real(t, json_real_value(v)); break;
    case JSON_TRUE: mx_text_str(t, "true"); break;
    case JSON_FALSE: mx_text_str(t, "false"); break;
    case JSON_NULL: mx_text_str(t, "null"); break;
    }
}

char *mx_json_text(const json_t *value) {
    mx_text t = {0};
    add(&t, value, 0);
    mx_text_char(&t, '\n');
    return mx_text_take(&t);
}
