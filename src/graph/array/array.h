/* An array: an immutable value of one dtype and shape, available or still to be computed.
 *
 *        handle ──▶ mx_array ──▶ buffer ──▶ memory            available
 *                      └───────▶ node ──▶ inputs (arrays)     pending: the node will make it
 *
 *     refs     one per handle, per node input, per scope entry; atomic
 *     state    PENDING -> AVAILABLE once, under the lock of nodes (eval.h), then the node goes
 *              (stays if the array is a tracer: a transform still walks its graph)
 *              PLACEHOLDER: an input of a trace, never has data
 *
 * Shape and strides lie behind the struct in the same allocation. Strides count elements, may be
 * negative or zero, and are final once the array is available. A pending array owns no memory.
 * Immutable fields may be read by any thread; data only after mx_array_available().
 */
#ifndef MX_GRAPH_ARRAY_H
#define MX_GRAPH_ARRAY_H

#include <stdatomic.h>

#include "base/dtype.h"
#include "graph/array/buffer.h"

#define MX_MAX_NDIM 64 /* as NumPy; more dimensions are refused */

typedef struct mx_node mx_node;

typedef struct mx_shape {
    int ndim;
    int dim[MX_MAX_NDIM];
} mx_shape;

typedef enum mx_state { MX_PENDING, MX_AVAILABLE, MX_PLACEHOLDER } mx_state;

typedef struct mx_array {
    atomic_uint refs;
    atomic_uchar state;  /* mx_state */
    uint8_t dtype;       /* mx_dtype */
    uint8_t tracer;      /* 0, or the level of the transform that walks its graph (trace.h) */
    bool row_contiguous; /* available and laid out as C arrays are (size-1 axes ignored) */
    uint32_t index : 24; /* which output of the node */
    /* a window that reaches outside of its memory (as_strided): nothing may read it */
    uint32_t beyond : 1;
    int ndim;
    int64_t size;          /* elements */
    mx_node *node;         /* NULL for data and once available; read and cleared atomically */
    mx_buffer *buffer;     /* NULL while pending */
    char *data;            /* first element, inside the buffer */
    struct mx_array *next; /* the worklist of the iterative free */
    int64_t *strides;      /* ndim of them, behind the struct */
    int *shape;            /* ndim of them */
} mx_array;

/* --- making and keeping ------------------------------------------------------------------------
   The constructors give an array with one reference that the open scope owns (scope.h). */

/* Data of this shape, uninitialised, row-contiguous, available. */
mx_array *mx_array_empty(const int *shape, int ndim, mx_dtype dtype);
/* The same filled from memory (copied). */
mx_array *mx_array_from(const void *data, const int *shape, int ndim, mx_dtype dtype);
/* An available array over a buffer (which is retained) at a byte offset; strides NULL:
   row-contiguous. */
mx_array *mx_array_over(mx_buffer *b, size_t offset, const int *shape, const int64_t *strides,
                        int ndim, mx_dtype dtype);
/* A 0-dimensional array; the value is converted. */
mx_array *mx_scalar(double value, mx_dtype dtype);
mx_array *mx_scalar_i64(int64_t value, mx_dtype dtype);
mx_array *mx_scalar_c64(mx_complex64 value);
/* A trace input: shape and dtype, no data. */
mx_array *mx_placeholder(const int *shape, int ndim, mx_dtype dtype);

mx_array *mx_array_retain(mx_array *a); /* NULL passes through both */
void mx_array_release(mx_array *a);     /* frees whole graphs without recursion */

/* --- asking ----------------------------------------------------------------------------------- */

static inline bool mx_array_available(const mx_array *a) {
    return atomic_load_explicit(&a->state, memory_order_acquire) == MX_AVAILABLE;
}
static inline mx_dtype mx_dtype_of(const mx_array *a) {
    return (mx_dtype)a->dtype;
}
static inline size_t mx_itemsize(const mx_array *a) {
    return mx_dtype_size((mx_dtype)a->dtype);
}
/* May its elements be read? False and an error where they lie outside of its memory. */
bool mx_readable(const mx_array *a);
bool mx_same_shape(const mx_array *a, const mx_array *b);
bool mx_shape_is(const mx_array *a, const int *shape, int ndim);
/* Row-major strides of a shape. */
void mx_row_strides(const int *shape, int ndim, int64_t *strides);
/* "(2,3)" into out (at most n bytes, cut with ...); returns out. For error messages. */
char *mx_shape_text(char *out, size_t n, const int *shape, int ndim);
/* Elements of a shape; false on a negative dimension or overflow of a 63-bit byte count. */
bool mx_shape_size(const int *shape, int ndim, size_t itemsize, int64_t *size);

/* Of an available array: its elements lie without gaps in some order of the axes; in Fortran's
   order. */
bool mx_array_dense(const mx_array *a);
bool mx_array_column_major(const mx_array *a);

/* --- for the evaluation that computes the array ----------------------------------------------- */

/* Give a pending array memory: row-contiguous, uninitialised. False: out of memory. */
bool mx_array_alloc(mx_array *a);
/* Give a pending array a place in a buffer (retained). strides NULL: row-contiguous. */
void mx_array_place(mx_array *a, mx_buffer *b, char *data, const int64_t *strides);
/* Make `a` a view of `base` with these strides, `offset` elements in. */
void mx_array_view(mx_array *a, mx_array *base, int64_t offset, const int64_t *strides);
/* May out take over in's memory? in is used once, by out's node alone, owns its block,
   row-contiguous. */
bool mx_array_donatable(const mx_array *in, const mx_array *out);
/* Give a pending array the memory of `in`, where it will be written over. */
void mx_array_take(mx_array *a, mx_array *in);
/* Take in's buffer if donatable and at least as large, else alloc. */
bool mx_array_alloc_or_take(mx_array *out, mx_array *in);

/* Internal: an empty shell with shape and dtype, refs 1, owned by nobody yet. NULL: out of
   memory. */
mx_array *mx_array_shell(const int *shape, int ndim, mx_dtype dtype);

#endif
