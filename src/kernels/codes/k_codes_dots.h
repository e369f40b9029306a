/* Template: W times rows of x. Included with DOTS, the name of the table.
 *
 * However many rows there are, an element goes through the same steps: the sum of a group in
 * integers, then the lines of codes.h.
 */
#include "kernels/codes/k_codes_groups.h"

#define X(name, group, most, least) static const way way_##name = {group, most, least, 1, 0, true};
MX_CODE_WAYS(X)
#undef X

/* From number k0 on; w: of the strip. */
SV sink sink_of(const mx_code_product *p, const way w, mx_code_strip rows, float *scale,
                float *least) {
    const char *scales = p->x + p->k * p->digits;
    sink s = {.room_of_scales = scale,
              .room_of_leasts = least,
              .q = p->x + p->k0 * p->digits,
              .scale_x = scales + p->k0 / MX_CODE_GROUP * 4,
              .word = scales + p->k / 8 + p->k0 / w.group * 4,
              .row_bytes = p->row_bytes,
              .rows = p->rows,
              .k = p->k,
              .sums = p->y,
              .ld = p->ldy,
              .begins = p->k0 == 0};
    s.sum = w.one && p->k0 ? vf_load(p->y) : vf_zero();
    s.ask = rows.first + rows.apart * VF_LANES + ASK_FURTHER + p->k0 / MX_CODE_GROUP * w.ask;
    return s;
}

SV void sink_end(const sink *s, const way w) {
    if (w.one)
        vf_store(s->sums, s->sum);
}

#define X(name, as, offset)                                                                    \
    SV void strip_##name(const mx_code_product *p, mx_code_strip rows, int digits, bool one) { \
        float scale[BLOCK_PLACES], least[BLOCK_PLACES];                                        \
        way w = way_##as;                                                                      \
        w.ask = GROUP_BYTES_##name;                                                            \
        w.digits = digits;                                                                     \
        w.one = one;                                                                           \
        sink s = sink_of(p, w, rows, scale, least);                                            \
        ptrdiff_t at = p->k0 / BLOCK_ITEMS_##name * BLOCK_BYTES_##name;                        \
        ptrdiff_t n = p->n / BLOCK_ITEMS_##name, i = 0;                                        \
        if (MX_BLOCK_##name == MX_BLOCK_q4_1)                                                  \
            i = fours_of_q4_1(&s, rows, at, n, w);                                             \
        for (; i < n; i++) {                                                                   \
            begin_block(&s);                                                                   \
            unpack_##name(&s, rows, at + i * BLOCK_BYTES_##name, w);                           \
        }                                                                                      \
        sink_end(&s, w);                                                                       \
    }                                                                                          \
    static void multiply_##name(const mx_code_product *p, mx_code_strip rows) {                \
        if (p->rows > 1 && p->digits > 1)                                                      \
            strip_##name(p, rows, 2, false);                                                   \
        else if (p->rows > 1)                                                                  \
            strip_##name(p, rows, 1, false);                                                   \
        else if (p->digits > 1)                                                                \
            strip_##name(p, rows, 2, true);                                                    \
        else                                                                                   \
            strip_##name(p, rows, 1, true);                                                    \
    }
MX_CODES(X)
#undef X

SV void strip_of_groups(const mx_code_product *p, const mx_code_groups *r, int bits, int digits,
                        bool one) {
    float scale[VF_LANES], least[VF_LANES];
    way w = bits == 4 ? way_four_least : way_wide_least;
    w.ask = VF_LANES * MX_CODE_GROUP * bits / 8;
    w.digits = digits;
    w.one = one;
    sink s = sink_of(p, w, r->word, scale, least);
    give_groups(&s, r, p->k0, p->k0 + p->n, bits, r->kind, w);
    sink_end(&s, w);
}

SV void strip_of_bits(const mx_code_product *p, const mx_code_groups *r, int bits) {
    if (p->rows > 1 && p->digits > 1)
        strip_of_groups(p, r, bits, 2, false);
    else if (p->rows > 1)
        strip_of_groups(p, r, bits, 1, false);
    else if (p->digits > 1)
        strip_of_groups(p, r, bits, 2, true);
    else
        strip_of_groups(p, r, bits, 1, true);
}

static void multiply_groups(const mx_code_product *p, const mx_code_groups *r) {
    if (r->bits == 4)
        strip_of_bits(p, r, 4);
    else
        strip_of_bits(p, r, 8);
}

const mx_k_code_table KN(DOTS) = {.wide_offset = DOT_WIDE_OFFSET,
                                  .multiply_groups = multiply_groups,
#define X(name, as, offset) .multiply[MX_BLOCK_##name] = multiply_##name,
                                  MX_CODES(X)
#undef X
};
