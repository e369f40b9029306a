/* Blocks of GGUF files from numbers and back, in pieces that stay in the first-level cache as
   float32. */
#include <stddef.h>
#include <string.h>

#include "base/half.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "cpu/memory/dense.h"
#include "graph/array/params.h"
#include "kernels/blocks/blocks.h"
#include "kernels/pointwise/k_pointwise.h"

enum { PIECE = 2048, GRAIN = 16384 }; /* elements: whole blocks of every format */

typedef struct job {
    const mx_block_format *f;
    mx_dtype t; /* of the numbers */
    char *blocks, *numbers;
    int64_t count; /* blocks */
    bool lacks;    /* NaN was met, and blocks of f cannot tell of it */
} job;

static mx_k_unary *cast_of(mx_dtype from, mx_dtype to) {
    return mx_kernels_get()->pointwise->cast[from][to];
}

/* --- what is not finite ----------------------------------------------------------------------- */

enum { INFINITE = 0x7f800000 };

/* The largest magnitude's bits: INFINITE or more, NaN, where one is not finite. */
static uint32_t largest_bits(const float *x, size_t n) {
    uint32_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = mx_f32_bits(x[i]) & 0x7fffffffu;
        largest = bits > largest ? bits : largest;
    }
    return largest;
}

/* Where the scale of the whole block lies; -1: it has none that can be NaN. */
static int scale_at(mx_block_kind kind) {
    switch (kind) {
#define AT(name) \
    case MX_BLOCK_##name: return (int)offsetof(mx_##name, d)
        AT(q4_0);
        AT(q4_1);
        AT(q5_0);
        AT(q5_1);
        AT(q8_0);
        AT(q8_1);
        AT(q8_k);
        AT(q2_k);
        AT(q3_k);
        AT(q4_k);
        AT(q5_k);
        AT(q6_k);
        AT(iq4_xs);
        AT(tq1_0);
        AT(tq2_0);
        AT(q1_0);
#undef AT
    case MX_BLOCK_iq4_nl: return (int)offsetof(mx_q4_0, d);
    default: return -1;
    }
}

#define MOST_NVFP4 0x1p20f /* from there on squares of differences have no room */

/* What is beyond NVFP4's numbers is its largest, 2688, with its sign; whoever asks for NaN is
   told. */
static void mark_nvfp4(job *j, char *block, const float *x, bool nan) {
    const mx_block_format *f = &mx_block_formats[MX_BLOCK_nvfp4_gguf];
    const float most = MOST_NVFP4;
    float room[64];
    if (nan)
        __atomic_store_n(&j->lacks, true, __ATOMIC_RELAXED);
    for (int i = 0; i < f->items; i++)
        room[i] = x[i] > most ? most : x[i] < -most ? -most : x[i];
    mx_blocks_encode(f, block, room, 1);
}

/* The block of numbers of which one is not finite is NaN, by its scale. MXFP4's exponents know no
   NaN: the block is infinite then; infinities it has, beside which all else is zero. */
static void mark(job *j, char *block, const float *x, bool nan) {
    int at = scale_at(j->f->kind);
    bool wide = j->f->kind == MX_BLOCK_q8_k;
    if (at >= 0)
        memcpy(block + at, wide ? "\0\0\xc0\x7f" : "\0\x7e", wide ? 4 : 2);
    else if (j->f->kind == MX_BLOCK_nvfp4_gguf)
        mark_nvfp4(j, block, x, nan);
    else if (nan)
        memset(block, 0x77, j->f->bytes), *(unsigned char *)block = 255;
}

static void mark_all(job *j, char *blocks, const float *x, size_t n) {
    const mx_block_format *f = j->f;
    uint32_t beyond = f->kind == MX_BLOCK_nvfp4_gguf ? mx_f32_bits(MOST_NVFP4) : INFINITE;
    if (largest_bits(x, n * f->items) < beyond)
        return;
    for (size_t i = 0; i < n; i++, x += f->items) {
        uint32_t bits = largest_bits(x, f->items);
        if (bits >= beyond)
            mark(j, blocks + i * f->bytes, x, bits > INFINITE);
    }
}

/* Blocks first .. first + n, at most a piece. */
static void encode_piece(job *j, int64_t first, size_t n) {
    const mx_block_format *f = j->f;
    size_t items = n * f->items;
    const char *from = j->numbers + (size_t)first * f->items * mx_dtype_size(j->t);
    float room[PIECE];
    if (j->t != MX_FLOAT32)
        cast_of(j->t, MX_FLOAT32)(room, from, items);
    const float *x = j->t == MX_FLOAT32 ? (const float *)(const void *)from : room;
    mx_blocks_encode(f, j->blocks + first * f->bytes, x, n);
    mark_all(j, j->blocks + first * f->bytes, x, n);
}

static void decode_piece(job *j, int64_t first, size_t n) {
    const mx_block_format *f = j->f;
    char *to = j->numbers + (size_t)first * f->items * mx_dtype_size(j->t);
    float room[PIECE];
    mx_blocks_decode(f, j->t == MX_FLOAT32 ? (float *)(void *)to : room,
                     j->blocks + first * f->bytes, n);
    if (j->t != MX_FLOAT32)
        cast_of(MX_FLOAT32, j->t)(to, room, n * f->items);
}

static void pieces(job *j, int64_t begin, int64_t end, void (*piece)(job *, int64_t, size_t)) {
    int64_t most = PIECE / j->f->items;
    for (int64_t i = begin; i < end; i += most)
        piece(j, i, (size_t)(end - i < most ? end - i : most));
}

static void encode_range(void *ctx, int64_t begin, int64_t end) {
    pieces(ctx, begin, end, encode_piece);
}

static void decode_range(void *ctx, int64_t begin, int64_t end) {
    pieces(ctx, begin, end, decode_piece);
}

bool cpu_blocks(mx_node *n, mx_array **out, const mx_program *feed) {
    const mx_p_blocks *p = n->params;
    bool encode = n->prim == MX_PRIM_quantize_blocks;
    cpu_dense in;
    (void)feed;
    bool ok = cpu_dense_open(&in, n->in[0]) && mx_array_alloc(out[0]);
    if (ok && out[0]->size) {
        char *from = (char *)(uintptr_t)in.data, *to = out[0]->data;
        const mx_block_format *f = mx_block_by_id((uint32_t)p->type);
        const mx_array *numbers = encode ? n->in[0] : out[0];
        job j = {f,
                 mx_dtype_of(numbers),
                 encode ? to : from,
                 encode ? from : to,
                 numbers->size / f->items,
                 false};
        mx_parallel_for(j.count, GRAIN / f->items, encode ? encode_range : decode_range, &j);
        ok = !j.lacks ||
             mx_fail(MX_INVALID, "[quantize] NaN, which blocks of %s cannot hold", f->name);
    }
    cpu_dense_close(&in);
    return ok;
}
