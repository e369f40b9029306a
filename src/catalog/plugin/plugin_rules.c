/* What a program's operation does, as the rules of a primitive: arrays become handles, and what it
 * says of shapes, gradients and tangents is checked. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/threads/pool.h"
#include "capi/capi.h"
#include "capi/stream_box.h"
#include "catalog/plugin/cat_plugin.h"
#include "graph/array/params.h"
#include "ops/ops.h"

static const cat_plugin_row *row_of(const mx_plugin_op *op) {
    return (const cat_plugin_row *)(const void *)op;
}

/* --- calls ------------------------------------------------------------------------------------ */

static int say(void *ctx, const char *why) {
    const cat_plugin_row *r = ctx;
    mx_error_clear();
    mx_fail(MX_INVALID, "[%s] %.800s", r->op.name, why ? why : "it does not say why");
    return capi_report();
}

static mlx_plugin_call call_of(const cat_plugin_row *r, const int64_t *numbers) {
    _Static_assert(sizeof(mlx_plugin_number) == sizeof(int64_t), "numbers are read as they lie");
    return (mlx_plugin_call){(void *)(uintptr_t)r, r->given.payload,
                             (const mlx_plugin_number *)(const void *)numbers, say,
                             mx_parallel_for};
}

static const int64_t *numbers_of(const mx_node *y) {
    return ((const mx_p_plugin *)y->params)->numbers.v;
}

/* As capi_callback_end; an error of a function that the rule called says whose rule it was. */
static bool ended(capi_callback c, const cat_plugin_row *r, int status) {
    char text[MX_ERROR_TEXT], own[128];
    if (capi_callback_end(c, r->op.name, status))
        return true;
    snprintf(own, sizeof own, "[%.100s] ", r->op.name);
    snprintf(text, sizeof text, "%s", mx_error_message());
    mx_status cause = mx_error_status();
    if (cause == MX_NOMEM || cause == MX_INTERRUPTED || strncmp(text, own, strlen(own)) == 0)
        return false;
    mx_error_clear();
    return mx_fail(cause, "%sa rule of it failed: %s", own, text);
}

/* --- shapes ----------------------------------------------------------------------------------- */

static mlx_plugin_array *describe(mx_array *const *in, const void *const *data, int n) {
    mlx_plugin_array *a = mx_calloc((size_t)n + 1, sizeof *a);
    for (int i = 0; a && i < n; i++)
        a[i] = (mlx_plugin_array){(mlx_dtype)mx_dtype_of(in[i]), in[i]->ndim, in[i]->shape,
                                  (size_t)in[i]->size, data ? (void *)(uintptr_t)data[i] : NULL};
    return a;
}

static bool check_shape(const cat_plugin_row *r, const mlx_plugin_shape *s, mx_out *out) {
    int64_t size;
    if (capi_dtype(s->dtype) == MX_DTYPE_COUNT)
        return false;
    if (s->ndim < 0 || s->ndim > MLX_PLUGIN_NDIM ||
        !mx_shape_size(s->shape, s->ndim, mx_dtype_size((mx_dtype)s->dtype), &size))
        return mx_fail(MX_INVALID, "[%s] its shape rule gave a shape that is not possible",
                       r->op.name);
    out->dtype = (mx_dtype)s->dtype;
    out->shape.ndim = s->ndim;
    memcpy(out->shape.dim, s->shape, (size_t)s->ndim * sizeof *s->shape);
    return true;
}

static bool infer_in(const cat_plugin_row *r, const int64_t *numbers, const mlx_plugin_array *in,
                     int n, mlx_plugin_shape *shapes, mx_out *out) {
    mlx_plugin_call call = call_of(r, numbers);
    capi_callback c = capi_callback_begin();
    int status = r->given.shape(&call, in, (size_t)n, shapes);
    bool ok = ended(c, r, status);
    for (int j = 0; j < r->op.results && ok; j++)
        ok = check_shape(r, &shapes[j], &out[j]);
    return ok;
}

static bool infer(const mx_plugin_op *op, const int64_t *numbers, mx_array *const *in, int n,
                  mx_out *out) {
    mlx_plugin_array *arrays = describe(in, NULL, n);
    mlx_plugin_shape *shapes = mx_calloc((size_t)op->results, sizeof *shapes);
    bool ok = arrays && shapes && infer_in(row_of(op), numbers, arrays, n, shapes, out);
    mx_free(arrays);
    mx_free(shapes);
    return ok;
}

/* --- the kernel ------------------------------------------------------------------------------- */

static bool run_in(const cat_plugin_row *r, const mx_node *y, const mlx_plugin_array *in,
                   mlx_plugin_array *out, void *const *data, const mx_out *shapes) {
    for (int j = 0; j < y->nout; j++) {
        const mx_shape *s = &shapes[j].shape;
        int64_t size = 0;
        mx_shape_size(s->dim, s->ndim, 1, &size);
        out[j] =
            (mlx_plugin_array){(mlx_dtype)shapes[j].dtype, s->ndim, s->dim, (size_t)size, data[j]};
    }
    mlx_plugin_call call = call_of(r, numbers_of(y));
    capi_callback c = capi_callback_begin();
    int status = r->given.kernel(&call, in, y->nin, out);
    return ended(c, r, status);
}

static bool run(const mx_plugin_op *op, const mx_node *y, const void *const *in, void *const *out,
                const mx_out *shapes) {
    mlx_plugin_array *arrays = describe(y->in, in, y->nin);
    mlx_plugin_array *results = mx_calloc(y->nout, sizeof *results);
    bool ok = arrays && results && run_in(row_of(op), y, arrays, results, out, shapes);
    mx_free(arrays);
    mx_free(results);
    return ok;
}

/* --- derivatives and batches ------------------------------------------------------------------ */

/* Handles for one call of a rule. */
typedef struct handles {
    mlx_vector_array a, b, c, res;
    mlx_stream stream;
} handles;

static bool put(mlx_vector_array *to, mx_array *const *from, int n) {
    return capi_put_arrays(to, from, (size_t)n);
}

static void close_handles(handles *h) {
    mlx_vector_array_free(h->a);
    mlx_vector_array_free(h->b);
    mlx_vector_array_free(h->c);
    mlx_vector_array_free(h->res);
    if (h->stream.ctx)
        capi_stream_free(h->stream.ctx); // the public function would forget an error
}

/* n arrays of the rule's result, each like[i] in shape and dtype where that is given; owned by the
   scope. */
static bool take(const cat_plugin_row *r, mlx_vector_array from, mx_array *const *like, int n,
                 const bool *need, mx_array **to) {
    int count;
    mx_array *const *a = capi_arrays(from, &count);
    if (!a || count != n)
        return mx_fail(MX_INVALID, "[%s] its rule gave %d arrays, %d are needed", r->op.name,
                       a ? count : 0, n);
    for (int i = 0; i < n; i++) {
        if (like && !mx_same_shape(a[i], like[i]))
            return mx_fail(MX_INVALID, "[%s] its rule gave array %d in another shape than it needs",
                           r->op.name, i);
        if (!need || need[i]) {
            mx_array *own = mx_own(mx_array_retain(a[i]));
            to[i] = own && like ? mx_astype(own, mx_dtype_of(like[i])) : own;
        }
    }
    return !mx_failed();
}

/* An array for each of n: what is missing is zero. */
static mx_array **filled(mx_array *const *from, mx_array *const *like, int n) {
    mx_array **all = mx_calloc((size_t)n + 1, sizeof *all);
    for (int i = 0; all && i < n; i++)
        all[i] = from[i] ? from[i] : mx_zeros_like(like[i]);
    return all;
}

static bool vjp(const mx_plugin_op *op, const mx_node *y, mx_array *const *cot, const bool *need,
                mx_array **grad) {
    const cat_plugin_row *r = row_of(op);
    handles h = {.stream = capi_new_stream(y->stream)};
    mlx_plugin_call call = call_of(r, numbers_of(y));
    mx_array **all = filled(cot, y->out, y->nout);
    bool ok = h.stream.ctx && all && put(&h.a, y->in, y->nin) && put(&h.b, all, y->nout) &&
              put(&h.c, y->out, y->nout);
    if (ok) {
        capi_callback c = capi_callback_begin();
        ok = ended(c, r, r->given.vjp(&h.res, &call, h.a, h.b, h.c, h.stream)) &&
             take(r, h.res, y->in, y->nin, need, grad);
    }
    close_handles(&h);
    mx_free(all);
    return ok;
}

static bool jvp(const mx_plugin_op *op, const mx_node *y, mx_array *const *tan, mx_array **out) {
    const cat_plugin_row *r = row_of(op);
    handles h = {.stream = capi_new_stream(y->stream)};
    mlx_plugin_call call = call_of(r, numbers_of(y));
    mx_array **all = filled(tan, y->in, y->nin);
    bool ok = h.stream.ctx && all && put(&h.a, y->in, y->nin) && put(&h.b, all, y->nin);
    if (ok) {
        capi_callback c = capi_callback_begin();
        ok = ended(c, r, r->given.jvp(&h.res, &call, h.a, h.b, h.stream)) &&
             take(r, h.res, y->out, y->nout, NULL, out);
    }
    close_handles(&h);
    mx_free(all);
    return ok;
}

static bool axes_fit(const cat_plugin_row *r, mx_array *const *out, const int *axes, int n) {
    for (int j = 0; j < n; j++)
        if (axes[j] < -1 || axes[j] >= out[j]->ndim)
            return mx_fail(MX_INVALID, "[%s] its vmap rule gave result %d no axis %d", r->op.name,
                           j, axes[j]);
    return true;
}

static bool vmap(const mx_plugin_op *op, const mx_node *y, mx_array *const *in, const int *axes,
                 mx_array **out, int *out_axes) {
    const cat_plugin_row *r = row_of(op);
    handles h = {.stream = capi_new_stream(y->stream)};
    mlx_plugin_call call = call_of(r, numbers_of(y));
    bool ok = h.stream.ctx && put(&h.a, in, y->nin);
    if (ok) {
        capi_callback c = capi_callback_begin();
        int status = r->given.vmap(&h.res, out_axes, &call, h.a, axes, h.stream);
        ok = ended(c, r, status) && take(r, h.res, NULL, y->nout, NULL, out) &&
             axes_fit(r, out, out_axes, y->nout);
    }
    close_handles(&h);
    return ok;
}

void cat_plugin_rules(cat_plugin_row *r) {
    r->op.results = r->given.results;
    r->op.infer = infer;
    r->op.run = run;
    r->op.vjp = r->given.vjp ? vjp : NULL;
    r->op.jvp = r->given.jvp ? jvp : NULL;
    r->op.vmap = r->given.vmap ? vmap : NULL;
}
