/* See conv_direct.h. The result is tiles of outputs by channels of one tap. Both operands have what
 * a tile needs side by side, position after position: a tile walks along the lines of the last
 * axis. Some lines at a time, which stay in cache, are taken through all tiles of a task.
 */
#include <string.h>

#include "base/threads/pool.h"
#include "cpu/conv/conv_direct.h"
#include "kernels/conv/k_conv.h"
#include "kernels/kernels.h"

#ifdef MX_TORTURE
enum { POSITIONS = 8 };
#else
enum { POSITIONS = 256 }; /* of a block of lines */
#endif
enum { MOST_LINES = 16 };

typedef struct job {
    const conv *c;
    const float *g;
    float *out;
    int mr, nr;
    int64_t og, taps;     /* outputs of a group; taps */
    int64_t across, down; /* tiles of a tap's channels, of a group's outputs */
    int64_t lines;        /* of a block */
} job;

/* One tile. */
typedef struct tile {
    int64_t group, tap, channel, output;
} tile;

/* The runs of a block of lines under one tap. */
typedef struct runs {
    int64_t n;
    const float *a[MOST_LINES], *b[MOST_LINES];
    ptrdiff_t len[MOST_LINES];
} runs;

bool conv_weight_can_direct(const conv *c) {
    const conv_patches *p = &c->patches;
    const mx_k_gemm *f = mx_gemm_format(MX_FLOAT32);
    return p->dtype == MX_FLOAT32 && c->outputs / c->groups % f->mr == 0 && 2 * p->group >= f->nr;
}

static tile tile_of(const job *j, int64_t i) {
    tile t = {.output = i % j->down * j->mr};
    i /= j->down;
    t.channel = i % j->across * j->nr;
    i /= j->across;
    t.tap = i % j->taps;
    t.group = i / j->taps;
    return t;
}

/* The positions of a line that see tap t2 inside the input: first, and behind the last. */
static void find_seen(const conv_axis *a, int64_t t2, int64_t *from, int64_t *to) {
    int64_t low = a->offset[t2];
    *from = low < 0 ? (-low + a->stride - 1) / a->stride : 0;
    *to = low < a->in ? (a->in - 1 - low) / a->stride + 1 : 0;
    *to = *to < a->count ? *to : a->count;
}

static void add_line(const job *j, int64_t line, const int64_t *tap, runs *r) {
    const conv_patches *p = &j->c->patches;
    const conv_axis *a = p->axis;
    int64_t q1 = line % a[1].count * a[1].stride + a[1].offset[tap[1]],
            q0 = line / a[1].count % a[0].count * a[0].stride + a[0].offset[tap[0]],
            image = line / a[1].count / a[0].count, from, to;
    find_seen(&a[2], tap[2], &from, &to);
    if (q0 < 0 || q0 >= a[0].in || q1 < 0 || q1 >= a[1].in || from >= to)
        return;
    int64_t q2 = from * a[2].stride + a[2].offset[tap[2]];
    r->a[r->n] = j->g + (line * a[2].count + from) * j->c->outputs;
    r->b[r->n] = (const float *)(const void *)p->x +
                 (((image * a[0].in + q0) * a[1].in + q1) * a[2].in + q2) * p->channels;
    r->len[r->n++] = to - from;
}

static void find_runs(const job *j, int64_t first, int64_t t, runs *r) {
    const conv_axis *a = j->c->patches.axis;
    int64_t tap[3] = {t / a[2].taps / a[1].taps, t / a[2].taps % a[1].taps, t % a[2].taps};
    int64_t all = conv_lines(j->c), end = first + j->lines < all ? first + j->lines : all;
    r->n = 0;
    for (int64_t line = first; line < end; line++)
        add_line(j, line, tap, r);
}

static void run_tile(const job *j, const tile *t, const runs *r) {
    const conv_patches *p = &j->c->patches;
    int64_t left = p->group - t->channel, output = t->group * j->og + t->output,
            ldc = j->taps * p->group;
    mx_kernels_get()->conv->outer(&(mx_k_conv_outer_args){.n = (int)(left < j->nr ? left : j->nr),
                                                          .runs = r->n,
                                                          .a = r->a,
                                                          .b = r->b,
                                                          .len = r->len,
                                                          .a_at = output,
                                                          .b_at = t->group * p->group + t->channel,
                                                          .a_step = j->c->outputs,
                                                          .b_step = p->axis[2].stride * p->channels,
                                                          .c = j->out + output * ldc +
                                                               t->tap * p->group + t->channel,
                                                          .ldc = ldc});
}

static void tiles_body(void *ctx, int64_t begin, int64_t end) {
    const job *j = ctx;
    runs r;
    for (int64_t line = 0; line < conv_lines(j->c); line += j->lines)
        for (int64_t i = begin, tap = -1; i < end; i++) {
            tile t = tile_of(j, i);
            if (t.tap != tap)
                find_runs(j, line, t.tap, &r);
            tap = t.tap;
            run_tile(j, &t, &r);
        }
}

void conv_weight_direct(const conv *c, const float *g, float *out) {
    const conv_patches *p = &c->patches;
    const mx_k_gemm *f = mx_gemm_format(MX_FLOAT32);
    job j = {.c = c, .g = g, .out = out, .mr = f->mr, .nr = f->nr, .taps = conv_taps(p)};
    j.og = c->outputs / c->groups;
    j.across = (p->group + f->nr - 1) / f->nr;
    j.down = j.og / f->mr;
    j.lines = POSITIONS / p->axis[2].count;
    j.lines = j.lines < 1 ? 1 : j.lines > MOST_LINES ? MOST_LINES : j.lines;
    memset(out, 0, (size_t)(c->outputs * j.taps * p->group) * sizeof *out);
    int64_t tiles = c->groups * j.taps * j.across * j.down, threads = mx_pool_threads();
    int64_t least = 1 + 262144 / (conv_rows(p) * f->mr * f->nr);
    // a task has many tiles, so that lines are read from memory once a task
    int64_t each = (tiles + threads - 1) / threads;
    mx_parallel_for(tiles, each > least ? each : least, tiles_body, &j);
}
