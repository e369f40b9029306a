/* Closures and lists of arrays: see closure.h. */
#include "transforms/closure.h"

#include "base/mem.h"
#include "base/status.h"
#include "base/vec.h"
#include "graph/watch/source.h"

bool mx_arrays_add(mx_arrays *list, mx_array *a) {
    if (!a || !mx_grow(&list->item, &list->room, list->count + 1, sizeof *list->item))
        return false;
    list->item[list->count++] = mx_array_retain(a);
    return true;
}

bool mx_arrays_add_all(mx_arrays *list, mx_array *const *a, size_t n) {
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++)
        ok = mx_arrays_add(list, a[i]);
    return ok;
}

void mx_arrays_free(mx_arrays *list) {
    for (size_t i = 0; i < list->count; i++)
        mx_array_release(list->item[i]);
    mx_free(list->item);
    *list = (mx_arrays){0};
}

bool mx_closure_call(mx_closure *f, mx_array *const *in, int n, mx_arrays *out) {
    uint32_t former = mx_source_set(0); // what a function makes has the places of its own
    bool ok = f->call(f, in, n, out) && !mx_failed();
    mx_source_set(former);
    if (ok)
        return true;
    return mx_failed() ? false
                       : mx_fail(MX_INVALID, "[closure] the function failed without an error");
}

static void destroy(mx_object *o) {
    mx_closure *c = (mx_closure *)o;
    if (c->dtor)
        c->dtor(c->payload);
    mx_free(c);
}

mx_closure *mx_closure_new(mx_closure_fn *call, void *payload, void (*dtor)(void *)) {
    mx_closure *c = mx_malloc(sizeof *c);
    if (!c) {
        if (dtor)
            dtor(payload);
        return NULL;
    }
    *c = (mx_closure){
        .object = {.destroy = destroy}, .call = call, .payload = payload, .dtor = dtor};
    atomic_init(&c->object.refs, 1);
    return c;
}
