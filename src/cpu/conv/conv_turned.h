/* Convolution of float32 with at most half as many positions as outputs, as the last layers of a
 * network have, where weights are not packed already: they are read where they lie, what the
 * positions see is packed. The sums are those of conv_direct, which calls this.
 *
 *     out' (O, rows) = weight (O, taps Cg) patches' (taps Cg, rows)      turned when it is stored
 */
#ifndef MX_CPU_CONV_TURNED_H
#define MX_CPU_CONV_TURNED_H

#include "cpu/conv/conv_phase.h"

/* Is it a phase for this? */
bool conv_can_turned(const conv *c);
/* The phase's results (rows, O), contiguous. False and an error: out of memory, or stopped. */
bool conv_turned(const conv *c, float *out);

#endif
