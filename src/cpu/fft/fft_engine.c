/* A job: its other axes become lines; lines become blocks, or are done one by one when they are
 * long. */
#include "cpu/fft/fft_engine.h"

#include <stdatomic.h>

#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/fft/fft_internal.h"

#define MAX_AXES 64

/* The axes other than the transformed one, joined where possible; `lane` fills blocks. */
typedef struct lines {
    const mx_fft_job *job;
    mx_fft_block block;
    int ndim, lane;
    int64_t shape[MAX_AXES], xs[MAX_AXES], ys[MAX_AXES];
    int64_t outer; /* lines over all axes but the lane */
    int64_t per;   /* blocks along the lane */
    atomic_bool failed;
} lines;

static size_t x_item(mx_fft_kind k) {
    return k == MX_FFT_TO_HALF ? 4 : 8;
}
static size_t y_item(mx_fft_kind k) {
    return k == MX_FFT_FROM_HALF ? 4 : 8;
}

static void join_axes(lines *l) {
    const mx_fft_job *j = l->job;
    int d = 0;
    for (int i = 0; i < j->ndim; i++) {
        int64_t n = j->shape[i], xs = j->x_strides[i], ys = j->y_strides[i];
        if (n == 1)
            continue;
        if (d && l->xs[d - 1] == n * xs && l->ys[d - 1] == n * ys) {
            l->shape[d - 1] *= n;
            l->xs[d - 1] = xs;
            l->ys[d - 1] = ys;
            continue;
        }
        l->shape[d] = n;
        l->xs[d] = xs;
        l->ys[d++] = ys;
    }
    if (d == 0) {
        l->shape[0] = 1;
        l->xs[0] = l->ys[0] = 0;
        d = 1;
    }
    l->ndim = d;
}

/* The axis with neighbours next to each other, else the longest. */
static void choose_lane(lines *l) {
    l->lane = 0;
    l->outer = 1;
    for (int i = 1; i < l->ndim; i++)
        if (l->shape[i] > l->shape[l->lane])
            l->lane = i;
    for (int i = 0; i < l->ndim; i++)
        if (l->xs[i] == 1 && l->shape[i] >= MX_FFT_LANES)
            l->lane = i;
    for (int i = 0; i < l->ndim; i++)
        l->outer *= i == l->lane ? 1 : l->shape[i];
    int64_t most = mx_fft_lanes(l->job->kind);
    l->per = (l->shape[l->lane] + most - 1) / most;
}

/* Where outer line i starts; with the lane axis as the last digit when `all`. */
static void locate(const lines *l, int64_t i, bool all, const char **x, char **y) {
    int64_t xo = 0, yo = 0;
    for (int d = l->ndim - 1; d >= 0; d--) {
        if (d == l->lane && !all)
            continue;
        int64_t at = i % l->shape[d];
        i /= l->shape[d];
        xo += at * l->xs[d];
        yo += at * l->ys[d];
    }
    *x = (const char *)l->job->x + xo * (int64_t)x_item(l->job->kind);
    *y = (char *)l->job->y + yo * (int64_t)y_item(l->job->kind);
}

static void blocks_body(void *ctx, int64_t begin, int64_t end) {
    lines *l = ctx;
    int64_t most = mx_fft_lanes(l->job->kind);
    for (int64_t i = begin; i < end; i++) {
        mx_fft_block b = l->block;
        const char *x;
        char *y;
        locate(l, i / l->per, false, &x, &y);
        b.x = x;
        b.y = y;
        int64_t first = i % l->per * most, m = l->shape[l->lane] - first;
        if (!mx_fft_block_run(&b, first, m < most ? m : most))
            atomic_store(&l->failed, true);
    }
}

static bool run_blocks(lines *l, const mx_fft_plan *p) {
    const mx_fft_job *j = l->job;
    l->block = (mx_fft_block){
        .plan = p,
        .kind = j->kind,
        .inverse = j->inverse || j->kind == MX_FFT_FROM_HALF,
        .scale = (float)j->scale,
        .in = {j->x_stride, l->xs[l->lane]},
        .out = {j->y_stride, l->ys[l->lane]},
        .x_count = (size_t)j->x_count,
    };
    int64_t grain = 16384 / (j->n * MX_FFT_LANES) + 1;
    mx_parallel_for(l->outer * l->per, grain, blocks_body, l);
    if (atomic_load(&l->failed))
        mx_fail_nomem("fft", (unsigned long long)j->n * MX_FFT_LANES * 16);
    return !atomic_load(&l->failed);
}

static bool run_lines(const lines *l, const mx_fft_plan *p) {
    int64_t count = l->outer * l->shape[l->lane];
    for (int64_t i = 0; i < count; i++) {
        const char *x;
        char *y;
        locate(l, i, true, &x, &y);
        if (!mx_fft_line_run(p, l->job, x, y))
            return false;
    }
    return true;
}

/* Long lines, and middling ones that are too few to fill blocks, are done one by one. */
static bool whole_lines(const lines *l) {
    int64_t n = l->job->n;
    return n <= MX_FFT_BLOCK && (n < 512 || l->shape[l->lane] >= MX_FFT_LANES / 2);
}

bool mx_fft_run(const mx_fft_job *job) {
    lines l = {.job = job};
    for (int i = 0; i < job->ndim; i++)
        if (job->shape[i] == 0)
            return true;
    join_axes(&l);
    choose_lane(&l);
    mx_fft_plan *p = mx_fft_plan_get((size_t)job->n, whole_lines(&l));
    if (!p)
        return false;
    bool in_blocks =
        p->way == MX_FFT_DIRECT || (p->way == MX_FFT_CHIRP && p->inner->way == MX_FFT_DIRECT);
    bool ok = in_blocks ? run_blocks(&l, p) : run_lines(&l, p);
    mx_fft_plan_put(p);
    return ok;
}
