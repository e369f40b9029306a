/* Tokenizers that tests open, and whether they make and say what is wanted. */
#ifndef TOKENIZER_CHECK_H
#define TOKENIZER_CHECK_H

#include <jansson.h>

#include "base/mem.h"
#include "base/status.h"
#include "check.h"
#include "mlx/c/mlx.h"
#include "models/tokenizer/parts.h"

__attribute__((unused)) static mlx_tokenizer open_path(const char *path) {
    mlx_tokenizer t = mlx_tokenizer_new();
    CHECK(mlx_tokenizer_open(&t, path) == 0);
    return t;
}

__attribute__((unused)) static mlx_tokenizer open_text(const char *json) {
    mlx_tokenizer t = mlx_tokenizer_new();
    CHECK(mlx_tokenizer_open_bytes(&t, "test", json, strlen(json)) == 0);
    return t;
}

/* Are these the text's tokens? */
static bool encodes(mlx_tokenizer t, const char *text, size_t n, int flags, const int *want,
                    size_t count) {
    mlx_tokens made = mlx_tokens_new();
    const int *got = NULL;
    size_t have = 0;
    bool ok = mlx_tokenizer_encode(&made, t, text, n, flags) == 0 &&
              mlx_tokens_data(&got, &have, made) == 0;
    ok = ok && have == count && (!count || !memcmp(got, want, count * sizeof *want));
    for (size_t i = 0; !ok && i < have && i < 20; i++)
        fprintf(stderr, "%d%s", got[i], i + 1 == have ? "\n" : " ");
    mlx_tokens_free(made);
    return ok;
}
#define INTS(...) (const int[]){__VA_ARGS__}, sizeof(int[]){__VA_ARGS__} / sizeof(int)

static bool decodes(mlx_tokenizer t, const int *ids, size_t count, bool special, const char *want,
                    size_t n) {
    mlx_string made = mlx_string_new();
    size_t have = 0;
    bool ok = mlx_tokenizer_decode(&made, &have, t, ids, count, special) == 0;
    ok = ok && have == n && !memcmp(mlx_string_data(made), want, n);
    mlx_string_free(made);
    return ok;
}

/* A stream shows whole characters, and together what decoding says. */
static bool streams(mlx_tokenizer t, const int *ids, size_t count, bool special) {
    mlx_string whole = mlx_string_new();
    mlx_token_stream s = mlx_token_stream_new();
    size_t n = 0, at = 0, have;
    const char *text;
    bool ok = mlx_tokenizer_decode(&whole, &n, t, ids, count, special) == 0 &&
              mlx_token_stream_open(&s, t, special) == 0;
    for (size_t i = 0; ok && i <= count; i++) {
        ok = (i < count ? mlx_token_stream_put(&text, &have, s, ids[i])
                        : mlx_token_stream_end(&text, &have, s)) == 0;
        ok = ok && tok_is_valid(text, have) && at + have <= n &&
             !memcmp(mlx_string_data(whole) + at, text, have);
        at += have;
    }
    mlx_token_stream_free(s);
    mlx_string_free(whole);
    return ok && at == n;
}

__attribute__((unused)) static mlx_tokenizer open_json(json_t *j) {
    char *text = json_dumps(j, JSON_COMPACT);
    mlx_tokenizer t = open_text(text ? text : "");
    free(text);
    json_decref(j);
    return t;
}

__attribute__((unused)) static void quiet(const char *message, void *data) {
    (void)message;
    (void)data;
}

#endif
