/* Calls that are written as Python: [name(key="text", other=[1, True, None]), ...]. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer/style.h"

enum { MOST_DEPTH = 64 };

static bool take(answer_part *r, char c) {
    cli_written_skip(r);
    bool is = r->at < r->end && *r->at == c;
    r->at += is;
    return is;
}

static bool is_next(answer_part *r, const char *those) {
    cli_written_skip(r);
    return r->at < r->end && *r->at && strchr(those, *r->at);
}

/* Letters, digits and `more`, for free; NULL: there are none. */
static char *take_name(answer_part *r, const char *more) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    cli_written_skip(r);
    const char *from = r->at;
    while (r->at < r->end && *r->at && (strchr(letters, *r->at) || strchr(more, *r->at)))
        r->at++;
    return r->at > from ? strndup(from, (size_t)(r->at - from)) : NULL;
}

/* --- texts ------------------------------------------------------------------------------------ */

static void put_code(FILE *to, uint32_t code) {
    if (code > 0xFFFF)
        fprintf(to, "\\u%04x\\u%04x", 0xD7C0 + (code >> 10), 0xDC00 + (code & 0x3FF));
    else
        fprintf(to, "\\u%04x", code);
}

/* So many hexadecimal digits. */
static bool put_digits(answer_part *r, FILE *to, int n) {
    char digits[9] = "";
    if (r->end - r->at < n)
        return false;
    memcpy(digits, r->at, (size_t)n);
    r->at += n;
    uint32_t code = (uint32_t)strtoul(digits, NULL, 16);
    bool ok = strspn(digits, "0123456789abcdefABCDEF") == (size_t)n && code <= 0x10FFFF;
    if (ok)
        put_code(to, code);
    return ok;
}

/* Behind a backslash. What Python does not know stands with it. */
static bool put_escape(answer_part *r, FILE *to) {
    static const char codes[] = "abfnrtv0", values[] = "\a\b\f\n\r\t\v\0";
    if (r->at == r->end || (*r->at >= '1' && *r->at <= '7') || *r->at == 'N')
        return false;
    char c = *r->at++;
    const char *found = c ? strchr(codes, c) : NULL;
    if (c == 'x' || c == 'u' || c == 'U')
        return put_digits(r, to, c == 'x' ? 2 : c == 'u' ? 4 : 8);
    if (found)
        put_code(to, (uint32_t)values[found - codes]);
    else if (c == '\'' || c == '"' || c == '\\')
        put_code(to, (uint32_t)c);
    else if (c != '\n')
        r->at--, fputs("\\\\", to);
    return true;
}

/* A text, as JSON; what it has of it that is no UTF-8 shows when the whole is read. */
static bool put_text(answer_part *r, FILE *to) {
    char quote = *r->at++;
    bool ok = true;
    putc('"', to);
    while (ok && r->at < r->end && *r->at != quote && *r->at != '\n') {
        char c = *r->at++;
        if (c == '\\')
            ok = put_escape(r, to);
        else if (c == '"' || (unsigned char)c < ' ')
            put_code(to, (uint32_t)c);
        else
            putc(c, to);
    }
    putc('"', to);
    return ok && take(r, quote);
}

/* --- values ----------------------------------------------------------------------------------- */

static bool put_value(answer_part *r, FILE *to, int depth);

/* Items up to a bracket; with `keys`, each behind its key. */
static bool put_items(answer_part *r, FILE *to, char close, bool keys, int depth) {
    const char *between = "";
    while (!take(r, close)) {
        if ((*between && !take(r, ',')))
            return false;
        if (take(r, close))
            return true;
        fputs(between, to);
        between = ",";
        if (keys && (!is_next(r, "'\"") || !put_text(r, to) || !take(r, ':')))
            return false;
        if (keys)
            putc(':', to);
        if (!put_value(r, to, depth))
            return false;
    }
    return true;
}

static bool put_list(answer_part *r, FILE *to, char close, bool keys, int depth) {
    putc(keys ? '{' : '[', to);
    bool ok = put_items(r, to, close, keys, depth + 1);
    putc(keys ? '}' : ']', to);
    return ok;
}

/* Numbers stand as they are, words in either spelling. */
static bool put_plain(answer_part *r, FILE *to) {
    static const char *const words[][2] = {{"True", "true"}, {"False", "false"}, {"None", "null"}};
    answer_part value = cli_written_value(r);
    if (value.at) {
        cli_written_put(to, value);
        return true;
    }
    char *word = take_name(r, "");
    bool ok = false;
    for (size_t i = 0; word && i < 3; i++)
        if (strcmp(word, words[i][0]) == 0)
            ok = fputs(words[i][1], to) >= 0;
    free(word);
    return ok;
}

static bool put_value(answer_part *r, FILE *to, int depth) {
    if (depth == MOST_DEPTH)
        return false;
    if (is_next(r, "'\""))
        return put_text(r, to);
    if (take(r, '['))
        return put_list(r, to, ']', false, depth);
    if (take(r, '('))
        return put_list(r, to, ')', false, depth);
    return take(r, '{') ? put_list(r, to, '}', true, depth) : put_plain(r, to);
}

/* --- calls ------------------------------------------------------------------------------------ */

/* KEY=VALUE, KEY=VALUE) */
static bool put_arguments(answer_part *r, FILE *to, json_t *keys) {
    while (!take(r, ')')) {
        size_t count = json_object_size(keys);
        if (count && !take(r, ','))
            return false;
        if (count && take(r, ')'))
            return true;
        char *key = take_name(r, "");
        bool ok = key && take(r, '=') && !json_object_get(keys, key) &&
                  json_object_set_new(keys, key, json_null()) == 0 &&
                  fprintf(to, "%s\"%s\":", count ? "," : "", key) > 0 && put_value(r, to, 0);
        free(key);
        if (!ok)
            return false;
    }
    return true;
}

/* The arguments as JSON, for free; NULL: they are none. */
static char *arguments_of(answer_part *r, size_t *n) {
    char *text = NULL;
    FILE *to = open_memstream(&text, n);
    json_t *keys = json_object();
    bool ok = to && keys && putc('{', to) == '{' && take(r, '(') && put_arguments(r, to, keys) &&
              putc('}', to) == '}';
    json_decref(keys);
    if ((!to || fclose(to) == 0) && ok)
        return text;
    free(text);
    return NULL;
}

static bool read_call(answer_part *r, answer_call *call, void *to) {
    size_t n = 0;
    char *name = take_name(r, ".-"), *text = name ? arguments_of(r, &n) : NULL;
    answer_part made = {text, text ? text + n : NULL}, whole = {NULL, NULL};
    if (text)
        whole = cli_written_value(&made);
    bool ok = whole.at && cli_answer_give(call, to, name, NULL, whole);
    free(text);
    free(name);
    return ok;
}

static bool read_calls(answer_part r, answer_call *call, void *to) {
    bool listed = take(&r, '['), ok = true;
    do {
        ok = read_call(&r, call, to);
    } while (ok && take(&r, ',') && !is_next(&r, "]"));
    ok = ok && (!listed || take(&r, ']'));
    cli_written_skip(&r);
    return ok && r.at == r.end;
}

static bool is_json(answer_part r) {
    take(&r, '[');
    return is_next(&r, "{");
}

bool cli_answer_read_python(const answer_body *body, answer_call *call, void *to) {
    answer_part r = {body->text, body->text + body->n};
    if (is_json(r))
        return cli_answer_read_json(body, call, to);
    return read_calls(r, NULL, NULL) && (!call || read_calls(r, call, to));
}

bool cli_answer_inside_python(answer_part body) {
    char quote = 0;
    if (is_json(body))
        return cli_answer_inside_json(body);
    for (const char *at = body.at; at < body.end; at++) {
        if (quote && *at == '\n')
            return false; // it is none
        if (quote && *at == '\\')
            at++;
        else if (quote ? *at == quote : *at == '\'' || *at == '"')
            quote = quote ? 0 : *at;
    }
    return quote;
}
