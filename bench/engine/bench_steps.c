/* Steps of many small parts, on one thread and on all.
 *
 *     nodes      the decoding of a small model: products with a row, norms, sums; each part needs
 *                the one before
 *     adam       an optimizer's update of a hundred arrays, which need each other nowhere; built
 *                and evaluated, and compiled
 */
#include <stdio.h>
#include <time.h>

#include "base/threads/pool.h"
#include "graph/eval/eval.h"
#include "ops/ops.h"
#include "transforms/compile.h"

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static mx_array *noise(int rows, int cols, uint64_t seed) {
    return mx_random_normal((int[]){rows, cols}, 2, MX_FLOAT32, NULL, NULL, mx_random_key(seed));
}

/* --- nodes ------------------------------------------------------------------------------------ */

enum { LAYERS = 100, OF_LAYER = 8, ROUNDS = 100 };

static mx_array *layer(mx_array *x, mx_array *w) {
    static const int last[1] = {1};
    mx_array *h = mx_softmax(x, last, 1, false), *q = mx_matmul(h, w), *k = mx_matmul(h, w);
    return mx_add(x, mx_mul(mx_tanh(q), mx_sum(mx_mul(q, k), last, 1, true)));
}

static void nodes(int width, int threads) {
    mx_scope s = mx_scope_open();
    mx_array *in[2] = {noise(1, width, 1), mx_mul_s(noise(width, width, 2), 0.05)};
    double built = 1e9, done = 1e9;
    mx_pool_set_threads(threads);
    mx_eval(in, 2);
    for (int r = 0; r < ROUNDS; r++) {
        mx_scope t = mx_scope_open();
        double start = now_us();
        mx_array *x = in[0];
        for (int i = 0; i < LAYERS; i++)
            x = layer(x, in[1]);
        double middle = now_us();
        mx_eval1(x);
        double end = now_us();
        built = middle - start < built ? middle - start : built;
        done = end - middle < done ? end - middle : done;
        mx_scope_close(t);
    }
    printf("%d nodes, rows of %d, %d threads\tbuild %.3f us, eval %.3f us a node\n",
           LAYERS * OF_LAYER, width, mx_pool_threads(), built / LAYERS / OF_LAYER,
           done / LAYERS / OF_LAYER);
    mx_scope_close(s);
}

/* --- adam ------------------------------------------------------------------------------------- */

enum { PARAMETERS = 100, EACH = 4, COLS = 64 };

/* in: parameter, gradient and the two moments of each. */
static bool update(mx_closure *self, mx_array *const *in, int n, mx_arrays *out) {
    (void)self;
    for (int i = 0; i < n; i += EACH) {
        mx_array *p = in[i], *g = in[i + 1], *m = in[i + 2], *v = in[i + 3];
        m = mx_add(mx_mul_s(m, 0.9), mx_mul_s(g, 0.1));
        v = mx_add(mx_mul_s(v, 0.999), mx_mul_s(mx_square(g), 0.001));
        p = mx_sub(p, mx_div(mx_mul_s(m, 1e-3), mx_add_s(mx_sqrt(v), 1e-8)));
        if (!mx_arrays_add(out, p) || !mx_arrays_add(out, m) || !mx_arrays_add(out, v))
            return false;
    }
    return true;
}

static double least(mx_closure *f, mx_array *const *in) {
    double best = 1e9;
    for (int r = 0; r < ROUNDS; r++) {
        mx_arrays out = {0};
        mx_scope t = mx_scope_open();
        double start = now_us();
        bool ok =
            mx_closure_call(f, in, EACH * PARAMETERS, &out) && mx_eval(out.item, (int)out.count);
        double took = now_us() - start;
        best = ok && took < best ? took : best;
        mx_arrays_free(&out);
        mx_scope_close(t);
    }
    return best;
}

static void adam(int rows, int threads) {
    mx_scope s = mx_scope_open();
    mx_array *in[EACH * PARAMETERS];
    mx_closure plain = mx_closure_local(update, NULL);
    mx_closure *compiled = mx_compile(&plain, false);
    mx_pool_set_threads(threads);
    for (int i = 0; i < EACH * PARAMETERS; i++) // some shapes, as parameters have
        in[i] = mx_abs(noise(rows + i / EACH % 7, COLS, (uint64_t)i));
    if (compiled && mx_eval(in, EACH * PARAMETERS))
        printf("adam, %d arrays of about %dx%d, %d threads\t%.0f us, compiled %.0f us\n",
               PARAMETERS, rows, COLS, mx_pool_threads(), least(&plain, in), least(compiled, in));
    if (compiled)
        mx_object_release(&compiled->object);
    mx_scope_close(s);
}

int main(void) {
    for (int threads = 1; threads >= 0; threads--) { // one, then as many as there are
        nodes(8, threads);
        nodes(64, threads);
        nodes(576, threads);
        adam(16, threads);
        adam(64, threads);
        adam(256, threads);
    }
    return 0;
}
