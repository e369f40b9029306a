/* One training step, whole: forward, gradients, Adam, evaluated. An MLP 784-1024-1024-10, batch
   128, float32. */
#include <stdio.h>
#include <time.h>

#include "base/status.h"
#include "graph/eval/eval.h"
#include "ops/ops.h"
#include "transforms/transforms.h"

enum { LAYERS = 3, PARAMS = 2 * LAYERS, BATCH = 128, STEPS = 60 };
static const int width[LAYERS + 1] = {784, 1024, 1024, 10};

typedef struct model {
    mx_array *p[PARAMS], *m[PARAMS], *v[PARAMS], *x, *labels;
} model;

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void keep(mx_array **slot, mx_array *a) {
    mx_array_retain(a);
    mx_array_release(*slot);
    *slot = a;
}

static void init(model *s) {
    mx_scope scope = mx_scope_open();
    mx_random_seed(0);
    for (int l = 0; l < LAYERS; l++) {
        int shape[2] = {width[l], width[l + 1]};
        mx_array *w = mx_random_normal(shape, 2, MX_FLOAT32, NULL, NULL, mx_random_next_key());
        keep(&s->p[2 * l], mx_mul_s(w, 0.03));
        keep(&s->p[2 * l + 1], mx_zeros(shape + 1, 1, MX_FLOAT32));
    }
    for (int i = 0; i < PARAMS; i++) {
        keep(&s->m[i], mx_zeros_like(s->p[i]));
        keep(&s->v[i], mx_zeros_like(s->p[i]));
    }
    int shape[2] = {BATCH, width[0]}, one[2] = {BATCH, 1};
    keep(&s->x, mx_random_normal(shape, 2, MX_FLOAT32, NULL, NULL, mx_random_next_key()));
    keep(&s->labels, mx_random_randint(mx_scalar(0, MX_INT32), mx_scalar(10, MX_INT32), one, 2,
                                       MX_INT32, mx_random_next_key()));
    mx_scope_close(scope);
}

static bool loss(mx_closure *self, mx_array *const *p, int n, mx_arrays *out) {
    const model *s = self->payload;
    mx_array *h = s->x;
    static const int last[1] = {-1};
    (void)n;
    for (int l = 0; l < LAYERS; l++) {
        h = mx_add(mx_matmul(h, p[2 * l]), p[2 * l + 1]);
        if (l < LAYERS - 1)
            h = mx_maximum(h, mx_zero_like(h));
    }
    mx_array *right = mx_take_along_axis(h, s->labels, -1);
    return mx_arrays_add(out,
                         mx_mean(mx_sub(mx_logsumexp(h, last, 1, true), right), NULL, 0, false));
}

static void adam(model *s, int i, mx_array *g) {
    mx_array *m = mx_add(mx_mul_s(s->m[i], 0.9), mx_mul_s(g, 0.1));
    mx_array *v = mx_add(mx_mul_s(s->v[i], 0.999), mx_mul_s(mx_square(g), 0.001));
    keep(&s->p[i], mx_sub(s->p[i], mx_mul_s(mx_div(m, mx_add_s(mx_sqrt(v), 1e-8)), 1e-3)));
    keep(&s->m[i], m);
    keep(&s->v[i], v);
}

static bool step(model *s) {
    static const int argnums[PARAMS] = {0, 1, 2, 3, 4, 5};
    mx_closure f = mx_closure_local(loss, s);
    mx_arrays value = {0}, grads = {0};
    mx_scope scope = mx_scope_open();
    bool ok = mx_value_and_grad(&f, s->p, PARAMS, argnums, PARAMS, &value, &grads);
    for (int i = 0; ok && i < PARAMS; i++)
        adam(s, i, grads.item[i]);
    mx_arrays_free(&grads);
    mx_arrays_free(&value);
    mx_scope_close(scope);
    mx_array *all[3 * PARAMS];
    for (int i = 0; i < PARAMS; i++) {
        all[i] = s->p[i];
        all[PARAMS + i] = s->m[i];
        all[2 * PARAMS + i] = s->v[i];
    }
    return ok && mx_eval(all, 3 * PARAMS);
}

int main(void) {
    static model s;
    double best = 1e9;
    init(&s);
    for (int i = 0; i < STEPS; i++) {
        double start = now_ms();
        if (!step(&s)) {
            fprintf(stderr, "%s\n", mx_error_message());
            return 1;
        }
        double ms = now_ms() - start;
        best = ms < best ? ms : best;
    }
    printf("MLP training step\t%.4f\n", best);
    return 0;
}
