/* Sweeps of the QR iteration on a Hessenberg matrix: float32, float64, complex64.
 *
 * A *reflection* I - t (1,v1,v2) (1,v1,v2)^T mixes three neighbours k, k+1, k+2. A sweep (Francis
 * 1961, 1962; Golub and Van Loan 2013, 7.5) has one for each k from `first` on, each of which
 * moves a bulge below the diagonal one place down:
 *
 *     columns  k-1 k             chase: reflection k meets rows k .. k+2, and of columns k .. k+2
 *         k     x x x x x x      the rows below k, which the next ones need.
 *         k+1   x x x x x x
 *         k+2   x x x x x x      finish: of the rows up to k columns k .. k+2, when all are known.
 *         k+3         x x x
 *
 * What lies in adjacent places of memory is a vector: of h, whose rows are lines, columns for the
 * reflections from the left, and rows for those from the right, in strips that are transposed for
 * it. The last reflection mixes two: its v2 is 0, and the third place is left as it is.
 *
 * In complex64 rotations of two neighbours take the place of reflections, and real and imaginary
 * parts lie in planes of their own.
 */
#ifndef MX_KERNELS_K_SCHUR_H
#define MX_KERNELS_K_SCHUR_H

#include "kernels/kernels.h"

enum {
    MX_K_REFLECTION = 5,   /* numbers of one: v1 v2 t t*v1 t*v2 */
    MX_K_ROTATION = 3,     /* c, re s, im s */
    MX_K_SCHUR_PAD = 16,   /* rows and columns of zeros behind those of h, for whole vectors */
    MX_K_SCHUR_STRIP = 64, /* rows of a strip at most */
};

typedef struct mx_k_sweep {
    void *h;               /* ld elements a row, a multiple of MX_K_SCHUR_PAD; aligned by 64 */
    ptrdiff_t ld;          /* h has MX_K_SCHUR_PAD rows and columns more than the matrix */
    ptrdiff_t plane;       /* elements from real to imaginary parts; 0 */
    ptrdiff_t top;         /* the first row that reflections from the right reach */
    ptrdiff_t begin;       /* the first row of the block, not after `first` */
    ptrdiff_t first, last; /* rows of the bulge's way: last - first reflections */
    ptrdiff_t end;         /* behind the last column that those from the left reach */
    void *list;            /* the reflections */
} mx_k_sweep;

typedef struct mx_k_schur { /* mx_k_matmul.schur[dtype] */
    /* `start`: three numbers that the first reflection, two that the first rotation makes to one.
       Fills the list. */
    void (*chase)(const mx_k_sweep *s, const void *start);
    /* room: MX_K_SCHUR_STRIP * ld elements, aligned by 64; of two planes twice that */
    void (*finish)(const mx_k_sweep *s, void *room);
    /* `count` reflections of the list meet columns 0 .. count+1 of z, rotations one less, which has
       `rows` adjacent elements a column, ld apart. */
    void (*turn)(void *z, ptrdiff_t plane, ptrdiff_t ld, ptrdiff_t rows, ptrdiff_t count,
                 const void *list);
} mx_k_schur;

#ifdef MX_ISA
extern const mx_k_schur KN(mx_schur_f32), KN(mx_schur_f64), KN(mx_schur_c64);
#endif

#endif
