/* plugin.h: operations that programs add, their signatures and their rows of the catalog. */
#include "catalog/plugin/cat_plugin.h"

#include <string.h>

#include "base/mem.h"
#include "capi/capi.h"
#include "capi/io/plugin.h"

static const char OP[] = "operation_register";

/* --- calls: arrays and numbers, as the signature has them ------------------------------------- */

static int64_t number_bits(const mlx_value *v, mlx_value_kind kind) {
    double number = cat_number(v);
    int64_t bits = kind == MLX_VALUE_BOOL ? v->as.boolean : v->as.integer;
    if (kind == MLX_VALUE_FLOAT)
        memcpy(&bits, &number, sizeof bits);
    return bits;
}

static int call_plugin(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    const cat_plugin_row *r = op->function.family;
    int64_t numbers[MLX_PARAMETERS_MAX];
    mx_array *in[MLX_PARAMETERS_MAX];
    int arrays = 0, count = 0;
    for (int i = 0; i < r->parameters; i++)
        if (r->kind[i] == MLX_VALUE_ARRAY && cat_array(&args[i]))
            return 1;
    capi_call c = capi_begin(args[r->parameters].as.stream);
    for (int i = 0; i < r->parameters; i++)
        if (r->kind[i] == MLX_VALUE_ARRAY)
            in[arrays++] = capi_in(args[i].as.array);
        else
            numbers[count++] = number_bits(&args[i], r->kind[i]);
    size_t results = (size_t)r->given.results;
    mx_array **out = capi_room(&c, results, sizeof *out);
    bool ok = out && !mx_failed() && mx_plugin_apply(r->index, numbers, count, in, arrays, out);
    return results == 1 ? capi_end(&c, cat_result(res), ok ? out[0] : NULL)
                        : capi_end_vector(&c, cat_results(res, MLX_VALUE_TUPLE), ok, out, results);
}

/* --- signatures ------------------------------------------------------------------------------- */

static mlx_value_kind kind_of(const mlx_parameter *p) {
    static const mlx_value_kind kinds[] = {MLX_VALUE_ARRAY, MLX_VALUE_FLOAT, MLX_VALUE_INT,
                                           MLX_VALUE_BOOL, MLX_VALUE_STREAM};
    for (size_t i = 0; p->place != MLX_PLACE_REST && i < sizeof kinds / sizeof *kinds; i++)
        if (p->accepts == 1u << kinds[i])
            return kinds[i];
    return MLX_VALUE_NONE;
}

static bool take_parameters(cat_plugin_row *r, const mlx_signature *s) {
    for (int i = 0; i < s->count; i++) {
        const mlx_parameter *p = &s->parameters[i];
        r->kind[i] = kind_of(p);
        if (r->kind[i] == MLX_VALUE_NONE || (r->kind[i] == MLX_VALUE_STREAM) != (i == s->count - 1))
            return mx_fail(MX_INVALID,
                           "[%s] '%.*s' in '%.300s': parameters are array, float, int or bool, and "
                           "the stream at the end",
                           OP, p->name.length, p->name.start, r->given.signature);
    }
    r->parameters = s->count - 1;
    for (int i = 0; i < r->parameters; i++)
        r->kind[i] == MLX_VALUE_ARRAY ? r->arrays++ : r->numbers++;
    return s->count > 0 ||
           mx_fail(MX_INVALID, "[%s] '%.300s' has no stream at the end", OP, r->given.signature);
}

/* What Python can call it. */
static bool is_identifier(const char *s, int n) {
    for (int i = 0; i < n; i++)
        if (s[i] != '_' && !((s[i] | 32) >= 'a' && (s[i] | 32) <= 'z') &&
            !(i && s[i] >= '0' && s[i] <= '9'))
            return false;
    return n > 0;
}

static bool take_signature(cat_plugin_row *r) {
    mlx_signature s;
    capi_callback c = capi_callback_begin(); // a public function, whose error waits
    int status = mlx_signature_parse(&s, r->given.signature);
    if (!capi_callback_end(c, OP, status) || !take_parameters(r, &s))
        return false;
    if (!is_identifier(s.name.start, s.name.length))
        return mx_fail(MX_INVALID, "[%s] '%.*s': a name has letters, digits and _", OP,
                       s.name.length, s.name.start);
    char *name = mx_calloc((size_t)s.name.length + 1, 1);
    if (name)
        memcpy(name, s.name.start, (size_t)s.name.length);
    r->op.name = name;
    return name != NULL;
}

/* --- adding ----------------------------------------------------------------------------------- */

static bool is_good(const mlx_plugin_operation *o) {
    const char *what = !o->signature ? "signature"
                       : !o->shape   ? "function shape"
                                     : "function kernel";
    if (!o->signature || !o->shape || !o->kernel)
        return mx_fail(MX_INVALID, "[%s] the %s is NULL", OP, what);
    return (o->results > 0 && o->results <= MLX_PARAMETERS_MAX) ||
           mx_fail(MX_INVALID, "[%s] '%.300s': %d results are not possible", OP, o->signature,
                   o->results);
}

static void free_row(cat_plugin_row *r) {
    if (!r)
        return;
    mx_free((void *)(uintptr_t)r->op.name);
    mx_free((void *)(uintptr_t)r->given.signature);
    mx_free((void *)(uintptr_t)r->given.doc);
    mx_free(r);
}

static cat_plugin_row *new_row(const mlx_plugin_operation *given) {
    cat_plugin_row *r = mx_calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->given = *given;
    r->given.signature = mx_strdup(given->signature);
    r->given.doc = mx_strdup(given->doc ? given->doc : "");
    if (r->given.signature && r->given.doc && take_signature(r)) {
        r->row = (mlx_operation){.module = "mlx.core.plugins",
                                 .signature = r->given.signature,
                                 .doc = r->given.doc,
                                 .adapter = call_plugin,
                                 .function.family = r};
        cat_plugin_rules(r);
        return r;
    }
    free_row(r);
    return NULL;
}

static bool add(const mlx_plugin_operation *operation) {
    mlx_plugin_operation *copy = capi_plugin_copy(OP, operation, sizeof *operation);
    cat_plugin_row *r = copy && is_good(copy) ? new_row(copy) : NULL;
    bool ok = r && mx_plugin_add(&r->op, &r->index);
    if (!ok)
        free_row(r);
    mx_free(copy);
    return ok;
}

int mlx_operation_register(const mlx_plugin_operation *operation) {
    mx_error_clear();
    return capi_done(add(operation));
}

/* --- looking up ------------------------------------------------------------------------------- */

static const mlx_operation *row_at(int i) {
    const mx_plugin_op *op = mx_plugin_at(i);
    return op ? &((const cat_plugin_row *)(const void *)op)->row : NULL;
}

const mlx_operation *mlx_plugin_operation_get(size_t i) {
    return mlx_plugins_load() || i >= MX_PLUGIN_MOST ? NULL : row_at((int)i);
}

const mlx_operation *mlx_plugin_operation_find(const char *name) {
    if (!name) {
        cat_fail(MX_INVALID, "[plugin_operation_find] the name is NULL");
        return NULL;
    }
    if (mlx_plugins_load())
        return NULL;
    for (int i = 0; mx_plugin_at(i); i++)
        if (strcmp(mx_plugin_at(i)->name, name) == 0)
            return row_at(i);
    return NULL;
}
