/* One long line: in four steps (columns, twist, rows, transposed on the way), or as a convolution
 * whose transforms are done in four steps. */
#include <stdatomic.h>
#include <string.h>

#include "base/memory/cache.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/fft/fft_internal.h"

typedef mx_complex64 cplx;

/* All lanes of a block, shared among the threads. */
typedef struct blocks {
    const mx_fft_block *block;
    int64_t lines;
    atomic_bool failed;
} blocks;

static void blocks_body(void *ctx, int64_t begin, int64_t end) {
    blocks *s = ctx;
    for (int64_t i = begin; i < end; i++) {
        int64_t first = i * MX_FFT_LANES, m = s->lines - first;
        if (!mx_fft_block_run(s->block, first, m < MX_FFT_LANES ? m : MX_FFT_LANES))
            atomic_store(&s->failed, true);
    }
}

static bool run_blocks(const mx_fft_block *b, int64_t lines) {
    blocks s = {.block = b, .lines = lines};
    int64_t grain = 16384 / (int64_t)(b->plan->n * MX_FFT_LANES) + 1;
    mx_parallel_for((lines + MX_FFT_LANES - 1) / MX_FFT_LANES, grain, blocks_body, &s);
    if (atomic_load(&s.failed))
        mx_fail_nomem("fft", b->plan->n * MX_FFT_LANES * 16);
    return !atomic_load(&s.failed);
}

/* y[k ys] = scale * transform of x[t xs]; work holds n. */
static bool four_steps(const mx_fft_plan *p, bool inverse, float scale, const cplx *x, int64_t xs,
                       cplx *y, int64_t ys, cplx *work) {
    int64_t n1 = (int64_t)p->inner->n, n2 = (int64_t)p->other->n;
    mx_fft_block columns = {
        .plan = p->inner,
        .inverse = inverse,
        .scale = 1,
        .x = x,
        .y = work,
        .in = {n2 * xs, xs},
        .out = {n2, 1},
        .x_count = (size_t)n1,
        .twist = p,
    };
    mx_fft_block rows = {
        .plan = p->other,
        .inverse = inverse,
        .scale = scale,
        .x = work,
        .y = y,
        .in = {1, n2},
        .out = {n1 * ys, ys},
        .x_count = (size_t)n2,
    };
    return run_blocks(&columns, n2) && run_blocks(&rows, n1);
}

/* z *= (re, im) */
static void multiply(cplx *z, const float *re, const float *im, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float r = z[i].re * re[i] - z[i].im * im[i];
        z[i].im = z[i].re * im[i] + z[i].im * re[i];
        z[i].re = r;
    }
}
static void conjugate(cplx *z, size_t n, float scale) {
    for (size_t i = 0; i < n; i++)
        z[i] = (cplx){z[i].re * scale, -z[i].im * scale};
}

/* The convolution in a[m] and b[m], work[m]; the line is a[n], and so is the result. */
static bool long_chirp(const mx_fft_plan *p, cplx *a, cplx *b, cplx *work) {
    size_t m = p->inner->n;
    multiply(a, p->chirp_r, p->chirp_i, p->n);
    memset(a + p->n, 0, (m - p->n) * sizeof *a);
    if (!four_steps(p->inner, false, 1, a, 1, b, 1, work))
        return false;
    multiply(b, p->kernel_r, p->kernel_i, m);
    if (!four_steps(p->inner, true, 1, b, 1, a, 1, work))
        return false;
    multiply(a, p->chirp_r, p->chirp_i, p->n);
    return true;
}

/* The line as n complex numbers. */
static void gather(cplx *a, const mx_fft_job *j, const char *xv) {
    int64_t want = j->kind == MX_FFT_FROM_HALF ? j->n / 2 + 1 : j->n, s = j->x_stride;
    for (int64_t t = 0; t < want; t++) {
        cplx z = {0, 0};
        if (t < j->x_count && j->kind == MX_FFT_TO_HALF)
            z.re = ((const float *)xv)[t * s];
        else if (t < j->x_count)
            z = ((const cplx *)xv)[t * s];
        if (j->kind == MX_FFT_FROM_HALF && (t == 0 || 2 * t == j->n))
            z.im = 0;
        a[t] = z;
    }
    for (int64_t t = want; t < j->n; t++) // the mirror image
        a[t] = (cplx){a[j->n - t].re, -a[j->n - t].im};
}

static void scatter(char *y, const mx_fft_job *j, const cplx *a) {
    int64_t count = j->kind == MX_FFT_TO_HALF ? j->n / 2 + 1 : j->n;
    for (int64_t t = 0; t < count; t++)
        if (j->kind == MX_FFT_FROM_HALF)
            ((float *)y)[t * j->y_stride] = a[t].re;
        else
            ((cplx *)y)[t * j->y_stride] = a[t];
}

/* a[n] to its transform; a, b and work hold n, for a chirp its inner length. */
static bool transform(const mx_fft_plan *p, bool inverse, float scale, cplx **a, cplx **b,
                      cplx *work) {
    if (p->way == MX_FFT_SPLIT) {
        bool ok = four_steps(p, inverse, scale, *a, 1, *b, 1, work);
        cplx *t = *a;
        *a = *b, *b = t;
        return ok;
    }
    if (inverse)
        conjugate(*a, p->n, 1);
    if (!long_chirp(p, *a, *b, work))
        return false;
    if (inverse)
        conjugate(*a, p->n, scale);
    for (size_t i = 0; !inverse && scale != 1 && i < p->n; i++)
        (*a)[i] = (cplx){(*a)[i].re * scale, (*a)[i].im * scale};
    return true;
}

bool mx_fft_line_run(const mx_fft_plan *p, const mx_fft_job *job, const char *x, char *y) {
    bool inverse = job->inverse || job->kind == MX_FFT_FROM_HALF;
    bool plain = job->kind == MX_FFT_COMPLEX && p->way == MX_FFT_SPLIT && job->x_count >= job->n;
    size_t m = p->way == MX_FFT_CHIRP ? p->inner->n : p->n;
    size_t bytes = (plain ? 1 : 3) * m * sizeof(cplx);
    cplx *work = mx_block_alloc(bytes);
    if (!work)
        return false;
    cplx *a = work + (plain ? 0 : m), *b = a + (plain ? 0 : m);
    bool ok;
    if (plain) {
        ok = four_steps(p, inverse, (float)job->scale, (const cplx *)x, job->x_stride, (cplx *)y,
                        job->y_stride, work);
    } else {
        gather(a, job, x);
        ok = transform(p, inverse, (float)job->scale, &a, &b, work);
        if (ok)
            scatter(y, job, a);
    }
    mx_block_free(work, bytes);
    return ok;
}
