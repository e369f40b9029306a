/* hadamard_transform: values, its transposed matrix in derivatives, long lines, refusals. */
#include "gradients.h"
#include "cases/op_check.h"

static void values_of_lines(void) {
    const double one = 1, two = 2;
    IS(mx_hadamard_transform(VECTOR(FLOAT32, 1, 2, 3, 4), NULL),
       "array([5, -1, -2, 0], dtype=float32)");
    IS(mx_hadamard_transform(VECTOR(FLOAT16, 1, 2, 3, 4), &two),
       "array([20, -4, -8, 0], dtype=float16)");
    IS(mx_hadamard_transform(VECTOR(INT32, 1, 2, 3, 4), NULL),
       "array([5, -1, -2, 0], dtype=float32)");
    IS(mx_hadamard_transform(VECTOR(FLOAT64, 3), NULL), "array([3], dtype=float64)");
    IS(mx_hadamard_transform(mx_scalar(3, MX_BFLOAT16), &two), "array(6, dtype=bfloat16)");
    IS(mx_hadamard_transform(mx_reshape(VECTOR(BFLOAT16, 1, 2, 3, 4), SHAPE(2, 2)), &one),
       "array([[3, -1],[7, -1]], dtype=bfloat16)");
    IS(mx_hadamard_transform(mx_transpose(ramp(MX_FLOAT32, SHAPE(2, 2))), &one),
       "array([[2, -2],[4, -2]], dtype=float32)");
    IS(mx_slice_axis(mx_hadamard_transform(mx_eye(12, 12, 0, MX_FLOAT32), &one), 0, 1, 2),
       "array([[-1, -1, 1, ..., -1, 1, -1]], dtype=float32)");
    IS(mx_hadamard_transform(mx_zeros(SHAPE(0, 4), MX_FLOAT32), NULL), "array([], dtype=float32)");
}

/* Twice with the orthonormal scale is the input again, for symmetric matrices. */
static void long_lines(void) {
    static const int sizes[] = {1 << 12, 1 << 13, 1 << 17, 12 << 11};
    for (int i = 0; i < 4; i++) {
        mx_array *x = noise((int[]){3, sizes[i]}, 2, 1, MX_FLOAT32);
        mx_array *y = mx_hadamard_transform(mx_hadamard_transform(x, NULL), NULL);
        IS(mx_allclose(x, y, 0, 1e-5, false), "array(True, dtype=bool)");
        mx_array *h = mx_hadamard_transform(mx_astype(x, MX_FLOAT16), NULL);
        IS(mx_allclose(h, mx_hadamard_transform(x, NULL), 0, 1e-2, false),
           "array(True, dtype=bool)");
    }
}

static mx_array *transform(mx_array *const *x) {
    return mx_mul(mx_hadamard_transform(x[0], NULL), x[1]);
}

static void derivatives(void) {
    static const int sizes[] = {1, 8, 12, 20, 24, 28, 56};
    for (int i = 0; i < 7; i++) {
        mx_array *x[2] = {NOISE(1, 2, sizes[i]), NOISE(2, 2, sizes[i])};
        check_gradients("hadamard", transform, x, 2);
    }
}

static void refusals(void) {
    const char *sizes = "[hadamard] Only supports n = m*2^k where m in (1, 12, 20, 28).";
    FAILS(mx_hadamard_transform(mx_ones(SHAPE(3), MX_FLOAT32), NULL), sizes);
    FAILS(mx_hadamard_transform(mx_ones(SHAPE(36), MX_FLOAT32), NULL), sizes);
    FAILS(mx_hadamard_transform(mx_ones(SHAPE(2, 0), MX_FLOAT32), NULL), sizes);
    FAILS(mx_hadamard_transform(mx_ones(SHAPE(4), MX_COMPLEX64), NULL),
          "[hadamard] Unsupported type complex64.");
}

int main(void) {
    SCOPED(values_of_lines);
    SCOPED(long_lines);
    SCOPED(derivatives);
    SCOPED(refusals);
    return check_done();
}
