/* Matrices of groups (mx_code_groups) as codes, as k_codes_formats.h has those of blocks. */
#ifndef MX_KERNELS_K_CODES_GROUPS_H
#define MX_KERNELS_K_CODES_GROUPS_H

#include "kernels/codes/k_codes_formats.h"

/* Numbers of 16 bits in the lower or the upper half of each lane. */
SV vf half_number(vi v, bool upper, mx_dtype kind) {
    if (kind == MX_FLOAT16)
        return upper ? upper_half(v) : lower_half(v);
    return as_vf(upper ? vi_and(v, vi_set1((int32_t)0xffff0000)) : vi_shl(v, 16));
}

/* The only group of each row. */
SV vi lone_halves(mx_code_strip rows) {
    int32_t v[VF_LANES];
    for (int i = 0; i < VF_LANES; i++) {
        uint16_t half;
        memcpy(&half, row_at(rows, i), sizeof half);
        v[i] = half;
    }
    return vi_load(v);
}

/* Scales (or biases) of groups g and g + 1, of the latter if there is one: nothing is read behind
   a row. */
SV void two_scales(vf *to, mx_code_strip rows, ptrdiff_t g, ptrdiff_t groups, mx_dtype kind) {
    bool both = g + 1 < groups;
    if (kind == MX_FLOAT32) {
        to[0] = as_vf(rows_turn4(rows, g * 4));
        to[1] = both ? as_vf(rows_turn4(rows, g * 4 + 4)) : vf_zero();
        return;
    }
    vi v = both ? rows_turn4(rows, g * 2) : g ? rows_turn4(rows, g * 2 - 2) : lone_halves(rows);
    to[0] = half_number(v, !both && g, kind);
    to[1] = half_number(v, true, kind);
}

/* 32 codes of four bits: of each eight the even ones, then the odd ones. */
SV void four_bits(vi *v, mx_code_strip rows, ptrdiff_t at) {
    vi t[4];
    rows_turn16(t, rows, at);
    CODES_UNROLL
    for (int c = 0; c < 4; c++) {
        v[2 * c] = bits_of(t[c], 0, 4);
        v[2 * c + 1] = bits_of(t[c], 4, 4);
    }
}

/* 32 codes of eight bits less 128. */
SV void eight_bits(vi *v, mx_code_strip rows, ptrdiff_t at) {
    turn32(v, rows, at);
    CODES_UNROLL
    for (int c = 0; c < 8; c++)
        v[c] = vi_xor(v[c], each_byte(128));
}

typedef struct pair_scales {
    vf scale[2], least[2];
} pair_scales;

/* Group h of a pair, which begins at number k. */
SV void give_group(sink *s, const mx_code_groups *r, const pair_scales *p, int h, ptrdiff_t k,
                   int bits, const way w) {
    for (ptrdiff_t i = 0; i < r->group; i += MX_CODE_GROUP) {
        vi v[8];
        if (bits == 4)
            four_bits(v, r->word, (k + i) / 2);
        else
            eight_bits(v, r->word, k + i);
        begin_block(s);
        put_scale(s, p->scale[h]);
        put_least(s, p->least[h]);
        put_group(s, v, w);
    }
}

/* Numbers k0 .. end, whole groups. */
SV void give_groups(sink *s, const mx_code_groups *r, ptrdiff_t k0, ptrdiff_t end, int bits,
                    mx_dtype kind, const way w) {
    for (ptrdiff_t k = k0; k < end; k += 2 * r->group) {
        pair_scales p;
        two_scales(p.scale, r->scale, k / r->group, r->groups, kind);
        two_scales(p.least, r->bias, k / r->group, r->groups, kind);
        for (int h = 0; bits == 8 && h < 2; h++)
            p.least[h] = vf_fma(vf_set1(128), p.scale[h], p.least[h]);
        give_group(s, r, &p, 0, k, bits, w);
        if (k + r->group < end)
            give_group(s, r, &p, 1, k + r->group, bits, w);
    }
}

#endif
