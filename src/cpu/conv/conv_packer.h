/* A convolution as a matrix product whose left operand is never made: row r is the patch of
 * input under output position r, column k is a tap and a channel of it. The packer reads
 * the patches from the input.
 *
 *     x (N, I0, I1, I2, C)    patches (N P0 P1 P2, T0 T1 T2 Cg)    weight (T0 T1 T2 Cg, Og)
 *
 * There is no input dilation here: with dilation d, output positions fall into phases, each
 * of which sees undilated input through some of the taps (cpu_conv.c). Missing axes have
 * size 1.
 */
#ifndef MX_CPU_CONV_PACKER_H
#define MX_CPU_CONV_PACKER_H

#include "cpu/matmul/matmul_engine.h"

/* One spatial axis of one phase: position p, tap t reads input p * stride + offset[t]. */
typedef struct conv_axis {
    int64_t in, out, kernel;    /* sizes of the convolution */
    int64_t first, step, count; /* of its output positions, those of this phase */
    int64_t stride;             /* of the input, between them */
    int64_t taps;
    int64_t *offset; /* ascending; room for `kernel` */
    int64_t *tap;    /* which element of the kernel each is */
} conv_axis;

typedef struct conv_patches {
    const char *x;
    size_t size; /* of an element */
    mx_dtype dtype;
    int64_t batch;           /* N */
    int64_t channels, group; /* C, and how many of them are one group */
    bool runs;               /* taps of the last axis follow each other in memory */
    conv_axis axis[3];
} conv_patches;

static inline int64_t conv_rows(const conv_patches *p) {
    return p->batch * p->axis[0].count * p->axis[1].count * p->axis[2].count;
}
static inline int64_t conv_taps(const conv_patches *p) {
    return p->axis[0].taps * p->axis[1].taps * p->axis[2].taps;
}

/* Where the patch of one row begins: image, and position times stride along each axis. */
typedef struct conv_place {
    int64_t image, at[3];
} conv_place;

conv_place conv_place_of(const conv_patches *p, int64_t row);
void conv_next_place(const conv_patches *p, conv_place *r);

/* The packer of the patches as operand a; `batch` is the group. p must outlive it. */
mx_packer conv_packer(const conv_patches *p);
/* The same as operand b: positions along k, taps and channels along the columns. */
mx_packer conv_column_packer(const conv_patches *p);

#endif
