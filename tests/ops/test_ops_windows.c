/* Reductions of windows of a padded array: one node where nobody watches, with the bits that the
 * padded array in memory has, of every float, in every instruction set, for any padding; what is no
 * such thing is left alone. */
#include "base/mem.h"
#include "base/threads/pool.h"
#include "gradients.h"
#include "kernels/kernels.h"
#include "same_values.h"
#include "transforms/compile.h"
#include "transforms/transforms.h"

enum { MOST = 3 };

/* Sizes along one axis. */
typedef struct axis {
    int size, low, high, window, stride;
} axis;

typedef struct pool {
    mx_reduce_op op;
    mx_dtype t;
    double value; /* of the padding */
    int batch, channels, n;
    axis axis[MOST];
} pool;

static mx_array *padded(const pool *p, mx_array *x) {
    int axes[MOST], low[MOST], high[MOST];
    for (int i = 0; i < p->n; i++) {
        axes[i] = i + 1;
        low[i] = p->axis[i].low;
        high[i] = p->axis[i].high;
    }
    return mx_pad(x, axes, p->n, low, high, mx_scalar(p->value, p->t), "constant");
}

static mx_array *windows(const pool *p, mx_array *x) {
    int shape[2 * MOST + 2], n = p->n;
    int64_t strides[2 * MOST + 2], step = p->channels;
    for (int i = n - 1; i >= 0; i--) {
        const axis *a = &p->axis[i];
        shape[1 + i] = (x->shape[1 + i] - a->window) / a->stride + 1;
        shape[1 + n + i] = a->window;
        strides[1 + i] = step * a->stride;
        strides[1 + n + i] = step;
        step *= x->shape[1 + i];
    }
    shape[0] = p->batch;
    shape[2 * n + 1] = p->channels;
    strides[0] = step;
    strides[2 * n + 1] = 1;
    return mx_as_strided(x, shape, strides, 2 * n + 2, 0);
}

static mx_array *reduced(const pool *p, mx_array *view) {
    int axes[MOST];
    for (int i = 0; i < p->n; i++)
        axes[i] = p->n + 1 + i;
    return mx_reduce(p->op, view, axes, p->n, false);
}

static mx_array *pooled(const pool *p, mx_array *x) {
    return reduced(p, windows(p, padded(p, x)));
}

/* Zeros of both signs, numbers that come twice, some NaN and infinities. */
static mx_array *special(mx_array *x) {
    mx_array *few = mx_div(mx_round(mx_mul_s(x, 2)), mx_scalar_like(x, 2));
    mx_array *gone = mx_where(mx_greater(x, mx_scalar_like(x, 0.97)), mx_scalar_like(x, NAN), few);
    return mx_where(mx_less(x, mx_scalar_like(x, -0.8)), mx_scalar_like(x, -INFINITY), gone);
}

/* In order, or with channels that lie apart, or lines backwards. */
static mx_array *input(const pool *p, int way) {
    int shape[MOST + 2] = {p->batch}, ndim = p->n + 2, order[MOST + 2];
    for (int i = 0; i < p->n; i++)
        shape[i + 1] = p->axis[i].size;
    shape[p->n + 1] = p->channels;
    for (int i = 0; i < ndim; i++)
        order[i] = i < ndim - 2 ? i : 2 * ndim - 3 - i;
    mx_array *x = noise(shape, ndim, 3, p->t);
    x = p->channels % 2 ? special(x) : x;
    if (way == 1)
        x = mx_transpose_axes(mx_contiguous(mx_transpose_axes(x, order, ndim), false), order, ndim);
    if (way == 2)
        x = mx_flip(mx_contiguous(mx_flip(x, &(int){1}, 1), false), &(int){1}, 1);
    CHECK(mx_eval1(x));
    return x;
}

static bool is_one_node(const mx_array *y) {
    return y && y->node && y->node->prim == MX_PRIM_reduce_windows;
}

static bool call(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    (void)n;
    return mx_arrays_add(out, pooled(self->payload, in[0]));
}

static mx_array *compiled(const pool *p, mx_array *x, mx_arrays *out) {
    mx_closure k = mx_closure_local(call, (void *)(uintptr_t)p), *c = mx_compile(&k, false);
    bool ok = c && c->call(c, &x, 1, out);
    if (c)
        mx_object_release(&c->object);
    return ok ? out->item[0] : NULL;
}

/* The padded array is evaluated first in one case. */
static void check_pool(const pool *p, int way) {
    mx_scope s = mx_scope_open();
    mx_arrays out = {0};
    mx_array *x = input(p, way), *y = pooled(p, x), *before = padded(p, x);
    CHECK(is_one_node(y) && mx_eval1(before));
    mx_array *wanted = reduced(p, windows(p, before));
    CHECK(!is_one_node(wanted));
    CHECK_MSG(same_values(y, wanted), "%s %s op %d of %d axes, value %g, window %d, way %d",
              mx_kernels_get()->name, mx_dtype_name(p->t), p->op, p->n, p->value, p->axis[0].window,
              way);
    mx_pool_set_threads(3);
    CHECK(same_values(pooled(p, x), wanted));
    mx_pool_set_threads(0);
    CHECK(same_values(compiled(p, x, &out), wanted));
    mx_arrays_free(&out);
    mx_scope_close(s);
}

static const axis SHAPES[][MOST] = {
    {{9, 1, 1, 3, 2}, {8, 1, 1, 3, 2}, {5, 1, 0, 2, 1}},
    {{7, 2, 2, 5, 1}, {9, 2, 2, 5, 1}, {4, 1, 1, 3, 2}},
    {{4, 3, 3, 7, 2}, {3, 2, 4, 4, 3}, {2, 1, 2, 3, 1}},
    {{12, 0, 3, 3, 4}, {6, 1, 0, 4, 2}, {6, 0, 2, 5, 3}},
    {{2, 5, 5, 3, 1}, {20, 0, 1, 2, 1}, {9, 4, 4, 2, 3}},
    {{6, 1, 1, 1, 2}, {17, 2, 1, 3, 5}, {3, 1, 1, 3, 1}},
    {{8, 1, 1, 3, 1}, {8, 1, 1, 1, 1}, {8, 1, 1, 3, 1}},
    {{30, 1, 1, 3, 2}, {31, 1, 1, 3, 2}, {4, 0, 0, 2, 2}},
};

static void with_these_kernels(void) {
    static const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16, MX_FLOAT64};
    static const int channels[] = {1, 3, 16, 67};
    static const double values[] = {0, -INFINITY, INFINITY, 1.5, NAN};
    int k = 0;
    for (int i = 0; i < (int)(sizeof SHAPES / sizeof *SHAPES); i++)
        for (int n = 1; n <= MOST; n++)
            for (mx_reduce_op op = MX_SUM; op <= MX_MIN; op++)
                for (int v = 0; v < 5; v++, k++) {
                    pool p = {op, types[k % 4], values[v], 1 + k % 2, channels[k / 4 % 4],
                              n,  {{0}}};
                    memcpy(p.axis, SHAPES[i], sizeof p.axis);
                    check_pool(&p, k % 3);
                }
}

/* --- what is left alone ----------------------------------------------------------- */

static const pool PLAIN = {
    MX_MAX, MX_FLOAT32, -INFINITY, 1, 4, 2, {{6, 1, 1, 3, 2}, {7, 1, 1, 3, 2}}};

static void others(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = input(&PLAIN, 0), *view = windows(&PLAIN, padded(&PLAIN, x));
    CHECK(is_one_node(reduced(&PLAIN, view)));
    CHECK(!is_one_node(mx_reduce(MX_MAX, view, (int[]){3, 4}, 2, true)));
    CHECK(!is_one_node(mx_reduce(MX_MAX, view, (int[]){1, 2}, 2, false)));
    CHECK(!is_one_node(mx_reduce(MX_MAX, view, (int[]){3}, 1, false)));
    CHECK(!is_one_node(mx_reduce(MX_ANY, view, (int[]){3, 4}, 2, false)));
    mx_array *batch = mx_pad(x, (int[]){0, 1}, 2, (int[]){1, 1}, (int[]){0, 1}, NULL, "constant");
    const int64_t strides[] = {252, 56, 8, 28, 4, 1};
    view = mx_as_strided(batch, (int[]){1, 3, 3, 3, 3, 4}, strides, 6, 0);
    CHECK(!is_one_node(reduced(&PLAIN, view)));
    pool ints = PLAIN;
    ints.t = MX_INT32;
    ints.value = -5;
    x = mx_arange(0, 6 * 7 * 4, 1, MX_INT32);
    CHECK(!is_one_node(pooled(&ints, mx_reshape(x, (int[]){1, 6, 7, 4}, 4))));
    CHECK(!mx_failed());
    mx_scope_close(s);
}

static void in_a_transform(void) {
    mx_scope s = mx_scope_open();
    mx_closure k = mx_closure_local(call, (void *)(uintptr_t)&PLAIN);
    mx_array *x = input(&PLAIN, 0), *g = mx_ones_like(pooled(&PLAIN, x));
    mx_arrays out = {0}, grads = {0};
    CHECK(mx_vjp(&k, &x, 1, &g, 1, &out, &grads));
    CHECK(same_values(out.item[0], pooled(&PLAIN, x)));
    mx_array *all = mx_sum_all(grads.item[0]);
    CHECK(mx_eval1(all) && *(const float *)all->data == (float)g->size);
    mx_arrays_free(&out);
    mx_arrays_free(&grads);
    mx_scope_close(s);
}

/* --- memory ----------------------------------------------------------------------- */

static void out_of_memory(void) {
    pool p = PLAIN;
    for (int way = 0; way < 4; way++) { // clipped, copied, padded
        p.value = way % 2 ? 1.5 : -INFINITY;
        for (int64_t at = 1; at < 40; at++) {
            mx_scope s = mx_scope_open();
            mx_array *x = input(&p, way / 2), *y = pooled(&p, x), *before = padded(&p, x);
            CHECK(mx_eval1(before));
            mx_alloc_fail_at(at);
            bool ok = mx_eval1(y);
            mx_alloc_fail_at(0);
            CHECK(ok || mx_failed());
            mx_error_clear();
            CHECK(same_values(y, reduced(&p, windows(&p, before))));
            mx_scope_close(s);
        }
    }
}

int main(void) {
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    const char *best = mx_kernels_get()->name;
    for (int i = 0; i < count; i++) {
        CHECK(mx_kernels_choose(all[i]->name));
        RUN(with_these_kernels);
    }
    mx_kernels_choose(best);
    RUN(others);
    RUN(in_a_transform);
    RUN(out_of_memory);
    return check_done();
}
