/* The squares of conv_winograd.h. */
#include "cpu/conv/conv_winograd.h"

enum { FEWEST_CHANNELS = 32, FEWEST_OUTPUTS = 32, FEWEST_RESULTS = 16 };

static bool is_three(const conv_axis *a) {
    return a->taps == 3 && a->stride == 1 && a->offset[1] == a->offset[0] + 1 &&
           a->offset[2] == a->offset[0] + 2;
}

bool conv_can_winograd(const conv *c) {
    const conv_axis *a = c->patches.axis;
    return c->patches.dtype == MX_FLOAT32 && a[0].taps == 1 && a[0].out == 1 && a[0].in == 1 &&
           a[0].offset[0] == 0 && is_three(&a[1]) && is_three(&a[2]) &&
           c->patches.group >= FEWEST_CHANNELS && c->outputs / c->groups >= FEWEST_OUTPUTS &&
           a[1].count * a[2].count >= FEWEST_RESULTS;
}

conv_squares conv_squares_of(const conv *c) {
    const conv_axis *a = c->patches.axis;
    conv_squares s = {.c = c, .down = (a[1].count + 1) / 2, .across = (a[2].count + 1) / 2};
    s.count = c->patches.batch * s.down * s.across;
    return s;
}

conv_square conv_square_at(const conv_squares *s, int64_t i) {
    return (conv_square){.image = i / s->across / s->down,
                         .row = i / s->across % s->down * 2,
                         .column = i % s->across * 2};
}

void conv_square_patch(const conv_squares *s, const conv_square *at, int64_t channel,
                       const float *zeros, const float **from) {
    const conv_patches *p = &s->c->patches;
    const conv_axis *a = p->axis;
    int64_t row = at->row + a[1].offset[0], column = at->column + a[2].offset[0];
    const float *x =
        (const float *)(const void *)p->x + at->image * a[1].in * a[2].in * p->channels + channel;
    for (int64_t i = 0; i < 16; i++) {
        int64_t q1 = row + i / 4, q2 = column + i % 4;
        bool inside = q1 >= 0 && q1 < a[1].in && q2 >= 0 && q2 < a[2].in;
        from[i] = inside ? x + (q1 * a[2].in + q2) * p->channels : zeros;
    }
}

void conv_square_results(const conv_squares *s, const conv_square *at, float *pixels, int64_t width,
                         float **out) {
    const conv_axis *a = s->c->patches.axis;
    for (int i = 0; i < 4; i++) {
        int64_t row = at->row + i / 2, column = at->column + i % 2;
        bool there = row < a[1].count && column < a[2].count;
        int64_t pixel = (at->image * a[1].count + row) * a[2].count + column;
        out[i] = there ? pixels + pixel * width : NULL;
    }
}
