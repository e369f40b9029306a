/* What stands between the products of a language model's pass: float32 rows in place.
 *
 * Each element of a result depends on its own operands alone, so that rows may be taken in any
 * pieces that are multiples of 16 elements.
 */
#ifndef MX_KERNELS_K_DECODE_H
#define MX_KERNELS_K_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(name): what `gate` gives, of which out = name(gate) * up */
#define MX_GATES(X)                                                                   \
    X(silu) /* x sigmoid(x) */                                                        \
    X(gelu) /* by erf */                                                              \
    X(gelu_tanh)                                                                      \
    X(relu)                                                                           \
    X(relu2)                                                                          \
    X(clamped) /* x <= 7: x sigmoid(1.702 x); up within -7 .. 7, and 1 added to it */ \
    X(sigmoid)

typedef enum mx_gate_kind {
#define X(name) MX_GATE_##name,
    MX_GATES(X)
#undef X
        MX_GATE_COUNT
} mx_gate_kind;

/* out may be gate or up. up NULL: ones (clamped: zeros). */
typedef void mx_k_gate(float *out, const float *gate, const float *up, size_t n);

/* A matrix (k, n) of keys or values as a cache keeps it: float32, float16, or codes of 8 or 4 bits
 * in groups of 32 with a float16 scale and least value each: code * scale + least.
 *
 *     turned   a column is a position: groups go down it. Scales (k / 32, n)
 *     else     a row is a position: groups go along it. Scales (n / 32, 64), k at most 64
 *
 * Codes of 4 bits: numbers i and i + 16 of a group share a byte, i in the lower half, so that half
 * as many rows (or columns) of bytes lie there. Rows 2 i and 2 i + 1 of bytes lie side by side,
 * column after column; both are there. */
typedef struct mx_k_cells {
    int bits; /* 32, 16, 8, 4 */
    bool turned;
    ptrdiff_t k, n; /* of codes n is a multiple of 16 (turned) or 32 */
    ptrdiff_t ld;   /* numbers between rows, or bytes of codes between pairs of rows */
    const void *cells;
    const uint16_t *scale, *least; /* scale_ld apart */
    ptrdiff_t scale_ld;
} mx_k_cells;

/* Of floats: y(r, j) = sum over k of x(r, k) cell(k, j), one after the other; rows ldy and ldx
   apart. */
typedef void mx_k_cell_sums(float *y, ptrdiff_t ldy, const mx_k_cells *m, const float *x,
                            ptrdiff_t ldx, ptrdiff_t rows);

enum { MX_K_CELL_GROUP = 32 };

/* Bytes of a row of k numbers as `keys` reads it: 16 bits each, then of each group a scale and the
   sum of what is scaled by it. */
static inline ptrdiff_t mx_k_cell_row(ptrdiff_t k) {
    return (k * 2 + k / 4 + 63) / 64 * 64;
}

/* The same of codes, in integers: numbers of x are rounded to 16 bits, in groups of 32 for keys,
   all of a row at once for the values of a group. What is not finite makes what it meets NaN. */
typedef struct mx_k_cell_codes {
    void (*round)(void *row, const float *x, ptrdiff_t k);
    /* rows `row` bytes apart; m turned */
    void (*keys)(float *y, ptrdiff_t ldy, const mx_k_cells *m, const void *x, ptrdiff_t row,
                 ptrdiff_t rows);
    void (*values)(float *y, ptrdiff_t ldy, const mx_k_cells *m, const float *x, ptrdiff_t ldx,
                   ptrdiff_t rows); /* m not turned */
} mx_k_cell_codes;

/* Those for this processor: one of the chosen set's two. */
const mx_k_cell_codes *mx_cell_codes(void);

typedef struct mx_k_decode {
    mx_k_gate *gate[MX_GATE_COUNT];
    void (*add)(float *x, const float *y, float scale, size_t n); /* x += scale * y */
    /* scale * x, then cap * tanh(x / cap) where cap is not 0 */
    void (*cap)(float *x, float scale, float cap, size_t n);
    /* Two unfinished results of the online softmax (k_attention.h) become one, in m, l and o: of
       some keys, and of those behind them. */
    void (*fold)(float *m, float *l, float *o, float m2, float l2, const float *o2, size_t n);
    void (*divide)(float *o, float by, size_t n);
    /* A step of rows of a state (rows, n): s = decay s + (dt x[row]) b;  y[row] = s . c */
    void (*scan)(float *s, size_t rows, size_t n, float decay, float dt, const float *x,
                 const float *b, const float *c, float *y);
    mx_k_cell_sums *sums;
    const mx_k_cell_codes *plain, *vnni; /* the latter for processors with dot products of bytes */
} mx_k_decode;

#endif
