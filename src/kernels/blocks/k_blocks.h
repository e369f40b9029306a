/* Between the files of the block kernels: the functions of one instruction set, and words on
   codes. */
#ifndef MX_KERNELS_K_BLOCKS_H
#define MX_KERNELS_K_BLOCKS_H

#include "kernels/blocks/blocks.h"
#include "kernels/simd/simd.h"

#define K_DECODE(name) KN(mx_decode_##name)
#define K_ENCODE(name) KN(mx_encode_##name)
#define X(name, file_name, id, items, bytes, can)        \
    mx_k_block_decode KN_JOIN(mx_decode_##name, MX_ISA); \
    mx_k_block_encode KN_JOIN(mx_encode_##name, MX_ISA);
MX_BLOCKS(X)
#undef X

/* VF_LANES codes of 4 bits: lower and upper halves of bytes. */
SV vi low_half(const uint8_t *p) {
    return vi_and(vi_load_u8(p), vi_set1(15));
}
SV vi high_half(const uint8_t *p) {
    return vi_shr(vi_load_u8(p), 4);
}
SV vi load_i8(const int8_t *p) {
    vi u = vi_load_u8((const uint8_t *)p);
    return vi_sub(vi_xor(u, vi_set1(0x80)), vi_set1(0x80));
}
/* Bits `at` and on, VF_LANES of them: 0 or 1 in each lane. at + VF_LANES <= 32. */
SV vi bits_at(uint32_t bits, int at) {
    static const int32_t count[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    vi n = vi_add(vi_load(count), vi_set1(at));
    return vi_and(vi_shrv(vi_set1((int32_t)bits), n), vi_set1(1));
}
/* d q, d q + m, d q - m: each operation rounds. */
SV vf times(float d, vi q) {
    return vf_mul(vf_set1(d), vf_from_i(q));
}
SV vf times_plus(float d, vi q, float m) {
    return vf_add(times(d, q), vf_set1(m));
}
SV vf times_less(float d, vi q, float m) {
    return vf_sub(times(d, q), vf_set1(m));
}

static inline void put_half(uint8_t *p, float x) {
    uint16_t h = mx_f32_to_f16(x);
    p[0] = (uint8_t)h;
    p[1] = (uint8_t)(h >> 8);
}

#endif
