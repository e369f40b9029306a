/* Python's str and repr: see show.h. */
#include "models/template/show.h"

#include <string.h>
#include <utf8proc.h>

#include "models/template/number.h"
#include "models/tokenizer/text.h"

/* --- texts ------------------------------------------------------------------------------------ */

static bool is_printable(uint32_t c) {
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return false;
    case UTF8PROC_CATEGORY_ZS: return c == ' ';
    default: return true;
    }
}

static void put_escaped(tm_run *r, uint32_t c) {
    if (c == '\n' || c == '\r' || c == '\t')
        tm_put_text(r, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
    else if (c < 0x100)
        tm_put_format(r, "\\x%02x", (unsigned)c);
    else
        tm_put_format(r, c < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)c);
}

static void repr_text(tm_run *r, const tm_value *v) {
    const char *end = v->p + v->n;
    char quote = memchr(v->p, '\'', v->n) && !memchr(v->p, '"', v->n) ? '"' : '\'';
    uint32_t c;
    tm_put(r, &quote, 1);
    for (const char *p = v->p, *from = p; p <= end; p++) {
        size_t n = p < end ? tok_step(p, end, &c) : 0;
        bool plain = n && c != '\\' && c != (uint32_t)quote && is_printable(c);
        if (plain) {
            p += n - 1;
            continue;
        }
        tm_put(r, from, (size_t)(p - from));
        if (n && (c == '\\' || c == (uint32_t)quote))
            tm_put(r, "\\", 1), tm_put(r, p, 1);
        else if (n)
            put_escaped(r, c);
        from = p + n;
        p = n ? from - 1 : p;
    }
    tm_put(r, &quote, 1);
}

/* --- containers --------------------------------------------------------------------------- */

static bool put_items(tm_run *r, const tm_seq *s) {
    for (size_t i = 0; i < s->n; i++) {
        if (i)
            tm_put(r, ", ", 2);
        if (!tm_repr(r, &s->item[i]))
            return false;
    }
    return true;
}

static bool repr_range(tm_run *r, const tm_seq *s) {
    tm_put_format(r, s->step == 1 ? "range(%lld, %lld)" : "range(%lld, %lld, %lld)",
                  (long long)s->start, (long long)s->stop, (long long)s->step);
    return !r->failed;
}

static bool repr_seq(tm_run *r, const tm_seq *s) {
    static const char *const opens[] = {"[",           "(", "", "", "dict_keys([", "dict_values([",
                                        "dict_items(["};
    static const char *const closes[] = {"]", ")", "", "", "])", "])", "])"};
    if (s->look == TM_ITERATOR)
        return tm_fail(r, MX_INVALID, "a generator cannot be printed: make a list of it");
    if (s->look == TM_RANGE)
        return repr_range(r, s);
    tm_put_text(r, opens[s->look]);
    if (!put_items(r, s))
        return false;
    if (s->look == TM_TUPLE && s->n == 1)
        tm_put(r, ",", 1);
    tm_put_text(r, closes[s->look]);
    return !r->failed;
}

static bool repr_dict(tm_run *r, const tm_dict *d) {
    tm_put(r, "{", 1);
    for (size_t i = 0; i < d->n; i++) {
        if (i)
            tm_put(r, ", ", 2);
        if (!tm_repr(r, &d->pair[i].key))
            return false;
        tm_put(r, ": ", 2);
        if (!tm_repr(r, &d->pair[i].value))
            return false;
    }
    tm_put(r, "}", 1);
    return !r->failed;
}

/* As deep as containers are: TM_MOST_LEVELS. */
bool tm_repr(tm_run *r, const tm_value *v) {
    if (!tm_spend(r, 1))
        return false;
    switch (v->kind) {
    case TM_MISSING:
    case TM_UNDEFINED: tm_put_text(r, "Undefined"); break;
    case TM_NONE: tm_put_text(r, "None"); break;
    case TM_BOOL: tm_put_text(r, v->i ? "True" : "False"); break;
    case TM_INT: tm_put_format(r, "%lld", (long long)v->i); break;
    case TM_FLOAT: tm_put_float(r, v->f); break;
    case TM_STR: repr_text(r, v); break;
    case TM_SEQ: return repr_seq(r, v->seq);
    case TM_DICT: return repr_dict(r, v->dict);
    default: return tm_fail(r, MX_INVALID, "a %s cannot be printed", tm_type(v));
    }
    return !r->failed;
}

bool tm_show(tm_run *r, const tm_value *v) {
    if (v->kind == TM_STR)
        tm_put(r, v->p, v->n);
    else if (v->kind != TM_UNDEFINED)
        return tm_repr(r, v);
    return tm_spend(r, v->kind == TM_STR ? v->n / 64 : 0);
}

bool tm_to_str(tm_run *r, const tm_value *v, tm_value *out) {
    size_t begin = tm_begin(r);
    if (v->kind == TM_STR)
        return *out = *v, true;
    return tm_show(r, v) && tm_take(r, begin, out);
}
