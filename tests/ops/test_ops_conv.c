/* Convolution: values against nested loops over random shapes, constants, dtypes, layouts,
 * derivatives, batching, empty arrays, refusals.
 */
#include "gradients.h"
#include "mlx/c/mlx.h"
#include "ops/conv/conv.h"
#include "tolerance.h"

/* --- the reference: nested loops in double ---------------------------------------- */

typedef struct setting {
    int nd, n, c, o, groups; /* c and o: channels of a group */
    int in[3], kernel[3], stride[3], low[3], high[3], spread[3], dilation[3];
    bool flip;
} setting;

static mx_p_conv params_of(const setting *s) {
    return (mx_p_conv){{s->nd, s->stride},   {s->nd, s->low}, {s->nd, s->high}, {s->nd, s->spread},
                       {s->nd, s->dilation}, s->groups,       s->flip};
}

static int out_size(const setting *s, int i) {
    int room = (s->in[i] - 1) * s->dilation[i] + 1 + s->low[i] + s->high[i] -
               ((s->kernel[i] - 1) * s->spread[i] + 1);
    return room < 0 ? 0 : room / s->stride[i] + 1;
}

/* The input element under tap t of position p along axis i, or -1. */
static int under(const setting *s, int i, int p, int t) {
    int at = p * s->stride[i] - s->low[i] + t * s->spread[i];
    if (at < 0 || at % s->dilation[i] || at / s->dilation[i] >= s->in[i])
        return -1;
    return at / s->dilation[i];
}

static double element(const setting *s, const double *x, const double *w, int n, const int *p,
                      int o) {
    double sum = 0;
    int taps = s->kernel[0] * s->kernel[1] * s->kernel[2], all = s->c * s->groups;
    for (int t = 0; t < taps; t++) {
        int t2 = t % s->kernel[2], t1 = t / s->kernel[2] % s->kernel[1],
            t0 = t / s->kernel[2] / s->kernel[1];
        int q0 = under(s, 0, p[0], t0), q1 = under(s, 1, p[1], t1), q2 = under(s, 2, p[2], t2);
        if (q0 < 0 || q1 < 0 || q2 < 0)
            continue;
        const double *px = x + (((n * s->in[0] + q0) * s->in[1] + q1) * s->in[2] + q2) * all;
        const double *pw = w + (o * taps + (s->flip ? taps - 1 - t : t)) * s->c;
        for (int c = 0; c < s->c; c++)
            sum += px[o / s->o * s->c + c] * pw[c];
    }
    return sum;
}

static double worst_error(const setting *s, const double *x, const double *w, const double *y) {
    double worst = 0;
    int size[3] = {out_size(s, 0), out_size(s, 1), out_size(s, 2)}, p[3];
    for (int n = 0; n < s->n; n++)
        for (p[0] = 0; p[0] < size[0]; p[0]++)
            for (p[1] = 0; p[1] < size[1]; p[1]++)
                for (p[2] = 0; p[2] < size[2]; p[2]++)
                    for (int o = 0; o < s->o * s->groups; o++)
                        worst = fmax(worst, fabs(*y++ - element(s, x, w, n, p, o)));
    return worst;
}

/* --- random settings -------------------------------------------------------------- */

static unsigned long long state;

static int pick(int low, int high) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return low + (int)((state >> 33) % (unsigned)(high - low + 1));
}

static setting random_setting(unsigned seed) {
    state = check_seed(seed) * 7919ull + 1;
    for (int i = 0; i < 4; i++)
        pick(0, 1);
    setting s = {.nd = pick(1, 3), .n = pick(1, 3), .groups = pick(0, 2) ? 1 : pick(2, 19)};
    s.c = pick(0, 2) ? pick(1, 6) : pick(1, 40);
    s.o = s.groups > 1 && pick(0, 1) ? 1 : pick(1, 20);
    s.c = s.groups > 1 && pick(0, 1) ? 1 : s.c;
    s.flip = pick(0, 1);
    for (int i = 0; i < 3;
         i++) { /* the loops see three axes, the missing ones last and of size 1 */
        bool there = i < s.nd;
        s.kernel[i] = there ? pick(1, 4) : 1;
        s.in[i] = there ? pick(1, s.nd == 3 ? 6 : 17) : 1;
        s.stride[i] = there ? pick(1, 3) : 1;
        s.spread[i] = there ? pick(0, 1) ? 1 : pick(1, 3) : 1;
        s.dilation[i] = there ? pick(0, 1) ? 1 : pick(1, 4) : 1;
        s.low[i] = there ? pick(0, 4) : 0;
        s.high[i] = there ? pick(0, 4) : 0;
        while (out_size(&s, i) < 1)
            s.in[i]++;
    }
    return s;
}

static const double *doubles(mx_array *a) {
    a = mx_contiguous(mx_astype(a, MX_FLOAT64), false);
    return a && mx_eval1(a) ? (const double *)a->data : NULL;
}

static mx_array *input_of(const setting *s, mx_dtype t) {
    int shape[5] = {s->n, s->in[0], s->in[1], s->in[2], s->c * s->groups};
    shape[s->nd + 1] = s->c * s->groups;
    return noise(shape, s->nd + 2, 1, t);
}
static mx_array *weight_of(const setting *s, mx_dtype t) {
    int shape[5] = {s->o * s->groups, s->kernel[0], s->kernel[1], s->kernel[2], s->c};
    shape[s->nd + 1] = s->c;
    return noise(shape, s->nd + 2, 2, t);
}

static void check_setting(unsigned seed, mx_dtype t) {
    mx_scope scope = mx_scope_open();
    setting s = random_setting(seed);
    mx_p_conv p = params_of(&s);
    mx_array *x = input_of(&s, t), *w = weight_of(&s, t), *y = mx_conv_general(x, w, &p);
    const double *r = doubles(y);
    int size = s.n * out_size(&s, 0) * out_size(&s, 1) * out_size(&s, 2) * s.o * s.groups;
    if (CHECK_MSG(r && y->dtype == t && y->size == size, "setting %u: %s", seed,
                  mx_error_message())) {
        double off = worst_error(&s, doubles(x), doubles(w), r);
        CHECK_MSG(off <= sum_tolerance(t, (double)w->size / w->shape[0]),
                  "setting %u (%dD, groups %d, c %d, o %d) %s: off by %g", seed, s.nd, s.groups,
                  s.c, s.o, mx_dtype_name(t), off);
    }
    mx_error_clear();
    mx_scope_close(scope);
}

static void values(void) {
    const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT64, MX_FLOAT16, MX_BFLOAT16};
    for (unsigned i = 0; i < 400; i++)
        check_setting(i, i % 2 ? MX_FLOAT32 : types[i / 2 % 4]);
}

/* Sizes that meet whole panels, several blocks, and the interior of images. */
static void check_size(int n, int side, int c, int o, int groups, int kernel, int stride, bool flip,
                       mx_dtype t) {
    mx_scope scope = mx_scope_open();
    setting s = {.nd = 2, .n = n, .c = c, .o = o, .groups = groups, .flip = flip};
    for (int i = 0; i < 3; i++) {
        bool there = i < 2;
        s.in[i] = there ? side : 1;
        s.kernel[i] = there ? kernel : 1;
        s.stride[i] = there ? stride : 1;
        s.low[i] = s.high[i] = there ? kernel / 2 : 0;
        s.spread[i] = s.dilation[i] = 1;
    }
    mx_p_conv p = params_of(&s);
    mx_array *x = input_of(&s, t), *w = weight_of(&s, t), *y = mx_conv_general(x, w, &p);
    const double *r = doubles(y);
    double off = r ? worst_error(&s, doubles(x), doubles(w), r) : 1;
    CHECK_MSG(off <= sum_tolerance(t, kernel * kernel * c), "side %d c %d o %d: %g %s", side, c, o,
              off, mx_error_message());
    mx_error_clear();
    mx_scope_close(scope);
}

static void sizes(void) {
    const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16};
    for (int i = 0; i < 3; i++) {
        check_size(2, 24, 32, 40, 1, 3, 1, false, types[i]);
        check_size(1, 17, 3, 16, 1, 7, 2, false, types[i]);
        check_size(2, 45, 3, 24, 1, 7, 2, false, types[i]);
        check_size(3, 21, 1, 8, 1, 5, 1, true, types[i]);
        check_size(1, 40, 8, 70, 1, 3, 3, false, types[i]);
        check_size(2, 16, 33, 70, 1, 1, 1, false, types[i]);
        check_size(1, 16, 16, 8, 2, 1, 1, false, types[i]);
        check_size(1, 16, 33, 8, 1, 1, 2, true, types[i]);
        check_size(2, 20, 1, 1, 50, 3, 1, false, types[i]);
        check_size(2, 20, 1, 2, 8, 5, 2, true, types[i]);
        check_size(1, 12, 4, 6, 4, 3, 1, true, types[i]);
        check_size(1, 21, 1, 1, 1, 4, 1, true, types[i]);
        check_size(2, 30, 5, 7, 1, 3, 3, false, types[i]);
        check_size(1, 20, 1, 1, 3, 5, 2, false, types[i]);
        check_size(1, 19, 4, 8, 3, 3, 1, true, types[i]);
        check_size(1, i ? 40 : 540, 1, 2, 1, 2, 1, false, types[i]); // lines of several segments
    }
}

/* --- constants, made with MLX 0.32 ------------------------------------------------ */

/* -3 -2 .. 3 -3 ..: element i is i mod 7 - 3. */
static mlx_array counted(const int *shape, int ndim) {
    float v[256];
    int n = 1;
    for (int i = 0; i < ndim; i++)
        n *= shape[i];
    for (int i = 0; i < n; i++)
        v[i] = (float)(i % 7 - 3);
    return mlx_array_new_data(v, shape, ndim, MLX_FLOAT32);
}
#define COUNTED(...) \
    counted((int[]){__VA_ARGS__}, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)))

static void check_floats(const char *what, int rc, mlx_array y, const float *want, size_t n) {
    bool ok = rc == 0 && mlx_array_eval(y) == 0 && mlx_array_size(y) == n;
    CHECK_MSG(ok, "%s failed or has another size", what);
    const float *v = ok ? mlx_array_data_float32(y) : NULL;
    for (size_t i = 0; v && i < n; i++)
        CHECK_MSG(v[i] == want[i], "%s[%zu]: %g, expected %g", what, i, (double)v[i],
                  (double)want[i]);
}
/* The arrays are freed after the call; y is the result's name inside it. */
#define GIVES(what, x, w, call, ...)                                   \
    do {                                                               \
        mlx_array y = mlx_array_new(), in = x, k = w;                  \
        const float want[] = {__VA_ARGS__};                            \
        check_floats(what, call, y, want, sizeof want / sizeof *want); \
        mlx_array_free(y);                                             \
        mlx_array_free(in);                                            \
        mlx_array_free(k);                                             \
    } while (0)

static void constants(void) {
    mlx_stream s = mlx_default_cpu_stream_new();
    GIVES("conv1d", COUNTED(1, 6, 2), COUNTED(2, 3, 2), mlx_conv1d(&y, in, k, 2, 1, 1, 1, s), 2, 8,
          -1, -10, 1, 24);
    GIVES("conv2d", COUNTED(1, 4, 4, 2), COUNTED(2, 2, 3, 1),
          mlx_conv2d(&y, in, k, 2, 1, 1, 0, 1, 1, 2, s), 1, 4, 7, -3, 11, -15, -2, -5, -1, -2, 1,
          15);
    GIVES("conv3d", COUNTED(1, 3, 2, 3, 1), COUNTED(1, 2, 2, 2, 1),
          mlx_conv3d(&y, in, k, 1, 1, 1, 0, 1, 0, 1, 1, 1, 1, s), 21, -1, 7, -3, -3, -5, -6, 21, 3,
          7, -1, -3);
    GIVES("conv_transpose1d", COUNTED(1, 3, 2), COUNTED(2, 3, 2),
          mlx_conv_transpose1d(&y, in, k, 2, 1, 1, 1, 1, s), 3, 8, -4, -5, 1, 2, -8, -3, -1, -4, 5,
          2);
    GIVES("conv_transpose2d", COUNTED(1, 2, 2, 2), COUNTED(2, 2, 3, 1),
          mlx_conv_transpose2d(&y, in, k, 2, 2, 0, 1, 1, 1, 1, 0, 2, s), 6, 6, 6, 4, 2, 0, -3, 0,
          -6, -2, -1, 0, -2, -6, -10, -13, -6, 9, 1, 0, 2, 5, 3, 0, 0, 0, 0, 0, 0, 0);
    GIVES("conv_transpose3d", COUNTED(1, 2, 1, 2, 1), COUNTED(1, 2, 2, 2, 1),
          mlx_conv_transpose3d(&y, in, k, 1, 2, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, s), 9, 12, 4, 3, 2,
          0, 0, -6, -4, -8, 3, 6, -1, -2, 0, -3, 3, 0);
    const int stride[] = {2, 1}, low[] = {1, 0}, high[] = {2, 1}, spread[] = {2, 1},
              dilation[] = {1, 2};
    GIVES("conv_general", COUNTED(1, 5, 3, 2), COUNTED(2, 3, 2, 2),
          mlx_conv_general(&y, in, k, stride, 2, low, 2, high, 2, spread, 2, dilation, 2, 1, true,
                           s),
          17, -10, -7, -1, -6, -7, 10, -7, -1, 10, -6, 2, 2, -6, 17, 2, -5, -1, -2, -5);
    GIVES("cut", COUNTED(1, 5, 1), COUNTED(1, 1, 1), /* the input is dilated, then cut */
          mlx_conv_transpose1d(&y, in, k, 2, 1, 1, 0, 1, s), 0, 6, 0, 3, 0, 0, 0);
    mlx_stream_free(s);
}

/* --- layouts, dtypes, empty arrays ------------------------------------------------ */

static mx_ints one(const int *v) {
    return (mx_ints){1, v};
}
static const int ONE = 1, TWO = 2, ZERO = 0;

static mx_array *plain(mx_array *x, mx_array *w, int groups) {
    return mx_conv(x, w, one(&ONE), one(&ONE), one(&ONE), groups);
}

static void check_same(const char *what, mx_array *a, mx_array *b, double tolerance) {
    const double *x = a ? doubles(a) : NULL, *y = b ? doubles(b) : NULL;
    CHECK_MSG(x && y && mx_same_shape(a, b), "%s: shapes differ or failed: %s", what,
              mx_error_message());
    double worst = 0;
    for (int64_t i = 0; x && y && i < a->size; i++)
        worst = fmax(worst, fabs(x[i] - y[i]));
    CHECK_MSG(worst <= tolerance, "%s: differ by %g", what, worst);
    mx_error_clear();
}

static void layouts(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = NOISE(1, 2, 4, 9, 8), *w = NOISE(2, 3, 4, 3, 3); /* channels first */
    x = mx_moveaxis(x, 1, -1);
    w = mx_moveaxis(w, 1, -1);
    check_same("channels first", plain(x, w, 1),
               plain(mx_contiguous(x, false), mx_contiguous(w, false), 1), 1e-13);
    mx_array *row = mx_broadcast_to(NOISE(3, 1, 5, 1), (int[]){2, 5, 4}, 3), *v = NOISE(4, 3, 3, 4);
    check_same("broadcast", plain(row, v, 1), plain(mx_contiguous(row, false), v, 1), 1e-13);
    mx_scope_close(s);
}

/* (a + bi)(c + di) by four real convolutions. */
static void complex_numbers(void) {
    mx_scope s = mx_scope_open();
    mx_array *a = NOISE(1, 2, 6, 4), *b = NOISE(2, 2, 6, 4), *c = NOISE(3, 6, 3, 2),
             *d = NOISE(4, 6, 3, 2);
    mx_complex64 unit = {0, 1};
    mx_array *i = mx_array_from(&unit, NULL, 0, MX_COMPLEX64);
    mx_array *x = mx_add(mx_astype(a, MX_COMPLEX64), mx_mul(mx_astype(b, MX_COMPLEX64), i)),
             *w = mx_add(mx_astype(c, MX_COMPLEX64), mx_mul(mx_astype(d, MX_COMPLEX64), i));
    mx_array *y = plain(x, w, 2);
    CHECK(y && y->dtype == MX_COMPLEX64);
    check_same("real part", mx_real(y), mx_sub(plain(a, c, 2), plain(b, d, 2)), 1e-5);
    check_same("imaginary part", mx_imag(y), mx_add(plain(a, d, 2), plain(b, c, 2)), 1e-5);
    mx_scope_close(s);
}

static void check_zero(const char *what, mx_array *y, const int *shape) {
    CHECK_MSG(y && mx_shape_is(y, shape, 3) && mx_eval1(y), "%s: %s", what, mx_error_message());
    CHECK_NEAR(value_of(mx_sum_all(mx_abs(y))), 0, 0);
    mx_error_clear();
}

static void empty(void) {
    mx_scope s = mx_scope_open();
    mx_array *w = NOISE(1, 6, 3, 4), *x = NOISE(2, 2, 5, 4);
    check_zero("no images", plain(NOISE(1, 0, 5, 4), w, 1), (int[]){0, 5, 6});
    check_zero("no channels", plain(NOISE(1, 2, 5, 0), NOISE(1, 6, 3, 0), 2), (int[]){2, 5, 6});
    check_zero("no outputs", plain(x, NOISE(1, 0, 3, 4), 1), (int[]){2, 5, 0});
    check_zero("no pixels", mx_conv(NOISE(1, 2, 0, 4), w, one(&ONE), one(&TWO), one(&ONE), 1),
               (int[]){2, 2, 6});
    mx_array *mixed = plain(mx_astype(x, MX_FLOAT16), mx_astype(w, MX_BFLOAT16), 1);
    CHECK(mixed && mixed->dtype == MX_FLOAT32);
    mx_scope_close(s);
}

/* --- derivatives and batching ----------------------------------------------------- */

static const setting *current;

static mx_array *current_conv(mx_array *const *x) {
    mx_p_conv p = params_of(current);
    return mx_conv_general(x[0], x[1], &p);
}

static mx_array *depthwise(mx_array *const *x) {
    return plain(x[0], x[1], 3);
}

static mx_array *twice(mx_array *const *x) {
    return mx_sum_all(mx_square(gradient_of(depthwise, x, 2)));
}

static void gradients(void) {
    for (unsigned i = 0; i < 60; i++) {
        mx_scope scope = mx_scope_open();
        setting s = random_setting(1000 + i);
        s.c = s.c % 5 + 1;
        s.o = s.o % 4 + 1;
        current = &s;
        char name[64];
        snprintf(name, sizeof name, "setting %u", 1000 + i);
        mx_array *x[2] = {input_of(&s, MX_FLOAT64), weight_of(&s, MX_FLOAT64)};
        check_gradients(name, current_conv, x, 2);
        mx_scope_close(scope);
    }
    mx_scope scope = mx_scope_open();
    mx_array *x[2] = {NOISE(1, 2, 6, 3), NOISE(2, 3, 3, 1)};
    check_gradients("depthwise", depthwise, x, 2);
    check_gradients("twice", twice, x, 2);
    mx_scope_close(scope);
}

/* The primitive's batching rule, against one convolution after another. */
static void check_batched(const char *what, bool over_x, bool over_w, int groups) {
    mx_scope s = mx_scope_open();
    enum { B = 3 };
    mx_array *x = over_x ? NOISE(1, 2, B, 5, 4) : NOISE(1, 2, 5, 4),
             *w = over_w ? noise((int[]){6, 3, 4 / groups, B}, 4, 2, MX_FLOAT64)
                         : noise((int[]){6, 3, 4 / groups}, 3, 2, MX_FLOAT64);
    mx_array *parts[B], *x0 = NULL, *w0 = NULL;
    for (int i = 0; i < B; i++) {
        x0 = over_x ? mx_squeeze_axis(mx_slice_axis(x, 1, i, i + 1), 1) : x;
        w0 = over_w ? mx_squeeze_axis(mx_slice_axis(w, 3, i, i + 1), 3) : w;
        parts[i] = plain(x0, w0, groups);
    }
    mx_array *y = plain(x0, w0, groups), *in[2] = {x, w}, *out[1] = {NULL};
    int axes[2] = {over_x ? 1 : -1, over_w ? 3 : -1}, out_axis[1] = {0};
    bool ok = y && mx_prims[MX_PRIM_conv]->vmap(y->node, in, axes, B, out, out_axis);
    CHECK_MSG(ok, "%s: %s", what, mx_error_message());
    if (ok)
        check_same(what, mx_moveaxis(out[0], out_axis[0], 0), mx_stack(parts, B, 0), 1e-13);
    mx_error_clear();
    mx_scope_close(s);
}

static void batching(void) {
    for (int groups = 1; groups <= 2; groups++) {
        check_batched("images", true, false, groups);
        check_batched("kernels", false, true, groups);
        check_batched("both", true, true, groups);
    }
}

/* --- refusals --------------------------------------------------------------------- */

static void refused(mx_array *y, const char *message) {
    CHECK_MSG(!y, "not refused: %s", message);
    CHECK_HAS(mx_error_message(), message);
    mx_error_clear();
}

static mx_array *strided(mx_array *x, mx_array *w, const int *stride, int n) {
    return mx_conv(x, w, (mx_ints){n, stride}, one(&ZERO), one(&ONE), 1);
}

static void refusals(void) {
    mx_scope s = mx_scope_open();
    mx_array *x = NOISE(1, 1, 5, 5, 4), *w = NOISE(2, 6, 3, 3, 4), *half = NOISE(2, 5, 3, 3, 2);
    refused(plain(x, w, 2),
            "Given groups=2 and weights of shape (6,3,3,4), expected to have 8 input "
            "channels but got 4 input channels instead.");
    refused(plain(x, w, 0), "groups must be positive");
    refused(plain(x, half, 2),
            "[conv] If groups > 1, the output channels must be divisible by the number "
            "of groups. Got 5 output channels and 2 groups.");
    refused(plain(x, half, 1),
            "[conv] Expect the input channels in the input and weight array to match but "
            "got shapes - input: (1,5,5,4) and weight: (5,3,3,2)");
    refused(plain(x, NOISE(1, 6, 3, 4), 1),
            "[conv] Invalid weight array with 3 dimensions for 2D "
            "convolution. Expected an array with 4 dimensions following "
            "the format [C_out, ..., C_in].");
    refused(plain(NOISE(1, 1, 5), NOISE(1, 2, 5), 1),
            "[conv] Only works for inputs with 1-3 spatial");
    refused(strided(x, w, (int[]){0, 0}, 2),
            "[conv] Stride sizes must be positive. Got strides (0,0).");
    refused(strided(x, w, (int[]){1, 2, 3}, 3),
            "[conv] Invalid strides (1,2,3) for 2D convolution.");
    refused(mx_conv(x, w, one(&ONE), (mx_ints){3, (int[]){1, 2, 3}}, one(&ONE), 1),
            "[conv] Invalid padding (1,2,3) | (1,2,3) for 2D convolution.");
    refused(mx_conv(x, w, one(&ONE), one(&ONE), one(&ZERO), 1),
            "[conv] Kernel dilation sizes must be positive. Got kernel dilation (0,0).");
    refused(mx_conv_transpose(x, w, one(&ZERO), one(&ONE), one(&ONE), one(&ZERO), 1),
            "[conv] Input dilation sizes must be positive. Got input dilation (0,0).");
    refused(plain(mx_astype(x, MX_INT32), w, 1),
            "[conv] Invalid input array with type int32. Convolution "
            "currently only supports floating point types");
    const int three = 3;
    refused(mx_conv(x, w, one(&ONE), one(&ZERO), one(&three), 1),
            "Got error at axis 1 for input with shape (1,5,5,4), padding low (0,0), padding high "
            "(0,0), "
            "and weight of shape (6,3,3,4).");
    refused(plain(x, NOISE(1, 6, 0, 3, 4), 1), "[conv] axis 1 of the weight is empty");
    mx_scope_close(s);
}

/* What float32 has kernels of its own for, against float64, which takes the products' way. */
static void check_ways(int channels, int outputs, int groups, int stride, int dilation, int up) {
    int pad = 2;
    mx_array *x = NOISE(1, 2, 9, 11, channels), *w = NOISE(2, outputs, 3, 2, channels / groups);
    mx_p_conv p = {{2, (int[]){stride, 1}},
                   {2, (int[]){pad, 1}},
                   {2, (int[]){pad, 0}},
                   {2, (int[]){dilation, 1}},
                   {2, (int[]){1, up}},
                   groups,
                   up > 1};
    mx_p_conv_weight q = {p, {2, (int[]){3, 2}}};
    mx_array *y = mx_conv_general(x, w, &p), *g = y ? noise(y->shape, 4, 3, MX_FLOAT64) : NULL;
    mx_array *d = mx_apply2(MX_PRIM_conv_weight, &q, x, g);
    mx_array *x1 = mx_astype(x, MX_FLOAT32),
             *y1 = mx_conv_general(x1, mx_astype(w, MX_FLOAT32), &p),
             *d1 = mx_apply2(MX_PRIM_conv_weight, &q, x1, mx_astype(g, MX_FLOAT32));
    CHECK_MSG(y1 && value_of(mx_allclose(y1, y, 1e-4, 1e-4, false)) == 1,
              "%d channels, %d outputs, %d groups, stride %d: %s", channels, outputs, groups,
              stride, mx_error_message());
    CHECK_MSG(d1 && value_of(mx_allclose(d1, d, 1e-3, 1e-3, false)) == 1,
              "%d channels, %d outputs, %d groups, stride %d, weights: %s", channels, outputs,
              groups, stride, mx_error_message());
    mx_error_clear();
}

static void ways_of_float32(void) {
    mx_scope s = mx_scope_open();
    for (int up = 1; up <= 3; up++)
        for (int stride = 1; stride <= 2; stride++)
            for (int dilation = 1; dilation <= 2; dilation++) {
                check_ways(40, 24, 1, stride, dilation, up);
                check_ways(96, 48, 2, stride, dilation, up);
                check_ways(3, 16, 1, stride, dilation, up);
                check_ways(1, 8, 1, stride, dilation, up);
                check_ways(8, 40, 1, stride, dilation, up);
                check_ways(32, 10, 1, stride, dilation, up);
                check_ways(1, 1, 1, stride, dilation, up);
                check_ways(5, 3, 1, stride, dilation, up);
                check_ways(4, 4, 4, stride, dilation, up);
                check_ways(12, 24, 3, stride, dilation, up);
            }
    mx_scope_close(s);
}

int main(void) {
    RUN(values);
    RUN(sizes);
    RUN(constants);
    RUN(layouts);
    RUN(complex_numbers);
    RUN(empty);
    RUN(gradients);
    RUN(batching);
    RUN(refusals);
    RUN(ways_of_float32);
    return check_done();
}
