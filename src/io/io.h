/* Files of arrays.
 *
 *     source ──▶ reader ──▶ arrays          npy  npz  safetensors  gguf
 *     arrays ──▶ writer ──▶ sink
 *
 * A source is the bytes of a file, of which a reader sees a beginning that grows as it asks for
 * more: nothing behind what the headers say is ever read. Where the bytes come from:
 *
 *     a path      arrays are pending: they are read when they are evaluated, and then need the file
 *                 no more. Of a small file, and while the process has few descriptors left, they
 *                 are read at once.
 *     mapped      the same, but an evaluated array is the pages of the file
 *     a stream    what a program's own reader gives, in order; from where the headers end to the
 *                 last array's end it is read into one block
 *     memory      arrays lie in it
 *
 * A sink takes bytes in order: a new file (base/file.h, complete or not at all) or a program's own
 * writer.
 *
 * Every count, length and offset of a file is checked against the bytes there are before it is
 * used. What is wrong is MX_FORMAT and says where: "[load] 'a.npy' at byte 10: the shape ...".
 *
 * Maps hold arrays with a reference each (mx_io_drop_array lets one go) or strings of mx_malloc.
 */
#ifndef MX_IO_IO_H
#define MX_IO_IO_H

#include "base/map.h"
#include "graph/array/array.h"
#include "graph/array/loaded.h"

/* --- sources ---------------------------------------------------------------------- */

/* The next n bytes of a stream; fewer: it ended. (size_t)-1, with an error recorded: it failed. */
typedef size_t mx_stream_read(void *from, void *to, size_t n);

typedef struct mx_source {
    const char *op;            /* opens messages: "load" */
    const char *name;          /* path or label, for messages */
    const unsigned char *data; /* the first `have` bytes */
    size_t have;
    size_t size;       /* of all bytes; MX_SIZE_UNKNOWN where only the end of a stream will tell */
    mx_buffer *buffer; /* memory: holds all bytes, arrays keep it alive; NULL otherwise */
    mx_loaded *file;   /* a path */
    mx_stream_read *read;
    void *from;
    unsigned char *head; /* what `data` is, unless it is memory */
    size_t room;
} mx_source;
#define MX_SIZE_UNKNOWN ((size_t)INT64_MAX)

/* op and name are borrowed while the source is open. */
bool mx_source_file(mx_source *s, const char *op, const char *path, bool map);
/* All bytes of a file, in memory. */
bool mx_source_whole(mx_source *s, const char *op, const char *path);
/* Bytes in memory; the buffer is retained. */
void mx_source_memory(mx_source *s, const char *op, const char *name, mx_buffer *b, size_t size);
void mx_source_stream(mx_source *s, const char *op, const char *name, mx_stream_read *read,
                      void *from, size_t size);
void mx_source_close(mx_source *s);

/* Records "[op] 'name' at byte N: ..."; returns NULL. */
void *mx_source_fail(const mx_source *s, size_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Are there n bytes at `at`? If not: an error that names `what`. */
bool mx_source_has(const mx_source *s, size_t at, uint64_t n, const char *what);
/* The same, and s->data reaches behind them then: it may have moved. */
bool mx_source_get(mx_source *s, size_t at, uint64_t n, const char *what);
/* Of a stream: the bytes before `end` are wanted and none behind them. Before its first array is
   made. */
bool mx_source_until(mx_source *s, size_t end);
/* n bytes, which are there, at once. */
bool mx_source_copy(mx_source *s, void *to, size_t at, size_t n);

/* Row-major elements at a byte offset, checked to lie inside; `swapped` ones are big-endian. In
   memory a view of the bytes where alignment allows, a copy otherwise. Booleans other than 0 and 1
   are refused, of a path when they are evaluated. */
mx_array *mx_source_array(mx_source *s, size_t at, const int *shape, int ndim, mx_dtype t,
                          bool swapped);

/* Little-endian numbers at bytes that are known to be there. */
static inline uint32_t mx_le16(const unsigned char *p) {
    return p[0] | (uint32_t)p[1] << 8;
}
static inline uint32_t mx_le32(const unsigned char *p) {
    return mx_le16(p) | mx_le16(p + 2) << 16;
}
static inline uint64_t mx_le64(const unsigned char *p) {
    return mx_le32(p) | (uint64_t)mx_le32(p + 4) << 32;
}

/* --- sinks ------------------------------------------------------------------------ */

typedef struct mx_sink {
    const char *op;   /* opens messages: "save" */
    const char *name; /* path or label */
    /* Writes to k->to. False, with an error recorded: it could not be written. */
    bool (*put)(struct mx_sink *k, const void *bytes, size_t n);
    void *to;
    uint64_t count; /* bytes put so far */
} mx_sink;

bool mx_sink_put(mx_sink *k, const void *bytes, size_t n);
bool mx_sink_zeros(mx_sink *k, size_t n);
/* All elements in row-major order, little-endian. Evaluates; what a file holds is read for the sink
   alone, and the array stays as it is (graph/array/again.h). */
bool mx_sink_array(mx_sink *k, mx_array *a);
/* What it puts, evaluated, of the open scope; NULL and an error. */
mx_array *mx_sink_rows(mx_array *a);

/* The path with `ending` (".npy"), which is added unless it has it; for mx_free. */
char *mx_path_with(const char *op, const char *path, const char *ending);
/* A sink into a writer (base/file.h) of the file `path`. */
struct mx_writer;
mx_sink mx_sink_writer(const char *op, const char *path, struct mx_writer *w);
/* Write a new file: `write` fills the sink; when it or the disk fails nothing has changed. */
typedef bool mx_write_fn(mx_sink *k, void *what);
bool mx_sink_file(const char *op, const char *path, const char *ending, mx_write_fn *write,
                  void *what);

/* --- formats ---------------------------------------------------------------------- */

void mx_io_drop_array(void *array); /* for mx_map_free */

/* io_npy.c. *end receives the offset behind the array (may be NULL). */
mx_array *mx_read_npy(mx_source *s, size_t *end);
/* The same in two steps. */
typedef struct mx_npy_head {
    mx_dtype dtype;
    bool swapped, fortran;
    mx_shape shape;
    size_t data; /* where the elements begin */
} mx_npy_head;
bool mx_npy_open(mx_source *s, mx_npy_head *out);
mx_array *mx_npy_elements(mx_source *s, const mx_npy_head *h, size_t at);
bool mx_write_npy(mx_sink *k, void *array);
/* The header that stands before the elements of a; -1 on failure (n is too small). */
int mx_npy_header(char *out, size_t n, const mx_array *a);

/* io_npz.c: members "name.npy" by name. */
bool mx_load_npz(mx_source *s, mx_map *arrays);
/* A member that is compressed, of s: its header, and all of it. */
bool mx_npz_member_head(const mx_source *s, uint64_t index, mx_npy_head *out);
mx_array *mx_npz_member(const mx_source *s, uint64_t index);
/* Is a member's name ASCII alone? Then it is written and read as it stands, whatever libzip makes
   of an encoding's control characters. */
bool mx_npz_plain_name(const char *name);
bool mx_save_npz(const char *path, const mx_map *arrays, bool compressed);
/* Arrays that are made when it is their turn (io_npz_save.c). */
typedef struct mx_npz_each {
    size_t count;
    const char *(*name)(const void *payload, size_t i);
    /* Of the open scope, pending or not; asked for twice. NULL and an error: it cannot be made. */
    mx_array *(*array)(const void *payload, size_t i);
    bool (*wrote)(const void *payload, size_t i); /* false: stop; NULL: nobody asks */
    const void *payload;
    bool keeps;     /* a file that is there by then is not replaced */
    uint64_t bytes; /* of all arrays, for which the disk is asked; 0: it is not */
} mx_npz_each;
bool mx_save_npz_each(const char *path, const mx_npz_each *each, bool compressed);

/* io_safetensors.c, io_safetensors_save.c: tensors by name and metadata, into empty maps. Of a
   path or of any source; to a path (complete or not at all) or any sink. metadata may be NULL. */
bool mx_load_safetensors(const char *path, bool map, mx_map *arrays, mx_map *metadata);
bool mx_load_safetensors_from(mx_source *s, mx_map *arrays, mx_map *metadata);
bool mx_save_safetensors(const char *path, const mx_map *arrays, const mx_map *metadata);
bool mx_save_safetensors_to(mx_sink *k, const mx_map *arrays, const mx_map *metadata);
void mx_free_arrays(mx_map *arrays);
void mx_free_strings(mx_map *strings);

/* io_gguf.c */
/* Does it begin as a GGUF file, of either order of bytes? */
bool mx_source_is_gguf(mx_source *s);
/* The same of a path; false and an error: it cannot be read. */
bool mx_path_is_gguf(const char *op, const char *path, bool *out);
/* NESTED: arrays of arrays that are no table of numbers. */
typedef enum mx_meta_kind {
    MX_META_ARRAY,
    MX_META_STRING,
    MX_META_STRINGS,
    MX_META_NESTED
} mx_meta_kind;
typedef struct mx_meta {
    mx_meta_kind kind;
    mx_array *array; /* one reference */
    char
        *string; /* of MX_META_STRINGS: in which they lie; NULL: each lies by itself. Of NESTED: its
                     text in JSON */
    char **strings;
    size_t count;   /* of strings */
    size_t *length; /* of the string, or of each of the strings: they may have zeros inside */
    /* Of NESTED: the value as it lies in a file, little-endian, `size` of them. */
    unsigned char *bytes;
    size_t size;
} mx_meta;
void mx_meta_free(void *meta); /* for mx_map_free; NULL is fine */
mx_meta *mx_meta_of_array(mx_array *a);
mx_meta *mx_meta_of_string(const char *text);
mx_meta *mx_meta_of_strings(const char *const *text, size_t count);
/* n bytes and no zero behind them. */
mx_meta *mx_meta_of_text(const char *text, size_t n);
mx_meta *mx_meta_copy(const mx_meta *m);
/* Room for strings of these kinds, to be filled: NULLs of length 0. */
mx_meta *mx_meta_room(mx_meta_kind kind, size_t count);

typedef struct mx_gguf {
    mx_map arrays; /* mx_array * */
    mx_map meta;   /* mx_meta * */
} mx_gguf;
void mx_gguf_free(mx_gguf *g); /* what it holds */
/* What was read before a failure stays in g, to be freed. */
bool mx_read_gguf(mx_source *s, mx_gguf *g);
/* The same of a path, and where it is the first file of a split model of all of them. */
bool mx_read_gguf_file(const char *op, const char *path, bool map, mx_gguf *g);
bool mx_write_gguf(mx_sink *k, void *gguf);

#endif
