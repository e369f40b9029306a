/* An open file of tensors, whatever its format: what mlx/c/file.h shows.
 *
 *     mx_archive ──▶ parts     files: one, the shards of a folder, the parts of a split model
 *                ──▶ tensors   in the order of the files, also by name
 *                ──▶ meta      mx_meta by key
 *
 * Opening reads headers. A tensor's elements are read when an array of it is evaluated, which needs
 * no archive any more: pending arrays hold the file.
 *
 * A format is a row of functions (formats.c lists them). `open` is called for each part, adds its
 * tensors and metadata, and may add further parts, which are opened after it. Archives do not
 * change once they are open, so that any thread may read.
 *
 * Limits: MX_MOST_PARTS files, MX_MOST_NAME bytes of a name, MX_MAX_NDIM dimensions, and those of
 * the formats.
 */
#ifndef MX_IO_ARCHIVE_H
#define MX_IO_ARCHIVE_H

#include "io/io.h"

enum { MX_MOST_PARTS = 10000, MX_MOST_NAME = 65535 };

/* The file beside a folder's safetensors that keeps GGUF's metadata: never the folder's model. */
#define MX_METADATA_FILE "metadata.gguf"

typedef struct mx_archive mx_archive;

typedef struct mx_archive_tensor {
    const char *name;    /* of the archive */
    const char *storage; /* how it lies: "float32", "float8_e4m3", "q4_k"; outlives the archive */
    mx_dtype dtype;      /* what its values are read as */
    int ndim;
    const int *shape;         /* of the archive */
    uint64_t elements, bytes; /* bytes: in the file */
    uint64_t offset;          /* of the first byte in its part; 0 where it is packed */
    int part;
    bool raw; /* its bytes lie at the offset as a writer has them: in row order, little-endian */
    uint64_t how; /* the format's own */
} mx_archive_tensor;

typedef struct mx_archive_format {
    const char *name;
    /* Is it of this format? By its first bytes, not by its name. */
    bool (*detect)(const struct mx_archive_format *self, mx_source *s);
    /* Adds what part `part` holds. */
    bool (*open)(mx_archive *a, int part);
    /* An array of a tensor: its values, or as it lies. */
    mx_array *(*read)(mx_archive *a, const mx_archive_tensor *t, bool stored);
    void (*close)(mx_archive *a); /* lets go of a->state; NULL: there is none */
} mx_archive_format;

typedef struct mx_archive_part {
    char *path;
    mx_source source;
    uint64_t size;
} mx_archive_part;

struct mx_archive {
    const mx_archive_format *format;
    char *path;  /* as given */
    char *label; /* of messages: the file, or the index of its shards */
    bool map;
    mx_archive_part *part;
    int parts;
    mx_archive_tensor *tensor;
    size_t count, room;
    mx_map place; /* name -> number + 1 */
    mx_map meta;
    void *state; /* the format's */
};

/* op opens messages and must be a literal. NULL and an error: it cannot be opened, or is none. */
mx_archive *mx_archive_open(const char *op, const char *path, bool map);
/* The same of a source, which is taken over, also on failure: one file. */
mx_archive *mx_archive_over(mx_source s);
void mx_archive_close(mx_archive *a); /* NULL is fine */
/* The number of a tensor; -1: there is none of this name. No error is recorded. */
int64_t mx_archive_find(const mx_archive *a, const char *name);
mx_array *mx_archive_read(mx_archive *a, size_t i, bool stored);

/* --- for formats -------------------------------------------------------------------- */

/* A source more, with its path; both are taken over, also on failure. */
bool mx_archive_add_source(mx_archive *a, char *path, mx_source s);
/* A file more; its path is taken over, also on failure. */
bool mx_archive_add_part(mx_archive *a, const char *op, char *path);
/* name and shape are copied. Errors: a name that is there already or is too long, a shape that is
   too large. */
bool mx_archive_add(mx_archive *a, mx_archive_tensor t);
/* A value at a key, unless an earlier part has one. m is taken over, also on failure; NULL passes
   through. */
bool mx_archive_add_meta(mx_archive *a, const char *key, mx_meta *m);
/* "dir/name" beside `path`; NULL and an error where name is no plain name of a file. For
   mx_free. */
char *mx_archive_beside(const char *op, const char *path, const char *name);

/* Elements at the tensor's offset, of a dtype and shape (NULL: the tensor's). */
mx_array *mx_archive_elements(mx_archive *a, const mx_archive_tensor *t, mx_dtype dtype,
                              const int *shape, int ndim);
/* Codes of 8-bit floats as bfloat16, which holds all their values; NULL and an error: `storage` is
   not one. */
mx_array *mx_archive_widen(const char *storage, mx_array *codes);
bool mx_archive_widens(const char *storage);

/* Formats that are asked after the library's own, for the life of the process. False and an error:
   the name is taken. */
typedef struct mx_format_row {
    struct mx_format_row *next;
    const mx_archive_format *format;
    const struct mx_archive_output *output; /* NULL: read only */
} mx_format_row;
bool mx_format_add(mx_format_row *row);
/* Where more of them come from, asked before the first look-up; false and an error: they cannot be
   loaded. */
void mx_format_set_loader(bool (*load)(void));

extern const mx_archive_format mx_archive_safetensors, mx_archive_gguf, mx_archive_npy,
    mx_archive_npz, mx_archive_pytorch;

/* --- writing ------------------------------------------------------------------------ */

/* How elements lie in files that are written: `items` of them in `bytes` bytes. */
typedef struct mx_storage {
    const char *name;
    mx_dtype dtype; /* of the arrays that are written: uint8 for codes and blocks */
    int items, bytes;
} mx_storage;

typedef struct mx_archive_entry {
    char *name;
    mx_storage storage;
    int ndim;
    int *shape; /* of elements */
    uint64_t bytes;
    int part;
    uint64_t at; /* of its first byte in the part, once the header is written */
    bool put;
} mx_archive_entry;

typedef struct mx_archive_writer mx_archive_writer;
typedef struct mx_archive_output mx_archive_output;

/* A format's writing side. */
struct mx_archive_output {
    const char *name;
    const char *ending; /* of its files: ".safetensors"; "" is possible */
    /* Fills *out; false: the format has no such storage. No error is recorded. */
    bool (*storage)(const char *name, mx_storage *out);
    /* Writes the head of a part, which has these entries (n of them), and finds each one's place.
       *size: of the whole file. */
    bool (*head)(mx_sink *k, const mx_archive_writer *w, int part, mx_archive_entry **entry,
                 size_t n, uint64_t *size);
    /* What is written beside several files; NULL: nothing. */
    bool (*index)(const mx_archive_writer *w);
};

struct mx_archive_writer {
    const mx_archive_output *format;
    char *path;
    uint64_t most; /* bytes of tensors in one file; 0: all */
    mx_archive_entry *entry;
    size_t count, room;
    mx_map place; /* name -> number + 1 */
    mx_map meta;
    struct mx_writer **file; /* one a part, once the first tensor is put */
    char **file_path;
    int parts;
    bool keeps; /* files that are there by then are not replaced */
    bool failed, finished;
};

/* By name, or where that is NULL by the path's ending. NULL: there is none; an error is recorded
   by the second, and by both where plug-ins cannot be loaded. */
const mx_archive_output *mx_output_find(const char *path, const char *format);
const mx_archive_output *mx_output_for(const char *path, const char *format);
/* Names of all that can be written, with ", " between, for messages. */
void mx_output_names(char *room, size_t n);
/* format: NULL by the path's ending. */
mx_archive_writer *mx_archive_create(const char *path, const char *format, uint64_t most);
/* Metadata; m is taken over, also on failure. */
bool mx_archive_set_meta(mx_archive_writer *w, const char *key, mx_meta *m);
bool mx_archive_declare(mx_archive_writer *w, const char *name, const char *storage,
                        const int *shape, int ndim);
/* The elements of a tensor that was declared, once each, in any order. */
bool mx_archive_put(mx_archive_writer *w, const char *name, mx_array *a);
/* The same in pieces: whole rows, in order, from row `first` on; with the last it is put. */
bool mx_archive_put_rows(mx_archive_writer *w, const char *name, mx_array *a, int first);
/* The same of a tensor of a file, stored as it is to be: bytes are copied that no array sees. */
bool mx_archive_put_raw(mx_archive_writer *w, const char *name, const mx_archive *from, size_t i);
/* All tensors were put: the files appear under their names. */
bool mx_archive_finish(mx_archive_writer *w);
/* Lets go of it. What was not finished leaves nothing behind; NULL is fine. */
void mx_archive_writer_free(mx_archive_writer *w);

extern const mx_archive_output mx_output_safetensors, mx_output_gguf;

#endif
