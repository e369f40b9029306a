/* The safetensors format, what reader and writer share.
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
 * Limits: a header of 100 MB as in the format's own library; the tensors fill the data without overlaps or gaps.
 */
#ifndef MX_IO_SAFETENSORS_H
#define MX_IO_SAFETENSORS_H

#include "base/dtype.h"

#define ST_METADATA "__metadata__"
enum { ST_LENGTH = 8, ST_MOST_HEADER = 100 * 1000 * 1000, ST_MOST_DEPTH = 64 };

/* The format's name of a dtype, and back; MX_DTYPE_COUNT when it is none. The 8-bit floats that
   have no dtype here are read as the bytes they are. */
const char *st_dtype_name(mx_dtype t);
mx_dtype st_dtype_of(const char *name);

#endif
