/* Strided copies against element-by-element loops, on every instruction set. */
#include <stdlib.h>

#include "check.h"
#include "kernels/copy/k_copy.h"
#include "kernels/kernels.h"

#define ROOM (1 << 20)

static unsigned char source[ROOM], got[ROOM], want[ROOM];
static uint32_t seed;

static int below(int n) {
    seed = seed * 1664525u + 1013904223u;
    return (int)((seed >> 8) % (uint32_t)n);
}

static int64_t count_of(int ndim, const int64_t *shape) {
    int64_t n = 1;
    for (int i = 0; i < ndim; i++)
        n *= shape[i];
    return n;
}

static int64_t offset_of(int64_t flat, int ndim, const int64_t *shape, const int64_t *stride) {
    int64_t at = 0;
    for (int i = ndim - 1; i >= 0; i--) {
        at += flat % shape[i] * stride[i];
        flat /= shape[i];
    }
    return at;
}

/* A view: the axes of a C array in another order, some broadcast, reversed or stepped over.
   Returns the offset of its first element. */
static int64_t random_view(int ndim, const int64_t *shape, int64_t *stride, bool broadcast,
                           int64_t *end) {
    int order[8];
    for (int i = 0; i < ndim; i++)
        order[i] = i;
    for (int i = ndim - 1; i > 0; i--) {
        int k = below(i + 1), t = order[i];
        order[i] = order[k], order[k] = t;
    }
    int64_t size = 1, base = 0;
    for (int k = ndim - 1; k >= 0; k--) {
        int axis = order[k], kind = below(6);
        int64_t step = size * (kind == 0 ? 2 : 1);
        if (kind == 1 && broadcast) {
            stride[axis] = 0;
            continue;
        }
        stride[axis] = kind == 2 ? -step : step;
        base += kind == 2 ? step * (shape[axis] - 1) : 0;
        size = step * shape[axis] + (kind == 3);
    }
    *end = size;
    return base;
}

static void random_shape(int *ndim, int64_t *shape) {
    static const int64_t sizes[] = {1, 2, 3, 5, 8, 16, 17, 33, 64, 100};
    *ndim = below(6);
    for (int i = 0; i < *ndim; i++)
        shape[i] = sizes[below(*ndim > 3 ? 6 : 10)];
}

static bool check_fetch(const mx_k_copy *k, size_t size, int ndim, const int64_t *shape) {
    int64_t stride[8], end, n = count_of(ndim, shape);
    int64_t base = random_view(ndim, shape, stride, true, &end);
    if (end * 8 > ROOM || n * 8 > ROOM)
        return true;
    int64_t start = below((int)n), count = below((int)(n - start) + 1);
    if (below(3) == 0)
        start = 0, count = n;
    memset(got, 0xab, (size_t)(count + 4) * size);
    k->fetch[size](got, source + (size_t)base * size, ndim, shape, stride, start, count);
    for (int64_t i = 0; i < count; i++) {
        int64_t at = base + offset_of(start + i, ndim, shape, stride);
        if (memcmp(got + (size_t)i * size, source + (size_t)at * size, size))
            return false;
    }
    return got[(size_t)count * size] == 0xab;
}

static bool check_rows(const mx_k_copy *k, size_t size, int ndim, const int64_t *shape) {
    int64_t is[8], os[8], in_end, out_end, n = count_of(ndim, shape);
    int64_t in = random_view(ndim, shape, is, true, &in_end);
    int64_t out = random_view(ndim, shape, os, false, &out_end);
    if (in_end * 8 > ROOM || out_end * 8 > ROOM)
        return true;
    size_t bytes = (size_t)out_end * size;
    memset(want, 0xcd, bytes);
    memset(got, 0xcd, bytes);
    for (int64_t i = 0; i < n; i++)
        memcpy(want + (size_t)(out + offset_of(i, ndim, shape, os)) * size,
               source + (size_t)(in + offset_of(i, ndim, shape, is)) * size, size);
    int dims[8];
    for (int i = 0; i < ndim; i++)
        dims[i] = (int)shape[i];
    mx_copy_plan p;
    mx_copy_plan_make(&p, ndim, dims, os, is);
    for (int64_t begin = 0, end; begin < p.rows; begin = end) {
        end = begin + 1 + below((int)p.rows);
        end = end < p.rows ? end : p.rows;
        k->rows[size](got + (size_t)out * size, p.out, source + (size_t)in * size, p.in, p.ndim,
                      p.shape, begin, end);
    }
    return memcmp(got, want, bytes) == 0;
}

static void describe(char *text, size_t room, int ndim, const int64_t *shape) {
    *text = 0;
    for (int i = 0; i < ndim; i++)
        snprintf(text + strlen(text), room - strlen(text), "%d ", (int)shape[i]);
}

static void test_random_views(const mx_kernels *k) {
    for (int trial = 0; trial < 3000; trial++) {
        int64_t shape[8];
        int ndim;
        char text[64];
        random_shape(&ndim, shape);
        if (count_of(ndim, shape) * 8 > ROOM)
            continue;
        describe(text, sizeof text, ndim, shape);
        size_t size = (size_t)1 << (trial & 3);
        CHECK_MSG(check_fetch(k->copy, size, ndim, shape), "%s fetch %d bytes, shape %s", k->name,
                  (int)size, text);
        CHECK_MSG(check_rows(k->copy, size, ndim, shape), "%s rows %d bytes, shape %s", k->name,
                  (int)size, text);
    }
}

static void check_transpose(const mx_kernels *k, int r, int c, size_t size) {
    int dims[2] = {r, c};
    int64_t os[2] = {c, 1}, is[2] = {1, r};
    bool same = true;
    mx_copy_plan p;
    mx_copy_plan_make(&p, 2, dims, os, is);
    k->copy->rows[size](got, p.out, source, p.in, p.ndim, p.shape, 0, p.rows);
    for (int i = 0; i < r; i++)
        for (int j = 0; j < c; j++)
            same = same && !memcmp(got + (size_t)(i * c + j) * size,
                                   source + (size_t)(j * r + i) * size, size);
    CHECK_MSG(same, "%s %d x %d, %d bytes", k->name, r, c, (int)size);
}

/* Every size near that of the squares that are transposed in registers, and what is longer or
   higher than a block of them. */
static void test_transposes(const mx_kernels *k) {
    static const int sides[][2] = {{20, 513},  {65, 530}, {17, 1100},
                                   {1100, 18}, {530, 66}, {130, 67}};
    for (size_t size = 1; size <= 8; size *= 2) {
        for (int r = 1; r < 70; r += 3)
            for (int c = 1; c < 70; c += 2)
                check_transpose(k, r, c, size);
        for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
            check_transpose(k, sides[i][0], sides[i][1], size);
    }
}

/* r elements c times each, two rows of them at a time: nothing behind these is touched. */
static bool check_repeats(const mx_kernels *k, size_t size, int r, int c) {
    int64_t os[2] = {c, 1}, is[2] = {3, 0}, shape[2] = {r, c};
    size_t row = (size_t)c * size;
    bool same = true;
    memset(got, 0xcd, (size_t)(r + 1) * row);
    for (int i = 0; i < r; i += 2) {
        int end = i + 2 < r ? i + 2 : r;
        k->copy->rows[size](got, os, source, is, 2, shape, i, end);
        for (size_t b = 0; b < row; b++)
            same = same && got[(size_t)end * row + b] == 0xcd;
    }
    for (int i = 0; i < r * c; i++)
        same = same && !memcmp(got + (size_t)i * size, source + (size_t)(i / c * 3) * size, size);
    return same;
}

static void test_repeats(const mx_kernels *k) {
    for (int c = 1; c < 80; c++)
        for (int r = 1; r < 40; r += 6)
            for (size_t size = 1; size <= 8; size *= 2)
                CHECK_MSG(check_repeats(k, size, r, c), "%s %d times %d, %d bytes", k->name, c, r,
                          (int)size);
}

static void test_steps(const mx_kernels *k) {
    for (size_t n = 0; n < 70; n++) {
        uint32_t u[71];
        uint64_t w[71];
        float f[71];
        double d[71];
        u[n] = 77, w[n] = 77, f[n] = 77, d[n] = 77;
        k->copy->steps[4](u, UINT64_MAX - 3, 5000000000, n);
        k->copy->steps[8](w, UINT64_MAX - 3, 5000000000, n);
        k->copy->steps_float[4](f, 0.1, -0.3, 1e9, n);
        k->copy->steps_float[8](d, 0.1, -0.3, 1e9, n);
        bool same = u[n] == 77 && w[n] == 77 && f[n] == 77 && d[n] == 77;
        for (size_t i = 0; i < n; i++) {
            uint64_t at = UINT64_MAX - 3 + i * 5000000000;
            double x = (1e9 + (double)i) * -0.3, y = 0.1 + x;
            same = same && u[i] == (uint32_t)at && w[i] == at && f[i] == (float)y && d[i] == y;
        }
        CHECK_MSG(same, "%s %d steps", k->name, (int)n);
    }
}

static void test_plan(void) {
    mx_copy_plan p;
    mx_copy_plan_make(&p, 3, (int[]){4, 0, 2}, (int64_t[]){0, 2, 1}, (int64_t[]){0, 2, 1});
    CHECK_EQ_INT(p.rows, 0);
    mx_copy_plan_make(&p, 0, NULL, NULL, NULL);
    CHECK_EQ_INT(p.rows * p.shape[p.ndim - 1], 1);
    mx_copy_plan_make(&p, 3, (int[]){40, 5, 200}, (int64_t[]){1000, 200, 1},
                      (int64_t[]){1000, 200, 1});
    CHECK_EQ_INT(p.ndim, 2);
    CHECK_EQ_INT(p.rows, 40000); // contiguous: shared out by elements
    mx_copy_plan_make(&p, 3, (int[]){100, 5, 200}, (int64_t[]){1000, 200, 1},
                      (int64_t[]){1, 100, 500});
    CHECK_EQ_INT(p.in[p.ndim - 2], 1);
    CHECK_EQ_INT(p.out[p.ndim - 1], 1);
}

int main(void) {
    seed = (uint32_t)check_seed(1);
    for (int i = 0; i < ROOM; i++)
        source[i] = (unsigned char)(i * 167 + (i >> 8) * 13 + (i >> 16));
    int count;
    const mx_kernels *const *all = mx_kernels_all(&count);
    RUN(test_plan);
    for (int i = 0; i < count; i++) {
        check_where = all[i]->name;
        test_random_views(all[i]);
        test_transposes(all[i]);
        test_repeats(all[i]);
        test_steps(all[i]);
    }
    return check_done();
}
