/* Weights whose packed or transformed forms are kept: the bits of a result are the same at every
 * call, whether the forms are there or not, also after the weights were written over; and forms are
 * kept where they pay.
 */
#include <string.h>

#include "base/memory/cache.h"
#include "base/mem.h"
#include "base/threads/pool.h"
#include "gradients.h"
#include "graph/array/buffer.h"
#include "ops/conv/conv.h"

#define ROOM ((size_t)256 << 20)

typedef struct setting {
    const char *name;
    mx_dtype dtype;
    int x[4], w[4], ndim; /* of weights as they are made; 0: the end of a shape */
    mx_array *(*run)(mx_array *x, mx_array *w);
    bool kept;
} setting;

static const int two[] = {2, 2}, one[] = {1, 1}, none[] = {0, 0};

static mx_array *as_they_lie(mx_array *x, mx_array *w) {
    return mx_matmul(x, w);
}
static mx_array *transposed(mx_array *x, mx_array *w) {
    return mx_matmul(x, mx_transpose(w));
}
static mx_array *part(mx_array *x, mx_array *w) {
    return mx_matmul(x, mx_slice_axis(w, 1, 16, 16 + 160));
}
static mx_array *with_bias(mx_array *x, mx_array *w) {
    return mx_addmm(mx_slice_axis(w, 0, 0, 1), x, w, 0.5, 2);
}
static mx_array *conv(mx_array *x, mx_array *w, const int *stride, const int *dilated, int groups,
                      bool flip) {
    mx_p_conv p = {{2, stride}, {2, one}, {2, one}, {2, one}, {2, dilated}, groups, flip};
    return mx_conv_general(x, w, &p);
}
static mx_array *squares(mx_array *x, mx_array *w) {
    return conv(x, w, one, one, 1, false);
}
static mx_array *turned_squares(mx_array *x, mx_array *w) {
    return mx_add(conv(x, w, one, one, 1, true), conv(x, w, one, one, 1, false));
}
static mx_array *grouped(mx_array *x, mx_array *w) {
    return conv(x, w, one, one, 2, false);
}
static mx_array *strided(mx_array *x, mx_array *w) {
    return conv(x, w, two, one, 1, false);
}
static mx_array *strided_groups(mx_array *x, mx_array *w) {
    return conv(x, w, two, one, 2, false);
}
static mx_array *phases(mx_array *x, mx_array *w) {
    return conv(x, w, one, two, 1, false);
}
static mx_array *turned_phases(mx_array *x, mx_array *w) {
    return mx_sub(conv(x, w, one, two, 1, true), conv(x, w, one, two, 1, false));
}
static mx_array *plane(mx_array *x, mx_array *w) {
    mx_p_conv p = {{2, one}, {2, none}, {2, none}, {2, one}, {2, one}, 1, false};
    return mx_conv_general(x, w, &p);
}
static mx_array *columns(mx_array *x, mx_array *w) { /* weights (O, 3, 3, C) of (3, 3, C, O) */
    return squares(x, mx_transpose_axes(w, (int[]){3, 0, 1, 2}, 4));
}

static const setting settings[] = {
    {"float32", MX_FLOAT32, {40, 150}, {150, 1100}, 2, as_they_lie, true},
    {"float32, few of many terms", MX_FLOAT32, {20, 2100}, {40, 2100}, 2, transposed, true},
    {"float32, turned", MX_FLOAT32, {49, 150}, {700, 150}, 2, transposed, true},
    {"float32, whole vectors", MX_FLOAT32, {128, 150}, {700, 150}, 2, transposed, false},
    {"float32, more rows than columns", MX_FLOAT32, {196, 150}, {100, 150}, 2, transposed, true},
    {"float32, many rows", MX_FLOAT32, {1100, 40}, {40, 1100}, 2, as_they_lie, false},
    {"bfloat16", MX_BFLOAT16, {33, 150}, {150, 200}, 2, as_they_lie, true},
    {"bfloat16 transposed", MX_BFLOAT16, {33, 150}, {200, 150}, 2, transposed, true},
    {"bfloat16, a part", MX_BFLOAT16, {33, 150}, {150, 200}, 2, part, true},
    {"bfloat16, more rows", MX_BFLOAT16, {400, 150}, {200, 150}, 2, transposed, true},
    {"bfloat16, few weights", MX_BFLOAT16, {33, 4}, {4, 3}, 2, as_they_lie, false},
    {"bfloat16, few rows", MX_BFLOAT16, {3, 150}, {150, 200}, 2, as_they_lie, false},
    {"bfloat16 with bias", MX_BFLOAT16, {33, 150}, {150, 200}, 2, with_bias, true},
    {"float16", MX_FLOAT16, {33, 150}, {200, 150}, 2, transposed, true},
    {"float64", MX_FLOAT64, {33, 150}, {200, 150}, 2, transposed, true},
    {"complex64", MX_COMPLEX64, {33, 150}, {200, 150}, 2, transposed, true},
    {"squares", MX_FLOAT32, {1, 14, 14, 64}, {70, 3, 3, 64}, 4, squares, true},
    {"squares both ways", MX_FLOAT32, {1, 14, 14, 64}, {70, 3, 3, 64}, 4, turned_squares, true},
    {"squares of columns", MX_FLOAT32, {1, 14, 14, 64}, {3, 3, 64, 70}, 4, columns, true},
    {"squares in groups", MX_FLOAT32, {1, 14, 14, 128}, {96, 3, 3, 64}, 4, grouped, true},
    {"squares, many", MX_FLOAT32, {1, 64, 64, 64}, {70, 3, 3, 64}, 4, squares, false},
    {"stride 2", MX_FLOAT32, {1, 14, 14, 64}, {70, 3, 3, 64}, 4, strided, true},
    {"stride 2, few positions", MX_FLOAT32, {1, 7, 7, 64}, {70, 3, 3, 64}, 4, strided, true},
    {"the same in groups", MX_FLOAT32, {1, 7, 7, 64}, {70, 3, 3, 32}, 4, strided_groups, true},
    {"stride 2 in groups", MX_FLOAT32, {1, 14, 14, 64}, {70, 3, 3, 32}, 4, strided_groups, true},
    {"dilated", MX_FLOAT32, {1, 14, 14, 64}, {70, 3, 3, 64}, 4, phases, true},
    {"dilated both ways", MX_FLOAT32, {1, 14, 14, 64}, {70, 3, 3, 64}, 4, turned_phases, true},
    {"patches of bfloat16", MX_BFLOAT16, {1, 14, 14, 64}, {70, 3, 3, 64}, 4, squares, true},
    {"a plane", MX_FLOAT32, {1, 7, 7, 64}, {300, 1, 1, 64}, 4, plane, true},
    {"a plane, few outputs", MX_FLOAT32, {2, 14, 14, 64}, {70, 1, 1, 64}, 4, plane, true},
    {"a plane, many positions", MX_FLOAT32, {3, 14, 14, 64}, {70, 1, 1, 64}, 4, plane, false},
    {"a plane of float64", MX_FLOAT64, {1, 14, 14, 64}, {70, 1, 1, 64}, 4, plane, true},
};
enum { SETTINGS = sizeof settings / sizeof *settings, CALLS = 5 };

static mx_array *made(const int *shape, int ndim, unsigned seed, mx_dtype t) {
    mx_array *a = noise(shape, ndim, seed, t);
    return mx_eval1(a) ? a : NULL;
}

/* Is it bit for bit as the other? */
static bool same(mx_array *a, mx_array *b) {
    a = mx_contiguous(a, false);
    b = mx_contiguous(b, false);
    return a && b && mx_same_shape(a, b) && mx_eval((mx_array *[]){a, b}, 2) &&
           memcmp(a->data, b->data, (size_t)a->size * mx_itemsize(a)) == 0;
}

static mx_array *call(const setting *s, mx_array *x, mx_array *w) {
    mx_array *y = s->run(x, w);
    return mx_eval1(y) ? y : NULL;
}

static void check_calls(const setting *s) {
    mx_array *x = made(s->x, s->ndim, 1, s->dtype), *w = made(s->w, s->ndim, 2, s->dtype),
             *first = call(s, x, w);
    mx_mem_cache_clear();
    for (int i = 0; i < CALLS; i++)
        CHECK_MSG(same(call(s, x, w), first), "%s: call %d", s->name, i);
    mx_pool_set_threads(5);
    CHECK_MSG(same(call(s, x, w), first), "%s: five threads", s->name);
    mx_pool_set_threads(0);
    mx_mem_set_cache_limit((size_t)w->size * mx_itemsize(w) / 2); // its forms find no room
    CHECK_MSG(same(call(s, x, w), first), "%s: no room", s->name);
    mx_mem_set_cache_limit(ROOM);
}

static void bits_of_calls(void) {
    for (int i = 0; i < SETTINGS; i++) {
        mx_scope scope = mx_scope_open();
        check_calls(&settings[i]);
        mx_scope_close(scope);
    }
}

/* Are forms of w kept? They are counted as cached, and go with it. */
static bool keeps(const setting *s) {
    mx_scope scope = mx_scope_open();
    mx_array *x = made(s->x, s->ndim, 1, s->dtype), *w = made(s->w, s->ndim, 2, s->dtype);
    for (int i = 0; i < CALLS; i++)
        call(s, x, w);
    size_t bytes = mx_forms_bytes(&w->buffer->forms);
    CHECK_MSG(bytes <= mx_mem_cached(), "%s", s->name);
    mx_mem_cache_clear();
    CHECK_EQ_INT(mx_forms_bytes(&w->buffer->forms), 0);
    mx_scope_close(scope);
    return bytes > 0;
}

static void where_it_pays(void) {
    for (int i = 0; i < SETTINGS; i++)
        CHECK_MSG(keeps(&settings[i]) == settings[i].kept, "%s", settings[i].name);
}

/* w + w in w's own memory. */
static mx_array *doubled(mx_array *w) {
    const void *before = w->data;
    mx_array *y = mx_add(w, w);
    mx_array_release(w);
    CHECK(mx_eval1(y) && y->data == before);
    return mx_array_retain(y);
}

static void check_rewritten(const setting *s) {
    mx_scope scope = mx_scope_open();
    mx_array *x = made(s->x, s->ndim, 1, s->dtype);
    mx_scope inner = mx_scope_open();
    mx_array *w = mx_array_retain(made(s->w, s->ndim, 2, s->dtype)), *y = NULL;
    mx_scope_close(inner);
    for (int step = 0; step < 3 && w; step++) {
        inner = mx_scope_open();
        for (int i = 0; i < CALLS; i++)
            y = call(s, x, w);
        mx_array *copy = mx_contiguous(mx_mul_s(w, 1), false);
        CHECK_MSG(mx_eval1(copy) && same(call(s, x, copy), y), "%s: step %d", s->name, step);
        mx_scope_close(inner);
        inner = mx_scope_open();
        w = doubled(w);
        mx_scope_close(inner);
    }
    mx_array_release(w);
    mx_scope_close(scope);
}

static void weights_written_over(void) {
    for (int i = 0; i < SETTINGS; i++)
        check_rewritten(&settings[i]);
}

/* Four calls of which one allocation, the n-th, fails; a fifth. False: there are not so many. */
static bool fail_at(const setting *s, mx_array *x, mx_array *first, uint64_t n) {
    mx_scope scope = mx_scope_open();
    mx_array *w = made(s->w, s->ndim, 2, s->dtype);
    mx_alloc_fail_at(n);
    for (int i = 0; i < 4; i++) {
        call(s, x, w);
        mx_error_clear();
    }
    bool failed = mx_alloc_count() >= n;
    mx_alloc_fail_at(0);
    CHECK_MSG(same(call(s, x, w), first), "%s: allocation %d", s->name, (int)n);
    mx_scope_close(scope);
    return failed;
}

static void failing_allocations(void) {
    for (int i = 0; i < SETTINGS; i++) {
        const setting *s = &settings[i];
        if (!s->kept)
            continue;
        mx_scope scope = mx_scope_open();
        mx_array *x = made(s->x, s->ndim, 1, s->dtype),
                 *first = call(s, x, made(s->w, s->ndim, 2, s->dtype));
        uint64_t n = 1;
        while (n < 300 && fail_at(s, x, first, n))
            n++;
        CHECK_MSG(n > 4 && n < 300, "%s: %d allocations", s->name, (int)n);
        mx_scope_close(scope);
    }
}

int main(void) {
    size_t former = mx_mem_set_cache_limit(ROOM);
    RUN(bits_of_calls);
    RUN(where_it_pays);
    RUN(weights_written_over);
    RUN(failing_allocations);
    mx_mem_set_cache_limit(former);
    return check_done();
}
