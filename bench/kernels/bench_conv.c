/* Convolutions and their derivatives, pooling, and a training step of a small network: name and
 * best milliseconds a line. bench/kernels/compare_conv.py runs this beside PyTorch.
 *
 *     bench_conv [substring]      runs the rows whose name contains it
 *
 * BENCH_CPU=1 counts processor time instead of time: what a busy machine can measure.
 */
#include "graph/eval/eval.h"
#include "ops/conv/conv.h"
#include "ops/ops.h"
#include "transforms/transforms.h"

static mx_array *x, *w, *w1, *wd, *g, *gs, *gd, *x3, *w3, *images, *p[8], *labels;

static mx_array *normal(int a, int b, int c, int d) {
    return mx_random_normal((int[]){a, b, c, d}, 4, MX_FLOAT32, NULL, NULL, mx_random_next_key());
}

static void prepare(void) {
    mx_random_seed(0);
    x = normal(4, 56, 56, 64), w = normal(64, 3, 3, 64), w1 = normal(256, 1, 1, 64);
    wd = normal(64, 3, 3, 1), g = normal(4, 56, 56, 64), gs = normal(4, 28, 28, 64);
    gd = normal(4, 112, 112, 64), x3 = normal(4, 224, 224, 3), w3 = normal(64, 7, 7, 3);
    images = normal(64, 32, 32, 3);
    p[0] = mx_mul_s(normal(32, 3, 3, 3), 0.2), p[1] = mx_zeros((int[]){32}, 1, MX_FLOAT32);
    p[2] = mx_mul_s(normal(64, 3, 3, 32), 0.06), p[3] = mx_zeros((int[]){64}, 1, MX_FLOAT32);
    p[4] = mx_reshape(mx_mul_s(normal(1, 1, 128, 4096), 0.02), (int[]){128, 4096}, 2);
    p[5] = mx_zeros((int[]){128}, 1, MX_FLOAT32);
    p[6] = mx_reshape(mx_mul_s(normal(1, 1, 10, 128), 0.1), (int[]){10, 128}, 2);
    p[7] = mx_zeros((int[]){10}, 1, MX_FLOAT32);
    labels = mx_random_randint(mx_scalar(0, MX_INT32), mx_scalar(10, MX_INT32), (int[]){64, 1}, 2,
                               MX_INT32, mx_random_next_key());
    mx_array *all[] = {x,    w,    w1,   wd,   g,    gs,   gd,   x3,   w3,    images,
                       p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], labels};
    mx_eval(all, sizeof all / sizeof *all);
}

static mx_array *conv(mx_array *a, mx_array *b, int stride, int padding, int groups) {
    return mx_conv(a, b, (mx_ints){1, &stride}, (mx_ints){1, &padding}, (mx_ints){1, (int[]){1}},
                   groups);
}

static mx_array *up(mx_array *a, mx_array *b, int stride, int padding, int more) {
    return mx_conv_transpose(a, b, (mx_ints){1, &stride}, (mx_ints){1, &padding},
                             (mx_ints){1, (int[]){1}}, (mx_ints){1, &more}, 1);
}

/* --- derivatives -------------------------------------------------------------------------- */

typedef struct conv_call {
    mx_array *x, *w;
    int stride, padding, groups, towards; /* 0: x, 1: w */
} conv_call;

static bool call(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    const conv_call *c = self->payload;
    (void)n;
    return mx_arrays_add(out, conv(c->towards ? c->x : in[0], c->towards ? in[0] : c->w, c->stride,
                                   c->padding, c->groups));
}

static mx_array *back(conv_call c, mx_array *cotangent) {
    mx_closure f = mx_closure_local(call, &c);
    mx_arrays y = {0}, grads = {0};
    mx_array *in = c.towards ? c.w : c.x, *r = NULL;
    if (mx_vjp(&f, &in, 1, &cotangent, 1, &y, &grads))
        r = mx_own(mx_array_retain(grads.item[0]));
    mx_arrays_free(&y);
    mx_arrays_free(&grads);
    return r;
}

/* --- pooling and a network ---------------------------------------------------------------- */

static const int windows[2] = {2, 4}, window_axes[2] = {3, 4};

/* Windows of 2 x 2 that do not overlap. */
static mx_array *halved(mx_array *a, bool max) {
    int s[6] = {a->shape[0], a->shape[1] / 2, 2, a->shape[2] / 2, 2, a->shape[3]};
    mx_array *r = mx_reshape(a, s, 6);
    return max ? mx_reduce(MX_MAX, r, windows, 2, false) : mx_mean(r, windows, 2, false);
}

/* Windows of 3 x 3, two apart, as a strided view. */
static mx_array *overlapping(mx_array *a, bool max) {
    int n = a->shape[0], h = a->shape[1], v = a->shape[2], c = a->shape[3];
    int s[6] = {n, (h - 3) / 2 + 1, (v - 3) / 2 + 1, 3, 3, c};
    int64_t t[6] = {(int64_t)h * v * c, 2 * v * c, 2 * c, v * c, c, 1};
    mx_array *r = mx_as_strided(a, s, t, 6, 0);
    return max ? mx_reduce(MX_MAX, r, window_axes, 2, false) : mx_mean(r, window_axes, 2, false);
}

typedef mx_array *pool_fn(mx_array *a, bool max);
typedef struct pool_call {
    pool_fn *pool;
    bool max;
} pool_call;

static bool pool_sum(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    const pool_call *c = self->payload;
    (void)n;
    return mx_arrays_add(out, mx_sum_all(c->pool(in[0], c->max)));
}

static mx_array *pool_back(pool_fn *pool, bool max) {
    pool_call c = {pool, max};
    mx_closure f = mx_closure_local(pool_sum, &c);
    mx_arrays value = {0}, grads = {0};
    mx_array *r = NULL;
    if (mx_value_and_grad(&f, &x, 1, (int[]){0}, 1, &value, &grads))
        r = mx_own(mx_array_retain(grads.item[0]));
    mx_arrays_free(&value);
    mx_arrays_free(&grads);
    return r;
}

static mx_array *relu(mx_array *a) {
    return mx_maximum(a, mx_zero_like(a));
}

static bool loss(mx_closure *self, mx_array *const *q, int n, mx_arrays *out) {
    static const int last[1] = {-1};
    (void)self, (void)n;
    mx_array *h = halved(relu(mx_add(conv(images, q[0], 1, 1, 1), q[1])), true);
    h = halved(relu(mx_add(conv(h, q[2], 1, 1, 1), q[3])), true);
    h = relu(mx_add(mx_matmul(mx_flatten(h, 1, -1), mx_transpose(q[4])), q[5]));
    h = mx_add(mx_matmul(h, mx_transpose(q[6])), q[7]);
    mx_array *right = mx_take_along_axis(h, labels, -1);
    return mx_arrays_add(out,
                         mx_mean(mx_sub(mx_logsumexp(h, last, 1, true), right), NULL, 0, false));
}

/* Every updated parameter hangs on one array, so that evaluating it runs the whole step. */
static mx_array *step(void) {
    static const int argnums[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    mx_closure f = mx_closure_local(loss, NULL);
    mx_arrays value = {0}, grads = {0};
    mx_array *next[8], *all[8];
    bool ok = mx_value_and_grad(&f, p, 8, argnums, 8, &value, &grads);
    for (int i = 0; ok && i < 8; i++)
        next[i] = mx_sub(p[i], mx_mul_s(grads.item[i], 1e-3));
    ok = ok && mx_depends(next, 8, value.item, 1, all) && mx_eval(all, 8);
    mx_array *r = ok ? mx_own(mx_array_retain(value.item[0])) : NULL;
    mx_arrays_free(&value);
    mx_arrays_free(&grads);
    return r;
}

/* --- rows --------------------------------------------------------------------------------- */

#define CONV(w, towards) ((conv_call){x, w, 1, 1, 1, towards})
#define STRIDED(towards) ((conv_call){x, w, 2, 1, 1, towards})
#define DEPTH(towards)   ((conv_call){x, wd, 1, 1, 64, towards})
#define ROWS                                                             \
    ROW("conv2d 3x3 4x56x56x64", conv(x, w, 1, 1, 1))                    \
    ROW("conv2d 3x3, towards input", back(CONV(w, 0), g))                \
    ROW("conv2d 3x3, towards weight", back(CONV(w, 1), g))               \
    ROW("conv2d 3x3 stride 2", conv(x, w, 2, 1, 1))                      \
    ROW("conv2d 3x3 stride 2, towards input", back(STRIDED(0), gs))      \
    ROW("conv2d 3x3 stride 2, towards weight", back(STRIDED(1), gs))     \
    ROW("conv2d 1x1 64 to 256", conv(x, w1, 1, 0, 1))                    \
    ROW("conv2d 7x7 stride 2 4x224x224x3", conv(x3, w3, 2, 3, 1))        \
    ROW("depthwise 3x3 4x56x56x64", conv(x, wd, 1, 1, 64))               \
    ROW("depthwise 3x3, towards input", back(DEPTH(0), g))               \
    ROW("depthwise 3x3, towards weight", back(DEPTH(1), g))              \
    ROW("transposed 3x3 stride 2 4x56x56x64", up(x, w, 2, 1, 1))         \
    ROW("max pool 2x2 4x56x56x64", halved(x, true))                      \
    ROW("max pool 2x2, gradient", pool_back(halved, true))               \
    ROW("max pool 3x3 stride 2", overlapping(x, true))                   \
    ROW("max pool 3x3 stride 2, gradient", pool_back(overlapping, true)) \
    ROW("mean pool 3x3 stride 2", overlapping(x, false))                 \
    ROW("small CNN training step", step())

#include "bench_rows.h"
