/* Factorisations of one matrix of float32, float64 or complex64, on the matmul engine.
 *
 * All are recursive (Toledo 1997; Elmroth and Gustavson 2000): half of the columns are factored,
 * one product brings the rest up to date, and blocks of FACTOR_BLOCK columns are left to kernels
 * (kernels/linalg/k_factor.h). So most of the work is done by large products.
 *
 *     ┌─────┬─────┐   1. factor the left half         matrices are row-major, ld elements a row,
 *     │ L U │  B  │   2. solve for the upper right    except in QR, whose lines are columns
 *     │  .  ├─────┤   3. lower right -= left * upper
 *     │  .  │  C  │   4. factor the lower right
 *     └─────┴─────┘
 *
 * The order of every sum depends on sizes alone. Callable within a body of mx_parallel_for, where
 * it runs serially. Memory is the caller's; false where the matmul engine's own ran out, with no
 * error recorded. Not a number and infinity take part as in the formulas: nothing is skipped
 * because it is 0.
 */
#ifndef MX_CPU_FACTOR_ENGINE_H
#define MX_CPU_FACTOR_ENGINE_H

#include "cpu/matmul/matmul_engine.h"
#include "kernels/linalg/k_factor.h"

enum { FACTOR_BLOCK = 32 };

typedef struct factor_type {
    mx_dtype dtype;
    size_t item;
    const mx_k_factor *k;
} factor_type;

factor_type factor_type_of(mx_dtype t);

static inline char *factor_at(const factor_type *f, const void *p, int64_t elements) {
    return (char *)(uintptr_t)p + elements * (int64_t)f->item;
}
/* The first part of n columns: about half, whole blocks. */
static inline int64_t factor_half(int64_t n) {
    return (n / 2 + FACTOR_BLOCK - 1) / FACTOR_BLOCK * FACTOR_BLOCK;
}

/* --- products: out (m,n) with a (m,k), b (k,n) --- */

bool factor_subtract(const factor_type *f, int64_t m, int64_t n, int64_t k, mx_matrix a,
                     mx_matrix b, void *out, int64_t ld); /* out -= a b */
bool factor_multiply(const factor_type *f, double alpha, int64_t m, int64_t n, int64_t k,
                     mx_matrix a, mx_matrix b, void *out, int64_t ld); /* out = alpha a b */
/* n lines of m elements, conjugated. */
void factor_conjugate(const factor_type *f, int64_t n, int64_t m, char *out, const char *in,
                      int64_t ld);

/* --- triangles (factor_triangle.c) --- */

/* A triangle of order n; `unit`: its diagonal counts as 1. What lies beyond it is not read. */
typedef struct factor_triangle {
    mx_matrix at;
    bool upper, unit;
} factor_triangle;

/* b (n, count) becomes the solution x of t x = b. A 0 on the diagonal divides. */
bool factor_solve(const factor_type *f, factor_triangle t, int64_t n, int64_t count, char *b,
                  int64_t ldb);
/* x (n,n), full, becomes the inverse of t. */
bool factor_invert(const factor_type *f, factor_triangle t, int64_t n, char *x, int64_t ldx);

/* --- factorisations --- */

/* a (m,n) becomes L below and U; row i and row pivot[i] change places in turn, i < min(m,n). panel:
   room for m * min(n, FACTOR_BLOCK) elements. */
bool factor_lu(const factor_type *f, int64_t m, int64_t n, char *a, int64_t ld, int *pivot,
               char *panel);
void factor_exchange_rows(const factor_type *f, char *a, int64_t ld, int64_t n, const int *pivot,
                          int64_t count);

/* The upper triangle of a (n,n) becomes U, U^H U = A; *row, from 0: where it stopped for a pivot
   that is not above 0, or n. mirror: room like a's, which gets the conjugates; a itself for a real
   type. */
bool factor_cholesky(const factor_type *f, int64_t n, char *a, char *mirror, int64_t ld,
                     int64_t *row);

/* Lines are columns: a, n lines of m, becomes R on and above its diagonal; then q, k lines of m,
   gets the first k columns of Q, k = min(m,n). work: factor_qr_work(m, n) elements. */
bool factor_qr(const factor_type *f, int64_t m, int64_t n, char *a, char *q, char *work);
int64_t factor_qr_work(int64_t m, int64_t n);

#endif
