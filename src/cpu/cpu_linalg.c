/* Factorisations of batches of matrices: (...,M,N), each copied to column-major order, given to LAPACK, and
 * copied out. A singular or non-convergent matrix fails the evaluation and says which one it was. */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "cpu/cpu.h"
#include "cpu/lapack.h"
#include "graph/params.h"

/* One node's run: sizes, and buffers of one matrix each. */
typedef struct job {
    mx_node *n;
    mx_array **out;
    const lapack *lapack;
    int rows, cols;      /* of input 0 */
    int64_t batch;
    size_t item;
    char *buffer[4];
    int *pivot;
} job;

/* --- copies -------------------------------------------------------------------------------------------- */

static void copy_matrix(char *to, int64_t to_row, int64_t to_col, const char *from, int64_t from_row,
                        int64_t from_col, int rows, int cols, size_t item) {
    for (int j = 0; j < cols; j++)
        for (int i = 0; i < rows; i++)
            memcpy(to + (i * to_row + j * to_col) * (int64_t)item,
                   from + (i * from_row + j * from_col) * (int64_t)item, item);
}

/* The first element of matrix b of a (...,M,N); the last `inner` axes belong to the matrix. */
static char *matrix_at(const mx_array *a, int64_t b, int inner) {
    int64_t offset = 0;
    for (int i = a->ndim - inner - 1; i >= 0; i--) {
        offset += b % a->shape[i] * a->strides[i];
        b /= a->shape[i];
    }
    return a->data + offset * (int64_t)mx_itemsize(a);
}

static void load(const job *j, int input, int64_t b, char *to) {
    const mx_array *a = j->n->in[input];
    int rows = a->shape[a->ndim - 2], cols = a->shape[a->ndim - 1];
    copy_matrix(to, 1, rows, matrix_at(a, b, 2), a->strides[a->ndim - 2], a->strides[a->ndim - 1], rows, cols,
                mx_itemsize(a));
}

/* Column-major `from` (rows,cols) to matrix b of output k. */
static void store(const job *j, int k, int64_t b, const char *from) {
    mx_array *a = j->out[k];
    if (!a)
        return;
    int rows = a->shape[a->ndim - 2], cols = a->shape[a->ndim - 1];
    copy_matrix(matrix_at(a, b, 2), cols, 1, from, 1, rows, rows, cols, mx_itemsize(a));
}

static char *row_at(const job *j, int k, int64_t b) {
    return j->out[k] ? matrix_at(j->out[k], b, 1) : NULL;
}

/* --- one matrix of each kind; the result is LAPACK's info ------------------------------------------------- */

static int run_inverse(job *j, int64_t b) {
    const mx_p_triangle *p = j->n->params;
    load(j, 0, b, j->buffer[0]);
    int info = p->triangular ? j->lapack->tri_invert(p->upper, j->rows, j->buffer[0])
                             : j->lapack->invert(j->rows, j->buffer[0], j->pivot);
    store(j, 0, b, j->buffer[0]);
    return info;
}

static void clear_triangle(const job *j, char *a, bool upper) {
    for (int c = 0; c < j->cols; c++)
        for (int r = 0; r < j->rows; r++)
            if (upper ? r < c : r > c)
                memset(a + ((size_t)r + (size_t)c * (size_t)j->rows) * j->item, 0, j->item);
}

static int run_cholesky(job *j, int64_t b) {
    bool upper = ((const mx_p_triangle *)j->n->params)->upper;
    load(j, 0, b, j->buffer[0]);
    int info = j->lapack->cholesky(upper, j->rows, j->buffer[0]);
    clear_triangle(j, j->buffer[0], !upper);
    store(j, 0, b, j->buffer[0]);
    return info;
}

static int run_qr(job *j, int64_t b) {
    load(j, 0, b, j->buffer[0]);
    int info = j->lapack->qr(j->rows, j->cols, j->buffer[0], j->buffer[1]);
    store(j, 0, b, j->buffer[0]);
    store(j, 1, b, j->buffer[1]);
    return info;
}

/* Outputs U (M,M), S, Vt (N,N); or S alone. */
static int run_svd(job *j, int64_t b) {
    bool vectors = j->n->nout == 3;
    load(j, 0, b, j->buffer[0]);
    int info = j->lapack->svd(j->rows, j->cols, j->buffer[0], j->buffer[3], vectors ? j->buffer[1] : NULL,
                              vectors ? j->buffer[2] : NULL);
    char *s = row_at(j, vectors, b);
    if (s)
        memcpy(s, j->buffer[3], (size_t)(j->rows < j->cols ? j->rows : j->cols) * mx_itemsize(j->out[vectors]));
    if (vectors) {
        store(j, 0, b, j->buffer[1]);
        store(j, 2, b, j->buffer[2]);
    }
    return info;
}

static int run_eigh(job *j, int64_t b) {
    bool vectors = j->n->nout == 2, upper = ((const mx_p_triangle *)j->n->params)->upper;
    load(j, 0, b, j->buffer[0]);
    int info = j->lapack->eigh(upper, vectors, j->rows, j->buffer[0], j->buffer[3]);
    char *w = row_at(j, 0, b);
    if (w)
        memcpy(w, j->buffer[3], (size_t)j->rows * mx_itemsize(j->out[0]));
    if (vectors)
        store(j, 1, b, j->buffer[0]);
    return info;
}

static int run_eig(job *j, int64_t b) {
    bool vectors = j->n->nout == 2;
    load(j, 0, b, j->buffer[0]);
    int info = j->lapack->eig(j->rows, j->buffer[0], (mx_complex64 *)(void *)j->buffer[3],
                              vectors ? (mx_complex64 *)(void *)j->buffer[1] : NULL);
    char *w = row_at(j, 0, b);
    if (w)
        memcpy(w, j->buffer[3], (size_t)j->rows * sizeof(mx_complex64));
    if (vectors)
        store(j, 1, b, j->buffer[1]);
    return info;
}

/* LAPACK's row exchanges, from 1, as the permutation that they make. */
static void permutation(const int *pivot, int exchanges, int rows, uint32_t *p) {
    for (int i = 0; i < rows; i++)
        p[i] = (uint32_t)i;
    for (int i = 0; i < exchanges; i++) {
        uint32_t t = p[i];
        p[i] = p[pivot[i] - 1];
        p[pivot[i] - 1] = t;
    }
}

/* Outputs LU (M,N), pivots (min(M,N)), permutation (M). A singular matrix has factors all the same. */
static int run_lu(job *j, int64_t b) {
    int k = j->rows < j->cols ? j->rows : j->cols;
    load(j, 0, b, j->buffer[0]);
    int info = j->lapack->lu(j->rows, j->cols, j->buffer[0], j->pivot);
    store(j, 0, b, j->buffer[0]);
    uint32_t *pivots = (uint32_t *)(void *)row_at(j, 1, b), *p = (uint32_t *)(void *)row_at(j, 2, b);
    for (int i = 0; pivots && i < k; i++)
        pivots[i] = (uint32_t)j->pivot[i] - 1;
    if (p)
        permutation(j->pivot, k, j->rows, p);
    return info > 0 ? 0 : info;
}

static int run_solve(job *j, int64_t b) {
    const mx_p_triangle *p = j->n->params;
    const mx_array *rhs = j->n->in[1];
    int n = rhs->shape[rhs->ndim - 1];
    load(j, 0, b, j->buffer[0]);
    load(j, 1, b, j->buffer[1]);
    int info = p->triangular ? j->lapack->tri_solve(p->upper, j->rows, n, j->buffer[0], j->buffer[1])
                             : j->lapack->solve(j->rows, n, j->buffer[0], j->pivot, j->buffer[1]);
    store(j, 0, b, j->buffer[1]);
    return info;
}

/* --- the frame ---------------------------------------------------------------------------------------------- */

typedef struct kind {
    const char *op;
    int (*run)(job *j, int64_t b);
    const char *trouble; /* what info > 0 means */
} kind;

static kind kind_of(const mx_node *n) {
    switch (n->prim) {
    case MX_PRIM_inverse: return (kind){"linalg::inv", run_inverse, "is singular"};
    case MX_PRIM_cholesky: return (kind){"linalg::cholesky", run_cholesky, "is not positive definite"};
    case MX_PRIM_qr: return (kind){"linalg::qr", run_qr, "could not be factored"};
    case MX_PRIM_svd: return (kind){"linalg::svd", run_svd, "did not converge"};
    case MX_PRIM_eigh: return (kind){"linalg::eigh", run_eigh, "did not converge"};
    case MX_PRIM_eig: return (kind){"linalg::eig", run_eig, "did not converge"};
    case MX_PRIM_lu: return (kind){"linalg::lu", run_lu, "could not be factored"};
    default: return (kind){"linalg::solve", run_solve, "is singular"};
    }
}

/* Each buffer holds the largest matrix of the run: max(M,N) squared or the right-hand side, complex. */
static bool get_buffers(job *j) {
    const mx_array *b = j->n->in[j->n->nin - 1];
    size_t side = (size_t)(j->rows > j->cols ? j->rows : j->cols), cols = (size_t)b->shape[b->ndim - 1];
    size_t most = side * (side > cols ? side : cols) + 1;
    for (int i = 0; i < 4; i++)
        if (!(j->buffer[i] = mx_calloc(i == 3 ? side + 1 : most, sizeof(mx_complex64))))
            return false;
    return (j->pivot = mx_calloc(side + 1, sizeof(int))) != NULL;
}

static void free_buffers(job *j) {
    for (int i = 0; i < 4; i++)
        mx_free(j->buffer[i]);
    mx_free(j->pivot);
}

static bool report(const kind *k, int info, int64_t b, int64_t batch) {
    if (info == LAPACK_NO_MEMORY)
        return mx_fail(MX_NOMEM, "[%s] out of memory for the workspace", k->op);
    if (info < 0)
        return mx_fail(MX_INTERNAL, "[%s] argument %d was refused", k->op, -info);
    if (batch > 1)
        return mx_fail(MX_INVALID, "[%s] matrix %lld of %lld %s (code %d)", k->op, (long long)b,
                       (long long)batch, k->trouble, info);
    return mx_fail(MX_INVALID, "[%s] the matrix %s (code %d)", k->op, k->trouble, info);
}

static bool allocate(const job *j) {
    for (int i = 0; i < j->n->nout; i++)
        if (j->out[i] && !mx_array_alloc(j->out[i]))
            return false;
    return true;
}

bool cpu_linalg(mx_node *n, mx_array **out, const mx_program *feed) {
    const mx_array *a = n->in[0];
    const kind k = kind_of(n);
    job j = {.n = n, .out = out, .lapack = lapack_of(mx_dtype_of(a)), .item = mx_itemsize(a)};
    (void)feed;
    j.rows = a->shape[a->ndim - 2];
    j.cols = a->shape[a->ndim - 1];
    j.batch = j.rows && j.cols ? a->size / ((int64_t)j.rows * j.cols) : 0;
    bool ok = allocate(&j) && get_buffers(&j);
    for (int64_t b = 0; ok && b < j.batch; b++) {
        int info = k.run(&j, b);
        ok = info == 0 || report(&k, info, b, j.batch);
    }
    free_buffers(&j);
    return ok;
}
