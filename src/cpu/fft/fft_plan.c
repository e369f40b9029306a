/* Plans: which stages, which tables (computed in float64), and the few that are kept. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/threads/lock.h"
#include "cpu/fft/fft_internal.h"
#include "kernels/kernels.h"

#define PI   3.14159265358979323846
#define KEPT 12 /* plans in the cache */

static mx_fft_plan *kept[KEPT];
static unsigned long clock_of_use;

static mx_fft_plan *plan_find_or_make(size_t n, mx_fft_way way);
static void plan_drop(mx_fft_plan *p);

/* ---- lengths ---- */

/* The radices of n, eights first; 0 when a prime is too large. */
static int factor(size_t n, size_t *radix) {
    static const size_t first[] = {8, 4, 2, 3, 5};
    int k = 0;
    for (int i = 0; i < 5; i++)
        for (; n % first[i] == 0 && !(first[i] == 8 && n % 16 == 0 && n % 32 != 0); n /= first[i])
            radix[k++] = first[i];
    for (size_t r = 7; n > 1 && r < MX_FFT_MAX_RADIX; r += 2)
        for (; n % r == 0; n /= r)
            radix[k++] = r;
    return n == 1 ? k : 0;
}

/* The divisor of n next below its root. */
static size_t near_root(size_t n) {
    size_t d = (size_t)sqrt((double)n) + 1;
    while (d * d > n || n % d)
        d--;
    return d;
}

static bool smooth(size_t n) {
    size_t radix[64];
    return n == 1 || factor(n, radix) > 0;
}

static size_t convolution_length(size_t n) {
    size_t m = 1;
    while (m < 2 * n - 1)
        m *= 2;
    return m;
}

/* ---- tables ---- */

/* e^(-2 pi i k / n) */
static void root(size_t k, size_t n, double *re, double *im) {
    double angle = 2 * PI * (double)(k % n) / (double)n;
    *re = cos(angle);
    *im = -sin(angle);
}

static mx_fft_plan *plan_alloc(size_t n, mx_fft_way way, size_t floats) {
    size_t bytes;
    mx_fft_plan *p = NULL;
    if (mx_mul_size(floats, sizeof(float), &bytes) && mx_add_size(bytes, sizeof *p, &bytes))
        p = mx_calloc(1, bytes);
    else
        mx_fail_nomem("fft", (unsigned long long)n);
    if (p) {
        p->n = n;
        p->way = way;
    }
    return p;
}

/* Tables of element size e (4 or 8) at `at`; returns what lies behind them. */
static char *stage_tables(mx_fft_stage *st, char *at, size_t e) {
    size_t count = (st->radix - 1) * st->m, i = 0;
    st->wr = at;
    st->wi = at + count * e;
    st->root_r = at + 2 * count * e;
    st->root_i = at + (2 * count + st->radix) * e;
    for (size_t j = 0; j < st->radix; j++)
        for (size_t p = j ? 0 : st->m - 1; p < st->m; p++) {
            double re, im;
            if (j) {
                root(j * p, st->radix * st->m, &re, &im);
                if (e == 4)
                    ((float *)st->wr)[i] = (float)re, ((float *)st->wi)[i] = (float)im;
                else
                    ((double *)st->wr)[i] = re, ((double *)st->wi)[i] = im;
                i++;
            }
        }
    for (size_t j = 0; j < st->radix; j++) {
        double re, im;
        root(j, st->radix, &re, &im);
        if (e == 4)
            ((float *)st->root_r)[j] = (float)re, ((float *)st->root_i)[j] = (float)im;
        else
            ((double *)st->root_r)[j] = re, ((double *)st->root_i)[j] = im;
    }
    return at + 2 * (count + st->radix) * e;
}

/* Fills stage[]; returns the table elements that they need. */
static size_t stage_sizes(mx_fft_stage *stage, size_t n, int *stages) {
    size_t radix[64], before = 1, total = 0;
    *stages = n > 1 ? factor(n, radix) : 0;
    for (int i = 0; i < *stages; i++) {
        n /= radix[i];
        stage[i] = (mx_fft_stage){.radix = radix[i], .m = n, .before = before};
        before *= radix[i];
        total += 2 * ((radix[i] - 1) * n + radix[i]);
    }
    return total;
}

static mx_fft_plan *plan_direct(size_t n) {
    mx_fft_stage stage[64];
    int stages;
    size_t floats = stage_sizes(stage, n, &stages);
    mx_fft_plan *p = plan_alloc(n, MX_FFT_DIRECT, floats);
    if (!p)
        return NULL;
    p->stages = stages;
    memcpy(p->stage, stage, (size_t)stages * sizeof *stage);
    char *at = (char *)p->tables;
    for (int i = 0; i < stages; i++)
        at = stage_tables(&p->stage[i], at, sizeof(float));
    return p;
}

/* The transform of x[m], m a power of two, in float64, by stages of its own. work: 4 m doubles, x
   in the first half; the result is there too. */
static bool transform_f64(double *work, size_t m) {
    mx_fft_stage stage[64];
    int stages;
    size_t doubles = stage_sizes(stage, m, &stages);
    char *tables = mx_malloc(doubles * sizeof(double)), *at = tables;
    if (!tables)
        return false;
    double *from = work, *to = work + 2 * m;
    for (int i = 0; i < stages; i++) {
        at = stage_tables(&stage[i], at, sizeof(double));
        mx_kernels_get()->fft->stage_f64(&stage[i], 1, from, from + m, to, to + m);
        double *t = from;
        from = to, to = t;
    }
    if (from != work)
        memcpy(work, from, 2 * m * sizeof *work);
    mx_free(tables);
    return true;
}

/* t^2 mod 2 n without overflow, as an angle's numerator. */
static void chirp(size_t t, size_t n, double *re, double *im) {
    unsigned __int128 square = (unsigned __int128)t * t;
    root((size_t)(square % (2 * n)), 2 * n, re, im);
}

static bool chirp_tables(mx_fft_plan *p, size_t m) {
    double *work = mx_calloc(4 * m, sizeof *work);
    if (!work)
        return false;
    for (size_t t = 0; t < p->n; t++) {
        double re, im;
        chirp(t, p->n, &re, &im);
        p->chirp_r[t] = (float)re;
        p->chirp_i[t] = (float)im;
        size_t mirror = t ? m - t : 0;
        work[t] = work[mirror] = re;
        work[m + t] = work[m + mirror] = -im;
    }
    bool ok = transform_f64(work, m);
    for (size_t k = 0; ok && k < m; k++) {
        p->kernel_r[k] = (float)(work[k] / (double)m);
        p->kernel_i[k] = (float)(work[m + k] / (double)m);
    }
    mx_free(work);
    return ok;
}

static mx_fft_plan *plan_chirp(size_t n) {
    size_t m = convolution_length(n);
    mx_fft_plan *p = plan_alloc(n, MX_FFT_CHIRP, 2 * n + 2 * m);
    if (!p)
        return NULL;
    p->chirp_r = p->tables;
    p->chirp_i = p->chirp_r + n;
    p->kernel_r = p->chirp_i + n;
    p->kernel_i = p->kernel_r + m;
    p->inner = plan_find_or_make(m, n <= MX_FFT_BLOCK ? MX_FFT_DIRECT : MX_FFT_SPLIT);
    if (p->inner && chirp_tables(p, m))
        return p;
    plan_drop(p);
    return NULL;
}

/* w^(k t) for k = 0, step, 2 step ... */
static void twist_table(float *re, float *im, size_t rows, size_t step, size_t n2, size_t n) {
    for (size_t k = 0; k < rows; k++)
        for (size_t t = 0; t < n2; t++) {
            double r, i;
            root((size_t)((unsigned __int128)k * step * t % n), n, &r, &i);
            re[k * n2 + t] = (float)r;
            im[k * n2 + t] = (float)i;
        }
}

static mx_fft_plan *plan_split(size_t n) {
    size_t n1 = near_root(n), n2 = n / n1, fine = 1;
    while (fine * fine < n1)
        fine *= 2;
    size_t coarse = (n1 + fine - 1) / fine;
    mx_fft_plan *p = plan_alloc(n, MX_FFT_SPLIT, 2 * (fine + coarse) * n2);
    if (!p)
        return NULL;
    p->fine_n = fine;
    p->fine_r = p->tables;
    p->fine_i = p->fine_r + fine * n2;
    p->coarse_r = p->fine_i + fine * n2;
    p->coarse_i = p->coarse_r + coarse * n2;
    twist_table(p->fine_r, p->fine_i, fine, 1, n2, n);
    twist_table(p->coarse_r, p->coarse_i, coarse, fine, n2, n);
    p->inner = plan_find_or_make(n1, MX_FFT_DIRECT);
    p->other = p->inner ? plan_find_or_make(n2, MX_FFT_DIRECT) : NULL;
    if (p->other)
        return p;
    plan_drop(p);
    return NULL;
}

/* ---- the cache, under its lock ---- */

static void plan_unref(mx_fft_plan *p) {
    if (p && --p->refs == 0)
        plan_drop(p);
}

static void plan_drop(mx_fft_plan *p) {
    plan_unref(p->inner);
    plan_unref(p->other);
    mx_free(p);
}

/* Keeps a plan in place of the oldest. The cache holds one reference. */
static void plan_keep(mx_fft_plan *p) {
    int slot = 0;
    for (int i = 0; i < KEPT; i++) {
        if (!kept[i]) {
            slot = i;
            break;
        }
        if (kept[i]->age < kept[slot]->age)
            slot = i;
    }
    plan_unref(kept[slot]);
    kept[slot] = p;
    p->refs++;
}

static mx_fft_plan *plan_find_or_make(size_t n, mx_fft_way way) {
    mx_fft_plan *p = NULL;
    for (int i = 0; i < KEPT && !p; i++)
        if (kept[i] && kept[i]->n == n && kept[i]->way == way)
            p = kept[i];
    if (!p) {
        p = way == MX_FFT_DIRECT  ? plan_direct(n)
            : way == MX_FFT_CHIRP ? plan_chirp(n)
                                  : plan_split(n);
        if (!p)
            return NULL;
        plan_keep(p);
    }
    p->age = ++clock_of_use;
    p->refs++;
    return p;
}

mx_fft_plan *mx_fft_plan_get(size_t n, bool whole) {
    mx_fft_way way = MX_FFT_CHIRP;
    if (smooth(n))
        way = whole || near_root(n) < 8 ? MX_FFT_DIRECT : MX_FFT_SPLIT;
    mx_lock(MX_LOCK_FFT);
    mx_fft_plan *p = plan_find_or_make(n, way);
    mx_unlock(MX_LOCK_FFT);
    return p;
}

void mx_fft_plan_put(mx_fft_plan *p) {
    mx_lock(MX_LOCK_FFT);
    plan_unref(p);
    mx_unlock(MX_LOCK_FFT);
}

void mx_fft_forget(void) {
    mx_lock(MX_LOCK_FFT);
    for (int i = 0; i < KEPT; i++) {
        plan_unref(kept[i]);
        kept[i] = NULL;
    }
    mx_unlock(MX_LOCK_FFT);
}
