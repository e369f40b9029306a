/* Convolutions of float32 with few positions, which read their weights where they lie: against
 * float64, which takes other ways; that bits depend neither on threads nor on the other images,
 * with which there are too many positions for it; allocations that fail.
 */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/threads/pool.h"
#include "gradients.h"
#include "ops/conv/conv.h"
#include "tolerance.h"

typedef struct setting {
    int down, across, c, o, groups, kernel, stride, low, high; /* c and o: of a group */
    bool flip;
} setting;

static const setting settings[] = {
    {7, 7, 40, 140, 1, 1, 2, 0, 0, false}, {14, 14, 24, 98, 1, 3, 2, 1, 1, false},
    {5, 3, 33, 77, 1, 1, 2, 0, 0, true},   {9, 9, 16, 130, 1, 5, 2, 2, 2, true},
    {4, 6, 70, 50, 2, 2, 1, 0, 1, false},  {3, 3, 300, 64, 1, 3, 1, 0, 0, false},
    {8, 8, 12, 75, 3, 3, 2, 0, 2, true},   {2, 2, 130, 19, 1, 3, 1, 1, 1, false},
    {13, 13, 9, 9, 1, 13, 1, 0, 0, false}};
enum { SETTINGS = sizeof settings / sizeof *settings, IMAGES = 70 };

typedef struct operands {
    mx_array *x, *w; /* x: IMAGES */
} operands;

static operands operands_of(const setting *s) {
    return (operands){
        mx_astype(NOISE(1, IMAGES, s->down, s->across, s->c * s->groups), MX_FLOAT32),
        mx_astype(NOISE(2, s->o * s->groups, s->kernel, s->kernel, s->c), MX_FLOAT32)};
}

static mx_array *conv_of(const setting *s, mx_array *x, mx_array *w) {
    const int stride[2] = {s->stride, s->stride}, low[2] = {s->low, s->low},
              high[2] = {s->high, s->high}, one[2] = {1, 1};
    mx_p_conv p = {{2, stride}, {2, low}, {2, high}, {2, one}, {2, one}, s->groups, s->flip};
    return mx_conv_general(x, w, &p);
}

static mx_array *image(mx_array *x, int i) {
    return mx_slice_axis(x, 0, i, i + 1);
}

static bool same_bits(mx_array *a, mx_array *b) {
    a = mx_contiguous(a, false);
    b = mx_contiguous(b, false);
    return a && b && mx_same_shape(a, b) && mx_eval((mx_array *[]){a, b}, 2) &&
           memcmp(a->data, b->data, (size_t)a->size * mx_itemsize(a)) == 0;
}

static void values(void) {
    for (int i = 0; i < SETTINGS; i++) {
        mx_scope scope = mx_scope_open();
        const setting *s = &settings[i];
        operands a = operands_of(s);
        mx_array *x = image(a.x, 0),
                 *wide = conv_of(s, mx_astype(x, MX_FLOAT64), mx_astype(a.w, MX_FLOAT64)),
                 *off = mx_abs(mx_sub(mx_astype(conv_of(s, x, a.w), MX_FLOAT64), wide));
        double worst = off ? value_of(mx_reduce(MX_MAX, off, NULL, 0, false)) : NAN;
        CHECK_MSG(worst <= sum_tolerance(MX_FLOAT32, s->kernel * s->kernel * s->c),
                  "setting %d: off by %g %s", i, worst, mx_error_message());
        mx_scope_close(scope);
    }
}

static void other_images(void) {
    for (int i = 0; i < SETTINGS; i++) {
        mx_scope scope = mx_scope_open();
        operands a = operands_of(&settings[i]);
        mx_array *all = conv_of(&settings[i], a.x, a.w);
        for (int k = 0; k < IMAGES; k += 23)
            CHECK_MSG(same_bits(image(all, k), conv_of(&settings[i], image(a.x, k), a.w)),
                      "setting %d, image %d", i, k);
        mx_scope_close(scope);
    }
}

static void threads(void) {
    for (int i = 0; i < SETTINGS; i++) {
        mx_scope scope = mx_scope_open();
        operands a = operands_of(&settings[i]);
        mx_array *y[2];
        for (int k = 0; k < 2; k++) {
            mx_pool_set_threads(k ? 7 : 1);
            y[k] = conv_of(&settings[i], image(a.x, 1), a.w);
            CHECK(mx_eval1(y[k]));
        }
        mx_pool_set_threads(0);
        CHECK_MSG(same_bits(y[0], y[1]), "setting %d", i);
        mx_scope_close(scope);
    }
}

/* The n-th allocation of an evaluation fails: then it says so, and may be tried again. */
static void no_memory(void) {
    mx_scope scope = mx_scope_open();
    operands a = operands_of(&settings[1]);
    mx_array *x = mx_contiguous(image(a.x, 0), false), *wanted = conv_of(&settings[1], x, a.w);
    CHECK(mx_eval((mx_array *[]){x, a.w, wanted}, 3));
    bool done = false;
    for (uint64_t n = 1; !done && n < 1000; n++) {
        mx_array *y = conv_of(&settings[1], x, a.w);
        mx_alloc_fail_at(n);
        bool ok = mx_eval1(y);
        mx_alloc_fail_at(0);
        done = ok;
        CHECK(ok || mx_error_status() == MX_NOMEM);
        mx_error_clear();
        CHECK_MSG(same_bits(y, wanted), "after allocation %d", (int)n);
    }
    CHECK(done);
    mx_scope_close(scope);
}

int main(void) {
    RUN(values);
    RUN(other_images);
    RUN(threads);
    RUN(no_memory);
    return check_done();
}
