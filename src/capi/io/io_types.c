/* io_types.h: readers and writers of the program, and GGUF contents. */
#include <stdio.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/mem.h"
#include "capi/capi.h"
#include "capi/io/io.h"

/* --- readers and writers: a box around desc and functions ------------------------- */

typedef struct stream_box {
    void *desc;
    mlx_io_vtable f;
    const char *op; /* what it is read for, in messages */
    bool begun;     /* bytes have gone to the program, which cannot be taken back */
} stream_box;

static stream_box *new_box(void *desc, mlx_io_vtable f) {
    mx_error_clear();
    stream_box *b = mx_malloc(sizeof *b);
    if (b)
        *b = (stream_box){.desc = desc, .f = f, .op = "load"};
    else if (f.free)
        f.free(desc);
    capi_done(b != NULL);
    return b;
}

static int free_box(const char *kind, stream_box *b) {
    int status;
    if (!capi_frees(b, kind, &status))
        return status;
    if (b->f.free)
        b->f.free(b->desc);
    mx_free(b);
    return 0;
}

static stream_box *need_box(const char *op, void *ctx) {
    return capi_object(ctx, op);
}

static int descriptor(const char *op, void **desc, void *ctx) {
    mx_error_clear();
    stream_box *b = need_box(op, ctx);
    if (b && desc)
        *desc = b->desc;
    return capi_done(b && (desc || mx_fail(MX_INVALID, "[%s] the result is NULL", op)));
}

static const char *label_of(const stream_box *b, const char *otherwise) {
    const char *label = b->f.label ? b->f.label(b->desc) : NULL;
    return label ? label : otherwise;
}

static int tostring(const char *op, mlx_string *str, void *ctx, const char *otherwise) {
    mx_error_clear();
    stream_box *b = need_box(op, ctx);
    return capi_done(b && capi_put_string(str, label_of(b, otherwise)));
}

mlx_io_reader mlx_io_reader_new(void *desc, mlx_io_vtable vtable) {
    return (mlx_io_reader){new_box(desc, vtable)};
}

int mlx_io_reader_descriptor(void **desc_, mlx_io_reader io) {
    return descriptor("io_reader_descriptor", desc_, io.ctx);
}

int mlx_io_reader_tostring(mlx_string *str_, mlx_io_reader io) {
    return tostring("io_reader_tostring", str_, io.ctx, "reader");
}

int mlx_io_reader_free(mlx_io_reader io) {
    return free_box("io_reader", io.ctx);
}

mlx_io_writer mlx_io_writer_new(void *desc, mlx_io_vtable vtable) {
    return (mlx_io_writer){new_box(desc, vtable)};
}

int mlx_io_writer_descriptor(void **desc_, mlx_io_writer io) {
    return descriptor("io_writer_descriptor", desc_, io.ctx);
}

int mlx_io_writer_tostring(mlx_string *str_, mlx_io_writer io) {
    return tostring("io_writer_tostring", str_, io.ctx, "writer");
}

int mlx_io_writer_free(mlx_io_writer io) {
    return free_box("io_writer", io.ctx);
}

/* --- their use -------------------------------------------------------------------- */

/* After functions of the program ran: true, or the cause that calls of theirs met, or that they
   failed. */
static bool finish(capi_callback c, const char *op, const stream_box *b, bool ok,
                   const char *what) {
    bool has_cause = !ok && *mlx_last_error_message();
    const char *label = label_of(b, "without a name");
    capi_callback_end(c, op, has_cause);
    if (!ok && !has_cause)
        mx_fail(MX_IO, "[%s] %s: it %s", op, label, what);
    return ok;
}

static bool is_good(const stream_box *b) {
    return (!b->f.is_open || b->f.is_open(b->desc)) && (!b->f.good || b->f.good(b->desc));
}

static bool find_bounds(const stream_box *b, size_t *start, size_t *end) {
    if (!is_good(b))
        return false;
    *start = b->f.tell(b->desc);
    b->f.seek(b->desc, 0, SEEK_END);
    *end = b->f.tell(b->desc);
    b->f.seek(b->desc, (int64_t)*start, SEEK_SET);
    return is_good(b) && *end >= *start && (uint64_t)*end <= INT64_MAX;
}

static size_t read_bytes(void *from, void *to, size_t n) {
    const stream_box *b = from;
    capi_callback c = capi_callback_begin();
    if (n)
        b->f.read(b->desc, to, n);
    bool ok = is_good(b);
    return finish(c, b->op, b, ok, "failed to read") ? n : SIZE_MAX;
}

/* How many bytes there are from here; unknown of a reader that only reads on. */
static bool find_size(const char *op, const stream_box *b, size_t *size) {
    size_t start = 0, end = 0;
    capi_callback c = capi_callback_begin();
    bool seeks = b->f.tell && b->f.seek, ok = seeks ? find_bounds(b, &start, &end) : is_good(b);
    *size = seeks ? end - start : MX_SIZE_UNKNOWN;
    return finish(c, op, b, ok, "is not open, or cannot say how long it is");
}

bool capi_source(mx_source *s, const char *op, mlx_io_reader reader) {
    size_t size;
    stream_box *b = mx_failed() ? NULL : need_box(op, reader.ctx);
    *s = (mx_source){0};
    if (b && !b->f.read)
        return mx_fail(MX_INVALID, "[%s] the reader's table has no function read", op);
    if (b && !b->f.tell != !b->f.seek)
        return mx_fail(
            MX_INVALID,
            "[%s] the reader's table has no function %s: tell and seek are both there or neither "
            "is",
            op, b->f.tell ? "seek" : "tell");
    if (!b || !find_size(op, b, &size))
        return false;
    b->op = op;
    mx_source_stream(s, op, label_of(b, "reader"), read_bytes, b, size);
    return true;
}

static bool put_bytes(mx_sink *k, const void *bytes, size_t n) {
    stream_box *b = k->to;
    if (!b->begun)
        mx_interrupt_commit(1);
    b->begun = true;
    capi_callback c = capi_callback_begin();
    b->f.write(b->desc, bytes, n);
    bool ok = is_good(b);
    return finish(c, k->op, b, ok, "failed to write");
}

bool capi_sink(mx_sink *k, const char *op, mlx_io_writer writer) {
    stream_box *b = mx_failed() ? NULL : need_box(op, writer.ctx);
    if (b && !b->f.write)
        return mx_fail(MX_INVALID, "[%s] the writer's table has no function write", op);
    if (!b)
        return false;
    capi_callback c = capi_callback_begin();
    bool ok = is_good(b);
    *k = (mx_sink){op, label_of(b, "writer"), put_bytes, b, 0};
    b->begun = false;
    return finish(c, op, b, ok, "is not open");
}

bool capi_sink_done(mx_sink *k, bool ok) {
    stream_box *b = k->to;
    if (!b->begun)
        return ok;
    mx_interrupt_commit(-1);
    if (ok || mx_error_status() != MX_INTERRUPTED)
        return ok;
    mx_error_clear();
    return mx_fail(MX_IO, "[%s] writing to %s was stopped in the middle", k->op,
                   label_of(b, "writer"));
}
