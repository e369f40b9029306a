/* How the public functions are made.
 *
 *     int mlx_add(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
 *         capi_call c = capi_begin(s);
 *         return capi_end(&c, res, mx_add(capi_in(a), capi_in(b)));
 *     }
 *
 * begin opens a scope on the stream (an empty stream: the default one). end hands the result to the
 * handle, closes the scope, and turns a recorded error into 1 after calling the program's handler: last,
 * with no lock held and nothing left to free, so that a handler may unwind out of it.
 *
 * A public mlx_array is a stable box around a counted array: ctx is NULL (empty) or points to the box. Setting a
 * handle whose ctx is not NULL replaces what the box holds, so copies of the handle see the new value.
 */
#ifndef MX_CAPI_CAPI_H
#define MX_CAPI_CAPI_H

#include "base/map.h"
#include "base/status.h"
#include "graph/scope.h"
#include "mlx/c/mlx.h"

typedef struct capi_call {
    mx_scope scope;
    bool ok;
} capi_call;

capi_call capi_begin(mlx_stream s);
capi_call capi_begin_default(void);

/* Each closes the scope and returns 0, or reports the error and returns 1. */
int capi_end(capi_call *c, mlx_array *res, mx_array *result);
int capi_end2(capi_call *c, mlx_array *res0, mlx_array *res1, bool ok, mx_array *const *result);
int capi_end_vector(capi_call *c, mlx_vector_array *res, bool ok, mx_array *const *result, size_t n);
int capi_end_ok(capi_call *c, bool ok);

/* Report the recorded error: keep it as this thread's last error, clear the state, call the handler.
   Returns 1. (error.c) */
int capi_report(void);

/* The same for functions that make no array and so need no scope: mx_error_clear() first, this last. */
static inline int capi_done(bool ok) {
    return ok ? 0 : capi_report();
}

/* Around a call of the program's function: what fails inside waits for the caller to report it.
   end gives false when result is not 0, with the cause (or "[op] the function returned 1") recorded. */
typedef struct capi_callback {
    mx_status former;
} capi_callback;
capi_callback capi_callback_begin(void);
bool capi_callback_end(capi_callback c, const char *op, int result);

/* The array in a handle, borrowed. Empty: an error and NULL. */
mx_array *capi_in(mlx_array a);
/* The same where the C API allows an empty handle: NULL, no error. */
static inline mx_array *capi_opt(mlx_array a) {
    return a.ctx ? *(mx_array **)a.ctx : NULL;
}
/* Put an array (retained) into a handle. False and an error: no memory or res NULL. */
bool capi_put(mlx_array *res, mx_array *a);
/* A new handle holding a (retained); ctx NULL on failure. */
mlx_array capi_new(mx_array *a);

/* The items of a vector handle, borrowed; *n of them. NULL and an error: an empty handle. */
mx_array *const *capi_arrays(mlx_vector_array v, int *n);
int *capi_ints(mlx_vector_int v, size_t *n);
const char *const *capi_strings(mlx_vector_string v, size_t *n);
/* Put copies (arrays: references) into a vector handle. */
bool capi_put_arrays(mlx_vector_array *res, mx_array *const *from, size_t n);
bool capi_put_ints(mlx_vector_int *res, int *data, size_t n);
bool capi_put_strings(mlx_vector_string *res, const char *const *data, size_t n);

/* The map in a handle, borrowed; values are mx_array * or char *. NULL and an error: an empty handle. */
const mx_map *capi_map_arrays(mlx_map_string_to_array map);
const mx_map *capi_map_strings(mlx_map_string_to_string map);
/* Put a map into a handle; the contents (each array with a reference, each string from mx_malloc) are taken
   over, also on failure. */
bool capi_put_map_arrays(mlx_map_string_to_array *res, mx_map *contents);
bool capi_put_map_strings(mlx_map_string_to_string *res, mx_map *contents);

/* Streams and devices are boxes around plain values. */
bool capi_stream(mlx_stream s, mx_stream *out); /* false: empty */
mlx_stream capi_new_stream(mx_stream s);
bool capi_device(mlx_device d, mx_device *out);

/* Put text into a string handle. (string.c) */
bool capi_put_string(mlx_string *res, const char *text);

/* A dtype from outside; MX_DTYPE_COUNT and an error when it is none. */
mx_dtype capi_dtype(mlx_dtype t);

#endif
