/* See decimal.h. */
#include "models/structure/schema/decimal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* --- numbers ---------------------------------------------------------------------------------- */

/* Digits with the point before digit `point`, which may lie outside of them. */
static void set(sg_decimal *d, const char *digits, int point) {
    int n = (int)strlen(digits), w = 0, p = 0;
    for (int i = 0; i < point && w + 1 < SG_MOST_DIGITS; i++)
        if (w || (i < n && digits[i] != '0'))
            d->whole[w++] = i < n ? digits[i] : '0';
    if (!w)
        d->whole[w++] = '0';
    for (int i = point; i < n && p + 1 < SG_MOST_DIGITS; i++)
        d->part[p++] = i < 0 ? '0' : digits[i];
    while (p && d->part[p - 1] == '0')
        p--;
    d->whole[w] = d->part[p] = 0;
}

bool sg_decimal_of(sg_decimal *d, json_t *number) {
    mx_text t = {0};
    char digits[64];
    int n = 0, point = -1;
    if (json_is_integer(number))
        mx_text_add(&t, "%lld", (long long)json_integer_value(number));
    else
        mx_text_f64(&t, json_real_value(number));
    const char *s = mx_text_view(&t);
    d->negative = *s == '-';
    for (s += d->negative; *s && *s != 'e' && n < 63; s++)
        if (*s == '.')
            point = n;
        else
            digits[n++] = *s;
    digits[n] = 0;
    set(d, digits, (point < 0 ? n : point) + (*s == 'e' ? (int)strtol(s + 1, NULL, 10) : 0));
    bool ok = !t.failed;
    mx_text_free(&t);
    return ok;
}

bool sg_decimal_is_zero(const sg_decimal *d) {
    return d->whole[0] == '0' && !d->part[0];
}

int sg_decimal_compare(const sg_decimal *a, const sg_decimal *b) {
    if (sg_decimal_is_zero(a) && sg_decimal_is_zero(b))
        return 0;
    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    size_t n = strlen(a->whole), k = strlen(b->whole);
    int order = n != k ? (n < k ? -1 : 1) : strcmp(a->whole, b->whole);
    order = order ? order : strcmp(a->part, b->part);
    order = order < 0 ? -1 : order > 0;
    return a->negative ? -order : order;
}

/* --- letters ---------------------------------------------------------------------------------- */

enum { POINT = 10, OTHER = 11, LETTERS = 12 };

static sg_dfa *dfa_new(uint32_t states) {
    sg_dfa *d = sg_dfa_new(states, LETTERS);
    for (int byte = 0; d && byte < 256; byte++)
        d->letter[byte] = byte >= '0' && byte <= '9' ? (uint8_t)(byte - '0') : byte == '.' ? POINT
                                                     : OTHER;
                                                     return d;
}

/* --- comparison ------------------------------------------------------------------------------- */

/* What is known of the digits so far beside those of x. */
typedef enum verdict { LESS, SAME, MORE } verdict;

/* The states: digits before the point, of which there are at most as many as x has, or more; then a
   point; then digits that are decided or still the same. */
typedef struct layout {
    const sg_decimal *x;
    uint32_t m, k; /* digits of x before and behind the point */
    sg_dfa *d;
    bool most, open;
} layout;

enum { START, ZERO, FIRST };

static uint32_t digits(uint32_t n, verdict v) {
    return FIRST + 3 * (n - 1) + (uint32_t)v;
}
static uint32_t longer(const layout *l) {
    return FIRST + 3 * l->m;
}
/* v is LESS or MORE; SAME: the j-th digit behind the point comes next. */
static uint32_t pointed(const layout *l, verdict v, uint32_t j) {
    return longer(l) + 1 + (v == SAME ? 4 + j : v == MORE);
}
static uint32_t decided(const layout *l, verdict v) {
    return longer(l) + 3 + (v == MORE);
}
static uint32_t all_same(const layout *l) {
    return pointed(l, SAME, l->k + 1);
}

static verdict beside(unsigned digit, char other) {
    unsigned o = (unsigned)(other - '0');
    return digit < o ? LESS : digit > o ? MORE : SAME;
}

static void go(const layout *l, uint32_t from, uint32_t letter, uint32_t to) {
    l->d->next[(size_t)from * LETTERS + letter] = to;
}

static void ends(const layout *l, uint32_t state, verdict v) {
    l->d->final[state] = v == SAME ? !l->open : (v == LESS) == l->most;
}

static void add_whole(const layout *l, uint32_t n, verdict v) {
    uint32_t from = digits(n, v);
    for (unsigned i = 0; i < 10; i++)
        go(l, from, i,
           n == l->m   ? longer(l)
           : v == SAME ? digits(n + 1, beside(i, l->x->whole[n]))
                       : digits(n + 1, v));
    verdict now = n < l->m ? LESS : v;
    go(l, from, POINT, pointed(l, now, 0));
    ends(l, from, now == SAME && l->k ? LESS : now);
}

static void add_same_part(const layout *l, uint32_t j) {
    uint32_t from = pointed(l, SAME, j);
    for (unsigned i = 0; i < 10; i++) {
        verdict v = beside(i, j < l->k ? l->x->part[j] : '0');
        go(l, from, i, v == SAME ? pointed(l, SAME, j < l->k ? j + 1 : l->k + 1) : decided(l, v));
    }
    if (j)
        ends(l, from, j < l->k ? LESS : SAME);
}

static void add_decided(const layout *l, verdict v) {
    for (unsigned i = 0; i < 10; i++) {
        go(l, pointed(l, v, 0), i, decided(l, v));
        go(l, decided(l, v), i, decided(l, v));
    }
    ends(l, decided(l, v), v);
}

static void add_first(const layout *l) {
    bool zero = l->x->whole[0] == '0';
    go(l, START, 0, ZERO);
    for (unsigned i = 1; i < 10; i++)
        go(l, START, i, digits(1, beside(i, l->x->whole[0])));
    go(l, ZERO, POINT, pointed(l, zero ? SAME : LESS, 0));
    ends(l, ZERO, zero && !l->k ? SAME : LESS);
    for (unsigned i = 0; i < 10; i++)
        go(l, longer(l), i, longer(l));
    go(l, longer(l), POINT, pointed(l, MORE, 0));
    ends(l, longer(l), MORE);
}

sg_dfa *sg_magnitudes(const sg_decimal *x, bool most, bool open) {
    layout l = {x, (uint32_t)strlen(x->whole), (uint32_t)strlen(x->part), NULL, most, open};
    l.d = dfa_new(all_same(&l) + 1);
    if (!l.d)
        return NULL;
    add_first(&l);
    for (uint32_t n = 1; n <= l.m; n++)
        for (int v = LESS; v <= MORE; v++)
            add_whole(&l, n, (verdict)v);
    add_decided(&l, LESS);
    add_decided(&l, MORE);
    for (uint32_t j = 0; j <= l.k + 1; j++)
        add_same_part(&l, j);
    if (sg_dfa_trim(l.d))
        return l.d;
    sg_dfa_free(l.d);
    return NULL;
}

/* --- multiples -------------------------------------------------------------------------------- */

/* State r: the digits so far leave r; behind the point there is a set of states for each number of
   digits up to k, after which only zeros come. */
sg_dfa *sg_multiples(uint32_t p, uint32_t k) {
    uint32_t most = k ? k : 1;
    sg_dfa *d = dfa_new(p * (2 + most));
    for (uint32_t set = 0; d && set < 2 + most; set++)
        for (uint32_t r = 0; r < p; r++) {
            uint32_t s = p * set + r, left = r;
            uint32_t *row = d->next + (size_t)s * LETTERS;
            bool last = set > k;
            for (unsigned i = 0; i < 10; i++)
                row[i] = set == 0 ? (10 * r + i) % p
                         : last   ? (i ? SG_DEAD : p * (most + 1) + r)
                                  : p * (set + 1) + (10 * r + i) % p;
            if (set == 0)
                row[POINT] = p + r;
            for (uint32_t j = set < 2 ? 0 : set - 1; j < k; j++)
                left = 10 * left % p;
            d->final[s] = set != 1 && left == 0;
        }
    if (!d || sg_dfa_trim(d))
        return d;
    sg_dfa_free(d);
    return NULL;
}
