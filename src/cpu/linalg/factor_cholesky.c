/* The Cholesky factorisation: see factor_engine.h. */
#include "cpu/linalg/factor_engine.h"

enum { SQUARE = 128 }; /* below this both triangles of a symmetric product are computed */

/* The upper triangle of c (n,n) -= b^H b, b (k,n). */
static bool subtract_square(const factor_type *f, int64_t n, int64_t k, const char *b,
                            const char *mirror, char *c, int64_t ld) {
    mx_matrix left = {mirror, 1, ld}, right = {b, ld, 1};
    if (n <= SQUARE)
        return factor_subtract(f, n, n, k, left, right, c, ld);
    int64_t h = factor_half(n);
    mx_matrix rest = {factor_at(f, b, h), ld, 1};
    return subtract_square(f, h, k, b, mirror, c, ld) &&
           factor_subtract(f, h, n - h, k, left, rest, factor_at(f, c, h), ld) &&
           subtract_square(f, n - h, k, rest.data, factor_at(f, mirror, h),
                           factor_at(f, c, h * ld + h), ld);
}

bool factor_cholesky(const factor_type *f, int64_t n, char *a, char *mirror, int64_t ld,
                     int64_t *row) {
    if (n <= FACTOR_BLOCK) {
        *row = f->k->cholesky(n, a, ld);
        factor_conjugate(f, n, n, mirror, a, ld);
        return true;
    }
    int64_t h = factor_half(n);
    if (!factor_cholesky(f, h, a, mirror, ld, row) || *row < h)
        return *row < h;
    char *b = factor_at(f, a, h), *mb = factor_at(f, mirror, h);
    if (!factor_solve(f, (factor_triangle){{mirror, 1, ld}, false, false}, h, n - h, b, ld))
        return false;
    factor_conjugate(f, h, n - h, mb, b, ld);
    char *c = factor_at(f, b, h * ld);
    bool ok = subtract_square(f, n - h, h, b, mb, c, ld) &&
              factor_cholesky(f, n - h, c, factor_at(f, mb, h * ld), ld, row);
    *row += h;
    return ok;
}
