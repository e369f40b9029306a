/* Attributes, subscripts and parts of values: see native.h. */
#include <string.h>

#include "models/template/words/native.h"
#include "models/template/text.h"
#include "models/tokenizer/text.h"

/* --- what has no such thing ----------------------------------------------------------------- */

/* The same of a key that is any value. */
static bool lacks_key(tm_run *r, const tm_value *x, const tm_value *key, tm_value *out) {
    char *name = key->kind == TM_STR ? tm_alloc(r, key->n + 1, 1) : NULL;
    if (name) {
        memcpy(name, key->p, key->n);
        name[key->n] = 0;
    }
    return !r->failed && tm_lacks(x, name, out);
}

static bool is_unsafe(tm_run *r, const tm_value *x, const char *name, tm_value *out) {
    static const char format[] = "access to attribute '' of '' object is unsafe";
    const char *type = tm_type(x);
    size_t room = sizeof format + strlen(name) + strlen(type);
    char *message = tm_alloc(r, room, 1);
    if (!message)
        return false;
    size_t begin = tm_begin(r);
    tm_put_format(r, "access to attribute '%.100s' of '%s' object is unsafe", name, type);
    size_t n = r->out_n - begin;
    if (!r->failed)
        memcpy(message, r->out + begin, n);
    message[r->failed ? 0 : n] = 0;
    r->out_n = begin;
    *out = tm_undefined(message);
    return !r->failed;
}

/* --- attributes ------------------------------------------------------------------------------- */

static tm_table methods_of(const tm_value *x) {
    static const tm_table none;
    switch (x->kind) {
    case TM_STR: return tm_str_methods;
    case TM_DICT: return tm_dict_methods;
    case TM_BOOL:
    case TM_INT:
    case TM_FLOAT: return tm_number_methods;
    case TM_SEQ:
        return x->seq->look == TM_LIST                                ? tm_list_methods
               : x->seq->look == TM_TUPLE || x->seq->look == TM_RANGE ? tm_tuple_methods
                                                                      : none;
    default: return none;
    }
}

static bool bound(tm_run *r, const tm_value *x, const tm_native *f, tm_value *out) {
    if (!f->run && !f->parameters)
        return is_unsafe(r, x, f->name, out);
    if (!f->run)
        return tm_fail(r, MX_UNSUPPORTED, "'%s' of '%s' is not supported", f->name, tm_type(x));
    tm_method *m = tm_alloc(r, 1, sizeof *m);
    if (!m)
        return false;
    *m = (tm_method){*x, f};
    *out = (tm_value){.kind = TM_METHOD, .method = m};
    return true;
}

static bool is_group(const char *name) {
    return !strcmp(name, "grouper") || !strcmp(name, "list");
}

bool tm_attribute(tm_run *r, const tm_value *x, const char *name, tm_value *out) {
    size_t n = strlen(name);
    if (x->kind == TM_UNDEFINED)
        return tm_fail_undefined(r, x);
    if (n && name[0] == '_' && x->kind != TM_SPACE && x->kind != TM_DICT)
        return is_unsafe(r, x, name, out);
    const tm_native *f = tm_table_find(methods_of(x), name, n);
    if (f)
        return bound(r, x, f, out);
    if (x->kind == TM_SEQ && x->seq->names && is_group(name))
        return *out = x->seq->item[*name == 'l'], true;
    bool keyed = x->kind == TM_DICT || x->kind == TM_SPACE;
    const tm_value *found = keyed ? tm_dict_word(r, x->dict, name, n) : NULL;
    if (found)
        return *out = *found, true;
    return !r->failed && tm_lacks(x, name, out);
}

/* --- subscripts ------------------------------------------------------------------------------- */

static bool item_of_text(tm_run *r, const tm_value *x, int64_t i, tm_value *out) {
    int64_t n = (int64_t)tm_count(x->p, x->n);
    i = i < 0 ? i + n : i;
    if (i < 0 || i >= n)
        return tm_lacks(x, NULL, out);
    uint32_t c;
    size_t at = tm_byte_of(x->p, x->n, (size_t)i);
    *out = tm_str(x->p + at, tok_step(x->p + at, x->p + x->n, &c));
    return tm_spend(r, x->n / 32);
}

static bool item_of_seq(const tm_value *x, int64_t i, tm_value *out) {
    const tm_seq *s = x->seq;
    i = i < 0 ? i + (int64_t)s->n : i;
    bool indexed = s->look == TM_LIST || s->look == TM_TUPLE || s->look == TM_RANGE;
    if (!indexed || i < 0 || i >= (int64_t)s->n)
        return tm_lacks(x, NULL, out);
    *out = s->item[i];
    return true;
}

/* No other sequence than a tuple is a key. */
static bool may_be_key(const tm_value *v) {
    return tm_is_hashable(v) && (v->kind != TM_SEQ || tm_is_seq(v, TM_TUPLE));
}

/* What stands under the key itself: false and no error where nothing does. */
static bool own_item(tm_run *r, const tm_value *x, const tm_value *key, tm_value *out) {
    const tm_value *found = NULL;
    if (x->kind == TM_DICT && may_be_key(key) && tm_dict_get(r, x->dict, key, &found) && found)
        *out = *found;
    return found;
}

static bool attribute_of_key(tm_run *r, const tm_value *x, const tm_value *key, tm_value *out) {
    const tm_native *f = tm_table_find(methods_of(x), key->p, key->n);
    if (f)
        return bound(r, x, f, out);
    const tm_value *found = x->kind == TM_SPACE ? tm_dict_word(r, x->dict, key->p, key->n) : NULL;
    if (found)
        return *out = *found, true;
    return !r->failed && lacks_key(r, x, key, out);
}

bool tm_item(tm_run *r, const tm_value *x, const tm_value *key, tm_value *out) {
    if (x->kind == TM_UNDEFINED)
        return tm_fail_undefined(r, x);
    if (own_item(r, x, key, out) || r->failed)
        return !r->failed;
    if (tm_is_whole(key) && x->kind == TM_STR)
        return item_of_text(r, x, key->i, out);
    if (tm_is_whole(key) && x->kind == TM_SEQ)
        return item_of_seq(x, key->i, out);
    if (key->kind == TM_STR)
        return attribute_of_key(r, x, key, out);
    return lacks_key(r, x, key, out);
}

/* --- paths ------------------------------------------------------------------------------------ */

static bool step_of(tm_run *r, const tm_value *x, const char *p, size_t n, tm_value *out) {
    bool number = n && n < 10;
    int64_t i = 0;
    for (size_t k = 0; k < n; k++) {
        number = number && p[k] >= '0' && p[k] <= '9';
        i = number ? i * 10 + (p[k] - '0') : 0;
    }
    tm_value key = number ? tm_int(i) : tm_str(p, n);
    return tm_item(r, x, &key, out);
}

bool tm_path(tm_run *r, const tm_value *x, const tm_value *path, tm_value *out) {
    tm_value now = *x;
    if (path->kind != TM_STR)
        return tm_item(r, x, path, out);
    for (const char *p = path->p, *end = p + path->n;;) {
        const char *dot = memchr(p, '.', (size_t)(end - p));
        if (!step_of(r, &now, p, (size_t)((dot ? dot : end) - p), &now))
            return false;
        if (!dot)
            break;
        p = dot + 1;
    }
    *out = now;
    return tm_spend(r, 1);
}

/* --- in --------------------------------------------------------------------------------------- */

bool tm_contains(tm_run *r, const tm_value *x, const tm_value *item, bool *out) {
    const tm_value *found;
    const tm_seq *s;
    *out = false;
    if (x->kind == TM_STR && item->kind != TM_STR)
        return tm_fail(r, MX_INVALID, "'in <string>' requires string as left operand, not %s",
                       tm_type(item));
    if (x->kind == TM_STR) {
        *out = tm_find(x->p, x->n, item->p, item->n, 0) != SIZE_MAX;
        return tm_spend(r, x->n / 64);
    }
    if (x->kind == TM_DICT)
        return tm_dict_get(r, x->dict, item, &found) && ((*out = found), true);
    if (x->kind != TM_SEQ && x->kind != TM_UNDEFINED)
        return tm_fail(r, MX_INVALID, "argument of type '%s' is not iterable", tm_type(x));
    if (!tm_items(r, x, &s))
        return false;
    for (size_t i = 0; i < s->n && !*out; i++)
        if (!tm_equal(r, &s->item[i], item, out))
            return false;
    return true;
}
