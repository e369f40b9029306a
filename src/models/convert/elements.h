/* How the elements of a tensor are held: plain ones, GGUF's blocks, or words with scales as
 * mx.quantize makes them. */
#ifndef MX_MODELS_ELEMENTS_H
#define MX_MODELS_ELEMENTS_H

#include "io/archive/archive.h"
#include "kernels/blocks/blocks.h"
#include "kernels/quant/k_quant.h"

typedef struct mx_elements {
    const char *storage;          /* as archives call plain elements and blocks; NULL: words */
    mx_dtype dtype;               /* of plain elements' values; of the scales of affine words */
    const mx_block_format *block; /* NULL: no blocks */
    mx_quant_format quant;        /* of words */
} mx_elements;

static inline bool mx_elements_are_words(const mx_elements *e) {
    return !e->storage;
}
static inline bool mx_elements_are_plain(const mx_elements *e) {
    return e->storage && !e->block;
}
bool mx_elements_same(const mx_elements *a, const mx_elements *b);

mx_elements mx_elements_plain(mx_dtype t);
mx_elements mx_elements_block(const mx_block_format *f);
mx_elements mx_elements_words(mx_quant_format f, mx_dtype scales);

/* "bfloat16", "bf16", "q4_k", "mxfp4", "affine", "affine:4:64" (bits, group). False and an error:
   none of these. scales: the dtype of affine's. */
bool mx_elements_parse(const char *op, const char *text, mx_dtype scales, mx_elements *out);
/* A mode of mx.quantize with bits and group, 0: the usual ones. */
bool mx_elements_mode(const char *op, const char *mode, int bits, int group, mx_dtype scales,
                      mx_elements *out);

/* "q4_k", "float16", "affine of 4 bits in groups of 64"; for messages. */
const char *mx_elements_name(const mx_elements *e, char *room, size_t n);
/* Elements that a row must be a multiple of. */
int mx_elements_unit(const mx_elements *e);

/* The arrays of a tensor: plain elements or blocks alone; words, scales, and in affine biases. */
typedef struct mx_parts {
    mx_array *part[3];
} mx_parts;

/* What blocks or words become where no dtype is asked for. */
mx_dtype mx_elements_usual(const mx_elements *e);
/* Real numbers of what is held as blocks or words, float32. */
mx_array *mx_elements_values(const mx_elements *e, mx_parts p);
/* And back. */
bool mx_elements_make(const mx_elements *e, mx_array *values, mx_parts *out);

/* --- the same numbers in another packing (repack.c) ------------------------------------------ */

/* What holds the numbers of these blocks exactly as words, and the other way round, as far as the
   format alone says. False: nothing does. No error is recorded. */
bool mx_repack_words_of(const mx_block_format *f, mx_elements *out);
/* Do the values of scales and biases allow it? p: scales and biases; *out: the blocks. False
   without an error: they do not. */
bool mx_repack_blocks_of(const mx_elements *words, mx_parts p, mx_elements *out);
/* Between the two of a pair that the functions above gave. */
bool mx_repack(const mx_elements *from, const mx_elements *to, mx_parts p, mx_parts *out);

#endif
