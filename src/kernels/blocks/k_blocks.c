/* The table of block kernels. */
#include "kernels/blocks/k_blocks.h"

#define READ(name)  NULL
#define WRITE(name) K_ENCODE(name)
const mx_k_blocks KN(mx_blocks) = {
#define X(name, file_name, id, items, bytes, can) [MX_BLOCK_##name] = K_DECODE(name),
    .decode = {MX_BLOCKS(X)},
#undef X
#define X(name, file_name, id, items, bytes, can) [MX_BLOCK_##name] = can(name),
    .encode = {MX_BLOCKS(X)},
#undef X
};
