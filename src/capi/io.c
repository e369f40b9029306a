/* Files of arrays, and the program's own readers and writers. */
#include "io/io.h"

#include "base/mem.h"
#include "capi/capi.h"

/* --- readers and writers -------------------------------------------------------------------------------- */

typedef struct stream {
    void *desc;
    mlx_io_vtable vtable;
} stream;

static stream *stream_new(void *desc, const mlx_io_vtable *vtable) {
    mx_error_clear();
    stream *s = mx_malloc(sizeof *s);
    if (s)
        *s = (stream){desc, *vtable};
    else
        capi_report();
    return s;
}

static stream *stream_in(void *ctx) {
    return ctx ? ctx : mx_fail(MX_INVALID, "[io] an empty reader or writer was given");
}

static int stream_free(stream *s) {
    if (s && s->vtable.free)
        s->vtable.free(s->desc);
    mx_free(s);
    return 0;
}

static const char *label_of(const stream *s) {
    const char *label = s->vtable.label ? s->vtable.label(s->desc) : NULL;
    return label ? label : "a reader or writer";
}

static int give_descriptor(void **desc, void *ctx) {
    mx_error_clear();
    const stream *s = stream_in(ctx);
    if (s && desc)
        *desc = s->desc;
    return capi_done(s && (desc || mx_fail(MX_INVALID, "[io] the result is NULL")));
}

static int give_label(mlx_string *str, void *ctx) {
    mx_error_clear();
    const stream *s = stream_in(ctx);
    return capi_done(s && capi_put_string(str, label_of(s)));
}

mlx_io_reader mlx_io_reader_new(void *desc, mlx_io_vtable vtable) {
    return (mlx_io_reader){stream_new(desc, &vtable)};
}
int mlx_io_reader_descriptor(void **desc_, mlx_io_reader io) {
    return give_descriptor(desc_, io.ctx);
}
int mlx_io_reader_tostring(mlx_string *str_, mlx_io_reader io) {
    return give_label(str_, io.ctx);
}
int mlx_io_reader_free(mlx_io_reader io) {
    return stream_free(io.ctx);
}
mlx_io_writer mlx_io_writer_new(void *desc, mlx_io_vtable vtable) {
    return (mlx_io_writer){stream_new(desc, &vtable)};
}
int mlx_io_writer_descriptor(void **desc_, mlx_io_writer io) {
    return give_descriptor(desc_, io.ctx);
}
int mlx_io_writer_tostring(mlx_string *str_, mlx_io_writer io) {
    return give_label(str_, io.ctx);
}
int mlx_io_writer_free(mlx_io_writer io) {
    return stream_free(io.ctx);
}

/* --- as sources and sinks ---------------------------------------------------------------------------------- */

static bool is_good(const stream *s, const char *op) {
    if ((s->vtable.is_open && !s->vtable.is_open(s->desc)) || (s->vtable.good && !s->vtable.good(s->desc)))
        return mx_fail(MX_IO, "[%s] %s is not open, or failed", op, label_of(s));
    return true;
}

static bool read_at(void *ctx, void *to, size_t n, uint64_t at) {
    const stream *s = ctx;
    if (!n)
        return true;
    if (s->vtable.read_at_offset) {
        s->vtable.read_at_offset(s->desc, to, n, (size_t)at);
    } else {
        s->vtable.seek(s->desc, (int64_t)at, SEEK_SET);
        s->vtable.read(s->desc, to, n);
    }
    return is_good(s, "load");
}

/* The reader's length: where its end is, seen from its beginning. */
static bool source_of(mx_source *source, mlx_io_reader in) {
    stream *s = stream_in(in.ctx);
    if (!s)
        return false;
    if (!s->vtable.seek || !s->vtable.tell || (!s->vtable.read && !s->vtable.read_at_offset))
        return mx_fail(MX_INVALID, "[load] the reader lacks seek, tell or read");
    if (!is_good(s, "load"))
        return false;
    s->vtable.seek(s->desc, 0, SEEK_END);
    *source = (mx_source){read_at, s, s->vtable.tell(s->desc), label_of(s)};
    s->vtable.seek(s->desc, 0, SEEK_SET);
    return is_good(s, "load");
}

static bool put_bytes(void *ctx, const void *bytes, size_t n) {
    const stream *s = ctx;
    if (n)
        s->vtable.write(s->desc, bytes, n);
    return is_good(s, "save");
}

static bool sink_of(mx_sink *sink, mlx_io_writer out) {
    stream *s = stream_in(out.ctx);
    if (!s)
        return false;
    *sink = (mx_sink){put_bytes, s};
    if (!s->vtable.write)
        return mx_fail(MX_INVALID, "[save] the writer has no write");
    return is_good(s, "save");
}

static bool have_path(const char *path) {
    return path || mx_fail(MX_INVALID, "[io] the file name is NULL");
}

/* --- safetensors -------------------------------------------------------------------------------------------------- */

/* What was read goes to the handles; one that is not wanted may be NULL. */
static int end_load(capi_call *c, bool ok, mlx_map_string_to_array *res_0, mx_map *arrays,
                    mlx_map_string_to_string *res_1, mx_map *metadata) {
    if (ok && res_0) {
        ok = capi_put_map_arrays(res_0, arrays);
        *arrays = (mx_map){0};
    }
    if (ok && res_1) {
        ok = capi_put_map_strings(res_1, metadata);
        *metadata = (mx_map){0};
    }
    mx_free_arrays(arrays);
    mx_free_strings(metadata);
    return capi_end_ok(c, ok);
}

int mlx_load_safetensors(mlx_map_string_to_array *res_0, mlx_map_string_to_string *res_1, const char *file,
                         const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_map arrays = {0}, metadata = {0};
    bool ok = have_path(file) && mx_load_safetensors(file, &arrays, &metadata);
    return end_load(&c, ok, res_0, &arrays, res_1, &metadata);
}

int mlx_load_safetensors_reader(mlx_map_string_to_array *res_0, mlx_map_string_to_string *res_1,
                                mlx_io_reader in_stream, const mlx_stream s) {
    capi_call c = capi_begin(s);
    mx_map arrays = {0}, metadata = {0};
    mx_source source;
    bool ok = source_of(&source, in_stream) && mx_load_safetensors_from(&source, &arrays, &metadata);
    return end_load(&c, ok, res_0, &arrays, res_1, &metadata);
}

/* An empty handle of metadata is no metadata. */
static bool maps_of(mlx_map_string_to_array param, mlx_map_string_to_string metadata, const mx_map **arrays,
                    const mx_map **strings) {
    *arrays = capi_map_arrays(param);
    *strings = *arrays && metadata.ctx ? capi_map_strings(metadata) : NULL;
    return *arrays != NULL;
}

int mlx_save_safetensors(const char *file, const mlx_map_string_to_array param,
                         const mlx_map_string_to_string metadata) {
    capi_call c = capi_begin_default();
    const mx_map *arrays, *strings;
    return capi_end_ok(&c, have_path(file) && maps_of(param, metadata, &arrays, &strings) &&
                               mx_save_safetensors(file, arrays, strings));
}

int mlx_save_safetensors_writer(mlx_io_writer in_stream, const mlx_map_string_to_array param,
                                const mlx_map_string_to_string metadata) {
    capi_call c = capi_begin_default();
    const mx_map *arrays, *strings;
    mx_sink sink;
    return capi_end_ok(&c, sink_of(&sink, in_stream) && maps_of(param, metadata, &arrays, &strings) &&
                               mx_save_safetensors_to(&sink, arrays, strings));
}
