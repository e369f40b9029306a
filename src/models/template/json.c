/* JSON as Python's json.dumps writes it: see show.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/template/number.h"
#include "models/template/show.h"
#include "models/template/words/sort.h"
#include "models/tokenizer/text.h"

static bool put(tm_run *r, const tm_value *v, const tm_json *how, int level);

static const char *short_escape(uint32_t c) {
    switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    case '\b': return "\\b";
    case '\f': return "\\f";
    default: return NULL;
    }
}

static void put_escape(tm_run *r, uint32_t c) {
    const char *word = short_escape(c);
    if (word)
        tm_put_text(r, word);
    else if (c < 0x10000)
        tm_put_format(r, "\\u%04x", (unsigned)c);
    else
        tm_put_format(r, "\\u%04x\\u%04x", (unsigned)(0xD800 + ((c - 0x10000) >> 10)),
                      (unsigned)(0xDC00 + (c & 0x3FF)));
}

static void put_text(tm_run *r, const tm_value *v, bool ascii) {
    const char *end = v->p + v->n, *from = v->p;
    uint32_t c;
    tm_put(r, "\"", 1);
    for (const char *p = v->p; p < end;) {
        size_t n = (unsigned char)*p < 0x80 ? (c = (unsigned char)*p, 1) : tok_step(p, end, &c);
        if (c < 0x20 || c == '"' || c == '\\' || (ascii && c >= 0x7F && c != 0x7F)) {
            tm_put(r, from, (size_t)(p - from));
            put_escape(r, c);
            from = p + n;
        }
        p += n;
    }
    tm_put(r, from, (size_t)(end - from));
    tm_put(r, "\"", 1);
}

static void put_line(tm_run *r, const tm_json *how, int level) {
    if (!tm_is_given(&how->indent))
        return;
    tm_put(r, "\n", 1);
    for (int i = 0; i < level; i++)
        tm_put(r, how->indent.p, how->indent.n);
}

static bool put_list(tm_run *r, const tm_seq *s, const tm_json *how, int level) {
    tm_put(r, "[", 1);
    for (size_t i = 0; i < s->n; i++) {
        if (i)
            tm_put(r, how->item.p, how->item.n);
        put_line(r, how, level + 1);
        if (!put(r, &s->item[i], how, level + 1))
            return false;
    }
    if (s->n)
        put_line(r, how, level);
    tm_put(r, "]", 1);
    return !r->failed;
}

static bool put_float(tm_run *r, double f) {
    if (isfinite(f))
        tm_put_float(r, f);
    else
        tm_put_text(r, isnan(f) ? "NaN" : f > 0 ? "Infinity" : "-Infinity");
    return !r->failed;
}

static bool put_key(tm_run *r, const tm_value *k, const tm_json *how) {
    if (k->kind == TM_STR)
        return put_text(r, k, how->ascii), !r->failed;
    if (!tm_is_number(k) && k->kind != TM_NONE)
        return tm_fail(r, MX_INVALID, "keys of JSON are texts and numbers, not %s", tm_type(k));
    tm_put(r, "\"", 1);
    bool ok = put(r, k, how, 0);
    tm_put(r, "\"", 1);
    return ok;
}

static bool put_pair(tm_run *r, const tm_value *key, const tm_value *value, const tm_json *how,
                     int level) {
    put_line(r, how, level + 1);
    if (!put_key(r, key, how))
        return false;
    tm_put(r, how->key.p, how->key.n);
    return put(r, value, how, level + 1);
}

static bool put_pairs(tm_run *r, const tm_dict *d, const tm_json *how, int level) {
    tm_seq *keys = how->sorted ? tm_seq_new(r, TM_LIST, d->n) : NULL;
    for (size_t i = 0; keys && i < d->n; i++)
        keys->item[i] = d->pair[i].key;
    if (how->sorted && (!keys || !tm_sort(r, keys->item, keys->item, d->n, false)))
        return false;
    for (size_t i = 0; i < d->n; i++) {
        const tm_value *key = keys ? &keys->item[i] : &d->pair[i].key, *value = &d->pair[i].value;
        if (keys && !tm_dict_get(r, d, key, &value))
            return false;
        if (i)
            tm_put(r, how->item.p, how->item.n);
        if (!put_pair(r, key, value, how, level))
            return false;
    }
    return true;
}

static bool put_dict(tm_run *r, const tm_dict *d, const tm_json *how, int level) {
    tm_put(r, "{", 1);
    if (!put_pairs(r, d, how, level))
        return false;
    if (d->n)
        put_line(r, how, level);
    tm_put(r, "}", 1);
    return !r->failed;
}

static bool is_list(const tm_value *v) {
    return tm_is_seq(v, TM_LIST) || tm_is_seq(v, TM_TUPLE);
}

/* As deep as containers are: TM_MOST_LEVELS. */
static bool put(tm_run *r, const tm_value *v, const tm_json *how, int level) {
    if (!tm_spend(r, 1 + (v->kind == TM_STR ? v->n / 64 : 0)))
        return false;
    switch (v->kind) {
    case TM_NONE: tm_put_text(r, "null"); return !r->failed;
    case TM_BOOL: tm_put_text(r, v->i ? "true" : "false"); return !r->failed;
    case TM_INT: return tm_repr(r, v);
    case TM_FLOAT: return put_float(r, v->f);
    case TM_STR: put_text(r, v, how->ascii); return !r->failed;
    case TM_DICT: return put_dict(r, v->dict, how, level);
    default: break;
    }
    if (is_list(v))
        return put_list(r, v->seq, how, level);
    return tm_fail(r, MX_INVALID, "Object of type %s is not JSON serializable", tm_type(v));
}

bool tm_put_json(tm_run *r, const tm_value *v, const tm_json *how) {
    return put(r, v, how, 0);
}
