/* How the public functions are made.
 *
 *     int mlx_add(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s) {
 *         capi_call c = capi_begin(s);
 *         return capi_end(&c, res, mx_add(capi_in(a), capi_in(b)));
 *     }
 *
 * begin opens a scope on the stream (an empty stream: the default one), in the default
 * floating-point environment (base/fenv.h). end hands the result to the handle, closes the scope,
 * restores the environment, and turns a recorded error into 1 after calling the program's handler:
 * last, with no lock held and nothing left to free, so that a handler may unwind out of it.
 *
 * A public mlx_array is a stable box around a counted array: ctx is NULL (empty) or points to the
 * box. Setting a handle whose ctx is not NULL replaces what the box holds, so copies of the handle
 * see the new value.
 *
 *     dense     what mlx_array_data_* shows of an array whose elements do not lie in its memory one
 *               after another: a copy in row order, unless the program has asked for the strides
 *               before
 */
#ifndef MX_CAPI_CAPI_H
#define MX_CAPI_CAPI_H

#include <stdatomic.h>

#include "base/map.h"
#include "base/status.h"
#include "graph/trace/scope.h"
#include "graph/trace/trace.h"
#include "mlx/c/mlx.h"

typedef struct capi_box {
    mx_array *array;
    _Atomic(mx_array *) dense; /* or NULL */
    atomic_bool strided;       /* the strides of `array` were asked for */
} capi_box;

typedef struct capi_call {
    mx_scope scope;
    bool says; /* what mx_trace_set_says was before */
    struct capi_room *rooms;
} capi_call;

capi_call capi_begin(mlx_stream s);
capi_call capi_begin_default(void);

/* Zeroed memory until the end of the call, which frees it before a handler may unwind. NULL: out of
   memory. */
void *capi_room(capi_call *c, size_t count, size_t size);

/* Each frees the rooms, closes the scope and returns 0, or reports the error and returns 1. */
int capi_end(capi_call *c, mlx_array *res, mx_array *result);
int capi_end2(capi_call *c, mlx_array *res0, mlx_array *res1, bool ok, mx_array *const *result);
int capi_end_vector(capi_call *c, mlx_vector_array *res, bool ok, mx_array *const *result,
                    size_t n);
int capi_end_ok(capi_call *c, bool ok);

/* Report the recorded error: keep it as this thread's last error, clear the state, call the
   handler. Returns 1. (error.c) */
int capi_report(void);

/* The same for functions that make no array and so need no scope: mx_error_clear() first, this
   last. */
static inline int capi_done(bool ok) {
    return ok ? 0 : capi_report();
}

/* Around a call of the program's function: what fails inside waits for the caller to report it. end
   gives false when result is not 0, with the cause (or "[op] the function returned 1") recorded. */
typedef struct capi_callback {
    mx_status former;
    int fenv;
} capi_callback;
capi_callback capi_callback_begin(void);
bool capi_callback_end(capi_callback c, const char *op, int result);

/* --- handles ------------------------------------------------------------------------- No object
   lies in the first page: NULL there is an empty handle, any other address what a program of
   another interface passes in a handle's place (a flag, an index). It is refused, for one
   comparison. */

enum { CAPI_FIRST_OBJECT = 4096 };

static inline bool capi_is_object(const void *ctx) {
    return (uintptr_t)ctx >= CAPI_FIRST_OBJECT;
}
/* NULL and an error: "[kind] an empty handle was given". */
void *capi_no_object(const char *kind, const void *ctx);
/* What a handle points to; NULL and an error where that is nothing. */
static inline void *capi_object(void *ctx, const char *kind) {
    return capi_is_object(ctx) ? ctx : capi_no_object(kind, ctx);
}
/* For handles that may be empty: false and an error only where the address is no object's. */
static inline bool capi_empty_or_object(const void *ctx, const char *kind) {
    return !ctx || capi_is_object(ctx) || capi_no_object(kind, ctx);
}
/* For _free: is there something to let go? *status becomes 1, and the error is reported, where ctx
   is no object. */
bool capi_frees(const void *ctx, const char *kind, int *status);
/* The ctx of a result handle (any kind: a struct of one pointer). NULL and an error: there is no
   handle, or what it holds was never initialised. */
void **capi_slot(void *res, const char *kind);
/* Two of them: before either is changed. */
static inline bool capi_slots(void *res_0, void *res_1, const char *kind) {
    return capi_slot(res_0, kind) && capi_slot(res_1, kind);
}

/* The array in a handle, borrowed. Empty: an error and NULL. */
mx_array *capi_in(mlx_array a);
/* The numbers among the arguments are the program's own, also where an array is a tracer
   (mx_trace_set_says); gives the array. */
static inline mx_array *capi_says(mx_array *a) {
    mx_trace_set_says(true);
    return a;
}
/* Outside of a call: numbers that are taken from the shape of a hold for it alone
   (mx_trace_pin). */
static inline void capi_pins(mlx_array a, const char *operation) {
    if (capi_is_object(a.ctx) && ((const capi_box *)a.ctx)->array &&
        ((const capi_box *)a.ctx)->array->tracer)
        mx_trace_pin(operation);
}
/* The same where the C API allows an empty handle: NULL, no error. */
static inline mx_array *capi_opt(mlx_array a) {
    return a.ctx ? capi_in(a) : NULL;
}
/* Put an array (retained) into a handle. False and an error: no memory or res NULL. */
bool capi_put(mlx_array *res, mx_array *a);
/* A new handle holding a (retained); ctx NULL on failure. */
mlx_array capi_new(mx_array *a);
void capi_free(mlx_array a);

/* The items of a vector handle, borrowed; *n of them. NULL and an error: an empty handle. */
mx_array *const *capi_arrays(mlx_vector_array v, int *n);
int *capi_ints(mlx_vector_int v, size_t *n);
const char *const *capi_strings(mlx_vector_string v, size_t *n);
/* Put copies (arrays: references) into a vector handle. */
bool capi_put_arrays(mlx_vector_array *res, mx_array *const *from, size_t n);
bool capi_put_ints(mlx_vector_int *res, int *data, size_t n);
bool capi_put_strings(mlx_vector_string *res, const char *const *data, size_t n);
/* The same of a text of mx_malloc, which is taken over, also on failure. */
bool capi_take_string(mlx_string *res, char *text);

/* The map in a handle, borrowed; values are mx_array * or char *. NULL and an error: an empty
   handle. */
const mx_map *capi_map_arrays(mlx_map_string_to_array map);
const mx_map *capi_map_strings(mlx_map_string_to_string map);
/* Put a map into a handle; the contents (each array with a reference, each string from mx_malloc)
   are taken over, also on failure. */
bool capi_put_map_arrays(mlx_map_string_to_array *res, mx_map *contents);
bool capi_put_map_strings(mlx_map_string_to_string *res, mx_map *contents);

/* Streams and devices are boxes around plain values. */
bool capi_stream(mlx_stream s, mx_stream *out); /* false: empty, or (with an error) no stream */
mlx_stream capi_new_stream(mx_stream s);
/* False: empty (*out is the default device), or (with an error) no device. */
bool capi_device(mlx_device d, mx_device *out);

/* The entries of a list of the program. 0 and an error: the list is NULL though entries are
   announced, or there are more than any operation takes. */
int capi_count(const void *list, size_t n);

/* Put text into a string handle. (string.c) */
bool capi_put_string(mlx_string *res, const char *text);

/* A dtype from outside; MX_DTYPE_COUNT and an error when it is none. */
mx_dtype capi_dtype(mlx_dtype t);

#endif
