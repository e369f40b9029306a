/* plugin.h: formats that programs add, as rows of io/archive. Everything that a plug-in says of a
 * file is checked as if the file had said it. */
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "capi/capi.h"
#include "capi/io/plugin.h"
#include "io/archive/archive.h"
#include "io/safetensors/safetensors.h"

enum { HEAD = 4096 };

typedef struct plugin {
    mx_format_row row;
    mx_archive_format in;
    mx_archive_output out;
    mlx_plugin_format given;
} plugin;

static const plugin *plugin_of(const mx_archive_format *f) {
    return (const plugin *)(const void *)((const char *)f - offsetof(plugin, in));
}

/* --- storages: plain ones, and those that were added ------------------------------------- */

static bool storage(const char *name, mx_storage *out) {
    const st_type *plain = st_type_stored(name);
    const mlx_plugin_storage *own = capi_storage(name);
    if (plain && plain->dtype != MX_DTYPE_COUNT)
        *out = (mx_storage){plain->storage, plain->dtype, 1, plain->bits / 8};
    else if (own)
        *out = (mx_storage){own->name, MX_UINT8, own->items, own->bytes};
    else
        return false;
    return true;
}

/* --- the bytes of a file, for the plug-in -------------------------------------------------- */

static int read_bytes(void *ctx, void *to, size_t n, uint64_t at) {
    mx_source *s = ctx;
    mx_error_clear();
    bool ok = (to || !n) &&
              mx_source_has(s, at > SIZE_MAX ? SIZE_MAX : (size_t)at, n, "what the plug-in reads");
    return capi_done(ok && mx_source_copy(s, to, (size_t)at, n));
}

static int fail_bytes(void *ctx, uint64_t at, const char *why) {
    mx_error_clear();
    mx_source_fail(ctx, (size_t)at, "%s", why ? why : "the plug-in does not say why");
    return capi_report();
}

static mlx_plugin_bytes bytes_of(mx_source *s) {
    return (mlx_plugin_bytes){s, s->size, read_bytes, fail_bytes};
}

/* --- opening ------------------------------------------------------------------------------- */

typedef struct listing {
    mx_archive *a;
    int part;
} listing;

static bool detect(const mx_archive_format *self, mx_source *s) {
    size_t n = s->size < HEAD ? s->size : HEAD;
    return mx_source_get(s, 0, n, "the file") && plugin_of(self)->given.detect(s->data, n);
}

/* The size that shape and storage ask for. */
static bool size_of(const mx_source *s, const mlx_file_tensor *t, const mx_storage *k,
                    uint64_t *bytes) {
    int64_t size = 0;
    int last = t->ndim ? t->shape[t->ndim - 1] : 1;
    if (!mx_shape_size(t->shape, t->ndim, 8, &size) || last % k->items)
        return mx_source_fail(
            s, 0, "'%.200s' has a shape that is too large, or rows that are no whole blocks",
            t->name);
    *bytes = (uint64_t)size / (unsigned)k->items * (unsigned)k->bytes;
    return !t->bytes || t->bytes == *bytes ||
           mx_source_fail(s, 0, "'%.200s' has %llu bytes, its shape needs %llu", t->name,
                          (unsigned long long)t->bytes, (unsigned long long)*bytes);
}

static bool add_tensor(const listing *l, const mlx_file_tensor *t) {
    mx_source *s = &l->a->part[l->part].source;
    const plugin *p = plugin_of(l->a->format);
    mx_storage k;
    uint64_t bytes = 0;
    if (!t || !t->name || !t->storage || t->ndim < 0 || t->ndim > MX_MAX_NDIM ||
        (t->ndim && !t->shape))
        return mx_source_fail(s, 0, "the plug-in lists a tensor without name, storage or shape");
    if (!storage(t->storage, &k))
        return mx_source_fail(s, 0, "'%.200s' is of the storage '%.100s', which is not known",
                              t->name, t->storage);
    if (!size_of(s, t, &k, &bytes) ||
        (!p->given.read && !mx_source_has(s, (size_t)t->offset, bytes, t->name)))
        return false;
    const mlx_plugin_storage *own = capi_storage(k.name);
    mx_dtype dtype = own ? (mx_dtype)own->dtype : mx_archive_widens(k.name) ? MX_BFLOAT16 : k.dtype;
    return mx_archive_add(l->a, (mx_archive_tensor){.name = t->name,
                                                    .storage = k.name,
                                                    .dtype = dtype,
                                                    .ndim = t->ndim,
                                                    .shape = t->shape,
                                                    .bytes = bytes,
                                                    .offset = p->given.read ? 0 : t->offset,
                                                    .part = l->part,
                                                    .how = l->a->count});
}

static int list_tensor(void *ctx, const mlx_file_tensor *t) {
    mx_error_clear();
    return capi_done(add_tensor(ctx, t));
}

static int list_text(void *ctx, const char *key, const char *text) {
    const listing *l = ctx;
    mx_error_clear();
    bool ok = (key && text) || mx_source_fail(&l->a->part[l->part].source, 0,
                                              "the plug-in lists metadata without a text");
    return capi_done(ok && mx_archive_add_meta(l->a, key, mx_meta_of_string(text)));
}

static bool open(mx_archive *a, int part) {
    listing l = {a, part};
    mlx_plugin_bytes in = bytes_of(&a->part[part].source);
    mlx_plugin_list out = {&l, list_tensor, list_text};
    if (part)
        return mx_source_fail(&a->part[part].source, 0, "a model of this format has one file");
    capi_callback c = capi_callback_begin();
    int status = plugin_of(a->format)->given.open(&a->state, &in, &out);
    return capi_callback_end(c, plugin_of(a->format)->given.name, status);
}

static void let_go(mx_archive *a) {
    const plugin *p = plugin_of(a->format);
    if (p->given.close && a->state)
        p->given.close(a->state);
}

/* --- reading --------------------------------------------------------------------------------- */

/* Through the plug-in, at once: the bytes as they are stored, in an array of this shape. */
static mx_array *read_now(mx_archive *a, const mx_archive_tensor *t, mx_dtype dtype,
                          const int *shape) {
    mx_source s = a->part[t->part].source;
    mlx_plugin_bytes in = bytes_of(&s);
    mx_array *x = mx_array_empty(shape, t->ndim, dtype);
    if (!x)
        return NULL;
    capi_callback c = capi_callback_begin();
    int status =
        plugin_of(a->format)->given.read(a->state, &in, (size_t)t->how, x->data, (size_t)t->bytes);
    return capi_callback_end(c, plugin_of(a->format)->given.name, status) ? x : NULL;
}

static mx_array *read(mx_archive *a, const mx_archive_tensor *t, bool stored) {
    int shape[MX_MAX_NDIM + 1] = {0};
    mx_storage k = {0};
    if (!storage(t->storage, &k))
        return mx_fail(MX_UNSUPPORTED,
                       "[load] '%.200s': the storage '%.100s' is not known any more", t->name,
                       t->storage);
    if (t->ndim)
        memcpy(shape, t->shape, (size_t)t->ndim * sizeof *shape);
    if (k.items > 1 || capi_storage(k.name))
        shape[t->ndim ? t->ndim - 1 : 0] =
            (int)((t->ndim ? shape[t->ndim - 1] : 1) / k.items * (int64_t)k.bytes);
    mx_array *x = plugin_of(a->format)->given.read
                      ? read_now(a, t, k.dtype, shape)
                      : mx_archive_elements(a, t, k.dtype, shape, t->ndim);
    if (stored || !x)
        return x;
    const mlx_plugin_storage *own = capi_storage(k.name);
    return own                         ? capi_storage_load(own, x)
           : mx_archive_widens(k.name) ? mx_archive_widen(k.name, x)
                                       : x;
}

/* --- writing --------------------------------------------------------------------------------- */

static int put_bytes(void *ctx, const void *bytes, size_t n) {
    mx_error_clear();
    return capi_done((bytes || !n) && mx_sink_put(ctx, bytes, n));
}

static int fail_head(void *ctx, const char *why) {
    const mx_sink *k = ctx;
    mx_error_clear();
    mx_fail(MX_INVALID, "[%s] '%s': %s", k->op, k->name,
            why ? why : "the plug-in does not say why");
    return capi_report();
}

typedef struct writing {
    mlx_file_tensor *tensors;
    uint64_t *offsets;
    const char **keys, **texts;
} writing;

static bool fill(const mx_sink *k, const mx_archive_writer *w, mx_archive_entry **entry, size_t n,
                 writing *x) {
    for (size_t i = 0; i < n; i++)
        x->tensors[i] = (mlx_file_tensor){entry[i]->name,
                                          entry[i]->storage.name,
                                          entry[i]->shape,
                                          entry[i]->ndim,
                                          (mlx_dtype)entry[i]->storage.dtype,
                                          0,
                                          entry[i]->bytes,
                                          0,
                                          0};
    for (size_t i = 0; i < w->meta.count; i++) {
        const mx_meta *m = w->meta.entry[i].value;
        if (m->kind != MX_META_STRING)
            return mx_fail(
                MX_INVALID,
                "[%s] '%s': the metadata '%.100s' is no text, and plug-ins are given texts alone",
                k->op, k->name, w->meta.entry[i].key);
        x->keys[i] = w->meta.entry[i].key;
        x->texts[i] = m->string;
    }
    return true;
}

static int by_offset(const void *a, const void *b) {
    const mx_archive_entry *x = *(mx_archive_entry *const *)a, *y = *(mx_archive_entry *const *)b;
    return x->at != y->at ? (x->at > y->at) - (x->at < y->at)
                          : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* Behind the head and apart from each other. */
static bool check_places(const mx_sink *k, mx_archive_entry **entry, size_t n, uint64_t *size) {
    *size = k->count;
    if (n)
        qsort(entry, n, sizeof *entry, by_offset);
    for (size_t i = 0; i < n; i++) {
        if (entry[i]->at < *size || entry[i]->at > INT64_MAX - entry[i]->bytes)
            return mx_fail(MX_INVALID,
                           "[%s] '%s': the plug-in puts '%.200s' at byte %llu, over what is there",
                           k->op, k->name, entry[i]->name, (unsigned long long)entry[i]->at);
        *size = entry[i]->at + entry[i]->bytes;
    }
    return true;
}

static bool put_head(mx_sink *k, const mx_archive_writer *w, mx_archive_entry **entry, size_t n,
                     writing *x, uint64_t *size) {
    const plugin *p =
        (const plugin *)(const void *)((const char *)w->format - offsetof(plugin, out));
    mlx_plugin_head head = {k,          put_bytes, fail_head, x->tensors,   n,
                            x->offsets, x->keys,   x->texts,  w->meta.count};
    if (!fill(k, w, entry, n, x))
        return false;
    capi_callback c = capi_callback_begin();
    if (!capi_callback_end(c, p->given.name, p->given.write(&head)))
        return false;
    for (size_t i = 0; i < n; i++)
        entry[i]->at = x->offsets[i];
    return check_places(k, entry, n, size);
}

static bool head(mx_sink *k, const mx_archive_writer *w, int part, mx_archive_entry **entry,
                 size_t n, uint64_t *size) {
    (void)part;
    writing x = {mx_calloc(n + 1, sizeof *x.tensors), mx_calloc(n + 1, sizeof *x.offsets),
                 mx_calloc(w->meta.count + 1, sizeof *x.keys),
                 mx_calloc(w->meta.count + 1, sizeof *x.texts)};
    bool ok = x.tensors && x.offsets && x.keys && x.texts && put_head(k, w, entry, n, &x, size);
    mx_free(x.tensors);
    mx_free(x.offsets);
    mx_free(x.keys);
    mx_free(x.texts);
    return ok;
}

/* --- adding ----------------------------------------------------------------------------------- */

static bool is_good(const mlx_plugin_format *f) {
    static const char op[] = "format_register";
    if (!f->name || !*f->name || strlen(f->name) > 64)
        return mx_fail(MX_INVALID, "[%s] a format needs a name of 1 to 64 bytes", op);
    const char *lacks = !f->detect ? "detect" : !f->open ? "open" : NULL;
    return !lacks || mx_fail(MX_INVALID, "[%s] '%s': the function %s is NULL", op, f->name, lacks);
}

static void drop(plugin *p) {
    mx_free((void *)(uintptr_t)p->in.name);
    mx_free((void *)(uintptr_t)p->out.ending);
    mx_free(p);
}

static bool add(const mlx_plugin_format *f) {
    plugin *p = mx_calloc(1, sizeof *p);
    char *name = p ? mx_strdup(f->name) : NULL,
         *ending = name ? mx_strdup(f->ending ? f->ending : "") : NULL;
    if (!p)
        return false;
    p->given = *f;
    p->given.name = name;
    p->given.ending = ending;
    p->in = (mx_archive_format){name, detect, open, read, let_go};
    p->out = (mx_archive_output){name, ending, storage, head, NULL};
    p->row = (mx_format_row){NULL, &p->in, f->write ? &p->out : NULL};
    if (ending && mx_format_add(&p->row))
        return true;
    drop(p);
    return false;
}

int mlx_format_register(const mlx_plugin_format *format) {
    mx_error_clear();
    mlx_plugin_format *copy = capi_plugin_copy("format_register", format, sizeof *format);
    bool ok = copy && is_good(copy) && add(copy);
    mx_free(copy);
    return capi_done(ok);
}
