/* Convolution: x (N, I..., C), weight (O, K..., C / groups) -> (N, P..., O).
 *
 *     input dilation ── one phase at a time: output positions equal modulo the dilation
 *     │                 see undilated input through the same taps
 *     ├ one weight a channel ── its own kernel over runs of pixels (k_conv.h)
 *     ├ a kernel of size 1 ──── a product of the input as it lies
 *     ├ few outputs a group ─── lines of positions in vectors (conv_slide.h)
 *     ├ float32, 3x3 ────────── products of transformed squares (conv_winograd.h)
 *     ├ float32, few channels ─ register tiles that read a padded copy (conv_few.h)
 *     ├ float32 ─────────────── register tiles that read the input where it lies (conv_direct.c),
 *     │                         or, where positions are few, the weights (conv_turned.h)
 *     ├ other floats ────────── a product whose left operand is packed from patches (conv_packer.h)
 *     └ complex64 ───────────── plain loops
 */
#include <string.h>

#include "base/memory/cache.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "cpu/conv/conv_depth.h"
#include "cpu/conv/conv_direct.h"
#include "cpu/conv/conv_few.h"
#include "cpu/conv/conv_slide.h"
#include "cpu/conv/conv_winograd.h"
#include "cpu/cpu.h"
#include "cpu/memory/dense.h"

/* --- by products ------------------------------------------------------------------ */

static bool multiply(const conv *c, void *out) {
    const conv_patches *p = &c->patches;
    int64_t k = conv_taps(p) * p->group, og = c->outputs / c->groups;
    mx_packer packer = conv_packer(p);
    bool pointwise = conv_is_pointwise(c);
    mx_matrix strided = {conv_weight_at(c, 0, 0), c->w.channel, c->w.output},
              dense = {c->phase_w, 1, k};
    mx_gemm_args g = {
        .dtype = p->dtype,
        .m = conv_rows(p),
        .n = og,
        .k = k,
        .a = {p->x, p->channels, 1},
        .b = pointwise ? strided : dense,
        .out = out,
        .out_rs = c->outputs,
        .b_forms = c->own_w ? NULL : c->w.forms,
        .alpha = 1,
        .batch_ndim = c->groups > 1,
        .batch_shape = &c->groups,
        .a_bs = &p->group,
        .b_bs = (int64_t[]){og * (pointwise ? c->w.output : k)},
        .cin_bs = (int64_t[]){0},
        .out_bs = &og,
        .pack_a = pointwise ? NULL : &packer,
    };
    return mx_gemm(&g);
}

/* The results of a phase (zeros where it has none) to their places. */
typedef struct spread_job {
    const conv *c;
    const char *from;
} spread_job;

static void spread_body(void *ctx, int64_t begin, int64_t end) {
    const spread_job *j = ctx;
    const conv_axis *a = &j->c->patches.axis[2];
    size_t bytes = (size_t)j->c->outputs * j->c->patches.size;
    for (int64_t line = begin; line < end; line++) {
        char *out = j->c->out + (size_t)conv_out_pixel(j->c, line) * bytes;
        const char *from = j->from ? j->from + (size_t)(line * a->count) * bytes : NULL;
        for (int64_t i = 0; i < a->count; i++, out += (size_t)a->step * bytes)
            if (from)
                memcpy(out, from + (size_t)i * bytes, bytes);
            else
                memset(out, 0, bytes);
    }
}

static void spread(const conv *c, const char *from) {
    spread_job j = {c, from};
    mx_parallel_for(conv_lines(c), conv_line_grain(c, 0), spread_body, &j);
}

/* The phase's results (rows, O), contiguous. */
static bool compute(conv *c, void *out) {
    if (conv_can_slide(c))
        return conv_slide(c, out);
    if (conv_can_winograd(c))
        return conv_winograd(c, out);
    if (conv_can_few(c))
        return conv_few(c, out);
    if (conv_can_direct(c))
        return conv_direct(c, out);
    return (conv_is_pointwise(c) || conv_select_weights(c)) && multiply(c, out);
}

static bool run_product(conv *c) {
    const conv_patches *p = &c->patches;
    if (conv_is_whole(c))
        return compute(c, c->out);
    size_t bytes = (size_t)(conv_rows(p) * c->outputs) * p->size;
    void *sums = mx_block_alloc(bytes);
    bool ok = sums && compute(c, sums);
    if (ok)
        spread(c, sums);
    if (sums)
        mx_block_free(sums, bytes);
    return ok;
}

/* --- complex64: plain loops ------------------------------------------------------- */

typedef struct sum {
    double re, im;
} sum;

static void add_products(sum *s, const mx_complex64 *x, const mx_complex64 *w, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        s->re += (double)x[i].re * w[i].re - (double)x[i].im * w[i].im;
        s->im += (double)x[i].re * w[i].im + (double)x[i].im * w[i].re;
    }
}

/* Output o at position (row of the phase), one tap after another. */
static mx_complex64 plain_element(const conv *c, const int64_t *at, int64_t image, int64_t o) {
    const conv_patches *p = &c->patches;
    const conv_axis *a = p->axis;
    const mx_complex64 *x = (const mx_complex64 *)(const void *)p->x,
                       *w = (const mx_complex64 *)(const void *)c->phase_w;
    int64_t n = conv_taps(p), channel = o / (c->outputs / c->groups) * p->group;
    sum s = {0, 0};
    for (int64_t t = 0; t < n; t++) {
        int64_t q0 = at[0] * a[0].stride + a[0].offset[t / a[2].taps / a[1].taps],
                q1 = at[1] * a[1].stride + a[1].offset[t / a[2].taps % a[1].taps],
                q2 = at[2] * a[2].stride + a[2].offset[t % a[2].taps];
        if (q0 < 0 || q0 >= a[0].in || q1 < 0 || q1 >= a[1].in || q2 < 0 || q2 >= a[2].in)
            continue;
        int64_t pixel = ((image * a[0].in + q0) * a[1].in + q1) * a[2].in + q2;
        add_products(&s, x + pixel * p->channels + channel, w + (o * n + t) * p->group, p->group);
    }
    return (mx_complex64){(float)s.re, (float)s.im};
}

static void plain_body(void *ctx, int64_t begin, int64_t end) {
    const conv *c = ctx;
    const conv_axis *a = c->patches.axis;
    for (int64_t line = begin; line < end; line++) {
        mx_complex64 *out = (mx_complex64 *)(void *)c->out + conv_out_pixel(c, line) * c->outputs;
        int64_t image = line / a[1].count / a[0].count;
        int64_t at[3] = {line / a[1].count % a[0].count, line % a[1].count, 0};
        for (; at[2] < a[2].count; at[2]++, out += a[2].step * c->outputs)
            for (int64_t o = 0; o < c->outputs; o++)
                out[o] = plain_element(c, at, image, o);
    }
}

static bool run_plain(conv *c) {
    int64_t work = conv_taps(&c->patches) * c->patches.group;
    if (!conv_select_weights(c))
        return false;
    mx_parallel_for(conv_lines(c), conv_line_grain(c, work), plain_body, c);
    return true;
}

/* --- the family's function -------------------------------------------------------- */

static bool run_phase(conv *c, void *ctx) {
    (void)ctx;
    if (conv_rows(&c->patches) == 0)
        return true;
    if (conv_taps(&c->patches) * c->patches.group == 0)
        return spread(c, NULL), true;
    if (c->patches.dtype == MX_COMPLEX64)
        return run_plain(c);
    return conv_is_depthwise(c) && !conv_can_slide(c) ? conv_depthwise(c) : run_product(c);
}

bool cpu_conv(mx_node *n, mx_array **out, const mx_program *feed) {
    cpu_dense x = {0}, w = {0};
    conv c;
    (void)feed;
    if (!mx_array_alloc(out[0]))
        return false;
    if (out[0]->size == 0)
        return true;
    bool ok = conv_open(&c, n->params, n->in[0], n->in[1]->shape, out[0]) &&
              cpu_dense_open(&x, n->in[0]) && conv_open_weights(&c, n->in[1], &w);
    c.patches.x = x.data;
    c.out = out[0]->data;
    ok = ok && conv_each_phase(&c, run_phase, NULL);
    conv_close(&c);
    cpu_dense_close(&x);
    cpu_dense_close(&w);
    return ok;
}
