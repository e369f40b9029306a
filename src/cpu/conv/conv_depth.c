/* See conv_depth.h: a line of output at a time, through the lines of input that its taps meet. The
 * weights' derivative is added up in a fixed number of parts.
 */
#include "cpu/conv/conv_depth.h"

#include <stdatomic.h>
#include <string.h>

#include "base/memory/cache.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "graph/array/read.h"
#include "kernels/conv/k_conv.h"
#include "kernels/kernels.h"
#include "kernels/matmul/k_matmul.h"

bool conv_is_depthwise(const conv *c) {
    const conv_patches *p = &c->patches;
    return p->group == 1 && c->groups > 1 && c->outputs == c->groups &&
           mx_kernels_get()->conv->depthwise[p->dtype];
}

enum { MOST_PARTS = 16 };

typedef struct depth {
    const conv *c;
    mx_k_depthwise *kernel;
    char *out; /* (N, P..., C), the kernel's */
    int64_t nr, panels, taps;
    float *w; /* (panels, taps, nr); of the derivative as often as there are parts */
    int64_t parts, lines, each; /* lines of a part; floats of its sums */
    atomic_bool nomem;
} depth;

static depth describe(const conv *c, mx_k_depthwise *kernel, char *out, int64_t parts) {
    const conv_patches *p = &c->patches;
    int64_t lines = conv_lines(c);
    depth d = {.c = c, .kernel = kernel, .out = out, .nr = mx_kernels_get()->matmul->f32->nr};
    d.panels = (p->channels + d.nr - 1) / d.nr;
    d.taps = conv_taps(p);
    d.each = d.panels * d.taps * d.nr;
    d.lines = (lines + parts - 1) / parts;
    d.parts = (lines + d.lines - 1) / d.lines;
    return d;
}

static size_t bytes_of(const depth *d) {
    return (size_t)(d->parts * d->each) * sizeof(float);
}

static bool had_memory(const depth *d) {
    return !atomic_load(&d->nomem) || mx_fail_nomem("conv", bytes_of(d));
}

/* --- lines ---------------------------------------------------------------------------- */

/* The lines of input under line `line` of the output: where each begins, and its first tap. */
static int64_t find_lines(const conv *c, int64_t line, const void **in, ptrdiff_t *at) {
    const conv_patches *p = &c->patches;
    const conv_axis *a = p->axis;
    int64_t p1 = line % a[1].count * a[1].stride, p0 = line / a[1].count % a[0].count * a[0].stride,
            image = line / a[1].count / a[0].count, n = 0;
    for (int64_t i = 0; i < a[0].taps * a[1].taps; i++) {
        int64_t q0 = p0 + a[0].offset[i / a[1].taps], q1 = p1 + a[1].offset[i % a[1].taps];
        if (q0 < 0 || q0 >= a[0].in || q1 < 0 || q1 >= a[1].in)
            continue;
        int64_t pixel = ((image * a[0].in + q0) * a[1].in + q1) * a[2].in;
        in[n] = p->x + (size_t)(pixel * p->channels) * p->size;
        at[n++] = i * a[2].taps;
    }
    return n;
}

static void run_line(const depth *d, int64_t line, float *w, const void **in, ptrdiff_t *at) {
    const conv_patches *p = &d->c->patches;
    const conv_axis *a = &p->axis[2];
    int64_t pixel = conv_out_pixel(d->c, line);
    mx_k_depthwise_args k = {.out = d->out + (size_t)(pixel * p->channels) * p->size,
                             .in = in,
                             .w = w,
                             .at = at,
                             .lines = find_lines(d->c, line, in, at),
                             .taps = a->taps,
                             .all = d->taps,
                             .pixels = a->count,
                             .channels = p->channels,
                             .width = a->in,
                             .stride = a->stride,
                             .first = a->offset[0],
                             .spread = a->taps > 1 ? a->offset[1] - a->offset[0] : 1,
                             .out_step = a->step * p->channels};
    d->kernel(&k);
}

static void run_lines(depth *d, float *w, int64_t begin, int64_t end) {
    const conv_axis *a = d->c->patches.axis;
    size_t n = (size_t)(a[0].taps * a[1].taps);
    char *memory = mx_scratch(0, n * (sizeof(void *) + sizeof(ptrdiff_t)));
    if (!memory)
        atomic_store(&d->nomem, true);
    for (int64_t line = begin; memory && line < end; line++)
        run_line(d, line, w, (const void **)(void *)memory,
                 (ptrdiff_t *)(void *)(memory + n * sizeof(void *)));
}

/* --- results -------------------------------------------------------------------------- */

/* Channels of a panel under all taps, at once where taps lie in order. */
static void pack_panel(const depth *d, int64_t panel) {
    const conv *c = d->c;
    int64_t first = panel * d->nr, left = c->patches.channels - first,
            n = left < d->nr ? left : d->nr, together = conv_all_taps_in_order(c) ? d->taps : 1;
    for (int64_t tap = 0; tap < d->taps; tap += together)
        mx_kernels_get()->matmul->f32->pack[c->patches.dtype](
            d->w + (panel * d->taps + tap) * d->nr, (int)d->nr, conv_weight_at(c, first, tap),
            c->w.output, c->w.tap, (int)n, together);
}

static void pack_body(void *ctx, int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; panel++)
        pack_panel(ctx, panel);
}

static void lines_body(void *ctx, int64_t begin, int64_t end) {
    depth *d = ctx;
    run_lines(d, d->w, begin, end);
}

/* Packed weights of few positions stay. */
bool conv_depthwise(const conv *c) {
    mx_k_depthwise *const *kernel = &mx_kernels_get()->conv->depthwise[c->patches.dtype];
    depth d = describe(c, *kernel, c->out, 1);
    mx_form_use w;
    if (!conv_form_open(c, conv_rows(&c->patches), kernel, bytes_of(&d), true, &w))
        return false;
    d.w = w.data;
    if (!w.ready)
        mx_parallel_for(d.panels, 1 + 16384 / (d.nr * d.taps), pack_body, &d);
    mx_parallel_for(conv_lines(c), conv_line_grain(c, d.taps), lines_body, &d);
    mx_form_close(&w, true);
    return had_memory(&d);
}

/* --- towards the weight --------------------------------------------------------------- */

static void parts_body(void *ctx, int64_t begin, int64_t end) {
    depth *d = ctx;
    int64_t all = conv_lines(d->c);
    for (int64_t part = begin; part < end; part++) {
        int64_t first = part * d->lines, last = first + d->lines;
        float *w = d->w + part * d->each;
        memset(w, 0, (size_t)d->each * sizeof *w);
        run_lines(d, w, first, last < all ? last : all);
    }
}

typedef struct merge_job {
    const depth *d;
    char *out; /* (C, K..., 1) */
} merge_job;

enum { MOST_NR = 64 };

/* The parts of one tap of a panel in their order. */
static void merge(const merge_job *j, int64_t panel, int64_t tap) {
    const depth *d = j->d;
    const conv_patches *p = &d->c->patches;
    int64_t kernel = p->axis[0].kernel * p->axis[1].kernel * p->axis[2].kernel,
            first = panel * d->nr, left = p->channels - first, place = conv_tap_place(d->c, tap);
    double sum[MOST_NR] = {0};
    for (int64_t part = 0; part < d->parts; part++)
        for (int64_t i = 0; i < d->nr; i++)
            sum[i] += (double)d->w[part * d->each + (panel * d->taps + tap) * d->nr + i];
    for (int64_t i = 0; i < d->nr && i < left; i++)
        mx_write_double(j->out + ((first + i) * kernel + place) * (int64_t)p->size, p->dtype,
                        sum[i]);
}

static void merge_body(void *ctx, int64_t begin, int64_t end) {
    const merge_job *j = ctx;
    for (int64_t i = begin; i < end; i++)
        merge(j, i / j->d->taps, i % j->d->taps);
}

bool conv_weight_depthwise(const conv *c, const char *g, char *out) {
    mx_k_depthwise *kernel = mx_kernels_get()->conv->depthwise_weight[c->patches.dtype];
    depth d = describe(c, kernel, (char *)g, MOST_PARTS);
    d.w = mx_block_alloc(bytes_of(&d));
    if (!d.w)
        return false;
    int64_t grain = conv_line_grain(c, d.taps) / d.lines + 1;
    mx_parallel_for(d.parts, grain, parts_body, &d);
    if (!atomic_load(&d.nomem))
        mx_parallel_for(d.panels * d.taps, 1 + 65536 / (d.nr * d.parts), merge_body,
                        &(merge_job){&d, out});
    mx_block_free(d.w, bytes_of(&d));
    return had_memory(&d);
}
