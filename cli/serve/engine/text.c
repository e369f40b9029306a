/* Texts of models: tokens, conversations, vectors. */
#include <stdlib.h>
#include <string.h>

#include "serve/engine/engine_own.h"

static char *copy_of(const char *text, size_t n) {
    char *copy = malloc(n + 1);
    if (copy) {
        memcpy(copy, text, n);
        copy[n] = 0;
    }
    return copy;
}

/* The text of a call that ended with `status`, for free; NULL and a fault. */
static char *taken(int status, mlx_string text, size_t n, srv_fault *f) {
    char *copy = status ? NULL : copy_of(mlx_string_data(text), n);
    if (status)
        engine_fail(f);
    else if (!copy)
        srv_fail(f, 500, "out of memory");
    mlx_string_free(text);
    return copy;
}

/* --- conversations ---------------------------------------------------------------------------- */

static char *variables_text(const json_t *messages, const json_t *tools, const json_t *variables) {
    json_t *all = variables ? json_copy((json_t *)variables) : json_object();
    bool ok = all && json_object_set(all, "messages", (json_t *)messages) == 0 &&
              json_object_set_new(all, "add_generation_prompt", json_true()) == 0 &&
              (!tools || json_object_set(all, "tools", (json_t *)tools) == 0);
    char *text = ok ? json_dumps(all, JSON_COMPACT) : NULL;
    json_decref(all);
    return text;
}

char *srv_model_chat(srv_model *m, const json_t *messages, const json_t *tools,
                     const json_t *variables, size_t *n, srv_fault *f) {
    char *given = variables_text(messages, tools, variables);
    mlx_string text = mlx_string_new();
    if (!given)
        return srv_fail(f, 500, "out of memory"), NULL;
    int status = mlx_chat_render(&text, n, m->template, m->tokenizer, given, strlen(given));
    free(given);
    return taken(status, text, *n, f);
}

char *srv_model_mark(srv_model *m, const char *text, size_t n, size_t *marked, srv_fault *f) {
    mlx_string to = mlx_string_new();
    int status = mlx_chat_mark(&to, marked, m->tokenizer, text, n);
    return taken(status, to, *marked, f);
}

/* --- tokens ----------------------------------------------------------------------------------- */

int *srv_model_encode(srv_model *m, const char *text, size_t n, bool special, size_t *count,
                      srv_fault *f) {
    mlx_tokens made = mlx_tokens_new();
    const int *data;
    int *copy = NULL;
    size_t end;
    int status = special ? mlx_chat_encode(&made, m->tokenizer, text, n)
                 : m->about.encoder
                     ? mlx_lm_texts(&made, &end, m->lm, &text, &n, 1)
                     : mlx_tokenizer_encode(&made, m->tokenizer, text, n, MLX_ENCODE_PLAIN);
    if (status || mlx_tokens_data(&data, count, made))
        engine_fail(f);
    else if (!(copy = malloc((*count + 1) * sizeof *copy)))
        srv_fail(f, 500, "out of memory");
    else if (*count)
        memcpy(copy, data, *count * sizeof *copy);
    mlx_tokens_free(made);
    return copy;
}

char *srv_model_token(srv_model *m, int token, size_t *n) {
    const char *bytes = NULL;
    *n = 0;
    if (token < 0)
        return copy_of("", 0);
    mlx_structure_vocabulary_bytes(&bytes, n, m->vocabulary, token);
    if (*n == 0) // special ones
        mlx_tokenizer_piece(&bytes, n, m->tokenizer, token);
    return copy_of(bytes ? bytes : "", bytes ? *n : 0);
}

char *srv_model_decode(srv_model *m, const int *ids, size_t count, size_t *n, srv_fault *f) {
    mlx_string text = mlx_string_new();
    int status = mlx_tokenizer_decode(&text, n, m->tokenizer, ids, count, true);
    return taken(status, text, *n, f);
}

/* --- vectors ---------------------------------------------------------------------------------- */

/* `count` floats of an array, which is let go of; for free. NULL and a fault. */
static float *floats_of(int status, mlx_array v, size_t count, srv_fault *f) {
    size_t bytes = count * sizeof(float);
    float *copy = NULL;
    if (status || mlx_array_eval(v))
        engine_fail(f);
    else if (mlx_array_nbytes(v) != bytes || !(copy = malloc(bytes)))
        srv_fail(f, 500, "out of memory");
    else
        memcpy(copy, mlx_array_data_float32(v), bytes);
    mlx_array_free(v);
    return copy;
}

float *srv_model_embed(srv_model *m, const int *ids, const size_t *ends, size_t count,
                       srv_fault *f) {
    mlx_array v = mlx_array_new();
    int status = mlx_lm_embed(&v, m->lm, ids, NULL, ends, count);
    return floats_of(status, v, count * (size_t)m->about.vector, f);
}

float *srv_model_classify(srv_model *m, const char *text, size_t n, const char *const *others,
                          const size_t *lengths, size_t count, size_t *tokens, srv_fault *f) {
    mlx_tokens pairs = mlx_tokens_new();
    mlx_array v = mlx_array_new();
    size_t *ends = malloc((count + 1) * sizeof *ends);
    const int *ids, *types;
    if (!ends)
        return srv_fail(f, 500, "out of memory"), NULL;
    int status = mlx_lm_pairs(&pairs, ends, m->lm, text, n, others, lengths, count) ||
                 mlx_tokens_data(&ids, tokens, pairs) || mlx_tokens_types(&types, tokens, pairs) ||
                 mlx_lm_classify(&v, m->lm, ids, types, ends, count);
    mlx_tokens_free(pairs);
    free(ends);
    return floats_of(status, v, count * (size_t)m->about.classes, f);
}
