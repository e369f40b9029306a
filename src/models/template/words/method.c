/* Methods of lists, tuples, dicts and numbers. Those that would change their value are unsafe, as
 * in Jinja's immutable sandbox. */
#include "models/template/words/native.h"

/* --- lists and tuples ------------------------------------------------------------------------- */

static bool count(tm_run *r, const tm_value *a, tm_value *out) {
    int64_t n = 0;
    bool same;
    for (size_t i = 0; i < a->seq->n; i++) {
        if (!tm_equal(r, &a->seq->item[i], &a[1], &same))
            return false;
        n += same;
    }
    *out = tm_int(n);
    return true;
}

static bool find(tm_run *r, const tm_value *a, tm_value *out) {
    bool same;
    for (size_t i = 0; i < a->seq->n; i++) {
        if (!tm_equal(r, &a->seq->item[i], &a[1], &same))
            return false;
        if (same)
            return *out = tm_int((int64_t)i), true;
    }
    return tm_fail(r, MX_INVALID, "the list has no such item");
}

static bool copy(tm_run *r, const tm_value *a, tm_value *out) {
    (void)r;
    *out = a[0]; // nothing can change either
    return true;
}

static const tm_native list_rows[] = {
    {"count", "self value", count}, {"index", "self value", find}, {"copy", "self", copy},
    {"append", NULL, NULL},         {"clear", NULL, NULL},         {"pop", NULL, NULL},
    {"reverse", NULL, NULL},        {"insert", NULL, NULL},        {"sort", NULL, NULL},
    {"extend", NULL, NULL},         {"remove", NULL, NULL}};
const tm_table tm_list_methods = TM_TABLE(list_rows);

static const tm_native tuple_rows[] = {{"count", "self value", count},
                                       {"index", "self value", find}};
const tm_table tm_tuple_methods = TM_TABLE(tuple_rows);

/* --- dicts ------------------------------------------------------------------------------------ */

static bool get(tm_run *r, const tm_value *a, tm_value *out) {
    const tm_value *found;
    if (!tm_dict_get(r, a->dict, &a[1], &found))
        return false;
    *out = found ? *found : tm_is_given(&a[2]) ? a[2] : tm_none();
    return true;
}

static bool view(tm_run *r, const tm_dict *d, tm_look look, tm_value *out) {
    tm_seq *s = tm_seq_new(r, look, d->n);
    for (size_t i = 0; s && i < d->n; i++) {
        tm_seq *pair = look == TM_ITEMS ? tm_seq_new(r, TM_TUPLE, 2) : NULL;
        if (look == TM_ITEMS && !pair)
            return false;
        if (pair) {
            pair->item[0] = d->pair[i].key;
            pair->item[1] = d->pair[i].value;
            if (!tm_seq_done(r, pair))
                return false;
        }
        s->item[i] = pair ? tm_of_seq(pair) : look == TM_KEYS ? d->pair[i].key : d->pair[i].value;
    }
    if (s)
        *out = tm_of_seq(s);
    return s && tm_seq_done(r, s) && tm_spend(r, d->n);
}

static bool keys(tm_run *r, const tm_value *a, tm_value *out) {
    return view(r, a->dict, TM_KEYS, out);
}

static bool values(tm_run *r, const tm_value *a, tm_value *out) {
    return view(r, a->dict, TM_VALUES, out);
}

static bool items(tm_run *r, const tm_value *a, tm_value *out) {
    return view(r, a->dict, TM_ITEMS, out);
}

static const tm_native dict_rows[] = {{"get", "self key default=", get},
                                      {"keys", "self", keys},
                                      {"values", "self", values},
                                      {"items", "self", items},
                                      {"copy", "self", copy},
                                      {"fromkeys", "self", NULL},
                                      {"clear", NULL, NULL},
                                      {"pop", NULL, NULL},
                                      {"popitem", NULL, NULL},
                                      {"setdefault", NULL, NULL},
                                      {"update", NULL, NULL}};
const tm_table tm_dict_methods = TM_TABLE(dict_rows);

/* --- numbers ---------------------------------------------------------------------------------- */

static const tm_native number_rows[] = {
    {"real", "self", NULL},       {"imag", "self", NULL},
    {"numerator", "self", NULL},  {"denominator", "self", NULL},
    {"bit_length", "self", NULL}, {"bit_count", "self", NULL},
    {"conjugate", "self", NULL},  {"to_bytes", "self", NULL},
    {"from_bytes", "self", NULL}, {"as_integer_ratio", "self", NULL},
    {"is_integer", "self", NULL}, {"hex", "self", NULL},
    {"fromhex", "self", NULL}};
const tm_table tm_number_methods = TM_TABLE(number_rows);
