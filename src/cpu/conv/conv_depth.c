/* See conv_depth.h. */
#include "cpu/conv/conv_depth.h"

#include "base/threads/pool.h"
#include "kernels/kernels.h"

bool conv_is_depthwise(const conv *c) {
    const conv_patches *p = &c->patches;
    return p->group == 1 && c->groups > 1 && c->outputs == c->groups &&
           mx_kernels_get()->conv->depthwise[p->dtype];
}

static void find_middle(conv_depth *d) {
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

conv_depth conv_depth_of(const conv *c, mx_k_depthwise *kernel, char *out, float *w) {
    conv_depth d = {.c = c, .kernel = kernel, .out = out, .w = w};
    find_middle(&d);
    return d;
}

/* The taps that meet input from one position of a line. */
typedef struct taps {
    float **w;
    ptrdiff_t *at;
    int64_t n;
} taps;

static void find_taps(const conv_depth *d, int64_t line, int64_t p2, taps *t) {
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
static void run_pixels(const conv_depth *d, int64_t line, int64_t p, int64_t count, taps *t) {
    const conv_patches *c = &d->c->patches;
    const conv_axis *a = &c->axis[2];
    find_taps(d, line, p, t);
    int64_t pixel = conv_out_pixel(d->c, line) + p * a->step;
    d->kernel(&(mx_k_depthwise_args){.out = d->out + pixel * c->channels * (int64_t)c->size,
                                     .in = c->x,
                                     .w = t->w,
                                     .at = t->at,
                                     .taps = t->n,
                                     .pixels = count,
                                     .channels = c->channels,
                                     .step = a->stride * c->channels,
                                     .out_step = a->step * c->channels});
}

bool conv_depth_lines(const conv_depth *d, int64_t begin, int64_t end) {
    size_t n = (size_t)conv_taps(&d->c->patches);
    int64_t count = d->c->patches.axis[2].count;
    char *memory = mx_scratch(0, n * (sizeof(float *) + sizeof(ptrdiff_t)) + 64);
    if (!memory)
        return false;
    taps t = {(float **)(void *)memory, (ptrdiff_t *)(void *)(memory + n * sizeof(float *)), 0};
    for (int64_t line = begin; line < end; line++)
        for (int64_t p = 0; p < count;) {
            int64_t many = p == d->left && d->right > p ? d->right - p : 1;
            run_pixels(d, line, p, many, &t);
            p += many;
        }
    return true;
}
