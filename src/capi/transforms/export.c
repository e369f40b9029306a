/* export.h: functions in files. An exporter's handle is a box of the file that is being written and
   the function. */
#include "transforms/mlxfn/export.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "capi/handles/closure.h"
#include "capi/transforms/export_visit.h"

/* --- arguments: positional ones, then the named ones in the order of their names ---- */

typedef struct arguments {
    mx_array **in;
    const char **key;
    int n_args, n_keys;
} arguments;

static int by_name(const void *a, const void *b) {
    const mx_map_entry *x = a, *y = b;
    return strcmp(x->key, y->key);
}

static bool take_named(arguments *a, const mx_map *named) {
    mx_map_entry *sorted = mx_memdup(named->entry, named->count * sizeof *sorted);
    if (!sorted)
        return false;
    qsort(sorted, named->count, sizeof *sorted, by_name);
    for (size_t i = 0; i < named->count; i++) {
        a->key[i] = sorted[i].key;
        a->in[(size_t)a->n_args + i] = sorted[i].value;
    }
    a->n_keys = (int)named->count;
    mx_free(sorted);
    return true;
}

/* Everything in it is borrowed but its lists. named may be NULL. */
static bool take_arguments(arguments *a, mlx_vector_array args, const mx_map *named) {
    *a = (arguments){0};
    mx_array *const *given = capi_arrays(args, &a->n_args);
    size_t n_keys = named ? named->count : 0;
    if (!given && mx_failed())
        return false;
    a->in = mx_calloc((size_t)a->n_args + n_keys + 1, sizeof *a->in);
    a->key = mx_calloc(n_keys + 1, sizeof *a->key);
    if (!a->in || !a->key)
        return false;
    if (a->n_args)
        memcpy(a->in, given, (size_t)a->n_args * sizeof *a->in);
    return n_keys == 0 || take_named(a, named);
}

static void drop_arguments(arguments *a) {
    mx_free(a->in);
    mx_free(a->key);
}

static const char *has_path(const char *op, const char *path) {
    return path ? path : mx_fail(MX_INVALID, "[%s] the file name is NULL", op);
}

/* --- functions with named arguments ------------------------------------------------- */

typedef struct named_call {
    capi_func *f;
    const arguments *a;
} named_call;

static bool make_map(mlx_map_string_to_array *res, const arguments *a, mx_array *const *in) {
    mx_map m = {0};
    for (int i = 0; i < a->n_keys; i++) {
        mx_array *value = mx_array_retain(in[a->n_args + i]);
        if (!mx_map_set(&m, a->key[i], value, NULL)) {
            mx_array_release(value);
            mx_map_free(&m, (void (*)(void *))mx_array_release);
            return false;
        }
    }
    return capi_put_map_arrays(res, &m);
}

static bool add_results(mx_arrays *out, mlx_vector_array from) {
    int n;
    if (!from.ctx)
        return mx_fail(MX_INVALID, "[export_function] the function gave no result");
    mx_array *const *a = capi_arrays(from, &n);
    return (a || !mx_failed()) && mx_arrays_add_all(out, a, (size_t)n);
}

static bool call_named(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    const named_call *c = self->payload;
    mlx_vector_array args = {NULL}, result = {NULL};
    mlx_map_string_to_array kwargs = {NULL};
    (void)nin;
    bool ok = capi_put_arrays(&args, in, (size_t)c->a->n_args) && make_map(&kwargs, c->a, in) &&
              capi_call_kwargs(c->f, &result, args, kwargs) && add_results(out, result);
    mlx_vector_array_free(args);
    mlx_vector_array_free(result);
    mlx_map_string_to_array_free(kwargs);
    return ok;
}

/* --- export ---------------------------------------------------------------------------- */

/* A file with one trace. */
static bool export_one(const char *file, mx_closure *f, const arguments *a, bool shapeless) {
    mx_exporter *e = mx_exporter_open(file, shapeless, NULL);
    bool ok = e && mx_exporter_add(e, f, a->in, a->n_args, a->key, a->n_keys);
    return mx_exporter_close(e) && ok;
}

int mlx_export_function(const char *file, const mlx_closure fun, const mlx_vector_array args,
                        bool shapeless) {
    capi_call c = capi_begin_default();
    arguments a = {0};
    mx_closure *f = has_path("export_function", file) ? capi_closure(fun) : NULL;
    bool ok = f && take_arguments(&a, args, NULL) && export_one(file, f, &a, shapeless);
    drop_arguments(&a);
    return capi_end_ok(&c, ok);
}

int mlx_export_function_kwargs(const char *file, const mlx_closure_kwargs fun,
                               const mlx_vector_array args, const mlx_map_string_to_array kwargs,
                               bool shapeless) {
    capi_call c = capi_begin_default();
    arguments a = {0};
    capi_func *f = has_path("export_function", file) ? capi_closure_kwargs(fun) : NULL;
    const mx_map *named = f ? capi_map_arrays(kwargs) : NULL;
    named_call call = {f, &a};
    mx_closure local = mx_closure_local(call_named, &call);
    bool ok = named && take_arguments(&a, args, named) && export_one(file, &local, &a, shapeless);
    drop_arguments(&a);
    return capi_end_ok(&c, ok);
}

/* One of the two functions: f knows positional arguments alone. */
typedef struct exporter {
    mx_exporter *file;
    mx_closure *f;
    capi_func *named;
} exporter;

static mlx_function_exporter exporter_open(const char *path, mx_closure *f, capi_func *named,
                                           bool shapeless, const char *metadata) {
    exporter *e = f || named ? mx_calloc(1, sizeof *e) : NULL;
    if (e && !(e->file = mx_exporter_open(path, shapeless, metadata))) {
        mx_free(e);
        e = NULL;
    }
    if (e) {
        e->f = (mx_closure *)mx_object_retain((mx_object *)f);
        e->named = (capi_func *)mx_object_retain((mx_object *)named);
    }
    capi_done(e != NULL);
    return (mlx_function_exporter){e};
}

mlx_function_exporter mlx_function_exporter_new(const char *file, const mlx_closure fun,
                                                bool shapeless) {
    mx_error_clear();
    mx_closure *f = has_path("function_exporter", file) ? capi_closure(fun) : NULL;
    return exporter_open(file, f, NULL, shapeless, NULL);
}

mlx_function_exporter mlx_function_exporter_new_kwargs(const char *file,
                                                       const mlx_closure_kwargs fun, bool shapeless,
                                                       const char *metadata) {
    mx_error_clear();
    capi_func *f = has_path("function_exporter", file) ? capi_closure_kwargs(fun) : NULL;
    return exporter_open(file, NULL, f, shapeless, metadata);
}

mlx_function_exporter mlx_function_exporter_new_memory(const mlx_closure_kwargs fun,
                                                       bool shapeless) {
    mx_error_clear();
    return exporter_open(NULL, NULL, capi_closure_kwargs(fun), shapeless, NULL);
}

int mlx_function_exporter_free(mlx_function_exporter xfunc) {
    int status;
    exporter *e = xfunc.ctx;
    if (!capi_frees(e, "function_exporter", &status))
        return status;
    capi_call c = capi_begin_default();
    bool ok = mx_exporter_close(e->file);
    mx_object_release((mx_object *)e->f);
    mx_object_release((mx_object *)e->named);
    mx_free(e);
    return capi_end_ok(&c, ok);
}

typedef struct positional_call {
    mx_closure *f;
    int n_args;
} positional_call;

static exporter *exporter_in(mlx_function_exporter xfunc) {
    return capi_object(xfunc.ctx, "function_exporter");
}

int mlx_function_exporter_abandon(const mlx_function_exporter xfunc) {
    capi_call c = capi_begin_default();
    exporter *e = exporter_in(xfunc);
    if (e)
        mx_exporter_abandon(e->file);
    return capi_end_ok(&c, e != NULL);
}

/* The function knows no names: it gets the positional arguments alone, as in MLX. */
static bool call_positional(mx_closure *self, mx_array *const *in, int nin, mx_arrays *out) {
    const positional_call *c = self->payload;
    (void)nin;
    return mx_closure_call(c->f, in, c->n_args, out);
}

static int export_more(mlx_function_exporter xfunc, mlx_vector_array args,
                       const mlx_map_string_to_array *kwargs) {
    capi_call c = capi_begin_default();
    arguments a = {0};
    exporter *e = exporter_in(xfunc);
    const mx_map *named = e && kwargs ? capi_map_arrays(*kwargs) : NULL;
    bool ok = e && (named || !kwargs) && take_arguments(&a, args, named);
    positional_call call = {e ? e->f : NULL, a.n_args};
    named_call with_names = {e ? e->named : NULL, &a};
    mx_closure local = e && e->named ? mx_closure_local(call_named, &with_names)
                                     : mx_closure_local(call_positional, &call);
    ok = ok && mx_exporter_add(e->file, &local, a.in, a.n_args, a.key, a.n_keys);
    drop_arguments(&a);
    return capi_end_ok(&c, ok);
}

int mlx_function_exporter_apply(const mlx_function_exporter xfunc, const mlx_vector_array args) {
    return export_more(xfunc, args, NULL);
}

int mlx_function_exporter_apply_kwargs(const mlx_function_exporter xfunc,
                                       const mlx_vector_array args,
                                       const mlx_map_string_to_array kwargs) {
    return export_more(xfunc, args, &kwargs);
}

int mlx_function_exporter_visit(const mlx_function_exporter xfunc,
                                const mlx_export_visitor *visitor) {
    capi_call c = capi_begin_default();
    mx_fn_file file = {0};
    exporter *e = exporter_in(xfunc);
    bool ok = e && (visitor || mx_fail(MX_INVALID, "[function_exporter] the visitor is NULL")) &&
              mx_exporter_read(e->file, &file);
    for (int32_t i = 0; ok && i < file.n_trace; i++)
        ok = capi_visit_trace(&file.trace[i], visitor);
    mx_fn_file_free(&file);
    return capi_end_ok(&c, ok);
}

/* --- import ---------------------------------------------------------------------------- */

mlx_imported_function mlx_imported_function_new(const char *file) {
    mx_error_clear();
    mx_imported *f = has_path("import_function", file) ? mx_import_function(file) : NULL;
    capi_done(f != NULL);
    return (mlx_imported_function){f};
}

int mlx_imported_function_free(mlx_imported_function xfunc) {
    int status;
    if (capi_frees(xfunc.ctx, "imported_function", &status))
        mx_imported_free(xfunc.ctx);
    return status;
}

static mx_imported *imported_in(mlx_imported_function xfunc) {
    return capi_object(xfunc.ctx, "imported_function");
}

const char *mlx_imported_function_metadata(const mlx_imported_function xfunc) {
    mx_error_clear();
    mx_imported *f = imported_in(xfunc);
    capi_done(f != NULL);
    return f ? mx_imported_metadata(f) : NULL;
}

static int call_imported(mlx_vector_array *res, mlx_imported_function xfunc, mlx_vector_array args,
                         const mlx_map_string_to_array *kwargs) {
    capi_call c = capi_begin_default();
    arguments a = {0};
    mx_arrays out = {0};
    mx_imported *f = imported_in(xfunc);
    const mx_map *named = f && kwargs ? capi_map_arrays(*kwargs) : NULL;
    bool ok = f && (named || !kwargs) && take_arguments(&a, args, named) &&
              mx_imported_call(f, a.in, a.n_args, a.key, a.n_keys, &out) &&
              capi_put_arrays(res, out.item, out.count);
    drop_arguments(&a);
    mx_arrays_free(&out);
    return capi_end_ok(&c, ok);
}

int mlx_imported_function_apply(mlx_vector_array *res, const mlx_imported_function xfunc,
                                const mlx_vector_array args) {
    return call_imported(res, xfunc, args, NULL);
}

int mlx_imported_function_apply_kwargs(mlx_vector_array *res, const mlx_imported_function xfunc,
                                       const mlx_vector_array args,
                                       const mlx_map_string_to_array kwargs) {
    return call_imported(res, xfunc, args, &kwargs);
}
