/* Writing files of tensors, one tensor at a time: see archive.h.
 *
 *     create   set_meta   declare ...   the first put writes the heads   put ...   finish
 *
 * Until finish renames them the files have temporary names (base/file.h), and what they replace is
 * whole. Tensors are put in any order, so the files get their full length first.
 */
#include <stdio.h>
#include <string.h>

#include "base/ending.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "graph/trace/scope.h"
#include "io/archive/archive.h"
#include "ops/ops.h"

static const char op[] = "file_writer";

/* --- beginning -------------------------------------------------------------------------- */

mx_archive_writer *mx_archive_create(const char *path, const char *format, uint64_t most) {
    if (!path)
        return mx_fail(MX_INVALID, "[%s] the file name is NULL", op);
    const mx_archive_output *o = mx_output_for(path, format);
    mx_archive_writer *w = o ? mx_calloc(1, sizeof *w) : NULL;
    if (!w)
        return NULL;
    w->format = o;
    w->most = most;
    w->path = mx_strdup(path);
    if (w->path)
        return w;
    mx_archive_writer_free(w);
    return NULL;
}

/* As before the heads were written. */
static void drop_files(mx_archive_writer *w) {
    for (int i = 0; i < w->parts; i++) {
        if (w->file)
            mx_writer_abandon(w->file[i]);
        if (w->file_path)
            mx_free(w->file_path[i]);
    }
    mx_free(w->file);
    mx_free(w->file_path);
    w->file = NULL;
    w->file_path = NULL;
    w->parts = 0;
}

void mx_archive_writer_free(mx_archive_writer *w) {
    if (!w)
        return;
    drop_files(w);
    for (size_t i = 0; i < w->count; i++) {
        mx_free(w->entry[i].name);
        mx_free(w->entry[i].shape);
    }
    mx_map_free(&w->place, NULL);
    mx_map_free(&w->meta, mx_meta_free);
    mx_free(w->entry);
    mx_free(w->path);
    mx_free(w);
}

/* Before the heads are written. */
static bool is_open(const mx_archive_writer *w, const char *what) {
    if (w->failed)
        return mx_fail(MX_INVALID, "[%s] '%s': writing failed before: begin anew", op, w->path);
    if (w->file)
        return mx_fail(MX_INVALID, "[%s] '%s': %s must come before the first tensor is put", op,
                       w->path, what);
    return true;
}

bool mx_archive_set_meta(mx_archive_writer *w, const char *key, mx_meta *m) {
    void *former = NULL;
    bool ok = m && is_open(w, "metadata") && mx_map_set(&w->meta, key, m, &former);
    mx_meta_free(ok ? former : m);
    return ok;
}

/* --- declaring ---------------------------------------------------------------------------- */

static bool check_storage(const mx_archive_writer *w, const char *name, const char *storage,
                          mx_storage *out) {
    return w->format->storage(storage, out) ||
           mx_fail(MX_UNSUPPORTED, "[%s] '%s': %s files have no storage '%.100s' ('%.200s')", op,
                   w->path, w->format->name, storage, name);
}

static bool check_rows(const mx_archive_writer *w, const mx_archive_entry *e) {
    int last = e->ndim ? e->shape[e->ndim - 1] : 1;
    return last % e->storage.items == 0 ||
           mx_fail(MX_INVALID,
                   "[%s] '%s': rows of %d elements of '%.200s' are no multiple of %s's %d", op,
                   w->path, last, e->name, e->storage.name, e->storage.items);
}

static bool more_entries(mx_archive_writer *w) {
    if (w->count < w->room)
        return true;
    size_t n = w->room ? 2 * w->room : 64;
    mx_archive_entry *e = mx_realloc_array(w->entry, n, sizeof *e);
    if (e) {
        w->entry = e;
        w->room = n;
    }
    return e != NULL;
}

static bool add_entry(mx_archive_writer *w, const mx_archive_entry *e) {
    size_t shape = (size_t)e->ndim * sizeof(int);
    if (!more_entries(w))
        return false;
    mx_archive_entry *to = &w->entry[w->count];
    *to = *e;
    to->name = mx_strdup(e->name);
    to->shape = mx_malloc(shape + 1);
    if (to->name && to->shape &&
        mx_map_set(&w->place, e->name, (void *)(uintptr_t)(w->count + 1), NULL)) {
        if (shape)
            memcpy(to->shape, e->shape, shape);
        w->count++;
        return true;
    }
    mx_free(to->name);
    mx_free(to->shape);
    return false;
}

bool mx_archive_declare(mx_archive_writer *w, const char *name, const char *storage,
                        const int *shape, int ndim) {
    mx_archive_entry e = {
        .name = (char *)(uintptr_t)name, .shape = (int *)(uintptr_t)shape, .ndim = ndim};
    int64_t size = 0;
    if (!is_open(w, "declarations") || !check_storage(w, name, storage, &e.storage))
        return false;
    int least = w->format == &mx_output_gguf;
    if (strlen(name) > MX_MOST_NAME || (int)strlen(name) < least)
        return mx_fail(MX_INVALID, "[%s] '%s': a tensor's name has %d to %d bytes", op, w->path,
                       least, MX_MOST_NAME);
    if (mx_map_has(&w->place, name))
        return mx_fail(MX_INVALID, "[%s] '%s': '%.200s' was declared before", op, w->path, name);
    if (ndim > MX_MAX_NDIM || !mx_shape_size(shape, ndim, 8, &size))
        return mx_fail(MX_INVALID, "[%s] '%s': the shape of '%.200s' is none, or too large", op,
                       w->path, name);
    e.bytes = (uint64_t)size / (unsigned)e.storage.items * (unsigned)e.storage.bytes;
    return check_rows(w, &e) && add_entry(w, &e);
}

/* --- the heads ------------------------------------------------------------------------------ */

/* Tensors fill files in the order in which they were declared. */
static int spread(mx_archive_writer *w) {
    uint64_t held = 0;
    int part = 0;
    for (size_t i = 0; i < w->count; i++) {
        mx_archive_entry *e = &w->entry[i];
        if (w->most && held && e->bytes > w->most - (held < w->most ? held : w->most)) {
            part++;
            held = 0;
        }
        held += e->bytes;
        e->part = part;
    }
    return part + 1;
}

/* "a/model-00002-of-00003.safetensors" of "a/model.safetensors"; the path itself of a single
   file. */
static char *path_of_part(const mx_archive_writer *w, int part) {
    size_t n = strlen(w->path),
           tail = mx_has_ending(w->path, w->format->ending) ? strlen(w->format->ending) : 0;
    mx_text t = {0};
    if (w->parts == 1)
        return mx_strdup(w->path);
    mx_text_put(&t, w->path, n - tail);
    mx_text_add(&t, "-%05d-of-%05d%s", part + 1, w->parts, w->format->ending);
    return mx_text_take(&t);
}

/* Of all files, but the heads: early is better than after an hour. */
static uint64_t bytes_of(const mx_archive_writer *w) {
    uint64_t all = 0;
    for (size_t i = 0; i < w->count; i++)
        all += w->entry[i].bytes;
    return all;
}

static bool write_head(mx_archive_writer *w, int part, mx_archive_entry **entry) {
    size_t n = 0;
    uint64_t size = 0;
    for (size_t i = 0; i < w->count; i++)
        if (w->entry[i].part == part)
            entry[n++] = &w->entry[i];
    w->file_path[part] = path_of_part(w, part);
    w->file[part] = w->file_path[part] ? mx_writer_open(op, w->file_path[part]) : NULL;
    if (!w->file[part])
        return false;
    if (w->keeps)
        mx_writer_keep(w->file[part]);
    mx_sink k = mx_sink_writer(op, w->file_path[part], w->file[part]);
    return (part > 0 || mx_writer_room(w->file[part], bytes_of(w))) &&
           w->format->head(&k, w, part, entry, n, &size) && mx_writer_extend(w->file[part], size);
}

static bool write_heads(mx_archive_writer *w) {
    w->parts = spread(w);
    if (w->parts > MX_MOST_PARTS) {
        w->parts = 0;
        return mx_fail(MX_RANGE, "[%s] '%s': more than %d files", op, w->path, MX_MOST_PARTS);
    }
    w->file = mx_calloc((size_t)w->parts, sizeof *w->file);
    w->file_path = mx_calloc((size_t)w->parts, sizeof *w->file_path);
    mx_archive_entry **entry = mx_calloc(w->count + 1, sizeof *entry);
    bool ok = w->file && w->file_path && entry;
    for (int i = 0; ok && i < w->parts; i++)
        ok = write_head(w, i, entry);
    mx_free(entry);
    return ok;
}

/* Where it fails it can be tried again: metadata may be arrays whose evaluation was interrupted. */
static bool began(mx_archive_writer *w) {
    if (w->failed)
        return mx_fail(MX_INVALID, "[%s] '%s': writing failed before: begin anew", op, w->path);
    if (w->finished)
        return mx_fail(MX_INVALID, "[%s] '%s' is finished", op, w->path);
    if (!w->file && !write_heads(w))
        drop_files(w);
    return w->file;
}

/* --- the data --------------------------------------------------------------------------------- */

/* Rows of blocks have bytes, not elements. */
static bool has_shape(const mx_archive_entry *e, const mx_array *a) {
    bool blocks = e->storage.items > 1;
    if (a->ndim != e->ndim)
        return false;
    for (int i = 0; i < e->ndim; i++) {
        int64_t n = e->shape[i];
        if (blocks && i == e->ndim - 1)
            n = n / e->storage.items * e->storage.bytes;
        if (a->shape[i] != n)
            return false;
    }
    return true;
}

static bool check_array(const mx_archive_writer *w, const mx_archive_entry *e, const mx_array *a) {
    char text[128];
    if (mx_dtype_of(a) != e->storage.dtype)
        return mx_fail(MX_INVALID,
                       "[%s] '%s': '%.200s' is stored as %s, which is written from %s, not from %s",
                       op, w->path, e->name, e->storage.name, mx_dtype_name(e->storage.dtype),
                       mx_dtype_name(mx_dtype_of(a)));
    return has_shape(e, a) ||
           mx_fail(MX_INVALID,
                   "[%s] '%s': an array of shape %s is not what was declared of '%.200s'", op,
                   w->path, mx_shape_text(text, sizeof text, a->shape, a->ndim), e->name);
}

static bool put_entry(mx_archive_writer *w, mx_archive_entry *e, mx_array *a) {
    struct mx_writer *f = w->file[e->part];
    mx_sink k = mx_sink_writer(op, w->file_path[e->part], f);
    return mx_writer_seek(f, e->at) && mx_sink_array(&k, a);
}

/* The entry of a name that waits for its elements; NULL and an error: there is none. */
static mx_archive_entry *waiting(mx_archive_writer *w, const char *name) {
    size_t i = (size_t)(uintptr_t)mx_map_get(&w->place, name);
    if (!i)
        return mx_fail(MX_INVALID, "[%s] '%s': '%.200s' was not declared", op, w->path, name);
    if (w->entry[i - 1].put)
        return mx_fail(MX_INVALID, "[%s] '%s': '%.200s' was put before", op, w->path, name);
    return &w->entry[i - 1];
}

static bool was_put(mx_archive_writer *w, mx_archive_entry *e, bool ok) {
    e->put = ok;
    w->failed = w->failed || !ok;
    return ok;
}

bool mx_archive_put(mx_archive_writer *w, const char *name, mx_array *a) {
    mx_archive_entry *e = waiting(w, name);
    if (!e || !check_array(w, e, a) || !began(w))
        return false;
    mx_scope scope = mx_scope_open();
    mx_array *rows = mx_sink_rows(a); // where that is interrupted nothing has been written
    bool ok = rows && was_put(w, e, put_entry(w, e, rows));
    mx_scope_close(scope);
    return ok;
}

bool mx_archive_put_rows(mx_archive_writer *w, const char *name, mx_array *a, int first) {
    mx_archive_entry *e = waiting(w, name);
    if (!e || !began(w))
        return false;
    mx_scope scope = mx_scope_open();
    mx_array *rows = mx_sink_rows(a);
    uint64_t all = e->ndim ? (uint64_t)e->shape[0] : 0,
             n = rows && rows->ndim ? (uint64_t)rows->shape[0] : 0;
    uint64_t bytes = rows ? (uint64_t)rows->size * mx_itemsize(rows) : 0,
             one = all ? e->bytes / all : 0;
    bool ok = rows &&
              ((mx_dtype_of(rows) == e->storage.dtype && bytes == n * one &&
                (uint64_t)first + n <= all) ||
               mx_fail(MX_INVALID, "[%s] '%s': these are no rows of '%.200s'", op, w->path, name));
    mx_sink k = mx_sink_writer(op, w->file_path[e->part], w->file[e->part]);
    if (ok) {
        ok = mx_writer_seek(w->file[e->part], e->at + (uint64_t)first * one) &&
             mx_sink_array(&k, rows);
        was_put(w, e, ok);
        e->put = ok && (uint64_t)first + n == all;
    }
    mx_scope_close(scope);
    return ok;
}

bool mx_archive_put_raw(mx_archive_writer *w, const char *name, const mx_archive *from, size_t i) {
    const mx_archive_tensor *t = &from->tensor[i];
    const mx_loaded *file = from->part[t->part].source.file;
    mx_archive_entry *e = waiting(w, name);
    if (!e)
        return false;
    if (!file || !t->raw || t->bytes != e->bytes)
        return mx_fail(MX_INVALID, "[%s] '%s': '%.200s' is not stored as '%.200s' is to be", op,
                       w->path, t->name, name);
    return began(w) &&
           was_put(w, e,
                   mx_writer_seek(w->file[e->part], e->at) &&
                       mx_writer_put_file(w->file[e->part], file->file, t->offset, t->bytes));
}

static bool all_were_put(const mx_archive_writer *w) {
    for (size_t i = 0; i < w->count; i++)
        if (!w->entry[i].put)
            return mx_fail(MX_INVALID, "[%s] '%s': '%.200s' was declared and not put", op, w->path,
                           w->entry[i].name);
    return true;
}

bool mx_archive_finish(mx_archive_writer *w) {
    if (!all_were_put(w))
        return false;
    bool ok = began(w) && !mx_failed();
    if (!ok)
        return false;
    for (int i = 0; ok && i < w->parts; i++) {
        struct mx_writer *f = w->file[i];
        w->file[i] = NULL;
        ok = mx_writer_commit(f);
    }
    ok = ok && (w->parts == 1 || !w->format->index || w->format->index(w));
    w->failed = !ok;
    w->finished = ok;
    return ok;
}
