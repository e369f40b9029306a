/* Functions of arrays as values: what transforms take and give.
 *
 * The program's function fills its result (an initialised handle) and returns 0, or
 * non-zero on failure; what failed inside it is reported once, by the function that
 * called it. Inputs are borrowed. A payload is passed to every call and its dtor is
 * called exactly once, when the last reference dies, also if making the closure failed.
 */
#ifndef MLX_C_CLOSURE_H
#define MLX_C_CLOSURE_H

#include "mlx/c/array.h"
#include "mlx/c/map.h"
#include "mlx/c/optional.h"
#include "mlx/c/stream.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_closure_ {
    void *ctx;
} mlx_closure;
typedef struct mlx_closure_kwargs_ {
    void *ctx;
} mlx_closure_kwargs;
typedef struct mlx_closure_value_and_grad_ {
    void *ctx;
} mlx_closure_value_and_grad;
typedef struct mlx_closure_custom_ {
    void *ctx;
} mlx_closure_custom;
typedef struct mlx_closure_custom_jvp_ {
    void *ctx;
} mlx_closure_custom_jvp;
typedef struct mlx_closure_custom_vmap_ {
    void *ctx;
} mlx_closure_custom_vmap;

/* --- arrays to arrays ------------------------------------------------------------ */

/* An empty handle of a function of arrays. */
MLX_API mlx_closure mlx_closure_new(void);
/* Let go of the handle; the function and its payload live as long as something else refers to
   them. */
MLX_API int mlx_closure_free(mlx_closure cls);
/* A handle of a function of arrays: fun. Errors: NULL. */
MLX_API mlx_closure mlx_closure_new_func(int (*fun)(mlx_vector_array *, const mlx_vector_array));
/* The same of a function that takes a payload; dtor (may be NULL) is called with it
   once, at the latest here when this fails. */
MLX_API mlx_closure mlx_closure_new_func_payload(int (*fun)(mlx_vector_array *,
                                                            const mlx_vector_array, void *),
                                                 void *payload, void (*dtor)(void *));
/* A handle of a function of one array that gives one. Errors when it is called: another
   number of arrays. */
MLX_API mlx_closure mlx_closure_new_unary(int (*fun)(mlx_array *, const mlx_array));
/* cls becomes another reference to src's function. */
MLX_API int mlx_closure_set(mlx_closure *cls, const mlx_closure src);
/* Call the function: res is a vector of its results. Errors: the function's own, once. */
MLX_API int mlx_closure_apply(mlx_vector_array *res, mlx_closure cls, const mlx_vector_array input);

/* --- arrays and named arrays to arrays ------------------------------------------- */

/* An empty handle of a function of arrays and named arrays. */
MLX_API mlx_closure_kwargs mlx_closure_kwargs_new(void);
/* Let go of the handle; the function and its payload live as long as something else refers to
   them. */
MLX_API int mlx_closure_kwargs_free(mlx_closure_kwargs cls);
/* A handle of a function of arrays and named arrays: fun. Errors: NULL. */
MLX_API mlx_closure_kwargs mlx_closure_kwargs_new_func(
    int (*fun)(mlx_vector_array *, const mlx_vector_array, const mlx_map_string_to_array));
/* The same of a function that takes a payload; dtor (may be NULL) is called with it
   once, at the latest here when this fails. */
MLX_API mlx_closure_kwargs mlx_closure_kwargs_new_func_payload(
    int (*fun)(mlx_vector_array *, const mlx_vector_array, const mlx_map_string_to_array, void *),
    void *payload, void (*dtor)(void *));
/* cls becomes another reference to src's function. */
MLX_API int mlx_closure_kwargs_set(mlx_closure_kwargs *cls, const mlx_closure_kwargs src);
/* Call the function with positional arrays and named ones. Errors: the function's own, once. */
MLX_API int mlx_closure_kwargs_apply(mlx_vector_array *res, mlx_closure_kwargs cls,
                                     const mlx_vector_array input_0,
                                     const mlx_map_string_to_array input_1);

/* --- arrays to values and gradients (mlx_value_and_grad) ------------------------- */

/* An empty handle of a function that gives values and gradients. */
MLX_API mlx_closure_value_and_grad mlx_closure_value_and_grad_new(void);
/* Let go of the handle; the function and its payload live as long as something else refers to
   them. */
MLX_API int mlx_closure_value_and_grad_free(mlx_closure_value_and_grad cls);
/* A handle of a function that gives values and gradients: fun. Errors: NULL. */
MLX_API mlx_closure_value_and_grad mlx_closure_value_and_grad_new_func(
    int (*fun)(mlx_vector_array *, mlx_vector_array *, const mlx_vector_array));
/* The same of a function that takes a payload; dtor (may be NULL) is called with it
   once, at the latest here when this fails. */
MLX_API mlx_closure_value_and_grad mlx_closure_value_and_grad_new_func_payload(
    int (*fun)(mlx_vector_array *, mlx_vector_array *, const mlx_vector_array, void *),
    void *payload, void (*dtor)(void *));
/* cls becomes another reference to src's function. */
MLX_API int mlx_closure_value_and_grad_set(mlx_closure_value_and_grad *cls,
                                           const mlx_closure_value_and_grad src);
/* Call the function: res_0 are its outputs, res_1 the gradients of the first output, a scalar,
   one for each argnum. Errors: the function's own, once. */
MLX_API int mlx_closure_value_and_grad_apply(mlx_vector_array *res_0, mlx_vector_array *res_1,
                                             mlx_closure_value_and_grad cls,
                                             const mlx_vector_array input);

/* --- rules of custom functions (mlx_custom_function) ----------------------------- */

/* An empty handle of a rule for mlx_vjp. */
MLX_API mlx_closure_custom mlx_closure_custom_new(void);
/* Let go of the handle; the function and its payload live as long as something else refers to
   them. */
MLX_API int mlx_closure_custom_free(mlx_closure_custom cls);
/* A rule: from inputs, cotangents and outputs to one cotangent for each input. */
MLX_API mlx_closure_custom mlx_closure_custom_new_func(int (*fun)(
    mlx_vector_array *, const mlx_vector_array, const mlx_vector_array, const mlx_vector_array));
/* The same of a function that takes a payload; dtor (may be NULL) is called with it
   once, at the latest here when this fails. */
MLX_API mlx_closure_custom mlx_closure_custom_new_func_payload(
    int (*fun)(mlx_vector_array *, const mlx_vector_array, const mlx_vector_array,
               const mlx_vector_array, void *),
    void *payload, void (*dtor)(void *));
/* cls becomes another reference to src's function. */
MLX_API int mlx_closure_custom_set(mlx_closure_custom *cls, const mlx_closure_custom src);
/* Call the rule with inputs, cotangents, outputs. Errors: the rule's own, once. */
MLX_API int mlx_closure_custom_apply(mlx_vector_array *res, mlx_closure_custom cls,
                                     const mlx_vector_array input_0, const mlx_vector_array input_1,
                                     const mlx_vector_array input_2);

/* An empty handle of a rule for mlx_jvp. */
MLX_API mlx_closure_custom_jvp mlx_closure_custom_jvp_new(void);
/* Let go of the handle; the function and its payload live as long as something else refers to
   them. */
MLX_API int mlx_closure_custom_jvp_free(mlx_closure_custom_jvp cls);
/* A rule: from inputs and the tangents of those that have one, named by their numbers,
   to one tangent for each output. */
MLX_API mlx_closure_custom_jvp mlx_closure_custom_jvp_new_func(int (*fun)(
    mlx_vector_array *, const mlx_vector_array, const mlx_vector_array, const int *, size_t));
/* The same of a function that takes a payload; dtor (may be NULL) is called with it
   once, at the latest here when this fails. */
MLX_API mlx_closure_custom_jvp mlx_closure_custom_jvp_new_func_payload(
    int (*fun)(mlx_vector_array *, const mlx_vector_array, const mlx_vector_array, const int *,
               size_t, void *),
    void *payload, void (*dtor)(void *));
/* cls becomes another reference to src's function. */
MLX_API int mlx_closure_custom_jvp_set(mlx_closure_custom_jvp *cls,
                                       const mlx_closure_custom_jvp src);
/* Call the rule with inputs, tangents, and which inputs these belong to. Errors: the rule's own,
   once. */
MLX_API int mlx_closure_custom_jvp_apply(mlx_vector_array *res, mlx_closure_custom_jvp cls,
                                         const mlx_vector_array input_0,
                                         const mlx_vector_array input_1, const int *input_2,
                                         size_t input_2_num);

/* An empty handle of a rule for mlx_vmap. */
MLX_API mlx_closure_custom_vmap mlx_closure_custom_vmap_new(void);
/* Let go of the handle; the function and its payload live as long as something else refers to
   them. */
MLX_API int mlx_closure_custom_vmap_free(mlx_closure_custom_vmap cls);
/* A rule: from inputs and their batch axes (-1: none) to the outputs and theirs. */
MLX_API mlx_closure_custom_vmap mlx_closure_custom_vmap_new_func(
    int (*fun)(mlx_vector_array *, mlx_vector_int *, const mlx_vector_array, const int *, size_t));
/* The same of a function that takes a payload; dtor (may be NULL) is called with it
   once, at the latest here when this fails. */
MLX_API mlx_closure_custom_vmap mlx_closure_custom_vmap_new_func_payload(
    int (*fun)(mlx_vector_array *, mlx_vector_int *, const mlx_vector_array, const int *, size_t,
               void *),
    void *payload, void (*dtor)(void *));
/* cls becomes another reference to src's function. */
MLX_API int mlx_closure_custom_vmap_set(mlx_closure_custom_vmap *cls,
                                        const mlx_closure_custom_vmap src);
/* Call the rule with inputs and their batch axes: res_0 are the outputs, res_1 their axes.
   Errors: the rule's own, once. */
MLX_API int mlx_closure_custom_vmap_apply(mlx_vector_array *res_0, mlx_vector_int *res_1,
                                          mlx_closure_custom_vmap cls,
                                          const mlx_vector_array input_0, const int *input_1,
                                          size_t input_1_num);

#ifdef __cplusplus
}
#endif

#endif
