/* Arrays of arrays of a GGUF file's metadata that are no table of numbers: of several lengths or
 * types, or of texts. They are kept as they lie, to be written again, and as a text in JSON, to be
 * shown. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "io/gguf/gguf.h"

typedef struct walk {
    mx_source *s;
    size_t at;
    bool swapped;
    mx_text bytes, json;
    uint64_t left[GGUF_MAX_NESTING]; /* arrays that are to come on each level */
    int level;
} walk;

/* `size` bytes as an integer, little-endian from here on. */
static bool take(walk *w, size_t size, uint64_t *v) {
    unsigned char b[8] = {0};
    if (!mx_source_get(w->s, w->at, size, "an array of the metadata"))
        return false;
    for (size_t i = 0; i < size; i++)
        b[i] = w->s->data[w->at + (w->swapped ? size - 1 - i : i)];
    w->at += size;
    *v = mx_le64(b);
    mx_text_put(&w->bytes, (const char *)b, size);
    return true;
}

static void write_float(mx_text *t, double v, bool narrow) {
    if (!isfinite(v))
        mx_text_str(t, isnan(v) ? "\"nan\"" : v > 0 ? "\"inf\"" : "\"-inf\"");
    else if (narrow)
        mx_text_f32(t, (float)v);
    else
        mx_text_f64(t, v);
}

static void write_number(mx_text *t, mx_dtype d, uint64_t v) {
    float f;
    double x;
    unsigned unused = 64 - 8 * (unsigned)mx_dtype_size(d);
    memcpy(&f, &(uint32_t){(uint32_t)v}, sizeof f);
    memcpy(&x, &v, sizeof x);
    if (d == MX_FLOAT32)
        write_float(t, (double)f, true);
    else if (d == MX_FLOAT64)
        write_float(t, x, false);
    else if (d == MX_BOOL)
        mx_text_str(t, v ? "true" : "false");
    else if (d == MX_INT8 || d == MX_INT16 || d == MX_INT32 || d == MX_INT64)
        mx_text_add(t, "%lld", (long long)((int64_t)(v << unused) >> unused));
    else
        mx_text_add(t, "%llu", (unsigned long long)v);
}

static void write_text(mx_text *t, const unsigned char *p, size_t n) {
    mx_text_str(t, "\"");
    for (size_t i = 0; i < n; i++)
        if (p[i] < 32 || p[i] == '"' || p[i] == '\\')
            mx_text_add(t, "\\u%04x", p[i]);
        else
            mx_text_put(t, (const char *)p + i, 1);
    mx_text_str(t, "\"");
}

static bool take_text(walk *w) {
    uint64_t n;
    if (!take(w, 8, &n) || !mx_source_get(w->s, w->at, n, "a string of the metadata"))
        return false;
    mx_text_put(&w->bytes, (const char *)w->s->data + w->at, (size_t)n);
    write_text(&w->json, w->s->data + w->at, (size_t)n);
    w->at += (size_t)n;
    return true;
}

static bool take_number(walk *w, mx_dtype d) {
    uint64_t v;
    if (!take(w, mx_dtype_size(d), &v))
        return false;
    write_number(&w->json, d, v);
    return d != MX_BOOL || v < 2 ||
           mx_source_fail(w->s, w->at - 1, "%u is not a boolean", (unsigned)v);
}

static bool take_items(walk *w, mx_dtype d, uint64_t n) {
    bool ok = true;
    mx_text_str(&w->json, "[");
    for (uint64_t i = 0; ok && i < n; i++) {
        mx_text_str(&w->json, i ? ", " : "");
        ok = d == MX_DTYPE_COUNT ? take_text(w) : take_number(w, d);
    }
    mx_text_str(&w->json, "]");
    return ok;
}

static bool descend(walk *w, uint64_t n) {
    if (++w->level == GGUF_MAX_NESTING)
        return mx_source_fail(w->s, w->at, "arrays of the metadata are nested more than %d deep",
                              GGUF_MAX_NESTING);
    w->left[w->level] = n;
    mx_text_str(&w->json, "[");
    return true;
}

/* The next array of the level: a head, and items or a level more. */
static bool take_array(walk *w) {
    uint64_t type, n;
    size_t at = w->at;
    if (!take(w, 4, &type) || !take(w, 8, &n))
        return false;
    mx_dtype d = gguf_value_dtype((uint32_t)type);
    if (d == MX_DTYPE_COUNT && type != GGUF_STRING && type != GGUF_ARRAY)
        return mx_source_fail(w->s, at, "an array of values of type %u cannot be read",
                              (unsigned)type);
    size_t least = type == GGUF_ARRAY ? 12 : type == GGUF_STRING ? 8 : mx_dtype_size(d);
    if (n > INT32_MAX || !mx_source_has(w->s, w->at, n * least, "an array of the metadata"))
        return mx_failed() ? false
                           : mx_source_fail(w->s, at, "an array of more than %d values", INT32_MAX);
    return type == GGUF_ARRAY ? descend(w, n) : take_items(w, d, n);
}

/* Closes what is complete; false: all is. */
static bool more(walk *w) {
    for (; w->level >= 0 && !w->left[w->level]; w->level--)
        mx_text_str(&w->json, "]");
    return w->level >= 0;
}

static bool take_all(walk *w) {
    bool ok = true, first = true;
    while (ok && more(w)) {
        w->left[w->level]--;
        first = w->json.len && w->json.data && w->json.data[w->json.len - 1] == '[';
        mx_text_str(&w->json, first ? "" : ", ");
        ok = take_array(w);
    }
    return ok;
}

mx_meta *gguf_nested(mx_source *s, size_t *at, uint64_t n, bool swapped) {
    walk w = {.s = s, .at = *at, .swapped = swapped, .left = {n}};
    unsigned char head[12] = {GGUF_ARRAY};
    for (int i = 0; i < 8; i++)
        head[4 + i] = (unsigned char)(n >> 8 * i);
    mx_text_put(&w.bytes, (const char *)head, sizeof head);
    mx_text_str(&w.json, "[");
    mx_meta *m = take_all(&w) ? mx_meta_room(MX_META_NESTED, 0) : NULL;
    *at = w.at;
    size_t size = w.bytes.len, length = w.json.len;
    char *bytes = m ? mx_text_take(&w.bytes) : NULL;
    char *json = bytes ? mx_text_take(&w.json) : NULL;
    if (json) {
        m->bytes = (unsigned char *)bytes;
        m->size = size;
        m->string = json;
        m->length[0] = length;
    } else {
        mx_free(bytes);
        mx_meta_free(m);
    }
    mx_text_free(&w.bytes);
    mx_text_free(&w.json);
    return json ? m : NULL;
}
