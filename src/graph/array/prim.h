/* Primitives: what a node does, described by one const struct each.
 *
 * Parameters are a plain struct; its field table lets equality, hashing, printing, export and
 * import work for every primitive without knowing it. Lists inside parameters (MX_INTS) are copied
 * behind the node, so a node is one allocation.
 */
#ifndef MX_GRAPH_PRIM_H
#define MX_GRAPH_PRIM_H

#include "graph/array/array.h"
#include "kernels/pointwise/k_pointwise.h"

typedef enum mx_prim {
#define PRIM(name, Name, family) MX_PRIM_##name,
#include "graph/array/prims.def"
    MX_PRIM_COUNT
} mx_prim;

/* --- parameters ------------------------------------------------------------------------------- */

typedef struct mx_ints { /* a list of ints: shapes, axes, starts */
    int n;
    const int *v;
} mx_ints;
typedef struct mx_longs {
    int n;
    const int64_t *v;
} mx_longs;

/* A counted object inside parameters (the closure of a custom function). First member of its
   struct. */
typedef struct mx_object {
    atomic_uint refs;
    void (*destroy)(struct mx_object *self);
} mx_object;
mx_object *mx_object_retain(mx_object *o);
void mx_object_release(mx_object *o);

typedef enum mx_field_kind {
    MX_F_INT,    /* int, also enums and dtypes */
    MX_F_BOOL,   /* bool */
    MX_F_LONG,   /* int64_t */
    MX_F_DOUBLE, /* double */
    MX_F_DTYPE,  /* int holding an mx_dtype */
    MX_F_INTS,   /* mx_ints */
    MX_F_LONGS,  /* mx_longs */
    MX_F_OBJECT  /* mx_object *, retained by the node; not exportable */
} mx_field_kind;

typedef struct mx_field {
    const char *name;
    mx_field_kind kind;
    size_t offset;
} mx_field;
#define MX_FIELD(type, member, kind) {#member, MX_F_##kind, offsetof(type, member)}
#define MX_FIELD_END                 {NULL, MX_F_INT, 0}

/* --- the descriptor --------------------------------------------------------------------------- */

enum mx_traits {
    MX_TRAIT_POINTWISE = 1, /* joins programs; inputs broadcast against each other */
    MX_TRAIT_VIEW = 2,      /* output may share the input's buffer */
    MX_TRAIT_FEED = 4,      /* the backend can read input 0 as a program instead of an array */
    MX_TRAIT_COMMUTES = 8,  /* f(a, b) == f(b, a) */
    MX_TRAIT_NO_GRAD = 16,  /* derivative is zero everywhere (comparisons, rounding, indices) */
    /* no view, but an output may lie in the memory of an input all the same */
    MX_TRAIT_SHARES = 32,
    /* sums elements in an order that follows from strides: inputs must lie as if evaluated alone */
    MX_TRAIT_STRIDES = 64
};

typedef struct mx_out {
    mx_dtype dtype;
    mx_shape shape;
} mx_out;

/* Inputs first .. nin - after - 1 say where to read or write: there is no derivative towards them,
   and asking for one is refused. A negative first counts from the end. */
typedef struct mx_places {
    const char *op; /* for the message; NULL: no such inputs */
    int first, after;
} mx_places;

typedef struct mx_prim_desc {
    const char *name; /* printed, e.g. "Add" */
    unsigned traits;
    mx_places places;
    const mx_field *fields; /* NULL: no parameters */
    size_t param_size;

    /* Dtype and shape of each output from the inputs; refuses bad arguments with mx_fail.
       out has room for nout entries; shapes come zeroed. */
    bool (*infer)(const void *params, mx_array *const *in, int nin, mx_out *out, int nout);

    /* Pointwise: g times the partial derivative of y towards input i (linear in g, shape of y; the
       caller sums over broadcast axes). Gives both vjp and jvp. NULL result: zero. */
    mx_array *(*partial)(const mx_node *y, int i, mx_array *g);

    /* cot[j] is the cotangent of output j or NULL for zero; write grad[i] for each need[i]
       (NULL stays zero). */
    bool (*vjp)(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad);
    /* tan[i] is the tangent of input i or NULL for zero; write out[j]. */
    bool (*jvp)(const mx_node *y, mx_array *const *tan, mx_array **out);
    /* in[i] carries a batch axis at axes[i] (-1: none) of length n; write out[j] and where its
       batch axis is. in[] are replacements for the node's inputs; parameters come from y. */
    bool (*vmap)(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                 int *out_axes);
    /* The same value through simpler primitives, for backends that lack this one. */
    bool (*expand)(const mx_node *y, mx_array *const *in, mx_array **out);
} mx_prim_desc;

/* The descriptor of each primitive (ops/prims.c). */
extern const mx_prim_desc *const mx_prims[MX_PRIM_COUNT];

static inline bool mx_prim_is_pointwise(mx_prim p) {
    return p <= MX_PRIM_astype;
}

#endif
