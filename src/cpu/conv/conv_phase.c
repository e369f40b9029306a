/* See conv_phase.h. */
#include "cpu/conv/conv_phase.h"

#include <string.h>

#include "base/memory/cache.h"
#include "base/mem.h"
#include "base/status.h"

static int64_t common_divisor(int64_t a, int64_t b) {
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* --- one phase ------------------------------------------------------------------------ */

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

static void set_phase(conv *c, const int64_t *first) {
    for (int i = 0; i < 3; i++)
        set_axis(c, i, first[i]);
    c->patches.runs = c->patches.group == c->patches.channels &&
                      consecutive(c->patches.axis[2].offset, c->patches.axis[2].taps);
}

bool conv_each_phase(conv *c, bool (*run)(conv *c, void *ctx), void *ctx) {
    int64_t n[3], count = 1;
    for (int i = 0; i < 3; i++)
        count *= n[i] = phases_of(c, i);
    for (int64_t i = 0; i < count; i++) {
        int64_t first[3] = {i / n[2] / n[1], i / n[2] % n[1], i % n[2]};
        const conv_axis *a = c->patches.axis;
        if (first[0] >= a[0].out || first[1] >= a[1].out || first[2] >= a[2].out)
            continue;
        set_phase(c, first);
        if (!run(c, ctx))
            return false;
    }
    return true;
}

/* --- weights -------------------------------------------------------------------------- */

bool conv_all_taps_in_order(const conv *c) {
    for (int i = 0; i < 3; i++) {
        const conv_axis *a = &c->patches.axis[i];
        if (a->taps != a->kernel || !consecutive(a->tap, a->taps))
            return false;
    }
    return true;
}

int64_t conv_tap_place(const conv *c, int64_t t) {
    const conv_axis *a = c->patches.axis;
    int64_t t2 = t % a[2].taps, t1 = t / a[2].taps % a[1].taps, t0 = t / a[2].taps / a[1].taps;
    return (a[0].tap[t0] * a[1].kernel + a[1].tap[t1]) * a[2].kernel + a[2].tap[t2];
}

const void *conv_weight_at(const conv *c, int64_t o, int64_t t) {
    int64_t at = o * c->w.output + conv_tap_place(c, t) * c->w.tap;
    return c->w.data + at * (int64_t)c->patches.size;
}

bool conv_weights_are_dense(const conv *c) {
    const conv_patches *p = &c->patches;
    return c->w.channel == 1 && c->w.tap == p->group && conv_all_taps_in_order(c) &&
           c->w.output == conv_taps(p) * p->group;
}

static void copy_weights(const conv *c, char *dst) {
    size_t size = c->patches.size;
    int64_t step = c->w.channel * (int64_t)size;
    for (int64_t o = 0; o < c->outputs; o++)
        for (int64_t t = 0; t < conv_taps(&c->patches); t++) {
            const char *from = conv_weight_at(c, o, t);
            for (int64_t i = 0; i < c->patches.group; i++, dst += size, from += step)
                memcpy(dst, from, size);
        }
}

static void drop_weights(conv *c) {
    if (c->own_w)
        mx_block_free(c->own_w, c->own_bytes);
    c->own_w = NULL;
}

bool conv_select_weights(conv *c) {
    c->phase_w = c->w.data;
    drop_weights(c);
    if (conv_taps(&c->patches) == 0 || conv_weights_are_dense(c))
        return true;
    c->own_bytes =
        (size_t)(c->outputs * conv_taps(&c->patches) * c->patches.group) * c->patches.size;
    c->own_w = mx_block_alloc(c->own_bytes);
    if (c->own_w)
        copy_weights(c, c->own_w);
    c->phase_w = c->own_w;
    return c->own_w != NULL;
}

/* The taps of an axis are evenly spaced. */
static void describe_taps(const conv_axis *a, int64_t *number) {
    number[0] = a->kernel;
    number[1] = a->taps;
    number[2] = a->tap[0];
    number[3] = a->tap[a->taps - 1];
}

bool conv_form_open(const conv *c, int64_t rows, const void *maker, size_t bytes, bool always,
                    mx_form_use *u) {
    const int64_t numbers[] = {c->w.output, c->w.tap, c->w.channel, c->outputs, c->groups};
    int64_t weights = c->outputs * conv_taps(&c->patches) * c->patches.group;
    bool keep = mx_gemm_keeps(rows, weights);
    mx_form_key key = {.maker = maker, .from = c->w.data};
    memcpy(key.number, numbers, sizeof numbers);
    key.number[5] = c->patches.group;
    for (int i = 0; i < 3; i++)
        describe_taps(&c->patches.axis[i], key.number + 6 + 4 * i);
    return mx_form_open(u, keep ? c->w.forms : NULL, &key, bytes, always);
}

/* --- what a phase is like ------------------------------------------------------------- */

bool conv_is_whole(const conv *c) {
    return c->patches.axis[0].step * c->patches.axis[1].step * c->patches.axis[2].step == 1;
}

bool conv_is_pointwise(const conv *c) {
    for (int i = 0; i < 3; i++) {
        const conv_axis *a = &c->patches.axis[i];
        if (a->taps != 1 || a->offset[0] != 0 || a->stride != 1 || a->count != a->in)
            return false;
    }
    return true;
}

int64_t conv_out_pixel(const conv *c, int64_t line) {
    const conv_axis *a = c->patches.axis;
    int64_t p1 = line % a[1].count, p0 = line / a[1].count % a[0].count,
            image = line / a[1].count / a[0].count;
    int64_t at = image * a[0].out + a[0].first + p0 * a[0].step;
    return (at * a[1].out + a[1].first + p1 * a[1].step) * a[2].out + a[2].first;
}

int64_t conv_lines(const conv *c) {
    return c->patches.batch * c->patches.axis[0].count * c->patches.axis[1].count;
}

int64_t conv_line_grain(const conv *c, int64_t work) {
    int64_t each = c->patches.axis[2].count * c->outputs * (work + 1);
    return 1 + 32768 / (each + 1);
}

/* --- the convolution ------------------------------------------------------------------ */

static bool make_lists(conv *c) {
    int64_t total = 0;
    for (int i = 0; i < 3; i++)
        total += 2 * c->patches.axis[i].kernel;
    int64_t *next = c->lists = mx_calloc((size_t)total, sizeof *next);
    for (int i = 0; i < 3 && next; i++) {
        c->patches.axis[i].offset = next;
        c->patches.axis[i].tap = next + c->patches.axis[i].kernel;
        next += 2 * c->patches.axis[i].kernel;
    }
    return c->lists != NULL;
}

bool conv_open(conv *c, const mx_p_conv *p, const mx_array *x, const int *weight,
               const mx_array *y) {
    *c = (conv){.params = p, .nd = x->ndim - 2, .groups = p->groups, .outputs = weight[0]};
    c->patches = (conv_patches){.size = mx_itemsize(x),
                                .dtype = mx_dtype_of(x),
                                .batch = x->shape[0],
                                .channels = x->shape[x->ndim - 1],
                                .group = weight[x->ndim - 1]};
    for (int i = 0; i < 3; i++) {
        int at = i - (3 - c->nd) + 1;
        bool there = at >= 1;
        c->patches.axis[i].in = there ? x->shape[at] : 1;
        c->patches.axis[i].out = there ? y->shape[at] : 1;
        c->patches.axis[i].kernel = there ? weight[at] : 1;
    }
    return make_lists(c);
}

bool conv_open_weights(conv *c, const mx_array *w, cpu_dense *d) {
    int last = w->ndim - 1;
    bool follow = mx_dtype_of(w) == MX_FLOAT32;
    for (int i = 1; i < last - 1; i++)
        follow = follow && w->strides[i] == w->strides[i + 1] * w->shape[i + 1];
    c->w = (conv_weights){w->data, w->strides[0], w->strides[last - 1], w->strides[last],
                          mx_buffer_forms(w->buffer)};
    if (follow || w->row_contiguous)
        return true;
    int64_t taps = 1;
    for (int i = 1; i < last; i++)
        taps *= w->shape[i];
    bool opened = cpu_dense_open(d, w);
    c->w = (conv_weights){d->data, taps * w->shape[last], w->shape[last], 1, NULL};
    return opened;
}

void conv_close(conv *c) {
    drop_weights(c);
    mx_free(c->lists);
}
