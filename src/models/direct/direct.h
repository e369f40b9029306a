/* The machine that computes at once, in buffers, with a cache (models/decoder/machine.h). */
#ifndef MX_MODELS_DIRECT_H
#define MX_MODELS_DIRECT_H

#include "models/decoder/machine.h"
#include "models/direct/cache.h"

/* Buffers of passes, used again by the next. One thread at a time. */
typedef struct mx_direct mx_direct;

mx_direct *mx_direct_new(const mx_decoder *d);
void mx_direct_free(mx_direct *m); /* NULL is fine */
/* Takes a pass: *logits (wanted rows, vocabulary) float32, or hidden rows of encoders, valid
   until the next pass. Spans have an mx_sequence each with room reserved, whose length grows by
   the span's count and whose tokens are the pass's; encoders have none. A row's result does not
   depend on what else is in the pass. Between layers the host is asked whether to stop; then, and
   after any error, false: the sequences are as they were. */
bool mx_direct_pass(mx_direct *m, const mx_pass *pass, const float **logits);
/* The hidden rows that the last pass kept, (rows, hidden): valid as long as its logits. */
const float *mx_direct_kept(const mx_direct *m);

#endif
