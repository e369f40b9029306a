/* What an archive lists: its parts, tensors and metadata, as formats add them. See archive.h. */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "io/archive/archive.h"

/* Room for one part more. */
static bool more_parts(mx_archive *a, const char *op) {
    if (a->parts == MX_MOST_PARTS)
        return mx_fail(MX_FORMAT, "[%s] '%s': more than %d files", op, a->label, MX_MOST_PARTS);
    if (a->parts & (a->parts - 1))
        return true; // rooms are powers of two
    size_t n = a->parts ? 2 * (size_t)a->parts : 1;
    mx_archive_part *p = mx_realloc_array(a->part, n, sizeof *p);
    if (p)
        a->part = p;
    return p != NULL;
}

bool mx_archive_add_source(mx_archive *a, char *path, mx_source s) {
    if (path && more_parts(a, s.op)) {
        s.name = path;
        a->part[a->parts++] = (mx_archive_part){path, s, s.size};
        return true;
    }
    mx_source_close(&s);
    mx_free(path);
    return false;
}

bool mx_archive_add_part(mx_archive *a, const char *op, char *path) {
    mx_source s = {0};
    if (path && mx_source_file(&s, op, path, a->map))
        return mx_archive_add_source(a, path, s);
    mx_free(path);
    return false;
}

static bool fail_tensor(const mx_archive *a, const mx_archive_tensor *t, const char *what) {
    const mx_archive_part *p = a->parts ? &a->part[t->part] : NULL; // a view has none
    return mx_fail(MX_FORMAT, "[%s] '%s': '%.200s' %s", p ? p->source.op : "convert",
                   p ? p->path : a->path, t->name, what);
}

static bool more_tensors(mx_archive *a) {
    if (a->count < a->room)
        return true;
    size_t n = a->room ? 2 * a->room : 64;
    mx_archive_tensor *t = mx_realloc_array(a->tensor, n, sizeof *t);
    if (t) {
        a->tensor = t;
        a->room = n;
    }
    return t != NULL;
}

/* Shape and name lie in one block, which begins with the shape. */
static bool keep_texts(mx_archive_tensor *t) {
    size_t shape = (size_t)t->ndim * sizeof(int), name = strlen(t->name) + 1;
    char *room = mx_malloc(shape + name);
    if (!room)
        return false;
    if (shape)
        memcpy(room, t->shape, shape);
    t->shape = (const int *)(void *)room;
    t->name = memcpy(room + shape, t->name, name);
    return true;
}

bool mx_archive_add(mx_archive *a, mx_archive_tensor t) {
    int64_t size = 0;
    if (strlen(t.name) > MX_MOST_NAME)
        return fail_tensor(a, &t, "is a name of more than 65535 bytes");
    if (!mx_shape_size(t.shape, t.ndim, 8, &size))
        return fail_tensor(a, &t, "has a shape that is too large");
    if (mx_map_has(&a->place, t.name))
        return fail_tensor(a, &t, "is the name of two tensors");
    t.elements = (uint64_t)size;
    if (!more_tensors(a) || !keep_texts(&t))
        return false;
    a->tensor[a->count++] = t;
    return mx_map_set(&a->place, t.name, (void *)(uintptr_t)a->count, NULL);
}

bool mx_archive_add_meta(mx_archive *a, const char *key, mx_meta *m) {
    bool keep = m && !mx_map_has(&a->meta, key);
    if (keep && mx_map_set(&a->meta, key, m, NULL))
        return true;
    mx_meta_free(m);
    return m && !keep;
}

char *mx_archive_beside(const char *op, const char *path, const char *name) {
    if (!*name || strchr(name, '/') || strcmp(name, "..") == 0 || strcmp(name, ".") == 0)
        return mx_fail(MX_FORMAT,
                       "[%s] '%s' names the file '%.200s', which is not a plain name beside it", op,
                       path, name);
    const char *slash = strrchr(path, '/');
    mx_text t = {0};
    mx_text_put(&t, path, slash ? (size_t)(slash - path) + 1 : 0);
    mx_text_str(&t, name);
    return mx_text_take(&t);
}

int64_t mx_archive_find(const mx_archive *a, const char *name) {
    return (int64_t)(uintptr_t)mx_map_get(&a->place, name) - 1;
}

mx_array *mx_archive_elements(mx_archive *a, const mx_archive_tensor *t, mx_dtype dtype,
                              const int *shape, int ndim) {
    mx_source s = a->part[t->part].source; // a copy: reading changes nothing that is shared
    return mx_source_array(&s, (size_t)t->offset, shape ? shape : t->shape, shape ? ndim : t->ndim,
                           dtype, false);
}
