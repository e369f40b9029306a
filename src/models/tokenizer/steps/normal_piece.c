/* What SentencePiece makes of a text before it is divided (Kudo and Richardson 2018), and the table
 * of replacements that its files hold:
 *
 *     4 bytes    the size of the trie in bytes
 *     trie       a double array of 32-bit units (the public layout of darts-clone)
 *     texts      each ends in a zero; the trie's values are offsets
 *
 * A unit of the double array:
 *
 *     bit 31 and bits 0 to 7   the byte that leads here; bit 31: a value instead
 *     bit 8                    there is a value behind this node
 *     bit 9                    the offset counts 256s
 *     bits 10 to 30            the offset to the children
 */
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/status.h"
#include "models/tokenizer/parts.h"

struct tok_charsmap {
    const char *texts;
    size_t units, bytes;
    uint32_t unit[];
};

/* --- the table -------------------------------------------------------------------------------- */

static uint32_t le32(const char *p) {
    const unsigned char *u = (const unsigned char *)p;
    return u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

tok_charsmap *tok_charsmap_new(const char *bytes, size_t n) {
    size_t trie = n >= 4 ? le32(bytes) : 0;
    if (n < 8 || trie > n - 4 || trie % 4 || !trie)
        return mx_fail(MX_FORMAT, "[tokenizer] the table of characters is cut short");
    size_t texts = n - 4 - trie;
    tok_charsmap *m = mx_malloc(sizeof *m + trie + texts + 1);
    if (!m)
        return NULL;
    m->units = trie / 4;
    m->bytes = texts;
    m->texts = (const char *)(m->unit + m->units);
    for (size_t i = 0; i < m->units; i++)
        m->unit[i] = le32(bytes + 4 + 4 * i);
    memcpy(m->unit + m->units, bytes + 4 + trie, texts);
    ((char *)(m->unit + m->units))[texts] = 0;
    return m;
}

void tok_charsmap_free(tok_charsmap *m) {
    mx_free(m);
}

static size_t offset_of(uint32_t unit) {
    return (size_t)(unit >> 10) << ((unit & 0x200) >> 6);
}

static bool set_text(const tok_charsmap *m, uint32_t value, tok_text *to) {
    size_t at = value & 0x7FFFFFFF;
    if (at >= m->bytes)
        return false;
    *to = (tok_text){m->texts + at, strlen(m->texts + at)};
    return true;
}

size_t tok_charsmap_find(const tok_charsmap *m, const char *p, size_t n, bool longest,
                         tok_text *to) {
    size_t at = offset_of(m->unit[0]), found = 0;
    for (size_t i = 0; i < n && p[i] && (longest || !found); i++) {
        at ^= (unsigned char)p[i];
        if (at >= m->units || (m->unit[at] & 0x800000FF) != (unsigned char)p[i])
            break;
        uint32_t unit = m->unit[at];
        at ^= offset_of(unit);
        if (unit & 0x100 && at < m->units && set_text(m, m->unit[at], to))
            found = i + 1;
    }
    return found;
}

/* --- as the package tokenizers applies it: to clusters of characters that are short, else to
   each --------- */

static void put_mapped(const tok_charsmap *m, tok_text s, tok_bytes *to) {
    uint32_t c;
    tok_text with;
    for (size_t at = 0, k; at < s.n; at += k) {
        k = tok_step(s.p + at, s.p + s.n, &c);
        bool found = tok_charsmap_find(m, s.p + at, k, false, &with) > 0;
        tok_source(to, s.p + at, k);
        tok_put(to, found ? with.p : s.p + at, found ? with.n : k);
    }
}

void tok_normal_charsmap(const tok_normal *self, tok_text from, tok_bytes *to) {
    enum { SHORT = 6 };
    tok_text with;
    for (size_t at = 0, n; at < from.n; at += n) {
        tok_text cluster = {from.p + at, n = tok_cluster(from.p + at, from.n - at)};
        tok_source(to, cluster.p, cluster.n);
        if (cluster.n < SHORT && tok_charsmap_find(self->map, cluster.p, cluster.n, false, &with))
            tok_put(to, with.p, with.n);
        else
            put_mapped(self->map, cluster, to);
    }
}

/* --- as SentencePiece does -------------------------------------------------------------------- */

/* What the beginning of a text becomes, and how long it is: pieces of the user stay. */
static size_t next_part(const tok_normal *self, tok_text s, tok_text *with) {
    size_t n;
    uint32_t c;
    *with = s;
    if (self->kept && tok_trie_longest(self->kept, s.p, s.p + s.n, &n) >= 0)
        return with->n = n;
    n = self->map ? tok_charsmap_find(self->map, s.p, s.n, true, with) : 0;
    return n ? n : (with->n = tok_step(s.p, s.p + s.n, &c));
}

typedef struct piece_out {
    const tok_normal *self;
    tok_bytes *to;
    bool space; /* the last one was a space, or nothing was put */
} piece_out;

static tok_text space_of(const tok_normal *self) {
    return self->escape ? (tok_text){"\xE2\x96\x81", 3} : (tok_text){" ", 1};
}

static void put_space(piece_out *o) {
    tok_text space = space_of(o->self);
    tok_put(o->to, space.p, space.n);
    o->space = true;
}

/* Spaces at the end, behind `begin`. */
static void drop_spaces(const tok_normal *self, size_t begin, tok_bytes *to) {
    tok_text space = space_of(self);
    while (to->n >= begin + space.n && !memcmp(to->p + to->n - space.n, space.p, space.n))
        to->n -= space.n;
}

static void put_part(piece_out *o, tok_text with) {
    for (size_t i = 0; i < with.n; i++) {
        if (with.p[i] == ' ' && !(o->self->squeeze && o->space))
            put_space(o);
        if (with.p[i] == ' ')
            continue;
        size_t n = 1;
        while (i + n < with.n && with.p[i + n] != ' ')
            n++;
        tok_put(o->to, with.p + i, n);
        i += n - 1;
        o->space = false;
    }
}

/* Spaces at the ends go, several become one, one is put before (or behind), and all become U+2581;
   each where the model says so. */
void tok_normal_piece(const tok_normal *self, tok_text from, tok_bytes *to) {
    piece_out o = {self, to, true};
    size_t begin = to->n;
    tok_text with;
    if (self->squeeze)
        for (size_t n; from.n && (n = next_part(self, from, &with), with.n == 1 && *with.p == ' ');)
            from.p += n, from.n -= n;
    if (!from.n)
        return;
    tok_source_first(to, from.p, from.n);
    if (self->prefix && !self->at_end)
        put_space(&o);
    for (size_t n; from.n; from.p += n, from.n -= n) {
        n = next_part(self, from, &with);
        tok_source(to, from.p, n);
        put_part(&o, with);
    }
    if (self->squeeze)
        drop_spaces(self, begin, to);
    if (self->prefix && self->at_end)
        put_space(&o);
}
