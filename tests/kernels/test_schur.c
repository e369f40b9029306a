/* Schur forms (cpu/linalg/schur.h): Z T Z^H is the matrix and Z orthogonal, with every instruction
 * set, at sizes around strips and vectors; matrices whose iteration is hard. And eig, which is made
 * of them and LAPACK's parts: what it says of matrices that lack eigenvectors, of tiny and huge
 * ones, and of batches. */
#include "cpu/linalg/schur.h"

#include <complex.h>
#include <float.h>

#include "base/status.h"
#include "base/threads/pool.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "kernels/kernels.h"
#include "ops/linalg/linalg.h"

enum { MOST = 150 };

/* --- matrices --------------------------------------------------------------------------------- */

static uint64_t state;

static double uniform(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) * 0x1p-53 - 0.5;
}

typedef double make_one(int n, int r, int c);

static double any(int n, int r, int c) {
    (void)n, (void)r, (void)c;
    return uniform();
}
/* Each shift but a strange one leaves it as it is. */
static double cyclic(int n, int r, int c) {
    return r == (c + 1) % n;
}
static double jordan(int n, int r, int c) {
    (void)n;
    return r == c ? 2 : c == r + 1;
}
static double nilpotent(int n, int r, int c) {
    (void)n;
    return r == c + 1;
}
static double grcar(int n, int r, int c) {
    (void)n;
    return r == c + 1 ? -1 : c >= r && c <= r + 3;
}
static double graded(int n, int r, int c) {
    return uniform() * pow(10, -30.0 * (r + c) / n);
}
static double split(int n, int r, int c) {
    return r == c + 1 && r % 7 == 3 ? 0 : any(n, r, c);
}
/* Wilkinson's, whose eigenvalues come in pairs that are nearly one. */
static double pairs(int n, int r, int c) {
    return r == c ? fabs(r - (n - 1) / 2.0) : abs(r - c) == 1;
}
static double twice(int n, int r, int c) {
    (void)n;
    return r == c ? 3 : r == c + 1 && r % 2 ? -1 : c == r + 1 && c % 2;
}
static double nothing(int n, int r, int c) {
    (void)n, (void)r, (void)c;
    return 0;
}

static const struct {
    const char *name;
    make_one *make;
} kinds[] = {{"any", any},     {"cyclic", cyclic},  {"jordan", jordan}, {"nilpotent", nilpotent},
             {"grcar", grcar}, {"graded", graded},  {"split", split},   {"pairs", pairs},
             {"twice", twice}, {"nothing", nothing}};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* --- Schur forms ------------------------------------------------------------------------------ */

static _Alignas(64) double h_d[2 * (MOST + 32) * (MOST + 32)];
static _Alignas(64) float h_f[2 * (MOST + 32) * (MOST + 32)];
static double z_d[MOST * (MOST + 1)];
static float z_f[2 * MOST * (MOST + 1)];
static double complex a[MOST][MOST], t[MOST][MOST], z[MOST][MOST], zt[MOST][MOST];

/* The eigenvalues of a block of two, which is left as it is: what takes the place of lanv2. */
static double complex root_of(double p, double q, double r, double s) {
    return csqrt((p - s) / 2 * ((p - s) / 2) + q * r);
}
static void standard_f(float *p, float *q, float *r, float *s, float *r1, float *i1, float *r2,
                       float *i2, float *cs, float *sn) {
    double mean = ((double)*p + (double)*s) / 2;
    double complex root = root_of(*p, *q, *r, *s);
    *r1 = (float)(mean + creal(root));
    *r2 = (float)(mean - creal(root));
    *i1 = (float)cimag(root);
    *i2 = -*i1;
    *cs = 1;
    *sn = 0;
}
static void standard_d(double *p, double *q, double *r, double *s, double *r1, double *i1,
                       double *r2, double *i2, double *cs, double *sn) {
    double complex root = root_of(*p, *q, *r, *s);
    *r1 = (*p + *s) / 2 + creal(root);
    *r2 = (*p + *s) / 2 - creal(root);
    *i1 = cimag(root);
    *i2 = -*i1;
    *cs = 1;
    *sn = 0;
}

static void fill(make_one *make, int n, mx_dtype type) {
    memset(a, 0, sizeof a);
    for (int r = 0; r < n; r++)
        for (int c = r ? r - 1 : 0; c < n; c++) {
            a[r][c] = make(n, r, c);
            if (type == MX_COMPLEX64)
                a[r][c] *= CMPLX(0.6, 0.8 * cos(r));
            if (type != MX_FLOAT64)
                a[r][c] = CMPLX((float)creal(a[r][c]), (float)cimag(a[r][c]));
        }
}

/* h of a, and z = I. */
static void put(int n, mx_dtype type) {
    memset(h_d, 0, sizeof h_d);
    memset(h_f, 0, sizeof h_f);
    memset(z_d, 0, sizeof z_d);
    memset(z_f, 0, sizeof z_f);
    for (int r = 0; r < n; r++) {
        z_d[r * n + r] = z_f[r * n + r] = 1;
        for (int c = 0; c < n; c++) {
            int64_t i = r * schur_ld(n) + c;
            h_d[i] = creal(a[r][c]);
            h_f[i] = (float)creal(a[r][c]);
            if (type == MX_COMPLEX64)
                h_f[schur_size(n) + i] = (float)cimag(a[r][c]);
        }
    }
}

/* t and z as the library left them. */
static void get(int n, mx_dtype type) {
    bool d = type == MX_FLOAT64, both = type == MX_COMPLEX64;
    for (int r = 0; r < n; r++)
        for (int c = 0; c < n; c++) {
            int64_t i = r * schur_ld(n) + c, k = c * n + r;
            double im = both ? h_f[schur_size(n) + i] : 0, zim = both ? z_f[n * (n + 1) + k] : 0;
            t[r][c] = d ? h_d[i] : CMPLX(h_f[i], im);
            z[r][c] = d ? z_d[k] : CMPLX(z_f[k], zim);
        }
}

static int run_schur(int n, mx_dtype type, bool whole) {
    static float wr_f[MOST], wi_f[MOST];
    static double wr_d[MOST], wi_d[MOST];
    static mx_complex64 w[MOST];
    put(n, type);
    lapack_hessenberg_f f = {n, 0, n - 1, whole, h_f, whole ? z_f : NULL, wr_f, wi_f, standard_f};
    lapack_hessenberg_d d = {n, 0, n - 1, whole, h_d, whole ? z_d : NULL, wr_d, wi_d, standard_d};
    lapack_hessenberg_c c = {n, 0, n - 1, whole, h_f, whole ? z_f : NULL, w};
    int info = type == MX_FLOAT32   ? lapack_schur_f(&f)
               : type == MX_FLOAT64 ? lapack_schur_d(&d)
                                    : lapack_schur_c(&c);
    get(n, type);
    return info;
}

/* Frobenius norms of Z T Z^H - A over A's, and of Z^H Z - I. */
static void errors(int n, double *residual, double *turned) {
    double size = 0, sum = 0, other = 0;
    for (int r = 0; r < n; r++)
        for (int c = 0; c < n; c++) {
            zt[r][c] = 0;
            for (int k = 0; k < n; k++)
                zt[r][c] += z[r][k] * t[k][c];
        }
    for (int r = 0; r < n; r++)
        for (int c = 0; c < n; c++) {
            double complex x = -a[r][c], y = -(double)(r == c);
            for (int k = 0; k < n; k++) {
                x += zt[r][k] * conj(z[c][k]);
                y += conj(z[k][r]) * z[k][c];
            }
            size += creal(a[r][c] * conj(a[r][c]));
            sum += creal(x * conj(x));
            other += creal(y * conj(y));
        }
    *residual = sqrt(sum / (size > 0 ? size : 1));
    *turned = sqrt(other);
}

/* Nothing below the blocks. */
static bool is_schur(int n, mx_dtype type) {
    for (int r = 0; r < n; r++)
        for (int c = 0; c < r; c++) {
            bool pair = type != MX_COMPLEX64 && c == r - 1 && (c == 0 || t[c][c - 1] == 0);
            if (t[r][c] != 0 && !pair)
                return false;
        }
    return true;
}

static void check_schur(int n, mx_dtype type, int kind) {
    double residual, turned, eps = type == MX_FLOAT64 ? DBL_EPSILON : FLT_EPSILON,
                             allowed = 8 * eps * sqrt(n) + 8 * eps;
    state = check_seed((uint64_t)(n * 100 + kind));
    fill(kinds[kind].make, n, type);
    int info = run_schur(n, type, true);
    errors(n, &residual, &turned);
    CHECK_MSG(info == 0 && residual <= allowed && turned <= 4 * allowed && is_schur(n, type),
              "%s of %d %s: %d, %g from it, Z %g from orthogonal, %g allowed", kinds[kind].name, n,
              mx_dtype_name(type), info, residual, turned, allowed);
    CHECK_EQ_INT(run_schur(n, type, false), 0);
}

static void every_set(void) {
    static const int sizes[] = {1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 33, 47, 63, 64, 66, 97, 129};
    static const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT64, MX_COMPLEX64};
    const char *chosen = mx_kernels_get()->name;
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++) {
        mx_kernels_choose(sets[s]->name);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (int kind = 0; kind < KINDS; kind++)
                for (int k = 0; k < 3 && (sizes[i] < 60 || kind % 3 == 0); k++)
                    check_schur(sizes[i], types[k], kind);
    }
    mx_kernels_choose(chosen);
}

/* --- eig -------------------------------------------------------------------------------------- */

static double most(mx_array *x) {
    mx_array *y = x ? mx_astype(mx_reduce(MX_MAX, mx_abs(x), NULL, 0, false), MX_FLOAT64) : NULL;
    return y && mx_eval1(y) ? *(double *)(void *)y->data : NAN;
}

/* A V = V diag(w), columns of V of length 1. */
static void check_eig(const char *name, mx_array *x, mx_array *w, mx_array *v) {
    int n = x->shape[x->ndim - 1];
    mx_array *c = mx_astype(x, MX_COMPLEX64), *scaled = mx_mul(v, mx_expand_dim(w, -2));
    double size = most(x), apart = most(mx_sub(mx_matmul(c, v), scaled)),
           length = most(mx_rsub_s(1, mx_sum_axis(mx_square(mx_abs(v)), -2, false)));
    CHECK_MSG(apart <= 30 * (double)FLT_EPSILON * size * sqrt(n) + (double)FLT_MIN &&
                  length <= 1e-5,
              "%s of %d: %g apart of %g, lengths %g: %s", name, n, apart, size, length,
              mx_error_message());
    mx_error_clear();
}

static mx_array *matrix_of(int kind, int n, mx_dtype type, double scale) {
    static double x[MOST * MOST];
    state = check_seed((uint64_t)(n + kind));
    for (int r = 0; r < n; r++)
        for (int c = 0; c < n; c++)
            x[r * n + c] = scale * kinds[kind].make(n, r, c);
    return mx_astype(mx_array_from(x, (int[]){n, n}, 2, MX_FLOAT64), type);
}

static void eigenvectors(void) {
    static const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT64, MX_COMPLEX64};
    static const double scales[] = {1, 1e-30, 1e30};
    static const int sizes[] = {1, 2, 3, 21, 70};
    for (int k = 0; k < 3; k++)
        for (int kind = 0; kind < KINDS; kind++)
            for (int i = 0; i < 15; i++) {
                mx_scope s = mx_scope_open();
                mx_array *x = matrix_of(kind, sizes[i / 3], types[k], scales[i % 3]), *e[2];
                if (CHECK_MSG(mx_eig(x, e) && mx_eval(e, 2), "%s", mx_error_message()))
                    check_eig(kinds[kind].name, x, e[0], e[1]);
                mx_scope_close(s);
            }
}

/* V^-1 A V is diagonal where eigenvectors are far from each other. */
static void left_and_right(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = mx_add(matrix_of(0, 40, MX_FLOAT64, 1),
                         mx_diag(mx_arange(0, 80, 2, MX_FLOAT64), 0)),
             *e[2], *c;
    CHECK(mx_eig(x, e));
    c = mx_matmul(mx_inv(e[1]), mx_matmul(mx_astype(x, MX_COMPLEX64), e[1]));
    c = mx_sub(c, mx_mul(mx_eye(40, 40, 0, MX_COMPLEX64), mx_expand_dim(e[0], 0)));
    CHECK_MSG(most(c) < 1e-3, "%g: %s", most(c), mx_error_message());
    mx_scope_close(s);
}

/* A matrix of a batch has the bits that it has alone, with any number of threads. */
static void batches(void) {
    mx_scope s = mx_scope_open();
    mx_array *one[6], *alone[2], *e[2];
    for (int i = 0; i < 6; i++)
        one[i] = matrix_of(i % 2 ? 4 : 0, 50, MX_FLOAT32, i + 1);
    for (int threads = 1; threads <= 4; threads += 3) {
        mx_pool_set_threads(threads);
        CHECK(mx_eig(mx_stack(one, 6, 0), e) && mx_eval(e, 2));
        for (int i = 0; i < 6; i++) {
            CHECK(mx_eig(one[i], alone) && mx_eval(alone, 2));
            for (int k = 0; k < 2; k++) {
                size_t bytes = (size_t)alone[k]->size * sizeof(mx_complex64);
                CHECK_MSG(!memcmp(alone[k]->data, e[k]->data + (size_t)i * bytes, bytes),
                          "matrix %d has other bits alone", i);
            }
        }
    }
    mx_pool_set_threads(0);
    mx_scope_close(s);
}

int main(void) {
    RUN(every_set);
    mx_scope s = mx_scope_open();
    mx_array *e[2];
    bool has = mx_eig(matrix_of(0, 3, MX_FLOAT32, 1), e) && mx_eval(e, 2);
    mx_scope_close(s);
    if (!has && strstr(mx_error_message(), "not installed"))
        return check_done();
    RUN(eigenvectors);
    RUN(left_and_right);
    RUN(batches);
    return check_done();
}
