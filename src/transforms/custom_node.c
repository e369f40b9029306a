/* The rules of a custom function, and the node that holds them: see custom_map.h. */
#include <string.h>

#include "base/mem.h"
#include "graph/array/node.h"
#include "transforms/custom_map.h"

static void destroy_custom(mx_object *o) {
    mx_custom *c = (mx_custom *)o;
    mx_object_release(c->vjp_self);
    mx_object_release(c->jvp_self);
    mx_object_release(c->vmap_self);
    mx_free(c);
}

mx_custom *mx_custom_new(void) {
    mx_custom *c = mx_calloc(1, sizeof *c);
    if (c) {
        atomic_init(&c->object.refs, 1);
        c->object.destroy = destroy_custom;
    }
    return c;
}

bool mx_custom_apply(mx_custom *rules, mx_array *const *in, int n, mx_array *const *results,
                     int nout, mx_array **out) {
    mx_p_custom p = {&rules->object};
    mx_array **all = mx_malloc(((size_t)n + (size_t)nout + 1) * sizeof *all);
    if (!all)
        return false;
    memcpy(all, in, (size_t)n * sizeof *all);
    memcpy(all + n, results, (size_t)nout * sizeof *all);
    bool ok = mx_apply_multi(MX_PRIM_custom, &p, all, n + nout, out, nout);
    mx_free(all);
    return ok;
}
