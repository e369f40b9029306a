/* Tensors of GGUF files as arrays.
 *
 *     plain       name                                      read when it is evaluated
 *     Q4 Q8       name (uint32)  *.scales  *.biases         as mlx.quantize packs, groups of 32
 *     MXFP4       name (uint32)  *.scales (uint8)           as mlx.quantize with mode mxfp4
 *     other       name (float16)                            unpacked
 *
 * where * is name without ".weight".
 */
#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/status.h"
#include "base/text.h"
#include "graph/trace/scope.h"
#include "io/gguf.h"
#include "kernels/pointwise/k_pointwise.h"
#include "kernels/kernels.h"
#include "ops/ops.h"

#define CHUNK       1024 /* elements: a multiple of every block */
#define GRAIN_ITEMS 32768

bool gguf_add_array(mx_map *arrays, const mx_source *s, size_t at, const char *key, mx_array *a) {
    if (!a)
        return false;
    if (mx_map_has(arrays, key))
        return mx_source_fail(s, at, "there are two tensors '%.80s'", key);
    if (mx_map_set(arrays, key, a, NULL)) {
        mx_array_retain(a);
        return true;
    }
    return false;
}

typedef struct blocks {
    const gguf_type *type;
    const unsigned char *from;
    unsigned char *q; /* packed elements, or */
    uint16_t *halves; /* unpacked ones */
    uint16_t *scales, *biases;
    unsigned char *exponents;
} blocks;

/* --- unpacking -------------------------------------------------------------------- */

/* A chunk of floats at a time, rounded by the vector kernel. */
static void unpack_range(void *ctx, int64_t begin, int64_t end) {
    const blocks *b = ctx;
    mx_k_unary *round = mx_kernels_get()->pointwise->cast[MX_FLOAT32][MX_FLOAT16];
    size_t n = b->type->items, at = 0;
    float y[CHUNK];
    for (int64_t i = begin; i < end; i++) {
        b->type->unpack(y + at, b->from + (size_t)i * b->type->bytes);
        at += n;
        if (at == CHUNK || i == end - 1) {
            round(b->halves + ((size_t)i + 1) * n - at, y, at);
            at = 0;
        }
    }
}

static mx_array *unpacked(const blocks *b, const int *shape, int ndim) {
    mx_array *a = mx_array_empty(shape, ndim, MX_FLOAT16);
    if (!a)
        return NULL;
    blocks work = *b;
    work.halves = (uint16_t *)a->data;
    mx_parallel_for(a->size / b->type->items, GRAIN_ITEMS / b->type->items, unpack_range, &work);
    return a;
}

/* --- repacking -------------------------------------------------------------------- */

static void repack_range(void *ctx, int64_t begin, int64_t end) {
    const blocks *b = ctx;
    for (int64_t i = begin; i < end; i++) {
        float scale, bias;
        b->type->repack(b->q + i * b->type->bits * 4, &scale, &bias,
                        b->from + (size_t)i * b->type->bytes);
        if (b->type->fp4) {
            b->exponents[i] = (unsigned char)scale;
            continue;
        }
        b->scales[i] = mx_f32_to_f16(scale);
        b->biases[i] = mx_f32_to_f16(bias);
    }
}

static char *sibling(const char *name, const char *ending) {
    static const char weight[] = ".weight";
    size_t n = strlen(name), w = sizeof weight - 1;
    if (n >= w && strcmp(name + n - w, weight) == 0)
        n -= w;
    mx_text t = {0};
    mx_text_put(&t, name, n);
    mx_text_str(&t, ending);
    return mx_text_take(&t);
}

/* The shape with another last size. */
static mx_array *like(const int *shape, int ndim, int last, mx_dtype t) {
    int other[MX_MAX_NDIM];
    memcpy(other, shape, (size_t)ndim * sizeof *shape);
    other[ndim - 1] = last;
    return mx_array_empty(other, ndim, t);
}

typedef struct target {
    mx_map *arrays;
    mx_source *s;
    size_t at;
    const char *name;
} target;

static bool add(const target *t, const char *ending, mx_array *a) {
    char *key = a ? sibling(t->name, ending) : NULL;
    bool ok = key && gguf_add_array(t->arrays, t->s, t->at, key, a);
    mx_free(key);
    return ok;
}

static bool repacked(const target *t, blocks *b, const int *shape, int ndim) {
    int last = shape[ndim - 1];
    mx_dtype kind = b->type->fp4 ? MX_UINT8 : MX_FLOAT16;
    mx_array *q = like(shape, ndim, last / 32 * b->type->bits, MX_UINT32);
    mx_array *scales = like(shape, ndim, last / 32, kind);
    mx_array *biases = b->type->fp4 ? NULL : like(shape, ndim, last / 32, kind);
    if (!q || !scales || (!biases && !b->type->fp4))
        return false;
    b->q = (unsigned char *)q->data;
    b->exponents = (unsigned char *)scales->data;
    b->scales = (uint16_t *)scales->data;
    b->biases = biases ? (uint16_t *)biases->data : NULL;
    mx_parallel_for(scales->size, GRAIN_ITEMS / 32, repack_range, b);
    return gguf_add_array(t->arrays, t->s, t->at, t->name, q) && add(t, ".scales", scales) &&
           (!biases || add(t, ".biases", biases));
}

/* --- any -------------------------------------------------------------------------- */

static bool from_blocks(const target *t, const gguf_type *type, const void *from, const int *shape,
                        int ndim) {
    blocks b = {.type = type, .from = from};
    if (type->repack)
        return repacked(t, &b, shape, ndim);
    return gguf_add_array(t->arrays, t->s, t->at, t->name, unpacked(&b, shape, ndim));
}

static bool tensor_arrays(const target *t, const gguf_type *type, const int *shape, int ndim) {
    int64_t size;
    if (!type->repack && !type->unpack)
        return gguf_add_array(t->arrays, t->s, t->at, t->name,
                              mx_source_array(t->s, t->at, shape, ndim, type->dtype, false));
    size_t bytes =
        mx_shape_size(shape, ndim, 8, &size) ? (size_t)size / type->items * type->bytes : 0;
    mx_buffer *b = mx_buffer_new(bytes);
    bool ok = b && mx_source_copy(t->s, b->ptr, t->at, bytes) &&
              from_blocks(t, type, b->ptr, shape, ndim);
    mx_buffer_release(b);
    return ok;
}

bool gguf_tensor_arrays(mx_map *arrays, const char *name, mx_source *s, size_t at,
                        const gguf_type *type, const int *shape, int ndim) {
    mx_scope scope = mx_scope_open();
    bool ok = tensor_arrays(&(target){arrays, s, at, name}, type, shape, ndim);
    mx_scope_close(scope);
    return ok;
}

/* --- values ------------------------------------------------------------------------- */

/* A vector as a matrix of one row. */
static mx_array *as_rows(mx_array *a) {
    return a && a->ndim == 1 ? mx_reshape(a, (int[]){1, -1}, 2) : a;
}

static mx_array *dequantized(const mx_map *parts, const gguf_type *type) {
    mx_quant_format f;
    mx_dtype half = MX_FLOAT16;
    mx_array *w = mx_map_get(parts, "x"), *scales = mx_map_get(parts, "x.scales"),
             *biases = mx_map_get(parts, "x.biases");
    if (!type->repack)
        return w;
    scales = as_rows(scales);
    biases = as_rows(biases);
    if (!mx_quant_format_from("read", type->fp4 ? "mxfp4" : "affine", &(int){32},
                              &(int){type->bits}, &f))
        return NULL;
    mx_array *a = mx_dequantize(as_rows(w), scales, biases, f, NULL, &half);
    return w->ndim == 1 ? mx_reshape(a, (int[]){-1}, 1) : a;
}

mx_array *gguf_tensor_values(mx_source *s, size_t at, const gguf_type *type, const int *shape,
                             int ndim) {
    mx_map parts = {0};
    mx_array *a = gguf_tensor_arrays(&parts, "x", s, at, type, shape, ndim)
                      ? dequantized(&parts, type)
                      : NULL;
    if (a && !type->repack)
        a = mx_own(mx_array_retain(a));
    mx_map_free(&parts, mx_io_drop_array);
    return a;
}
