/* Normalizers: text to text. */
#define _GNU_SOURCE // memmem
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/vec.h"
#include "models/tokenizer/parts.h"

/* Characters of a text, each with how many bytes it has; what is put stands for it. */
#define EACH(s, c, to) \
    for (size_t at_ = 0, k_; at_ < (s).n && (k_ = next((s), at_, &(c), (to))); at_ += k_)
static inline size_t next(tok_text s, size_t at, uint32_t *c, tok_bytes *to) {
    size_t n = tok_step(s.p + at, s.p + s.n, c);
    tok_source(to, s.p + at, n);
    return n;
}

/* --- normal forms (UAX 15) -------------------------------------------------------------------- */

/* Characters as numbers, and room to put them in order. */
typedef struct wide {
    utf8proc_int32_t *p, *other;
    size_t n, room, other_room;
} wide;

/* A character's decomposition. */
static void put_decomposed(wide *w, uint32_t c, utf8proc_option_t options) {
    int last = 0;
    enum { MOST = 32 }; // the longest is of 18
    if (!mx_grow(&w->p, &w->room, w->n + MOST, sizeof *w->p))
        return;
    utf8proc_ssize_t n =
        utf8proc_decompose_char((utf8proc_int32_t)c, w->p + w->n, MOST, options, &last);
    if (n > 0 && n <= MOST)
        w->n += (size_t)n;
}

static int class_of(utf8proc_int32_t c) {
    return utf8proc_get_property(c)->combining_class;
}

static void order_few(utf8proc_int32_t *p, size_t n) {
    for (size_t i = 1; i < n; i++) {
        utf8proc_int32_t c = p[i];
        size_t k = i;
        for (; k && class_of(p[k - 1]) > class_of(c); k--)
            p[k] = p[k - 1];
        p[k] = c;
    }
}

/* By a count of classes, so that a text of marks alone takes no longer than another. */
static void order_many(utf8proc_int32_t *p, size_t n, wide *w) {
    size_t begin[257] = {0};
    if (!mx_grow(&w->other, &w->other_room, n, sizeof *w->other))
        return;
    for (size_t i = 0; i < n; i++)
        begin[class_of(p[i]) + 1]++;
    for (int k = 0; k < 256; k++)
        begin[k + 1] += begin[k];
    for (size_t i = 0; i < n; i++)
        w->other[begin[class_of(p[i])]++] = p[i];
    memcpy(p, w->other, n * sizeof *p);
}

/* Marks by class, those of one class in their order. */
static void order_all(wide *w) {
    enum { FEW = 16 };
    for (size_t i = 0, from; i < w->n;) {
        for (from = i; i < w->n && class_of(w->p[i]);)
            i++;
        if (i - from <= FEW)
            order_few(w->p + from, i - from);
        else
            order_many(w->p + from, i - from, w);
        i += i < w->n;
    }
}

static void put_form(tok_text from, int form, wide *w, tok_bytes *to) {
    uint32_t c;
    w->n = 0;
    for (size_t at = 0; at < from.n;) {
        at += tok_step(from.p + at, from.p + from.n, &c);
        put_decomposed(w, c, (utf8proc_option_t)(UTF8PROC_DECOMPOSE | (form & UTF8PROC_COMPAT)));
    }
    order_all(w);
    utf8proc_ssize_t n = (utf8proc_ssize_t)w->n;
    if (n && form & UTF8PROC_COMPOSE)
        n = utf8proc_normalize_utf32(w->p, n, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    for (utf8proc_ssize_t i = 0; i < n; i++)
        tok_put_char(to, (uint32_t)w->p[i]);
}

static void put_form_alone(tok_text s, int form, wide *w, tok_bytes *to) {
    uint32_t c;
    for (size_t i = 0, k; i < s.n; i += k) {
        k = tok_step(s.p + i, s.p + s.n, &c);
        tok_source(to, s.p + i, k);
        put_form((tok_text){s.p + i, k}, form, w, to);
    }
}

/* Characters that the source has, too, stand for those there; others for the next ones. */
static void put_matching(tok_text s, tok_text whole, tok_bytes *to) {
    enum { NEAR = 64 }; // a cluster may be as long as a text
    uint32_t c;
    size_t at = 0;
    for (size_t i = 0, k; i < whole.n; i += k) {
        k = tok_step(whole.p + i, whole.p + whole.n, &c);
        const char *same = memmem(s.p + at, s.n - at < NEAR ? s.n - at : NEAR, whole.p + i, k);
        at = same ? (size_t)(same - s.p) : at;
        size_t n = at < s.n ? tok_step(s.p + at, s.p + s.n, &c) : 0;
        tok_source(to, s.p + at, n);
        tok_put(to, whole.p + i, k);
        at = at + n < s.n ? at + n : at;
    }
}

/* Cluster by cluster, so that it is known what stands for what. */
static void put_form_tracked(tok_text from, int form, wide *w, tok_bytes *to) {
    tok_bytes whole = {0}, apart = {0};
    for (size_t at = 0, n; at < from.n; at += n) {
        tok_text s = {from.p + at, n = tok_cluster(from.p + at, from.n - at)};
        whole.n = apart.n = 0;
        put_form(s, form, w, &whole);
        put_form_alone(s, form, w, &apart);
        if (whole.n == apart.n && !memcmp(whole.p, apart.p, whole.n))
            put_form_alone(s, form, w, to);
        else
            put_matching(s, (tok_text){whole.p, whole.n}, to);
    }
    tok_free(&whole);
    tok_free(&apart);
}

/* The next byte of a character that may change, or compose with the one before: what is below
   U+0300 is composed as it stands, and ASCII is in all forms. */
static size_t next_open(tok_text s, size_t at, int form) {
    unsigned char low = (form & UTF8PROC_COMPOSE) && !(form & UTF8PROC_COMPAT) ? 0xCC : 0x80;
    while (at < s.n && (unsigned char)s.p[at] < low)
        at++;
    return at;
}

/* Runs of other characters, each with the character before it, up to the next of ASCII. */
void tok_put_form(tok_text from, int form, tok_bytes *to) {
    wide w = {0};
    for (size_t at = 0, end; at < from.n; at = end) {
        size_t begin = end = next_open(from, at, form);
        if (begin > at && begin < from.n)
            do
                begin--;
            while ((from.p[begin] & 0xC0) == 0x80);
        tok_put(to, from.p + at, begin - at);
        while (end < from.n && (from.p[end] & 0x80))
            end++;
        (to->track ? put_form_tracked : put_form)((tok_text){from.p + begin, end - begin}, form, &w,
                                                  to);
    }
    mx_free(w.p);
    mx_free(w.other);
}

void tok_normal_form(const tok_normal *self, tok_text from, tok_bytes *to) {
    tok_put_form(from, self->form, to);
}

/* --- characters ------------------------------------------------------------------------------- */

/* Bytes from `at` on that are printable ASCII. */
static size_t printable(tok_text s, size_t at) {
    size_t i = at;
    while (i < s.n && (unsigned char)(s.p[i] - ' ') < 0x7F - ' ')
        i++;
    return i - at;
}

static void put_lower(tok_bytes *to, uint32_t c) {
    if (c == 0x130) // the one that becomes two
        tok_put(to, "i\xCC\x87", 3);
    else
        tok_put_char(to, (uint32_t)utf8proc_tolower((utf8proc_int32_t)c));
}

void tok_normal_lower(const tok_normal *self, tok_text from, tok_bytes *to) {
    uint32_t c;
    (void)self;
    EACH(from, c, to) {
        size_t n = printable(from, at_);
        if (!n) {
            put_lower(to, c);
            continue;
        }
        size_t begin = to->n;
        tok_put(to, from.p + at_, k_ = n);
        for (size_t i = begin; i < to->n; i++)
            to->p[i] = (char)(to->p[i] | ((unsigned char)(to->p[i] - 'A') < 26 ? 0x20 : 0));
    }
}

void tok_normal_strip(const tok_normal *self, tok_text from, tok_bytes *to) {
    size_t low = 0, high = from.n;
    uint32_t c;
    for (size_t k; self->left && low < high &&
                   (k = tok_step(from.p + low, from.p + high, &c), tok_is_space(c));)
        low += k;
    while (self->right && high > low && tok_is_space(tok_before(from.p + low, from.p + high)))
        do
            high--;
        while ((from.p[high] & 0xC0) == 0x80);
    tok_put(to, from.p + low, high - low);
}

void tok_normal_accents(const tok_normal *self, tok_text from, tok_bytes *to) {
    uint32_t c;
    (void)self;
    EACH(from, c, to) if (!tok_is_mark(c)) tok_put_char(to, c);
}

void tok_normal_prepend(const tok_normal *self, tok_text from, tok_bytes *to) {
    if (from.n) {
        tok_source_first(to, from.p, from.n);
        tok_put(to, self->text.p, self->text.n);
    }
    tok_put(to, from.p, from.n);
}

void tok_normal_replace(const tok_normal *self, tok_text from, tok_bytes *to) {
    tok_replace(self->pattern, self->text, from, to);
}

void tok_normal_bytes(const tok_normal *self, tok_text from, tok_bytes *to) {
    uint32_t c;
    (void)self;
    EACH(from, c, to)
    for (size_t i = 0; i < k_; i++)
        tok_put_char(to, tok_char_of_byte((unsigned char)from.p[at_ + i]));
}

/* Control characters go, what separates becomes a space: as the normalizer of nmt does. */
static bool is_nmt_control(uint32_t c) {
    return (c >= 1 && c <= 8) || c == 11 || (c >= 14 && c <= 31) || c == 0x7F || c == 0x8F ||
           c == 0x9F;
}

static bool is_nmt_space(uint32_t c) {
    return c == 9 || c == 10 || c == 12 || c == 13 || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
           c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
}

void tok_normal_nmt(const tok_normal *self, tok_text from, tok_bytes *to) {
    uint32_t c;
    (void)self;
    EACH(from, c, to) if (!is_nmt_control(c)) tok_put_char(to, is_nmt_space(c) ? ' ' : c);
}

/* --- BERT (Devlin et al. 2019) ---------------------------------------------------------------- */

static bool is_control(uint32_t c) {
    utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
    return c != '\t' && c != '\n' && c != '\r' && k >= UTF8PROC_CATEGORY_CC &&
           k <= UTF8PROC_CATEGORY_CO;
}

void tok_normal_bert_clean(const tok_normal *self, tok_text from, tok_bytes *to) {
    uint32_t c;
    (void)self;
    EACH(from, c, to) {
        size_t n = printable(from, at_);
        if (n)
            tok_put(to, from.p + at_, k_ = n);
        else if (c && c != 0xFFFD && !is_control(c))
            tok_put_char(to, tok_is_space(c) ? ' ' : c);
    }
}

void tok_normal_bert_han(const tok_normal *self, tok_text from, tok_bytes *to) {
    uint32_t c;
    (void)self;
    EACH(from, c, to) {
        size_t n = printable(from, at_);
        if (n) {
            tok_put(to, from.p + at_, k_ = n);
            continue;
        }
        bool han = tok_is_han(c);
        tok_put(to, " ", han);
        tok_put_char(to, c);
        tok_put(to, " ", han);
    }
}

void tok_normal_nonspacing(const tok_normal *self, tok_text from, tok_bytes *to) {
    uint32_t c;
    (void)self;
    EACH(from, c, to) {
        size_t n = printable(from, at_);
        if (n)
            tok_put(to, from.p + at_, k_ = n);
        else if (!tok_is_nonspacing(c))
            tok_put_char(to, c);
    }
}
