/* Attention against the formula in float64: masks, causal, grouped heads, sinks, strides, splits,
 * both routes, every instruction set; one thread and several agree bit for bit. */
#include <float.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/attention/attention_engine.h"
#include "kernel_values.h"

enum { NO_MASK, ADDED, SELECTED, ADDED_HALF, HIDDEN, MASKS };

typedef struct shape {
    int64_t b, h, hk, lq, lk, d, dv;
    bool causal, sinks, turned; /* turned: positions before heads, as (B,L,H,D) */
    int mask;
} shape;

static int64_t count4(const int64_t *n) {
    return n[0] * n[1] * n[2] * n[3];
}

static void *random_floats(mx_dtype t, int64_t n, double scale) {
    void *p = kv_memory(t, (size_t)n);
    for (int64_t i = 0; i < n; i++)
        kv_put(t, p, i, kv_real(scale * kv_unit()));
    return p;
}

/* Strides of (B,H,L,D), or of that seen in an array (B,L,H,D). */
static void strides_of(int64_t *s, const int64_t *n, bool turned) {
    s[3] = 1;
    s[turned ? 1 : 2] = n[3];
    s[turned ? 2 : 1] = n[3] * n[turned ? 1 : 2];
    s[0] = n[1] * n[2] * n[3];
}

static double element(mx_dtype t, const void *p, const int64_t *s, int64_t b, int64_t h, int64_t l,
                      int64_t d) {
    return kv_get(t, p, b * s[0] + h * s[1] + l * s[2] + d * s[3]).re;
}

static double score(const mx_attend_args *a, int64_t b, int64_t h, int64_t i, int64_t t) {
    double x = 0;
    int64_t kv = h / (a->heads / a->kv_heads);
    for (int64_t d = 0; d < a->dim; d++)
        x += element(a->dtype, a->q, a->q_s, b, h, i, d) *
             element(a->dtype, a->k, a->k_s, b, kv, t, d);
    x *= (double)a->scale;
    if (a->causal && t > i + a->k_len - a->q_len)
        return -FLT_MAX;
    if (!a->mask)
        return x;
    value m = kv_get(a->mask_dtype, a->mask,
                     b * a->mask_s[0] + h * a->mask_s[1] + i * a->mask_s[2] + t * a->mask_s[3]);
    return a->mask_dtype == MX_BOOL ? (m.i ? x : -FLT_MAX) : x + m.re;
}

/* Output row (b,h,i) and its logsumexp by the formula. */
static double expected(const mx_attend_args *a, int64_t b, int64_t h, int64_t i, double *row) {
    double *x = malloc((size_t)a->k_len * sizeof *x);
    double top = a->sinks ? kv_get(a->dtype, a->sinks, h).re : -INFINITY, sum = 0;
    for (int64_t t = 0; t < a->k_len; t++) {
        x[t] = score(a, b, h, i, t);
        top = x[t] > top ? x[t] : top;
    }
    if (a->sinks)
        sum = exp(kv_get(a->dtype, a->sinks, h).re - top);
    memset(row, 0, (size_t)a->v_dim * sizeof *row);
    for (int64_t t = 0; t < a->k_len; t++) {
        double p = exp(x[t] - top);
        sum += p;
        for (int64_t d = 0; d < a->v_dim; d++)
            row[d] += p * element(a->dtype, a->v, a->v_s, b, h / (a->heads / a->kv_heads), t, d);
    }
    for (int64_t d = 0; d < a->v_dim; d++)
        row[d] /= sum;
    free(x);
    return top + log(sum);
}

static void set_mask(mx_attend_args *a, const shape *s) {
    // HIDDEN: (Lq,Lk) of bool, one for all; some query sees nothing. The others: (B,1,Lq,Lk)
    bool one = s->mask == HIDDEN;
    int64_t n = s->lq * s->lk;
    a->mask_dtype = s->mask == ADDED ? MX_FLOAT32 : s->mask == ADDED_HALF ? a->dtype : MX_BOOL;
    void *m = random_floats(a->mask_dtype, s->b * n, 2);
    for (int64_t i = 0; i < s->b * n; i++) {
        bool hide = kv_below(3) == 0 && i % s->lk != s->lk / 2;
        if (a->mask_dtype == MX_BOOL)
            kv_put(MX_BOOL, m, i, (value){0, 0, !hide && !(one && i < s->lk)});
        else if (hide)
            kv_put(a->mask_dtype, m, i, kv_real(-INFINITY));
    }
    a->mask = m;
    a->mask_s[0] = one ? 0 : n;
    a->mask_s[1] = 0;
    a->mask_s[2] = s->lk;
    a->mask_s[3] = 1;
}

static mx_attend_args arguments(mx_dtype t, const shape *s) {
    mx_attend_args a = {.dtype = t,
                        .batch = s->b,
                        .heads = s->h,
                        .kv_heads = s->hk,
                        .q_len = s->lq,
                        .k_len = s->lk,
                        .dim = s->d,
                        .v_dim = s->dv,
                        .scale = (float)(1.0 / sqrt((double)s->d)),
                        .causal = s->causal};
    const int64_t qn[] = {s->b, s->h, s->lq, s->d}, kn[] = {s->b, s->hk, s->lk, s->d};
    const int64_t vn[] = {s->b, s->hk, s->lk, s->dv}, on[] = {s->b, s->h, s->lq, s->dv};
    int64_t os[4];
    a.q = random_floats(t, count4(qn), 2);
    a.k = random_floats(t, count4(kn), 2);
    a.v = random_floats(t, count4(vn), 1);
    a.out = kv_memory(t, (size_t)count4(on));
    a.logsumexp = kv_memory(MX_FLOAT32, (size_t)(s->b * s->h * s->lq));
    strides_of(a.q_s, qn, s->turned);
    strides_of(a.k_s, kn, s->turned);
    strides_of(a.v_s, vn, s->turned);
    strides_of(os, on, s->turned);
    memcpy(a.out_s, os, sizeof a.out_s);
    if (s->sinks)
        a.sinks = random_floats(t, s->h, 2);
    if (s->mask)
        set_mask(&a, s);
    return a;
}

static void release(mx_attend_args *a) {
    kv_free(a->dtype, (void *)a->q);
    kv_free(a->dtype, (void *)a->k);
    kv_free(a->dtype, (void *)a->v);
    kv_free(a->dtype, a->out);
    kv_free(MX_FLOAT32, a->logsumexp);
    if (a->sinks)
        kv_free(a->dtype, (void *)a->sinks);
    if (a->mask)
        kv_free(a->mask_dtype, (void *)a->mask);
}

/* The largest error of the output and of logsumexp. */
static double error(const mx_attend_args *a) {
    double worst = 0, *row = malloc((size_t)(a->v_dim + 1) * sizeof *row);
    int64_t os[4] = {a->out_s[0], a->out_s[1], a->out_s[2], 1};
    for (int64_t n = 0; n < a->batch * a->heads * a->q_len; n++) {
        int64_t b = n / (a->heads * a->q_len), h = n / a->q_len % a->heads, i = n % a->q_len;
        double lse = expected(a, b, h, i, row), got = (double)a->logsumexp[n];
        double off = fabs(got - lse) / (1 + fabs(lse)) * 0.2;
        worst = off > worst || isnan(off) ? off : worst;
        for (int64_t d = 0; d < a->v_dim; d++) {
            off = fabs(element(a->dtype, a->out, os, b, h, i, d) - row[d]);
            worst = off > worst || isnan(off) ? off : worst;
        }
    }
    free(row);
    return worst;
}

static void attend(mx_dtype t, shape s) {
    mx_attend_args a = arguments(t, &s);
    bool ok = mx_attend(&a);
    double tolerance = t == MX_FLOAT32 ? 2e-6 : t == MX_FLOAT16 ? 6e-4 : 6e-3, worst = error(&a);
    CHECK_MSG(ok && worst <= tolerance,
              "%s %s b %d h %d/%d q %d k %d d %d/%d causal %d sinks %d mask %d: error %g",
              mx_kernels_get()->name, mx_dtype_name(t), (int)s.b, (int)s.h, (int)s.hk, (int)s.lq,
              (int)s.lk, (int)s.d, (int)s.dv, s.causal, s.sinks, s.mask, worst);
    release(&a);
}

static int64_t pick(int64_t most) {
    return (int64_t)kv_below((size_t)most) + 1;
}

static void random_shapes(mx_dtype t) {
    for (int i = 0; i < 24; i++) {
        int64_t hk = pick(3);
        shape s = {pick(2),
                   hk * pick(3),
                   hk,
                   i % 2 ? pick(8) : pick(70),
                   pick(300),
                   pick(70),
                   pick(70),
                   kv_below(2) == 0,
                   kv_below(3) == 0,
                   kv_below(2) == 0,
                   (int)kv_below(MASKS)};
        attend(t, s);
    }
}

static void known_shapes(mx_dtype t) {
    attend(t, (shape){1, 8, 2, 1, 2100, 64, 64, false, false, false, NO_MASK});
    attend(t, (shape){1, 1, 1, 300, 300, 64, 32, true, false, true, NO_MASK});
    attend(t, (shape){1, 2, 1, 7, 3, 8, 8, true, true, false, NO_MASK}); // some see nothing
    attend(t, (shape){1, 2, 1, 40, 20, 8, 8, true, false, false, NO_MASK});
    attend(t, (shape){2, 2, 2, 33, 129, 1, 1, false, true, true, SELECTED});
}

/* ---- threads ---- */

static void threads(mx_dtype t, shape s) {
    mx_attend_args a = arguments(t, &s);
    size_t bytes = (size_t)(s.b * s.h * s.lq * s.dv) * mx_dtype_size(t);
    void *one = malloc(bytes);
    mx_pool_set_threads(1);
    bool same = mx_attend(&a);
    memcpy(one, a.out, bytes);
    mx_pool_set_threads(3);
    same = same && mx_attend(&a) && memcmp(one, a.out, bytes) == 0;
    mx_pool_set_threads(0);
    CHECK(same);
    free(one);
    release(&a);
}

/* ---- edges ---- */

/* An added mask of -inf everywhere: 0 / 0. */
static void nothing_seen(int64_t lq) {
    shape s = {1, 1, 1, lq, 5, 4, 4, false, false, false, ADDED};
    mx_attend_args a = arguments(MX_FLOAT32, &s);
    for (int64_t i = 0; i < 5; i++)
        ((float *)a.mask)[i] = -INFINITY;
    CHECK(mx_attend(&a));
    const float *out = a.out;
    CHECK(isnan(out[0]) && isnan(out[3]));
    CHECK(lq == 1 || !isnan(out[4]));
    release(&a);
}

static void no_keys(void) {
    shape s = {1, 1, 1, 3, 0, 4, 4, false, false, false, NO_MASK};
    mx_attend_args a = arguments(MX_FLOAT32, &s);
    CHECK(mx_attend(&a));
    CHECK(((float *)a.out)[0] == 0.0f && ((float *)a.out)[11] == 0.0f);
    release(&a);
}

static void out_of_memory(void) {
    for (int64_t lq = 1; lq < 50; lq += 40) {
        shape s = {1, 2, 1, lq, 40, 8, 8, false, false, false, NO_MASK};
        mx_attend_args a = arguments(MX_FLOAT32, &s);
        mx_alloc_fail_at(1);
        CHECK(!mx_attend(&a));
        mx_alloc_fail_at(0);
        CHECK_EQ_INT(mx_error_status(), MX_NOMEM);
        mx_error_clear();
        CHECK(mx_attend(&a) && error(&a) < 2e-6);
        release(&a);
    }
}

static void with_these_kernels(void) {
    static const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16};
    for (int i = 0; i < 3; i++) {
        random_shapes(types[i]);
        known_shapes(types[i]);
        threads(types[i], (shape){2, 6, 3, 70, 300, 32, 40, true, true, false, NO_MASK});
        threads(types[i], (shape){1, 8, 2, 1, 1500, 32, 40, false, true, false, ADDED});
    }
    nothing_seen(1);
    nothing_seen(20);
}

int main(void) {
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    const char *best = mx_kernels_get()->name;
    for (int i = 0; i < count; i++) {
        CHECK(mx_kernels_choose(all[i]->name));
        RUN(with_these_kernels);
    }
    mx_kernels_choose(best);
    RUN(no_keys);
    RUN(out_of_memory);
    return check_done();
}
