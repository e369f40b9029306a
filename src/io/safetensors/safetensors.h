/* The safetensors format, what readers and writers share.
 *
 *     offset  bytes
 *     0       8        n, little-endian: the length of the header
 *     8       n        the header, JSON: {"__metadata__": {"k": "v"},
 *                          "name": {"dtype": "F32", "shape": [2,3], "data_offsets": [0,24]}, ...}
 *     8 + n   ..       the data; data_offsets are [begin, end) from here
 *
 * Example, one uint8 [7] named "a", header padded with blanks to a multiple of 8:
 *
 *     38 00 00 00 00 00 00 00  {"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}   07
 *
 * Limits: a header of 100 MB as in the format's own library, nested 64 deep; the tensors fill the
 * data without overlaps or gaps.
 */
#ifndef MX_IO_SAFETENSORS_H
#define MX_IO_SAFETENSORS_H

#include "io/io.h"

#define ST_METADATA "__metadata__"
enum { ST_LENGTH = 8, ST_MOST_HEADER = 100 * 1000 * 1000, ST_MOST_DEPTH = 64 };

/* A dtype of the format. */
typedef struct st_type {
    const char *name;    /* "F8_E4M3" */
    const char *storage; /* "float8_e4m3" */
    /* of the elements; where there is none here uint8, and MX_DTYPE_COUNT for parts of bytes */
    mx_dtype dtype;
    int bits; /* of an element */
} st_type;
const st_type *st_type_named(const char *name);     /* NULL: no such one */
const st_type *st_type_stored(const char *storage); /* the same by our name */
const st_type *st_type_of(mx_dtype t);              /* of plain elements */

/* --- reading (io_safetensors.c) --------------------------------------------------- */

typedef struct st_tensor {
    const char *name; /* of the header */
    const st_type *type;
    mx_shape shape;
    uint64_t begin, end; /* in the data */
} st_tensor;

typedef struct st_file {
    void *header;      /* parsed JSON */
    st_tensor *tensor; /* in the header's order */
    size_t count;
    mx_map metadata; /* mx_meta *, texts */
    uint64_t data;   /* where the data begins */
} st_file;
/* All of the header, checked against the bytes there are. st_close in any case. */
bool st_open(mx_source *s, st_file *f);
void st_close(st_file *f);

/* Is JSON nested less than ST_MOST_DEPTH? Jansson's parser recurses. */
bool st_is_shallow(const char *text, size_t n);

/* --- writing (io_safetensors_save.c) ---------------------------------------------- */

typedef struct st_entry {
    const char *name;
    const st_type *type;
    const int *shape;
    int ndim;
    uint64_t bytes;
    size_t place; /* the caller's number of it */
    uint64_t begin;
} st_entry;
/* Put the entries into the order of the data, larger elements first, and find where each begins. */
void st_arrange(st_entry *entries, size_t n);
/* The header that precedes them; k stands where the data begins then. metadata: mx_meta *, texts;
   NULL: none. */
bool st_put_header(mx_sink *k, const st_entry *entries, size_t n, const mx_map *metadata);

#endif
