/* One convolution, and its phases: with input dilation d, output positions equal modulo d (less
 * what the stride has in common with it) see undilated input through the same taps, and no two
 * phases share a tap.
 */
#ifndef MX_CPU_CONV_PHASE_H
#define MX_CPU_CONV_PHASE_H

#include "cpu/conv/conv_packer.h"
#include "cpu/memory/dense.h"
#include "graph/array/params.h"

/* A weight (O, K..., Cg) where it lies: elements from output to output, tap to tap, channel to
 * channel. */
typedef struct conv_weights {
    const char *data;
    int64_t output, tap, channel;
    mx_forms *forms; /* of their memory; NULL: it is a copy, or none are kept */
} conv_weights;

/* `patches` holds the phase at hand. */
typedef struct conv {
    const mx_p_conv *params;
    int nd;
    conv_patches patches;
    conv_weights w;
    char *out; /* (N, P..., O) */
    int64_t groups, outputs;
    const char *phase_w; /* (O, taps..., Cg) of this phase, dense: w, or memory of its own */
    void *own_w;
    size_t own_bytes;
    int64_t *lists; /* behind the axes' offsets and taps */
} conv;

/* The convolution of x (N, I..., C) and weight (O, K..., Cg) to y (N, P..., O): shapes alone.
   False: out of memory; close also then. */
bool conv_open(conv *c, const mx_p_conv *p, const mx_array *x, const int *weight,
               const mx_array *y);
void conv_close(conv *c);

/* The weights of w: float32 as they lie, where taps follow each other; others dense, in d. False:
   out of memory; close d also then. */
bool conv_open_weights(conv *c, const mx_array *w, cpu_dense *d);

/* Call `run` for each phase, with c set to it, until one fails. */
bool conv_each_phase(conv *c, bool (*run)(conv *c, void *ctx), void *ctx);

/* The weights of the phase's taps in phase_w, in their order. False: out of memory. */
bool conv_select_weights(conv *c);
/* Where tap t of the phase stands among the kernel's. */
int64_t conv_tap_place(const conv *c, int64_t t);
/* The first channel of output o under tap t of the phase. */
const void *conv_weight_at(const conv *c, int64_t o, int64_t t);
/* Memory for the phase's weights in a form of `maker`'s (base/memory/forms.h), which may be kept
   where few rows meet it: u->ready says whether it is there already. always: also where it will not
   be kept; without it u->data may be NULL. False: out of memory. */
bool conv_form_open(const conv *c, int64_t rows, const void *maker, size_t bytes, bool always,
                    mx_form_use *u);
/* Are the phase's weights (O, taps..., Cg) as they lie? */
bool conv_weights_are_dense(const conv *c);
/* Are the phase's taps those of the kernel, in order? */
bool conv_all_taps_in_order(const conv *c);
/* Is the phase the whole result, in order? */
bool conv_is_whole(const conv *c);
/* Does it see the input pixel by pixel, through a kernel of one? */
bool conv_is_pointwise(const conv *c);

/* Lines of the last axis; a grain of them, for work a pixel and output. */
int64_t conv_lines(const conv *c);
int64_t conv_line_grain(const conv *c, int64_t work);
/* The first output pixel, in pixels, of line `line` (image, position 0, position 1) of the
   phase. */
int64_t conv_out_pixel(const conv *c, int64_t line);

#endif
