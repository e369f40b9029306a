/* What the text so far takes from logits. */
#ifndef MX_MODELS_PENALTIES_H
#define MX_MODELS_PENALTIES_H

#include "models/sampling/sampler.h"

/* The tokens so far, and which of them are generated. */
typedef struct mx_history {
    int *token;
    size_t count, room, prompt; /* the first `prompt` are the prompt's */
} mx_history;

/* In place, of n logits; tokens outside are passed over. False and an error: no memory. */
bool mx_penalize_repeats(const mx_sampling *o, const mx_history *h, float *logits, size_t n);
bool mx_penalize_sequences(const mx_sampling *o, const mx_history *h, float *logits, size_t n);

#endif
