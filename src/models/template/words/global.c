/* Global functions. */
#include "models/template/words/native.h"
#include "models/template/show.h"

#include "base/mem.h"

/* --- range ------------------------------------------------------------------------------------ */

static bool fill(tm_run *r, int64_t start, int64_t stop, int64_t step, tm_value *out) {
    int64_t way, last;
    uint64_t n = 0;
    bool empty = step > 0 ? start >= stop : start <= stop;
    if (!empty && __builtin_sub_overflow(stop, start, &way))
        return tm_fail(r, MX_INVALID, "a range of too many numbers");
    if (!empty) {
        uint64_t far = step > 0 ? (uint64_t)way : -(uint64_t)way;
        uint64_t one = step > 0 ? (uint64_t)step : -(uint64_t)step;
        n = (far - 1) / one + 1;
    }
    if (n > TM_MOST_RANGE)
        return tm_fail(r, MX_INVALID, "Range too big. The sandbox blocks ranges larger than %d.",
                       TM_MOST_RANGE);
    tm_seq *s = tm_seq_new(r, TM_RANGE, (size_t)n);
    last = start;
    for (size_t i = 0; s && i < n; i++) {
        s->item[i] = tm_int(last);
        if (__builtin_add_overflow(last, step, &last))
            break;
    }
    if (!s)
        return false;
    s->start = start;
    s->stop = stop;
    s->step = step;
    *out = tm_of_seq(s);
    return tm_spend(r, n / 4);
}

static bool g_range(tm_run *r, const tm_value *a, tm_value *out) {
    int64_t first, stop, step;
    if (!tm_want_int(r, &a[0], 0, &first) || !tm_want_int(r, &a[1], 0, &stop) ||
        !tm_want_int(r, &a[2], 1, &step))
        return false;
    if (!step)
        return tm_fail(r, MX_INVALID, "range() arg 3 must not be zero");
    return tm_is_given(&a[1]) ? fill(r, first, stop, step, out) : fill(r, 0, first, 1, out);
}

/* --- dicts ------------------------------------------------------------------------------------ */

static bool add_pairs(tm_run *r, tm_dict *d, const tm_value *v) {
    const tm_seq *s, *pair;
    if (!tm_items(r, v, &s))
        return false;
    for (size_t i = 0; i < s->n; i++) {
        if (!tm_items(r, &s->item[i], &pair))
            return false;
        if (pair->n != 2)
            return tm_fail(r, MX_INVALID, "dict() needs pairs, not %zu values", pair->n);
        if (!tm_dict_set(r, d, &pair->item[0], &pair->item[1]))
            return false;
    }
    return true;
}

static bool add_all(tm_run *r, tm_dict *d, const tm_dict *from) {
    for (size_t i = 0; i < from->n; i++)
        if (!tm_dict_set(r, d, &from->pair[i].key, &from->pair[i].value))
            return false;
    return true;
}

/* At most one mapping or list of pairs, and keywords. */
static tm_dict *make_dict(tm_run *r, const tm_value *a) {
    tm_dict *d = tm_dict_new(r);
    if (!d)
        return NULL;
    if (a[0].seq->n > 1) {
        tm_fail(r, MX_INVALID, "dict() takes one argument, and keywords");
        return NULL;
    }
    const tm_value *first = a[0].seq->n ? &a[0].seq->item[0] : NULL;
    bool whole = first && (first->kind == TM_DICT || first->kind == TM_SPACE);
    if ((first && !(whole ? add_all(r, d, first->dict) : add_pairs(r, d, first))) ||
        !add_all(r, d, a[1].dict))
        return NULL;
    return d;
}

static bool g_dict(tm_run *r, const tm_value *a, tm_value *out) {
    tm_dict *d = make_dict(r, a);
    if (d)
        *out = tm_of_dict(d);
    return d;
}

static bool g_namespace(tm_run *r, const tm_value *a, tm_value *out) {
    tm_dict *d = make_dict(r, a);
    *out = (tm_value){.kind = TM_SPACE, .dict = d};
    return d;
}

/* --- objects that go on ----------------------------------------------------------------------- */

static bool g_cycler(tm_run *r, const tm_value *a, tm_value *out) {
    tm_cycler *c = tm_alloc(r, 1, sizeof *c);
    if (!a[0].seq->n)
        return tm_fail(r, MX_INVALID, "at least one item has to be provided");
    if (c)
        *c = (tm_cycler){.seq = a[0].seq};
    *out = (tm_value){.kind = TM_CYCLER, .cycler = c};
    return c;
}

static bool g_joiner(tm_run *r, const tm_value *a, tm_value *out) {
    tm_cycler *c = tm_alloc(r, 1, sizeof *c);
    if (c)
        *c = (tm_cycler){.text = tm_is_given(&a[0]) ? a[0] : tm_word(", ")};
    *out = (tm_value){.kind = TM_JOINER, .cycler = c};
    return c;
}

/* --- what transformers adds ------------------------------------------------------------------- */

static bool g_raise(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value text;
    (void)out;
    if (!tm_to_str(r, a, &text))
        return false;
    return tm_fail(r, MX_INVALID, "%.*s", text.n > 800 ? 800 : (int)text.n, text.p);
}

static bool g_strftime(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value format;
    size_t begin = tm_begin(r);
    return tm_want_str(r, a, "", &format) && tm_put_time(r, &format) && tm_take(r, begin, out);
}

static const tm_native rows[] = {
    {"range", "start stop= step=", g_range},
    {"dict", "*", g_dict},
    {"namespace", "*", g_namespace},
    {"cycler", "*", g_cycler},
    {"joiner", "sep=", g_joiner},
    {"raise_exception", "message", g_raise},
    {"strftime_now", "format", g_strftime},
    {"lipsum", "*", NULL},
};
const tm_table tm_globals = TM_TABLE(rows);
