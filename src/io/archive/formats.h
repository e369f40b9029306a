/* Which files belong to what was named, and of what format they are. */
#ifndef MX_IO_FORMATS_H
#define MX_IO_FORMATS_H

#include "io/archive/archive.h"

/* What a path stands for: a file; the shards that an index (model.safetensors.index.json) or a
   folder holds. */
typedef struct mx_shards {
    char *label; /* the file, the index or the folder */
    char **file; /* paths, for mx_free */
    size_t files;
    void *weights; /* JSON, or NULL: in which file each tensor is */
} mx_shards;
/* mx_shards_free in any case */
bool mx_shards_find(const char *op, const char *path, mx_shards *out);
/* Is every tensor of the index in the file that it says? */
bool mx_shards_check(const char *op, const mx_shards *index, const mx_archive *a);
void mx_shards_free(mx_shards *index);

/* NULL and an error: of none. */
const mx_archive_format *mx_format_of(mx_source *s);

#endif
