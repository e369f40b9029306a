/* Closures: handles of the program's functions, and calls of them.
 *
 * A handle is a box around a counted object: an mx_closure for mlx_closure, a capi_func for the
 * other kinds. A callback gets empty output handles and fills them; not 0 is failure, and its cause
 * becomes the error of whoever called. The payload's destructor runs once: with the last reference,
 * or when making the closure fails.
 */
#include "capi/handles/closure.h"

#include "base/mem.h"

/* --- boxes ------------------------------------------------------------------------------------ */

/* Put o (taken over, also on failure; NULL fails) into the handle at *ctx. */
static bool put(void **ctx, mx_object *o) {
    bool ok = o && capi_slot(ctx, "closure");
    mx_object **box = ok ? *ctx : NULL;
    if (ok && !box)
        box = mx_calloc(1, sizeof *box);
    if (!box) {
        mx_object_release(o);
        return false;
    }
    mx_object *former = *box;
    *box = o;
    *ctx = box;
    mx_object_release(former);
    return true;
}

static void *object_of(void *ctx) {
    mx_object **box = capi_object(ctx, "closure");
    return box ? *box : NULL;
}

static int free_box(void *ctx) {
    int status;
    if (capi_frees(ctx, "closure", &status)) {
        mx_object_release(*(mx_object **)ctx);
        mx_free(ctx);
    }
    return status;
}

static int set_box(void **ctx, void *src) {
    mx_error_clear();
    return capi_done(put(ctx, mx_object_retain(object_of(src))));
}

/* --- functions of the program ----------------------------------------------------------------- */

typedef void any_fn(void);

static void destroy_func(mx_object *o) {
    capi_func *f = (capi_func *)o;
    if (f->dtor)
        f->dtor(f->payload);
    mx_free(f);
}

static capi_func *func_new(any_fn *fun, bool has_payload, void *payload, void (*dtor)(void *)) {
    capi_func *f =
        fun ? mx_malloc(sizeof *f) : mx_fail(MX_INVALID, "[closure] the function is NULL");
    if (!f) {
        if (dtor)
            dtor(payload);
        return NULL;
    }
    *f = (capi_func){{.destroy = destroy_func}, fun, has_payload, payload, dtor};
    atomic_init(&f->object.refs, 1);
    return f;
}

static void *func_box(any_fn *fun, bool has_payload, void *payload, void (*dtor)(void *)) {
    void *ctx = NULL;
    mx_error_clear();
    capi_func *f = func_new(fun, has_payload, payload, dtor);
    capi_done(put(&ctx, (mx_object *)f));
    return ctx;
}

bool capi_put_gradient(mlx_closure_value_and_grad *res,
                       int (*fun)(mlx_vector_array *, mlx_vector_array *, const mlx_vector_array,
                                  void *),
                       void *payload, void (*dtor)(void *)) {
    return put(res ? &res->ctx : NULL, (mx_object *)func_new((any_fn *)fun, true, payload, dtor));
}

/* What every kind of handle has. */
#define HANDLE(kind)                                     \
    kind kind##_new(void) {                              \
        return (kind){NULL};                             \
    }                                                    \
    int kind##_free(kind cls) {                          \
        return free_box(cls.ctx);                        \
    }                                                    \
    int kind##_set(kind *cls, const kind src) {          \
        return set_box(cls ? &cls->ctx : NULL, src.ctx); \
    }
/* And the makers of those that hold a capi_func: fn without, fn_payload with a payload. */
#define FUNC_HANDLE(kind, fn, fn_payload)                                                \
    HANDLE(kind)                                                                         \
    kind kind##_new_func(fn *fun) {                                                      \
        return (kind){func_box((any_fn *)fun, false, NULL, NULL)};                       \
    }                                                                                    \
    kind kind##_new_func_payload(fn_payload *fun, void *payload, void (*dtor)(void *)) { \
        return (kind){func_box((any_fn *)fun, true, payload, dtor)};                     \
    }

#define VECTOR const mlx_vector_array
typedef int plain_fn(mlx_vector_array *, VECTOR);
typedef int plain_fn_payload(mlx_vector_array *, VECTOR, void *);
typedef int unary_fn(mlx_array *, const mlx_array);
typedef int kwargs_fn(mlx_vector_array *, VECTOR, const mlx_map_string_to_array);
typedef int kwargs_fn_payload(mlx_vector_array *, VECTOR, const mlx_map_string_to_array, void *);
typedef int grad_fn(mlx_vector_array *, mlx_vector_array *, VECTOR);
typedef int grad_fn_payload(mlx_vector_array *, mlx_vector_array *, VECTOR, void *);
typedef int custom_fn(mlx_vector_array *, VECTOR, VECTOR, VECTOR);
typedef int custom_fn_payload(mlx_vector_array *, VECTOR, VECTOR, VECTOR, void *);
typedef int custom_jvp_fn(mlx_vector_array *, VECTOR, VECTOR, const int *, size_t);
typedef int custom_jvp_fn_payload(mlx_vector_array *, VECTOR, VECTOR, const int *, size_t, void *);
typedef int custom_vmap_fn(mlx_vector_array *, mlx_vector_int *, VECTOR, const int *, size_t);
typedef int custom_vmap_fn_payload(mlx_vector_array *, mlx_vector_int *, VECTOR, const int *,
                                   size_t, void *);

HANDLE(mlx_closure)
FUNC_HANDLE(mlx_closure_kwargs, kwargs_fn, kwargs_fn_payload)
FUNC_HANDLE(mlx_closure_value_and_grad, grad_fn, grad_fn_payload)
FUNC_HANDLE(mlx_closure_custom, custom_fn, custom_fn_payload)
FUNC_HANDLE(mlx_closure_custom_jvp, custom_jvp_fn, custom_jvp_fn_payload)
FUNC_HANDLE(mlx_closure_custom_vmap, custom_vmap_fn, custom_vmap_fn_payload)

/* --- mlx_closure ------------------------------------------------------------------------------ */

mx_closure *capi_closure(mlx_closure cls) {
    return object_of(cls.ctx);
}

bool capi_put_closure(mlx_closure *res, mx_closure *c) {
    return put(res ? &res->ctx : NULL, (mx_object *)c);
}

static int call_plain(const capi_func *f, mlx_vector_array *out, mlx_vector_array in) {
    return f->has_payload ? ((plain_fn_payload *)f->fun)(out, in, f->payload)
                          : ((plain_fn *)f->fun)(out, in);
}

/* The results in a callback's vector, added to the list. */
static bool take_results(mx_arrays *out, mlx_vector_array from) {
    int n;
    if (!from.ctx)
        return mx_fail(MX_INVALID, "[closure] the function gave no result");
    mx_array *const *a = capi_arrays(from, &n);
    return a && mx_arrays_add_all(out, a, (size_t)n);
}

static bool run_plain(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    mlx_vector_array given = {NULL}, result = {NULL};
    bool ok = capi_put_arrays(&given, in, (size_t)nin);
    if (ok) {
        capi_callback c = capi_callback_begin();
        ok = capi_callback_end(c, "closure", call_plain(self->payload, &result, given)) &&
             take_results(out, result);
    }
    mlx_vector_array_free(given);
    mlx_vector_array_free(result);
    return ok;
}

static bool run_unary(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    const capi_func *f = self->payload;
    if (nin != 1)
        return mx_fail(MX_INVALID, "[closure] a function of one array was given %d", nin);
    mlx_array given = capi_new(in[0]), result = {NULL};
    bool ok = given.ctx != NULL;
    if (ok) {
        capi_callback c = capi_callback_begin();
        ok = capi_callback_end(c, "closure", ((unary_fn *)f->fun)(&result, given)) &&
             mx_arrays_add(out, capi_in(result));
    }
    mlx_array_free(given);
    mlx_array_free(result);
    return ok;
}

static void release_func(void *f) {
    mx_object_release(f);
}

static mlx_closure closure_box(mx_closure_fn *call, capi_func *f) {
    mlx_closure res = {NULL};
    capi_done(f && capi_put_closure(&res, mx_closure_new(call, f, release_func)));
    return res;
}

mlx_closure mlx_closure_new_func(plain_fn *fun) {
    mx_error_clear();
    return closure_box(run_plain, func_new((any_fn *)fun, false, NULL, NULL));
}

mlx_closure mlx_closure_new_func_payload(plain_fn_payload *fun, void *payload,
                                         void (*dtor)(void *)) {
    mx_error_clear();
    return closure_box(run_plain, func_new((any_fn *)fun, true, payload, dtor));
}

mlx_closure mlx_closure_new_unary(unary_fn *fun) {
    mx_error_clear();
    return closure_box(run_unary, func_new((any_fn *)fun, false, NULL, NULL));
}

int mlx_closure_apply(mlx_vector_array *res, mlx_closure cls, const mlx_vector_array input) {
    capi_call c = capi_begin_default();
    mx_arrays out = {0};
    int n;
    mx_closure *f = capi_closure(cls);
    mx_array *const *in = capi_arrays(input, &n);
    bool ok = f && in && f->call(f, in, n, &out) && capi_put_arrays(res, out.item, out.count);
    mx_arrays_free(&out);
    return capi_end_ok(&c, ok);
}

/* --- the other kinds: a call of the function, its results moved to the caller's handles ------- */

typedef struct results {
    mlx_vector_array array[2];
    mlx_vector_int ints;
} results;

static bool give_arrays(mlx_vector_array *res, mlx_vector_array from) {
    int n;
    mx_array *const *a = capi_arrays(from, &n);
    return a && capi_put_arrays(res, a, (size_t)n);
}

static bool give_ints(mlx_vector_int *res, mlx_vector_int from) {
    size_t n;
    int *v = capi_ints(from, &n);
    return v && capi_put_ints(res, v, n);
}

static int end_results(results *r, bool ok) {
    mlx_vector_array_free(r->array[0]);
    mlx_vector_array_free(r->array[1]);
    mlx_vector_int_free(r->ints);
    return capi_done(ok);
}

/* The function in a handle; errors of an earlier call are forgotten. */
static const capi_func *func_in(void *ctx) {
    mx_error_clear();
    return object_of(ctx);
}

/* What the program's function will be given. */
static bool is_vector(mlx_vector_array v) {
    int n;
    return capi_arrays(v, &n) != NULL;
}

static bool is_list(const int *list, size_t n) {
    capi_count(list, n);
    return !mx_failed();
}

capi_func *capi_closure_kwargs(mlx_closure_kwargs cls) {
    return object_of(cls.ctx);
}

bool capi_call_kwargs(const capi_func *f, mlx_vector_array *res, mlx_vector_array args,
                      mlx_map_string_to_array kwargs) {
    capi_callback c = capi_callback_begin();
    int failed = f->has_payload ? ((kwargs_fn_payload *)f->fun)(res, args, kwargs, f->payload)
                                : ((kwargs_fn *)f->fun)(res, args, kwargs);
    return capi_callback_end(c, "closure", failed);
}

int mlx_closure_kwargs_apply(mlx_vector_array *res, mlx_closure_kwargs cls,
                             const mlx_vector_array input_0,
                             const mlx_map_string_to_array input_1) {
    results r = {0};
    const capi_func *f = func_in(cls.ctx);
    bool ok = f && is_vector(input_0) && capi_map_arrays(input_1) &&
              capi_call_kwargs(f, &r.array[0], input_0, input_1);
    return end_results(&r, ok && give_arrays(res, r.array[0]));
}

int mlx_closure_value_and_grad_apply(mlx_vector_array *res_0, mlx_vector_array *res_1,
                                     mlx_closure_value_and_grad cls, const mlx_vector_array input) {
    results r = {0};
    const capi_func *f = func_in(cls.ctx);
    if (!f || !is_vector(input))
        return capi_done(false);
    capi_callback c = capi_callback_begin();
    int failed = f->has_payload
                     ? ((grad_fn_payload *)f->fun)(&r.array[0], &r.array[1], input, f->payload)
                     : ((grad_fn *)f->fun)(&r.array[0], &r.array[1], input);
    return end_results(&r, capi_callback_end(c, "closure", failed) &&
                               capi_slots(res_0, res_1, "vector_array") &&
                               give_arrays(res_0, r.array[0]) && give_arrays(res_1, r.array[1]));
}

bool capi_call_custom(const capi_func *f, mlx_vector_array *res, mlx_vector_array primals,
                      mlx_vector_array cotangents, mlx_vector_array outputs) {
    capi_callback c = capi_callback_begin();
    int failed = f->has_payload
                     ? ((custom_fn_payload *)f->fun)(res, primals, cotangents, outputs, f->payload)
                     : ((custom_fn *)f->fun)(res, primals, cotangents, outputs);
    return capi_callback_end(c, "closure", failed);
}

int mlx_closure_custom_apply(mlx_vector_array *res, mlx_closure_custom cls,
                             const mlx_vector_array input_0, const mlx_vector_array input_1,
                             const mlx_vector_array input_2) {
    results r = {0};
    const capi_func *f = func_in(cls.ctx);
    bool ok = f && is_vector(input_0) && is_vector(input_1) && is_vector(input_2) &&
              capi_call_custom(f, &r.array[0], input_0, input_1, input_2);
    return end_results(&r, ok && give_arrays(res, r.array[0]));
}

bool capi_call_custom_jvp(const capi_func *f, mlx_vector_array *res, mlx_vector_array primals,
                          mlx_vector_array tangents, const int *argnums, size_t n) {
    capi_callback c = capi_callback_begin();
    int failed = f->has_payload ? ((custom_jvp_fn_payload *)f->fun)(res, primals, tangents, argnums,
                                                                    n, f->payload)
                                : ((custom_jvp_fn *)f->fun)(res, primals, tangents, argnums, n);
    return capi_callback_end(c, "closure", failed);
}

int mlx_closure_custom_jvp_apply(mlx_vector_array *res, mlx_closure_custom_jvp cls,
                                 const mlx_vector_array input_0, const mlx_vector_array input_1,
                                 const int *input_2, size_t input_2_num) {
    results r = {0};
    const capi_func *f = func_in(cls.ctx);
    bool ok = f && is_vector(input_0) && is_vector(input_1) && is_list(input_2, input_2_num) &&
              capi_call_custom_jvp(f, &r.array[0], input_0, input_1, input_2, input_2_num);
    return end_results(&r, ok && give_arrays(res, r.array[0]));
}

bool capi_call_custom_vmap(const capi_func *f, mlx_vector_array *res, mlx_vector_int *axes_out,
                           mlx_vector_array in, const int *axes, size_t n) {
    capi_callback c = capi_callback_begin();
    int failed = f->has_payload
                     ? ((custom_vmap_fn_payload *)f->fun)(res, axes_out, in, axes, n, f->payload)
                     : ((custom_vmap_fn *)f->fun)(res, axes_out, in, axes, n);
    return capi_callback_end(c, "closure", failed);
}

int mlx_closure_custom_vmap_apply(mlx_vector_array *res_0, mlx_vector_int *res_1,
                                  mlx_closure_custom_vmap cls, const mlx_vector_array input_0,
                                  const int *input_1, size_t input_1_num) {
    results r = {0};
    const capi_func *f = func_in(cls.ctx);
    bool ok = f && is_vector(input_0) && is_list(input_1, input_1_num) &&
              capi_call_custom_vmap(f, &r.array[0], &r.ints, input_0, input_1, input_1_num);
    return end_results(&r, ok && capi_slots(res_0, res_1, "vector") &&
                               give_arrays(res_0, r.array[0]) && give_ints(res_1, r.ints));
}
