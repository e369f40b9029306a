/* The Schur form of a Hessenberg matrix: H = Z T Z^H, by Francis's QR iteration with double
 * shifts (Francis 1961, 1962; Golub and Van Loan 2013, 7.5) in float32 and float64, with single
 * ones in complex64, where T is triangular.
 *
 *     H  x x x x x x       T  x x x x x x     T has numbers on its diagonal, and blocks of two
 *        x x x x x x          . x x x x x     with equal diagonals and off-diagonals of opposite
 *        . x x x x x          . x x x x x     signs, which are pairs of conjugates.
 *        . . x x x x          . . . x x x
 *
 * A sweep moves a bulge down the rows that are not finished (kernels/linalg/k_schur.h). What it
 * does to Z is done later, for several sweeps at once, while a strip of Z is in the cache. A
 * subdiagonal is taken for 0 as Ahues and Tisseur 1997 (LAPACK Working Note 122) say.
 */
#ifndef MX_CPU_SCHUR_H
#define MX_CPU_SCHUR_H

#include "kernels/linalg/k_schur.h"

/* Elements from a row of h to the next. */
static inline int64_t schur_ld(int64_t n) {
    return (n + 2 * MX_K_SCHUR_PAD - 1) / MX_K_SCHUR_PAD * MX_K_SCHUR_PAD;
}
/* Elements of h, with the rows behind. */
static inline int64_t schur_size(int64_t n) {
    return schur_ld(n) * (n + MX_K_SCHUR_PAD);
}

/* h: row-major, schur_size(n) elements aligned by 64, 0 below the subdiagonal and behind the
 * matrix; rows lo .. hi are not triangular yet. whole: it becomes T, else only eigenvalues are
 * right. z: columns of n elements, one column of zeros more; becomes z Z; or NULL. wr, wi: the
 * eigenvalues, the one of a pair with the positive part first. standard: LAPACK's lanv2, which
 * makes a block of two what T has.
 *
 * 0; the number of the row, from 1, above which nothing was found; or LAPACK_NO_MEMORY. */
typedef struct lapack_hessenberg_f {
    int64_t n, lo, hi;
    bool whole;
    float *h, *z, *wr, *wi;
    void (*standard)(float *a, float *b, float *c, float *d, float *r1, float *i1, float *r2,
                     float *i2, float *cs, float *sn);
} lapack_hessenberg_f;
typedef struct lapack_hessenberg_d {
    int64_t n, lo, hi;
    bool whole;
    double *h, *z, *wr, *wi;
    void (*standard)(double *a, double *b, double *c, double *d, double *r1, double *i1, double *r2,
                     double *i2, double *cs, double *sn);
} lapack_hessenberg_d;

/* Complex: T is triangular, by single shifts. h and z in planes, real parts first: of
   schur_size(n), and n columns and one. */
typedef struct lapack_hessenberg_c {
    int64_t n, lo, hi;
    bool whole;
    float *h, *z;
    mx_complex64 *w;
} lapack_hessenberg_c;

int lapack_schur_f(const lapack_hessenberg_f *s);
int lapack_schur_d(const lapack_hessenberg_d *s);
int lapack_schur_c(const lapack_hessenberg_c *s);

#endif
