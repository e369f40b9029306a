/* Buffers over mapped memory: of files, and of shared memory that has a name. */
#ifndef MX_GRAPH_MAPPED_H
#define MX_GRAPH_MAPPED_H

#include "base/file.h"
#include "graph/array/array.h"

/* Takes the mapping, which ends with the last reference. NULL: it has ended already. */
mx_buffer *mx_buffer_over_mapping(mx_mapped *m);
bool mx_buffer_is_mapped(const mx_buffer *b); /* a file */
bool mx_buffer_is_shared(const mx_buffer *b); /* a segment of shared memory */

/* Are the elements of an available array what its file had? False and an error where they lie in a
   mapped file that was cut short. */
bool mx_mapped_check(const mx_array *a);

/* The file's mapping that an available array lies in; NULL: none. */
mx_mapped *mx_mapped_of(const mx_array *a);

#endif
