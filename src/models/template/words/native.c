/* Arguments of functions in C: see native.h. */
#include "models/template/words/native.h"

#include <string.h>

const tm_native *tm_table_find(tm_table t, const char *p, size_t n) {
    for (size_t i = 0; i < t.n; i++)
        if (strlen(t.row[i].name) == n && !memcmp(t.row[i].name, p, n))
            return &t.row[i];
    return NULL;
}

/* --- binding ---------------------------------------------------------------------------------- */

typedef struct parameter {
    const char *name;
    size_t n;
    bool optional, rest;
} parameter;

/* The next of "a b= *", which *s goes behind. False: there is none. */
static bool next(const char **s, parameter *p) {
    *s += strspn(*s, " ");
    if (!**s)
        return false;
    p->name = *s;
    p->n = strcspn(*s, " =");
    *s += p->n;
    p->optional = **s == '=';
    *s += p->optional;
    p->rest = *p->name == '*';
    return true;
}

static bool rest_words(tm_run *r, const tm_args *a, tm_value *out) {
    tm_dict *d = tm_dict_new(r);
    for (size_t i = 0; d && i < a->words; i++)
        if (!tm_dict_set(r, d, &a->word[i].key, &a->word[i].value))
            return false;
    if (d)
        *out = tm_of_dict(d);
    return d;
}

static bool rest_of(tm_run *r, const tm_args *a, size_t from, tm_value out[2]) {
    tm_seq *s = tm_seq_new(r, TM_TUPLE, a->n > from ? a->n - from : 0);
    if (!s)
        return false;
    for (size_t i = 0; i < s->n; i++)
        s->item[i] = a->pos[from + i];
    out[0] = tm_of_seq(s);
    return tm_seq_done(r, s) && rest_words(r, a, &out[1]);
}

static const tm_value *word_of(const tm_args *a, const parameter *p) {
    for (size_t i = 0; i < a->words; i++)
        if (a->word[i].key.n == p->n && !memcmp(a->word[i].key.p, p->name, p->n))
            return &a->word[i].value;
    return NULL;
}

/* One parameter: of the positional arguments from *taken on, or of a keyword. */
static bool bind_one(tm_run *r, const tm_native *f, const tm_args *a, const parameter *p,
                     size_t *taken, size_t *used, tm_value *slot) {
    const tm_value *word = word_of(a, p);
    *slot = (tm_value){.kind = TM_MISSING};
    if (*taken < a->n && word)
        return tm_fail(r, MX_INVALID, "%s() got two values of '%.*s'", f->name, (int)p->n, p->name);
    if (*taken < a->n)
        *slot = a->pos[(*taken)++];
    else if (word)
        *slot = *word, ++*used;
    else if (!p->optional)
        return tm_fail(r, MX_INVALID, "%s() needs '%.*s'", f->name, (int)p->n, p->name);
    return true;
}

bool tm_bind(tm_run *r, const tm_native *f, const tm_value *self, const tm_args *a,
             tm_value slot[TM_MOST_PARAMETERS]) {
    const char *s = f->parameters;
    parameter p;
    size_t taken = 0, used = 0;
    int i = 0;
    if (self && next(&s, &p))
        slot[i++] = *self;
    while (next(&s, &p)) {
        if (p.rest)
            return rest_of(r, a, taken, slot + i);
        if (!bind_one(r, f, a, &p, &taken, &used, &slot[i++]))
            return false;
    }
    if (taken < a->n)
        return tm_fail(r, MX_INVALID, "%s() takes no more than %zu arguments", f->name, taken);
    return used == a->words ||
           tm_fail(r, MX_INVALID, "%s() got a keyword that it does not take", f->name);
}

/* --- kinds of arguments ----------------------------------------------------------------------- */

bool tm_want_int(tm_run *r, const tm_value *v, int64_t otherwise, int64_t *out) {
    *out = v->kind == TM_MISSING ? otherwise : v->i;
    if (v->kind == TM_MISSING || tm_is_whole(v))
        return true;
    if (v->kind == TM_UNDEFINED)
        return tm_fail_undefined(r, v);
    return tm_fail(r, MX_INVALID, "an integer is expected, not '%s'", tm_type(v));
}

bool tm_want_str(tm_run *r, const tm_value *v, const char *otherwise, tm_value *out) {
    *out = v->kind == TM_MISSING ? tm_word(otherwise) : *v;
    if (out->kind == TM_STR)
        return true;
    if (v->kind == TM_UNDEFINED)
        return tm_fail_undefined(r, v);
    return tm_fail(r, MX_INVALID, "a text is expected, not '%s'", tm_type(v));
}

bool tm_want_flag(const tm_value *v, bool otherwise) {
    return v->kind == TM_MISSING ? otherwise : tm_truth(v);
}
