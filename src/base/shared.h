/* POSIX shared memory: segments with a name, for the processes of one user. */
#ifndef MX_BASE_SHARED_H
#define MX_BASE_SHARED_H

#include "base/file.h"

/* A segment of a head and bytes behind it, in place of a former one. The head is written last, so
   that nobody finds it before the bytes are there. Errors are MX_IO, of a name MX_INVALID. */
bool mx_shared_create(const char *op, const char *name, const void *head, size_t head_bytes,
                      const void *bytes, size_t n);
/* All of a segment; what is written to the memory does not reach it. For mx_file_unmap. */
bool mx_shared_map(const char *op, const char *name, mx_mapped *out);
bool mx_shared_remove(const char *op, const char *name); /* true where there was none */

#endif
