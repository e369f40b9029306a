/* graph_utils.h: pictures of graphs. A namer handle is a box around an mx_namer. */
#include "base/mem.h"
#include "capi/capi.h"
#include "graph/show/dot.h"

mlx_node_namer mlx_node_namer_new(void) {
    mx_error_clear();
    mx_namer *n = mx_calloc(1, sizeof *n);
    capi_done(n != NULL);
    return (mlx_node_namer){n};
}

int mlx_node_namer_free(mlx_node_namer namer) {
    int status;
    if (capi_frees(namer.ctx, "node_namer", &status)) {
        mx_namer_free(namer.ctx);
        mx_free(namer.ctx);
    }
    return status;
}

static mx_namer *namer_in(mlx_node_namer namer) {
    return capi_object(namer.ctx, "node_namer");
}

int mlx_node_namer_set_name(mlx_node_namer namer, const mlx_array arr, const char *name) {
    mx_error_clear();
    mx_namer *n = namer_in(namer);
    mx_array *a = n ? capi_in(arr) : NULL;
    if (a && !name)
        a = mx_fail(MX_INVALID, "[node_namer_set_name] the name is NULL");
    return capi_done(a && mx_namer_set(n, a, name));
}

int mlx_node_namer_get_name(const char **name, mlx_node_namer namer, const mlx_array arr) {
    mx_error_clear();
    mx_namer *n = namer_in(namer);
    mx_array *a = n ? capi_in(arr) : NULL;
    if (a && !name)
        a = mx_fail(MX_INVALID, "[node_namer_get_name] the result is NULL");
    return capi_done(a && (*name = mx_namer_get(n, a)));
}

typedef bool draw_fn(mx_text *t, mx_namer *namer, mx_array *const *outputs, int n);

static bool print(FILE *os, const char *op, const mx_text *t) {
    bool ok = fputs(mx_text_view(t), os) >= 0 && fflush(os) == 0; // a full disk shows then
    return ok || mx_fail(MX_IO, "[%s] the picture could not be written", op);
}

/* The picture into t, to be freed in any case. */
static bool make(mx_text *t, const char *op, mlx_node_namer namer, mlx_vector_array outputs,
                 draw_fn *fn) {
    int n = 0;
    mx_namer *names = namer_in(namer);
    mx_array *const *a = names ? capi_arrays(outputs, &n) : NULL;
    return a && (fn(t, names, a, n) || mx_failed() || mx_fail_nomem(op, t->room)) && !mx_failed();
}

static int draw(FILE *os, const char *op, mlx_node_namer namer, mlx_vector_array outputs,
                draw_fn *fn) {
    capi_call c = capi_begin_default();
    mx_text t = {0};
    bool ok = (os || mx_fail(MX_INVALID, "[%s] the file is NULL", op)) &&
              make(&t, op, namer, outputs, fn) && print(os, op, &t);
    mx_text_free(&t);
    return capi_end_ok(&c, ok);
}

int mlx_export_to_dot(FILE *os, const mlx_node_namer namer, const mlx_vector_array outputs) {
    return draw(os, "export_to_dot", namer, outputs, mx_dot);
}

int mlx_print_graph(FILE *os, const mlx_node_namer namer, const mlx_vector_array outputs) {
    return draw(os, "print_graph", namer, outputs, mx_graph_lines);
}

int mlx_graph_text(mlx_string *res, const mlx_node_namer namer, const mlx_vector_array outputs) {
    capi_call c = capi_begin_default();
    mx_text t = {0};
    bool ok = capi_slot(res, "string") && make(&t, "graph_text", namer, outputs, mx_graph_text) &&
              capi_put_string(res, mx_text_view(&t));
    mx_text_free(&t);
    return capi_end_ok(&c, ok);
}
