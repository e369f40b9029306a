/* What tells a model from another one whose keys and values would differ. */
#ifndef MX_MODELS_DIRECT_MARK_H
#define MX_MODELS_DIRECT_MARK_H

#include "models/decoder/decoder.h"

/* A hash that goes on from h over n bytes; of nothing. */
uint64_t mx_hash(uint64_t h, const void *bytes, size_t n);
uint64_t mx_hash_begin(void);

/* Of all weights and settings that keys, values and states depend on, low-rank changes and
   rotations among them. Reads all weights. */
uint64_t mx_decoder_mark(const mx_decoder *d);

#endif
