/* Bytes and characters: see text.h. */
#include "models/tokenizer/text.h"

#include <pthread.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"

/* --- bytes ------------------------------------------------------------------------------------ */

static bool too_long(const tok_bytes *b) {
    if (!b->most || b->most >= TOK_MOST_TEXT)
        return mx_fail(MX_RANGE, "[tokenizer] the text has or becomes more than 1 GB");
    return mx_fail(MX_RANGE,
                   "[tokenizer] a text becomes more than %d times as long when it is "
                   "normalized: %zu bytes are the limit here",
                   TOK_MOST_GROWTH, b->most);
}

bool tok_room(tok_bytes *b, size_t more) {
    if (b->room - b->n >= more)
        return true;
    if (b->n + more > (b->most ? b->most : TOK_MOST_TEXT))
        return too_long(b);
    return mx_grow(&b->p, &b->room, b->n + more, 1);
}

/* A character of the source. */
static mx_token_span span_at(const tok_track *k, size_t at) {
    uint32_t c;
    size_t n = tok_step(k->source + at, k->source + k->source_n, &c);
    return k->below ? (mx_token_span){k->below[at].from, k->below[at + n - 1].to}
                    : (mx_token_span){(uint32_t)at, (uint32_t)(at + n)};
}

/* That of the next character of something else. */
static mx_token_span next_span(tok_track *k) {
    uint32_t c;
    if (k->at == k->end) { // nothing, somewhere
        uint32_t to = !k->at ? 0 : k->below ? k->below[k->at - 1].to : (uint32_t)k->at;
        return (mx_token_span){to, to};
    }
    mx_token_span s = span_at(k, k->at);
    size_t next = k->at + tok_step(k->source + k->at, k->source + k->end, &c);
    k->at = next < k->end ? next : k->at;
    return s;
}

/* n bytes at p were put. */
static void follow(tok_bytes *b, const char *p, size_t n) {
    tok_track *k = b->track;
    uint32_t c;
    size_t begin = b->n - n;
    bool own = p >= k->source && p < k->source + k->source_n;
    if (!mx_grow(&k->span, &k->room, b->n, sizeof *k->span))
        return;
    for (size_t i = 0, length; i < n; i += length) {
        length = tok_step(p + i, p + n, &c);
        mx_token_span s = own ? span_at(k, (size_t)(p - k->source) + i) : next_span(k);
        for (size_t j = 0; j < length; j++)
            k->span[begin + i + j] = s;
    }
}

void tok_begin(tok_bytes *b, const char *p, size_t n, const mx_token_span *below) {
    b->n = 0;
    if (!b->track)
        return;
    b->track->source = p;
    b->track->source_n = n;
    b->track->below = below;
    b->track->at = b->track->end = 0;
}

void tok_bound(tok_bytes *b, size_t n) {
    size_t most = n < TOK_MOST_TEXT / TOK_MOST_GROWTH ? n * TOK_MOST_GROWTH : TOK_MOST_TEXT;
    b->most = most + TOK_FREE_GROWTH < TOK_MOST_TEXT ? most + TOK_FREE_GROWTH : TOK_MOST_TEXT;
}

bool tok_is_bounded(tok_bytes *b) {
    bool ok = b->n <= b->most || (!mx_failed() && too_long(b));
    b->most = 0;
    return ok && !mx_failed();
}

void tok_name_source(tok_bytes *b, const char *p, size_t n) {
    b->track->at = (size_t)(p - b->track->source);
    b->track->end = b->track->at + n;
}

void tok_source_first(tok_bytes *b, const char *p, size_t n) {
    uint32_t c;
    if (b->track)
        tok_name_source(b, p, tok_step(p, p + n, &c));
}

void tok_put(tok_bytes *b, const char *p, size_t n) {
    if (!n || !tok_room(b, n))
        return;
    memcpy(b->p + b->n, p, n);
    b->n += n;
    if (b->track)
        follow(b, p, n);
}

void tok_put_char(tok_bytes *b, uint32_t c) {
    if (!tok_room(b, 4))
        return;
    char *p = b->p + b->n;
    size_t n = (size_t)utf8proc_encode_char((utf8proc_int32_t)c, (utf8proc_uint8_t *)p);
    b->n += n;
    if (b->track)
        follow(b, p, n);
}

void tok_free(tok_bytes *b) {
    mx_free(b->p);
    *b = (tok_bytes){0};
}

/* --- UTF-8 ------------------------------------------------------------------------------------ */

enum { REPLACEMENT = 0xFFFD };

static bool follows(unsigned char c) {
    return (c & 0xC0) == 0x80;
}

/* What the first byte says: the length, and which second bytes may follow (Unicode, table 3-7). */
static size_t lead(unsigned char c, unsigned char *low, unsigned char *high) {
    *low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    *high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    return c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
}

/* How many of the bytes are as they should be: `length` of them are a character. */
static size_t good(const unsigned char *p, size_t have, size_t *length) {
    unsigned char low, high;
    *length = lead(*p, &low, &high);
    size_t n = 1;
    if (n < *length && n < have && p[1] >= low && p[1] <= high)
        for (n = 2; n < *length && n < have && follows(p[n]);)
            n++;
    return n;
}

size_t tok_step_any(const char *text, const char *end, uint32_t *c) {
    const unsigned char *p = (const unsigned char *)text;
    size_t have = (size_t)(end - text), length, n;
    if (*p < 0x80)
        return *c = *p, 1;
    n = good(p, have, &length);
    if (n != length)
        return *c = REPLACEMENT, n;
    uint32_t v = *p & (0x7FU >> length);
    for (size_t i = 1; i < n; i++)
        v = v << 6 | (p[i] & 0x3F);
    return *c = v, n;
}

uint32_t tok_before(const char *begin, const char *p) {
    const char *at = p - 1;
    while (at > begin && p - at < 4 && follows((unsigned char)*at))
        at--;
    uint32_t c;
    tok_step(at, p, &c);
    return c;
}

/* Bytes at the beginning that are ASCII. */
static size_t ascii(const char *p, size_t n) {
    size_t i = 0;
    for (uint64_t w; i + 8 <= n; i += 8) {
        memcpy(&w, p + i, 8);
        if (w & 0x8080808080808080U)
            break;
    }
    while (i < n && !(p[i] & 0x80))
        i++;
    return i;
}

/* Bytes at the beginning that are valid. */
static size_t valid(const char *p, size_t n) {
    size_t i = 0, length, g;
    uint32_t c;
    while ((i += ascii(p + i, n - i)) < n) {
        g = tok_step_usual(p + i, n - i, &c);
        if (!g && (g = good((const unsigned char *)p + i, n - i, &length)) != length)
            break;
        i += g;
    }
    return i;
}

size_t tok_cluster(const char *p, size_t n) {
    utf8proc_int32_t state = 0;
    uint32_t c, next;
    size_t end = tok_step(p, p + n, &c);
    for (size_t k; end < n; end += k, c = next) {
        k = tok_step(p + end, p + n, &next);
        if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)c, (utf8proc_int32_t)next, &state))
            break;
    }
    return end;
}

bool tok_is_valid(const char *p, size_t n) {
    return valid(p, n) == n;
}

size_t tok_open_end(const char *p, size_t n) {
    size_t length;
    for (size_t k = 1; k <= 3 && k <= n; k++) {
        const unsigned char *at = (const unsigned char *)p + n - k;
        if (follows(*at))
            continue;
        return good(at, k, &length) == k && length > k ? k : 0;
    }
    return 0;
}

tok_text tok_clean(const char *p, size_t n, tok_bytes *room) {
    size_t ok = valid(p, n);
    if (ok == n && !room->track)
        return (tok_text){p, n};
    tok_begin(room, p, n, NULL);
    for (size_t i = 0; i < n; ok = valid(p + i, n - i)) {
        uint32_t c;
        tok_put(room, p + i, ok);
        i += ok;
        if (i == n)
            break;
        size_t bad = tok_step(p + i, p + n, &c);
        tok_source(room, p + i, bad);
        tok_put_char(room, c);
        i += bad;
    }
    return (tok_text){room->p ? room->p : "", room->n};
}

/* --- kinds of characters ---------------------------------------------------------------------- */

static utf8proc_category_t category(uint32_t c) {
    return utf8proc_category((utf8proc_int32_t)c);
}

bool tok_is_space(uint32_t c) {
    if (c < 0x80)
        return c == ' ' || (c >= 9 && c <= 13);
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static bool is_between(utf8proc_category_t x, utf8proc_category_t low, utf8proc_category_t high) {
    return x >= low && x <= high;
}

/* Letters in circles and squares, which are symbols by category (Other_Alphabetic). */
static bool is_enclosed(uint32_t c) {
    return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
           (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
}

bool tok_is_word(uint32_t c) {
    utf8proc_category_t x = category(c);
    return is_between(x, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_NL) || x == UTF8PROC_CATEGORY_PC ||
           c == 0x200C || c == 0x200D || is_enclosed(c);
}

bool tok_is_punct(uint32_t c) {
    if (c < 0x80)
        return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
               (c >= 123 && c <= 126);
    return is_between(category(c), UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO);
}

bool tok_is_numeric(uint32_t c) {
    return is_between(category(c), UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO);
}

bool tok_is_mark(uint32_t c) {
    return is_between(category(c), UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_ME);
}

bool tok_is_nonspacing(uint32_t c) {
    return category(c) == UTF8PROC_CATEGORY_MN;
}

bool tok_is_han(uint32_t c) {
    static const uint32_t blocks[][2] = {{0x4E00, 0x9FFF},   {0x3400, 0x4DBF},   {0x20000, 0x2A6DF},
                                         {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF},
                                         {0xF900, 0xFAFF},   {0x2F800, 0x2FA1F}};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (c >= blocks[i][0] && c <= blocks[i][1])
            return true;
    return false;
}

const unsigned char tok_ascii_class[128] = {
    ['\t' ... '\r'] = TOK_SPACE, [' '] = TOK_SPACE,          ['0' ... '9'] = TOK_NUMBER,
    ['A' ... 'Z'] = TOK_LETTER,  ['a' ... 'z'] = TOK_LETTER,
};

static tok_class find_class(uint32_t c) {
    if (tok_is_space(c))
        return TOK_SPACE;
    utf8proc_category_t x = category(c);
    return is_between(x, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO)   ? TOK_LETTER
           : is_between(x, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO) ? TOK_NUMBER
                                                                       : TOK_OTHER;
}

/* Of characters of up to three bytes, two bits each. */
static uint8_t classes[0x10000 / 4];

static void fill_classes(void) {
    for (uint32_t c = 0x80; c < 0x10000; c++)
        classes[c / 4] |= (uint8_t)(find_class(c) << c % 4 * 2);
}

tok_class tok_class_of(uint32_t c) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (c < 0x80)
        return tok_ascii_class[c];
    if (c >= 0x10000)
        return find_class(c);
    pthread_once(&once, fill_classes);
    return (tok_class)(classes[c / 4] >> c % 4 * 2 & 3);
}
