/* Products and squares of complex64 in vectors, of every instruction set, against those of their
 * parts one by one: the same bits, on both sides of every vector, also in place; where both parts
 * are NaN, C's product, whose infinities are Annex G's. */
#include <complex.h>
#include <math.h>
#include <string.h>

#include "check.h"
#include "kernels/kernels.h"
#include "kernels/pointwise/k_pointwise.h"

enum { N = 100 };

typedef float _Complex cf;

static const float parts[] = {0.0f,    -0.0f, 1.5f, -2.25f, INFINITY, -INFINITY, NAN,    1e30f,
                              -1e-30f, 3e38f, 7.0f, -0.1f,  0.3f,     1e-45f,    -11.0f, 2.0f};

static uint32_t state;

static float any(void) {
    state = state * 1664525u + 1013904223u;
    uint32_t roll = state >> 8;
    return roll % 4 ? (float)(roll % 4096) / 64.0f - 31.0f
                    : parts[roll / 4 % (sizeof parts / sizeof *parts)];
}

static void fill(float *to) {
    for (int i = 0; i < 2 * N; i++)
        to[i] = any();
}

/* Each product is rounded before they meet. */
static void product(float *to, const float *a, const float *b) {
    volatile float xu = a[0] * b[0], yv = a[1] * b[1], xv = a[0] * b[1], yu = a[1] * b[0];
    to[0] = xu - yv;
    to[1] = xv + yu;
    if (isnan(to[0]) && isnan(to[1])) {
        cf x, y, z;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        z = x * y;
        memcpy(to, &z, sizeof z);
    }
}

static bool same(const float *a, const float *b, int n) {
    for (int i = 0; i < n; i++)
        if (memcmp(a + i, b + i, sizeof *a) && !(isnan(a[i]) && isnan(b[i])))
            return false;
    return true;
}

static void check(const mx_kernels *k, const float *a, const float *b, int n) {
    float want[2 * N], square[2 * N], got[2 * N + 1];
    for (int i = 0; i < n; i++) {
        product(want + 2 * i, a + 2 * i, b + 2 * i);
        product(square + 2 * i, a + 2 * i, a + 2 * i);
    }
    got[2 * n] = 12345;
    k->pointwise->op[MX_PW_multiply][MX_COMPLEX64].binary(got, a, b, (size_t)n);
    CHECK_MSG(same(got, want, 2 * n) && got[2 * n] == 12345, "%s: %d products", k->name, n);
    memcpy(got, b, 2 * (size_t)n * sizeof *got);
    k->pointwise->op[MX_PW_multiply][MX_COMPLEX64].binary(got, a, got, (size_t)n);
    CHECK_MSG(same(got, want, 2 * n), "%s: %d products in place", k->name, n);
    k->pointwise->op[MX_PW_square][MX_COMPLEX64].unary(got, a, (size_t)n);
    CHECK_MSG(same(got, square, 2 * n), "%s: %d squares", k->name, n);
}

static void products(void) {
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    state = (uint32_t)check_seed(5);
    for (int round = 0; round < 20; round++) {
        float a[2 * N], b[2 * N];
        fill(a);
        fill(b);
        for (int i = 0; i < count; i++)
            for (int n = 0; n <= N; n += n < 40 ? 1 : 20)
                check(all[i], a, b, n);
    }
}

int main(void) {
    RUN(products);
    return check_done();
}
