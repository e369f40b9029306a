/* Tensors of Hugging Face that are others in GGUF: experts of gpt-oss (fused.c). */
#ifndef MX_MODELS_FUSED_H
#define MX_MODELS_FUSED_H

#include "models/convert/convert.h"

typedef enum mx_fused_kind {
    MX_FUSED_NUMBERS,
    MX_FUSED_BIASES,
    MX_FUSED_BLOCKS,
    MX_FUSED_SCALES /* read with their blocks */
} mx_fused_kind;

struct mx_fused {
    const char *hf;
    const char *gguf[2]; /* rows that are made of it; NULL: no second */
    const char *part;    /* of these */
    mx_fused_kind kind;
    const char *scales; /* hf of those of blocks */
};

/* NULL: the row is no such tensor. */
const mx_fused *mx_fused_of(const mx_tensor_row *r);
/* The row of a name in GGUF, or of one that GGUF has not; NULL: there is none. */
const mx_tensor_row *mx_fused_row(const mx_family *f, const char *name);
/* The shape of what is made of it; false: it has another than it should. */
bool mx_fused_shape(const mx_fused *f, const mx_shape *from, mx_shape *to);
/* The arrays of an output of it, as GGUF has them; of blocks as words. */
bool mx_fused_read(const mx_conversion *p, const mx_output *o, mx_parts *out);

#endif
