#include "kernels/copy/k_copy.h"

#include <string.h>

#include "kernels/kernels.h"
#include "kernels/copy/transpose.h"

#define TURN_ROWS     64  /* of a block of the output, */
#define TURN_RUN      512 /* and elements of each */
#define COLUMN_PIECE  1024
#define SCATTER_BLOCK 16
#define FEW_COLUMNS   8
#define SPREAD        64    /* times up to which elements are repeated by vectors that overlap */
#define LONG_FILL     32768 /* bytes of one value that are memset's */
#define STEEP         16    /* a stride from which neighbours lie in other cache lines */

/* r rows of c elements and the strides between rows (0) and within one (1), out and in. */
typedef struct plane {
    int64_t r, c, os0, os1, is0, is1;
} plane;

static inline int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t magnitude(int64_t x) {
    return x < 0 ? -x : x;
}

static inline plane turned(plane p) {
    return (plane){p.c, p.r, p.os1, p.os0, p.is1, p.is0};
}

/* Reading a row touches a line per element, and the next row would find its elements there. */
static inline bool steep(const plane *p) {
    return magnitude(p->is1) >= STEEP && magnitude(p->is0) < STEEP && p->is0 != 0 && p->r > 1 &&
           p->c > SCATTER_BLOCK;
}

/* A place in a shape: its index, and the offsets it has in both layouts. */
typedef struct walk {
    int ndim;
    const int64_t *shape, *is, *os; /* os NULL: not followed */
    int64_t in, out;
    int64_t index[K_MAX_NDIM];
} walk;

static void seek(walk *w, int64_t flat) {
    w->in = w->out = 0;
    for (int i = w->ndim - 1; i >= 0; i--) {
        int64_t at = flat % w->shape[i];
        flat /= w->shape[i];
        w->index[i] = at;
        w->in += at * w->is[i];
        w->out += w->os ? at * w->os[i] : 0;
    }
}

static inline void step(walk *w, int axis, int64_t count) {
    w->index[axis] += count;
    w->in += count * w->is[axis];
    w->out += w->os ? count * w->os[axis] : 0;
}

/* `count` further along `axis`, which carries into the axes before it at its end. */
static void advance(walk *w, int axis, int64_t count) {
    step(w, axis, count);
    while (axis > 0 && w->index[axis] == w->shape[axis]) {
        step(w, axis, -w->shape[axis]);
        step(w, --axis, 1);
    }
}

#define T        uint8_t
#define BYTES    1
#define FN(name) name##_1
#include "kernels/copy/k_copy_impl.h"
#define T        uint16_t
#define BYTES    2
#define FN(name) name##_2
#include "kernels/copy/k_copy_impl.h"
#define T        uint32_t
#define BYTES    4
#define FN(name) name##_4
#include "kernels/copy/k_copy_impl.h"
#define T        uint64_t
#define BYTES    8
#define FN(name) name##_8
#include "kernels/copy/k_copy_impl.h"

static void steps_4(void *out, uint64_t start, uint64_t step, size_t n) {
    uint32_t *o = out, a = (uint32_t)start, by = (uint32_t)step;
    for (uint32_t i = 0; i < (uint32_t)n; i++)
        o[i] = a + i * by;
}

static void steps_8(void *out, uint64_t start, uint64_t step, size_t n) {
    uint64_t *o = out;
    for (uint64_t i = 0; i < n; i++)
        o[i] = start + i * step;
}

static void steps_f32(void *out, double start, double step, double first, size_t n) {
    float *o = out;
    for (int32_t i = 0; i < (int32_t)n; i++)
        o[i] = (float)(start + (first + i) * step);
}

static void steps_f64(void *out, double start, double step, double first, size_t n) {
    double *o = out;
    for (int32_t i = 0; i < (int32_t)n; i++)
        o[i] = start + (first + i) * step;
}

const mx_k_copy KN(mx_copy) = {
    .fetch = {[1] = fetch_1, [2] = fetch_2, [4] = fetch_4, [8] = fetch_8},
    .rows = {[1] = rows_1, [2] = rows_2, [4] = rows_4, [8] = rows_8},
    .steps = {[4] = steps_4, [8] = steps_8},
    .steps_float = {[4] = steps_f32, [8] = steps_f64},
};
