/* Between the files that make panels: where the next codes, scales and least values go. */
#ifndef MX_KERNELS_K_CODES_UNPACK_H
#define MX_KERNELS_K_CODES_UNPACK_H

#include "kernels/codes/k_codes.h"

typedef struct panel {
    int32_t *codes;
    float *scale, *least;
} panel;

SV panel panel_open(void *p) {
    int32_t *codes = p;
    float *scale = (float *)(void *)(codes + VF_LANES * MX_CODE_CHUNK / 4);
    return (panel){codes, scale, scale + VF_LANES * MX_CODE_CHUNK / MX_CODE_SMALL};
}
SV void put_codes(panel *p, vi v) {
    vi_store(p->codes, v);
    p->codes += VF_LANES;
}
SV void put_scale(panel *p, vf v) {
    vf_store(p->scale, v);
    p->scale += VF_LANES;
}
SV void put_least(panel *p, vf v) {
    vf_store(p->least, v);
    p->least += VF_LANES;
}

/* A byte in all four of a lane. */
SV vi each_byte(int b) {
    return vi_set1((int32_t)((uint32_t)b * 0x01010101u));
}
/* The `bits` bits from `shift` on of each byte. */
SV vi bits_of(vi v, int shift, int bits) {
    vi mask = each_byte((1 << bits) - 1);
    return vi_and(shift ? vi_shr(v, shift) : v, mask);
}
/* Byte i of each lane, with zeros or with its sign. */
SV vi byte_of(vi v, int i) {
    return vi_and(vi_shr(v, 8 * i), vi_set1(255));
}
SV vi signed_byte_of(vi v, int i) {
    return vi_sra(vi_shl(v, 24 - 8 * i), 24);
}

/* float16 in the upper, or the lower half of each lane. */
SV vf upper_half(vi v) {
    uint16_t h[VF_LANES];
    vi_store_high16(h, v);
    return vf_load_f16(h);
}
SV vf lower_half(vi v) {
    return upper_half(vi_shl(v, 16));
}

/* 16 bytes with the codes of 32 numbers, in pairs of 16. */
SV void put_nibbles(panel *p, const uint8_t *const *rows, ptrdiff_t at) {
    vi v[4];
    rows_turn16(v, rows, at);
    for (int c = 0; c < 4; c++)
        put_codes(p, bits_of(v[c], 0, 4));
    for (int c = 0; c < 4; c++)
        put_codes(p, bits_of(v[c], 4, 4));
}
/* The same by way of a table. */
SV void put_looked_up(panel *p, const uint8_t *const *rows, ptrdiff_t at, const int8_t *table) {
    vi v[4];
    rows_turn16(v, rows, at);
    for (int c = 0; c < 4; c++)
        put_codes(p, bytes_lookup(table, bits_of(v[c], 0, 4)));
    for (int c = 0; c < 4; c++)
        put_codes(p, bytes_lookup(table, bits_of(v[c], 4, 4)));
}

#endif
