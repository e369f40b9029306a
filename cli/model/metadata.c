/* Metadata of model files as documents. */
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

static json_t *row_of(const char *key, const char *kind, size_t count, json_t *value) {
    return json_pack("{s:o, s:s, s:I, s:o}", "key", cli_json_text(key), "kind", kind, "count",
                     (json_int_t)count, "value", value);
}

/* A zero inside is shown as what comes out of JSON, and not the end. */
static json_t *item_of(mlx_file f, size_t i, size_t k) {
    const char *text;
    size_t n;
    return mlx_file_metadata_item(&text, &n, f, i, k) ? NULL : cli_json_bytes(text, n);
}

static json_t *text_row(mlx_file f, size_t i, const char *key) {
    json_t *text = item_of(f, i, 0);
    return text ? row_of(key, "text", 1, text) : NULL;
}

static json_t *texts_row(mlx_file f, size_t i, const char *key, size_t most) {
    mlx_vector_string texts = mlx_vector_string_new();
    json_t *row = NULL;
    if (mlx_file_metadata_texts(&texts, f, i) == 0) {
        size_t count = mlx_vector_string_size(texts);
        json_t *list = json_array();
        for (size_t k = 0; k < (most && most < count ? most : count); k++)
            json_array_append_new(list, item_of(f, i, k));
        row = row_of(key, "texts", count, list);
    }
    mlx_vector_string_free(texts);
    return row;
}

/* Lists of lists; what is no JSON (texts that are no UTF-8) is shown as a text. */
static json_t *nested_row(mlx_file f, size_t i, const char *key) {
    const char *text;
    size_t n;
    if (mlx_file_metadata_item(&text, &n, f, i, 0))
        return NULL;
    json_t *value = json_loadb(text, n, JSON_ALLOW_NUL, NULL);
    size_t count = json_array_size(value);
    return row_of(key, "nested", count ? count : 1, value ? value : cli_json_bytes(text, n));
}

static json_t *numbers_row(mlx_file f, size_t i, const char *key, size_t most) {
    mlx_array numbers = mlx_array_new();
    json_t *row = NULL, *values = NULL;
    if (mlx_file_metadata_array(&numbers, f, i) == 0)
        values =
            mlx_array_ndim(numbers) ? cli_json_values(numbers, most) : cli_json_nested(numbers);
    if (values)
        row = row_of(key, mlx_array_ndim(numbers) ? "numbers" : "number", mlx_array_size(numbers),
                     values);
    if (row)
        json_object_set_new(row, "dtype", json_string(cli_dtype_name(mlx_array_dtype(numbers))));
    mlx_array_free(numbers);
    return row;
}

static json_t *one(mlx_file f, size_t i, size_t most) {
    const char *key = mlx_file_metadata_key(f, i);
    switch (mlx_file_metadata_kind(f, i)) {
    case MLX_FILE_TEXT: return text_row(f, i, key);
    case MLX_FILE_TEXTS: return texts_row(f, i, key, most);
    case MLX_FILE_NUMBERS: return numbers_row(f, i, key, most);
    case MLX_FILE_NESTED: return nested_row(f, i, key);
    default: return NULL;
    }
}

json_t *cli_metadata(mlx_file f, size_t most) {
    json_t *rows = json_array();
    for (size_t i = 0; rows && i < mlx_file_metadata_count(f); i++)
        if (json_array_append_new(rows, one(f, i, most))) {
            json_decref(rows);
            rows = NULL;
        }
    return rows;
}

char *cli_metadata_text(mlx_file f, const char *key) {
    size_t i;
    mlx_string text = mlx_string_new();
    char *copy = NULL;
    if (mlx_file_metadata_find(&i, f, key) == 0 && mlx_file_metadata_text(&text, f, i) == 0)
        copy = strdup(mlx_string_data(text));
    mlx_string_free(text);
    return copy;
}
