/* Matrix kernels: packers, register tiles, stores, and the matrix-vector shapes.
 *
 * The method is that of Goto and van de Geijn 2008 ("Anatomy of high-performance matrix
 * multiplication") as the BLIS papers lay it out: operands are copied into micropanels that a
 * register tile reads front to back.
 *
 *     packed A: panels of mr rows             packed B: panels of nr columns
 *     ┌─ panel 0 ────────────┐                ┌─ panel 0 ────────────┐
 *     │ k=0: a(0..mr-1, 0)   │                │ k=0: b(0, 0..nr-1)   │
 *     │ k=1: a(0..mr-1, 1)   │                │ k=1: b(1, 0..nr-1)   │
 *     │ ...                  │                │ ...                  │
 *     └──────────────────────┘                └──────────────────────┘
 *
 * A *format* (mx_k_gemm) is one way to hold packed numbers with the tile that multiplies them:
 *
 *     f32   float32, one k at a time; float16 and bfloat16 are converted when packed (exact)
 *     f64   float64
 *     bf16  two consecutive k side by side in 32 bits, for processors with dot products of
 *           bfloat16 pairs; sums in float32; subnormal inputs and results count as zero there
 *
 * Strides count elements. A packed panel is followed by no padding; its width is always full
 * (rows that are missing are zero).
 */
#ifndef MX_KERNELS_K_MATMUL_H
#define MX_KERNELS_K_MATMUL_H

#include "kernels/kernels.h"

/* Copy rows x k elements of src to dst as one micropanel of width w: the element (row r, k)
   goes to group k / kgroup at place r * kgroup + k % kgroup. rs and ks are the strides of src
   between rows and between k; columns of B are the "rows" of its panels. rows <= w. */
typedef void mx_k_pack(void *dst, int w, const void *src, ptrdiff_t rs, ptrdiff_t ks, int rows,
                       ptrdiff_t k);

/* c(m,n) = [c +] a b over `groups` groups of packed k; 1 <= m <= mr, 1 <= n <= nr. a is a panel
   of width mr and b one of width nr; c has the accumulator's dtype and ldc elements a row. */
typedef void mx_k_tile(int m, int n, ptrdiff_t groups, const void *a, const void *b, void *c,
                       ptrdiff_t ldc, bool add);

typedef struct mx_k_gemm {
    int mr, nr;   /* rows and columns of the register tile */
    int kgroup;   /* consecutive k that lie side by side: 1, or 2 in pairs of bfloat16 */
    int in_size;  /* bytes of one packed group of one row */
    mx_dtype acc; /* MX_FLOAT32 or MX_FLOAT64 */
    mx_k_tile *tile;
    mx_k_pack *pack[MX_DTYPE_COUNT]; /* NULL for what the format does not hold exactly */
    mx_k_pack *pack_a_complex;       /* f32 only: complex64 as twice the rows and twice k */
    mx_k_pack *pack_b_complex;       /*           ... and twice k */
} mx_k_gemm;

/* out = alpha * acc + beta * cin, rounded to the output's dtype. */
typedef struct mx_k_store_args {
    void *out;
    ptrdiff_t out_rs; /* elements between rows; columns are adjacent */
    const void *acc;  /* m x n; complex64: 2m rows, real and imaginary by turns */
    ptrdiff_t acc_rs;
    ptrdiff_t m, n;
    double alpha, beta;
    const void *cin; /* the output's dtype, or NULL: nothing is added */
    ptrdiff_t cin_rs, cin_cs;
} mx_k_store_args;
typedef void mx_k_store(const mx_k_store_args *a);

/* y(r,i) = sum over k of w(r,k) x(i,k): `rows` rows of w with adjacent k, s <= MX_K_SKINNY
   vectors x of float32 (ldx apart). Element (r,i) goes to y[r * y_rs + i * y_is]. */
#define MX_K_SKINNY 8
typedef void mx_k_skinny_dot(float *y, ptrdiff_t y_rs, ptrdiff_t y_is, const void *w,
                             ptrdiff_t w_rs, ptrdiff_t rows, const float *x, ptrdiff_t ldx, int s,
                             ptrdiff_t k);
/* y(r) = the same for one vector x: sums of stretches of k, added up one after the other. */
typedef void mx_k_stretched_dot(float *y, const void *w, ptrdiff_t w_rs, ptrdiff_t rows,
                                const float *x, ptrdiff_t k, ptrdiff_t stretch);
/* y(i,j) += sum over k of x(i,k) w(k,j): rows of w have n adjacent elements, w_ks apart. */
typedef void mx_k_skinny_sum(float *y, ptrdiff_t ldy, const void *w, ptrdiff_t w_ks, const float *x,
                             ptrdiff_t ldx, int s, ptrdiff_t k, ptrdiff_t n);

/* y[i * ldy + r] = [y +] sum over k of w(r,k) x(i,k), for many rows of both. Each element has
   `parts` vectors of sums, 1 or 2, that take the vectors of k by turns and are added up at the end:
   one is the way of skinny_dot, two that of the dots of k_quant.h (k is then a multiple of 16). */
typedef struct mx_row_dots_args {
    float *y;
    const float *w, *x;
    ptrdiff_t ldy, ldw, ldx;
    ptrdiff_t columns, rows, k; /* columns: rows of w */
    int parts;
    bool add;
} mx_row_dots_args;
typedef void mx_k_row_dots(const mx_row_dots_args *a);

/* A register tile of a product whose operands are read where they lie: float32,
 *
 *     c(i,j) = [c(i,j) +] sum over p < k of a[i][p * a_step] * b[p * b_step + j]
 *
 * 1 <= m <= mr and 1 <= n <= nr of the f32 format; all mr rows of a can be read. The
 * sums are those of that format's tile, to the bit. ahead: where a_step is 1, how far behind a row
 * that one lies which the cache is asked for meanwhile; 0: none. */
typedef struct mx_k_row_tile_args {
    int m, n;
    bool add;
    ptrdiff_t k;
    const float *const *a;
    ptrdiff_t a_step;
    const float *b;
    ptrdiff_t b_step;
    float *c;
    ptrdiff_t ldc, ahead;
} mx_k_row_tile_args;
typedef void mx_k_row_tile(const mx_k_row_tile_args *t);

/* Integers and bool: out(m,n) = alpha * a b + beta * cin, wrapping; bool is or over and, alpha
   and beta count as 1 there. cin may be NULL. */
typedef struct mx_k_imatmul_args {
    ptrdiff_t m, n, k;
    const void *a, *b, *cin;
    ptrdiff_t a_rs, a_cs, b_rs, b_cs, cin_rs, cin_cs;
    void *out;
    ptrdiff_t out_rs;
    int64_t alpha, beta;
} mx_k_imatmul_args;
typedef void mx_k_imatmul(const mx_k_imatmul_args *a);

typedef struct mx_k_matmul {
    const mx_k_gemm *f32, *f64;
    const mx_k_gemm *bf16; /* its tile is NULL where the set has none; else the processor must have
                              avx512_bf16 too */
    mx_k_store *store[MX_DTYPE_COUNT];           /* floats and complex64 */
    mx_k_skinny_dot *skinny_dot[MX_DTYPE_COUNT]; /* float16 float32 bfloat16, by the dtype of w */
    mx_k_stretched_dot *stretched_dot[MX_DTYPE_COUNT]; /* likewise */
    mx_k_skinny_sum *skinny_sum[MX_DTYPE_COUNT];
    mx_k_row_dots *row_dots;
    mx_k_row_tile *row_tile;
    mx_k_imatmul *imatmul[MX_DTYPE_COUNT]; /* integers and bool */
    /* blocks of factorisations, float32 float64 complex64 (k_factor.h) */
    const struct mx_k_factor *factor[MX_DTYPE_COUNT];
    /* sweeps of the QR iteration, float32 float64 complex64 (k_schur.h) */
    const struct mx_k_schur *schur[MX_DTYPE_COUNT];
} mx_k_matmul;

#ifdef MX_ISA
extern const mx_k_matmul KN(mx_matmul);
#endif

#endif
