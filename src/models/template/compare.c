/* Equality, order, hashes, and the dicts that need them: see value.h. */
#include <math.h>
#include <string.h>

#include "models/template/value.h"

/* --- numbers ---------------------------------------------------------------------------------- */

/* An int and a float exactly, though not every int is a double. */
static int order_mixed(int64_t a, double b) {
    if (isnan(b))
        return 2;
    if (b >= 0x1p63)
        return -1;
    if (b < -0x1p63)
        return 1;
    int64_t whole = (int64_t)b;
    double rest = b - (double)whole;
    return a != whole ? (a < whole ? -1 : 1) : rest > 0 ? -1 : rest < 0 ? 1 : 0;
}

static int flip(int order) {
    return order == 2 ? 2 : -order;
}

static int order_numbers(const tm_value *a, const tm_value *b) {
    if (a->kind == TM_FLOAT && b->kind == TM_FLOAT)
        return a->f < b->f ? -1 : a->f > b->f ? 1 : a->f == b->f ? 0 : 2;
    if (a->kind == TM_FLOAT)
        return flip(order_mixed(b->i, a->f));
    if (b->kind == TM_FLOAT)
        return order_mixed(a->i, b->f);
    return a->i < b->i ? -1 : a->i > b->i;
}

/* UTF-8 has the order of its code points. */
static int order_texts(const tm_value *a, const tm_value *b) {
    size_t n = a->n < b->n ? a->n : b->n;
    int c = n ? memcmp(a->p, b->p, n) : 0;
    return c ? (c < 0 ? -1 : 1) : a->n < b->n ? -1 : a->n > b->n;
}

/* --- equality --------------------------------------------------------------------------------- */

static bool equal_seqs(tm_run *r, const tm_seq *a, const tm_seq *b, bool *out) {
    *out = a == b;
    if (a == b || a->look != b->look || a->n != b->n || a->look == TM_ITERATOR ||
        a->look == TM_VALUES)
        return true;
    *out = true;
    for (size_t i = 0; *out && i < a->n; i++)
        if (!tm_equal(r, &a->item[i], &b->item[i], out))
            return false;
    return true;
}

static bool equal_dicts(tm_run *r, const tm_dict *a, const tm_dict *b, bool *out) {
    const tm_value *other;
    *out = a == b || a->n == b->n;
    for (size_t i = 0; a != b && *out && i < a->n; i++) {
        if (!tm_dict_get(r, b, &a->pair[i].key, &other))
            return false;
        *out = other;
        if (other && !tm_equal(r, &a->pair[i].value, other, out))
            return false;
    }
    return true;
}

/* As deep as containers are: TM_MOST_LEVELS. */
bool tm_equal(tm_run *r, const tm_value *a, const tm_value *b, bool *out) {
    *out = false;
    if (!tm_spend(r, 1))
        return false;
    if (tm_is_number(a) && tm_is_number(b))
        return *out = order_numbers(a, b) == 0, true;
    if (a->kind != b->kind)
        return true;
    switch (a->kind) {
    case TM_UNDEFINED:
    case TM_MISSING:
    case TM_NONE: return *out = true, true;
    case TM_STR:
        *out = a->n == b->n && (!a->n || !memcmp(a->p, b->p, a->n));
        return tm_spend(r, a->n / 64);
    case TM_SEQ: return equal_seqs(r, a->seq, b->seq, out);
    case TM_DICT: return equal_dicts(r, a->dict, b->dict, out);
    default: return *out = a->p == b->p, true;
    }
}

/* --- order ------------------------------------------------------------------------------------ */

static bool order_seqs(tm_run *r, const tm_seq *a, const tm_seq *b, const char *sign, int *out) {
    size_t n = a->n < b->n ? a->n : b->n;
    bool same = true;
    for (size_t i = 0; i < n; i++) {
        if (!tm_equal(r, &a->item[i], &b->item[i], &same))
            return false;
        if (!same)
            return tm_order(r, &a->item[i], &b->item[i], sign, out);
    }
    *out = a->n < b->n ? -1 : a->n > b->n;
    return true;
}

static bool are_ordered(const tm_value *a, const tm_value *b) {
    return a->kind == TM_SEQ && b->kind == TM_SEQ && a->seq->look == b->seq->look &&
           (a->seq->look == TM_LIST || a->seq->look == TM_TUPLE);
}

bool tm_order(tm_run *r, const tm_value *a, const tm_value *b, const char *sign, int *out) {
    if (!tm_spend(r, 1))
        return false;
    if (tm_is_number(a) && tm_is_number(b))
        return *out = order_numbers(a, b), true;
    if (a->kind == TM_STR && b->kind == TM_STR)
        return *out = order_texts(a, b), tm_spend(r, (a->n < b->n ? a->n : b->n) / 64);
    if (are_ordered(a, b))
        return order_seqs(r, a->seq, b->seq, sign, out);
    if (a->kind == TM_UNDEFINED || b->kind == TM_UNDEFINED)
        return tm_fail_undefined(r, a->kind == TM_UNDEFINED ? a : b);
    return tm_fail(r, MX_INVALID, "'%s' not supported between instances of '%s' and '%s'", sign,
                   tm_type(a), tm_type(b));
}

/* --- hashes ----------------------------------------------------------------------------------- */

static uint64_t fold(uint64_t a, uint64_t b) {
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_bytes(uint64_t h, const char *p, size_t n) {
    uint64_t word;
    for (h ^= n; n >= 8; n -= 8, p += 8) {
        memcpy(&word, p, 8);
        h = fold(h ^ word, 0x9e3779b97f4a7c15u);
    }
    word = 0;
    if (n)
        memcpy(&word, p, n);
    return fold(h ^ word, 0xd6e8feb86659fd93u);
}

/* Equal numbers have one hash, whatever their types. */
static uint64_t hash_number(uint64_t h, const tm_value *v) {
    double f = tm_number(v) + 0.0;
    return hash_bytes(h, (const char *)&f, sizeof f);
}

bool tm_is_hashable(const tm_value *v) {
    bool ok = v->kind != TM_DICT && !tm_is_seq(v, TM_LIST);
    for (size_t i = 0; ok && tm_is_seq(v, TM_TUPLE) && i < v->seq->n; i++)
        ok = tm_is_hashable(&v->seq->item[i]);
    return ok;
}

static bool hash_of(tm_run *r, const tm_value *v, uint64_t *h) {
    *h = fold(*h ^ r->secret, 0x9e3779b97f4a7c15u);
    switch (v->kind) {
    case TM_BOOL:
    case TM_INT:
    case TM_FLOAT: return *h = hash_number(*h, v), true;
    case TM_STR: return *h = hash_bytes(*h, v->p, v->n), tm_spend(r, v->n / 64);
    case TM_NONE:
    case TM_UNDEFINED: return true;
    case TM_SEQ:
        if (v->seq->look != TM_TUPLE && v->seq->look != TM_RANGE)
            break;
        for (size_t i = 0; i < v->seq->n; i++)
            if (!hash_of(r, &v->seq->item[i], h))
                return false;
        return tm_spend(r, v->seq->n + 1);
    case TM_DICT: break;
    default: return *h = hash_bytes(*h, (const char *)&v->p, sizeof v->p), true;
    }
    return tm_fail(r, MX_INVALID, "unhashable type: '%s'", tm_type(v));
}

/* --- dicts ------------------------------------------------------------------------------------ */

enum { FEW = 8 };

tm_dict *tm_dict_new(tm_run *r) {
    tm_dict *d = tm_alloc(r, 1, sizeof *d);
    if (d)
        *d = (tm_dict){.levels = 1};
    return d;
}

static bool matches(tm_run *r, const tm_pair *p, const tm_value *key, uint64_t hash, bool *out) {
    *out = false;
    return p->hash != hash || tm_equal(r, &p->key, key, out);
}

/* The pair of a key; *at is d->n where there is none, and *slot where it belongs. */
static bool find(tm_run *r, const tm_dict *d, const tm_value *key, uint64_t hash, size_t *at,
                 size_t *slot) {
    bool same = false;
    size_t mask = d->slots - 1;
    *slot = hash & mask;
    if (!d->slots) {
        for (*at = 0; *at < d->n; ++*at)
            if (!matches(r, &d->pair[*at], key, hash, &same) || same)
                break;
        return !r->failed;
    }
    for (; d->slot[*slot]; *slot = (*slot + 1) & mask) {
        *at = d->slot[*slot] - 1;
        if (!matches(r, &d->pair[*at], key, hash, &same) || same)
            return !r->failed;
    }
    *at = d->n;
    return tm_spend(r, 1);
}

static bool index_pairs(tm_run *r, tm_dict *d, size_t slots) {
    d->slot = tm_alloc(r, slots, sizeof *d->slot);
    if (!d->slot)
        return false;
    memset(d->slot, 0, slots * sizeof *d->slot);
    d->slots = slots;
    for (size_t i = 0; i < d->n; i++) {
        size_t at = d->pair[i].hash & (slots - 1);
        while (d->slot[at])
            at = (at + 1) & (slots - 1);
        d->slot[at] = (uint32_t)i + 1;
    }
    return tm_spend(r, slots / 8);
}

static bool grow(tm_run *r, tm_dict *d) {
    size_t room = d->room ? 2 * d->room : FEW;
    tm_pair *pair = room < UINT32_MAX / 4 ? tm_alloc(r, room, sizeof *pair) : NULL;
    if (!pair)
        return r->failed = true, false;
    if (d->n)
        memcpy(pair, d->pair, d->n * sizeof *pair);
    d->pair = pair;
    d->room = room;
    return room <= FEW || index_pairs(r, d, 2 * room);
}

static bool add(tm_run *r, tm_dict *d, const tm_pair *p) {
    if (d->n == d->room && !grow(r, d))
        return false;
    if (d->slots) {
        size_t at = p->hash & (d->slots - 1);
        while (d->slot[at])
            at = (at + 1) & (d->slots - 1);
        d->slot[at] = (uint32_t)d->n + 1;
    }
    d->pair[d->n++] = *p;
    return tm_spend(r, 1);
}

bool tm_dict_set(tm_run *r, tm_dict *d, const tm_value *key, const tm_value *value) {
    tm_pair p = {*key, *value, 0};
    size_t at, slot;
    int levels = tm_levels(value) > tm_levels(key) ? tm_levels(value) : tm_levels(key);
    if (levels >= TM_MOST_LEVELS)
        return tm_fail(r, MX_INVALID, "lists and dicts are more than %d deep in each other",
                       TM_MOST_LEVELS);
    if (levels >= d->levels)
        d->levels = levels + 1;
    if (!hash_of(r, key, &p.hash) || !find(r, d, key, p.hash, &at, &slot))
        return false;
    if (at == d->n)
        return add(r, d, &p);
    d->pair[at].value = *value;
    return true;
}

bool tm_dict_get(tm_run *r, const tm_dict *d, const tm_value *key, const tm_value **out) {
    uint64_t hash = 0;
    size_t at, slot;
    *out = NULL;
    if (!hash_of(r, key, &hash) || !find(r, d, key, hash, &at, &slot))
        return false;
    *out = at < d->n ? &d->pair[at].value : NULL;
    return true;
}

const tm_value *tm_dict_word(tm_run *r, const tm_dict *d, const char *p, size_t n) {
    const tm_value *found = NULL, key = tm_str(p, n);
    return tm_dict_get(r, d, &key, &found) ? found : NULL;
}
