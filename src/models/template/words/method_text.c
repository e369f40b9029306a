/* Methods of texts, as Python's str has them. */
#include <string.h>
#include <utf8proc.h>

#include "models/template/words/native.h"
#include "models/template/text.h"
#include "models/template/words/text_case.h"
#include "models/tokenizer/text.h"

static bool give(tm_value *out, tm_value v) {
    *out = v;
    return true;
}

/* --- case ------------------------------------------------------------------------------------- */

static bool recase(tm_run *r, const tm_value *a, tm_case how, tm_value *out) {
    size_t begin = tm_begin(r);
    return tm_put_case(r, a, how) && tm_take(r, begin, out);
}

static bool m_upper(tm_run *r, const tm_value *a, tm_value *out) {
    return recase(r, a, TM_UPPER, out);
}

static bool m_lower(tm_run *r, const tm_value *a, tm_value *out) {
    return recase(r, a, TM_LOWER, out);
}

static bool m_title(tm_run *r, const tm_value *a, tm_value *out) {
    return recase(r, a, TM_TITLE, out);
}

static bool m_capitalize(tm_run *r, const tm_value *a, tm_value *out) {
    return recase(r, a, TM_CAPITAL, out);
}

static bool m_swapcase(tm_run *r, const tm_value *a, tm_value *out) {
    return recase(r, a, TM_SWAP, out);
}

/* --- ends ------------------------------------------------------------------------------------- */

static bool in_set(const tm_value *set, uint32_t c) {
    uint32_t x;
    if (set->kind != TM_STR)
        return tm_is_space(c);
    for (const char *p = set->p, *end = p + set->n; p < end;) {
        p += tok_step(p, end, &x);
        if (x == c)
            return true;
    }
    return false;
}

tm_value tm_strip(const tm_value *text, const tm_value *set, bool left, bool right) {
    const char *p = text->p, *end = p + text->n;
    uint32_t c;
    while (left && p < end) {
        size_t n = tok_step(p, end, &c);
        if (!in_set(set, c))
            break;
        p += n;
    }
    while (right && p < end && in_set(set, tok_before(p, end)))
        while (((unsigned char)*--end & 0xC0) == 0x80)
            ;
    return tm_str(p, (size_t)(end - p));
}

static bool strip(tm_run *r, const tm_value *a, bool left, bool right, tm_value *out) {
    bool plain = !tm_is_given(&a[1]) || a[1].kind == TM_NONE;
    if (!plain && a[1].kind != TM_STR)
        return tm_fail(r, MX_INVALID, "strip arg must be None or str");
    *out = tm_strip(&a[0], &a[1], left, right);
    return tm_spend(r, plain ? 1 : (a[0].n - out->n) * (a[1].n + 1) / 8 + 1);
}

static bool m_strip(tm_run *r, const tm_value *a, tm_value *out) {
    return strip(r, a, true, true, out);
}

static bool m_lstrip(tm_run *r, const tm_value *a, tm_value *out) {
    return strip(r, a, true, false, out);
}

static bool m_rstrip(tm_run *r, const tm_value *a, tm_value *out) {
    return strip(r, a, false, true, out);
}

static bool begins(const tm_value *x, const tm_value *piece) {
    return x->n >= piece->n && !memcmp(x->p, piece->p, piece->n);
}

static bool ends(const tm_value *x, const tm_value *piece) {
    return x->n >= piece->n && !memcmp(x->p + x->n - piece->n, piece->p, piece->n);
}

typedef bool fits(const tm_value *x, const tm_value *piece);

/* A text, or one of a tuple of them, between places that may be given. */
static bool any_fits(tm_run *r, const tm_value *a, fits *fit, tm_value *out) {
    const tm_value places[3] = {a[2], a[3], {.kind = TM_MISSING}};
    tm_value x;
    bool tuple = tm_is_seq(&a[1], TM_TUPLE), found = false;
    if (!tm_part(r, &a[0], places, &x))
        return false;
    for (size_t i = 0; i < (tuple ? a[1].seq->n : 1); i++) {
        const tm_value *piece = tuple ? &a[1].seq->item[i] : &a[1];
        if (piece->kind == TM_UNDEFINED)
            return tm_fail_undefined(r, piece);
        if (piece->kind != TM_STR)
            return tm_fail(r, MX_INVALID, "a str or a tuple of str is expected, not %s",
                           tm_type(piece));
        found = found || fit(&x, piece);
    }
    return give(out, tm_bool(found));
}

static bool m_startswith(tm_run *r, const tm_value *a, tm_value *out) {
    return any_fits(r, a, begins, out);
}

static bool m_endswith(tm_run *r, const tm_value *a, tm_value *out) {
    return any_fits(r, a, ends, out);
}

static bool m_removeprefix(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value piece;
    if (!tm_want_str(r, &a[1], "", &piece))
        return false;
    size_t n = begins(&a[0], &piece) ? piece.n : 0;
    return give(out, tm_str(a[0].p + n, a[0].n - n));
}

static bool m_removesuffix(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value piece;
    if (!tm_want_str(r, &a[1], "", &piece))
        return false;
    return give(out, tm_str(a[0].p, a[0].n - (ends(&a[0], &piece) ? piece.n : 0)));
}

/* --- dividing --------------------------------------------------------------------------------- */

static bool add_piece(tm_run *r, tm_list *l, const char *p, size_t n) {
    tm_value v = tm_str(p, n);
    return tm_list_add(r, l, &v);
}

static bool split_spaces(tm_run *r, const tm_value *x, int64_t most, tm_list *l) {
    const char *p = x->p, *end = p + x->n;
    uint32_t c;
    for (p += tm_space_left(p, (size_t)(end - p)); p < end;) {
        const char *from = p;
        if (most >= 0 && (int64_t)l->n == most)
            return add_piece(r, l, p, (size_t)(end - p));
        for (size_t n; p < end; p += n) {
            n = tok_step(p, end, &c);
            if (tm_is_space(c))
                break;
        }
        if (!add_piece(r, l, from, (size_t)(p - from)))
            return false;
        p += tm_space_left(p, (size_t)(end - p));
    }
    return tm_spend(r, x->n / 16);
}

static bool split_by(tm_run *r, const tm_value *x, const tm_value *by, int64_t most, tm_list *l) {
    size_t from = 0;
    for (size_t at; most < 0 || (int64_t)l->n < most; from = at + by->n) {
        at = tm_find(x->p, x->n, by->p, by->n, from);
        if (at == SIZE_MAX)
            break;
        if (!add_piece(r, l, x->p + from, at - from))
            return false;
    }
    return add_piece(r, l, x->p + from, x->n - from) && tm_spend(r, x->n / 64);
}

static void reverse(tm_list *l) {
    for (size_t i = 0, k = l->n; i + 1 < k; i++) {
        tm_value v = l->item[i];
        l->item[i] = l->item[--k];
        l->item[k] = v;
    }
}

static bool rsplit_spaces(tm_run *r, const tm_value *x, int64_t most, tm_list *l) {
    const char *p = x->p;
    size_t n = x->n - tm_space_right(p, x->n);
    while (n) {
        size_t from = n;
        if (most >= 0 && (int64_t)l->n == most)
            return add_piece(r, l, p, n);
        while (from && !tm_is_space(tok_before(p, p + from)))
            while (((unsigned char)p[--from] & 0xC0) == 0x80)
                ;
        if (!add_piece(r, l, p + from, n - from))
            return false;
        n = from - tm_space_right(p, from);
    }
    return tm_spend(r, x->n / 16);
}

/* The bytes of a text from its end to its beginning. NULL and an error. */
static char *backwards(tm_run *r, const char *p, size_t n) {
    char *made = tm_alloc(r, n, 1);
    for (size_t i = 0; made && i < n; i++)
        made[i] = p[n - 1 - i];
    return made;
}

/* Where a piece begins last; SIZE_MAX: nowhere. Looked for from the end, in linear time. */
static bool find_last(tm_run *r, const char *p, size_t n, const tm_value *piece, size_t *at) {
    *at = piece->n ? SIZE_MAX : n;
    if (!piece->n || n < piece->n)
        return true;
    if (piece->n <= 16) {
        for (size_t i = n - piece->n + 1; i-- && *at == SIZE_MAX;)
            if (!memcmp(p + i, piece->p, piece->n))
                *at = i;
        return tm_spend(r, (n - (*at == SIZE_MAX ? 0 : *at)) / 8);
    }
    const char *text = backwards(r, p, n), *word = backwards(r, piece->p, piece->n);
    if (!text || !word)
        return false;
    size_t found = tm_find(text, n, word, piece->n, 0);
    *at = found == SIZE_MAX ? SIZE_MAX : n - found - piece->n;
    return tm_spend(r, (n + piece->n) / 8);
}

static bool rsplit_by(tm_run *r, const tm_value *x, const tm_value *by, int64_t most, tm_list *l) {
    size_t n = x->n, at;
    while (most < 0 || (int64_t)l->n < most) {
        if (!find_last(r, x->p, n, by, &at))
            return false;
        if (at == SIZE_MAX)
            break;
        if (!add_piece(r, l, x->p + at + by->n, n - at - by->n))
            return false;
        n = at;
    }
    return add_piece(r, l, x->p, n);
}

static bool split(tm_run *r, const tm_value *a, bool right, tm_value *out) {
    tm_list l = {0};
    int64_t most;
    bool plain = !tm_is_given(&a[1]) || a[1].kind == TM_NONE, ok;
    tm_value by = {.kind = TM_STR};
    if (!tm_want_int(r, &a[2], -1, &most) || (!plain && !tm_want_str(r, &a[1], "", &by)))
        return false;
    if (!plain && !by.n)
        return tm_fail(r, MX_INVALID, "empty separator");
    if (plain)
        ok = right ? rsplit_spaces(r, a, most, &l) : split_spaces(r, a, most, &l);
    else
        ok = right ? rsplit_by(r, a, &by, most, &l) : split_by(r, a, &by, most, &l);
    if (right)
        reverse(&l);
    return ok && tm_list_done(r, &l, TM_LIST, out);
}

static bool m_split(tm_run *r, const tm_value *a, tm_value *out) {
    return split(r, a, false, out);
}

static bool m_rsplit(tm_run *r, const tm_value *a, tm_value *out) {
    return split(r, a, true, out);
}

static bool ends_line(uint32_t c) {
    return (c >= 10 && c <= 13) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
           c == 0x2029;
}

static bool m_splitlines(tm_run *r, const tm_value *a, tm_value *out) {
    tm_list l = {0};
    const char *from = a->p, *end = from + a->n;
    bool keep = tm_want_flag(&a[1], false);
    uint32_t c;
    for (const char *p = from; p < end;) {
        size_t n = tok_step(p, end, &c);
        n += c == '\r' && p + 1 < end && p[1] == '\n';
        p += n;
        if (!ends_line(c))
            continue;
        if (!add_piece(r, &l, from, (size_t)(p - from) - (keep ? 0 : n)))
            return false;
        from = p;
    }
    return (from == end || add_piece(r, &l, from, (size_t)(end - from))) &&
           tm_list_done(r, &l, TM_LIST, out) && tm_spend(r, a->n / 16);
}

static bool cut(tm_run *r, const tm_value *x, size_t at, size_t n, bool right, tm_value *out) {
    tm_seq *s = tm_seq_new(r, TM_TUPLE, 3);
    if (!s)
        return false;
    bool none = at == SIZE_MAX;
    size_t first = none ? (right ? 0 : x->n) : at, second = none ? first : at + n;
    s->item[0] = tm_str(x->p, first);
    s->item[1] = tm_str(x->p + first, second - first);
    s->item[2] = tm_str(x->p + second, x->n - second);
    return give(out, tm_of_seq(s));
}

static bool m_partition(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value by;
    if (!tm_want_str(r, &a[1], "", &by))
        return false;
    return by.n ? cut(r, a, tm_find(a->p, a->n, by.p, by.n, 0), by.n, false, out)
                : tm_fail(r, MX_INVALID, "empty separator");
}

static bool m_rpartition(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value by;
    size_t at;
    if (!tm_want_str(r, &a[1], "", &by))
        return false;
    if (!by.n)
        return tm_fail(r, MX_INVALID, "empty separator");
    return find_last(r, a->p, a->n, &by, &at) && cut(r, a, at, by.n, true, out);
}

/* --- finding ---------------------------------------------------------------------------------- */

/* Which character of the whole text the piece begins at; -1: nowhere. */
static bool place(tm_run *r, const tm_value *a, bool last, int64_t *out) {
    const tm_value places[3] = {a[2], a[3], {.kind = TM_MISSING}};
    tm_value x, piece;
    size_t at;
    if (!tm_want_str(r, &a[1], "", &piece) || !tm_part(r, &a[0], places, &x))
        return false;
    if (!last)
        at = tm_find(x.p, x.n, piece.p, piece.n, 0);
    else if (!find_last(r, x.p, x.n, &piece, &at))
        return false;
    *out = at == SIZE_MAX ? -1 : (int64_t)tm_count(a->p, (size_t)(x.p - a->p) + at);
    return tm_spend(r, a->n / 32);
}

static bool found(tm_run *r, const tm_value *a, bool last, bool must, tm_value *out) {
    int64_t at;
    if (!place(r, a, last, &at))
        return false;
    if (must && at < 0)
        return tm_fail(r, MX_INVALID, "substring not found");
    return give(out, tm_int(at));
}

static bool m_find(tm_run *r, const tm_value *a, tm_value *out) {
    return found(r, a, false, false, out);
}

static bool m_rfind(tm_run *r, const tm_value *a, tm_value *out) {
    return found(r, a, true, false, out);
}

static bool m_index(tm_run *r, const tm_value *a, tm_value *out) {
    return found(r, a, false, true, out);
}

static bool m_rindex(tm_run *r, const tm_value *a, tm_value *out) {
    return found(r, a, true, true, out);
}

static bool m_count(tm_run *r, const tm_value *a, tm_value *out) {
    const tm_value places[3] = {a[2], a[3], {.kind = TM_MISSING}};
    tm_value x, piece;
    int64_t n = 0;
    if (!tm_want_str(r, &a[1], "", &piece) || !tm_part(r, &a[0], places, &x))
        return false;
    if (!piece.n)
        return give(out, tm_int((int64_t)tm_count(x.p, x.n) + 1));
    for (size_t at = 0; (at = tm_find(x.p, x.n, piece.p, piece.n, at)) != SIZE_MAX; at += piece.n)
        n++;
    return give(out, tm_int(n)) && tm_spend(r, x.n / 16);
}

/* --- making ----------------------------------------------------------------------------------- */

/* An empty piece stands before each character and at the end. */
static bool replace_empty(tm_run *r, const tm_value *text, const tm_value *to, int64_t most) {
    uint32_t c;
    for (const char *p = text->p, *end = p + text->n;;) {
        if (most < 0 || most-- > 0)
            tm_put(r, to->p, to->n);
        if (p == end)
            return !r->failed;
        size_t n = tok_step(p, end, &c);
        tm_put(r, p, n);
        p += n;
    }
}

static bool replace_piece(tm_run *r, const tm_value *text, const tm_value *from, const tm_value *to,
                          int64_t most) {
    size_t done = 0;
    for (size_t at; most < 0 || most > 0; most -= most > 0) {
        at = tm_find(text->p, text->n, from->p, from->n, done);
        if (at == SIZE_MAX)
            break;
        tm_put(r, text->p + done, at - done);
        tm_put(r, to->p, to->n);
        done = at + from->n;
    }
    tm_put(r, text->p + done, text->n - done);
    return !r->failed;
}

bool tm_replace(tm_run *r, const tm_value *text, const tm_value *from, const tm_value *to,
                int64_t most, tm_value *out) {
    size_t begin = tm_begin(r);
    bool ok = from->n ? replace_piece(r, text, from, to, most) : replace_empty(r, text, to, most);
    return ok && tm_spend(r, text->n / 16) && tm_take(r, begin, out);
}

static bool m_replace(tm_run *r, const tm_value *a, tm_value *out) {
    tm_value from, to;
    int64_t most;
    return tm_want_str(r, &a[1], "", &from) && tm_want_str(r, &a[2], "", &to) &&
           tm_want_int(r, &a[3], -1, &most) && tm_replace(r, a, &from, &to, most, out);
}

static bool m_join(tm_run *r, const tm_value *a, tm_value *out) {
    const tm_seq *s;
    size_t begin = tm_begin(r);
    if (!tm_items(r, &a[1], &s))
        return false;
    for (size_t i = 0; i < s->n; i++) {
        if (s->item[i].kind != TM_STR)
            return tm_fail(r, MX_INVALID, "sequence item %zu: expected str instance, %s found", i,
                           tm_type(&s->item[i]));
        if (i)
            tm_put(r, a->p, a->n);
        tm_put(r, s->item[i].p, s->item[i].n);
    }
    return tm_spend(r, s->n) && tm_take(r, begin, out);
}

static void fill(tm_run *r, const tm_value *with, int64_t n) {
    for (int64_t i = 0; i < n && !r->failed; i++)
        tm_put(r, with->p, with->n);
}

/* left of the missing characters, in `of` parts, come before the text. */
static bool pad(tm_run *r, const tm_value *a, int side, tm_value *out) {
    tm_value with;
    int64_t width;
    size_t begin = tm_begin(r);
    if (!tm_want_int(r, &a[1], 0, &width) || !tm_want_str(r, &a[2], " ", &with))
        return false;
    if (tm_count(with.p, with.n) != 1)
        return tm_fail(r, MX_INVALID, "the fill character must be exactly one character long");
    int64_t lack = width - (int64_t)tm_count(a->p, a->n);
    if (lack <= 0)
        return give(out, a[0]);
    int64_t left = side < 0 ? 0 : side > 0 ? lack : lack / 2 + (lack & width & 1);
    fill(r, &with, left);
    tm_put(r, a->p, a->n);
    fill(r, &with, lack - left);
    return tm_spend(r, (uint64_t)lack) && tm_take(r, begin, out);
}

static bool m_ljust(tm_run *r, const tm_value *a, tm_value *out) {
    return pad(r, a, -1, out);
}

static bool m_rjust(tm_run *r, const tm_value *a, tm_value *out) {
    return pad(r, a, 1, out);
}

static bool m_center(tm_run *r, const tm_value *a, tm_value *out) {
    return pad(r, a, 0, out);
}

static bool m_zfill(tm_run *r, const tm_value *a, tm_value *out) {
    const tm_value zero = tm_word("0");
    int64_t width;
    size_t begin = tm_begin(r), sign = a->n && (*a->p == '-' || *a->p == '+');
    if (!tm_want_int(r, &a[1], 0, &width))
        return false;
    tm_put(r, a->p, sign);
    fill(r, &zero, width - (int64_t)tm_count(a->p, a->n));
    tm_put(r, a->p + sign, a->n - sign);
    return tm_take(r, begin, out);
}

static bool m_expandtabs(tm_run *r, const tm_value *a, tm_value *out) {
    const tm_value blank = tm_word(" ");
    int64_t size, column = 0;
    size_t begin = tm_begin(r);
    if (!tm_want_int(r, &a[1], 8, &size))
        return false;
    for (size_t i = 0; i < a->n; i++) {
        char c = a->p[i];
        int64_t n = size > 0 ? size - column % size : 0;
        if (c == '\t')
            fill(r, &blank, n), column += n;
        else
            tm_put(r, &c, 1), column += ((unsigned char)c & 0xC0) != 0x80;
        column = c == '\n' || c == '\r' ? 0 : column;
    }
    return tm_spend(r, a->n / 8) && tm_take(r, begin, out);
}

static bool m_format(tm_run *r, const tm_value *a, tm_value *out) {
    return tm_braces(r, &a[0], &a[1], &a[2], out);
}

/* --- kinds of characters ---------------------------------------------------------------------- */

typedef bool of_kind(uint32_t c);

static bool all_are(tm_run *r, const tm_value *a, of_kind *is, tm_value *out) {
    bool all = a->n != 0;
    uint32_t c;
    for (const char *p = a->p, *end = p + a->n; p < end && all;) {
        p += tok_step(p, end, &c);
        all = is(c);
    }
    return give(out, tm_bool(all)) && tm_spend(r, a->n / 16);
}

static utf8proc_category_t category(uint32_t c) {
    return utf8proc_category((utf8proc_int32_t)c);
}

static bool is_alpha(uint32_t c) {
    utf8proc_category_t k = category(c);
    return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}

static bool is_decimal(uint32_t c) {
    return category(c) == UTF8PROC_CATEGORY_ND;
}

static bool is_digit(uint32_t c) { // Numeric_Type Digit: superscripts and digits in circles, too
    return is_decimal(c) || c == 0xB2 || c == 0xB3 || c == 0xB9 || c == 0x2070 ||
           (c >= 0x2074 && c <= 0x2079) || (c >= 0x2080 && c <= 0x2089) ||
           (c >= 0x2460 && c <= 0x2468) || (c >= 0x2474 && c <= 0x247C) ||
           (c >= 0x2488 && c <= 0x2490) || c == 0x24EA || (c >= 0x24F5 && c <= 0x24FD) ||
           c == 0x24FF || (c >= 0x2776 && c <= 0x277E) || (c >= 0x2780 && c <= 0x2788) ||
           (c >= 0x278A && c <= 0x2792);
}

static bool is_alnum(uint32_t c) {
    return is_alpha(c) || tok_is_numeric(c);
}

static bool is_ascii(uint32_t c) {
    return c < 0x80;
}

static bool m_isalpha(tm_run *r, const tm_value *a, tm_value *out) {
    return all_are(r, a, is_alpha, out);
}

static bool m_isdigit(tm_run *r, const tm_value *a, tm_value *out) {
    return all_are(r, a, is_digit, out);
}

static bool m_isdecimal(tm_run *r, const tm_value *a, tm_value *out) {
    return all_are(r, a, is_decimal, out);
}

static bool m_isnumeric(tm_run *r, const tm_value *a, tm_value *out) {
    return all_are(r, a, tok_is_numeric, out);
}

static bool m_isalnum(tm_run *r, const tm_value *a, tm_value *out) {
    return all_are(r, a, is_alnum, out);
}

static bool m_isspace(tm_run *r, const tm_value *a, tm_value *out) {
    return all_are(r, a, tm_is_space, out);
}

static bool m_isascii(tm_run *r, const tm_value *a, tm_value *out) {
    return all_are(r, a, is_ascii, out) && (a->n || give(out, tm_bool(true)));
}

/* Some have the one case, and none the other. */
static bool one_case(tm_run *r, const tm_value *a, of_kind *is, of_kind *other, tm_value *out) {
    bool some = false, none = true;
    uint32_t c;
    for (const char *p = a->p, *end = p + a->n; p < end && none;) {
        p += tok_step(p, end, &c);
        some = some || is(c);
        none = !other(c) && category(c) != UTF8PROC_CATEGORY_LT;
    }
    return give(out, tm_bool(some && none)) && tm_spend(r, a->n / 16);
}

static bool m_islower(tm_run *r, const tm_value *a, tm_value *out) {
    return one_case(r, a, tm_is_lower, tm_is_upper, out);
}

static bool m_isupper(tm_run *r, const tm_value *a, tm_value *out) {
    return one_case(r, a, tm_is_upper, tm_is_lower, out);
}

static bool m_istitle(tm_run *r, const tm_value *a, tm_value *out) {
    bool inside = false, some = false, ok = true;
    uint32_t c;
    for (const char *p = a->p, *end = p + a->n; p < end && ok;) {
        p += tok_step(p, end, &c);
        bool up = tm_is_upper(c) || category(c) == UTF8PROC_CATEGORY_LT, low = tm_is_lower(c);
        ok = up ? !inside : low ? inside : true;
        inside = up || low;
        some = some || inside;
    }
    return give(out, tm_bool(ok && some)) && tm_spend(r, a->n / 16);
}

/* --- the table -------------------------------------------------------------------------------- */

static const tm_native rows[] = {
    {"strip", "self chars=", m_strip},
    {"lstrip", "self chars=", m_lstrip},
    {"rstrip", "self chars=", m_rstrip},
    {"split", "self sep= maxsplit=", m_split},
    {"rsplit", "self sep= maxsplit=", m_rsplit},
    {"splitlines", "self keepends=", m_splitlines},
    {"partition", "self sep", m_partition},
    {"rpartition", "self sep", m_rpartition},
    {"startswith", "self prefix start= end=", m_startswith},
    {"endswith", "self suffix start= end=", m_endswith},
    {"removeprefix", "self prefix", m_removeprefix},
    {"removesuffix", "self suffix", m_removesuffix},
    {"replace", "self old new count=", m_replace},
    {"upper", "self", m_upper},
    {"lower", "self", m_lower},
    {"casefold", "self", NULL},
    {"title", "self", m_title},
    {"capitalize", "self", m_capitalize},
    {"swapcase", "self", m_swapcase},
    {"find", "self sub start= end=", m_find},
    {"rfind", "self sub start= end=", m_rfind},
    {"index", "self sub start= end=", m_index},
    {"rindex", "self sub start= end=", m_rindex},
    {"count", "self sub start= end=", m_count},
    {"join", "self iterable", m_join},
    {"format", "self *", m_format},
    {"format_map", "self mapping", NULL},
    {"ljust", "self width fillchar=", m_ljust},
    {"rjust", "self width fillchar=", m_rjust},
    {"center", "self width fillchar=", m_center},
    {"zfill", "self width", m_zfill},
    {"expandtabs", "self tabsize=", m_expandtabs},
    {"isalpha", "self", m_isalpha},
    {"isdigit", "self", m_isdigit},
    {"isdecimal", "self", m_isdecimal},
    {"isnumeric", "self", m_isnumeric},
    {"isalnum", "self", m_isalnum},
    {"isspace", "self", m_isspace},
    {"isascii", "self", m_isascii},
    {"islower", "self", m_islower},
    {"isupper", "self", m_isupper},
    {"istitle", "self", m_istitle},
    {"isidentifier", "self", NULL},
    {"isprintable", "self", NULL},
    {"encode", "self", NULL},
    {"translate", "self table", NULL},
    {"maketrans", "self", NULL},
};
const tm_table tm_str_methods = TM_TABLE(rows);
