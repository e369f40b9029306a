/* What GGUF files are made of (the public specification of the format).
 *
 *     0    'G' 'G' 'U' 'F'
 *     4    version, 4 bytes: 2 or 3
 *     8    tensors, 8 bytes
 *     16   metadata pairs, 8 bytes
 *     24   pairs      key, type (4), value
 *          tensors    name, dimensions (4), sizes (8 each, the fastest first), type (4), offset (8)
 *          padding    to a multiple of general.alignment, 32 where that is not given
 *          data       each tensor at its offset from here, one behind the other: what lies over
 *                     another or leaves more than padding between, or behind the last, is
 *                     refused
 *
 * A string is its length (8 bytes) and bytes. An array is the type of its items (4), their
 * count (8) and the items.
 *
 * A big-endian file has all numbers the other way round: those above, elements, and the scales in
 * blocks. How blocks with other numbers of several bytes lie there is written down nowhere: they
 * are refused. A split model is several files, each with some of the tensors; split.count and
 * split.no say so.
 *
 * Limits: names and keys of 65,535 bytes, 64 dimensions, alignments up to 2^20 that are powers of
 * two; arrays 16 deep. Arrays of arrays are tables of numbers of up to 4 dimensions, or kept as
 * they lie. Counts are bounded by the bytes that are left.
 */
#ifndef MX_IO_GGUF_H
#define MX_IO_GGUF_H

#include "io/io.h"
#include "kernels/blocks/blocks.h"

#define GGUF_MAX_NAME      65535
#define GGUF_MAX_ALIGNMENT (1u << 20)
#define GGUF_ALIGNMENT     32
#define GGUF_MAX_PARTS     10000
#define GGUF_MAX_TABLE     4
#define GGUF_MAX_NESTING   16

typedef enum gguf_value {
    GGUF_UINT8,
    GGUF_INT8,
    GGUF_UINT16,
    GGUF_INT16,
    GGUF_UINT32,
    GGUF_INT32,
    GGUF_FLOAT32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_UINT64,
    GGUF_INT64,
    GGUF_FLOAT64,
    GGUF_VALUES
} gguf_value;

/* The dtype of a number, MX_DTYPE_COUNT of anything else; and back, GGUF_VALUES where there is
   none. */
mx_dtype gguf_value_dtype(uint32_t type);
gguf_value gguf_value_of(mx_dtype t);

/* How a tensor is stored: blocks of `items` elements along the fastest axis in `bytes` bytes. */
typedef struct gguf_type {
    uint32_t id;
    const char *name;
    const char *storage; /* as archives call it: "float32", "q4_k" */
    uint16_t items, bytes;
    mx_dtype dtype;               /* of the values */
    const mx_block_format *block; /* NULL: plain elements (items is 1) */
} gguf_type;
const gguf_type *gguf_type_by_id(uint32_t id);          /* NULL: not known */
const gguf_type *gguf_type_of(mx_dtype t);              /* NULL: there is none */
const gguf_type *gguf_type_stored(const char *storage); /* NULL likewise */
/* The name of a type that the format had once ("Q4_2"), or NULL. */
const char *gguf_type_name(uint32_t id);

/* Blocks of 32 in the way of mx.quantize. */
typedef struct gguf_repack {
    uint8_t bits;
    bool fp4; /* mxfp4: scales are exponents, no biases */
    /* One block: bits * 4 bytes to q, the scale and bias. */
    void (*repack)(unsigned char *q, float *scale, float *bias, const unsigned char *block);
} gguf_repack;
const gguf_repack *gguf_repack_of(const gguf_type *t); /* NULL: MLX has no such way */

/* What a file says of a tensor. */
typedef struct gguf_info {
    char *name;
    size_t at; /* of this record, for messages */
    mx_shape shape;
    const gguf_type *type;
    uint64_t offset;
    size_t start, end; /* of its bytes in the file */
} gguf_info;

typedef struct gguf_head {
    mx_map meta; /* mx_meta by key */
    gguf_info *tensor;
    size_t count;
    bool swapped; /* the file is big-endian */
} gguf_head;
/* The value of a metadata array of n arrays, at s->data + *at, where the first of them begins, as
   it lies and in JSON; *at: behind it. NULL and an error: it is broken. (gguf_nested.c) */
mx_meta *gguf_nested(mx_source *s, size_t *at, uint64_t n, bool swapped);
/* All that precedes the data, checked against the bytes there are. gguf_close in any case. */
bool gguf_open(mx_source *s, gguf_head *h);
void gguf_close(gguf_head *h);

/* A tensor to be written. */
typedef struct gguf_entry {
    const char *name;
    const gguf_type *type;
    const int *shape;
    int ndim;
    uint64_t bytes;
    uint64_t offset; /* gguf_put_head finds it: from where the head ends */
} gguf_entry;
/* Everything that precedes the data, which k then stands at; the alignment is the metadata's. */
bool gguf_put_head(mx_sink *k, const mx_map *meta, gguf_entry *entries, size_t n,
                   uint64_t *alignment);

/* A tensor whose bytes are there. shape is row-major and counts elements. */
typedef struct gguf_place {
    const char *name;
    mx_source *source;
    size_t at;
    const gguf_type *type;
    const int *shape;
    int ndim;
    bool swapped;
} gguf_place;
/* As MLX has it: under its name, and where MLX has its way of quantization the scales and biases
   beside it. */
bool gguf_tensor_arrays(mx_map *arrays, const gguf_place *t);
/* Its elements, those of blocks as t. */
mx_array *gguf_tensor_values(const gguf_place *p, mx_dtype t);
/* As it lies: blocks as uint8 (..., bytes of a row). */
mx_array *gguf_tensor_stored(const gguf_place *t);

/* The path of part i (from 1) of n of a split model, beside that of the first; NULL where that is
   named otherwise. For mx_free. */
char *gguf_part_path(const char *first, uint64_t i, uint64_t n);
/* What the metadata has under split.count and split.no: 0 where it has not. */
uint64_t gguf_number(const mx_map *meta, const char *key);
/* Puts a (retained) at a key that is new. */
bool gguf_add_array(mx_map *arrays, const mx_source *s, size_t at, const char *key, mx_array *a);

#endif
