/* The geometry of views: see view.h. */
#include "graph/array/view.h"

#include <string.h>

#include "graph/array/params.h"

void mx_broadcast_strides(const mx_array *in, const int *shape, int ndim, int64_t *strides) {
    int lead = ndim - in->ndim;
    for (int i = 0; i < ndim; i++)
        strides[i] = i < lead || in->shape[i - lead] != shape[i] ? 0 : in->strides[i - lead];
}

bool mx_spread(const mx_node *n, mx_array *const *out) {
    int64_t strides[MX_MAX_NDIM];
    mx_broadcast_strides(n->in[0], out[0]->shape, out[0]->ndim, strides);
    mx_array_view(out[0], n->in[0], 0, strides);
    return true;
}

/* The axes of a, those of size 1 dropped and those that lie evenly in memory joined. */
typedef struct run {
    int64_t size, stride;
} run;

static int runs_of(const mx_array *a, run *r) {
    int n = 0;
    for (int i = 0; i < a->ndim; i++) {
        if (a->shape[i] == 1)
            continue;
        if (n && r[n - 1].stride == a->strides[i] * a->shape[i])
            r[n - 1] = (run){r[n - 1].size * a->shape[i], a->strides[i]};
        else
            r[n++] = (run){a->shape[i], a->strides[i]};
    }
    return n;
}

/* Every new axis must fall within one run: walk both from the last axis on. */
bool mx_reshape_strides(const mx_array *in, const int *shape, int ndim, int64_t *strides) {
    run r[MX_MAX_NDIM];
    int n = runs_of(in, r) - 1;
    if (in->size == 0) {
        mx_row_strides(shape, ndim, strides);
        return true;
    }
    for (int i = ndim - 1; i >= 0; i--) {
        if (shape[i] == 1) {
            strides[i] = i + 1 < ndim ? strides[i + 1] * shape[i + 1] : 1;
            continue;
        }
        if (n >= 0 && r[n].size == 1)
            n--;
        if (n < 0 || r[n].size % shape[i] != 0)
            return false;
        strides[i] = r[n].stride;
        r[n].stride *= shape[i];
        r[n].size /= shape[i];
    }
    return true;
}

static void transpose_strides(const mx_p_transpose *p, const mx_array *in, int64_t *strides) {
    for (int i = 0; i < p->axes.n; i++)
        strides[i] = in->strides[p->axes.v[i]];
}

static int64_t slice_strides(const mx_p_slice *p, const mx_array *in, int64_t *strides) {
    int64_t offset = 0;
    bool empty = false;
    for (int i = 0; i < in->ndim; i++) {
        offset += in->strides[i] * p->start.v[i];
        strides[i] = in->strides[i] * p->step.v[i];
        empty |= p->shape.v[i] == 0;
    }
    return empty ? 0 : offset;
}

/* Elements grow or shrink: the last axis must be dense, the others and the address must
   divide. */
static bool view_strides(const mx_array *in, size_t to, int64_t *strides) {
    int64_t from = (int64_t)mx_itemsize(in), size = (int64_t)to;
    int last = in->ndim - 1;
    if (last >= 0)
        memcpy(strides, in->strides, (size_t)in->ndim * sizeof *strides);
    if (size == from)
        return true;
    if (in->strides[last] != 1 || (uintptr_t)in->data % to != 0)
        return false;
    for (int i = 0; i < last; i++) {
        if (strides[i] * from % size != 0)
            return false;
        strides[i] = strides[i] * from / size;
    }
    return true;
}

bool mx_view_geometry(mx_prim p, const void *params, const mx_array *in, const int *shape, int ndim,
                      int64_t *offset, int64_t *strides) {
    *offset = 0;
    switch (p) {
    case MX_PRIM_broadcast: mx_broadcast_strides(in, shape, ndim, strides); return true;
    case MX_PRIM_reshape: return mx_reshape_strides(in, shape, ndim, strides);
    case MX_PRIM_transpose: transpose_strides(params, in, strides); return true;
    case MX_PRIM_slice: *offset = slice_strides(params, in, strides); return true;
    case MX_PRIM_view:
        return view_strides(in, mx_dtype_size((mx_dtype)((const mx_p_dtype *)params)->dtype),
                            strides);
    case MX_PRIM_as_strided: {
        const mx_p_as_strided *s = params;
        *offset = s->offset;
        if (ndim)
            memcpy(strides, s->strides.v, (size_t)ndim * sizeof *strides);
        return in->row_contiguous;
    }
    default: /* stop_gradient, depends: the input itself */
        if (ndim)
            memcpy(strides, in->strides, (size_t)ndim * sizeof *strides);
        return true;
    }
}
