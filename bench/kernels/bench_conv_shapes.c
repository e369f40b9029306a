/* Convolutions of well-known networks, forward and towards the input and the weight: name, best
 * milliseconds, GFLOP/s. bench/kernels/compare_conv.py runs this beside PyTorch.
 *
 *     bench_conv_shapes [substring]      runs the rows whose name contains it
 *
 * The name says all: model, images, side, channels > outputs, kernel, stride, groups.
 * BENCH_CPU=1 counts processor time instead of time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/status.h"
#include "graph/eval/eval.h"
#include "ops/conv/conv.h"
#include "ops/ops.h"

typedef struct shape {
    const char *model;
    int n, side, c, o, kernel, stride, groups;
} shape;

static const shape shapes[] = {
    {"resnet", 8, 224, 3, 64, 7, 2, 1},        {"resnet", 8, 56, 64, 64, 3, 1, 1},
    {"resnet", 8, 56, 64, 128, 3, 2, 1},       {"resnet", 8, 56, 64, 128, 1, 2, 1},
    {"resnet", 8, 28, 128, 128, 3, 1, 1},      {"resnet", 8, 28, 128, 256, 3, 2, 1},
    {"resnet", 8, 14, 256, 256, 3, 1, 1},      {"resnet", 1, 14, 256, 256, 3, 1, 1},
    {"resnet", 8, 7, 512, 512, 3, 1, 1},       {"resnet", 1, 7, 512, 512, 3, 1, 1},
    {"resnet", 8, 56, 256, 64, 1, 1, 1},       {"resnet", 8, 14, 256, 1024, 1, 1, 1},
    {"resnet", 8, 14, 1024, 2048, 1, 2, 1},    {"cifar", 64, 32, 3, 64, 3, 1, 1},
    {"cifar", 64, 32, 64, 64, 3, 1, 1},        {"cifar", 64, 16, 128, 128, 3, 1, 1},
    {"cifar", 64, 8, 256, 256, 3, 1, 1},       {"cifar", 64, 4, 512, 512, 3, 1, 1},
    {"mobilenet", 8, 224, 3, 16, 3, 2, 1},     {"mobilenet", 8, 112, 16, 16, 3, 1, 16},
    {"mobilenet", 8, 112, 64, 64, 3, 2, 64},   {"mobilenet", 8, 56, 72, 72, 3, 1, 72},
    {"mobilenet", 8, 56, 72, 72, 5, 2, 72},    {"mobilenet", 8, 28, 120, 120, 5, 1, 120},
    {"mobilenet", 8, 14, 480, 480, 3, 1, 480}, {"mobilenet", 8, 14, 672, 672, 5, 2, 672},
    {"mobilenet", 8, 7, 960, 960, 5, 1, 960},  {"unet", 2, 64, 320, 320, 3, 1, 1},
    {"unet", 2, 32, 640, 640, 3, 1, 1},        {"unet", 2, 16, 1280, 1280, 3, 1, 1},
    {"unet", 2, 8, 1280, 1280, 3, 1, 1},       {"vae", 1, 256, 128, 128, 3, 1, 1},
};
static const char *const towards[] = {"forward", "input", "weight"};

static clockid_t which_clock = CLOCK_MONOTONIC;

static double now_ms(void) {
    struct timespec t;
    clock_gettime(which_clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static mx_array *normal(int a, int b, int c, int d) {
    return mx_random_normal((int[]){a, b, c, d}, 4, MX_FLOAT32, NULL, NULL, mx_random_next_key());
}

typedef struct arrays {
    mx_array *x, *w, *g;
    mx_p_conv p;
    int kernel[2];
} arrays;

static mx_array *build(arrays *a, int way) {
    mx_p_conv_weight q = {a->p, {2, a->kernel}};
    return way == 0   ? mx_conv_general(a->x, a->w, &a->p)
           : way == 1 ? mx_conv_towards_input(&a->p, a->x, a->w, a->g)
                      : mx_apply2(MX_PRIM_conv_weight, &q, a->x, a->g);
}

static double once(arrays *a, int way) {
    mx_scope s = mx_scope_open();
    double start = now_ms();
    mx_array *y = build(a, way);
    double ms = y && mx_eval1(y) ? now_ms() - start : -1;
    if (ms < 0)
        fprintf(stderr, "%s\n", mx_error_message());
    mx_error_clear();
    mx_scope_close(s);
    return ms;
}

static double best_of(arrays *a, int way) {
    double best = once(a, way), spent = best;
    for (int i = 0; best >= 0 && i < 100 && (i < 4 || spent < 200); i++) {
        double ms = once(a, way);
        spent += ms;
        best = ms < best ? ms : best;
    }
    return best;
}

static void run(const shape *s, const char *only) {
    mx_scope scope = mx_scope_open();
    int pad[2] = {s->kernel / 2, s->kernel / 2}, stride[2] = {s->stride, s->stride},
        one[2] = {1, 1}, out = (s->side + 2 * pad[0] - s->kernel) / s->stride + 1;
    arrays a = {.x = normal(s->n, s->side, s->side, s->c),
                .w = normal(s->o, s->kernel, s->kernel, s->c / s->groups),
                .g = normal(s->n, out, out, s->o),
                .p = {{2, stride}, {2, pad}, {2, pad}, {2, one}, {2, one}, s->groups, false},
                .kernel = {s->kernel, s->kernel}};
    double work = 2.0 * s->n * out * out * s->o * s->kernel * s->kernel * s->c / s->groups;
    for (int way = 0; way < 3; way++) {
        char name[128];
        snprintf(name, sizeof name, "%s %dx%dx%dx%d > %d, %dx%d stride %d groups %d, %s", s->model,
                 s->n, s->side, s->side, s->c, s->o, s->kernel, s->kernel, s->stride, s->groups,
                 towards[way]);
        bool seen = !only || strstr(name, only);
        if (!seen || !mx_eval((mx_array *[]){a.x, a.w, a.g}, 3))
            continue;
        double ms = best_of(&a, way);
        printf("%s\t%.4f\t%.1f\n", name, ms, work / ms * 1e-6);
        fflush(stdout);
    }
    mx_scope_close(scope);
}

int main(int argc, char **argv) {
    which_clock = getenv("BENCH_CPU") ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
    mx_random_seed(0);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        run(&shapes[i], argc > 1 ? argv[1] : NULL);
    return 0;
}
