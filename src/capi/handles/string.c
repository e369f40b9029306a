/* Strings: a handle is a box around a copied text. */
#include <string.h>

#include "base/mem.h"
#include "capi/capi.h"

/* Takes `copy` over, also on failure. */
static bool take(mlx_string *res, char *copy) {
    char **box = res->ctx ? res->ctx : copy ? mx_malloc(sizeof *box) : NULL;
    if (!copy || !box) {
        mx_free(copy);
        return false;
    }
    if (res->ctx)
        mx_free(*box);
    *box = copy;
    res->ctx = box;
    return true;
}

bool capi_put_string(mlx_string *res, const char *text) {
    if (!capi_slot(res, "string") || !text)
        return mx_fail(MX_INVALID, "[string] the text is NULL");
    return take(res, mx_strdup(text));
}

bool capi_take_string(mlx_string *res, char *text) {
    if (capi_slot(res, "string"))
        return take(res, text);
    mx_free(text);
    return false;
}

/* The text of a handle, borrowed. Empty: an error and NULL. */
static const char *text_of(mlx_string str) {
    char **box = capi_object(str.ctx, "string");
    return box ? *box : NULL;
}

mlx_string mlx_string_new(void) {
    return (mlx_string){NULL};
}

mlx_string mlx_string_new_data(const char *str) {
    mlx_string res = {NULL};
    mx_error_clear();
    capi_done(capi_put_string(&res, str));
    return res;
}

int mlx_string_set(mlx_string *str, const mlx_string src) {
    mx_error_clear();
    const char *text = text_of(src);
    return capi_done(text && capi_put_string(str, text));
}

const char *mlx_string_data(mlx_string str) {
    mx_error_clear();
    const char *text = text_of(str);
    capi_done(text != NULL);
    return text;
}

int mlx_string_free(mlx_string str) {
    int status;
    if (capi_frees(str.ctx, "string", &status)) {
        mx_free(*(char **)str.ctx);
        mx_free(str.ctx);
    }
    return status;
}
