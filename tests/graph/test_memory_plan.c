/* Peak memory: of a training step, compiled and not, against a count of the tensors that must live
 * at once; of a chain of layers with and without checkpoints. */
#include <stdlib.h>

#include "base/memory/cache.h"
#include "base/status.h"
#include "check.h"
#include "graph/eval/eval.h"
#include "ops/ops.h"
#include "transforms/compile.h"
#include "transforms/custom.h"
#include "transforms/transforms.h"

/* --- a step of an MLP 784-1024-1024-16 on 128 examples ---------------------------------------- */

enum { LAYERS = 3, PARAMS = 2 * LAYERS, BATCH = 128, MOMENTS = 3 };
static const int width[LAYERS + 1] = {784, 1024, 1024, 16};

static size_t parameter_bytes(void) {
    size_t n = 0;
    for (int l = 0; l < LAYERS; l++)
        n += (size_t)(width[l] + 1) * (size_t)width[l + 1];
    return n * sizeof(float);
}
static size_t row_bytes(int columns) {
    return (size_t)BATCH * (size_t)columns * sizeof(float);
}

static mx_array *filled(const int *shape, int ndim, double scale) {
    mx_array *a = mx_random_normal(shape, ndim, MX_FLOAT32, NULL, NULL, mx_random_next_key());
    a = mx_contiguous(mx_mul_s(a, scale), false);
    return mx_eval1(a) ? mx_array_retain(a) : NULL;
}

/* in: parameters, then x, then labels */
static bool loss(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    mx_array *h = in[PARAMS];
    (void)self, (void)n;
    for (int l = 0; l < LAYERS; l++) {
        h = mx_add(mx_matmul(h, in[2 * l]), in[2 * l + 1]);
        if (l < LAYERS - 1)
            h = mx_maximum(h, mx_zero_like(h));
    }
    mx_array *right = mx_take_along_axis(h, in[PARAMS + 1], -1);
    return mx_arrays_add(out, mx_mean(mx_sub(mx_logsumexp(h, (int[]){-1}, 1, true), right), NULL, 0,
                                      false));
}

/* in: parameters, x, labels -> new parameters */
static bool sgd(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    static const int argnums[PARAMS] = {0, 1, 2, 3, 4, 5};
    mx_closure f = mx_closure_local(loss, NULL);
    mx_arrays value = {0}, g = {0};
    (void)self;
    bool ok = mx_value_and_grad(&f, in, n, argnums, PARAMS, &value, &g);
    for (int i = 0; ok && i < PARAMS; i++)
        ok = mx_arrays_add(out, mx_sub(in[i], mx_mul_s(g.item[i], 0.1)));
    mx_arrays_free(&value);
    mx_arrays_free(&g);
    return ok;
}

/* in: parameters, x, labels, first moments, second moments -> all three anew */
static bool adam(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    static const int argnums[PARAMS] = {0, 1, 2, 3, 4, 5};
    mx_closure f = mx_closure_local(loss, NULL);
    mx_arrays value = {0}, g = {0};
    (void)self, (void)n;
    bool ok = mx_value_and_grad(&f, in, PARAMS + 2, argnums, PARAMS, &value, &g);
    for (int i = 0; ok && i < PARAMS; i++) {
        mx_array *m0 = in[PARAMS + 2 + i], *v0 = in[2 * PARAMS + 2 + i];
        mx_array *m = mx_add(mx_mul_s(m0, 0.9), mx_mul_s(g.item[i], 0.1));
        mx_array *v = mx_add(mx_mul_s(v0, 0.999), mx_mul_s(mx_square(g.item[i]), 0.001));
        mx_array *p = mx_sub(in[i], mx_mul_s(mx_div(m, mx_add_s(mx_sqrt(v), 1e-8)), 1e-3));
        ok = mx_arrays_add(out, p) && mx_arrays_add(out, m) && mx_arrays_add(out, v);
    }
    mx_arrays_free(&value);
    mx_arrays_free(&g);
    return ok;
}

static int make_state(mx_array **in, int copies) {
    int n = 0, x[2] = {BATCH, width[0]}, one[2] = {BATCH, 1};
    for (int k = 0; k < copies; k++) {
        for (int l = 0; l < LAYERS; l++) {
            in[n++] = filled((int[]){width[l], width[l + 1]}, 2, 0.05);
            in[n++] = filled(width + l + 1, 1, 0.1);
        }
        if (k == 0) {
            in[n++] = filled(x, 2, 1);
            mx_array *labels = mx_random_randint(mx_scalar(0, MX_INT32), mx_scalar(16, MX_INT32),
                                                 one, 2, MX_INT32, mx_random_next_key());
            in[n++] = mx_eval1(labels) ? mx_array_retain(labels) : NULL;
        }
    }
    return n;
}

static void one_step(mx_closure *f, mx_array *const *in, int n) {
    mx_scope s = mx_scope_open();
    mx_arrays out = {0};
    bool ok = f->call(f, in, n, &out);
    mx_scope_close(s); // so that only the results are wanted
    CHECK_MSG(ok && mx_eval(out.item, (int)out.count), "%s", mx_error_message());
    mx_arrays_free(&out);
}

/* The peak of a step, the second one: the first makes constants. */
static size_t peak_of(mx_closure_fn *fn, int copies, bool compiled) {
    mx_array *in[MOMENTS * PARAMS + 2];
    mx_scope s = mx_scope_open();
    int n = make_state(in, copies);
    mx_scope_close(s);
    mx_closure f = mx_closure_local(fn, NULL), *c = mx_compile(&f, false);
    mx_mem_cache_clear();
    one_step(compiled ? c : &f, in, n);
    mx_mem_cache_clear();
    mx_mem_peak_reset();
    one_step(compiled ? c : &f, in, n);
    size_t peak = mx_mem_peak();
    for (int i = 0; i < n; i++)
        mx_array_release(in[i]);
    mx_object_release(&c->object);
    return peak;
}

/* What must live while the last gradient, the first layer's, is made and applied: the old state,
   the new one, x and the cotangent of the first layer. */
static size_t live_at_the_end(int copies) {
    return 2 * (size_t)copies * parameter_bytes() + row_bytes(width[0]) + row_bytes(width[1]);
}

static void training_step(void) {
    static const struct {
        const char *name;
        mx_closure_fn *fn;
        int copies;
    } rows[] = {{"sgd", sgd, 1}, {"adam", adam, 3}};
    for (int i = 0; i < 2; i++)
        for (int compiled = 0; compiled < 2; compiled++) {
            double live = (double)live_at_the_end(rows[i].copies);
            double peak = (double)peak_of(rows[i].fn, rows[i].copies, compiled);
            CHECK_MSG(peak <= 1.1 * live, "%s%s: peak %.0f, live %.0f", rows[i].name,
                      compiled ? ", compiled" : "", peak, live);
        }
}

/* --- checkpoints ------------------------------------------------------------------------------ */

enum { BLOCKS = 6, DEPTH = 5, ROWS = 2048, WIDE = 32 };

/* in: h (ROWS,WIDE), w (WIDE,WIDE) */
static bool block(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    mx_array *h = in[0];
    (void)self, (void)n;
    for (int i = 0; i < DEPTH; i++)
        h = mx_tanh(mx_matmul(h, in[1]));
    return mx_arrays_add(out, h);
}

/* The sum of the last block's result; self's payload is the block. */
static bool blocks(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    mx_closure *f = self->payload;
    mx_array *h = in[0];
    bool ok = true;
    for (int i = 0; ok && i < BLOCKS; i++) {
        mx_arrays y = {0};
        ok = f->call(f, (mx_array *[]){h, in[1]}, n, &y);
        h = ok ? mx_own(mx_array_retain(y.item[0])) : NULL;
        mx_arrays_free(&y);
    }
    return ok && mx_arrays_add(out, mx_sum_all(h));
}

static bool gradient(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    mx_closure f = mx_closure_local(blocks, self->payload);
    mx_arrays value = {0};
    bool ok = mx_value_and_grad(&f, in, n, (int[]){0, 1}, 2, &value, out);
    mx_arrays_free(&value);
    return ok;
}

/* The peak above the inputs, in activations; *w: an element of the gradient towards the weights. */
static double activations_at_peak(mx_closure *inner, bool compiled, float *w) {
    mx_scope s = mx_scope_open();
    mx_array *in[2];
    mx_random_seed(4);
    in[0] = filled((int[]){ROWS, WIDE}, 2, 1);
    in[1] = filled((int[]){WIDE, WIDE}, 2, 0.2);
    mx_scope_close(s);
    mx_closure g = mx_closure_local(gradient, inner), *c = mx_compile(&g, false);
    mx_closure *f = compiled ? c : &g;
    mx_arrays out = {0};
    s = mx_scope_open();
    mx_mem_cache_clear();
    mx_mem_peak_reset();
    size_t before = mx_mem_active();
    bool ok = f->call(f, in, 2, &out);
    mx_scope_close(s);
    CHECK_MSG(ok && mx_eval(out.item, 2), "%s", mx_error_message());
    double peak = (double)(mx_mem_peak() - before) / (ROWS * WIDE * sizeof(float));
    *w = ((const float *)(const void *)out.item[1]->data)[7];
    mx_arrays_free(&out);
    mx_array_release(in[0]);
    mx_array_release(in[1]);
    mx_object_release(&c->object);
    return peak;
}

/* Plain: one activation a layer. Checkpoints: one a block, and one block's layers again. */
static void checkpoints(void) {
    for (int compiled = 0; compiled < 2; compiled++) {
        float w, again;
        mx_closure plain = mx_closure_local(block, NULL), *saving = mx_checkpoint(&plain);
        double all = activations_at_peak(&plain, compiled, &w),
               few = activations_at_peak(saving, compiled, &again);
        CHECK_MSG(all >= BLOCKS * DEPTH - 1 && few <= BLOCKS + DEPTH + 6,
                  "%d: %.1f activations, with checkpoints %.1f", compiled, all, few);
        CHECK_NEAR(w, again, 1e-6 * fabs(w));
        mx_object_release(&saving->object);
    }
}

int main(void) {
    mx_random_seed(1);
    RUN(training_step);
    RUN(checkpoints);
    return check_done();
}
