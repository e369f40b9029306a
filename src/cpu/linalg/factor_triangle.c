/* Products, and triangular solves and inverses by halves: see factor_engine.h. */
#include <string.h>

#include "base/threads/pool.h"
#include "cpu/linalg/factor_engine.h"

factor_type factor_type_of(mx_dtype t) {
    return (factor_type){t, mx_dtype_size(t), mx_kernels_get()->matmul->factor[t]};
}

static mx_gemm_args product(const factor_type *f, double alpha, int64_t m, int64_t n, int64_t k,
                            mx_matrix a, mx_matrix b, void *out, int64_t ld) {
    return (mx_gemm_args){.dtype = f->dtype,
                          .m = m,
                          .n = n,
                          .k = k,
                          .a = a,
                          .b = b,
                          .out = out,
                          .out_rs = ld,
                          .alpha = alpha};
}

bool factor_multiply(const factor_type *f, double alpha, int64_t m, int64_t n, int64_t k,
                     mx_matrix a, mx_matrix b, void *out, int64_t ld) {
    mx_gemm_args g = product(f, alpha, m, n, k, a, b, out, ld);
    return mx_gemm_quiet(&g);
}

bool factor_subtract(const factor_type *f, int64_t m, int64_t n, int64_t k, mx_matrix a,
                     mx_matrix b, void *out, int64_t ld) {
    mx_gemm_args g = product(f, -1, m, n, k, a, b, out, ld);
    g.cin = (mx_matrix){out, ld, 1};
    g.beta = 1;
    return mx_gemm_quiet(&g);
}

void factor_conjugate(const factor_type *f, int64_t n, int64_t m, char *out, const char *in,
                      int64_t ld) {
    for (int64_t i = 0; f->k->conjugate && i < n; i++)
        f->k->conjugate(m, factor_at(f, out, i * ld), factor_at(f, in, i * ld));
}

/* --- one block: the right-hand sides are shared out --- */

typedef struct block_job {
    const factor_type *f;
    const void *l;
    int64_t n, rs, cs, ldb;
    bool unit;
    char *b;
} block_job;

static void solve_sides(void *ctx, int64_t begin, int64_t end) {
    const block_job *j = ctx;
    j->f->k->solve(j->n, end - begin, j->l, j->rs, j->cs, j->unit, factor_at(j->f, j->b, begin),
                   j->ldb);
}

static void solve_block(const factor_type *f, factor_triangle t, int64_t n, int64_t count, char *b,
                        int64_t ldb) {
    block_job j = {f, t.at.data, n, t.at.rs, t.at.cs, ldb, t.unit, b};
    if (t.upper) { // from its end it is a lower triangle
        j.l = factor_at(f, t.at.data, (n - 1) * (t.at.rs + t.at.cs));
        j.b = factor_at(f, b, (n - 1) * ldb);
        j.rs = -j.rs;
        j.cs = -j.cs;
        j.ldb = -ldb;
    }
    mx_parallel_for(count, 64 + 65536 / (n * n), solve_sides, &j);
}

/* --- by halves --- */

/* The four parts of a triangle whose first part has h rows. */
static mx_matrix part(const factor_type *f, factor_triangle t, int64_t i, int64_t j) {
    return (mx_matrix){factor_at(f, t.at.data, i * t.at.rs + j * t.at.cs), t.at.rs, t.at.cs};
}

static factor_triangle corner(const factor_type *f, factor_triangle t, int64_t i) {
    return (factor_triangle){part(f, t, i, i), t.upper, t.unit};
}

bool factor_solve(const factor_type *f, factor_triangle t, int64_t n, int64_t count, char *b,
                  int64_t ldb) {
    if (n == 0 || count == 0)
        return true;
    if (n <= FACTOR_BLOCK)
        return solve_block(f, t, n, count, b, ldb), true;
    int64_t h = factor_half(n), rest = n - h;
    char *low = factor_at(f, b, h * ldb);
    if (t.upper)
        return factor_solve(f, corner(f, t, h), rest, count, low, ldb) &&
               factor_subtract(f, h, count, rest, part(f, t, 0, h), (mx_matrix){low, ldb, 1}, b,
                               ldb) &&
               factor_solve(f, t, h, count, b, ldb);
    return factor_solve(f, t, h, count, b, ldb) &&
           factor_subtract(f, rest, count, h, part(f, t, h, 0), (mx_matrix){b, ldb, 1}, low, ldb) &&
           factor_solve(f, corner(f, t, h), rest, count, low, ldb);
}

static void set_identity(const factor_type *f, int64_t n, char *x, int64_t ldx) {
    static const mx_complex64 one_c = {1, 0};
    static const double one_d = 1;
    // a float32 begins like a complex64
    const void *one = f->dtype == MX_FLOAT64 ? (const void *)&one_d : &one_c;
    for (int64_t i = 0; i < n; i++) {
        memset(factor_at(f, x, i * ldx), 0, (size_t)n * f->item);
        memcpy(factor_at(f, x, i * ldx + i), one, f->item);
    }
}

static void set_zero(const factor_type *f, int64_t m, int64_t n, char *x, int64_t ldx) {
    for (int64_t i = 0; i < m; i++)
        memset(factor_at(f, x, i * ldx), 0, (size_t)n * f->item);
}

/* [A 0; B C]^-1 = [A^-1 0; -C^-1 B A^-1 C^-1], and its mirror image. */
bool factor_invert(const factor_type *f, factor_triangle t, int64_t n, char *x, int64_t ldx) {
    if (n <= FACTOR_BLOCK) {
        set_identity(f, n, x, ldx);
        return factor_solve(f, t, n, n, x, ldx);
    }
    int64_t h = factor_half(n), rest = n - h;
    char *x01 = factor_at(f, x, h), *x10 = factor_at(f, x, h * ldx), *x11 = factor_at(f, x10, h);
    if (!factor_invert(f, t, h, x, ldx) || !factor_invert(f, corner(f, t, h), rest, x11, ldx))
        return false;
    if (t.upper) {
        set_zero(f, rest, h, x10, ldx);
        return factor_multiply(f, -1, h, rest, rest, part(f, t, 0, h), (mx_matrix){x11, ldx, 1},
                               x01, ldx) &&
               factor_solve(f, t, h, rest, x01, ldx);
    }
    set_zero(f, h, rest, x01, ldx);
    return factor_multiply(f, -1, rest, h, h, part(f, t, h, 0), (mx_matrix){x, ldx, 1}, x10, ldx) &&
           factor_solve(f, corner(f, t, h), rest, h, x10, ldx);
}
