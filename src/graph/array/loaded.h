/* A file that pending arrays will be read from. Each Load node holds a reference: the descriptor is
 * closed when the last array that came from the file is evaluated or gone. */
#ifndef MX_GRAPH_LOADED_H
#define MX_GRAPH_LOADED_H

#include "base/file.h"
#include "graph/array/prim.h"

typedef struct mx_loaded {
    mx_object object;
    mx_file *file;
    mx_buffer *mapped; /* all of the file; NULL where arrays get copies */
} mx_loaded;

/* With one reference; `map` asks for the file's own pages. */
mx_loaded *mx_loaded_open(const char *op, const char *path, bool map);

/* Elements of the file as a pending array (ops/shape/op_load.c). */
mx_array *mx_load_array(mx_loaded *from, size_t at, const int *shape, int ndim, mx_dtype t,
                        bool swapped);

#endif
