/* Sequences in files.
 *
 *     header       128 bytes, below
 *     tokens       int32, `length` of them, up to a multiple of 64 bytes
 *     pages        page_bytes each, as they lie in memory
 *     state        state_bytes
 *
 * Numbers are little-endian. A file is for one model, of which it has a mark (mark.h).
 */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/status.h"
#include "models/direct/mark.h"
#include "models/direct/pages.h"

enum { VERSION = 4 };
static const char magic[8] = "mlxtext";

typedef struct header {
    char magic[8];
    uint32_t version, bits;
    uint64_t model; /* its mark */
    uint64_t page_bytes, state_bytes;
    uint64_t length;
    uint64_t data; /* a hash of all that stands behind the header */
    uint64_t zero[8];
    uint64_t check; /* of what stands before */
} header;

_Static_assert(sizeof(header) == 128, "a header has 128 bytes");

/* --- marks ------------------------------------------------------------------------------------ */

/* Found once: it reads all weights. */
static uint64_t mark_of(mx_cache *c) {
    if (!c->mark) {
        const uint64_t sizes[] = {c->page_bytes, c->state_bytes};
        c->mark = mx_hash(mx_decoder_mark(c->decoder), sizes, sizeof sizes) | 1;
    }
    return c->mark;
}

static uint64_t check_of(const header *h) {
    return mx_hash(mx_hash_begin(), h, offsetof(header, check));
}

static uint64_t token_bytes(uint64_t length) {
    return (length * 4 + 63) / 64 * 64;
}

/* --- saving ----------------------------------------------------------------------------------- */

/* What is behind the header goes to a writer, or where there is none into a hash, piece by piece.
 */
typedef struct sink {
    mx_writer *w;
    uint64_t hash;
} sink;

static bool put(sink *k, const void *bytes, size_t n) {
    if (k->w)
        return mx_writer_put(k->w, bytes, n);
    k->hash = mx_hash(k->hash, bytes, n);
    return true;
}

/* A page's tokens at a time; the last are followed by zeros. */
static bool put_tokens(sink *k, const mx_sequence *s) {
    for (int64_t i = 0; i < s->length; i += MX_PAGE) {
        int32_t token[MX_PAGE] = {0};
        int64_t n = s->length - i < MX_PAGE ? s->length - i : MX_PAGE;
        for (int64_t at = 0; at < n; at++)
            token[at] = mx_sequence_token(s, i + at);
        if (!put(k, token, (size_t)token_bytes((uint64_t)n)))
            return false;
    }
    return true;
}

static bool put_data(sink *k, const mx_sequence *s) {
    const mx_cache *c = s->cache;
    bool ok = put_tokens(k, s);
    for (int64_t i = 0; ok && i * MX_PAGE < s->length; i++)
        ok = put(k, s->page[i]->data, c->page_bytes);
    return ok && (!c->state_bytes || put(k, s->state[0], c->state_bytes));
}

static bool put_all(mx_writer *w, const mx_sequence *s) {
    mx_cache *c = s->cache;
    sink hashed = {NULL, mx_hash_begin()}, written = {w, 0};
    put_data(&hashed, s);
    header h = {.version = VERSION, .bits = (uint32_t)c->bits, .model = mark_of(c)};
    memcpy(h.magic, magic, sizeof magic);
    h.page_bytes = c->page_bytes;
    h.state_bytes = c->state_bytes;
    h.length = (uint64_t)s->length;
    h.data = hashed.hash;
    h.check = check_of(&h);
    return mx_writer_put(w, &h, sizeof h) && put_data(&written, s);
}

bool mx_sequence_save(const mx_sequence *s, const char *path) {
    mx_writer *w = mx_writer_open("cache", path);
    if (!w)
        return false;
    mx_writer_heed(w);
    if (put_all(w, s))
        return mx_writer_commit(w);
    mx_writer_abandon(w);
    return false;
}

/* --- loading ---------------------------------------------------------------------------------- */

static bool fail_file(const char *path, const char *why) {
    return mx_fail(MX_FORMAT, "[cache] '%s' %s", path, why);
}

/* Does the header fit the file and this cache? */
static bool check_header(mx_cache *c, const header *h, size_t size, const char *path) {
    if (memcmp(h->magic, magic, sizeof magic) != 0)
        return fail_file(path, "holds no text of a language model");
    if (h->version != VERSION)
        return fail_file(path, "is of another version of this library");
    if (h->check != check_of(h))
        return fail_file(path, "has a header that was changed");
    if (h->bits != (uint32_t)c->bits)
        return fail_file(path, "has keys and values of other bits (kv_bits)");
    if (h->model != mark_of(c) || h->page_bytes != c->page_bytes ||
        h->state_bytes != c->state_bytes)
        return fail_file(path, "is a text of another model, or of another adapter");
    if (h->length > INT32_MAX)
        return fail_file(path, "has a length that no text has");
    uint64_t pages = (h->length + MX_PAGE - 1) / MX_PAGE, bytes;
    if (__builtin_mul_overflow(pages, h->page_bytes, &bytes) ||
        size != sizeof *h + token_bytes(h->length) + bytes + h->state_bytes)
        return fail_file(path, "is shorter or longer than it says");
    return true;
}

/* In the pieces in which it was saved. */
static bool check_data(const mx_cache *c, const header *h, const unsigned char *p,
                       const char *path) {
    uint64_t sum = mx_hash_begin(), tokens = token_bytes(h->length);
    for (uint64_t at = 0; at < tokens; at += MX_PAGE * 4)
        sum = mx_hash(sum, p + at, tokens - at < MX_PAGE * 4 ? tokens - at : MX_PAGE * 4);
    p += tokens;
    for (uint64_t i = 0; i * MX_PAGE < h->length; i++, p += c->page_bytes)
        sum = mx_hash(sum, p, c->page_bytes);
    if (c->state_bytes)
        sum = mx_hash(sum, p, c->state_bytes);
    return sum == h->data || fail_file(path, "was changed: its sum is another");
}

static bool check_tokens(const mx_cache *c, const int32_t *token, uint64_t n, const char *path) {
    for (uint64_t i = 0; i < n; i++)
        if (token[i] < 0 || token[i] >= c->decoder->embedding.out)
            return fail_file(path, "has a token that the model has not");
    return true;
}

static bool take_room(mx_sequence *s, uint64_t length) {
    bool full = false;
    if (mx_sequence_reserve(s, (int64_t)length, &full))
        return true;
    if (full)
        mx_fail(MX_NOMEM, "[cache] no room for a text of %llu tokens", (unsigned long long)length);
    return false;
}

static const int32_t *tokens_of(const mx_mapped *m) {
    return (const int32_t *)(const void *)(m->data + sizeof(header));
}

/* All but the tokens, which make a text that others find. */
static bool fill(mx_sequence *s, const header *h, const mx_mapped *m, const char *path) {
    mx_cache *c = s->cache;
    const unsigned char *data = m->data + sizeof *h, *pages = data + token_bytes(h->length);
    if (!check_data(c, h, data, path) || !check_tokens(c, tokens_of(m), h->length, path) ||
        !take_room(s, h->length))
        return false;
    for (int64_t i = 0; i < s->pages; i++)
        memcpy(s->page[i]->data, pages + (size_t)i * c->page_bytes, c->page_bytes);
    if (c->state_bytes)
        memcpy(s->state[1], pages + (size_t)s->pages * c->page_bytes, c->state_bytes);
    return true;
}

static mx_sequence *read_mapped(mx_cache *c, const mx_file *f, const mx_mapped *m) {
    const char *path = mx_file_path(f);
    header h;
    if (m->size < sizeof h) {
        fail_file(path, "holds no text of a language model");
        return NULL;
    }
    memcpy(&h, m->data, sizeof h);
    mx_sequence *s =
        check_header(c, &h, m->size, path) ? mx_sequence_begin(c, NULL, (int64_t)h.length) : NULL;
    // what was cut short meanwhile has been read as zeros
    if (!s || !fill(s, &h, m, path) || !mx_file_check(f)) {
        mx_sequence_end(s);
        return NULL;
    }
    mx_sequence_commit(s, tokens_of(m), (int64_t)h.length);
    return s;
}

mx_sequence *mx_sequence_load(mx_cache *c, const char *path) {
    mx_file *f = mx_file_open("cache", path);
    mx_mapped m;
    if (!f)
        return NULL;
    mx_sequence *s = NULL;
    if (mx_file_map(f, &m)) {
        s = read_mapped(c, f, &m);
        mx_file_unmap(&m);
    }
    mx_file_close(f);
    return s;
}
