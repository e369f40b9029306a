/* Filters on texts. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <string.h>

#include "models/template/words/native.h"
#include "models/template/number.h"
#include "models/template/show.h"
#include "models/template/text.h"
#include "models/template/words/text_case.h"
#include "models/tokenizer/text.h"

/* --- case ------------------------------------------------------------------------------------- */

static bool recase(tm_run *r, const tm_value *a, tm_case how, tm_value *out) {
    tm_value text;
    if (!tm_to_str(r, a, &text))
        return false;
    size_t begin = tm_begin(r);
    return tm_put_case(r, &text, how) && tm_take(r, begin, out);
}

static bool f_upper(tm_run *r, const tm_value *a, tm_value *out) {
    return recase(r, a, TM_UPPER, out);
}

static bool f_lower(tm_run *r, const tm_value *a, tm_value *out) {
    return recase(r, a, TM_LOWER, out);
}

static bool f_capitalize(tm_run *r, const tm_value *a, tm_value *out) {
    return recase(r, a, TM_CAPITAL, out);
}

static bool parts_words(uint32_t c) {
    return c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || tm_is_space(c);
}

/* Words are what stands between spaces, '-' and opening brackets. */
static bool f_title(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value text;
    uint32_t c;
    if (!tm_to_str(r, a, &text))
        return false;
    size_t begin = tm_begin(r), n;
    bool first = true;
    for (const char *p = text.p, *end = p + text.n; p < end; p += n) {
        n = tok_step(p, end, &c);
        tm_value one = tm_str(p, n);
        if (!tm_put_case(r, &one, first ? TM_UPPER : TM_LOWER))
            return false;
        first = parts_words(c);
    }
    return tm_take(r, begin, out);
}

/* --- ends and pieces -------------------------------------------------------------------------- */

static bool f_trim(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value text;
    if (!tm_to_str(r, a, &text))
        return false;
    *out = tm_strip(&text, &a[1], true, true);
    return tm_spend(r, tm_is_given(&a[1]) ? (text.n - out->n) * (a[1].n + 1) / 8 : 1);
}

static bool f_replace(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value text, from, to;
    int64_t most;
    bool none = a[3].kind == TM_NONE;
    return tm_to_str(r, a, &text) && tm_to_str(r, &a[1], &from) && tm_to_str(r, &a[2], &to) &&
           (none ? (most = -1, true) : tm_want_int(r, &a[3], -1, &most)) &&
           tm_replace(r, &text, &from, &to, most, out);
}

static bool f_string(tm_run *r, const tm_value *a, tm_value *out) {
    return tm_to_str(r, a, out);
}

/* --- marks of HTML ---------------------------------------------------------------------------- */

static const char *entity(char c) {
    return c == '&'    ? "&amp;"
           : c == '<'  ? "&lt;"
           : c == '>'  ? "&gt;"
           : c == '\'' ? "&#39;"
           : c == '"'  ? "&#34;"
                       : NULL;
}

static void put_escaped(tm_run *r, const tm_value *text) {
    const char *from = text->p, *end = from + text->n;
    for (const char *p = from; p < end; p++) {
        const char *word = entity(*p);
        if (!word)
            continue;
        tm_put(r, from, (size_t)(p - from));
        tm_put_text(r, word);
        from = p + 1;
    }
    tm_put(r, from, (size_t)(end - from));
}

static bool f_escape(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value text;
    if (!tm_to_str(r, a, &text))
        return false;
    size_t begin = tm_begin(r);
    put_escaped(r, &text);
    return tm_spend(r, text.n / 16) && tm_take(r, begin, out);
}

static bool put_attribute(tm_run *r, const tm_pair *p) {
    tm_value key, value;
    if (!tm_to_str(r, &p->key, &key) || !tm_to_str(r, &p->value, &value))
        return false;
    for (size_t i = 0; i < key.n; i++)
        if (strchr(" \t\n\r\f/>=", key.p[i]))
            return tm_fail(r, MX_INVALID, "Invalid character in attribute name");
    put_escaped(r, &key);
    tm_put(r, "=\"", 2);
    put_escaped(r, &value);
    tm_put(r, "\"", 1);
    return !r->failed;
}

static bool f_xmlattr(tm_run *r, const tm_value *a, tm_value *out) {
    size_t begin = tm_begin(r);
    if (a->kind != TM_DICT)
        return tm_fail(r, MX_INVALID, "'%s' has no attributes", tm_type(a));
    for (size_t i = 0; i < a->dict->n; i++) {
        const tm_pair *p = &a->dict->pair[i];
        if (p->value.kind == TM_NONE || p->value.kind == TM_UNDEFINED)
            continue;
        if (r->out_n > begin || tm_want_flag(&a[1], true))
            tm_put(r, " ", 1);
        if (!put_attribute(r, p))
            return false;
    }
    return tm_take(r, begin, out);
}

/* --- layout ----------------------------------------------------------------------------------- */

static bool f_center(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value text;
    int64_t width;
    if (!tm_to_str(r, a, &text) || !tm_want_int(r, &a[1], 80, &width))
        return false;
    int64_t lack = width - (int64_t)tm_count(text.p, text.n);
    int64_t left = lack / 2 + (lack & width & 1);
    size_t begin = tm_begin(r);
    for (int64_t i = 0; i < left && !r->failed; i++)
        tm_put(r, " ", 1);
    tm_put(r, text.p, text.n);
    for (int64_t i = left; i < lack && !r->failed; i++)
        tm_put(r, " ", 1);
    return tm_take(r, begin, out);
}

/* Width as a number of blanks, or the text itself. */
static bool want_indent(tm_run *r, const tm_value *v, int64_t otherwise, tm_value *out) {
    int64_t n;
    if (v->kind == TM_STR)
        return *out = *v, true;
    if (!tm_want_int(r, v, otherwise, &n))
        return false;
    size_t begin = tm_begin(r);
    for (int64_t i = 0; i < n && !r->failed; i++)
        tm_put(r, " ", 1);
    return tm_take(r, begin, out);
}

static size_t line_end(const tm_value *t, size_t from) {
    const char *p = memchr(t->p + from, '\n', t->n - from);
    return p ? (size_t)(p - t->p) : t->n;
}

static bool f_indent(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value text, blanks;
    bool first = tm_want_flag(&a[2], false), blank = tm_want_flag(&a[3], false);
    if (!tm_want_str(r, a, "", &text) || !want_indent(r, &a[1], 4, &blanks))
        return false;
    size_t begin = tm_begin(r);
    for (size_t at = 0, end; at <= text.n; at = end + 1) {
        end = line_end(&text, at);
        bool whole = blank || (end > at && !(end == at + 1 && text.p[at] == '\r'));
        if (at ? whole : first)
            tm_put(r, blanks.p, blanks.n);
        tm_put(r, text.p + at, end - at + (end < text.n));
    }
    return tm_spend(r, text.n / 8) && tm_take(r, begin, out);
}

static bool f_truncate(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value text, end;
    int64_t n, length, leeway;
    if (!tm_length(r, a, &n) || !tm_want_int(r, &a[1], 255, &length) ||
        !tm_want_str(r, &a[3], "...", &end) || !tm_want_int(r, &a[4], 5, &leeway))
        return false;
    int64_t tail = (int64_t)tm_count(end.p, end.n);
    if (length < tail || leeway < 0)
        return tm_fail(r, MX_INVALID, "truncate: a length of %lld, and a leeway of %lld",
                       (long long)length, (long long)leeway);
    if (length > INT64_MAX - leeway || n <= length + leeway)
        return *out = a[0], true;
    if (!tm_want_str(r, a, "", &text))
        return false;
    tm_value kept = tm_str(text.p, tm_byte_of(text.p, text.n, (size_t)(length - tail)));
    const char *blank = kept.n ? memrchr(kept.p, ' ', kept.n) : NULL;
    if (!tm_want_flag(&a[2], false) && blank)
        kept.n = (size_t)(blank - kept.p);
    return tm_join(r, &kept, &end, out);
}

static bool is_word(uint32_t c) {
    return tok_is_word(c) || tok_is_numeric(c);
}

static bool f_wordcount(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value text;
    int64_t n = 0;
    bool inside = false;
    uint32_t c;
    if (!tm_to_str(r, a, &text))
        return false;
    for (const char *p = text.p, *end = p + text.n; p < end;) {
        p += tok_step(p, end, &c);
        n += is_word(c) && !inside;
        inside = is_word(c);
    }
    *out = tm_int(n);
    return tm_spend(r, text.n / 8);
}

static bool is_unreserved(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_.-~", c));
}

static void put_url(tm_run *r, const tm_value *text, bool query) {
    for (size_t i = 0; i < text->n && !r->failed; i++) {
        unsigned char c = (unsigned char)text->p[i];
        if (is_unreserved(c) || (c == '/' && !query))
            tm_put(r, text->p + i, 1);
        else if (c == ' ' && query)
            tm_put(r, "+", 1);
        else
            tm_put_format(r, "%%%02X", c);
    }
}

static bool put_query(tm_run *r, const tm_value *key, const tm_value *value, bool first) {
    tm_value k, v;
    if (!tm_to_str(r, key, &k) || !tm_to_str(r, value, &v))
        return false;
    if (!first)
        tm_put(r, "&", 1);
    put_url(r, &k, true);
    tm_put(r, "=", 1);
    put_url(r, &v, true);
    return !r->failed;
}

static bool f_urlencode(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value text;
    size_t begin = tm_begin(r);
    if (a->kind == TM_DICT) {
        for (size_t i = 0; i < a->dict->n; i++)
            if (!put_query(r, &a->dict->pair[i].key, &a->dict->pair[i].value, !i))
                return false;
        return tm_take(r, begin, out);
    }
    if (a->kind == TM_SEQ)
        return tm_fail(r, MX_UNSUPPORTED, "urlencode of a list is not supported");
    if (!tm_to_str(r, a, &text))
        return false;
    put_url(r, &text, false);
    return tm_spend(r, text.n / 8) && tm_take(r, begin, out);
}

/* --- formats ---------------------------------------------------------------------------------- */

static bool f_format(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value format, args = a[2].dict->n ? a[2] : a[1];
    if (a[2].dict->n && a[1].seq->n)
        return tm_fail(r, MX_INVALID, "can't handle positional and keyword arguments at once");
    return tm_to_str(r, a, &format) && tm_percent(r, &format, &args, out);
}

static bool separators(tm_run *r, const tm_value *v, tm_json *how) {
    bool lines = tm_is_given(&how->indent);
    how->item = tm_word(lines ? "," : ", ");
    how->key = tm_word(": ");
    if (!tm_is_given(v) || v->kind == TM_NONE)
        return true;
    if (v->kind != TM_SEQ || v->seq->n != 2)
        return tm_fail(r, MX_INVALID, "tojson: separators are two texts");
    return tm_want_str(r, &v->seq->item[0], "", &how->item) &&
           tm_want_str(r, &v->seq->item[1], "", &how->key);
}

/* As transformers' documentation says: json.dumps without escapes for HTML. */
static bool f_tojson(tm_run *r, const tm_value *a, tm_value *out) {
    tm_json how = {tm_want_flag(&a[1], false),
                   tm_want_flag(&a[4], false),
                   {.kind = TM_MISSING},
                   {.kind = TM_MISSING},
                   {.kind = TM_MISSING}};
    if (tm_is_given(&a[2]) && a[2].kind != TM_NONE && !want_indent(r, &a[2], 0, &how.indent))
        return false;
    size_t begin = tm_begin(r);
    return separators(r, &a[3], &how) && tm_put_json(r, a, &how) && tm_take(r, begin, out);
}

static const tm_native rows[] = {
    {"tojson", "value ensure_ascii= indent= separators= sort_keys=", f_tojson},
    {"trim", "value chars=", f_trim},
    {"string", "value", f_string},
    {"safe", "value", f_string},
    {"upper", "value", f_upper},
    {"lower", "value", f_lower},
    {"title", "value", f_title},
    {"capitalize", "value", f_capitalize},
    {"replace", "value old new count=", f_replace},
    {"escape", "value", f_escape},
    {"e", "value", f_escape},
    {"forceescape", "value", f_escape},
    {"xmlattr", "value autospace=", f_xmlattr},
    {"center", "value width=", f_center},
    {"indent", "value width= first= blank=", f_indent},
    {"truncate", "value length= killwords= end= leeway=", f_truncate},
    {"wordcount", "value", f_wordcount},
    {"urlencode", "value", f_urlencode},
    {"format", "value *", f_format},
    {"wordwrap", "value", NULL},
    {"striptags", "value", NULL},
    {"urlize", "value", NULL},
    {"pprint", "value", NULL},
    {"filesizeformat", "value", NULL},
};
const tm_table tm_text_filters = TM_TABLE(rows);
