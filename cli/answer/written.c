/* JSON as it is written: see written.h. */
#include "answer/written.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* A value that is looked at. */
typedef struct scan {
    const char *at, *end;
    char *open; /* the brackets that are open; owned */
    size_t depth, room;
    bool cut; /* the text ended in a string */
} scan;

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void cli_written_skip(answer_part *rest) {
    while (rest->at < rest->end && is_space(*rest->at))
        rest->at++;
}

bool cli_written_take(answer_part *rest, char c) {
    cli_written_skip(rest);
    bool is = rest->at < rest->end && *rest->at == c;
    rest->at += is;
    return is;
}

bool cli_written_is_next(answer_part *rest, const char *those) {
    cli_written_skip(rest);
    return rest->at < rest->end && *rest->at && strchr(those, *rest->at);
}

bool cli_written_skip_word(answer_part *rest, const char *word) {
    size_t n = strlen(word);
    if ((size_t)(rest->end - rest->at) < n || memcmp(rest->at, word, n) != 0)
        return false;
    rest->at += n;
    return true;
}

answer_part cli_written_before(answer_part *rest, const char *word) {
    const char *found = memmem(rest->at, (size_t)(rest->end - rest->at), word, strlen(word));
    answer_part part = {found ? rest->at : NULL, found};
    if (found)
        rest->at = found + strlen(word);
    return part;
}

static void skip(scan *s) {
    while (s->at < s->end && is_space(*s->at))
        s->at++;
}

static bool take(scan *s, char c) {
    bool is = s->at < s->end && *s->at == c;
    s->at += is;
    return is;
}

/* --- texts ------------------------------------------------------------------------------------ */

/* What fails at the very end is cut off: it may have become a text. */

/* Four hexadecimal digits; -1: they are none. */
static int take_digits_16(scan *s) {
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    int code = 0;
    for (int i = 0; i < 4; i++, s->at++) {
        const char *digit = s->at < s->end && *s->at ? strchr(digits, *s->at) : NULL;
        if (!digit)
            return -1;
        code = code * 16 + (int)(digit - digits) % 16;
    }
    return code;
}

/* Behind "\u": a character, or two halves of one. */
static bool take_code(scan *s) {
    int code = take_digits_16(s);
    if (code < 0 || (code & 0xFC00) == 0xDC00)
        return false;
    if ((code & 0xFC00) != 0xD800)
        return true;
    return take(s, '\\') && take(s, 'u') && (take_digits_16(s) & ~0x3FF) == 0xDC00;
}

static bool take_escape(scan *s) {
    s->at++;
    if (take(s, 'u'))
        return take_code(s);
    if (s->at == s->end || !*s->at || !strchr("\"\\/bfnrt", *s->at))
        return false;
    s->at++;
    return true;
}

/* One character of UTF-8, no half of a pair. */
static bool take_character(scan *s) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char c = (unsigned char)*s->at;
    size_t n = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    uint32_t point = c & (n > 1 ? 0xFFu >> (n + 1) : 0x7Fu);
    const char *at = s->at + 1;
    for (size_t i = 1; i < n; i++, at++) {
        if (at == s->end)
            return s->at = at, false;
        if ((*at & 0xC0) != 0x80)
            return false;
        point = point << 6 | (*at & 0x3Fu);
    }
    if (n == 0 || point < least[n] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
        return false;
    s->at = at;
    return true;
}

static bool take_string(scan *s) {
    bool ok = true;
    s->at++;
    while (ok && s->at < s->end && *s->at != '"') {
        ok = (unsigned char)*s->at >= ' ';
        ok = ok && (*s->at == '\\' ? take_escape(s) : take_character(s));
    }
    s->cut = s->at == s->end;
    return ok && take(s, '"');
}

/* --- values ----------------------------------------------------------------------------------- */

static bool take_digits(scan *s) {
    const char *from = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > from;
}

static bool take_number(scan *s) {
    take(s, '-');
    if (!take(s, '0') && !take_digits(s))
        return false;
    if (take(s, '.') && !take_digits(s))
        return false;
    if (!take(s, 'e') && !take(s, 'E'))
        return true;
    if (!take(s, '+'))
        take(s, '-');
    return take_digits(s);
}

static bool take_word(scan *s) {
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(s->end - s->at) >= n && memcmp(s->at, words[i], n) == 0)
            return s->at += n, true;
    }
    return false;
}

static bool open_bracket(scan *s) {
    if (s->depth == s->room) {
        size_t room = s->room * 2 + 64;
        char *open = realloc(s->open, room);
        if (!open)
            return false;
        s->open = open;
        s->room = room;
    }
    s->open[s->depth++] = *s->at++ == '{' ? '}' : ']';
    return true;
}

/* "key": */
static bool take_key(scan *s) {
    skip(s);
    if (s->at == s->end || *s->at != '"' || !take_string(s))
        return false;
    skip(s);
    return take(s, ':');
}

/* A value up to the first one in it, if it has any. *whole: it has none. */
static bool begin_value(scan *s, bool *whole) {
    skip(s);
    *whole = true;
    if (s->at == s->end)
        return false;
    if (*s->at == '"')
        return take_string(s);
    if (*s->at != '{' && *s->at != '[')
        return *s->at == '-' || (*s->at >= '0' && *s->at <= '9') ? take_number(s) : take_word(s);
    if (!open_bracket(s))
        return false;
    skip(s);
    if (take(s, s->open[s->depth - 1]))
        return s->depth--, true;
    *whole = false;
    return s->open[s->depth - 1] == ']' || take_key(s);
}

/* Behind a value that is in another: up to the next one. *done: all are closed. */
static bool go_on(scan *s, bool *done) {
    for (; s->depth; s->depth--) {
        *done = false;
        skip(s);
        if (take(s, ','))
            return s->open[s->depth - 1] == ']' || take_key(s);
        if (!take(s, s->open[s->depth - 1]))
            return false;
    }
    return *done = true;
}

static bool scan_value(scan *s) {
    bool whole, done = false;
    while (!done) {
        if (!begin_value(s, &whole) || (whole && !go_on(s, &done)))
            return false;
    }
    return true;
}

answer_part cli_written_value(answer_part *rest) {
    scan s = {.at = rest->at, .end = rest->end};
    skip(&s);
    answer_part value = {s.at, NULL};
    bool ok = scan_value(&s);
    free(s.open);
    if (!ok)
        return (answer_part){NULL, NULL};
    value.end = rest->at = s.at;
    return value;
}

static bool is_between(char c) {
    return is_space(c) || c == ',' || c == ';' || c == '[' || c == ']';
}

bool cli_written_in_text(answer_part values) {
    scan s = {.at = values.at, .end = values.end};
    bool ok = true;
    while (ok && s.at < s.end && *s.at == '{') {
        s.depth = 0;
        ok = scan_value(&s);
        while (s.at < s.end && is_between(*s.at))
            s.at++;
    }
    free(s.open);
    return !ok && s.cut;
}

/* --- parts of values -------------------------------------------------------------------------- */

bool cli_written_next(answer_part *rest, answer_part *key, answer_part *value) {
    bool first = *rest->at == '{' || *rest->at == '[', object = rest->end[-1] == '}';
    *key = (answer_part){NULL, NULL};
    rest->at++; // its bracket, or what is behind the item before
    cli_written_skip(rest);
    if (rest->at >= rest->end || (first && rest->end - rest->at == 1))
        return false;
    if (object) {
        *key = cli_written_value(rest);
        cli_written_skip(rest);
        rest->at++; // the colon
    }
    *value = cli_written_value(rest);
    cli_written_skip(rest);
    return true;
}

char *cli_written_text(answer_part value) {
    if (!value.at || *value.at != '"')
        return NULL;
    json_t *text = json_loadb(value.at, (size_t)(value.end - value.at),
                              JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    const char *said = json_string_value(text);
    char *copy = said && strlen(said) == json_string_length(text) ? strdup(said) : NULL;
    json_decref(text);
    return copy;
}

void cli_written_put(FILE *to, answer_part value) {
    bool quoted = false;
    for (const char *at = value.at; at < value.end; at++) {
        if (quoted || !is_space(*at))
            putc(*at, to);
        if (quoted && *at == '\\')
            putc(*++at, to);
        else if (*at == '"')
            quoted = !quoted;
    }
}

char *cli_written_done(FILE *stream, char *const *text, bool ok) {
    ok = (!stream || fclose(stream) == 0) && ok;
    if (ok)
        return *text;
    free(*text);
    return NULL;
}
