/* svd, eigh, eig of batches by LAPACK, some matrices at once.
 *
 * LAPACK is not made for infinity and NaN: it may print, loop, or write where it must not. A matrix
 * that has them in what would be read fails, as one whose iteration does not converge. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/cpu.h"
#include "cpu/linalg/lapack.h"
#include "cpu/linalg/linalg_batch.h"
#include "graph/array/params.h"

typedef struct spectral_job spectral_job;
/* Matrix b from its copy `a`, with room for two more; LAPACK's info. */
typedef int run_one(const spectral_job *j, int64_t b, char *a, char *u, char *v, void *values);

struct spectral_job {
    linalg_batch batch;
    const lapack *lapack;
    run_one *run;
    mx_dtype dtype;
    bool vectors, symmetric, upper;
    _Atomic int64_t next;
};

/* --- one matrix of each kind ------------------------------------------------------------------ */

static void store_values(const spectral_job *j, int k, int64_t b, const void *values) {
    void *to = linalg_out(&j->batch, k, b, 1);
    const mx_array *a = j->batch.out[k];
    if (to)
        memcpy(to, values, (size_t)a->shape[a->ndim - 1] * mx_itemsize(a));
}

/* Outputs U (M,M), S, Vt (N,N); or S alone. */
static int run_svd(const spectral_job *j, int64_t b, char *a, char *u, char *v, void *values) {
    int m = j->batch.rows, n = j->batch.cols;
    int info = j->lapack->svd(m, n, a, values, j->vectors ? u : NULL, j->vectors ? v : NULL);
    store_values(j, j->vectors, b, values);
    if (j->vectors) {
        linalg_store(&j->batch, 0, b, u, 1, m);
        linalg_store(&j->batch, 2, b, v, 1, n);
    }
    return info;
}

static int run_eigh(const spectral_job *j, int64_t b, char *a, char *u, char *v, void *values) {
    int n = j->batch.rows, info = j->lapack->eigh(j->upper, j->vectors, n, a, values);
    (void)u, (void)v;
    store_values(j, 0, b, values);
    if (j->vectors)
        linalg_store(&j->batch, 1, b, a, 1, n);
    return info;
}

static int run_eig(const spectral_job *j, int64_t b, char *a, char *u, char *v, void *values) {
    int n = j->batch.rows;
    int info = j->lapack->eig(n, a, values, j->vectors ? (mx_complex64 *)(void *)u : NULL);
    (void)v;
    store_values(j, 0, b, values);
    if (j->vectors)
        linalg_store(&j->batch, 1, b, u, 1, n);
    return info;
}

/* --- what LAPACK may see ---------------------------------------------------------------------- */

static bool all_finite(mx_dtype t, const char *p, int64_t n) {
    bool finite = true;
    if (t == MX_FLOAT64)
        for (int64_t i = 0; i < n; i++)
            finite &= isfinite(((const double *)(const void *)p)[i]) != 0;
    else
        for (int64_t i = 0; i < (t == MX_COMPLEX64 ? 2 * n : n); i++)
            finite &= isfinite(((const float *)(const void *)p)[i]) != 0;
    return finite;
}

/* Columns of a; of a symmetric matrix the part in the triangle that is read. */
static bool is_finite(const spectral_job *j, const char *a) {
    bool finite = true;
    for (int64_t c = 0; c < j->batch.cols; c++) {
        int64_t from = j->symmetric && !j->upper ? c : 0,
                to = j->symmetric && j->upper ? c + 1 : j->batch.rows;
        finite &=
            all_finite(j->dtype, a + (size_t)(c * j->batch.rows + from) * j->batch.item, to - from);
    }
    return finite;
}

static int run_matrix(const spectral_job *j, int64_t b, char *const *room) {
    linalg_load(&j->batch, 0, b, room[0], 1, j->batch.rows);
    if (!is_finite(j, room[0]))
        return LINALG_NOT_FINITE;
    int info = j->run(j, b, room[0], room[1], room[2], room[3]);
    return info == LAPACK_NO_MEMORY ? LINALG_NO_MEMORY : info;
}

/* --- the frame -------------------------------------------------------------------------------- */

/* Each holds the largest matrix of the run, complex; the last a vector. */
static bool get_room(const spectral_job *j, char **room) {
    size_t side = (size_t)(j->batch.rows > j->batch.cols ? j->batch.rows : j->batch.cols);
    for (int i = 0; i < 4; i++)
        if (!(room[i] = mx_malloc((i == 3 ? side : side * side) * sizeof(mx_complex64))))
            return false;
    return true;
}

/* Takes matrices until none is left. */
static void run_some(void *ctx) {
    spectral_job *j = ctx;
    char *room[4] = {NULL, NULL, NULL, NULL};
    bool ok = get_room(j, room);
    for (int64_t b; (b = atomic_fetch_add(&j->next, 1)) < j->batch.count;)
        linalg_note(&j->batch, b, ok ? run_matrix(j, b, room) : LINALG_NO_MEMORY);
    for (int i = 0; i < 4; i++)
        mx_free(room[i]);
}

/* Threads that are worth starting: each takes some tens of microseconds. */
static int threads_for(const spectral_job *j) {
    double m = j->batch.rows, n = j->batch.cols, work = 10 * m * n * (m < n ? m : n) + 1000;
    double worth = work * (double)j->batch.count / 1e5 + 1;
    int most = mx_pool_threads();
    if (most > j->batch.count)
        most = (int)j->batch.count;
    return worth < most ? (int)worth : most;
}

static void store_identity(const linalg_batch *j, int k, int64_t b) {
    const mx_array *a = j->out[k];
    int n = a ? a->shape[a->ndim - 1] : 0;
    size_t item = n ? mx_itemsize(a) : 0;
    char *to = n ? linalg_out(j, k, b, 2) : NULL;
    for (int i = 0; i < n; i++) {
        memset(to + (size_t)i * (size_t)n * item, 0, (size_t)n * item);
        if (mx_dtype_of(a) == MX_FLOAT64)
            memcpy(to + (size_t)i * (size_t)(n + 1) * item, &(double){1}, item);
        else
            memcpy(to + (size_t)i * (size_t)(n + 1) * item, &(mx_complex64){1, 0}, item);
    }
}

/* Of nothing: no values, and U and V are identities. */
static bool run_empty(const spectral_job *j) {
    for (int64_t b = 0; j->batch.n->nout == 3 && b < j->batch.count; b++) {
        store_identity(&j->batch, 0, b);
        store_identity(&j->batch, 2, b);
    }
    return true;
}

static void set_kind(spectral_job *j, const mx_node *n, const char **op) {
    switch (n->prim) {
    case MX_PRIM_svd:
        *op = "svd";
        j->run = run_svd;
        j->vectors = n->nout == 3;
        return;
    case MX_PRIM_eigh:
        *op = "eigh";
        j->run = run_eigh;
        j->symmetric = true;
        j->upper = ((const mx_p_triangle *)n->params)->upper;
        break;
    default: *op = "eig"; j->run = run_eig;
    }
    j->vectors = n->nout == 2;
}

bool cpu_spectral(mx_node *n, mx_array **out, const mx_program *feed) {
    spectral_job j = {.dtype = mx_dtype_of(n->in[0])};
    const char *op;
    (void)feed;
    set_kind(&j, n, &op);
    if (!linalg_open(&j.batch, n, out))
        return false;
    if (!j.batch.rows || !j.batch.cols || !j.batch.count)
        return run_empty(&j);
    if (j.batch.rows > LAPACK_MOST || j.batch.cols > LAPACK_MOST)
        return mx_fail(
            MX_UNSUPPORTED,
            "[linalg::%s] a matrix of %d x %d is too large for LAPACK, whose limit is %d", op,
            j.batch.rows, j.batch.cols, LAPACK_MOST);
    j.lapack = lapack_open(j.dtype);
    return j.lapack && lapack_run(threads_for(&j), run_some, &j) &&
           linalg_report(&j.batch, op, "did not converge");
}
