/* Tensors of GGUF files as arrays.
 *
 *     plain       name                                      read when it is evaluated
 *     Q4_0 Q4_1   name (uint32)  *.scales  *.biases         as mlx.quantize packs, groups of 32
 *     Q8_0
 *     MXFP4       name (uint32)  *.scales (uint8)           as mlx.quantize with mode mxfp4
 *     other       name (float16, Q8_K float32)              dequantized when it is evaluated
 *
 * where * is name without ".weight".
 */
#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "base/threads/pool.h"
#include "graph/eval/eval.h"
#include "graph/trace/scope.h"
#include "io/gguf/gguf.h"
#include "ops/ops.h"

enum { GRAIN = 1024 }; /* blocks of 32 */

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

/* --- as they lie ------------------------------------------------------------------ */

static bool same_order(const gguf_place *t) {
    return !t->swapped || t->type->bytes == 1 ||
           mx_fail(MX_UNSUPPORTED,
                   "[%s] '%s': '%.80s' is of %s in a big-endian file, which has no order that is "
                   "written down",
                   t->source->op, t->source->name, t->name, t->type->name);
}

/* Where the halves of a block lie, if they are all it has of several bytes; -1 ends the list, NULL:
   it has others. */
static const int *halves_of(mx_block_kind kind) {
    static const int none[] = {-1}, first[] = {0, -1}, two[] = {0, 2, -1}, q2[] = {80, 82, -1},
                     q3[] = {108, -1}, q6[] = {208, -1}, tq1[] = {52, -1}, tq2[] = {64, -1};
    switch (kind) {
    case MX_BLOCK_q4_0:
    case MX_BLOCK_q5_0:
    case MX_BLOCK_q8_0:
    case MX_BLOCK_q1_0:
    case MX_BLOCK_iq4_nl:
    case MX_BLOCK_iq2_s:
    case MX_BLOCK_iq3_s: return first;
    case MX_BLOCK_q4_1:
    case MX_BLOCK_q5_1:
    case MX_BLOCK_q8_1:
    case MX_BLOCK_q4_k:
    case MX_BLOCK_q5_k: return two;
    case MX_BLOCK_q2_k: return q2;
    case MX_BLOCK_q3_k: return q3;
    case MX_BLOCK_q6_k: return q6;
    case MX_BLOCK_tq1_0: return tq1;
    case MX_BLOCK_tq2_0: return tq2;
    case MX_BLOCK_mxfp4_gguf:
    case MX_BLOCK_nvfp4_gguf: return none;
    default: return NULL;
    }
}

static void swap_halves(unsigned char *b, size_t n, const mx_block_format *f, const int *halves) {
    for (size_t i = 0; i < n; i++, b += f->bytes)
        for (const int *at = halves; *at >= 0; at++) {
            unsigned char low = b[*at];
            b[*at] = b[*at + 1];
            b[*at + 1] = low;
        }
}

/* The shape in bytes. */
static bool byte_shape(const gguf_place *t, int *shape) {
    int64_t row = (int64_t)(t->shape[t->ndim - 1] / t->type->items) * t->type->bytes;
    memcpy(shape, t->shape, (size_t)t->ndim * sizeof *shape);
    shape[t->ndim - 1] = (int)row;
    return row <= INT32_MAX ||
           mx_fail(MX_UNSUPPORTED, "[%s] '%s': the rows of '%.80s' have too many bytes",
                   t->source->op, t->source->name, t->name);
}

/* Read at once. */
static mx_array *swapped_blocks(const gguf_place *t, const int *shape) {
    const int *halves = halves_of(t->type->block->kind);
    if (!halves && !same_order(t))
        return NULL;
    mx_array *a = mx_array_empty(shape, t->ndim, MX_UINT8);
    if (!a || !mx_source_copy(t->source, a->data, t->at, (size_t)a->size))
        return NULL;
    swap_halves((unsigned char *)a->data, (size_t)a->size / t->type->bytes, t->type->block, halves);
    return a;
}

mx_array *gguf_tensor_stored(const gguf_place *t) {
    int shape[MX_MAX_NDIM];
    if (!t->type->block)
        return mx_source_array(t->source, t->at, t->shape, t->ndim, t->type->dtype, t->swapped);
    if (!byte_shape(t, shape))
        return NULL;
    return t->swapped ? swapped_blocks(t, shape)
                      : mx_source_array(t->source, t->at, shape, t->ndim, MX_UINT8, false);
}

mx_array *gguf_tensor_values(const gguf_place *p, mx_dtype t) {
    mx_array *a = gguf_tensor_stored(p);
    return p->type->block ? mx_dequantize_blocks(a, p->type->block, t) : a;
}

/* --- repacking -------------------------------------------------------------------- */

typedef struct blocks {
    const gguf_repack *way;
    size_t bytes; /* of a block */
    const unsigned char *from;
    unsigned char *q;
    uint16_t *scales, *biases;
    unsigned char *exponents;
} blocks;

static void repack_range(void *ctx, int64_t begin, int64_t end) {
    const blocks *b = ctx;
    for (int64_t i = begin; i < end; i++) {
        float scale, bias;
        b->way->repack(b->q + i * b->way->bits * 4, &scale, &bias, b->from + (size_t)i * b->bytes);
        if (b->way->fp4) {
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

static bool add(mx_map *arrays, const gguf_place *t, const char *ending, mx_array *a) {
    char *key = a ? sibling(t->name, ending) : NULL;
    bool ok = key && gguf_add_array(arrays, t->source, t->at, key, a);
    mx_free(key);
    return ok;
}

static bool repacked(mx_map *arrays, const gguf_place *t, blocks *b) {
    int last = t->shape[t->ndim - 1];
    bool fp4 = b->way->fp4;
    mx_dtype kind = fp4 ? MX_UINT8 : MX_FLOAT16;
    mx_array *q = like(t->shape, t->ndim, last / 32 * b->way->bits, MX_UINT32);
    mx_array *scales = like(t->shape, t->ndim, last / 32, kind);
    mx_array *biases = fp4 ? NULL : like(t->shape, t->ndim, last / 32, kind);
    if (!q || !scales || (!biases && !fp4))
        return false;
    b->q = (unsigned char *)q->data;
    b->exponents = (unsigned char *)scales->data;
    b->scales = (uint16_t *)scales->data;
    b->biases = biases ? (uint16_t *)biases->data : NULL;
    mx_parallel_for(scales->size, GRAIN, repack_range, b);
    return gguf_add_array(arrays, t->source, t->at, t->name, q) &&
           add(arrays, t, ".scales", scales) && (!biases || add(arrays, t, ".biases", biases));
}

/* --- any -------------------------------------------------------------------------- */

/* Blocks of a file are read at once, to be repacked. */
static bool repack(mx_map *arrays, const gguf_place *t, const gguf_repack *way) {
    mx_array *a = gguf_tensor_stored(t);
    if (!a || !mx_eval1(a))
        return false;
    return repacked(
        arrays, t,
        &(blocks){.way = way, .bytes = t->type->bytes, .from = (const unsigned char *)a->data});
}

bool gguf_tensor_arrays(mx_map *arrays, const gguf_place *t) {
    const gguf_repack *way = gguf_repack_of(t->type);
    mx_dtype plain = t->type->block ? mx_block_plain(t->type->block) : t->type->dtype;
    mx_scope scope = mx_scope_open();
    bool ok = way ? repack(arrays, t, way)
                  : gguf_add_array(arrays, t->source, t->at, t->name, gguf_tensor_values(t, plain));
    mx_scope_close(scope);
    return ok;
}
