#include "graph/array/loaded.h"

#include "base/mem.h"
#include "graph/array/mapped.h"

static void destroy(mx_object *o) {
    mx_loaded *l = (mx_loaded *)o;
    mx_buffer_release(l->mapped);
    mx_file_close(l->file);
    mx_free(l);
}

static mx_buffer *map_all(const mx_file *f) {
    mx_mapped m;
    return mx_file_map(f, &m) ? mx_buffer_over_mapping(&m) : NULL;
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
    if (map && (l->mapped = map_all(f)) && mx_files_are_many())
        mx_file_let_go(f);
    if (!map || l->mapped)
        return l;
    mx_object_release(&l->object);
    return NULL;
}
