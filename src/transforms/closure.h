/* Functions of arrays as objects: what the transforms take and call. */
#ifndef MX_TRANSFORMS_CLOSURE_H
#define MX_TRANSFORMS_CLOSURE_H

#include "graph/array/prim.h"

/* A growing list that holds a reference to each of its arrays. */
typedef struct mx_arrays {
    mx_array **item;
    size_t count, room;
} mx_arrays;

bool mx_arrays_add(mx_arrays *list, mx_array *a); /* retains; a NULL is refused */
bool mx_arrays_add_all(mx_arrays *list, mx_array *const *a, size_t n);
void mx_arrays_free(mx_arrays *list); /* lets go of all; the list is empty again */

/* Counted. `call` adds its results to out, or fails with an error recorded. */
typedef struct mx_closure mx_closure;
typedef bool mx_closure_fn(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out);
struct mx_closure {
    mx_object object;
    mx_closure_fn *call;
    void *payload;
    void (*dtor)(void *payload); /* once, when the last reference goes; may be NULL */
};

/* f at the inputs. False: an error is recorded, also where the function gave none. */
bool mx_closure_call(mx_closure *f, mx_array *const *in, int n, mx_arrays *out);

/* One reference. On failure the payload is destroyed. */
mx_closure *mx_closure_new(mx_closure_fn *call, void *payload, void (*dtor)(void *));
/* One that lives on the caller's stack for the length of a call. */
static inline mx_closure mx_closure_local(mx_closure_fn *call, void *payload) {
    return (mx_closure){.object = {.refs = 1}, .call = call, .payload = payload};
}

#endif
