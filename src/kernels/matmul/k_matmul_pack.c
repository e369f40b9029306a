/* Packers: copy a strided matrix to micropanels, converting on the way (k_matmul.h). Each has a
 * path for adjacent rows, one for adjacent k (a transposition), and one for any strides. */
#include "kernels/simd/k_load.h"
#include "kernels/matmul/k_tile.h"

/* ---- 32-bit units with adjacent k: transposed in squares ---- */

typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef uint32_t u32x8 __attribute__((vector_size(32)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));

/* Four rows of four units; the first `have` rows exist. */
SV void transpose4(uint32_t *dst, int w, const char *src, ptrdiff_t row_bytes, int have) {
    u32x4 r[4] = {{0}, {0}, {0}, {0}};
    for (int i = 0; i < 4 && i < have; i++)
        memcpy(&r[i], src + i * row_bytes, 16);
    u32x4 a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
    u32x4 b = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
    u32x4 c = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
    u32x4 d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
    r[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    r[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    r[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
    r[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
    for (int i = 0; i < 4; i++)
        memcpy(dst + (ptrdiff_t)i * w, &r[i], 16);
}

/* Rows a and b of four, and c and d, give units k and k+4 of the four: two output rows' halves. By
 * pointer, as each instruction set passes vectors in a way of its own. */
SV void merge_pairs(u32x8 *lo, u32x8 *hi, const u32x8 *a, const u32x8 *b) {
    *lo = __builtin_shufflevector(*a, *b, 0, 8, 1, 9, 4, 12, 5, 13);
    *hi = __builtin_shufflevector(*a, *b, 2, 10, 3, 11, 6, 14, 7, 15);
}
SV void merge_quads(u32x8 *lo, u32x8 *hi, const u32x8 *a, const u32x8 *b) {
    *lo = __builtin_shufflevector(*a, *b, 0, 1, 8, 9, 4, 5, 12, 13);
    *hi = __builtin_shufflevector(*a, *b, 2, 3, 10, 11, 6, 7, 14, 15);
}

/* Eight rows of eight units. */
SV void transpose8(uint32_t *dst, int w, const u32x8 *r) {
    u32x8 p[8], q[8];
    for (int i = 0; i < 4; i++)
        merge_pairs(&p[2 * i], &p[2 * i + 1], &r[2 * i], &r[2 * i + 1]);
    for (int i = 0; i < 2; i++) { // q[4 i + u]: units u and u + 4 of rows 4 i ..
        merge_quads(&q[4 * i], &q[4 * i + 1], &p[4 * i], &p[4 * i + 2]);
        merge_quads(&q[4 * i + 2], &q[4 * i + 3], &p[4 * i + 1], &p[4 * i + 3]);
    }
    for (int u = 0; u < 4; u++) {
        u32x8 lo = __builtin_shufflevector(q[u], q[4 + u], 0, 1, 2, 3, 8, 9, 10, 11);
        u32x8 hi = __builtin_shufflevector(q[u], q[4 + u], 4, 5, 6, 7, 12, 13, 14, 15);
        memcpy(dst + (ptrdiff_t)u * w, &lo, 32);
        memcpy(dst + (ptrdiff_t)(u + 4) * w, &hi, 32);
    }
}

/* Eight rows of 16 units: whole lines of cache, which may all fall into one set. */
SV void transpose8x16(uint32_t *dst, int w, const char *src, ptrdiff_t row_bytes) {
    u32x8 lo[8], hi[8];
    for (int i = 0; i < 8; i++) {
        memcpy(&lo[i], src + i * row_bytes, 32);
        memcpy(&hi[i], src + i * row_bytes + 32, 32);
    }
    transpose8(dst, w, lo);
    transpose8(dst + 8 * w, w, hi);
}

/* `width` places of k rows, one unit at a time: the panel's edge, the end of k. */
static void copy_block(uint32_t *dst, int w, const char *src, ptrdiff_t row_bytes, int width,
                       int have, ptrdiff_t k) {
    for (ptrdiff_t i = 0; i < k; i++) {
        for (int r = 0; r < width; r++) {
            uint32_t u = 0;
            if (r < have)
                memcpy(&u, src + r * row_bytes + 4 * i, 4);
            dst[i * w + r] = u;
        }
    }
}

/* Up to eight places of a panel, k <= 16 units. */
SV void pack_strip(uint32_t *dst, int w, const char *src, ptrdiff_t row_bytes, int width, int have,
                   ptrdiff_t k) {
    ptrdiff_t p = 0;
    if (width == 8 && have >= 8 && k == 16) {
        transpose8x16(dst, w, src, row_bytes);
        return;
    }
    if (width >= 4)
        for (; p + 4 <= k; p += 4) {
            transpose4(dst + p * w, w, src + 4 * p, row_bytes, have);
            if (width == 8)
                transpose4(dst + p * w + 4, w, src + 4 * row_bytes + 4 * p, row_bytes, have - 4);
            else
                copy_block(dst + p * w + 4, w, src + 4 * row_bytes + 4 * p, row_bytes, width - 4,
                           have - 4, 4);
        }
    copy_block(dst + p * w, w, src + 4 * p, row_bytes, width, have, k - p);
}

enum {
    SOON = 256
}; /* bytes ahead in each row that the cache is asked for: rows are more than a
                       processor follows */

/* All rows of a panel, k units of 32 bits that are adjacent in src. The walk is over 16 units
   of eight rows at a time, so that a cache line is read once even when rows share a cache set. */
static void pack_units(uint32_t *dst, int w, const char *src, ptrdiff_t row_bytes, int rows,
                       ptrdiff_t k) {
    for (ptrdiff_t p = 0; p < k; p += 16) {
        ptrdiff_t n = k - p < 16 ? k - p : 16;
        for (int r = 0; r < rows; r++)
            __builtin_prefetch(src + r * row_bytes + 4 * p + SOON, 0, 2);
        for (int r = 0; r < w; r += 8)
            pack_strip(dst + p * w + r, w, src + r * row_bytes + 4 * p, row_bytes,
                       w - r < 8 ? w - r : 8, rows - r, n);
    }
}

/* ---- the f32 format ---- */

/* One k: w numbers of which `rows` are present and adjacent. */
SV void pack_line(float *dst, int w, const void *src, int rows, mx_dtype kind) {
    for (int r = 0; r < w; r += VF_LANES) {
        int have = rows - r < 0 ? 0 : rows - r, room = w - r;
        const void *p = kind_at(src, r, kind);
        if (have >= VF_LANES && room >= VF_LANES)
            vf_store(dst + r, kind_load(p, kind));
        else if (room >= VF_LANES)
            vf_store(dst + r, have ? kind_loadn(p, (size_t)have, kind) : vf_zero());
        else
            vf_storen(dst + r,
                      have ? kind_loadn(p, (size_t)(have < room ? have : room), kind) : vf_zero(),
                      (size_t)room);
    }
}

/* Halves with adjacent k: some k of each row are converted, then transposed. */
#define CHUNK 64
SV void pack_half_rows(float *dst, int w, const void *src, ptrdiff_t rs, int rows, ptrdiff_t k,
                       mx_dtype kind) {
    float t[TILE_NV * VF_LANES][CHUNK];
    for (ptrdiff_t k0 = 0; k0 < k; k0 += CHUNK) {
        ptrdiff_t n = k - k0 < CHUNK ? k - k0 : CHUNK;
        for (int r = 0; r < rows; r++)
            pack_line(t[r], (int)(n + 3) / 4 * 4, kind_at(src, r * rs + k0, kind), (int)n, kind);
        pack_units((uint32_t *)(dst + k0 * w), w, (const char *)t, sizeof t[0], rows, n);
    }
}

SV void pack_f32(float *dst, int w, const void *src, ptrdiff_t rs, ptrdiff_t ks, int rows,
                 ptrdiff_t k, mx_dtype kind) {
    const int wide = TILE_NV * VF_LANES;
    if (rs == 1 && w == TILE_MR && rows == TILE_MR) {
        for (ptrdiff_t p = 0; p < k; p++) // constant counts: one move
            pack_line(dst + p * TILE_MR, TILE_MR, kind_at(src, p * ks, kind), TILE_MR, kind);
    } else if (rs == 1 && w == wide && rows == wide) {
        for (ptrdiff_t p = 0; p < k; p++)
            pack_line(dst + p * wide, wide, kind_at(src, p * ks, kind), wide, kind);
    } else if (rs == 1 || rows == 1) {
        for (ptrdiff_t p = 0; p < k; p++)
            pack_line(dst + p * w, w, kind_at(src, p * ks, kind), rows, kind);
    } else if (ks == 1 && kind == MX_FLOAT32) {
        pack_units((uint32_t *)dst, w, src, rs * 4, rows, k);
    } else if (ks == 1 && w <= TILE_NV * VF_LANES) {
        pack_half_rows(dst, w, src, rs, rows, k, kind);
    } else {
        for (ptrdiff_t p = 0; p < k; p++)
            for (int r = 0; r < w; r++)
                dst[p * w + r] = r < rows ? kind_get(src, r * rs + p * ks, kind) : 0.0f;
    }
}

void KN(k_pack_f32)(void *dst, int w, const void *src, ptrdiff_t rs, ptrdiff_t ks, int rows,
                    ptrdiff_t k) {
    pack_f32(dst, w, src, rs, ks, rows, k, MX_FLOAT32);
}
void KN(k_pack_f32_f16)(void *dst, int w, const void *src, ptrdiff_t rs, ptrdiff_t ks, int rows,
                        ptrdiff_t k) {
    pack_f32(dst, w, src, rs, ks, rows, k, MX_FLOAT16);
}
void KN(k_pack_f32_bf16)(void *dst, int w, const void *src, ptrdiff_t rs, ptrdiff_t ks, int rows,
                         ptrdiff_t k) {
    pack_f32(dst, w, src, rs, ks, rows, k, MX_BFLOAT16);
}

/* ---- complex64 in the f32 format ----
 * (ar + i ai)(br + i bi): A becomes [ar -ai; ai ar], B becomes [br; bi], so a complex product is
 * a real one with twice the rows of A and twice k. `rows` and k count complex numbers here. */

void KN(k_pack_a_complex)(void *dst, int w, const void *src, ptrdiff_t rs, ptrdiff_t ks, int rows,
                          ptrdiff_t k) {
    const mx_complex64 *s = src;
    float *d = dst;
    for (ptrdiff_t p = 0; p < k; p++, d += 2 * w) {
        for (int r = 0; r < w / 2; r++) {
            mx_complex64 z = r < rows ? s[r * rs + p * ks] : (mx_complex64){0, 0};
            d[2 * r] = z.re;
            d[2 * r + 1] = z.im;
            d[w + 2 * r] = -z.im;
            d[w + 2 * r + 1] = z.re;
        }
    }
}

void KN(k_pack_b_complex)(void *dst, int w, const void *src, ptrdiff_t rs, ptrdiff_t ks, int rows,
                          ptrdiff_t k) {
    const mx_complex64 *s = src;
    float *d = dst;
    for (ptrdiff_t p = 0; p < k; p++, d += 2 * w) {
        for (int r = 0; r < w; r++) {
            mx_complex64 z = r < rows ? s[r * rs + p * ks] : (mx_complex64){0, 0};
            d[r] = z.re;
            d[w + r] = z.im;
        }
    }
}

/* ---- the f64 format ---- */

void KN(k_pack_f64)(void *dst, int w, const void *src, ptrdiff_t rs, ptrdiff_t ks, int rows,
                    ptrdiff_t k) {
    const double *s = src;
    double *d = dst;
    for (ptrdiff_t p = 0; p < k; p++, d += w) {
        if (rs == 1)
            memcpy(d, s + p * ks, (size_t)rows * sizeof *d);
        else
            for (int r = 0; r < rows; r++)
                d[r] = s[r * rs + p * ks];
        for (int r = rows; r < w; r++)
            d[r] = 0.0;
    }
}

/* ---- pairs of bfloat16 ---- */

/* Two lines, k and k+1, interleaved; the second may be absent (zeros). */
static void pair_line(uint32_t *dst, int w, const uint16_t *even, const uint16_t *odd, ptrdiff_t rs,
                      int rows) {
    int r = 0;
    if (rs == 1 && odd)
        for (; r + 8 <= rows; r += 8) {
            u16x8 x, y;
            memcpy(&x, even + r, sizeof x);
            memcpy(&y, odd + r, sizeof y);
            u16x8 lo = __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11);
            u16x8 hi = __builtin_shufflevector(x, y, 4, 12, 5, 13, 6, 14, 7, 15);
            memcpy(dst + r, &lo, sizeof lo);
            memcpy(dst + r + 4, &hi, sizeof hi);
        }
    for (; r < rows; r++)
        dst[r] = even[r * rs] | (odd ? (uint32_t)odd[r * rs] << 16 : 0);
    for (; r < w; r++)
        dst[r] = 0;
}

void KN(k_pack_bf16_pairs)(void *dst, int w, const void *src, ptrdiff_t rs, ptrdiff_t ks, int rows,
                           ptrdiff_t k) {
    const uint16_t *s = src;
    uint32_t *d = dst;
    ptrdiff_t p = 0;
    if (ks == 1 && rs != 1) {
        pack_units(d, w, src, rs * 2, rows, k / 2);
        p = k / 2 * 2;
    }
    for (; p < k; p += 2)
        pair_line(d + p / 2 * w, w, s + p * ks, p + 1 < k ? s + (p + 1) * ks : NULL, rs, rows);
}
