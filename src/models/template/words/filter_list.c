/* Filters on lists: what they give is a list, or, as in Jinja, an iterator. */
#include <string.h>

#include "models/template/words/native.h"
#include "models/template/show.h"
#include "models/template/words/sort.h"
#include "models/template/words/text_case.h"

static bool give(tm_value *out, tm_value v) {
    *out = v;
    return true;
}

/* --- ends ------------------------------------------------------------------------------------- */

static bool f_length(tm_run *r, const tm_value *a, tm_value *out) {
    int64_t n;
    return tm_length(r, a, &n) && give(out, tm_int(n));
}

static bool f_first(tm_run *r, const tm_value *a, tm_value *out) {
    const tm_seq *s;
    if (!tm_items(r, a, &s))
        return false;
    return give(out, s->n ? s->item[0] : tm_undefined("No first item, sequence was empty."));
}

static bool f_last(tm_run *r, const tm_value *a, tm_value *out) {
    const tm_seq *s;
    if (tm_is_seq(a, TM_ITERATOR))
        return tm_fail(r, MX_INVALID, "'generator' object is not reversible");
    if (!tm_items(r, a, &s))
        return false;
    return give(out, s->n ? s->item[s->n - 1] : tm_undefined("No last item, sequence was empty."));
}

static bool of_items(tm_run *r, const tm_value *a, tm_look look, tm_value *out) {
    const tm_seq *s;
    tm_seq *made = tm_items(r, a, &s) ? tm_seq_new(r, look, s->n) : NULL;
    if (!made)
        return false;
    if (s->n)
        memcpy(made->item, s->item, s->n * sizeof *s->item);
    return give(out, tm_of_seq(made)) && tm_seq_done(r, made);
}

static bool f_list(tm_run *r, const tm_value *a, tm_value *out) {
    return of_items(r, a, TM_LIST, out);
}

static bool f_reverse(tm_run *r, const tm_value *a, tm_value *out) {
    const tm_value backwards[3] = {{.kind = TM_MISSING}, {.kind = TM_MISSING}, tm_int(-1)};
    if (a->kind == TM_STR)
        return tm_part(r, a, backwards, out);
    if (!of_items(r, a, TM_ITERATOR, out))
        return false;
    tm_seq *s = out->seq;
    for (size_t i = 0, k = s->n; i + 1 < k; i++) {
        tm_value v = s->item[i];
        s->item[i] = s->item[--k];
        s->item[k] = v;
    }
    return true;
}

/* --- joining ---------------------------------------------------------------------------------- */

static bool f_join(tm_run *r, const tm_value *a, tm_value *out) {
    const tm_seq *s;
    tm_value between, v;
    if (!tm_items(r, a, &s) ||
        (tm_is_given(&a[1]) ? !tm_to_str(r, &a[1], &between) : !give(&between, tm_str("", 0))))
        return false;
    size_t begin = tm_begin(r);
    for (size_t i = 0; i < s->n; i++) {
        v = s->item[i];
        if (i)
            tm_put(r, between.p, between.n);
        if (tm_is_given(&a[2]) && a[2].kind != TM_NONE && !tm_path(r, &s->item[i], &a[2], &v))
            return false;
        if (!tm_show(r, &v))
            return false;
    }
    return tm_spend(r, s->n) && tm_take(r, begin, out);
}

static bool f_sum(tm_run *r, const tm_value *a, tm_value *out) {
    const tm_seq *s;
    tm_value v;
    tm_args two = {NULL, NULL, 2, 0};
    *out = tm_is_given(&a[2]) ? a[2] : tm_int(0);
    if (!tm_items(r, a, &s))
        return false;
    for (size_t i = 0; i < s->n; i++) {
        v = s->item[i];
        if (tm_is_given(&a[1]) && a[1].kind != TM_NONE && !tm_path(r, &s->item[i], &a[1], &v))
            return false;
        tm_value both[2] = {*out, v};
        two.pos = both;
        if (!r->calls->add(r, &two, out))
            return false;
    }
    return true;
}

/* --- order ------------------------------------------------------------------------------------ */

/* What texts are compared by where case does not count. */
static bool fold(tm_run *r, tm_value *v) {
    if (v->kind != TM_STR)
        return true;
    size_t begin = tm_begin(r);
    return tm_put_case(r, v, TM_LOWER) && tm_take(r, begin, v);
}

/* The key of an item: itself, one attribute, or, of several with commas, a list of them. */
static bool key_of(tm_run *r, const tm_value *item, const tm_value *attribute, bool cased,
                   tm_value *out) {
    tm_list l = {0};
    tm_value v;
    bool several = attribute->kind == TM_STR && memchr(attribute->p, ',', attribute->n);
    if (!tm_is_given(attribute) || attribute->kind == TM_NONE)
        return give(out, *item) && (cased || fold(r, out));
    if (!several)
        return tm_path(r, item, attribute, out) && (cased || fold(r, out));
    for (const char *p = attribute->p, *end = p + attribute->n, *comma; p <= end; p = comma + 1) {
        comma = memchr(p, ',', (size_t)(end - p));
        comma = comma ? comma : end;
        const tm_value path = tm_str(p, (size_t)(comma - p));
        if (!tm_path(r, item, &path, &v) || (!cased && !fold(r, &v)) || !tm_list_add(r, &l, &v))
            return false;
    }
    return tm_list_done(r, &l, TM_LIST, out);
}

/* The keys of a seq's items. */
static tm_value *keys_of(tm_run *r, const tm_seq *s, const tm_value *attribute, bool cased) {
    tm_value *key = tm_alloc(r, s->n, sizeof *key);
    for (size_t i = 0; key && i < s->n; i++)
        if (!key_of(r, &s->item[i], attribute, cased, &key[i]))
            return NULL;
    return key;
}

/* A list of one value. */
static bool boxed(tm_run *r, tm_value *v) {
    tm_seq *s = tm_seq_new(r, TM_LIST, 1);
    if (!s)
        return false;
    s->item[0] = *v;
    return give(v, tm_of_seq(s)) && tm_seq_done(r, s);
}

/* Keys are compared as lists are, so that equal ones need no order: undefined values, none. */
static bool f_sort(tm_run *r, const tm_value *a, tm_value *out) {
    if (!of_items(r, a, TM_LIST, out))
        return false;
    tm_value *key = keys_of(r, out->seq, &a[3], tm_want_flag(&a[2], false));
    for (size_t i = 0; key && i < out->seq->n; i++)
        if (!boxed(r, &key[i]))
            return false;
    return key && tm_sort(r, key, out->seq->item, out->seq->n, tm_want_flag(&a[1], false));
}

static bool extreme(tm_run *r, const tm_value *a, int sign, tm_value *out) {
    const tm_seq *s;
    int order;
    if (!tm_items(r, a, &s))
        return false;
    if (!s->n)
        return give(out, tm_undefined("No aggregated item, sequence was empty."));
    const tm_value *key = keys_of(r, s, &a[2], tm_want_flag(&a[1], false));
    size_t best = 0;
    for (size_t i = 1; key && i < s->n; i++) {
        if (!tm_order(r, &key[i], &key[best], sign < 0 ? "<" : ">", &order))
            return false;
        best = order == sign ? i : best;
    }
    return key && give(out, s->item[best]);
}

static bool f_min(tm_run *r, const tm_value *a, tm_value *out) {
    return extreme(r, a, -1, out);
}

static bool f_max(tm_run *r, const tm_value *a, tm_value *out) {
    return extreme(r, a, 1, out);
}

static bool f_unique(tm_run *r, const tm_value *a, tm_value *out) {
    const tm_seq *s;
    const tm_value *found, yes = tm_bool(true);
    tm_list l = {0};
    tm_dict *seen = tm_dict_new(r);
    if (!seen || !tm_items(r, a, &s))
        return false;
    const tm_value *key = keys_of(r, s, &a[2], tm_want_flag(&a[1], false));
    for (size_t i = 0; key && i < s->n; i++)
        if (!tm_dict_get(r, seen, &key[i], &found) ||
            (!found && (!tm_dict_set(r, seen, &key[i], &yes) || !tm_list_add(r, &l, &s->item[i]))))
            return false;
    return key && tm_list_done(r, &l, TM_ITERATOR, out);
}

static bool pair_of(tm_run *r, const tm_value *a, const tm_value *b, tm_value *out) {
    tm_seq *s = tm_seq_new(r, TM_TUPLE, 2);
    if (!s)
        return false;
    s->item[0] = *a;
    s->item[1] = *b;
    return give(out, tm_of_seq(s)) && tm_seq_done(r, s);
}

static bool items_of(tm_run *r, const tm_dict *d, tm_look look, tm_value *out) {
    tm_seq *s = tm_seq_new(r, look, d->n);
    for (size_t i = 0; s && i < d->n; i++)
        if (!pair_of(r, &d->pair[i].key, &d->pair[i].value, &s->item[i]))
            return false;
    return s && give(out, tm_of_seq(s)) && tm_seq_done(r, s);
}

static bool f_items(tm_run *r, const tm_value *a, tm_value *out) {
    static const tm_dict empty;
    if (a->kind != TM_UNDEFINED && a->kind != TM_DICT)
        return tm_fail(r, MX_INVALID, "Can only get item pairs from a mapping.");
    return items_of(r, a->kind == TM_DICT ? a->dict : &empty, TM_ITERATOR, out);
}

static bool f_dictsort(tm_run *r, const tm_value *a, tm_value *out) {
    bool by_value = tm_is_word(&a[2], "value");
    const tm_value at = tm_int(by_value);
    if (a->kind != TM_DICT)
        return tm_fail(r, MX_INVALID, "dictsort needs a mapping, not '%s'", tm_type(a));
    if (tm_is_given(&a[2]) && !by_value && !tm_is_word(&a[2], "key"))
        return tm_fail(r, MX_INVALID, "You can only sort by either \"key\" or \"value\"");
    if (!items_of(r, a->dict, TM_LIST, out))
        return false;
    tm_value *key = keys_of(r, out->seq, &at, tm_want_flag(&a[1], false));
    return key && tm_sort(r, key, out->seq->item, out->seq->n, tm_want_flag(&a[3], false));
}

/* --- groups ----------------------------------------------------------------------------------- */

static bool f_batch(tm_run *r, const tm_value *a, tm_value *out) {
    tm_list all = {0}, row = {0};
    tm_value v;
    int64_t n;
    const tm_seq *s;
    if (!tm_want_int(r, &a[1], 0, &n) || !tm_items(r, a, &s))
        return false;
    for (size_t i = 0; i < s->n; i++) {
        if ((int64_t)row.n == n) {
            if (!tm_list_done(r, &row, TM_LIST, &v) || !tm_list_add(r, &all, &v))
                return false;
            row = (tm_list){0};
        }
        if (!tm_list_add(r, &row, &s->item[i]))
            return false;
    }
    bool filled = tm_is_given(&a[2]) && a[2].kind != TM_NONE;
    while (row.n && filled && (int64_t)row.n < n)
        if (!tm_list_add(r, &row, &a[2]))
            return false;
    return (!row.n || (tm_list_done(r, &row, TM_LIST, &v) && tm_list_add(r, &all, &v))) &&
           tm_list_done(r, &all, TM_ITERATOR, out);
}

static bool f_slice(tm_run *r, const tm_value *a, tm_value *out) {
    tm_list all = {0};
    tm_value v;
    int64_t n;
    const tm_seq *s;
    if (!tm_want_int(r, &a[1], 0, &n) || !tm_items(r, a, &s))
        return false;
    if (n < 1)
        return n ? tm_list_done(r, &all, TM_ITERATOR, out)
                 : tm_fail(r, MX_INVALID, "division by zero");
    size_t count = (size_t)n, at = 0;
    bool filled = tm_is_given(&a[2]) && a[2].kind != TM_NONE;
    for (size_t i = 0; i < count; i++) {
        tm_list row = {0};
        size_t end = at + s->n / count + (i < s->n % count);
        for (; at < end; at++)
            if (!tm_list_add(r, &row, &s->item[at]))
                return false;
        if (filled && i >= s->n % count && !tm_list_add(r, &row, &a[2]))
            return false;
        if (!tm_list_done(r, &row, TM_LIST, &v) || !tm_list_add(r, &all, &v))
            return false;
    }
    return tm_list_done(r, &all, TM_ITERATOR, out);
}

static bool add_group(tm_run *r, tm_list *all, const tm_value *key, tm_list *row) {
    tm_value v, group;
    if (!row->n)
        return true;
    if (!tm_list_done(r, row, TM_LIST, &v) || !pair_of(r, key, &v, &group))
        return false;
    group.seq->names = true;
    *row = (tm_list){0};
    return tm_list_add(r, all, &group);
}

/* Items of one key stand together; the key of a group is its first item's, with its case. */
static bool f_groupby(tm_run *r, const tm_value *a, tm_value *out) {
    tm_list all = {0}, row = {0};
    tm_value items, first = tm_none(), last = tm_none();
    bool cased = tm_want_flag(&a[3], false), same;
    if (!of_items(r, a, TM_LIST, &items))
        return false;
    size_t n = items.seq->n;
    tm_value *key = tm_alloc(r, n, sizeof *key);
    for (size_t i = 0; key && i < n; i++) {
        if (!tm_path(r, &items.seq->item[i], &a[1], &key[i]))
            return false;
        if (key[i].kind == TM_UNDEFINED && tm_is_given(&a[2]))
            key[i] = a[2];
        if (!cased && !fold(r, &key[i]))
            return false;
    }
    if (!key || !tm_sort(r, key, items.seq->item, n, false))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!tm_equal(r, &key[i], &last, &same))
            return false;
        if (i && !same && !add_group(r, &all, &first, &row))
            return false;
        if (!row.n && !tm_path(r, &items.seq->item[i], &a[1], &first))
            return false;
        first = first.kind == TM_UNDEFINED && tm_is_given(&a[2]) ? a[2] : first;
        last = key[i];
        if (!tm_list_add(r, &row, &items.seq->item[i]))
            return false;
    }
    return add_group(r, &all, &first, &row) && tm_list_done(r, &all, TM_LIST, out);
}

/* --- each item -------------------------------------------------------------------------------- */

/* What is false has no items, whatever it is. */
static bool items_or_none(tm_run *r, const tm_value *v, const tm_seq **out) {
    static const tm_seq nothing;
    if (tm_truth(v))
        return tm_items(r, v, out);
    *out = &nothing;
    return true;
}

static const tm_value *word_of(const tm_dict *d, const char *name) {
    for (size_t i = 0; i < d->n; i++)
        if (tm_is_word(&d->pair[i].key, name))
            return &d->pair[i].value;
    return NULL;
}

/* a[1], a[2] as arguments behind an item: the first `from` positional ones are somebody else's. */
static bool with_item(tm_run *r, const tm_value *a, size_t from, const tm_value *item,
                      tm_args *out) {
    size_t n = a[1].seq->n - from;
    tm_value *pos = tm_alloc(r, n + 1, sizeof *pos);
    if (!pos)
        return false;
    pos[0] = *item;
    for (size_t i = 0; i < n; i++)
        pos[i + 1] = a[1].seq->item[from + i];
    *out = (tm_args){pos, a[2].dict->pair, n + 1, a[2].dict->n};
    return true;
}

static bool map_one(tm_run *r, const tm_value *a, const tm_value *item, tm_value *out) {
    const tm_value *attribute = a[1].seq->n ? NULL : word_of(a[2].dict, "attribute");
    const tm_value *otherwise = word_of(a[2].dict, "default");
    tm_args args;
    if (!attribute)
        return with_item(r, a, 1, item, &args) &&
               r->calls->filter(r, &a[1].seq->item[0], &args, out);
    if (!tm_path(r, item, attribute, out))
        return false;
    if (out->kind == TM_UNDEFINED && otherwise)
        *out = *otherwise;
    return true;
}

static bool f_map(tm_run *r, const tm_value *a, tm_value *out) {
    tm_list l = {0};
    tm_value v;
    const tm_seq *s;
    if (!a[1].seq->n && !word_of(a[2].dict, "attribute"))
        return tm_fail(r, MX_INVALID, "map requires a filter argument");
    if (!items_or_none(r, a, &s))
        return false;
    for (size_t i = 0; i < s->n; i++)
        if (!map_one(r, a, &s->item[i], &v) || !tm_list_add(r, &l, &v))
            return false;
    return tm_list_done(r, &l, TM_ITERATOR, out);
}

/* Does an item pass? attr: of its attribute, which is the first argument. */
static bool passes(tm_run *r, const tm_value *a, bool attr, const tm_value *item, bool *out) {
    tm_value v = *item;
    tm_args args;
    size_t at = attr;
    if (attr && !tm_path(r, item, &a[1].seq->item[0], &v))
        return false;
    if (a[1].seq->n <= at)
        return *out = tm_truth(&v), true;
    return with_item(r, a, at + 1, &v, &args) && r->calls->test(r, &a[1].seq->item[at], &args, out);
}

static bool choose(tm_run *r, const tm_value *a, bool attr, bool want, tm_value *out) {
    tm_list l = {0};
    const tm_seq *s;
    bool pass;
    if (attr && !a[1].seq->n)
        return tm_fail(r, MX_INVALID, "Missing parameter for attribute name");
    if (!items_or_none(r, a, &s))
        return false;
    for (size_t i = 0; i < s->n; i++)
        if (!passes(r, a, attr, &s->item[i], &pass) ||
            (pass == want && !tm_list_add(r, &l, &s->item[i])))
            return false;
    return tm_list_done(r, &l, TM_ITERATOR, out);
}

static bool f_select(tm_run *r, const tm_value *a, tm_value *out) {
    return choose(r, a, false, true, out);
}

static bool f_reject(tm_run *r, const tm_value *a, tm_value *out) {
    return choose(r, a, false, false, out);
}

static bool f_selectattr(tm_run *r, const tm_value *a, tm_value *out) {
    return choose(r, a, true, true, out);
}

static bool f_rejectattr(tm_run *r, const tm_value *a, tm_value *out) {
    return choose(r, a, true, false, out);
}

static const tm_native rows[] = {
    {"length", "value", f_length},
    {"count", "value", f_length},
    {"first", "value", f_first},
    {"last", "value", f_last},
    {"list", "value", f_list},
    {"reverse", "value", f_reverse},
    {"join", "value d= attribute=", f_join},
    {"sum", "value attribute= start=", f_sum},
    {"sort", "value reverse= case_sensitive= attribute=", f_sort},
    {"min", "value case_sensitive= attribute=", f_min},
    {"max", "value case_sensitive= attribute=", f_max},
    {"unique", "value case_sensitive= attribute=", f_unique},
    {"items", "value", f_items},
    {"dictsort", "value case_sensitive= by= reverse=", f_dictsort},
    {"batch", "value linecount fill_with=", f_batch},
    {"slice", "value slices fill_with=", f_slice},
    {"groupby", "value attribute default= case_sensitive=", f_groupby},
    {"map", "value *", f_map},
    {"select", "value *", f_select},
    {"reject", "value *", f_reject},
    {"selectattr", "value *", f_selectattr},
    {"rejectattr", "value *", f_rejectattr},
    {"random", "value", NULL},
};
const tm_table tm_list_filters = TM_TABLE(rows);
