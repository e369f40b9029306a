/* Words on bytes that lie side by side, four to a lane.
 *
 *     rows_turn4(rows, at)       bytes at .. at+4 of each row, a lane each
 *     rows_turn16(v, rows, at)   the same for at + 4 c: v[c]
 *     bytes_lookup(table, i)     table[i] for each byte i < 16
 *     dot_small(p, w, x)         p and, in each lane, the four products of w < 128 and x
 *     dot_wide(p, w, x)          the same of signed w
 *     dot_fold(p)                what dot_small made, as int32. DOT_FOLDS: p has lanes of 16 bits
 *                                until then, which hold two products each
 *
 * DOT_WIDE_OFFSET is what dot_wide's products are too large by, times x.
 */
#ifndef MX_KERNELS_K_CODES_H
#define MX_KERNELS_K_CODES_H

#include "kernels/codes/codes.h"
#include "kernels/simd/simd.h"

mx_k_code_round KN(k_code_round);
extern const mx_k_code_table KN(k_code_plain), KN(k_code_vnni);

#define CODES_UNROLL SIMD_UNROLL(16)

enum {
#define X(name, file_name, id, items, bytes, can)           \
    BLOCK_ITEMS_##name = items, BLOCK_BYTES_##name = bytes, \
    GROUP_BYTES_##name = VF_LANES * bytes * MX_CODE_GROUP / items,
    MX_BLOCKS(X)
#undef X
};

/* A word a line. */
// clang-format off

SV int32_t bytes4(const uint8_t *p) {
    int32_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

/* Keeps the compiler from looking through p. */
#if defined(__wasm__)
#define IN_REGISTER(p) ((void)(p))
#else
#define IN_REGISTER(p) __asm__("" : "+r"(p))
#endif
/* Bytes of rows 3, 2, 1, 0 of a strip: as the processors' "set" wants them. */
#define FOUR(r) \
    bytes4(row_at(r, 3)), bytes4(row_at(r, 2)), bytes4(row_at(r, 1)), bytes4(row_at(r, 0))

/* Row i of a strip. */
SV const uint8_t *row_at(mx_code_strip r, int i) { return r.first + i * r.apart; }
/* The same from row i and byte `at` on. One register finds some rows: so not each has one. */
SV mx_code_strip strip_at(mx_code_strip r, int i, ptrdiff_t at) {
    r.first += i * r.apart + at;
    IN_REGISTER(r.first);
    return r;
}

#if VF_LANES == 16
SV __m128i rows4(mx_code_strip r, int i, ptrdiff_t at) {
    r = strip_at(r, i, at);
    __m128i v = _mm_loadu_si32(r.first);
    v = _mm_insert_epi32(v, bytes4(row_at(r, 1)), 1);
    v = _mm_insert_epi32(v, bytes4(row_at(r, 2)), 2);
    return _mm_insert_epi32(v, bytes4(row_at(r, 3)), 3);
}
SV vi rows_turn4(mx_code_strip r, ptrdiff_t at) {
    vi v = _mm512_castsi128_si512(rows4(r, 0, at));
    v = _mm512_inserti32x4(v, rows4(r, 4, at), 1);
    v = _mm512_inserti32x4(v, rows4(r, 8, at), 2);
    return _mm512_inserti32x4(v, rows4(r, 12, at), 3);
}
SV __m128i bytes16(const uint8_t *p) { return _mm_loadu_si128((const void *)p); }
/* 16 bytes of row i of each of two strips: loads of half a vector go two at a time. */
SV __m256i two_rows(mx_code_strip a, mx_code_strip b, int i) {
    __m256i v = _mm256_castsi128_si256(bytes16(row_at(a, i)));
    return _mm256_inserti128_si256(v, bytes16(row_at(b, i)), 1);
}
/* Rows i, i + 4, i + 8, i + 12. */
SV vi four_rows(const mx_code_strip *r, int i) {
    vi v = _mm512_castsi256_si512(two_rows(r[0], r[1], i));
    return _mm512_inserti64x4(v, two_rows(r[2], r[3], i), 1);
}
SV void rows_turn16(vi *v, mx_code_strip rows, ptrdiff_t at) {
    mx_code_strip r[4];
    CODES_UNROLL
    for (int i = 0; i < 4; i++)
        r[i] = strip_at(rows, 4 * i, at);
    vi a = four_rows(r, 0), b = four_rows(r, 1), c = four_rows(r, 2), d = four_rows(r, 3);
    vi ab0 = _mm512_unpacklo_epi32(a, b), ab1 = _mm512_unpackhi_epi32(a, b);
    vi cd0 = _mm512_unpacklo_epi32(c, d), cd1 = _mm512_unpackhi_epi32(c, d);
    v[0] = _mm512_unpacklo_epi64(ab0, cd0);
    v[1] = _mm512_unpackhi_epi64(ab0, cd0);
    v[2] = _mm512_unpacklo_epi64(ab1, cd1);
    v[3] = _mm512_unpackhi_epi64(ab1, cd1);
}
SV vi bytes_lookup(const int8_t *table, vi i) {
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128((const void *)table)), i);
}
#elif VF_LANES == 8
SV vi rows_turn4(mx_code_strip r, ptrdiff_t at) {
    mx_code_strip a = strip_at(r, 0, at), b = strip_at(r, 4, at);
    return _mm256_set_epi32(FOUR(b), FOUR(a));
}
/* Row i of each of two strips. */
SV vi two_rows(mx_code_strip a, mx_code_strip b, int i) {
    vi v = _mm256_castsi128_si256(_mm_loadu_si128((const void *)row_at(a, i)));
    return _mm256_inserti128_si256(v, _mm_loadu_si128((const void *)row_at(b, i)), 1);
}
SV void rows_turn16(vi *v, mx_code_strip rows, ptrdiff_t at) {
    mx_code_strip p = strip_at(rows, 0, at), q = strip_at(rows, 4, at);
    vi a = two_rows(p, q, 0), b = two_rows(p, q, 1), c = two_rows(p, q, 2), d = two_rows(p, q, 3);
    vi ab0 = _mm256_unpacklo_epi32(a, b), ab1 = _mm256_unpackhi_epi32(a, b);
    vi cd0 = _mm256_unpacklo_epi32(c, d), cd1 = _mm256_unpackhi_epi32(c, d);
    v[0] = _mm256_unpacklo_epi64(ab0, cd0);
    v[1] = _mm256_unpackhi_epi64(ab0, cd0);
    v[2] = _mm256_unpacklo_epi64(ab1, cd1);
    v[3] = _mm256_unpackhi_epi64(ab1, cd1);
}
SV vi bytes_lookup(const int8_t *table, vi i) {
    __m128i t = _mm_loadu_si128((const void *)table);
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(t), i);
}
#elif defined(__SSE2__)
SV vi rows_turn4(mx_code_strip r, ptrdiff_t at) {
    r = strip_at(r, 0, at);
    return _mm_set_epi32(FOUR(r));
}
SV vi one_row(mx_code_strip r, int i) { return _mm_loadu_si128((const void *)row_at(r, i)); }
SV void rows_turn16(vi *v, mx_code_strip rows, ptrdiff_t at) {
    mx_code_strip r = strip_at(rows, 0, at);
    vi a = one_row(r, 0), b = one_row(r, 1), c = one_row(r, 2), d = one_row(r, 3);
    vi ab0 = _mm_unpacklo_epi32(a, b), ab1 = _mm_unpackhi_epi32(a, b);
    vi cd0 = _mm_unpacklo_epi32(c, d), cd1 = _mm_unpackhi_epi32(c, d);
    v[0] = _mm_unpacklo_epi64(ab0, cd0);
    v[1] = _mm_unpackhi_epi64(ab0, cd0);
    v[2] = _mm_unpacklo_epi64(ab1, cd1);
    v[3] = _mm_unpackhi_epi64(ab1, cd1);
}
SV vi bytes_lookup(const int8_t *table, vi i) {
    uint8_t b[16];
    _mm_storeu_si128((void *)b, i);
    for (int j = 0; j < 16; j++)
        b[j] = (uint8_t)table[b[j]];
    return _mm_loadu_si128((const void *)b);
}
#else
SV vi rows_turn4(mx_code_strip r, ptrdiff_t at) {
    r = strip_at(r, 0, at);
    vi v = vdupq_n_s32(bytes4(row_at(r, 0)));
    v = vsetq_lane_s32(bytes4(row_at(r, 1)), v, 1);
    v = vsetq_lane_s32(bytes4(row_at(r, 2)), v, 2);
    return vsetq_lane_s32(bytes4(row_at(r, 3)), v, 3);
}
SV vi one_row(mx_code_strip r, int i) { return vreinterpretq_s32_u8(vld1q_u8(row_at(r, i))); }
SV vi low_pairs(vi a, vi b) {
    return vreinterpretq_s32_s64(vzip1q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
}
SV vi high_pairs(vi a, vi b) {
    return vreinterpretq_s32_s64(vzip2q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
}
SV void rows_turn16(vi *v, mx_code_strip rows, ptrdiff_t at) {
    mx_code_strip r = strip_at(rows, 0, at);
    vi a = one_row(r, 0), b = one_row(r, 1), c = one_row(r, 2), d = one_row(r, 3);
    vi ab0 = vzip1q_s32(a, b), ab1 = vzip2q_s32(a, b);
    vi cd0 = vzip1q_s32(c, d), cd1 = vzip2q_s32(c, d);
    v[0] = low_pairs(ab0, cd0);
    v[1] = high_pairs(ab0, cd0);
    v[2] = low_pairs(ab1, cd1);
    v[3] = high_pairs(ab1, cd1);
}
SV vi bytes_lookup(const int8_t *table, vi i) {
    return vreinterpretq_s32_s8(vqtbl1q_s8(vld1q_s8(table), vreinterpretq_u8_s32(i)));
}
#endif

/* ---- dot products: each set's own words ---- */

/* Sums are added up one by one: the compiler's tree of sums would need more registers than there
   are. */
#if defined(__wasm__)
SV vi in_order(vi p) { return p; }
#elif defined(__SSE2__)
SV vi in_order(vi p) {
    __asm__("" : "+x"(p));
    return p;
}
#endif

#define DOT_FOLDS 0
#define DOT_WIDE_OFFSET 0

#if VF_LANES == 16 && defined(__AVX512VNNI__)
#undef DOT_WIDE_OFFSET
#define DOT_WIDE_OFFSET 128
SV vi dot_small(vi p, vi w, vi x) { return _mm512_dpbusd_epi32(p, w, x); }
SV vi dot_wide(vi p, vi w, vi x) {
    return _mm512_dpbusd_epi32(p, vi_xor(w, vi_set1((int32_t)0x80808080)), x);
}
SV vi dot_fold(vi p) { return p; }
#elif VF_LANES == 8 && defined(__AVXVNNI__)
#undef DOT_WIDE_OFFSET
#define DOT_WIDE_OFFSET 128
SV vi dot_small(vi p, vi w, vi x) { return _mm256_dpbusd_avx_epi32(p, w, x); }
SV vi dot_wide(vi p, vi w, vi x) {
    return _mm256_dpbusd_avx_epi32(p, vi_xor(w, vi_set1((int32_t)0x80808080)), x);
}
SV vi dot_fold(vi p) { return p; }
#elif VF_LANES == 16
#undef DOT_FOLDS
#define DOT_FOLDS 1
SV vi dot_small(vi p, vi w, vi x) {
    return in_order(_mm512_add_epi16(p, _mm512_maddubs_epi16(w, x)));
}
SV vi dot_fold(vi p) { return _mm512_madd_epi16(p, _mm512_set1_epi16(1)); }
/* Bytes 0 and 2 of each lane, then 1 and 3. */
SV vi dot_wide(vi p, vi w, vi x) {
    vi w0 = _mm512_srai_epi16(_mm512_slli_epi16(w, 8), 8), w1 = _mm512_srai_epi16(w, 8);
    vi x0 = _mm512_srai_epi16(_mm512_slli_epi16(x, 8), 8), x1 = _mm512_srai_epi16(x, 8);
    return in_order(vi_add(vi_add(p, _mm512_madd_epi16(w0, x0)), _mm512_madd_epi16(w1, x1)));
}
#elif VF_LANES == 8
#undef DOT_FOLDS
#define DOT_FOLDS 1
SV vi dot_small(vi p, vi w, vi x) {
    return in_order(_mm256_add_epi16(p, _mm256_maddubs_epi16(w, x)));
}
SV vi dot_fold(vi p) { return _mm256_madd_epi16(p, _mm256_set1_epi16(1)); }
/* |w| by x with w's sign: 128 by 127 twice fits in 16 bits. */
SV vi dot_wide(vi p, vi w, vi x) {
    return in_order(
        vi_add(p, dot_fold(_mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w)))));
}
#elif defined(__SSE2__)
/* Bytes 0 and 2 of each lane, then 1 and 3. */
SV vi dot_wide(vi p, vi w, vi x) {
    vi w0 = _mm_srai_epi16(_mm_slli_epi16(w, 8), 8), w1 = _mm_srai_epi16(w, 8);
    vi x0 = _mm_srai_epi16(_mm_slli_epi16(x, 8), 8), x1 = _mm_srai_epi16(x, 8);
    return in_order(vi_add(vi_add(p, _mm_madd_epi16(w0, x0)), _mm_madd_epi16(w1, x1)));
}
SV vi dot_small(vi p, vi w, vi x) { return dot_wide(p, w, x); }
SV vi dot_fold(vi p) { return p; }
#else
SV vi dot_wide(vi p, vi w, vi x) {
    int8x16_t a = vreinterpretq_s8_s32(w), b = vreinterpretq_s8_s32(x);
#if defined(__ARM_FEATURE_DOTPROD)
    return vdotq_s32(p, a, b);
#else
    vi low = vpaddlq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(b)));
    vi high = vpaddlq_s16(vmull_high_s8(a, b));
    return vaddq_s32(p, vpaddq_s32(low, high));
#endif
}
SV vi dot_small(vi p, vi w, vi x) { return dot_wide(p, w, x); }
SV vi dot_fold(vi p) { return p; }
#endif

// clang-format on

#endif
