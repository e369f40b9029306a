/* See conv_slide.h. */
#include "cpu/conv/conv_slide.h"

#include <stdatomic.h>
#include <string.h>

#include "base/memory/cache.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "kernels/conv/k_conv.h"
#include "kernels/kernels.h"
#include "kernels/matmul/k_matmul.h"

#ifdef MX_TORTURE
enum { SEGMENT = 40, MOST_BYTES = 8192 };
#else
enum {
    SEGMENT = 512,        /* positions of a task: their sums stay in the first-level cache */
    MOST_BYTES = 64 << 20 /* of planes: more are done in bands of lines */
};
#endif
enum {
    MOST_OUTPUTS = 8,  /* of a group: more fill the lanes of a product */
    MOST_CHANNELS = 7, /* of a depthwise convolution, likewise */
    FEWEST_POSITIONS = 8,
    MOST_ALL = 1024, /* outputs of all groups: a segment of them is turned at once */
    MOST_WIDTH = 1 << 30,
    SLACK = 16 /* numbers that the kernel may read behind the last */
};

typedef struct slide {
    const conv *c;
    const mx_k_gemm *format;
    int64_t image, images;      /* the band at hand: of which images, */
    int64_t first[2], count[2]; /* and which positions of the outer axes */
    int64_t side[2], width;     /* its lines of input; numbers of one plane */
    int64_t low;                /* most zeros before a plane's first number of x */
    int64_t phase, line;        /* numbers from one to the next */
    int64_t k;                  /* numbers under a position, of one group */
    ptrdiff_t *at;
    float *w; /* (O, k) */
    float *planes;
    char *out;
    atomic_bool nomem;
} slide;

static int64_t span(const conv_axis *a) {
    return a->offset[a->taps - 1] - a->offset[0];
}

static int64_t width_of(const conv_axis *a) {
    return a->count + span(a) / a->stride;
}

bool conv_can_slide(const conv *c) {
    const conv_patches *p = &c->patches;
    bool real = p->dtype == MX_FLOAT32 || p->dtype == MX_FLOAT16 || p->dtype == MX_BFLOAT16,
         wide = p->group == 1 && c->groups > MOST_CHANNELS; // whose lanes are channels
    return real && !wide && c->outputs / c->groups <= MOST_OUTPUTS && c->outputs <= MOST_ALL &&
           !conv_is_pointwise(c) && p->axis[2].count >= FEWEST_POSITIONS &&
           width_of(&p->axis[2]) < MOST_WIDTH;
}

/* --- planes --------------------------------------------------------------------------- */

/* How many numbers of a plane of phase r lie before number q of the line of x. */
static int64_t before(const slide *s, int64_t q, int64_t r) {
    const conv_axis *a = &s->c->patches.axis[2];
    int64_t n = q - a->offset[0] - r + a->stride - 1;
    n = n < 0 ? 0 : n / a->stride;
    return n < s->width ? n : s->width;
}

/* The planes of a phase, from a line of x as float32: the packer fills each up with zeros as far
   as the first number of the next. */
static void fill_phase(const slide *s, int64_t r, const float *x, float *to) {
    const conv_patches *p = &s->c->patches;
    const conv_axis *a = &p->axis[2];
    int64_t low = before(s, 0, r), high = before(s, a->in, r),
            first = low * a->stride + r + a->offset[0];
    memset(to, 0, (size_t)(high > low ? low : s->phase) * sizeof *to);
    if (high > low)
        s->format->pack[MX_FLOAT32](to + low, (int)s->width, x + first * p->channels,
                                    a->stride * p->channels, 1, (int)(high - low), p->channels);
}

/* A line of x as float32. NULL: outside. */
static const float *line_of_x(slide *s, int64_t i, float *room) {
    const conv_patches *p = &s->c->patches;
    const conv_axis *a = p->axis;
    int64_t q1 = s->first[1] * a[1].stride + i % s->side[1] + a[1].offset[0],
            q0 = s->first[0] * a[0].stride + i / s->side[1] % s->side[0] + a[0].offset[0],
            image = s->image + i / s->side[1] / s->side[0], numbers = a[2].in * p->channels;
    if (q0 < 0 || q0 >= a[0].in || q1 < 0 || q1 >= a[1].in)
        return NULL;
    const char *x = p->x + (size_t)(((image * a[0].in + q0) * a[1].in + q1) * numbers) * p->size;
    if (p->dtype == MX_FLOAT32)
        return (const float *)(const void *)x;
    const int64_t most = 1 << 20;
    for (int64_t j = 0; j < numbers; j += most) {
        int n = (int)(numbers - j < most ? numbers - j : most);
        s->format->pack[p->dtype](room + j, n, x + (size_t)j * p->size, 1, 1, n, 1);
    }
    return room;
}

static void planes_body(void *ctx, int64_t begin, int64_t end) {
    slide *s = ctx;
    const conv_patches *p = &s->c->patches;
    bool convert = p->dtype != MX_FLOAT32;
    size_t numbers = convert ? (size_t)(p->axis[2].in * p->channels) : 1;
    float *room = mx_scratch(0, numbers * sizeof *room);
    if (!room)
        atomic_store(&s->nomem, true);
    for (int64_t i = begin; room && i < end; i++) {
        const float *x = line_of_x(s, i, room);
        float *to = s->planes + i * s->line;
        for (int64_t r = 0; x && r < p->axis[2].stride; r++)
            fill_phase(s, r, x, to + r * s->phase);
        if (!x)
            memset(to, 0, (size_t)s->line * sizeof *to);
    }
}

static int64_t plane_lines(const slide *s) {
    return s->images * s->side[0] * s->side[1];
}

static size_t plane_bytes(const slide *s) {
    return (size_t)(plane_lines(s) * s->line + SLACK) * sizeof *s->planes;
}

/* --- taps ----------------------------------------------------------------------------- */

/* Where the numbers of one position lie, in the order of the weights: tap by tap, the channels of
   a group. */
static void find_taps(const slide *s) {
    const conv_patches *p = &s->c->patches;
    const conv_axis *a = p->axis;
    for (int64_t t = 0; t < conv_taps(p); t++) {
        int64_t d2 = a[2].offset[t % a[2].taps] - a[2].offset[0],
                d1 = a[1].offset[t / a[2].taps % a[1].taps] - a[1].offset[0],
                d0 = a[0].offset[t / a[2].taps / a[1].taps] - a[0].offset[0],
                at = (d0 * s->side[1] + d1) * s->line + d2 % a[2].stride * s->phase +
                     d2 / a[2].stride;
        for (int64_t i = 0; i < p->group; i++)
            s->at[t * p->group + i] = at + i * s->width;
    }
}

static void pack_weights(const slide *s) {
    const conv *c = s->c;
    int64_t taps = conv_taps(&c->patches), together = conv_weights_are_dense(c) ? taps : 1,
            each = c->patches.group;
    for (int64_t o = 0; o < c->outputs; o++)
        for (int64_t t = 0; t < taps; t += together)
            s->format->pack[c->patches.dtype](s->w + o * s->k + t * each, 1,
                                              conv_weight_at(c, o, t), 0, c->w.channel, 1,
                                              together * each);
}

/* --- positions ------------------------------------------------------------------------ */

/* The sums of some positions as they are stored: those of each output follow each other, and are
   turned. */
static void store(const slide *s, float *sums, int64_t count, int64_t row, float *turned) {
    const conv *c = s->c;
    mx_dtype t = c->patches.dtype;
    char *out = s->out + (size_t)(row * c->outputs) * c->patches.size;
    if (t == MX_FLOAT32)
        turned = (float *)(void *)out;
    s->format->pack[MX_FLOAT32](turned, (int)c->outputs, sums, count, 1, (int)c->outputs, count);
    if (t != MX_FLOAT32)
        mx_kernels_get()->matmul->store[t](&(mx_k_store_args){
            .out = out, .acc = turned, .m = 1, .n = count * c->outputs, .alpha = 1});
}

/* `count` positions from p2 on, of line `line` of the band. */
static void run_segment(const slide *s, int64_t line, int64_t p2, int64_t count, float *sums) {
    const conv *c = s->c;
    const conv_axis *a = c->patches.axis;
    int64_t outputs = c->outputs / c->groups, p1 = line % s->count[1],
            p0 = line / s->count[1] % s->count[0], image = line / s->count[1] / s->count[0],
            above = (s->image + image) * a[0].count + s->first[0] + p0,
            row = (above * a[1].count + s->first[1] + p1) * a[2].count + p2,
            first = ((image * s->side[0] + p0 * a[0].stride) * s->side[1] + p1 * a[1].stride) *
                        s->line +
                    p2;
    bool direct = c->outputs == 1 && c->patches.dtype == MX_FLOAT32;
    float *to = direct ? (float *)(void *)s->out + row : sums;
    for (int64_t g = 0; g < c->groups; g++)
        mx_kernels_get()->conv->slide(&(mx_k_conv_slide_args){.x = s->planes + first +
                                                                   g * c->patches.group * s->width,
                                                              .at = s->at,
                                                              .k = s->k,
                                                              .outputs = outputs,
                                                              .count = count,
                                                              .w = s->w + g * outputs * s->k,
                                                              .out = to + g * outputs * count,
                                                              .ldo = count});
    if (!direct)
        store(s, sums, count, row, sums + c->outputs * count);
}

static int64_t segments_of(const slide *s) {
    return (s->c->patches.axis[2].count + SEGMENT - 1) / SEGMENT;
}

static void segments_body(void *ctx, int64_t begin, int64_t end) {
    slide *s = ctx;
    int64_t segments = segments_of(s), all = s->c->patches.axis[2].count;
    float *sums = mx_scratch(0, (size_t)(2 * s->c->outputs * SEGMENT) * sizeof *sums);
    if (!sums)
        atomic_store(&s->nomem, true);
    for (int64_t i = begin; sums && i < end; i++) {
        int64_t p2 = i % segments * SEGMENT, left = all - p2;
        run_segment(s, i / segments, p2, left < SEGMENT ? left : SEGMENT, sums);
    }
}

/* --- all ------------------------------------------------------------------------------ */

static void measure(slide *s, const conv *c, void *out) {
    const conv_patches *p = &c->patches;
    const conv_axis *a = &p->axis[2];
    *s = (slide){.c = c, .format = mx_kernels_get()->matmul->f32, .out = out};
    s->width = width_of(a);
    s->k = conv_taps(p) * p->group;
    s->low = before(s, 0, 0);
    s->phase = p->channels * s->width + s->low;
    s->line = a->stride * s->phase;
}

/* The band of `count` positions of axis i, and all of the other. */
static void set_band(slide *s, int i, int64_t count) {
    const conv_axis *a = s->c->patches.axis;
    s->count[i] = count;
    s->count[1 - i] = a[1 - i].count;
    for (int k = 0; k < 2; k++)
        s->side[k] = (s->count[k] - 1) * a[k].stride + span(&a[k]) + 1;
}

/* How many positions of axis i a band has, and how many images: what fits, or one. */
static int64_t choose_band(slide *s, int i) {
    const conv_patches *p = &s->c->patches;
    int64_t count = p->axis[i].count;
    s->images = 1;
    set_band(s, i, count);
    for (; count > 1 && plane_bytes(s) > MOST_BYTES; set_band(s, i, count))
        count = (count + 1) / 2;
    int64_t fit = MOST_BYTES / (int64_t)plane_bytes(s);
    if (count == p->axis[i].count && fit > 1)
        s->images = fit < p->batch ? fit : p->batch;
    return count;
}

static bool open_slide(slide *s) {
    size_t numbers = (size_t)(s->c->outputs * s->k);
    s->at = mx_calloc((size_t)s->k, sizeof *s->at);
    s->w = s->at ? mx_block_alloc(numbers * sizeof *s->w) : NULL;
    s->planes = s->w ? mx_block_alloc(plane_bytes(s)) : NULL;
    if (!s->planes)
        return false;
    pack_weights(s);
    return true;
}

static void close_slide(slide *s, size_t bytes) {
    if (s->planes)
        mx_block_free(s->planes, bytes);
    if (s->w)
        mx_block_free(s->w, (size_t)(s->c->outputs * s->k) * sizeof *s->w);
    mx_free(s->at);
}

static bool run_band(slide *s) {
    int64_t all = s->c->patches.axis[2].count,
            work = s->c->outputs * s->k * (all < SEGMENT ? all : SEGMENT);
    memset(s->planes + plane_lines(s) * s->line, 0, SLACK * sizeof *s->planes);
    find_taps(s);
    mx_parallel_for(plane_lines(s), 1 + 32768 / s->line, planes_body, s);
    return mx_parallel_for_long(s->images * s->count[0] * s->count[1] * segments_of(s),
                                1 + 524288 / work, segments_body, s);
}

/* Band by band: along axis i of some images. */
static bool run_bands(slide *s, int i, int64_t each) {
    int64_t images = s->images, batch = s->c->patches.batch, count = s->c->patches.axis[i].count;
    bool done = true;
    for (s->image = 0; done && s->image < batch; s->image += images) {
        s->images = batch - s->image < images ? batch - s->image : images;
        for (int64_t first = 0; done && first < count; first += each) {
            s->first[i] = first;
            set_band(s, i, count - first < each ? count - first : each);
            done = run_band(s);
        }
    }
    return done;
}

bool conv_slide(const conv *c, void *out) {
    slide s;
    measure(&s, c, out);
    int i = c->patches.axis[0].count > 1 ? 0 : 1;
    int64_t each = choose_band(&s, i);
    size_t bytes = plane_bytes(&s);
    bool done = open_slide(&s) && run_bands(&s, i, each);
    close_slide(&s, bytes);
    return done && (!atomic_load(&s.nomem) || mx_fail_nomem("conv", bytes));
}
