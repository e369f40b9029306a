/* The real Schur form: see schur.h. */
#include "cpu/linalg/schur.h"

#include <complex.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cpu/linalg/lapack.h"
#include "kernels/matmul/k_matmul.h"

enum {
    SWEEPS = 16,   /* whose reflections wait for z at most */
    PATIENCE = 10, /* sweeps without a finished row, then one with other shifts */
    SWEEPS_PER_ROW = 30
};

/* Reflections of some columns from `column` on. */
typedef struct run {
    int64_t column, count, at;
} run;

/* What z has not met yet. */
typedef struct waiting {
    const mx_k_schur *k;
    char *z;           /* or NULL: nothing waits */
    int64_t n, plane;  /* z: columns of n elements, `plane` elements from real to imaginary ones */
    size_t item, each; /* bytes of an element, and of a reflection */
    char *list;
    int64_t used; /* reflections in the list */
    int runs;
    run run[SWEEPS];
} waiting;

/* A strip of z stays in the cache meanwhile. */
static void turn_waiting(waiting *q) {
    for (int64_t r = 0; q->z && r < q->n; r += MX_K_SCHUR_STRIP) {
        int64_t rows = q->n - r < MX_K_SCHUR_STRIP ? q->n - r : MX_K_SCHUR_STRIP;
        for (int i = 0; i < q->runs; i++)
            q->k->turn(q->z + (q->run[i].column * q->n + r) * (int64_t)q->item, q->plane, q->n,
                       rows, q->run[i].count, q->list + q->run[i].at * (int64_t)q->each);
    }
    q->runs = 0;
    q->used = 0;
}

/* Room for `count` reflections of columns from `column` on, which will meet z later. */
static void *add_run(waiting *q, int64_t column, int64_t count) {
    if (q->runs == SWEEPS || q->used + count > SWEEPS * q->n || !q->z)
        turn_waiting(q);
    q->run[q->runs++] = (run){column, count, q->used};
    q->used += count;
    return q->list + (q->used - count) * (int64_t)q->each;
}

static bool open_waiting(waiting *q, mx_dtype t, int64_t n, void *z) {
    q->k = mx_kernels_get()->matmul->schur[t];
    q->z = z;
    q->n = n;
    q->item = t == MX_FLOAT64 ? sizeof(double) : sizeof(float);
    q->each = (t == MX_COMPLEX64 ? MX_K_ROTATION : MX_K_REFLECTION) * q->item;
    q->plane = t == MX_COMPLEX64 ? n * (n + 1) : 0;
    q->list = mx_calloc((size_t)(SWEEPS * n), q->each);
    return q->list != NULL;
}

/* Elements, aligned by 64; `base` is what is freed. */
static void *take_aligned(void **base, int64_t count, size_t item) {
    *base = mx_calloc((size_t)count + 64 / item, item);
    uintptr_t p = (uintptr_t)*base;
    return *base ? (void *)((p + 63) / 64 * 64) : NULL;
}

#define T        float
#define FN(f)    f##_f
#define DTYPE    MX_FLOAT32
#define ULP      FLT_EPSILON
#define SMALLEST FLT_MIN
#include "cpu/linalg/schur_type.h"

#define T        double
#define FN(f)    f##_d
#define DTYPE    MX_FLOAT64
#define ULP      DBL_EPSILON
#define SMALLEST DBL_MIN
#include "cpu/linalg/schur_type.h"

#include "cpu/linalg/schur_complex.h"
