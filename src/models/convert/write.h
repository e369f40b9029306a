/* Writing what a plan says. */
#ifndef MX_MODELS_WRITE_H
#define MX_MODELS_WRITE_H

#include "models/convert/convert.h"

/* Tensors and metadata into a file, or files of most_bytes. format: "safetensors" or "gguf". Appears
   whole or not at all. */
bool mx_write_model(const mx_conversion *p, const char *path, const char *format,
                    uint64_t most_bytes);
/* Tensors under their names into an archive of npy files. */
bool mx_write_npz(const mx_conversion *p, const char *path);

/* A folder that appears when it is complete: "a.1234.tmp" until then. mx_staging_close in any
   case. */
typedef struct mx_staging {
    char *path, *target;
    bool made;
} mx_staging;
bool mx_staging_open(mx_staging *s, const char *target);
bool mx_staging_commit(mx_staging *s);
void mx_staging_close(mx_staging *s);

#endif
