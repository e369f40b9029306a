/* Functions of the program as counted objects, behind the closure handles. */
#ifndef MX_CAPI_CLOSURE_H
#define MX_CAPI_CLOSURE_H

#include "capi/capi.h"
#include "transforms/closure.h"

/* A callback of any signature: fun is cast back by who knows its kind. */
typedef struct capi_func {
    mx_object object;
    void (*fun)(void);
    bool has_payload; /* fun takes the payload as its last argument */
    void *payload;
    void (*dtor)(void *);
} capi_func;

/* The closure in a handle, borrowed; NULL and an error: an empty handle. */
mx_closure *capi_closure(mlx_closure cls);
/* Put a closure (its reference is taken over, also on failure) into a handle. */
bool capi_put_closure(mlx_closure *res, mx_closure *c);

/* Put a function that gives values and gradients into a handle; dtor is called also on failure. */
bool capi_put_gradient(mlx_closure_value_and_grad *res,
                       int (*fun)(mlx_vector_array *, mlx_vector_array *, const mlx_vector_array,
                                  void *),
                       void *payload, void (*dtor)(void *));

/* The function in a handle of one with named arrays, borrowed; NULL and an error: an empty
   handle. */
capi_func *capi_closure_kwargs(mlx_closure_kwargs cls);
bool capi_call_kwargs(const capi_func *f, mlx_vector_array *res, mlx_vector_array args,
                      mlx_map_string_to_array kwargs);

/* Call the functions of custom rules; false with the cause recorded. */
bool capi_call_custom(const capi_func *f, mlx_vector_array *res, mlx_vector_array primals,
                      mlx_vector_array cotangents, mlx_vector_array outputs);
bool capi_call_custom_jvp(const capi_func *f, mlx_vector_array *res, mlx_vector_array primals,
                          mlx_vector_array tangents, const int *argnums, size_t n);
bool capi_call_custom_vmap(const capi_func *f, mlx_vector_array *res, mlx_vector_int *axes_out,
                           mlx_vector_array in, const int *axes, size_t n);

#endif
