/* Plans of the Fourier engine, and how its files share the work:
 *
 *     fft_plan.c    lengths to stages and tables; the plans kept between calls
 *     fft_block.c   a block of up to MX_FFT_LANES lines in scratch memory: load, transform, store
 *     fft_line.c    one long line: four steps, or a long convolution
 *     fft_engine.c  the axes of a job
 */
#ifndef MX_CPU_FFT_INTERNAL_H
#define MX_CPU_FFT_INTERNAL_H

#include <stddef.h>

#include "cpu/fft/fft_engine.h"
#include "kernels/fft/k_fft.h"

#define MX_FFT_LANES 16
#define MX_FFT_BLOCK 4096 /* longest line that is done in a block */

typedef enum mx_fft_way {
    MX_FFT_DIRECT, /* stages */
    MX_FFT_CHIRP,  /* x[t] w[t], convolved with conj(w), times w[k]; w[t] = e^(-i pi t^2 / n) */
    MX_FFT_SPLIT   /* n = n1 n2, a matrix; short->n == n1, its rows by plan `other` */
} mx_fft_way;

/* One allocation; re and im tables follow each other. */
typedef struct mx_fft_plan {
    size_t n;
    mx_fft_way way;
    int refs;          /* under the cache's lock */
    unsigned long age; /* last use */
    int stages;
    mx_fft_stage stage[32];
    /* chirp: of length m = inner->n >= 2 n - 1; split: columns of n1 */
    struct mx_fft_plan *inner;
    struct mx_fft_plan *other;  /* split: rows of n2 */
    float *chirp_r, *chirp_i;   /* n */
    float *kernel_r, *kernel_i; /* the transform of conj(w), divided by m: m */
    size_t fine_n; /* split: w^(k t) = coarse[k / fine_n][t] fine[k % fine_n][t], t < n2 */
    float *coarse_r, *coarse_i, *fine_r, *fine_i;
    float tables[];
} mx_fft_plan;

/* A counted plan, NULL and an error when out of memory. whole: the line must be done in a block. */
mx_fft_plan *mx_fft_plan_get(size_t n, bool whole);
void mx_fft_plan_put(mx_fft_plan *p);

/* Lines of a block: element t of line b at x[t * stride + b * lane]. */
typedef struct mx_fft_view {
    int64_t stride, lane;
} mx_fft_view;

/* What is done to lines first .. first + lanes-1. */
typedef struct mx_fft_block {
    const mx_fft_plan *plan; /* direct, or chirp with a direct inner plan */
    mx_fft_kind kind;
    bool inverse;
    float scale;
    const void *x;
    void *y;
    mx_fft_view in, out;
    size_t x_count;
    const mx_fft_plan *twist; /* columns of this split plan: multiply by w^(k t) */
} mx_fft_block;

/* Lines that a block takes at most: real lines go two by two. */
static inline int64_t mx_fft_lanes(mx_fft_kind k) {
    return k == MX_FFT_COMPLEX ? MX_FFT_LANES : 2 * MX_FFT_LANES;
}
/* False: no scratch memory. On any thread of the pool. */
bool mx_fft_block_run(const mx_fft_block *b, int64_t first, int64_t lanes);

/* One line of a split or long chirp plan, threads inside. */
bool mx_fft_line_run(const mx_fft_plan *p, const mx_fft_job *job, const char *x, char *y);

#endif
