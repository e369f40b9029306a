/* "..." % values, and "...".format(...): the library reference of Python, "printf-style String
 * Formatting" and "Format String Syntax". */
#include <math.h>
#include <string.h>

#include "models/template/words/native.h"
#include "models/template/show.h"
#include "models/template/words/spec.h"
#include "models/tokenizer/text.h"

typedef struct reader {
    const char *p, *end;
} reader;

static bool broken(tm_run *r, const char *what) {
    return tm_fail(r, MX_INVALID, "format: %s", what);
}

static bool read_number(tm_run *r, reader *s, int64_t most, int64_t *out) {
    for (*out = 0; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++)
        if ((*out = *out * 10 + (*s->p - '0')) > most)
            return broken(r, "the width or precision is too large");
    return true;
}

/* --- percent ---------------------------------------------------------------------------------- */

typedef struct source {
    const tm_value *args;
    size_t next;
    bool named;
} source;

static bool is_row(const tm_value *v) {
    return tm_is_seq(v, TM_TUPLE);
}

static bool take(tm_run *r, source *from, tm_value *out) {
    size_t n = is_row(from->args) ? from->args->seq->n : 1;
    if (from->next >= n)
        return broken(r, "not enough arguments for format string");
    *out = is_row(from->args) ? from->args->seq->item[from->next] : *from->args;
    from->next++;
    return true;
}

/* Behind "(" : the value of a key. */
static bool take_named(tm_run *r, source *from, reader *s, tm_value *out) {
    const char *close = memchr(s->p, ')', (size_t)(s->end - s->p));
    if (!close)
        return broken(r, "incomplete format key");
    if (from->args->kind != TM_DICT)
        return broken(r, "format requires a mapping");
    const tm_value *found = tm_dict_word(r, from->args->dict, s->p, (size_t)(close - s->p));
    if (!found)
        return r->failed ? false : broken(r, "the mapping has no such key");
    s->p = close + 1;
    from->named = true;
    *out = *found;
    return true;
}

static void read_flags(reader *s, tm_spec *spec, bool *zero) {
    for (; s->p < s->end && *s->p && strchr("#0- +", *s->p); s->p++) {
        if (*s->p == '#')
            spec->alternate = true;
        else if (*s->p == '0')
            *zero = true;
        else if (*s->p == '-')
            spec->align = '<';
        else
            spec->sign = spec->sign == '+' ? '+' : *s->p;
    }
}

static bool put_value(tm_run *r, const tm_value *v, char type, tm_spec *s);

static bool read_spec(tm_run *r, reader *s, tm_spec *spec) {
    bool zero = false;
    read_flags(s, spec, &zero);
    if (!read_number(r, s, TM_MOST_WIDTH, &spec->width))
        return false;
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!read_number(r, s, TM_MOST_PRECISION, &spec->precision))
            return false;
    }
    while (s->p < s->end && *s->p && strchr("hlL", *s->p))
        s->p++;
    if (s->p < s->end && *s->p == '*')
        return tm_fail(r, MX_UNSUPPORTED, "format: '*' is not supported");
    bool number = s->p < s->end && *s->p && strchr("diuoxXeEfFgG", *s->p);
    if (zero && number && spec->align != '<')
        spec->fill = '0', spec->align = '=';
    else if (!spec->align)
        spec->align = '>';
    return s->p < s->end || broken(r, "incomplete format");
}

static bool want_whole(tm_run *r, const tm_value *v, char type, int64_t *out) {
    bool decimal = type == 'd' || type == 'i' || type == 'u';
    if (v->kind == TM_UNDEFINED)
        return tm_fail_undefined(r, v);
    if (tm_is_whole(v))
        return *out = v->i, true;
    if (v->kind != TM_FLOAT || !decimal)
        return tm_fail(r, MX_INVALID, "%%%c format: a number is required, not %s", type,
                       tm_type(v));
    if (!(fabs(v->f) < 0x1p63))
        return tm_fail(r, MX_INVALID, "an integer of more than 64 bits");
    *out = (int64_t)v->f;
    return true;
}

static bool put_character(tm_run *r, const tm_value *v, const tm_spec *s) {
    uint32_t c;
    tm_value text = *v;
    size_t begin = tm_begin(r);
    if (v->kind == TM_STR && (!v->n || tok_step(v->p, v->p + v->n, &c) != v->n))
        return broken(r, "%c requires int or char");
    if (v->kind != TM_STR) {
        if (!tm_is_whole(v) || v->i < 0 || v->i > 0x10FFFF || (v->i >= 0xD800 && v->i < 0xE000))
            return broken(r, "%c requires int or char");
        tm_put_char(r, (uint32_t)v->i);
        if (!tm_take(r, begin, &text))
            return false;
    }
    return tm_put_text_by(r, &text, s);
}

static bool put_repr(tm_run *r, const tm_value *v, const tm_spec *s) {
    tm_value text;
    size_t begin = tm_begin(r);
    return tm_repr(r, v) && tm_take(r, begin, &text) && tm_put_text_by(r, &text, s);
}

static bool put_value(tm_run *r, const tm_value *v, char type, tm_spec *s) {
    tm_value text;
    int64_t i = 0;
    s->type = type;
    if (type == 's')
        return tm_to_str(r, v, &text) && tm_put_text_by(r, &text, s);
    if (type == 'r')
        return put_repr(r, v, s);
    if (type == 'c')
        return put_character(r, v, s);
    if (strchr("diuoxX", type)) {
        s->type = strchr("iu", type) ? 'd' : type;
        return want_whole(r, v, type, &i) && tm_put_int_by(r, i, s);
    }
    if (v->kind == TM_UNDEFINED)
        return tm_fail_undefined(r, v);
    if (!tm_is_number(v))
        return tm_fail(r, MX_INVALID, "must be real number, not %s", tm_type(v));
    return tm_put_float_by(r, tm_number(v), s);
}

static bool put_percent(tm_run *r, reader *s, source *from) {
    tm_spec spec = {.fill = ' ', .precision = -1};
    tm_value v;
    bool named = s->p < s->end && *s->p == '(';
    s->p += named;
    if ((named && !take_named(r, from, s, &v)) || !read_spec(r, s, &spec))
        return false;
    char type = *s->p++;
    if (type == '%')
        return tm_put(r, "%", 1), !r->failed;
    if (!type || !strchr("diuoxXeEfFgGcrs", type))
        return tm_fail(r, MX_INVALID, "format: '%%%c' is not supported",
                       type > ' ' && type < 127 ? type : '?');
    return (named || take(r, from, &v)) && put_value(r, &v, type, &spec);
}

bool tm_percent(tm_run *r, const tm_value *format, const tm_value *args, tm_value *out) {
    reader s = {format->p, format->p + format->n};
    source from = {args, 0, false};
    size_t begin = tm_begin(r);
    while (s.p < s.end) {
        const char *at = memchr(s.p, '%', (size_t)(s.end - s.p));
        tm_put(r, s.p, (size_t)((at ? at : s.end) - s.p));
        s.p = at ? at + 1 : s.end;
        if (at && !put_percent(r, &s, &from))
            return false;
    }
    bool some = is_row(args) ? from.next < args->seq->n
                             : !from.next && args->kind != TM_DICT && args->kind != TM_SEQ &&
                                   args->kind != TM_UNDEFINED;
    if (some && !from.named)
        return broken(r, "not all arguments converted during string formatting");
    return tm_take(r, begin, out);
}

/* --- braces ----------------------------------------------------------------------------------- */

static bool read_align(reader *s, tm_spec *spec) {
    uint32_t c;
    size_t n = s->p < s->end ? tok_step(s->p, s->end, &c) : 0;
    if (n && s->p + n < s->end && s->p[n] && strchr("<>^=", s->p[n])) {
        spec->fill = c;
        spec->align = s->p[n];
        s->p += n + 1;
        return true;
    }
    if (n && *s->p && strchr("<>^=", *s->p))
        spec->align = *s->p++;
    return spec->align;
}

static bool skip(reader *s, char c) {
    bool there = s->p < s->end && *s->p == c;
    s->p += there;
    return there;
}

/* [[fill]align][sign][#][0][width][grouping][.precision][type] */
static bool read_braces_spec(tm_run *r, reader *s, tm_spec *spec) {
    bool aligned = read_align(s, spec);
    if (s->p < s->end && *s->p && strchr("+- ", *s->p))
        spec->sign = *s->p++;
    spec->alternate = skip(s, '#');
    if (skip(s, '0') && !aligned)
        spec->fill = '0', spec->align = '=';
    if (!read_number(r, s, TM_MOST_WIDTH, &spec->width))
        return false;
    if (s->p < s->end && (*s->p == ',' || *s->p == '_'))
        spec->grouping = *s->p++;
    if (skip(s, '.') && !read_number(r, s, TM_MOST_PRECISION, &spec->precision))
        return false;
    if (s->p < s->end)
        spec->type = *s->p++;
    return s->p == s->end || broken(r, "Invalid format specifier");
}

static bool no_code(tm_run *r, char type, const tm_value *v) {
    return tm_fail(r, MX_INVALID, "Unknown format code '%c' for object of type '%s'",
                   type > ' ' && type < 127 ? type : '?', tm_type(v));
}

static bool put_number_by(tm_run *r, const tm_value *v, tm_spec *s) {
    bool whole = tm_is_whole(v);
    if (s->type && !strchr("bcdoxXneEfFgG%", s->type))
        return no_code(r, s->type, v);
    if (s->type == 'c' || s->type == 'n')
        return tm_fail(r, MX_UNSUPPORTED, "format: the type '%c' is not supported", s->type);
    if (whole && (!s->type || strchr("bdoxX", s->type)))
        return s->precision < 0 ? tm_put_int_by(r, v->i, s)
                                : broken(r, "Precision not allowed in integer format specifier");
    if (s->type && strchr("bdoxX", s->type))
        return no_code(r, s->type, v);
    return tm_put_float_by(r, tm_number(v), s);
}

static bool put_by(tm_run *r, const tm_value *v, reader *text) {
    tm_spec s = {.fill = ' ', .precision = -1};
    bool plain = text->p == text->end;
    if (plain)
        return tm_show(r, v);
    if (!read_braces_spec(r, text, &s))
        return false;
    if (tm_is_number(v))
        return put_number_by(r, v, &s);
    if (v->kind != TM_STR)
        return tm_fail(r, MX_INVALID, "unsupported format string passed to %s.__format__",
                       tm_type(v));
    if ((s.type && s.type != 's') || s.align == '=' || s.sign || s.grouping || s.alternate)
        return no_code(r, s.type ? s.type : '=', v);
    return tm_put_text_by(r, v, &s);
}

typedef struct fields {
    const tm_value *args, *words;
    size_t next;
    bool numbered, automatic;
} fields;

static bool by_number(tm_run *r, fields *f, size_t i, tm_value *out) {
    if (f->numbered && f->automatic)
        return broken(r, "cannot switch between automatic and manual field numbering");
    if (i >= f->args->seq->n)
        return broken(r, "Replacement index out of range for positional args tuple");
    *out = f->args->seq->item[i];
    return true;
}

/* "0", "name", "" and then ".attribute" or "[key]", which are refused. */
static bool field_value(tm_run *r, fields *f, const char *p, size_t n, tm_value *out) {
    size_t name = 0;
    reader digits = {p, p + n};
    int64_t i;
    while (name < n && p[name] != '.' && p[name] != '[')
        name++;
    if (name < n)
        return tm_fail(r, MX_UNSUPPORTED, "format: attributes in fields are not supported");
    if (!n)
        return f->automatic = true, by_number(r, f, f->next++, out);
    if (!read_number(r, &digits, 1 << 20, &i))
        return false;
    if (digits.p == digits.end)
        return f->numbered = true, by_number(r, f, (size_t)i, out);
    const tm_value *found = tm_dict_word(r, f->words->dict, p, n);
    if (!found)
        return r->failed
                   ? false
                   : tm_fail(r, MX_INVALID, "format: there is no '%.*s'", n > 60 ? 60 : (int)n, p);
    *out = *found;
    return true;
}

static bool convert(tm_run *r, char how, tm_value *v) {
    size_t begin = tm_begin(r);
    if (how == 's')
        return tm_to_str(r, v, v);
    if (how != 'r')
        return tm_fail(r, MX_UNSUPPORTED, "format: of conversions !s and !r are supported");
    return tm_repr(r, v) && tm_take(r, begin, v);
}

static bool put_field(tm_run *r, fields *f, const char *p, size_t n) {
    const char *colon = memchr(p, ':', n), *bang = memchr(p, '!', n), *end = p + n;
    tm_value v;
    if (colon && bang > colon)
        bang = NULL;
    const char *name_end = bang ? bang : colon ? colon : end;
    reader spec = {colon ? colon + 1 : end, end};
    if (memchr(p, '{', n))
        return tm_fail(r, MX_UNSUPPORTED, "format: fields in fields are not supported");
    if (bang && (bang + 1 == end || (bang + 2 != end && bang + 2 != colon)))
        return broken(r, "expected ':' after conversion specifier");
    return field_value(r, f, p, (size_t)(name_end - p), &v) && (!bang || convert(r, bang[1], &v)) &&
           put_by(r, &v, &spec);
}

bool tm_braces(tm_run *r, const tm_value *format, const tm_value *args, const tm_value *words,
               tm_value *out) {
    fields f = {.args = args, .words = words};
    size_t begin = tm_begin(r);
    for (const char *p = format->p, *end = p + format->n; p < end;) {
        bool twice = p + 1 < end && p[1] == *p;
        const char *close = *p == '{' && !twice ? memchr(p, '}', (size_t)(end - p)) : NULL;
        if ((*p == '{' || *p == '}') && twice)
            tm_put(r, p, 1), p += 2;
        else if (*p == '}' || (*p == '{' && !close))
            return broken(r, "Single '{' or '}' encountered in format string");
        else if (close) {
            if (!put_field(r, &f, p + 1, (size_t)(close - p) - 1))
                return false;
            p = close + 1;
        } else
            tm_put(r, p++, 1);
        if (!tm_spend(r, 1))
            return false;
    }
    return tm_take(r, begin, out);
}
