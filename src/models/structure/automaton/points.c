/* See points.h. Ranges of characters become sequences of ranges of bytes as in Thompson's and Cox's
 * accounts of UTF-8 automata: a range is cut where the length changes and where the bytes that
 * follow are not free, and a range over whole blocks is one sequence. */
#include "models/structure/automaton/points.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"

/* --- characters ------------------------------------------------------------------------------ */

size_t sg_encode(uint32_t p, unsigned char out[4]) {
    if (p < 0x80) {
        out[0] = (unsigned char)p;
        return 1;
    }
    size_t n = p < 0x800 ? 2 : p < 0x10000 ? 3 : 4;
    static const unsigned char head[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--, p >>= 6)
        out[i] = (unsigned char)(0x80 | (p & 0x3f));
    out[0] = (unsigned char)(head[n] | p);
    return n;
}

uint32_t sg_decode(const char **at, const char *end) {
    const unsigned char *s = (const unsigned char *)*at;
    size_t left = (size_t)(end - *at);
    if (!left)
        return SG_NO_POINT;
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (!n || n > left)
        return SG_NO_POINT;
    uint32_t p = n == 1 ? s[0] : s[0] & (0x7f >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return SG_NO_POINT;
        p = p << 6 | (s[i] & 0x3f);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (p < least[n] || p > SG_LAST_POINT || (p >= 0xd800 && p < 0xe000))
        return SG_NO_POINT;
    *at += n;
    return p;
}

/* --- sets ------------------------------------------------------------------------------------ */

bool sg_points_add(sg_builder *b, sg_points *p, uint32_t first, uint32_t last) {
    if (!b->failed && !mx_grow(&p->span, &p->room, p->count + 1, sizeof *p->span))
        b->failed = true;
    if (b->failed)
        return false;
    p->span[p->count++] = (sg_span){first, last};
    return true;
}

void sg_points_free(sg_points *p) {
    mx_free(p->span);
    *p = (sg_points){0};
}

static int by_first(const void *a, const void *b) {
    const sg_span *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

static void merge(sg_points *p) {
    if (p->count)
        qsort(p->span, p->count, sizeof *p->span, by_first);
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++) {
        sg_span s = p->span[i];
        if (n && s.first <= p->span[n - 1].last + 1)
            p->span[n - 1].last = s.last > p->span[n - 1].last ? s.last : p->span[n - 1].last;
        else
            p->span[n++] = s;
    }
    p->count = n;
}

void sg_points_close(sg_builder *b, sg_points *p, bool negate) {
    merge(p);
    if (!negate)
        return;
    sg_points rest = {0};
    uint32_t next = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (p->span[i].first > next)
            sg_points_add(b, &rest, next, p->span[i].first - 1);
        next = p->span[i].last + 1;
    }
    if (next <= SG_LAST_POINT)
        sg_points_add(b, &rest, next, SG_LAST_POINT);
    sg_points_free(p);
    *p = rest;
}

/* --- bytes ----------------------------------------------------------------------------------- */

static bool all_are(const unsigned char *s, size_t n, unsigned char byte) {
    for (size_t i = 0; i < n; i++)
        if (s[i] != byte)
            return false;
    return true;
}

static sg_expr two(sg_builder *b, sg_expr x, sg_expr y) {
    return sg_cat(b, (sg_expr[]){x, y}, 2);
}

/* The sequences of n bytes from lo to hi, each byte after the first any of 80..BF in between. */
static sg_expr sequences(sg_builder *b, const unsigned char *lo, const unsigned char *hi,
                         size_t n) {
    static const unsigned char lows[4] = {0x80, 0x80, 0x80, 0x80},
                               highs[4] = {0xbf, 0xbf, 0xbf, 0xbf};
    if (n == 1)
        return sg_range(b, lo[0], hi[0]);
    if (lo[0] == hi[0])
        return two(b, sg_range(b, lo[0], lo[0]), sequences(b, lo + 1, hi + 1, n - 1));
    unsigned first = lo[0], last = hi[0];
    sg_expr part[3];
    size_t parts = 0;
    if (!all_are(lo + 1, n - 1, 0x80)) {
        part[parts++] = two(b, sg_range(b, first, first), sequences(b, lo + 1, highs, n - 1));
        first++;
    }
    if (!all_are(hi + 1, n - 1, 0xbf)) {
        part[parts++] = two(b, sg_range(b, last, last), sequences(b, lows, hi + 1, n - 1));
        last--;
    }
    if (first <= last)
        part[parts++] = two(b, sg_range(b, first, last), sequences(b, lows, highs, n - 1));
    return sg_alt(b, part, parts);
}

/* Where the number of bytes changes, and the surrogates, which are no characters. */
static const sg_span lengths[] = {
    {0, 0x7f}, {0x80, 0x7ff}, {0x800, 0xd7ff}, {0xe000, 0xffff}, {0x10000, SG_LAST_POINT}};

static void add_utf8(sg_builder *b, sg_parts *out, sg_span s) {
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint32_t first = s.first > lengths[i].first ? s.first : lengths[i].first;
        uint32_t last = s.last < lengths[i].last ? s.last : lengths[i].last;
        unsigned char lo[4], hi[4];
        if (first > last)
            continue;
        size_t n = sg_encode(first, lo);
        sg_encode(last, hi);
        sg_parts_add(b, out, sequences(b, lo, hi, n));
    }
}

/* Some of what JSON escapes lies in the span: add these as escapes; the rest of s from *first on is
   still to be added. */
static void add_json(sg_builder *b, sg_parts *out, sg_span s) {
    static const char letters[] = "\b\f\n\r\t", names[] = "bfnrt";
    uint32_t next = s.first;
    for (uint32_t c = s.first; c <= s.last && c <= '\\'; c++) {
        char text[8];
        const char *letter = c ? strchr(letters, (int)c) : NULL;
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        if (c >= 0x20 || letter)
            snprintf(text, sizeof text, "\\%c", letter ? names[letter - letters] : (char)c);
        else
            snprintf(text, sizeof text, "\\u%04x", c);
        sg_parts_add(b, out, sg_word(b, text));
        if (c > next)
            add_utf8(b, out, (sg_span){next, c - 1});
        next = c + 1;
    }
    if (next <= s.last)
        add_utf8(b, out, (sg_span){next, s.last});
}

sg_expr sg_points_expr(sg_builder *b, sg_points *p, sg_spelling as) {
    sg_parts out = {0};
    for (size_t i = 0; i < p->count && !b->failed; i++)
        (as == SG_JSON ? add_json : add_utf8)(b, &out, p->span[i]);
    sg_points_free(p);
    return sg_parts_alt(b, &out);
}

sg_expr sg_point(sg_builder *b, uint32_t point, sg_spelling as) {
    sg_points p = {0};
    sg_points_add(b, &p, point, point);
    return sg_points_expr(b, &p, as);
}
