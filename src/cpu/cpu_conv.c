/* Convolution: x (N, I..., C), weight (O, K..., C / groups) -> (N, P..., O).
 *
 *     input dilation ── one phase at a time: output positions equal modulo the dilation
 *     │                 see undilated input through the same taps
 *     ├ one weight a channel ── its own kernel over runs of pixels (k_conv.h)
 *     ├ a kernel of size 1 ──── a product of the input as it lies
 *     ├ floats ──────────────── a product whose left operand is packed from patches (conv_packer.h)
 *     └ complex64 ───────────── plain loops
 */
#include <stdatomic.h>
#include <string.h>

#include "base/cache.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/status.h"
#include "cpu/conv_packer.h"
#include "cpu/cpu.h"
#include "cpu/dense.h"
#include "graph/params.h"
#include "graph/read.h"
#include "kernels/k_conv.h"
#include "kernels/kernels.h"

/* One convolution; `patches` holds the phase at hand. */
typedef struct conv {
    const mx_p_conv *params;
    int nd;
    conv_patches patches;
    const char *w; /* (O, K..., Cg) */
    char *out;     /* (N, P..., O) */
    int64_t groups, outputs;
    const char *phase_w; /* (O, taps..., Cg) of this phase: w, or memory of its own */
    void *own_w;
    size_t own_bytes;
} conv;

/* --- phases ----------------------------------------------------------------------- */

static int64_t common_divisor(int64_t a, int64_t b) {
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* Entry i (of three, the missing ones in front) of a list of parameters. */
static int64_t entry(const conv *c, const mx_ints *list, int i, int64_t missing) {
    int at = i - (3 - c->nd);
    return at < 0 ? missing : list->v[at];
}

static int64_t phases_of(const conv *c, int i) {
    int64_t d = entry(c, &c->params->input_dilation, i, 1), s = entry(c, &c->params->stride, i, 1);
    return d / common_divisor(d, s);
}

/* The positions first, first + step, ... and the taps that meet input there. */
static void set_axis(conv *c, int i, int64_t first) {
    conv_axis *a = &c->patches.axis[i];
    int64_t d = entry(c, &c->params->input_dilation, i, 1), s = entry(c, &c->params->stride, i, 1);
    int64_t spread = entry(c, &c->params->kernel_dilation, i, 1);
    int64_t start = first * s - entry(c, &c->params->pad_low, i, 0);
    a->first = first;
    a->step = phases_of(c, i);
    a->count = first < a->out ? (a->out - first + a->step - 1) / a->step : 0;
    a->stride = a->step * s / d;
    a->taps = 0;
    for (int64_t t = 0; t < a->kernel; t++)
        if ((start + t * spread) % d == 0) {
            a->offset[a->taps] = (start + t * spread) / d;
            a->tap[a->taps++] = c->params->flip ? a->kernel - 1 - t : t;
        }
}

static bool consecutive(const int64_t *v, int64_t n) {
    for (int64_t i = 1; i < n; i++)
        if (v[i] != v[0] + i)
            return false;
    return true;
}

static bool all_taps_in_order(const conv *c) {
    for (int i = 0; i < 3; i++) {
        const conv_axis *a = &c->patches.axis[i];
        if (a->taps != a->kernel || !consecutive(a->tap, a->taps))
            return false;
    }
    return true;
}

/* The weights of the phase's taps, for every output. */
static void select_weights(const conv *c, char *dst) {
    const conv_axis *a = c->patches.axis;
    size_t bytes = (size_t)c->patches.group * c->patches.size;
    for (int64_t o = 0; o < c->outputs; o++)
        for (int64_t t = 0; t < conv_taps(&c->patches); t++, dst += bytes) {
            int64_t t2 = t % a[2].taps, t1 = t / a[2].taps % a[1].taps,
                    t0 = t / a[2].taps / a[1].taps;
            int64_t at = (o * a[0].kernel + a[0].tap[t0]) * a[1].kernel + a[1].tap[t1];
            at = at * a[2].kernel + a[2].tap[t2];
            memcpy(dst, c->w + at * (int64_t)bytes, bytes);
        }
}

static void drop_weights(conv *c) {
    if (c->own_w)
        mx_block_free(c->own_w, c->own_bytes);
    c->own_w = NULL;
}

static bool set_phase(conv *c, const int64_t *first) {
    for (int i = 0; i < 3; i++)
        set_axis(c, i, first[i]);
    c->patches.runs = c->patches.group == c->patches.channels &&
                      consecutive(c->patches.axis[2].offset, c->patches.axis[2].taps);
    c->phase_w = c->w;
    drop_weights(c);
    if (conv_taps(&c->patches) == 0 || all_taps_in_order(c))
        return true;
    c->own_bytes =
        (size_t)(c->outputs * conv_taps(&c->patches) * c->patches.group) * c->patches.size;
    c->own_w = mx_block_alloc(c->own_bytes);
    if (c->own_w)
        select_weights(c, c->own_w);
    c->phase_w = c->own_w;
    return c->own_w != NULL;
}

/* Is the phase the whole result, in order? */
static bool is_whole(const conv *c) {
    return c->patches.axis[0].step * c->patches.axis[1].step * c->patches.axis[2].step == 1;
}

/* The first output pixel, in pixels, of line `line` (image, position 0, position 1) of the
   phase. */
static int64_t out_pixel(const conv *c, int64_t line) {
    const conv_axis *a = c->patches.axis;
    int64_t p1 = line % a[1].count, p0 = line / a[1].count % a[0].count,
            image = line / a[1].count / a[0].count;
    int64_t at = image * a[0].out + a[0].first + p0 * a[0].step;
    return (at * a[1].out + a[1].first + p1 * a[1].step) * a[2].out + a[2].first;
}

static int64_t phase_lines(const conv *c) {
    return c->patches.batch * c->patches.axis[0].count * c->patches.axis[1].count;
}

static int64_t line_grain(const conv *c, int64_t work) {
    int64_t each = c->patches.axis[2].count * c->outputs * (work + 1);
    return 1 + 32768 / (each + 1);
}

/* --- by products ------------------------------------------------------------------ */

static bool is_pointwise(const conv *c) {
    for (int i = 0; i < 3; i++) {
        const conv_axis *a = &c->patches.axis[i];
        if (a->taps != 1 || a->offset[0] != 0 || a->stride != 1 || a->count != a->in)
            return false;
    }
    return true;
}

static bool multiply(const conv *c, void *out) {
    const conv_patches *p = &c->patches;
    int64_t k = conv_taps(p) * p->group, og = c->outputs / c->groups;
    mx_packer packer = conv_packer(p);
    mx_gemm_args g = {
        .dtype = p->dtype,
        .m = conv_rows(p),
        .n = og,
        .k = k,
        .a = {p->x, p->channels, 1},
        .b = {c->phase_w, 1, k},
        .out = out,
        .out_rs = c->outputs,
        .alpha = 1,
        .batch_ndim = c->groups > 1,
        .batch_shape = &c->groups,
        .a_bs = &p->group,
        .b_bs = (int64_t[]){og * k},
        .cin_bs = (int64_t[]){0},
        .out_bs = &og,
        .pack_a = is_pointwise(c) ? NULL : &packer,
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
        char *out = j->c->out + (size_t)out_pixel(j->c, line) * bytes;
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
    mx_parallel_for(phase_lines(c), line_grain(c, 0), spread_body, &j);
}

static bool run_product(const conv *c) {
    const conv_patches *p = &c->patches;
    if (is_whole(c))
        return multiply(c, c->out);
    size_t bytes = (size_t)(conv_rows(p) * c->outputs) * p->size;
    void *sums = mx_block_alloc(bytes);
    bool ok = sums && multiply(c, sums);
    if (ok)
        spread(c, sums);
    if (sums)
        mx_block_free(sums, bytes);
    return ok;
}

/* --- depthwise -------------------------------------------------------------------- */

typedef struct depth {
    const conv *c;
    mx_k_depthwise *kernel;
    const float *w;      /* (taps, C) */
    int64_t left, right; /* positions of a line whose taps all meet input */
    atomic_bool nomem;
} depth;

/* The taps that meet input from position p2 of a line; `all`: those of a position within. */
typedef struct taps {
    const float **w;
    ptrdiff_t *at;
    int64_t n;
} taps;

static void find_taps(const depth *d, int64_t line, int64_t p2, taps *t) {
    const conv_axis *a = d->c->patches.axis;
    int64_t p1 = line % a[1].count, p0 = line / a[1].count % a[0].count,
            image = line / a[1].count / a[0].count, channels = d->c->patches.channels;
    t->n = 0;
    for (int64_t i = 0; i < conv_taps(&d->c->patches); i++) {
        int64_t t2 = i % a[2].taps, t1 = i / a[2].taps % a[1].taps, t0 = i / a[2].taps / a[1].taps;
        int64_t q0 = p0 * a[0].stride + a[0].offset[t0], q1 = p1 * a[1].stride + a[1].offset[t1],
                q2 = p2 * a[2].stride + a[2].offset[t2];
        if (q0 < 0 || q0 >= a[0].in || q1 < 0 || q1 >= a[1].in || q2 < 0 || q2 >= a[2].in)
            continue;
        t->w[t->n] = d->w + i * channels;
        t->at[t->n++] =
            ((image * a[0].in + q0) * a[1].in + q1) * a[2].in * channels + q2 * channels;
    }
}

/* Positions p .. p+count of a line, which meet the same taps. */
static void run_pixels(const depth *d, int64_t line, int64_t p, int64_t count, taps *t) {
    const conv_patches *c = &d->c->patches;
    const conv_axis *a = &c->axis[2];
    find_taps(d, line, p, t);
    int64_t pixel = out_pixel(d->c, line) + p * a->step;
    d->kernel(&(mx_k_depthwise_args){.out = d->c->out + pixel * c->channels * (int64_t)c->size,
                                     .in = c->x,
                                     .w = t->w,
                                     .at = t->at,
                                     .taps = t->n,
                                     .pixels = count,
                                     .channels = c->channels,
                                     .step = a->stride * c->channels,
                                     .out_step = a->step * c->channels});
}

static void depth_body(void *ctx, int64_t begin, int64_t end) {
    depth *d = ctx;
    size_t n = (size_t)conv_taps(&d->c->patches);
    int64_t count = d->c->patches.axis[2].count;
    char *memory = mx_scratch(0, n * (sizeof(float *) + sizeof(ptrdiff_t)) + 64);
    if (!memory) {
        atomic_store(&d->nomem, true);
        return;
    }
    taps t = {(const float **)(void *)memory, (ptrdiff_t *)(void *)(memory + n * sizeof(float *)),
              0};
    for (int64_t line = begin; line < end; line++)
        for (int64_t p = 0; p < count;) {
            int64_t many = p == d->left && d->right > p ? d->right - p : 1;
            run_pixels(d, line, p, many, &t);
            p += many;
        }
}

static void find_middle(depth *d) {
    const conv_axis *a = &d->c->patches.axis[2];
    int64_t low = a->offset[0], high = a->offset[a->taps - 1];
    d->left = d->right = a->count;
    for (int64_t p = a->count - 1; p >= 0; p--) {
        int64_t q = p * a->stride;
        if (q + low >= 0 && q + high < a->in)
            d->left = p;
        else if (d->left == a->count)
            d->right = p;
    }
}

/* Weights as float32, channels adjacent. */
static void turn_weights(const conv *c, float *w) {
    int64_t n = conv_taps(&c->patches), channels = c->patches.channels;
    for (int64_t t = 0; t < n; t++)
        for (int64_t i = 0; i < channels; i++)
            w[t * channels + i] = (float)mx_read_double(
                c->phase_w + (i * n + t) * (int64_t)c->patches.size, c->patches.dtype);
}

static bool is_depthwise(const conv *c) {
    const conv_patches *p = &c->patches;
    return p->group == 1 && c->groups > 1 && c->outputs == c->groups &&
           mx_kernels_get()->conv->depthwise[p->dtype];
}

static bool run_depthwise(const conv *c) {
    const conv_patches *p = &c->patches;
    size_t bytes = (size_t)(conv_taps(p) * p->channels) * sizeof(float);
    float *w = mx_block_alloc(bytes);
    if (!w)
        return false;
    turn_weights(c, w);
    depth d = {.c = c, .kernel = mx_kernels_get()->conv->depthwise[p->dtype], .w = w};
    find_middle(&d);
    mx_parallel_for(phase_lines(c), line_grain(c, conv_taps(p)), depth_body, &d);
    mx_block_free(w, bytes);
    return !atomic_load(&d.nomem) || mx_fail_nomem("conv", bytes);
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
        mx_complex64 *out = (mx_complex64 *)(void *)c->out + out_pixel(c, line) * c->outputs;
        int64_t image = line / a[1].count / a[0].count;
        int64_t at[3] = {line / a[1].count % a[0].count, line % a[1].count, 0};
        for (; at[2] < a[2].count; at[2]++, out += a[2].step * c->outputs)
            for (int64_t o = 0; o < c->outputs; o++)
                out[o] = plain_element(c, at, image, o);
    }
}

/* --- the family's function -------------------------------------------------------- */

static bool run_phase(conv *c) {
    if (conv_rows(&c->patches) == 0)
        return true;
    if (conv_taps(&c->patches) * c->patches.group == 0)
        return spread(c, NULL), true;
    if (c->patches.dtype == MX_COMPLEX64) {
        int64_t work = conv_taps(&c->patches) * c->patches.group;
        return mx_parallel_for(phase_lines(c), line_grain(c, work), plain_body, c), true;
    }
    return is_depthwise(c) ? run_depthwise(c) : run_product(c);
}

static bool run_phases(conv *c) {
    int64_t n[3], count = 1;
    for (int i = 0; i < 3; i++)
        count *= n[i] = phases_of(c, i);
    for (int64_t i = 0; i < count; i++) {
        int64_t first[3] = {i / n[2] / n[1], i / n[2] % n[1], i % n[2]};
        const conv_axis *a = c->patches.axis;
        if (first[0] >= a[0].out || first[1] >= a[1].out || first[2] >= a[2].out)
            continue;
        if (!set_phase(c, first) || !run_phase(c))
            return false;
    }
    return true;
}

static conv conv_of(const mx_node *n, const mx_array *y) {
    const mx_array *x = n->in[0], *w = n->in[1];
    const mx_p_conv *p = n->params;
    conv c = {.params = p, .nd = x->ndim - 2, .out = y->data, .groups = p->groups};
    c.outputs = w->shape[0];
    c.patches = (conv_patches){.size = mx_itemsize(x),
                               .dtype = mx_dtype_of(x),
                               .batch = x->shape[0],
                               .channels = x->shape[x->ndim - 1],
                               .group = w->shape[w->ndim - 1]};
    for (int i = 0; i < 3; i++) {
        int at = i - (3 - c.nd) + 1;
        bool there = at >= 1;
        c.patches.axis[i].in = there ? x->shape[at] : 1;
        c.patches.axis[i].out = there ? y->shape[at] : 1;
        c.patches.axis[i].kernel = there ? w->shape[at] : 1;
    }
    return c;
}

static int64_t *tap_lists(conv *c) {
    int64_t total = 0;
    for (int i = 0; i < 3; i++)
        total += 2 * c->patches.axis[i].kernel;
    int64_t *list = mx_calloc((size_t)total, sizeof *list), *next = list;
    for (int i = 0; i < 3 && list; i++) {
        c->patches.axis[i].offset = next;
        c->patches.axis[i].tap = next + c->patches.axis[i].kernel;
        next += 2 * c->patches.axis[i].kernel;
    }
    return list;
}

bool cpu_conv(mx_node *n, mx_array **out, const mx_program *feed) {
    cpu_dense x = {0}, w = {0};
    (void)feed;
    if (!mx_array_alloc(out[0]))
        return false;
    if (out[0]->size == 0)
        return true;
    conv c = conv_of(n, out[0]);
    int64_t *lists = tap_lists(&c);
    bool ok = lists && cpu_dense_open(&x, n->in[0]) && cpu_dense_open(&w, n->in[1]);
    c.patches.x = x.data;
    c.w = w.data;
    ok = ok && run_phases(&c);
    drop_weights(&c);
    cpu_dense_close(&x);
    cpu_dense_close(&w);
    mx_free(lists);
    return ok;
}
