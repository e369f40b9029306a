/* template.h: handles of templates. */
#include "mlx/c/template.h"

#include "base/mem.h"
#include "capi/capi.h"
#include "capi/models/tokens.h"
#include "models/chat.h"
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

/* --- conversations as tokens ----------------------------------------------------------------- */

static int put_text(mlx_string *res, size_t *res_num, char *made, size_t n) {
    bool ok = made && capi_take_string(res, made);
    if (ok)
        *res_num = n;
    return capi_done(ok);
}

/* The variables of a conversation, with marks; NULL and an error. */
static json_t *variables_of(const mx_tokenizer *k, const char *variables, size_t n) {
    return k && is_given(variables, "variables are") ? mx_chat_variables(k, variables, n) : NULL;
}

int mlx_chat_render(mlx_string *text, size_t *text_num, const mlx_template t,
                    const mlx_tokenizer tokenizer, const char *variables, size_t n) {
    size_t size = 0;
    mx_error_clear();
    const mx_template *x = is_given(text_num, "result is") ? template_of(t) : NULL;
    json_t *given = x ? variables_of(capi_tokenizer(tokenizer), variables, n) : NULL;
    char *made = given ? mx_chat_render(x, given, &size) : NULL;
    json_decref(given);
    return put_text(text, text_num, made, size);
}

int mlx_chat_mark(mlx_string *marked, size_t *marked_num, const mlx_tokenizer tokenizer,
                  const char *text, size_t n) {
    size_t size = 0;
    mx_error_clear();
    const mx_tokenizer *k = is_given(marked_num, "result is") ? capi_tokenizer(tokenizer) : NULL;
    bool ok = k && is_given(text, "text is");
    char *made = ok ? mx_chat_mark(k, text, n, &size) : NULL;
    return put_text(marked, marked_num, made, size);
}

int mlx_chat_encode(mlx_tokens *res, const mlx_tokenizer tokenizer, const char *text, size_t n) {
    size_t count = 0;
    mx_error_clear();
    mx_tokenizer *k = capi_tokenizer(tokenizer);
    bool ok = k && is_given(text, "text is");
    int32_t *ids = ok ? mx_chat_encode(k, text, n, &count) : NULL;
    return capi_put_tokens(res, ids, NULL, count);
}

/* 1 for each token of an answer. */
static int32_t *types_of(const mx_chat_tokens *c) {
    int32_t *type = mx_calloc(c->count + 1, sizeof *type);
    for (size_t i = 0; type && i < c->answers; i++)
        for (size_t at = c->answer[i].first; at < c->answer[i].end; at++)
            type[at] = 1;
    return type;
}

static int put_answers(mlx_tokens *res, mx_chat_tokens *c) {
    int32_t *types = types_of(c), *ids = types ? c->id : NULL;
    if (ids)
        c->id = NULL; // the handle has them
    size_t n = c->count;
    mx_chat_tokens_free(c);
    return capi_put_tokens(res, ids, types, n);
}

int mlx_chat_answers(mlx_tokens *res, const mlx_template t, const mlx_tokenizer tokenizer,
                     const char *variables, size_t n) {
    mx_chat_tokens c = {0};
    mx_error_clear();
    const mx_template *x = template_of(t);
    mx_tokenizer *k = x ? capi_tokenizer(tokenizer) : NULL;
    json_t *given = variables_of(k, variables, n);
    bool ok = given && mx_chat_tokens_make(&c, x, k, given, false);
    json_decref(given);
    return ok ? put_answers(res, &c) : capi_report();
}
