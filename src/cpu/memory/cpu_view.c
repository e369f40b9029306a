/* Views: the input's memory under other strides; a copy where no strides say it. */
#include "cpu/cpu.h"
#include "cpu/memory/cpu_copy.h"
#include "graph/array/view.h"

/* The input laid out as C arrays are, in memory of its own. NULL: out of memory. */
static mx_buffer *dense(const mx_array *a) {
    mx_buffer *b = mx_buffer_new((size_t)a->size * mx_itemsize(a));
    if (b)
        cpu_copy_dense(b->ptr, a);
    return b;
}

/* y over a copy of a: as_strided with its own strides, the others as C arrays are. */
static bool view_of_copy(const mx_node *n, mx_array *y, const mx_array *a, int64_t offset,
                         const int64_t *strides) {
    bool strided = n->prim == MX_PRIM_as_strided;
    mx_buffer *b = dense(a);
    if (!b)
        return false;
    char *data = (char *)b->ptr + (strided ? offset * (int64_t)mx_itemsize(a) : 0);
    mx_array_place(y, b, data, strided ? strides : NULL);
    mx_buffer_release(b);
    return true;
}

bool cpu_view(mx_node *n, mx_array **out, const mx_program *feed) {
    int64_t offset, strides[MX_MAX_NDIM];
    (void)feed;
    for (int j = 0; j < n->nout; j++) {
        mx_array *y = out[j], *a = n->in[j];
        if (!y)
            continue;
        if (mx_view_geometry((mx_prim)n->prim, n->params, a, y->shape, y->ndim, &offset, strides))
            mx_array_view(y, a, offset, strides);
        else if (!view_of_copy(n, y, a, offset, strides))
            return false;
    }
    return true;
}
