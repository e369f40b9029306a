/* Expressions over the C API for the examples: x = add(mul(a, b), c).
 *
 * Every function returns a new array that the current *step* owns; step_end() frees them all. What
 * must live longer goes through keep(). An error ends the program with its message: these are
 * examples, a server would return it.
 */
#ifndef EXPR_H
#define EXPR_H

#include <stdio.h>
#include <stdlib.h>

#include "mlx/c/mlx.h"

#ifdef EXPR_SHARED /* by the files of a program, one of which defines these */
#define EXPR_STATE extern
#else
#define EXPR_STATE static
#endif
EXPR_STATE mlx_stream on; /* the stream everything runs on */
EXPR_STATE mlx_array *step_arrays;
EXPR_STATE size_t step_count, step_room;

static inline void need(int failed) {
    if (failed)
        exit(1); /* the library's error handler has printed why */
}

static inline mlx_array owned(mlx_array a) {
    if (step_count == step_room) {
        step_room = step_room ? 2 * step_room : 256;
        step_arrays = realloc(step_arrays, step_room * sizeof *step_arrays);
        need(!step_arrays);
    }
    return step_arrays[step_count++] = a;
}

static inline size_t step_begin(void) {
    return step_count;
}

static inline void step_end(size_t begin) {
    while (step_count > begin)
        mlx_array_free(step_arrays[--step_count]);
}

/* A reference of our own, to be freed with mlx_array_free. */
static inline mlx_array keep(mlx_array a) {
    mlx_array r = mlx_array_new();
    need(mlx_array_set(&r, a));
    return r;
}

#define EXPR(call)                 \
    mlx_array r = mlx_array_new(); \
    need(call);                    \
    return owned(r)

static inline mlx_array scalar(float v) {
    return owned(mlx_array_new_float32(v));
}
static inline mlx_array add(mlx_array a, mlx_array b) {
    EXPR(mlx_add(&r, a, b, on));
}
static inline mlx_array sub(mlx_array a, mlx_array b) {
    EXPR(mlx_subtract(&r, a, b, on));
}
static inline mlx_array mul(mlx_array a, mlx_array b) {
    EXPR(mlx_multiply(&r, a, b, on));
}
static inline mlx_array quot(mlx_array a, mlx_array b) {
    EXPR(mlx_divide(&r, a, b, on));
}
static inline mlx_array times(mlx_array a, float s) {
    return mul(a, scalar(s));
}
static inline mlx_array root(mlx_array a) {
    EXPR(mlx_sqrt(&r, a, on));
}
static inline mlx_array squared(mlx_array a) {
    EXPR(mlx_square(&r, a, on));
}
static inline mlx_array sigmoid(mlx_array a) {
    EXPR(mlx_sigmoid(&r, a, on));
}
static inline mlx_array silu(mlx_array a) {
    return mul(a, sigmoid(a));
}
static inline mlx_array matmul(mlx_array a, mlx_array b) {
    EXPR(mlx_matmul(&r, a, b, on));
}
static inline mlx_array transposed(mlx_array a) {
    EXPR(mlx_transpose(&r, a, on));
}
/* x (...,I) times a weight (O,I): (...,O) */
static inline mlx_array linear(mlx_array x, mlx_array w) {
    return matmul(x, transposed(w));
}
static inline mlx_array reshape4(mlx_array a, int d0, int d1, int d2, int d3) {
    int shape[4] = {d0, d1, d2, d3};
    EXPR(mlx_reshape(&r, a, shape, 4, on));
}
static inline mlx_array reshape3(mlx_array a, int d0, int d1, int d2) {
    int shape[3] = {d0, d1, d2};
    EXPR(mlx_reshape(&r, a, shape, 3, on));
}
static inline mlx_array swapaxes(mlx_array a, int i, int j) {
    EXPR(mlx_swapaxes(&r, a, i, j, on));
}
static inline mlx_array rows(mlx_array table, mlx_array ids) {
    EXPR(mlx_take_axis(&r, table, ids, 0, on));
}
static inline mlx_array rms_norm(mlx_array x, mlx_array w) {
    EXPR(mlx_fast_rms_norm(&r, x, w, 1e-5f, on));
}
static inline mlx_array mean(mlx_array a) {
    EXPR(mlx_mean(&r, a, false, on));
}
static inline mlx_array join(mlx_array a, mlx_array b, int axis) {
    mlx_array both[2] = {a, b};
    mlx_vector_array v = mlx_vector_array_new_data(both, 2);
    mlx_array r = mlx_array_new();
    need(mlx_concatenate_axis(&r, v, axis, on));
    mlx_vector_array_free(v);
    return owned(r);
}
/* Rotary positions on x (B,H,L,D): interleaved pairs when traditional. */
static inline mlx_array rope(mlx_array x, int dims, bool traditional, int offset) {
    mlx_optional_float base = {10000.0f, true};
    EXPR(mlx_fast_rope(&r, x, dims, traditional, base, 1.0f, offset, mlx_array_empty, on));
}
static inline mlx_array attention(mlx_array q, mlx_array k, mlx_array v, float scale,
                                  const char *mask) {
    EXPR(mlx_fast_scaled_dot_product_attention(&r, q, k, v, scale, mask, mlx_array_empty,
                                               mlx_array_empty, on));
}

#endif
