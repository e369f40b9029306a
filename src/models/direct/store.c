/* Sequences in files.
 *
 *     header       64 bytes, below
 *     tokens       int32, `length` of them, up to a multiple of 64 bytes
 *     pages        page_bytes each, as they lie in memory
 *     state        state_bytes
 *
 * Numbers are little-endian. A file is for one model, of which it has a mark: sizes, and a hash of
 * some of the weights.
 */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/status.h"
#include "models/direct/pages.h"

enum { VERSION = 1, SAMPLE = 4096 };
static const char magic[8] = "mlxtext";

typedef struct header {
    char magic[8];
    uint32_t version, bits;
    uint64_t model; /* its mark */
    uint64_t page_bytes, state_bytes;
    uint64_t length;
    uint64_t pure;  /* positions from here on are as no other text has them */
    uint64_t check; /* of what stands before */
} header;

/* --- marks ------------------------------------------------------------------------------------ */

/* FNV-1a. */
static uint64_t hash(uint64_t h, const void *bytes, size_t n) {
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

static uint64_t hash_array(uint64_t h, const mx_array *a) {
    if (!a)
        return h;
    size_t bytes = (size_t)a->size * mx_itemsize(a);
    return hash(hash(h, &a->size, sizeof a->size), a->data, bytes < SAMPLE ? bytes : SAMPLE);
}

static uint64_t mark_of(const mx_cache *c) {
    const mx_decoder *d = c->decoder;
    uint64_t h = hash(0xcbf29ce484222325u, d->family->name, strlen(d->family->name));
    const int64_t sizes[] = {d->hidden, d->vocabulary, d->layers, (int64_t)c->page_bytes,
                             (int64_t)c->state_bytes};
    h = hash(h, sizes, sizeof sizes);
    h = hash_array(hash_array(h, d->embedding.words), d->final_norm.weight);
    for (int64_t i = 0; i < d->layers; i++) {
        h = hash_array(h, d->layer[i].attention.output.words);
        h = hash_array(h, d->layer[i].feed.down.words);
    }
    return h;
}

static uint64_t check_of(const header *h) {
    return hash(0xcbf29ce484222325u, h, offsetof(header, check));
}

static uint64_t token_bytes(uint64_t length) {
    return (length * 4 + 63) / 64 * 64;
}

/* --- saving ----------------------------------------------------------------------------------- */

static bool put_tokens(mx_writer *w, const mx_sequence *s) {
    static const char zeros[64];
    for (int64_t i = 0; i < s->length; i++) {
        int32_t t = mx_sequence_token(s, i);
        if (!mx_writer_put(w, &t, sizeof t))
            return false;
    }
    uint64_t length = (uint64_t)s->length;
    return mx_writer_put(w, zeros, (size_t)(token_bytes(length) - length * 4));
}

static bool put_all(mx_writer *w, const mx_sequence *s) {
    const mx_cache *c = s->cache;
    header h = {.version = VERSION, .bits = (uint32_t)c->bits, .model = mark_of(c)};
    memcpy(h.magic, magic, sizeof magic);
    h.page_bytes = c->page_bytes;
    h.state_bytes = c->state_bytes;
    h.length = (uint64_t)s->length;
    h.pure = (uint64_t)(s->pure < s->length ? s->pure : s->length);
    h.check = check_of(&h);
    bool ok = mx_writer_put(w, &h, sizeof h) && put_tokens(w, s);
    for (int64_t i = 0; ok && i * MX_PAGE < s->length; i++)
        ok = mx_writer_put(w, s->page[i]->data, c->page_bytes);
    return ok && (!c->state_bytes || mx_writer_put(w, s->state[0], c->state_bytes));
}

bool mx_sequence_save(const mx_sequence *s, const char *path) {
    mx_writer *w = mx_writer_open("cache", path);
    if (!w)
        return false;
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
static bool check_header(const mx_cache *c, const header *h, size_t size, const char *path) {
    if (memcmp(h->magic, magic, sizeof magic) != 0 || h->check != check_of(h))
        return fail_file(path, "holds no text of a language model");
    if (h->version != VERSION)
        return fail_file(path, "is of another version");
    if (h->model != mark_of(c) || h->page_bytes != c->page_bytes ||
        h->state_bytes != c->state_bytes)
        return fail_file(path, "is a text of another model");
    if (h->bits != (uint32_t)c->bits)
        return fail_file(path, "has keys and values of other bits");
    if (h->length > INT32_MAX || h->pure > h->length)
        return fail_file(path, "has a length that no text has");
    uint64_t pages = (h->length + MX_PAGE - 1) / MX_PAGE, bytes;
    if (__builtin_mul_overflow(pages, h->page_bytes, &bytes) ||
        size != sizeof *h + token_bytes(h->length) + bytes + h->state_bytes)
        return fail_file(path, "is shorter or longer than it says");
    return true;
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

static bool fill(mx_sequence *s, const header *h, const unsigned char *data, const char *path) {
    mx_cache *c = s->cache;
    const int32_t *token = (const int32_t *)(const void *)(data + sizeof *h);
    const unsigned char *pages = data + sizeof *h + token_bytes(h->length);
    if (!check_tokens(c, token, h->length, path) || !take_room(s, h->length))
        return false;
    for (int64_t i = 0; i < s->pages; i++)
        memcpy(s->page[i]->data, pages + (size_t)i * c->page_bytes, c->page_bytes);
    if (c->state_bytes)
        memcpy(s->state[1], pages + (size_t)s->pages * c->page_bytes, c->state_bytes);
    s->pure = h->pure < h->length ? (int64_t)h->pure : INT64_MAX;
    mx_sequence_commit(s, token, (int64_t)h->length);
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
    if (s && fill(s, &h, m->data, path) && mx_file_check(f))
        return s;
    mx_sequence_end(s);
    return NULL;
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
