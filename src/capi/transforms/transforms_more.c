/* transforms.h, transforms_impl.h: vmap, checkpoints, custom functions. */
#include "base/mem.h"
#include "capi/handles/closure.h"
#include "transforms/custom.h"
#include "transforms/vmap.h"

/* Batch axes from outside: -1 is none. Freed with mx_free. */
static int *axes_in(const int *axes, size_t n) {
    int count = capi_count(axes, n);
    int *copy = mx_failed() ? NULL : mx_malloc(((size_t)count + 1) * sizeof *copy);
    for (int i = 0; copy && i < count; i++)
        copy[i] = axes[i] == -1 ? MX_NO_AXIS : axes[i];
    return copy;
}

int mlx_vmap(mlx_closure *res, const mlx_closure fun, const int *in_axes, size_t in_axes_num,
             const int *out_axes, size_t out_axes_num) {
    mx_error_clear();
    mx_closure *f = capi_closure(fun), *r = NULL;
    int *in = axes_in(in_axes, in_axes_num), *out = axes_in(out_axes, out_axes_num);
    if (f && in && out)
        r = mx_vmap(f, in, (int)in_axes_num, out, (int)out_axes_num);
    mx_free(in);
    mx_free(out);
    return capi_done(r && capi_put_closure(res, r));
}

static bool axis_count(size_t axes, int arrays) {
    return axes == (size_t)arrays ||
           mx_fail(MX_INVALID, "[vmap] %zu axes were given for %d arrays", axes, arrays);
}

int mlx_detail_vmap_trace(mlx_vector_array *res_0, mlx_vector_array *res_1, const mlx_closure fun,
                          const mlx_vector_array inputs, const int *in_axes, size_t in_axes_num) {
    capi_call c = capi_begin_default();
    mx_arrays s_in = {0}, s_out = {0};
    int n, *axes = axes_in(in_axes, in_axes_num);
    mx_closure *f = capi_closure(fun);
    mx_array *const *in = capi_arrays(inputs, &n);
    bool ok = axes && f && in && axis_count(in_axes_num, n) &&
              mx_vmap_trace(f, in, n, axes, &s_in, &s_out) &&
              capi_slots(res_0, res_1, "vector_array") &&
              capi_put_arrays(res_0, s_in.item, s_in.count) &&
              capi_put_arrays(res_1, s_out.item, s_out.count);
    mx_arrays_free(&s_in);
    mx_arrays_free(&s_out);
    mx_free(axes);
    return capi_end_ok(&c, ok);
}

int mlx_detail_vmap_replace(mlx_vector_array *res, const mlx_vector_array inputs,
                            const mlx_vector_array s_inputs, const mlx_vector_array s_outputs,
                            const int *in_axes, size_t in_axes_num, const int *out_axes,
                            size_t out_axes_num) {
    capi_call c = capi_begin_default();
    mx_arrays out = {0};
    int n, ns, nout, *ia = axes_in(in_axes, in_axes_num), *oa = axes_in(out_axes, out_axes_num);
    mx_array *const *in = capi_arrays(inputs, &n), *const *s_in = capi_arrays(s_inputs, &ns),
                    *const *s_out = capi_arrays(s_outputs, &nout);
    bool ok = ia && oa && in && s_in && s_out && axis_count(in_axes_num, n) &&
              axis_count(in_axes_num, ns) && axis_count(out_axes_num, nout) &&
              mx_vmap_replace(in, s_in, n, s_out, nout, ia, oa, &out) &&
              capi_put_arrays(res, out.item, out.count);
    mx_arrays_free(&out);
    mx_free(ia);
    mx_free(oa);
    return capi_end_ok(&c, ok);
}

int mlx_checkpoint(mlx_closure *res, const mlx_closure fun) {
    mx_error_clear();
    mx_closure *f = capi_closure(fun), *r = f ? mx_checkpoint(f) : NULL;
    return capi_done(r && capi_put_closure(res, r));
}

/* --- rules that the program gives ------------------------------------------------------------- */

/* A rule's function as a handle again: a box on the stack. */
static bool put_results(mx_arrays *out, mlx_vector_array from) {
    int n;
    mx_array *const *a = capi_arrays(from, &n);
    return a && mx_arrays_add_all(out, a, (size_t)n);
}

static bool given_vjp(mx_object *self, mx_array *const *primals, const bool *need, int n,
                      mx_array *const *cotangents, mx_array *const *outputs, int nout,
                      mx_arrays *grads) {
    (void)need;
    mlx_vector_array p = {NULL}, c = {NULL}, o = {NULL}, r = {NULL};
    bool ok = capi_put_arrays(&p, primals, (size_t)n) &&
              capi_put_arrays(&c, cotangents, (size_t)nout) &&
              capi_put_arrays(&o, outputs, (size_t)nout);
    ok = ok && capi_call_custom((capi_func *)self, &r, p, c, o) && put_results(grads, r);
    mlx_vector_array_free(p);
    mlx_vector_array_free(c);
    mlx_vector_array_free(o);
    mlx_vector_array_free(r);
    return ok;
}

static bool given_jvp(mx_object *self, mx_array *const *primals, int n, mx_array *const *tangents,
                      const int *argnums, int nargs, mx_arrays *out) {
    mlx_vector_array p = {NULL}, t = {NULL}, r = {NULL};
    bool ok =
        capi_put_arrays(&p, primals, (size_t)n) && capi_put_arrays(&t, tangents, (size_t)nargs);
    ok = ok && capi_call_custom_jvp((capi_func *)self, &r, p, t, argnums, (size_t)nargs) &&
         put_results(out, r);
    mlx_vector_array_free(p);
    mlx_vector_array_free(t);
    mlx_vector_array_free(r);
    return ok;
}

static bool put_axes(mlx_vector_int from, int *out_axes, int nout) {
    size_t n;
    const int *v = capi_ints(from, &n);
    if (!v || n != (size_t)nout)
        return mx_fail(MX_INVALID, "[custom_function] the vmap rule gave %zu axes, %d are needed",
                       v ? n : 0, nout);
    for (int j = 0; j < nout; j++)
        out_axes[j] = v[j];
    return true;
}

static bool given_vmap(mx_object *self, mx_array *const *in, const int *axes, int n, mx_arrays *out,
                       int *out_axes, int nout) {
    mlx_vector_array i = {NULL}, r = {NULL};
    mlx_vector_int a = {NULL};
    bool ok = capi_put_arrays(&i, in, (size_t)n) &&
              capi_call_custom_vmap((capi_func *)self, &r, &a, i, axes, (size_t)n) &&
              put_results(out, r) && put_axes(a, out_axes, nout);
    mlx_vector_array_free(i);
    mlx_vector_array_free(r);
    mlx_vector_int_free(a);
    return ok;
}

static mx_object *rule_object(void *ctx) {
    mx_object **box = ctx ? capi_object(ctx, "closure") : NULL;
    return box ? mx_object_retain(*box) : NULL;
}

static mx_closure *with_rules(mx_closure *f, mx_object *vjp, mx_object *jvp, mx_object *vmap) {
    mx_custom *c = mx_custom_new();
    if (!c)
        return NULL;
    c->vjp_self = mx_object_retain(vjp);
    c->jvp_self = mx_object_retain(jvp);
    c->vmap_self = mx_object_retain(vmap);
    c->vjp = vjp ? given_vjp : NULL;
    c->jvp = jvp ? given_jvp : NULL;
    c->vmap = vmap ? given_vmap : NULL;
    mx_closure *r = mx_custom_function(f, c);
    mx_object_release(&c->object);
    return r;
}

int mlx_custom_function(mlx_closure *res, const mlx_closure fun, const mlx_closure_custom fun_vjp,
                        const mlx_closure_custom_jvp fun_jvp,
                        const mlx_closure_custom_vmap fun_vmap) {
    mx_error_clear();
    mx_closure *f = capi_closure(fun), *r = NULL;
    mx_object *vjp = rule_object(fun_vjp.ctx), *jvp = rule_object(fun_jvp.ctx),
              *vmap = rule_object(fun_vmap.ctx);
    if (f && !mx_failed())
        r = with_rules(f, vjp, jvp, vmap);
    mx_object_release(vjp);
    mx_object_release(jvp);
    mx_object_release(vmap);
    return capi_done(r && capi_put_closure(res, r));
}

int mlx_custom_vjp(mlx_closure *res, const mlx_closure fun, const mlx_closure_custom fun_vjp) {
    mx_error_clear();
    if (!capi_object(fun_vjp.ctx, "custom_vjp"))
        return capi_report();
    return mlx_custom_function(res, fun, fun_vjp, (mlx_closure_custom_jvp){NULL},
                               (mlx_closure_custom_vmap){NULL});
}
