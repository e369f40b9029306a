/* The types of tensors, and how four of them are packed again as mx.quantize packs: neighbours
 * share a byte there, in GGUF elements j and j + 16 of 32. The blocks themselves are
 * kernels/blocks/blocks.h. */
#include <string.h>

#include "base/half.h"
#include "io/gguf/gguf.h"

typedef const unsigned char *bytes;

static float half_at(bytes p) {
    return mx_f16_to_f32((uint16_t)mx_le16(p));
}

/* --- to what MLX has: neighbours share a byte ------------------------------------- */

static void pair_nibbles(unsigned char *q, bytes from) {
    for (int j = 0; j < 8; j++) {
        q[j] = (unsigned char)((from[2 * j] & 15) | (from[2 * j + 1] & 15) << 4);
        q[j + 8] = (unsigned char)(from[2 * j] >> 4 | (from[2 * j + 1] & 0xf0));
    }
}

static void repack_q4_0(unsigned char *q, float *scale, float *bias, bytes b) {
    *scale = half_at(b);
    *bias = -8 * *scale;
    pair_nibbles(q, b + 2);
}

static void repack_q4_1(unsigned char *q, float *scale, float *bias, bytes b) {
    *scale = half_at(b);
    *bias = half_at(b + 2);
    pair_nibbles(q, b + 4);
}

static void repack_q8_0(unsigned char *q, float *scale, float *bias, bytes b) {
    *scale = half_at(b);
    *bias = -128 * *scale;
    for (int j = 0; j < 32; j++)
        q[j] = b[2 + j] ^ 0x80;
}

static void repack_mxfp4(unsigned char *q, float *scale, float *bias, bytes b) {
    *scale = b[0];
    *bias = 0;
    pair_nibbles(q, b + 1);
}

static const gguf_repack packs_q4_0 = {4, false, repack_q4_0}, packs_q4_1 = {4, false, repack_q4_1},
                         packs_q8_0 = {8, false, repack_q8_0},
                         packs_mxfp4 = {4, true, repack_mxfp4};

static const gguf_repack *const repacks[MX_BLOCK_KINDS] = {
    [MX_BLOCK_q4_0] = &packs_q4_0,
    [MX_BLOCK_q4_1] = &packs_q4_1,
    [MX_BLOCK_q8_0] = &packs_q8_0,
    [MX_BLOCK_mxfp4_gguf] = &packs_mxfp4,
};

const gguf_repack *gguf_repack_of(const gguf_type *t) {
    return t->block ? repacks[t->block->kind] : NULL;
}

/* --- the types -------------------------------------------------------------------- */

static const gguf_type types[] = {{0, "F32", "float32", 1, 4, MX_FLOAT32, NULL},
                                  {1, "F16", "float16", 1, 2, MX_FLOAT16, NULL},
                                  {24, "I8", "int8", 1, 1, MX_INT8, NULL},
                                  {25, "I16", "int16", 1, 2, MX_INT16, NULL},
                                  {26, "I32", "int32", 1, 4, MX_INT32, NULL},
                                  {27, "I64", "int64", 1, 8, MX_INT64, NULL},
                                  {28, "F64", "float64", 1, 8, MX_FLOAT64, NULL},
                                  {30, "BF16", "bfloat16", 1, 2, MX_BFLOAT16, NULL},
#define X(name, file_name, id, items, bytes, can) \
    {id, file_name, #name, items, bytes, MX_FLOAT32, &mx_block_formats[MX_BLOCK_##name]},
                                  MX_BLOCKS(X)
#undef X
};
#define TYPES (sizeof types / sizeof *types)

const gguf_type *gguf_type_by_id(uint32_t id) {
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].id == id)
            return &types[i];
    return NULL;
}

const gguf_type *gguf_type_stored(const char *storage) {
    for (size_t i = 0; i < TYPES; i++)
        if (strcmp(types[i].storage, storage) == 0)
            return &types[i];
    return NULL;
}

const gguf_type *gguf_type_of(mx_dtype t) {
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].items == 1 && types[i].dtype == t)
            return &types[i];
    return NULL;
}

const char *gguf_type_name(uint32_t id) {
    static const struct {
        uint32_t id;
        const char *name;
    } others[] = {{4, "Q4_2"},      {5, "Q4_3"},        {31, "Q4_0_4_4"},   {32, "Q4_0_4_8"},
                  {33, "Q4_0_8_8"}, {36, "IQ4_NL_4_4"}, {37, "IQ4_NL_4_8"}, {38, "IQ4_NL_8_8"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].id == id)
            return others[i].name;
    return NULL;
}
