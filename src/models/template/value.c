/* Making values, and what they are: see value.h. */
#include "models/template/value.h"

#include <math.h>
#include <string.h>

#include "models/tokenizer/text.h"

/* --- making ----------------------------------------------------------------------------------- */

tm_value tm_word(const char *s) {
    return tm_str(s, strlen(s));
}

tm_value tm_undefined(const char *message) {
    return (tm_value){.kind = TM_UNDEFINED, .n = TM_WHY_SAID, .p = message};
}

tm_value tm_of_seq(tm_seq *s) {
    return (tm_value){.kind = TM_SEQ, .seq = s};
}

tm_value tm_of_dict(tm_dict *d) {
    return (tm_value){.kind = TM_DICT, .dict = d};
}

int tm_levels(const tm_value *v) {
    return v->kind == TM_SEQ ? v->seq->levels : v->kind == TM_DICT ? v->dict->levels : 0;
}

static bool is_deep(tm_run *r, int levels) {
    if (levels <= TM_MOST_LEVELS)
        return false;
    tm_fail(r, MX_INVALID, "lists and dicts are more than %d deep in each other", TM_MOST_LEVELS);
    return true;
}

tm_seq *tm_seq_new(tm_run *r, tm_look look, size_t n) {
    tm_seq *s = tm_alloc(r, 1, sizeof *s);
    if (!s)
        return NULL;
    *s = (tm_seq){.look = look, .levels = 1, .n = n};
    s->item = n ? tm_alloc(r, n, sizeof *s->item) : NULL;
    return !n || s->item ? s : NULL;
}

bool tm_seq_done(tm_run *r, tm_seq *s) {
    for (size_t i = 0; i < s->n; i++) {
        int levels = tm_levels(&s->item[i]) + 1;
        if (levels > s->levels)
            s->levels = levels;
    }
    return !is_deep(r, s->levels) && tm_spend(r, s->n / 8);
}

bool tm_list_add(tm_run *r, tm_list *l, const tm_value *v) {
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 8;
        tm_value *item = tm_alloc(r, room, sizeof *item);
        if (!item)
            return false;
        if (l->n)
            memcpy(item, l->item, l->n * sizeof *item);
        l->item = item;
        l->room = room;
    }
    l->item[l->n++] = *v;
    return tm_spend(r, 1);
}

bool tm_list_done(tm_run *r, const tm_list *l, tm_look look, tm_value *out) {
    tm_seq *s = tm_seq_new(r, look, 0);
    if (!s)
        return false;
    s->n = l->n;
    s->item = l->item;
    *out = tm_of_seq(s);
    return tm_seq_done(r, s);
}

/* --- what values are ------------------------------------------------------------------------ */

bool tm_is_word(const tm_value *v, const char *word) {
    size_t n = strlen(word);
    return v->kind == TM_STR && v->n == n && !memcmp(v->p, word, n);
}

const char *tm_type(const tm_value *v) {
    static const char *const kinds[] = {[TM_MISSING] = "missing",  [TM_UNDEFINED] = "Undefined",
                                        [TM_NONE] = "NoneType",    [TM_BOOL] = "bool",
                                        [TM_INT] = "int",          [TM_FLOAT] = "float",
                                        [TM_STR] = "str",          [TM_SEQ] = "list",
                                        [TM_DICT] = "dict",        [TM_SPACE] = "Namespace",
                                        [TM_LOOP] = "LoopContext", [TM_MACRO] = "Macro",
                                        [TM_METHOD] = "method",    [TM_NATIVE] = "function",
                                        [TM_CYCLER] = "Cycler",    [TM_JOINER] = "Joiner"};
    static const char *const looks[] = {"list",      "tuple",       "generator", "range",
                                        "dict_keys", "dict_values", "dict_items"};
    return v->kind == TM_SEQ ? looks[v->seq->look] : kinds[v->kind];
}

bool tm_truth(const tm_value *v) {
    switch (v->kind) {
    case TM_MISSING:
    case TM_UNDEFINED:
    case TM_NONE: return false;
    case TM_BOOL:
    case TM_INT: return v->i != 0;
    case TM_FLOAT: return v->f != 0;
    case TM_STR: return v->n != 0;
    case TM_SEQ: return v->seq->n != 0 || v->seq->look == TM_ITERATOR;
    case TM_DICT: return v->dict->n != 0;
    default: return true;
    }
}

bool tm_fail_undefined(tm_run *r, const tm_value *v) {
    static const char *const owners[] = {
        [TM_NONE] = "None",          [TM_BOOL] = "bool object",       [TM_INT] = "int object",
        [TM_FLOAT] = "float object", [TM_STR] = "str object",         [TM_SEQ] = "list object",
        [TM_DICT] = "dict object",   [TM_SPACE] = "namespace object", [TM_LOOP] = "loop",
        [TM_MACRO] = "macro",        [TM_JOINER] = "joiner"};
    if (v->n == TM_WHY_SAID)
        return tm_fail(r, MX_INVALID, "%.300s", v->p);
    if (v->n == TM_WHY_NAME)
        return tm_fail(r, MX_INVALID, "'%.100s' is undefined", v->p);
    size_t owner = v->n - TM_WHY_OWNER;
    const char *name = owner <= TM_JOINER && owners[owner] ? owners[owner] : "object";
    if (!v->p)
        return tm_fail(r, MX_INVALID, "'%s' has no such element", name);
    return tm_fail(r, MX_INVALID, "'%s' has no attribute '%.100s'", name, v->p);
}

/* --- iterating -------------------------------------------------------------------------------- */

static bool items_of_text(tm_run *r, const tm_value *v, const tm_seq **out) {
    tm_list l = {0};
    tm_value made;
    uint32_t c;
    for (const char *p = v->p, *end = v->p + v->n; p < end;) {
        size_t n = tok_step(p, end, &c);
        tm_value one = tm_str(p, n);
        if (!tm_list_add(r, &l, &one))
            return false;
        p += n;
    }
    if (!tm_list_done(r, &l, TM_LIST, &made))
        return false;
    *out = made.seq;
    return true;
}

static bool items_of_dict(tm_run *r, const tm_dict *d, const tm_seq **out) {
    tm_seq *s = tm_seq_new(r, TM_KEYS, d->n);
    for (size_t i = 0; s && i < d->n; i++)
        s->item[i] = d->pair[i].key;
    *out = s;
    return s && tm_seq_done(r, s);
}

/* What is left of an iterator. */
static bool rest_of(tm_run *r, tm_seq *s, const tm_seq **out) {
    tm_seq *rest = tm_seq_new(r, TM_LIST, 0);
    if (!rest)
        return false;
    rest->n = s->n - s->at;
    rest->item = rest->n ? s->item + s->at : NULL;
    rest->levels = s->levels;
    s->at = s->n;
    *out = rest;
    return true;
}

bool tm_items(tm_run *r, const tm_value *v, const tm_seq **out) {
    static const tm_seq nothing;
    *out = v->kind == TM_SEQ ? v->seq : &nothing;
    switch (v->kind) {
    case TM_SEQ: return v->seq->look != TM_ITERATOR || rest_of(r, v->seq, out);
    case TM_STR: return items_of_text(r, v, out);
    case TM_DICT: return items_of_dict(r, v->dict, out);
    case TM_UNDEFINED: return true;
    default: return tm_fail(r, MX_INVALID, "'%s' object is not iterable", tm_type(v));
    }
}

static int64_t characters(const tm_value *v) {
    int64_t n = 0;
    for (size_t i = 0; i < v->n; i++)
        n += ((unsigned char)v->p[i] & 0xC0) != 0x80;
    return n;
}

bool tm_length(tm_run *r, const tm_value *v, int64_t *out) {
    switch (v->kind) {
    case TM_UNDEFINED: return *out = 0, true;
    case TM_STR: return *out = characters(v), tm_spend(r, v->n / 64);
    case TM_DICT: return *out = (int64_t)v->dict->n, true;
    case TM_SEQ:
        *out = (int64_t)v->seq->n;
        if (v->seq->look != TM_ITERATOR)
            return true;
        break;
    default: break;
    }
    return tm_fail(r, MX_INVALID, "object of type '%s' has no len()", tm_type(v));
}
