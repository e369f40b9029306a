/* Factorisations of matrices drawn at random, of all sizes around the blocks of the engine; of
 * matrices that hold NaN, infinity or nothing; with little memory and little stack. */
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory/cache.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "ops/linalg/linalg.h"

static const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT64, MX_COMPLEX64};

static mx_array *T(mx_array *a) {
    return mx_swapaxes(a, -1, -2);
}
static mx_array *H(mx_array *a) {
    return a && mx_dtype_of(a) == MX_COMPLEX64 ? mx_conjugate(T(a)) : T(a);
}

/* Normal numbers, shape (batch, rows, cols); without a batch (rows, cols). */
static mx_array *noise(int batch, int rows, int cols, mx_dtype t, uint64_t seed) {
    int shape[3] = {batch, rows, cols}, skip = batch == 0;
    mx_array *a = mx_random_normal(shape + skip, 3 - skip, MX_FLOAT32, NULL, NULL,
                                   mx_random_key(check_seed(seed)));
    if (t != MX_COMPLEX64)
        return mx_astype(a, t);
    mx_array *b = mx_random_normal(shape + skip, 3 - skip, MX_FLOAT32, NULL, NULL,
                                   mx_random_key(check_seed(seed + 99)));
    return mx_add(mx_astype(a, t), mx_mul(mx_astype(b, t), mx_scalar_c64((mx_complex64){0, 1})));
}

static mx_array *definite(int batch, int n, mx_dtype t, uint64_t seed) {
    mx_array *a = noise(batch, n, n, t, seed);
    return mx_add(mx_matmul(a, H(a)), mx_mul_s(mx_eye(n, n, 0, t), n));
}

static double number(mx_array *a) {
    mx_array *d = mx_astype(a, MX_FLOAT64);
    return d && mx_eval1(d) ? *(double *)(void *)d->data : NAN;
}
static double largest(mx_array *a) {
    return a && a->size ? number(mx_reduce(MX_MAX, mx_abs(a), NULL, 0, false)) : 0;
}

/* a and b agree to some units of the last place of `scale`. */
static void agree(const char *what, int m, int n, mx_array *a, mx_array *b, double scale) {
    double eps = a && mx_dtype_of(a) == MX_FLOAT64 ? 2.3e-16 : 1.2e-7,
           d = a && b ? largest(mx_sub(a, b)) : NAN;
    CHECK_MSG(d <= 40 * eps * scale, "%s of %d x %d %s: %g apart, %g allowed: %s", what, m, n,
              a ? mx_dtype_name(mx_dtype_of(a)) : "", d, 40 * eps * scale, mx_error_message());
    mx_error_clear();
}

/* --- sizes ------------------------------------------------------------------------------------ */

static const int sizes[] = {1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97, 130, 161, 260};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void check_square(int n, mx_dtype t) {
    mx_scope s = mx_scope_open();
    int batch = n < 40 ? 3 : 0;
    mx_array *a = definite(batch, n, t, (uint64_t)n), *b = noise(batch, n, 5, t, 7),
             *eye = mx_eye(n, n, 0, t);
    mx_array *l = mx_cholesky(a, false), *u = mx_cholesky(a, true),
             *g = mx_add(noise(batch, n, n, t, 5), mx_mul_s(eye, 3));
    double size = largest(a), scale = 1 + number(mx_scalar(n, MX_FLOAT64));
    agree("cholesky", n, n, mx_matmul(l, H(l)), a, size);
    agree("upper cholesky", n, n, mx_matmul(H(u), u), a, size);
    agree("one triangle", n, n, mx_tril(l, 0), l, 0);
    agree("the other triangle", n, n, mx_triu(u, 0), u, 0);
    agree("inverse", n, n, mx_matmul(mx_inv(a), a), eye, scale);
    agree("inverse of a transposed view", n, n, mx_matmul(T(a), mx_inv(T(a))), eye, scale);
    agree("tri_inv", n, n, mx_matmul(mx_tri_inv(l, false), l), eye, scale);
    agree("upper tri_inv", n, n, mx_matmul(mx_tri_inv(u, true), u), eye, scale);
    agree("solve", n, 5, mx_matmul(a, mx_solve(a, b)), b, scale);
    agree("solve_triangular", n, 5, mx_matmul(l, mx_solve_triangular(l, b, false)), b, scale);
    agree("upper solve_triangular", n, 5, mx_matmul(u, mx_solve_triangular(u, b, true)), b, scale);
    mx_array *x = mx_solve(g, b); // residual against the size of what was multiplied
    agree("solve with exchanges", n, 5, mx_matmul(g, x), b, scale * (1 + largest(x)));
    mx_scope_close(s);
}

static void check_rectangle(int m, int n, mx_dtype t) {
    mx_scope s = mx_scope_open();
    int k = m < n ? m : n, batch = m < 40 ? 2 : 0;
    mx_array *a = noise(batch, m, n, t, (uint64_t)(m * 1000 + n)), *qr[2], *lu[3], *factors[2];
    CHECK(mx_qr(a, qr) && mx_lu(a, lu) && mx_lu_factor(a, factors));
    double scale = 4 + sqrt(m + n);
    agree("qr", m, n, mx_matmul(qr[0], qr[1]), a, scale);
    agree("q^h q", m, n, mx_matmul(H(qr[0]), qr[0]), mx_eye(k, k, 0, t), scale);
    agree("r below its diagonal", m, n, mx_triu(qr[1], 0), qr[1], 0);
    mx_array *rows = mx_broadcast_to(mx_expand_dim(lu[0], -1), lu[1]->shape, lu[1]->ndim);
    agree("L[P] U", m, n, mx_matmul(mx_take_along_axis(lu[1], rows, -2), lu[2]), a, scale);
    agree("no multiplier above 1", m, n, mx_minimum(mx_abs(lu[1]), mx_one_like(mx_abs(lu[1]))),
          mx_abs(lu[1]), t == MX_COMPLEX64 ? 1e7 : 0);
    agree("lu_factor", m, n, mx_triu(factors[0], 0),
          m >= n && m == k ? lu[2] : mx_triu(factors[0], 0), 0);
    mx_scope_close(s);
}

static void test_sizes(void) {
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < SIZES; k++) {
            check_square(sizes[k], types[i]);
            check_rectangle(sizes[k], sizes[(k + 5) % SIZES], types[i]);
            check_rectangle(sizes[k], sizes[k], types[i]);
        }
}

/* P by a permutation that is not its own inverse. */
static void test_permutation(void) {
    mx_scope s = mx_scope_open();
    float a[9] = {0, 0, 1, 1, 0, 0, 0, 1, 0};
    mx_array *lu[3], *pivots[2], *x = mx_array_from(a, (int[]){3, 3}, 2, MX_FLOAT32);
    CHECK(mx_lu(x, lu) && mx_lu_factor(x, pivots) && mx_eval((mx_array *[]){lu[0], pivots[1]}, 2));
    const uint32_t *p = (const uint32_t *)(void *)lu[0]->data,
                   *q = (const uint32_t *)(void *)pivots[1]->data;
    CHECK(p[0] == 2 && p[1] == 0 && p[2] == 1);
    CHECK(q[0] == 1 && q[1] == 2 && q[2] == 2);
    mx_scope_close(s);
}

/* --- threads ---------------------------------------------------------------------------------- */

static mx_array *everything(int n, mx_dtype t) {
    mx_array *a = definite(0, n, t, 3), *qr[2], *lu[3], *small = definite(50, 9, t, 4);
    if (!mx_qr(noise(0, n + 9, n, t, 5), qr) || !mx_lu(noise(0, n, n, t, 6), lu))
        return NULL;
    mx_array *sums[] = {mx_sum_all(mx_inv(a)),     mx_sum_all(mx_cholesky(a, false)),
                        mx_sum_all(qr[0]),         mx_sum_all(lu[2]),
                        mx_sum_all(mx_inv(small)), mx_sum_all(mx_abs(mx_eigvalsh(small, false)))};
    for (int i = 0; i < 6; i++)
        sums[i] = mx_reshape(mx_astype(sums[i], t), (int[]){1}, 1);
    mx_array *y = mx_concatenate(sums, 6, 0);
    return mx_eval1(y) ? y : NULL;
}

static void test_threads(void) {
    for (int i = 0; i < 3; i++) {
        mx_scope s = mx_scope_open();
        mx_pool_set_threads(1);
        mx_array *one = everything(200, types[i]);
        mx_pool_set_threads(4);
        mx_array *four = everything(200, types[i]);
        mx_pool_set_threads(0);
        if (CHECK_MSG(one && four, "%s", mx_error_message()))
            CHECK_MSG(!memcmp(one->data, four->data, 6 * mx_itemsize(one)),
                      "%s: four threads give other bits", mx_dtype_name(types[i]));
        mx_scope_close(s);
    }
}

/* --- NaN, infinity, what is singular ---------------------------------------------------------- */

static mx_array *matrix3(mx_dtype t, const double *v) {
    return mx_astype(mx_array_from(v, (int[]){3, 3}, 2, MX_FLOAT64), t);
}

/* Which elements are NaN, as bits, row by row. */
static unsigned nans(mx_array *a) {
    unsigned bits = 0;
    mx_array *n = a ? mx_contiguous(mx_isnan(a), false) : NULL;
    CHECK_MSG(n && mx_eval1(n), "%s", mx_error_message());
    for (int64_t i = 0; n && i < n->size && i < 32; i++)
        bits |= (unsigned)(n->data[i] != 0) << i;
    mx_error_clear();
    return bits;
}

static void test_nan(void) {
    const double corner[9] = {2, 0, NAN, 0, 4, 0, 0, 0, 5},
                 below[9] = {2, 0, 0, 0, 4, 0, NAN, 0, 5};
    for (int i = 0; i < 3; i++) {
        mx_scope s = mx_scope_open();
        mx_array *a = matrix3(types[i], corner), *l = matrix3(types[i], below), *lu[3], *qr[2],
                 *ones;
        ones = mx_ones((int[]){3, 1}, 2, types[i]);
        CHECK(mx_lu(a, lu) && mx_qr(a, qr));
        /* 0 times NaN is NaN: as NumPy's float64 */
        CHECK_EQ_INT(nans(mx_inv(a)), 0777);
        CHECK_EQ_INT(nans(lu[2]), 0444); /* U's last column */
        CHECK_EQ_INT(nans(lu[1]), 0);
        CHECK_EQ_INT(nans(mx_solve(a, ones)), 7);
        CHECK_EQ_INT(nans(mx_tri_inv(a, true)), 07);
        CHECK_EQ_INT(nans(mx_cholesky(l, false)), 0700); /* L's last row */
        CHECK_EQ_INT(nans(mx_cholesky(l, true)), 0);     /* its triangle has none */
        CHECK(isnan(number(mx_det(a))));
        CHECK(nans(qr[1]) == 4 || nans(qr[1]) == 0444); /* R's last column */
        mx_scope_close(s);
    }
}

/* One NaN in a random matrix reaches the results, in every dtype at the same places. */
static void test_nan_spreads(void) {
    for (int n = 5; n < 100; n += 47) {
        mx_scope s = mx_scope_open();
        mx_array *d = noise(0, n, n, MX_FLOAT64, 21), *at = mx_arange(0, n * n, 1, MX_INT32);
        mx_array *here = mx_reshape(mx_equal(at, mx_scalar(n + 2, MX_INT32)), (int[]){n, n}, 2);
        d = mx_where(here, mx_scalar(NAN, MX_FLOAT64), d);
        mx_array *f = mx_astype(d, MX_FLOAT32), *lud[2], *luf[2], *qd[2], *qf[2];
        CHECK(mx_lu_factor(d, lud) && mx_lu_factor(f, luf) && mx_qr(d, qd) && mx_qr(f, qf));
        mx_array *pairs[][2] = {
            {mx_inv(d), mx_inv(f)}, {lud[0], luf[0]}, {qd[0], qf[0]}, {qd[1], qf[1]}};
        for (int i = 0; i < 4; i++) {
            mx_array *a = mx_isnan(pairs[i][0]), *b = mx_isnan(pairs[i][1]);
            CHECK(largest(mx_astype(a, MX_FLOAT32)) == 1);
            CHECK(largest(mx_astype(mx_not_equal(a, b), MX_FLOAT32)) == 0);
        }
        mx_scope_close(s);
    }
}

static void refused(mx_array *a, mx_status status, const char *words) {
    CHECK(!a || !mx_eval1(a));
    CHECK_MSG(strstr(mx_error_message(), words) && mx_error_status() == status,
              "\"%s\" (%d) does not say \"%s\"", mx_error_message(), (int)mx_error_status(), words);
    mx_error_clear();
}

static void test_refused(void) {
    for (int i = 0; i < 3; i++)
        for (int v = 0; v < 3; v++) {
            mx_scope s = mx_scope_open();
            const double bad[] = {NAN, INFINITY, -INFINITY};
            mx_array *a = mx_full((int[]){3, 3}, 2, mx_scalar(bad[v], MX_FLOAT64), types[i]),
                     *svd[3], *e[2];
            CHECK(mx_svd(a, svd) && mx_eigh(a, true, e));
            refused(mx_eigvals(a), MX_UNSUPPORTED, "not a number");
            refused(svd[0], MX_UNSUPPORTED,
                    "[linalg::svd] the matrix has elements that are infinite");
            refused(mx_svdvals(a), MX_UNSUPPORTED, "infinite");
            refused(e[1], MX_UNSUPPORTED, "[linalg::eigh]");
            mx_array *upper = mx_where(mx_tri(3, 3, -1, MX_BOOL), a, mx_ones_like(a));
            /* the other triangle is not read */
            CHECK_NEAR(number(mx_sum_all(mx_eigvalsh(upper, true))), 3, 1e-5);
            mx_scope_close(s);
        }
}

static void test_singular(void) {
    mx_scope s = mx_scope_open();
    const double v[9] = {1, 2, 3, 2, 4, 6, 1, 0, 1}, h[9] = {4, 2, 1, 2, 1, 3, 1, 3, 9};
    for (int i = 0; i < 3; i++) {
        mx_array *a = matrix3(types[i], v), *lu[3];
        refused(mx_inv(a), MX_UNSUPPORTED, "[linalg::inv] the matrix is singular");
        refused(mx_solve(a, a), MX_UNSUPPORTED, "singular");
        refused(mx_tri_inv(mx_zeros_like(a), false), MX_UNSUPPORTED, "singular");
        CHECK(number(mx_real(mx_det(a))) == 0 && mx_lu(a, lu));
        /* as far as it goes: the pivot of row 1 is 0 */
        const double left[9] = {2, 0, 0, 1, 0, 0, 0.5, 2.5, 8.75};
        agree("cholesky of an indefinite matrix", 3, 3, mx_cholesky(matrix3(types[i], h), false),
              matrix3(types[i], left), 1);
        agree("upper", 3, 3, mx_cholesky(matrix3(types[i], h), true), T(matrix3(types[i], left)),
              1);
        mx_array *many[3] = {mx_eye(3, 3, 0, types[i]), a, a};
        refused(mx_inv(mx_stack(many, 3, 0)), MX_UNSUPPORTED, "matrix 1 of 3 is singular");
    }
    mx_scope_close(s);
}

/* --- nothing ---------------------------------------------------------------------------------- */

static void is_shape(const char *what, mx_array *a, int ndim, const int *shape) {
    bool ok = a && mx_eval1(a) && a->ndim == ndim;
    for (int i = 0; ok && i < ndim; i++)
        ok = a->shape[i] == shape[i];
    CHECK_MSG(ok, "%s of an empty matrix: %s", what, mx_error_message());
    mx_error_clear();
}

static void check_empty(int m, int n, int batch, mx_dtype t) {
    mx_scope s = mx_scope_open();
    mx_array *a = mx_zeros((int[]){batch, m, n}, 3, t), *svd[3], *qr[2], *lu[3], *e[2], *sl[2];
    int k = m < n ? m : n;
    mx_array *eye = mx_broadcast_to(mx_eye(m, m, 0, t), (int[]){batch, m, m}, 3);
    CHECK(mx_svd(a, svd) && mx_qr(a, qr) && mx_lu(a, lu));
    is_shape("u", svd[0], 3, (int[]){batch, m, m});
    agree("u of an empty matrix", m, n, svd[0], eye, 0);
    agree("vt of an empty matrix", m, n, svd[2],
          mx_broadcast_to(mx_eye(n, n, 0, t), (int[]){batch, n, n}, 3), 0);
    is_shape("s", svd[1], 2, (int[]){batch, k});
    is_shape("svdvals", mx_svdvals(a), 2, (int[]){batch, k});
    is_shape("q", qr[0], 3, (int[]){batch, m, k});
    is_shape("r", qr[1], 3, (int[]){batch, k, n});
    is_shape("l", lu[1], 3, (int[]){batch, m, k});
    is_shape("pinv", mx_pinv(a), 3, (int[]){batch, n, m});
    agree("p of an empty matrix", m, n, mx_astype(lu[0], MX_FLOAT32),
          mx_broadcast_to(mx_arange(0, m, 1, MX_FLOAT32), (int[]){batch, m}, 2), 0);
    if (m == n) {
        CHECK(mx_eigh(a, true, e) && mx_slogdet(a, sl));
        is_shape("v", e[1], 3, (int[]){batch, n, n});
        is_shape("eigvals", mx_eigvals(a), 2, (int[]){batch, n});
        is_shape("inv", mx_inv(a), 3, (int[]){batch, n, n});
        is_shape("cholesky", mx_cholesky(a, true), 3, (int[]){batch, n, n});
        is_shape("solve", mx_solve(a, mx_zeros((int[]){batch, n, 2}, 3, t)), 3,
                 (int[]){batch, n, 2});
        agree("det of an empty matrix", m, n, mx_det(a), mx_ones((int[]){batch}, 1, t), 0);
        agree("slogdet of an empty matrix", m, n, sl[1], mx_zeros_like(sl[1]), 0);
    }
    mx_scope_close(s);
}

static void test_empty(void) {
    mx_block_fill(0xff);
    for (int i = 0; i < 3; i++) {
        check_empty(2, 0, 1, types[i]);
        check_empty(0, 2, 2, types[i]);
        check_empty(0, 0, 2, types[i]);
        check_empty(2, 2, 0, types[i]);
        check_empty(3, 2, 0, types[i]);
    }
    mx_block_fill(-1);
}

/* --- a poor host ------------------------------------------------------------------------------ */

/* In a child with so many bytes of address space more than it has: 0 succeeds, 1 an error that says
   memory. */
static int with_room(size_t bytes, mx_array *(*make)(void)) {
    pid_t child = fork();
    if (child == 0) {
        FILE *f = fopen("/proc/self/statm", "r");
        long pages = 0;
        alarm(60); // a loop ends with a signal
        if (!f || fscanf(f, "%ld", &pages) != 1)
            _exit(3);
        fclose(f);
        rlim_t all = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + bytes;
        struct rlimit limit = {all, all};
        setrlimit(RLIMIT_AS, &limit);
        mx_scope_open();
        mx_array *y = make();
        _exit(y && mx_eval1(y) ? 0 : mx_error_status() == MX_NOMEM ? 1 : 2);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static mx_array *big_inverse(void) {
    return mx_inv(definite(0, 200, MX_FLOAT32, 1));
}
static mx_array *big_eigenvalues(void) {
    return mx_eigvalsh(definite(0, 200, MX_FLOAT32, 1), false);
}

static void test_little_memory(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return; // these map terabytes
#endif
    const size_t mb = (size_t)1 << 20;
    for (size_t room = 0; room <= 64 * mb; room += 4 * mb) {
        int how = with_room(room, big_inverse);
        CHECK_MSG(how <= (room < 32 * mb ? 1 : 0), "inv with %zu MB: %d", room / mb, how);
    }
    for (size_t room = 0; room <= 1280 * mb; room += 80 * mb) {
        int how = with_room(room, big_eigenvalues);
        CHECK_MSG(how <= 1, "eigvalsh with %zu MB: %d", room / mb, how);
    }
}

static void *on_small_stack(void *arg) {
    (void)arg;
    mx_scope s = mx_scope_open();
    mx_array *svd[3], *both[2] = {mx_inv(definite(0, 300, MX_FLOAT64, 1)), NULL};
    bool ok = mx_svd(noise(0, 300, 200, MX_FLOAT64, 2), svd);
    both[1] = svd[1];
    ok = ok && mx_eval(both, 2);
    CHECK_MSG(ok, "%s", mx_error_message());
    mx_scope_close(s);
    return NULL;
}

/* Also after LAPACK was loaded, whose thread-local storage is its own threads' alone. */
static void test_little_stack(void) {
    pthread_attr_t attr;
    pthread_t thread;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return; // these need more
#endif
    for (int i = 0; i < 2; i++) {
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, 64 << 10);
        if (CHECK(pthread_create(&thread, &attr, on_small_stack, NULL) == 0))
            pthread_join(thread, NULL);
        pthread_attr_destroy(&attr);
    }
}

int main(void) {
    RUN(test_little_memory); // first, while no library of the host's is there
    RUN(test_permutation);
    RUN(test_sizes);
    RUN(test_threads);
    RUN(test_nan);
    RUN(test_nan_spreads);
    RUN(test_refused);
    RUN(test_singular);
    RUN(test_empty);
    RUN(test_little_stack);
    return check_done();
}
