/* The transforms of F(2x2, 3x3) of every instruction set: put together they are a convolution and
 * its derivative. Small whole numbers, so that float32 is exact.
 */
#include "kernel_values.h"
#include "kernels/conv/k_conv.h"

enum { MOST = 40, STEP = MOST + 3, GUARD = 7 };

typedef struct square {
    float d[16][MOST], g[9][MOST], y[4][MOST], w[9][MOST]; /* patch, taps, results, derivatives */
    float v[16 * STEP], u[16 * STEP], e[16 * STEP], m[16 * STEP];
} square;

static void fill(float (*rows)[MOST], int count) {
    for (int i = 0; i < count; i++)
        for (int c = 0; c < MOST; c++)
            rows[i][c] = (float)((int)kv_below(7) - 3);
}

static void list(const float **to, float (*rows)[MOST], int count) {
    for (int i = 0; i < count; i++)
        to[i] = rows[i];
}

/* m = a b element by element; y, w and what lies behind n elements of a row get the guard. */
static void multiply(square *s, const float *a, const float *b) {
    for (int i = 0; i < 16 * STEP; i++)
        s->m[i] = a[i] * b[i];
    for (int c = 0; c < MOST; c++) {
        for (int i = 0; i < 4; i++)
            s->y[i][c] = GUARD;
        for (int i = 0; i < 9; i++)
            s->w[i][c] = GUARD;
    }
}

static int wrong_results(const square *s, int n, int skipped) {
    int bad = 0;
    for (int i = 0; i < 4; i++)
        for (int c = 0; c < MOST; c++) {
            float sum = 0;
            for (int t = 0; t < 9; t++)
                sum += s->d[(i / 2 + t / 3) * 4 + i % 2 + t % 3][c] * s->g[t][c];
            bad += s->y[i][c] != (c < n && i != skipped ? sum : GUARD);
        }
    return bad;
}

static void check_results(const mx_kernels *set, square *s, int n, int skipped) {
    const mx_k_winograd *k = set->conv->winograd;
    const float *d[16], *g[9], *m = s->m;
    float *y[4];
    list(d, s->d, 16);
    list(g, s->g, 9);
    for (int i = 0; i < 4; i++)
        y[i] = i == skipped ? NULL : s->y[i];
    k->patch(&(mx_k_winograd_args){.from = d, .to = s->v, .step = STEP, .n = n});
    k->filter(&(mx_k_winograd_args){.from = g, .to = s->u, .step = STEP, .n = n});
    multiply(s, s->v, s->u);
    bool finite = k->result(&(mx_k_winograd_args){.from = &m, .out = y, .step = STEP, .n = n});
    CHECK_MSG(finite && wrong_results(s, n, skipped) == 0, "%s: %d channels", set->name, n);
    s->m[5 * STEP + n - 1] = INFINITY;
    CHECK(!k->result(&(mx_k_winograd_args){.from = &m, .out = y, .step = STEP, .n = n}));
    s->m[5 * STEP + n - 1] = NAN;
    CHECK(!k->result(&(mx_k_winograd_args){.from = &m, .out = y, .step = STEP, .n = n}));
}

/* Rows of squares as k_winograd.h says. */
static void turn_rows(const mx_k_winograd *k, square *s, float (*cotangents)[MOST], int n) {
    static const int patch[4][2] = {{0, 2}, {1, 2}, {2, 1}, {1, 3}},
                     cotangent[4][2] = {{0, 2}, {0, 1}, {0, 1}, {2, 1}};
    static const bool patch_add[4] = {false, true, false, false},
                      cotangent_add[4] = {true, true, false, false};
    for (int r = 0; r < 4; r++) {
        const float *d[8], *e[4];
        list(d, s->d + 4 * patch[r][0], 4);
        list(d + 4, s->d + 4 * patch[r][1], 4);
        list(e, cotangents + 2 * cotangent[r][0], 2);
        list(e + 2, cotangents + 2 * cotangent[r][1], 2);
        k->patch_row(&(mx_k_winograd_args){d, s->v + 4 * r * STEP, NULL, STEP, n, patch_add[r]});
        k->cotangent_row(&(mx_k_winograd_args){e, s->e + 4 * r * STEP, NULL, STEP, n,
                                               cotangent_add[r]});
    }
}

static int wrong_derivatives(const square *s, float (*cotangents)[MOST], int n) {
    int bad = 0;
    for (int t = 0; t < 9; t++)
        for (int c = 0; c < MOST; c++) {
            float sum = 0;
            for (int i = 0; i < 4; i++)
                sum += s->d[(i / 2 + t / 3) * 4 + i % 2 + t % 3][c] * cotangents[i][c];
            bad += s->w[t][c] != (c < n ? sum : GUARD);
        }
    return bad;
}

static void check_derivatives(const mx_kernels *set, square *s, int n) {
    const mx_k_winograd *k = set->conv->winograd;
    float cotangents[6][MOST] = {{0}}, *w[9]; /* the last line: zeros */
    const float *m = s->m;
    fill(cotangents, 4);
    for (int i = 0; i < 9; i++)
        w[i] = s->w[i];
    turn_rows(k, s, cotangents, n);
    multiply(s, s->v, s->e);
    bool finite = k->gradient(&(mx_k_winograd_args){.from = &m, .out = w, .step = STEP, .n = n});
    CHECK_MSG(finite && wrong_derivatives(s, cotangents, n) == 0, "%s: %d channels", set->name, n);
    s->m[6 * STEP] = -INFINITY;
    CHECK(!k->gradient(&(mx_k_winograd_args){.from = &m, .out = w, .step = STEP, .n = n}));
}

static void transforms(void) {
    static square s;
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int i = 0; i < count; i++)
        for (int n = 1; n < MOST; n++) {
            memset(&s, 0, sizeof s);
            fill(s.d, 16);
            fill(s.g, 9);
            check_results(sets[i], &s, n, n % 5);
            check_derivatives(sets[i], &s, n);
        }
}

int main(void) {
    RUN(transforms);
    return check_done();
}
