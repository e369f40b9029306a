/* Arrays that a file holds: they are read when they are evaluated. */
#include <string.h>

#include "graph/array/loaded.h"
#include "graph/array/params.h"
#include "ops/rules.h"

static bool infer_load(const void *params, mx_array *const *in, int nin, mx_out *out, int nout) {
    const mx_p_load *p = params;
    (void)in, (void)nin, (void)nout;
    out->dtype = (mx_dtype)p->dtype;
    out->shape.ndim = p->shape.n;
    if (p->shape.n)
        memcpy(out->shape.dim, p->shape.v, (size_t)p->shape.n * sizeof(int));
    return true;
}

static const mx_field load_fields[] = {
    MX_FIELD(mx_p_load, file, OBJECT),  MX_FIELD(mx_p_load, at, LONG),
    MX_FIELD(mx_p_load, shape, INTS),   MX_FIELD(mx_p_load, dtype, DTYPE),
    MX_FIELD(mx_p_load, swapped, BOOL), MX_FIELD_END};

const mx_prim_desc mx_desc_load = {
    .name = "Load",
    .traits = MX_TRAIT_NO_GRAD,
    .fields = load_fields,
    .param_size = sizeof(mx_p_load),
    .infer = infer_load,
};

mx_array *mx_load_array(mx_loaded *from, size_t at, const int *shape, int ndim, mx_dtype t,
                        bool swapped) {
    mx_p_load p = {&from->object, (int64_t)at, {ndim, shape}, (int)t, swapped};
    return mx_apply(MX_PRIM_load, &p, NULL, 0);
}
