/* NumPy's .npy: one array.
 *
 *     offset  bytes
 *     0       6      93 'N' 'U' 'M' 'P' 'Y'
 *     6       2      version: 1.0, 2.0 or 3.0
 *     8       2 | 4  length of the header, little-endian (4 bytes from version 2 on)
 *     10 | 12 n      {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   spaces, newline
 *     ...            the elements
 *
 * descr is an order (< little, > big, = and | none) with a kind and a size in bytes: b1 i1..i8
 * u1..u8 f2 f4 f8 c8, and V2 for bfloat16, as MLX and ml_dtypes write it. Headers of more than
 * 1 MiB are refused; so are objects, strings, records and complex128.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "graph/eval/eval.h"
#include "io/io.h"
#include "ops/ops.h"

#define MAX_HEADER (1u << 20)

static const char magic[6] = "\x93NUMPY";

static const struct {
    char code[3];
    mx_dtype dtype;
} codes[] = {
    {"b1", MX_BOOL},     {"u1", MX_UINT8},     {"u2", MX_UINT16},  {"u4", MX_UINT32},
    {"u8", MX_UINT64},   {"i1", MX_INT8},      {"i2", MX_INT16},   {"i4", MX_INT32},
    {"i8", MX_INT64},    {"f2", MX_FLOAT16},   {"f4", MX_FLOAT32}, {"f8", MX_FLOAT64},
    {"V2", MX_BFLOAT16}, {"c8", MX_COMPLEX64},
};
#define CODES (sizeof codes / sizeof *codes)

/* --- reading the header: a Python dict -------------------------------------------- */

typedef struct header {
    mx_source *s;
    size_t at, end; /* of the text that is still to be read */
    bool has_dtype, has_order, has_shape;
    mx_dtype dtype;
    bool swapped, fortran;
    mx_shape shape;
} header;

static int peek(header *h) {
    while (h->at < h->end && strchr(" \t\n\r", h->s->data[h->at]) && h->s->data[h->at])
        h->at++;
    return h->at < h->end ? h->s->data[h->at] : -1;
}

static bool take(header *h, char c) {
    if (peek(h) != c)
        return false;
    h->at++;
    return true;
}

static bool expect(header *h, char c) {
    return take(h, c) || mx_source_fail(h->s, h->at, "the header lacks a '%c' here", c);
}

/* 'text' into out, cut where it is longer. */
static bool read_text(header *h, char *out, size_t n) {
    int quote = peek(h);
    if (quote != '\'' && quote != '"')
        return mx_source_fail(h->s, h->at, "the header lacks a string here");
    size_t start = ++h->at, length;
    while (h->at < h->end && h->s->data[h->at] != quote)
        h->at++;
    if (h->at == h->end)
        return mx_source_fail(h->s, start, "a string of the header has no end");
    length = h->at++ - start;
    snprintf(out, n, "%.*s", (int)(length < n ? length : n), (const char *)h->s->data + start);
    return true;
}

static bool read_dtype(header *h) {
    char text[32];
    size_t at = h->at;
    if (peek(h) == '[')
        return mx_source_fail(h->s, at, "records (a structured dtype) are not supported");
    if (!read_text(h, text, sizeof text))
        return false;
    h->swapped = *text == '>';
    h->has_dtype = true;
    const char *code = strchr("<>=|", *text) && *text ? text + 1 : text;
    for (size_t i = 0; i < CODES; i++)
        if (strcmp(code, codes[i].code) == 0)
            return h->dtype = codes[i].dtype, true;
    return mx_fail(MX_UNSUPPORTED, "[%s] '%s' at byte %zu: the dtype '%s' is not supported",
                   h->s->op, h->s->name, at, text);
}

static bool read_order(header *h) {
    const unsigned char *p = h->s->data + (peek(h) < 0 ? h->end : h->at);
    size_t left = h->end - h->at;
    h->fortran = left >= 4 && memcmp(p, "True", 4) == 0;
    h->has_order = h->fortran || (left >= 5 && memcmp(p, "False", 5) == 0);
    h->at += h->fortran ? 4 : 5;
    return h->has_order || mx_source_fail(h->s, (size_t)(p - h->s->data),
                                          "fortran_order is neither True nor False");
}

static bool read_dim(header *h) {
    size_t at = h->at;
    int64_t v = 0;
    bool digits = false;
    for (int c = peek(h); c >= '0' && c <= '9' && v <= INT_MAX;
         c = h->at < h->end ? h->s->data[h->at] : -1) {
        v = v * 10 + (c - '0');
        digits = true;
        h->at++;
    }
    if (!digits)
        return mx_source_fail(h->s, at, "the shape has something else than sizes");
    if (v > INT_MAX)
        return mx_source_fail(h->s, at, "a size of the shape is larger than %d", INT_MAX);
    if (h->shape.ndim == MX_MAX_NDIM)
        return mx_source_fail(h->s, at, "the shape has more than %d sizes", MX_MAX_NDIM);
    h->shape.dim[h->shape.ndim++] = (int)v;
    if (h->at < h->end && h->s->data[h->at] == 'L') // Python 2
        h->at++;
    return true;
}

static bool read_shape(header *h) {
    if (!expect(h, '('))
        return false;
    h->shape.ndim = 0;
    while (peek(h) != ')') {
        if (!read_dim(h))
            return false;
        if (peek(h) != ')' && !expect(h, ','))
            return false;
    }
    h->has_shape = true;
    return take(h, ')');
}

static bool read_entry(header *h) {
    char key[24];
    size_t at = h->at;
    if (!read_text(h, key, sizeof key) || !expect(h, ':'))
        return false;
    if (strcmp(key, "descr") == 0)
        return read_dtype(h);
    if (strcmp(key, "fortran_order") == 0)
        return read_order(h);
    if (strcmp(key, "shape") == 0)
        return read_shape(h);
    return mx_source_fail(h->s, at, "the header has an unknown key '%s'", key);
}

static bool read_dict(header *h) {
    if (!expect(h, '{'))
        return false;
    while (peek(h) != '}') {
        if (!read_entry(h))
            return false;
        if (peek(h) != '}' && !expect(h, ','))
            return false;
    }
    h->at++;
    if (peek(h) >= 0)
        return mx_source_fail(h->s, h->at, "something follows the dict of the header");
    const char *lacks = !h->has_dtype   ? "descr"
                        : !h->has_order ? "fortran_order"
                        : !h->has_shape ? "shape"
                                        : NULL;
    return !lacks || mx_source_fail(h->s, h->at, "the header has no '%s'", lacks);
}

/* Magic, version and length: the bounds of the dict. */
static bool read_bounds(header *h) {
    mx_source *s = h->s;
    if (s->size < 10 || !mx_source_get(s, 0, 10, "an npy file") ||
        memcmp(s->data, magic, sizeof magic) != 0)
        return mx_source_fail(s, 0, "it is not an npy file");
    unsigned major = s->data[6], minor = s->data[7];
    if (major < 1 || major > 3 || minor != 0)
        return mx_source_fail(s, 6, "version %u.%u is not known (1.0, 2.0 and 3.0 are)", major,
                              minor);
    h->at = major == 1 ? 10 : 12;
    if (!mx_source_get(s, 0, h->at, "the beginning of an npy file"))
        return false;
    size_t n = major == 1 ? mx_le16(s->data + 8) : mx_le32(s->data + 8);
    if (n > MAX_HEADER)
        return mx_source_fail(s, 8, "a header of %zu bytes, more than %u", n, MAX_HEADER);
    h->end = h->at + n;
    return mx_source_get(s, h->at, n, "the header");
}

/* --- reading ---------------------------------------------------------------------- */

bool mx_npy_open(mx_source *s, mx_npy_head *out) {
    header h = {.s = s};
    bool ok = read_bounds(&h) && read_dict(&h);
    *out = (mx_npy_head){h.dtype, h.swapped, h.fortran, h.shape, h.end};
    return ok;
}

mx_array *mx_npy_elements(mx_source *s, const mx_npy_head *h, size_t at) {
    const int *dim = h->shape.dim;
    int ndim = h->shape.ndim, reversed[MX_MAX_NDIM] = {0};
    for (int i = 0; i < ndim; i++)
        reversed[i] = dim[ndim - 1 - i];
    const int *shape = h->fortran ? reversed : dim;
    mx_array *a = mx_source_array(s, at, shape, ndim, h->dtype, h->swapped);
    return h->fortran && ndim > 1 ? mx_transpose(a) : a;
}

mx_array *mx_read_npy(mx_source *s, size_t *end) {
    mx_npy_head h;
    mx_array *a = mx_npy_open(s, &h) ? mx_npy_elements(s, &h, h.data) : NULL;
    if (a && end)
        *end = h.data + (size_t)a->size * mx_itemsize(a);
    return a;
}

/* --- writing ---------------------------------------------------------------------- */

static const char *code_of(mx_dtype t) {
    for (size_t i = 0; i < CODES; i++)
        if (codes[i].dtype == t)
            return codes[i].code;
    return "";
}

/* The dict without padding; its length. */
static int dict(char *out, size_t n, const mx_array *a) {
    char order = mx_itemsize(a) == 1 ? '|' : '<';
    int at = snprintf(out, n, "{'descr': '%c%s', 'fortran_order': False, 'shape': (", order,
                      code_of(mx_dtype_of(a)));
    for (int i = 0; i < a->ndim && at < (int)n; i++)
        at += snprintf(out + at, n - (size_t)at, i || a->ndim == 1 ? i ? ", %d" : "%d," : "%d",
                       a->shape[i]);
    if (at < (int)n)
        at += snprintf(out + at, n - (size_t)at, "), }");
    return at;
}

int mx_npy_header(char *out, size_t n, const mx_array *a) {
    int length = n > 10 ? dict(out + 10, n - 10, a) : INT_MAX / 2;
    int total = (10 + length + 1 + 63) / 64 * 64; // the elements start at a multiple of 64
    if ((size_t)total > n)
        return -1;
    memcpy(out, magic, sizeof magic);
    out[6] = 1;
    out[7] = 0;
    out[8] = (char)((total - 10) & 255);
    out[9] = (char)((total - 10) >> 8);
    memset(out + 10 + length, ' ', (size_t)(total - 10 - length - 1));
    out[total - 1] = '\n';
    return total;
}

bool mx_write_npy(mx_sink *k, void *array) {
    char head[2048];
    int n = mx_npy_header(head, sizeof head, array);
    // evaluation may fail: it comes before the first byte is written
    return n > 0 && mx_eval1(array) && mx_sink_put(k, head, (size_t)n) && mx_sink_array(k, array);
}
