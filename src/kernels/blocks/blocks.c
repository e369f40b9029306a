/* The list of block formats. */
#include "kernels/blocks/blocks.h"

#include <string.h>

#define READ  false
#define WRITE true
const mx_block_format mx_block_formats[MX_BLOCK_KINDS] = {
#define X(name, file_name, id, items, bytes, can) \
    {MX_BLOCK_##name, id, items, bytes, can, #name, file_name},
    MX_BLOCKS(X)
#undef X
};

const mx_block_format *mx_block_by_id(uint32_t id) {
    for (int i = 0; i < MX_BLOCK_KINDS; i++)
        if (mx_block_formats[i].id == id)
            return &mx_block_formats[i];
    return NULL;
}

const mx_block_format *mx_block_by_name(const char *name) {
    for (int i = 0; name && i < MX_BLOCK_KINDS; i++)
        if (strcmp(mx_block_formats[i].name, name) == 0)
            return &mx_block_formats[i];
    return NULL;
}

mx_dtype mx_block_plain(const mx_block_format *f) {
    return f->kind == MX_BLOCK_mxfp4_gguf ? MX_BFLOAT16
           : f->kind == MX_BLOCK_q8_k     ? MX_FLOAT32
                                          : MX_FLOAT16;
}

const int8_t mx_iq4_levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                  1,    13,   25,  38,  53,  69,  89,  113};
const int8_t mx_fp4_levels[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

#define mx_iq4_nl     mx_q4_0
#define mx_mxfp4_gguf mx_mxfp4
#define mx_nvfp4_gguf mx_nvfp4
#define X(name, file_name, id, items, bytes, can) \
    _Static_assert(sizeof(mx_##name) == bytes, "a block's bytes");
MX_BLOCKS(X)
#undef X
