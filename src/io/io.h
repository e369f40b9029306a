/* Files of arrays. Readers check every length, offset and count against the file before they use it. */
#ifndef MX_IO_IO_H
#define MX_IO_IO_H

#include "base/map.h"
#include "graph/array.h"

/* Bytes at offsets, from a reader of the program. */
typedef struct mx_source {
    bool (*read)(void *ctx, void *to, size_t n, uint64_t at); /* all n, or an error recorded */
    void *ctx;
    uint64_t size;
    const char *label; /* for messages */
} mx_source;

/* Where bytes go, one after the other: a file, or a writer of the program. */
typedef struct mx_sink {
    bool (*put)(void *ctx, const void *bytes, size_t n); /* false: an error is recorded */
    void *ctx;
} mx_sink;

/* --- safetensors (io_safetensors.c, io_safetensors_save.c) ------------------------------------------------ */

/* Tensors by name, each with a reference, and metadata as strings from mx_malloc; the maps are empty at
   first. The file is mapped and nothing of it is read until it is used. */
bool mx_load_safetensors(const char *path, mx_map *arrays, mx_map *metadata);
/* The same, everything read at once. */
bool mx_load_safetensors_from(const mx_source *source, mx_map *arrays, mx_map *metadata);
void mx_free_arrays(mx_map *arrays);
void mx_free_strings(mx_map *strings);

/* The file appears complete or not at all. metadata may be NULL. */
bool mx_save_safetensors(const char *path, const mx_map *arrays, const mx_map *metadata);
bool mx_save_safetensors_to(const mx_sink *sink, const mx_map *arrays, const mx_map *metadata);

#endif
