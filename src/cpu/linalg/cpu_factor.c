/* inv, tri_inv, solve, solve_triangular, lu, cholesky, qr of batches: small matrices side by side,
 * large ones one after the other with all threads in their products. */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "cpu/linalg/factor_engine.h"
#include "cpu/linalg/linalg_batch.h"
#include "graph/array/params.h"

typedef struct factor_job factor_job;
/* Matrix b of the batch, with `work` for itself: a code of linalg_batch.h. */
typedef int run_one(const factor_job *j, int64_t b, char *work);

struct factor_job {
    linalg_batch batch;
    factor_type f;
    bool upper, triangular;
    run_one *run;
    int64_t elements; /* of work */
    size_t work;      /* bytes, pivots included */
    char *memory;     /* work for each thread */
};

static int *pivots_in(const factor_job *j, char *work) {
    return (int *)(void *)factor_at(&j->f, work, j->elements);
}

/* --- triangles -------------------------------------------------------------------------------- */

static factor_triangle triangle(const factor_job *j, const char *a, bool upper, bool unit) {
    return (factor_triangle){{a, j->batch.rows, 1}, upper, unit};
}

static bool is_zero(mx_dtype t, const void *p) {
    const float *f = p;
    return t == MX_FLOAT64 ? *(const double *)p == 0 : f[0] == 0 && (t == MX_FLOAT32 || f[1] == 0);
}

/* The first 0 on the diagonal of row-major a (n,n), from 1; 0: none. */
static int zero_on_diagonal(const factor_job *j, const char *a) {
    int n = j->batch.rows;
    for (int i = 0; i < n; i++)
        if (is_zero(j->f.dtype, factor_at(&j->f, a, (int64_t)i * (n + 1))))
            return i + 1;
    return 0;
}

/* P A = L U of the square a; what is on U's diagonal, as a code. */
static int factor_square(const factor_job *j, char *a, int *pivot, char *panel) {
    int n = j->batch.rows;
    return factor_lu(&j->f, n, n, a, n, pivot, panel) ? zero_on_diagonal(j, a) : LINALG_NO_MEMORY;
}

static int done(bool ok) {
    return ok ? 0 : LINALG_NO_MEMORY;
}

/* --- inverses --------------------------------------------------------------------------------- */

typedef struct columns_job {
    char *x;
    const int *pivot;
    int n;
    size_t item;
} columns_job;

static void exchange_4(uint32_t *row, const int *pivot, int n) {
    for (int i = n - 1; i >= 0; i--) {
        uint32_t t = row[i];
        row[i] = row[pivot[i]];
        row[pivot[i]] = t;
    }
}

static void exchange_8(uint64_t *row, const int *pivot, int n) {
    for (int i = n - 1; i >= 0; i--) {
        uint64_t t = row[i];
        row[i] = row[pivot[i]];
        row[pivot[i]] = t;
    }
}

/* The exchanges of rows undone on the columns of some rows of x. */
static void exchange_columns(void *ctx, int64_t begin, int64_t end) {
    const columns_job *j = ctx;
    for (int64_t r = begin; r < end; r++) {
        void *row = j->x + r * j->n * (int64_t)j->item;
        if (j->item == 4)
            exchange_4(row, j->pivot, j->n);
        else
            exchange_8(row, j->pivot, j->n);
    }
}

static int run_triangle_inverse(const factor_job *j, int64_t b, char *work) {
    int n = j->batch.rows, code;
    linalg_load(&j->batch, 0, b, work, n, 1);
    if ((code = zero_on_diagonal(j, work)))
        return code;
    return done(factor_invert(&j->f, triangle(j, work, j->upper, false), n,
                              linalg_out(&j->batch, 0, b, 2), n));
}

/* A^-1 = U^-1 L^-1 P */
static int run_inverse(const factor_job *j, int64_t b, char *work) {
    int n = j->batch.rows, *pivot = pivots_in(j, work);
    char *x = linalg_out(&j->batch, 0, b, 2);
    linalg_load(&j->batch, 0, b, work, n, 1);
    int code = factor_square(j, work, pivot, factor_at(&j->f, work, (int64_t)n * n));
    if (code)
        return code;
    if (!factor_invert(&j->f, triangle(j, work, false, true), n, x, n) ||
        !factor_solve(&j->f, triangle(j, work, true, false), n, n, x, n))
        return LINALG_NO_MEMORY;
    mx_parallel_for(n, 1 + 16384 / (n + 1), exchange_columns,
                    &(columns_job){x, pivot, n, j->f.item});
    return 0;
}

/* --- solutions -------------------------------------------------------------------------------- */

static int run_solve(const factor_job *j, int64_t b, char *work) {
    const mx_array *rhs = j->batch.n->in[1];
    int n = j->batch.rows, sides = rhs->shape[rhs->ndim - 1], *pivot = pivots_in(j, work), code;
    char *x = linalg_out(&j->batch, 0, b, 2);
    linalg_load(&j->batch, 0, b, work, n, 1);
    linalg_load(&j->batch, 1, b, x, sides, 1);
    if (j->triangular) {
        code = zero_on_diagonal(j, work);
        return code ? code
                    : done(factor_solve(&j->f, triangle(j, work, j->upper, false), n, sides, x,
                                        sides));
    }
    if ((code = factor_square(j, work, pivot, factor_at(&j->f, work, (int64_t)n * n))))
        return code;
    factor_exchange_rows(&j->f, x, sides, sides, pivot, n);
    return done(factor_solve(&j->f, triangle(j, work, false, true), n, sides, x, sides) &&
                factor_solve(&j->f, triangle(j, work, true, false), n, sides, x, sides));
}

/* --- LU --------------------------------------------------------------------------------------- */

/* Where row i of A went: A = (L U)[p]. The exchanges, from the last to the first. */
static void permutation(const int *pivot, int exchanges, int rows, uint32_t *p) {
    for (int i = 0; i < rows; i++)
        p[i] = (uint32_t)i;
    for (int i = exchanges - 1; i >= 0; i--) {
        uint32_t t = p[i];
        p[i] = p[pivot[i]];
        p[pivot[i]] = t;
    }
}

/* Outputs LU (M,N), pivots (min(M,N)), permutation (M). A singular matrix has factors all the
   same. */
static int run_lu(const factor_job *j, int64_t b, char *work) {
    int m = j->batch.rows, n = j->batch.cols, k = m < n ? m : n, *pivot = pivots_in(j, work);
    char *lu = linalg_out(&j->batch, 0, b, 2),
         *panel = lu ? work : factor_at(&j->f, work, (int64_t)m * n);
    lu = lu ? lu : work;
    linalg_load(&j->batch, 0, b, lu, n, 1);
    if (!factor_lu(&j->f, m, n, lu, n, pivot, panel))
        return LINALG_NO_MEMORY;
    uint32_t *pivots = linalg_out(&j->batch, 1, b, 1), *p = linalg_out(&j->batch, 2, b, 1);
    for (int i = 0; pivots && i < k; i++)
        pivots[i] = (uint32_t)pivot[i];
    if (p)
        permutation(pivot, k, m, p);
    return 0;
}

/* --- Cholesky --------------------------------------------------------------------------------- */

/* A as rows of its upper triangle; of a lower one that is its conjugate transpose. */
static void load_definite(const factor_job *j, int64_t b, char *u) {
    int n = j->batch.rows;
    linalg_load(&j->batch, 0, b, u, j->upper ? n : 1, j->upper ? 1 : n);
    if (!j->upper)
        factor_conjugate(&j->f, 1, (int64_t)n * n, u, u, 0);
}

/* Matrix b of the result from U or L^H, and zeros beyond the diagonal. */
static void store_definite(const factor_job *j, int64_t b, const char *u) {
    int n = j->batch.rows;
    char *y = linalg_out(&j->batch, 0, b, 2);
    if (!j->upper) {
        linalg_store(&j->batch, 0, b, u, 1, n);
        factor_conjugate(&j->f, 1, (int64_t)n * n, y, y, 0);
    }
    for (int i = 0; i < n; i++)
        memset(factor_at(&j->f, y, (int64_t)i * n + (j->upper ? 0 : i + 1)), 0,
               (size_t)(j->upper ? i : n - i - 1) * j->f.item);
}

/* A matrix that is not positive definite is factored up to the row that says so, and the Schur
   complement of the rows before is left, as MLX leaves it: that is what the kernel does with the
   whole. */
static int run_cholesky(const factor_job *j, int64_t b, char *work) {
    int n = j->batch.rows;
    int64_t row = n;
    bool complex = j->f.k->conjugate != NULL;
    char *u = j->upper ? linalg_out(&j->batch, 0, b, 2) : work;
    char *mirror = complex ? factor_at(&j->f, work, (int64_t)n * n) : u;
    load_definite(j, b, u);
    if (!factor_cholesky(&j->f, n, u, mirror, n, &row))
        return LINALG_NO_MEMORY;
    if (row < n) {
        load_definite(j, b, u);
        j->f.k->cholesky(n, u, n);
    }
    store_definite(j, b, u);
    return 0;
}

/* --- QR --------------------------------------------------------------------------------------- */

static int run_qr(const factor_job *j, int64_t b, char *work) {
    int m = j->batch.rows, n = j->batch.cols, k = m < n ? m : n;
    char *q = factor_at(&j->f, work, (int64_t)m * n);
    linalg_load(&j->batch, 0, b, work, 1, m);
    if (!factor_qr(&j->f, m, n, work, q, factor_at(&j->f, q, (int64_t)m * k)))
        return LINALG_NO_MEMORY;
    for (int c = 0; c < k; c++) // below R's diagonal
        memset(factor_at(&j->f, work, (int64_t)c * m + c + 1), 0, (size_t)(k - c - 1) * j->f.item);
    linalg_store(&j->batch, 0, b, q, 1, m);
    linalg_store(&j->batch, 1, b, work, 1, m);
    return 0;
}

/* --- the frame -------------------------------------------------------------------------------- */

typedef struct kind {
    const char *op, *trouble;
    run_one *run;
} kind;

static kind kind_of(const mx_node *n, bool triangular) {
    switch (n->prim) {
    case MX_PRIM_inverse:
        return (kind){"inv", "is singular", triangular ? run_triangle_inverse : run_inverse};
    case MX_PRIM_cholesky: return (kind){"cholesky", "", run_cholesky};
    case MX_PRIM_qr: return (kind){"qr", "", run_qr};
    case MX_PRIM_lu: return (kind){"lu", "", run_lu};
    default: return (kind){"solve", "is singular", run_solve};
    }
}

/* Of work for one matrix: a copy, and what its factorisation needs. */
static int64_t elements_of(const factor_job *j) {
    int64_t m = j->batch.rows, n = j->batch.cols, k = m < n ? m : n;
    switch (j->batch.n->prim) {
    case MX_PRIM_cholesky: return 2 * n * n;
    case MX_PRIM_qr: return m * n + m * k + factor_qr_work(m, n);
    default: return m * n + m * (n < FACTOR_BLOCK ? n : FACTOR_BLOCK);
    }
}

/* Is it better that each thread takes whole matrices? */
static bool side_by_side(const factor_job *j) {
    double m = j->batch.rows, n = j->batch.cols;
    return j->batch.count >= 2 * mx_pool_threads() || m * n * (m < n ? m : n) <= 64.0 * 64 * 64;
}

static void run_some(void *ctx, int64_t begin, int64_t end) {
    factor_job *j = ctx;
    char *work = j->memory + (size_t)mx_pool_worker_id() * j->work;
    for (int64_t b = begin; b < end; b++)
        linalg_note(&j->batch, b, j->run(j, b, work));
}

static bool run_all(factor_job *j) {
    double size = (double)j->batch.rows * j->batch.cols;
    int64_t k = j->batch.rows < j->batch.cols ? j->batch.rows : j->batch.cols;
    bool parts = side_by_side(j);
    size_t bytes = (size_t)j->elements * j->f.item + ((size_t)k + 1) * sizeof(int);
    j->work = (bytes + 63) & ~(size_t)63;
    if (!mx_mul_size(j->work, parts ? (size_t)mx_pool_threads() : 1, &bytes) ||
        !(j->memory = mx_malloc(bytes)))
        return false;
    if (parts)
        mx_parallel_for(j->batch.count, 1 + (int64_t)(65536.0 / (size * (double)k + 64)), run_some,
                        j);
    for (int64_t b = 0; !parts && b < j->batch.count; b++)
        linalg_note(&j->batch, b, j->run(j, b, j->memory));
    mx_free(j->memory);
    return true;
}

bool cpu_factor(mx_node *n, mx_array **out, const mx_program *feed) {
    const mx_p_triangle *p = n->prim == MX_PRIM_lu || n->prim == MX_PRIM_qr ? NULL : n->params;
    factor_job j = {.f = factor_type_of(mx_dtype_of(n->in[0])),
                    .upper = p && p->upper,
                    .triangular = p && p->triangular};
    const kind k = kind_of(n, j.triangular);
    (void)feed;
    if (!linalg_open(&j.batch, n, out))
        return false;
    j.run = k.run;
    j.elements = elements_of(&j);
    return run_all(&j) && linalg_report(&j.batch, k.op, k.trouble);
}
