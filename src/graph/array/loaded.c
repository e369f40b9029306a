#include "graph/array/loaded.h"

#include "base/mem.h"
#include "graph/array/shared.h"

static void destroy(mx_object *o) {
    mx_loaded *l = (mx_loaded *)o;
    mx_buffer_release(l->mapped);
    mx_file_close(l->file);
    mx_free(l);
}

static void unmap(void *mapped) {
    mx_file_unmap(mapped);
    mx_free(mapped);
}

bool mx_buffer_is_mapped(const mx_buffer *b) {
    return b->release == unmap;
}

static mx_buffer *map_all(const mx_file *f) {
    mx_mapped *m = mx_malloc(sizeof *m);
    if (!m || !mx_file_map(f, m)) {
        mx_free(m);
        return NULL;
    }
    mx_buffer *b = mx_buffer_borrow((void *)(uintptr_t)m->data, m->size, unmap, m);
    if (!b)
        unmap(m);
    return b;
}

mx_loaded *mx_loaded_open(const char *op, const char *path, bool map) {
    mx_file *f = mx_file_open(op, path);
    mx_loaded *l = f ? mx_calloc(1, sizeof *l) : NULL;
    if (!l) {
        mx_file_close(f);
        return NULL;
    }
    atomic_init(&l->object.refs, 1);
    l->object.destroy = destroy;
    l->file = f;
    if (!map || (l->mapped = map_all(f)))
        return l;
    mx_object_release(&l->object);
    return NULL;
}
