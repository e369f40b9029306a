/* template.h: handles of templates. */
#include "mlx/c/template.h"

#include "base/mem.h"
#include "capi/capi.h"
#include "models/template/template.h"

static bool is_given(const void *p, const char *what) {
    return p || mx_fail(MX_INVALID, "[template] the %s NULL", what);
}

static mx_template *template_of(mlx_template t) {
    return capi_object(t.ctx, "template");
}

mlx_template mlx_template_new(void) {
    return (mlx_template){NULL};
}

static int put_template(mlx_template *res, mx_template *t) {
    mx_template **slot = t ? (mx_template **)capi_slot(res, "template") : NULL;
    if (!slot) {
        mx_template_release(t);
        return capi_report();
    }
    mx_template_release(*slot);
    *slot = t;
    return 0;
}

int mlx_template_open(mlx_template *res, const char *file, const char *name) {
    mx_error_clear();
    return put_template(res, is_given(file, "path is") ? mx_template_open(file, name) : NULL);
}

int mlx_template_open_bytes(mlx_template *res, const char *name, const char *bytes, size_t n) {
    mx_error_clear();
    bool ok = is_given(name, "name is") && is_given(bytes, "bytes are");
    return put_template(res, ok ? mx_template_of(name, bytes, n) : NULL);
}

int mlx_template_free(mlx_template t) {
    int status;
    if (capi_frees(t.ctx, "template", &status))
        mx_template_release(t.ctx);
    return status;
}

int mlx_template_names(mlx_vector_string *res, const char *file) {
    size_t n = 0;
    mx_error_clear();
    char **names = is_given(file, "path is") ? mx_template_names(file, &n) : NULL;
    bool ok = names && capi_put_strings(res, (const char *const *)names, n);
    for (size_t i = 0; names && i < n; i++)
        mx_free(names[i]);
    mx_free(names);
    return capi_done(ok);
}

int mlx_template_text(const char **text, size_t *text_num, const mlx_template t) {
    mx_error_clear();
    const mx_template *x = template_of(t);
    bool ok = x && is_given(text, "result is") && is_given(text_num, "result is");
    if (ok)
        *text = mx_template_text(x, text_num);
    return capi_done(ok);
}

int mlx_template_render(mlx_string *text, size_t *text_num, const mlx_template t,
                        const char *variables, size_t n, const mlx_template_options *options) {
    size_t size = 0;
    mx_error_clear();
    const mx_template *x = template_of(t);
    mx_template_limits limits = {0};
    if (options)
        limits = (mx_template_limits){options->most_steps, options->most_output,
                                      options->most_memory, options->now};
    bool ok = x && is_given(text_num, "result is") && is_given(variables, "variables are");
    char *made = ok ? mx_template_render(x, variables, n, &limits, &size) : NULL;
    ok = made && capi_take_string(text, made);
    if (ok)
        *text_num = size;
    return capi_done(ok);
}
