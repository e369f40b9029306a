/* Parts of texts and lists: see native.h. */
#include "models/template/words/native.h"
#include "models/template/text.h"

bool tm_lacks(const tm_value *x, const char *name, tm_value *out) {
    *out = (tm_value){.kind = TM_UNDEFINED, .n = TM_WHY_OWNER + (size_t)x->kind, .p = name};
    return true;
}

typedef struct slice {
    int64_t start, step, n;
} slice;

static int64_t clip(int64_t i, int64_t low, int64_t high) {
    return i < low ? low : i > high ? high : i;
}

static bool slice_of(tm_run *r, const tm_value part[3], int64_t n, slice *s) {
    int64_t given[3];
    bool is_given[3];
    for (int i = 0; i < 3; i++) {
        is_given[i] = part[i].kind != TM_MISSING && part[i].kind != TM_NONE;
        given[i] = 0;
        if (is_given[i] && !tm_want_int(r, &part[i], 0, &given[i]))
            return false;
    }
    s->step = is_given[2] ? given[2] : 1;
    if (!s->step)
        return tm_fail(r, MX_INVALID, "slice step cannot be zero");
    s->step = clip(s->step, -n - 1, n + 1);
    int64_t low = s->step < 0 ? -1 : 0, high = s->step < 0 ? n - 1 : n;
    for (int i = 0; i < 2; i++)
        given[i] = clip(given[i] < 0 ? given[i] + n : given[i], low, high);
    s->start = is_given[0] ? given[0] : s->step < 0 ? high : low;
    int64_t stop = is_given[1] ? given[1] : s->step < 0 ? low : high;
    int64_t way = s->step < 0 ? s->start - stop : stop - s->start;
    int64_t stride = s->step < 0 ? -s->step : s->step;
    s->n = way > 0 ? (way + stride - 1) / stride : 0;
    return true;
}

static bool part_of_text(tm_run *r, const tm_value *x, const slice *s, tm_value *out) {
    if (s->step == 1) {
        size_t from = tm_byte_of(x->p, x->n, (size_t)s->start);
        size_t to = from + tm_byte_of(x->p + from, x->n - from, (size_t)s->n);
        *out = tm_str(x->p + from, to - from);
        return tm_spend(r, x->n / 32);
    }
    const tm_seq *all;
    size_t begin = tm_begin(r);
    if (!tm_items(r, x, &all))
        return false;
    for (int64_t i = 0; i < s->n; i++) {
        const tm_value *c = &all->item[s->start + i * s->step];
        tm_put(r, c->p, c->n);
    }
    return tm_take(r, begin, out);
}

static bool part_of_seq(tm_run *r, const tm_seq *from, const slice *s, tm_value *out) {
    tm_seq *made = tm_seq_new(r, from->look == TM_TUPLE ? TM_TUPLE : TM_LIST, (size_t)s->n);
    if (!made)
        return false;
    for (int64_t i = 0; i < s->n; i++)
        made->item[i] = from->item[s->start + i * s->step];
    if (from->look == TM_RANGE) {
        made->look = TM_RANGE;
        made->start = from->start + s->start * from->step;
        made->step = from->step * s->step;
        made->stop = made->start + s->n * made->step;
    }
    *out = tm_of_seq(made);
    return tm_seq_done(r, made) && tm_spend(r, made->n);
}

bool tm_part(tm_run *r, const tm_value *x, const tm_value part[3], tm_value *out) {
    slice s = {0};
    int64_t n;
    bool indexed = x->kind == TM_STR || tm_is_seq(x, TM_LIST) || tm_is_seq(x, TM_TUPLE) ||
                   tm_is_seq(x, TM_RANGE);
    if (x->kind == TM_UNDEFINED)
        return tm_fail_undefined(r, x);
    if (!indexed)
        return tm_fail(r, MX_INVALID, "'%s' object is not subscriptable", tm_type(x));
    if (!tm_length(r, x, &n) || !slice_of(r, part, n, &s))
        return false;
    return x->kind == TM_STR ? part_of_text(r, x, &s, out) : part_of_seq(r, x->seq, &s, out);
}
