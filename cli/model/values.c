/* Elements of arrays as numbers of C and of documents. */
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

enum { PIECE = 1 << 20 };

const void *cli_data(mlx_array a) {
    return mlx_array_data_uint8(a); // the dtype is not looked at
}

/* An evaluated array in row-major order, of no dimensions more than there must be. */
static int make_dense(mlx_array *out, mlx_array a) {
    mlx_stream s = mlx_stream_new();
    int status = mlx_contiguous(out, a, false, s) || mlx_array_eval(*out);
    mlx_stream_free(s);
    return status;
}

int cli_reader_open(cli_reader *r, mlx_array a) {
    *r = (cli_reader){.dtype = mlx_array_dtype(a), .size = mlx_array_size(a)};
    if (r->dtype == MLX_COMPLEX64)
        r->dtype = MLX_FLOAT32, r->size *= 2; // its parts lie side by side
    return make_dense(&r->whole, a);
}

static void keep(void *memory) {
    (void)memory;
}

int cli_reader_next(cli_reader *r, const double **values, size_t *n) {
    size_t left = r->size - r->done;
    *n = left < PIECE ? left : PIECE;
    if (*n == 0)
        return 0;
    const char *at = (const char *)cli_data(r->whole) + r->done * mlx_dtype_size(r->dtype);
    mlx_stream s = mlx_stream_new();
    mlx_array raw = mlx_array_new_data_managed((void *)at, (int[]){(int)*n}, 1, r->dtype, keep);
    int status = !raw.ctx || mlx_astype(&r->piece, raw, MLX_FLOAT64, s) || mlx_array_eval(r->piece);
    *values = status ? NULL : mlx_array_data_float64(r->piece);
    r->done += *n;
    mlx_array_free(raw);
    mlx_stream_free(s);
    return status || !*values;
}

void cli_reader_close(cli_reader *r) {
    mlx_array_free(r->piece); // it may lie on the whole
    mlx_array_free(r->whole);
    *r = (cli_reader){0};
}

/* --- documents -------------------------------------------------------------------------------- */

static json_t *integer(const void *data, size_t i, mlx_dtype t) {
    if (t == MLX_INT64)
        return json_integer(((const int64_t *)data)[i]);
    uint64_t value = ((const uint64_t *)data)[i];
    char text[24];
    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return json_string(text); // Jansson's integers end at 2^63
}

static json_t *element(const void *data, size_t i, mlx_dtype t) {
    const float *parts = data;
    switch (t) {
    case MLX_BOOL: return json_boolean(((const bool *)data)[i]);
    case MLX_INT64:
    case MLX_UINT64: return integer(data, i, t);
    case MLX_COMPLEX64: {
        json_t *pair = json_array();
        json_array_append_new(pair, cli_json_real((double)parts[2 * i]));
        json_array_append_new(pair, cli_json_real((double)parts[2 * i + 1]));
        return pair;
    }
    default: return cli_json_real(((const double *)data)[i]);
    }
}

/* The dtype that holds all values of a dtype, and that `element` knows. */
static mlx_dtype wide(mlx_dtype t) {
    if (t == MLX_BOOL || t == MLX_UINT64 || t == MLX_COMPLEX64)
        return t;
    return cli_is_float(t) ? MLX_FLOAT64 : MLX_INT64;
}

static int widen(mlx_array *out, mlx_array a) {
    mlx_stream s = mlx_stream_new();
    mlx_array wider = mlx_array_new();
    int status = mlx_astype(&wider, a, wide(mlx_array_dtype(a)), s) || make_dense(out, wider);
    mlx_array_free(wider);
    mlx_stream_free(s);
    return status;
}

json_t *cli_json_values(mlx_array a, size_t most) {
    mlx_array values = mlx_array_new();
    json_t *list = widen(&values, a) ? NULL : json_array();
    size_t n = mlx_array_size(a);
    for (size_t i = 0; list && i < (most && most < n ? most : n); i++)
        json_array_append_new(list, element(cli_data(values), i, mlx_array_dtype(values)));
    mlx_array_free(values);
    return list;
}

/* One axis after the other is folded, the last one first. */
json_t *cli_json_nested(mlx_array a) {
    json_t *flat = cli_json_values(a, 0);
    int ndim = (int)mlx_array_ndim(a);
    for (int axis = ndim - 1; flat && axis > 0; axis--) {
        json_t *folded = json_array();
        size_t width = (size_t)mlx_array_shape(a)[axis], rows = 1;
        for (int k = 0; k < axis; k++)
            rows *= (size_t)mlx_array_shape(a)[k];
        for (size_t r = 0; r < rows; r++) {
            json_t *row = json_array();
            for (size_t i = 0; i < width; i++)
                json_array_append(row, json_array_get(flat, r * width + i));
            json_array_append_new(folded, row);
        }
        json_decref(flat);
        flat = folded;
    }
    if (flat && ndim == 0) {
        json_t *one = json_incref(json_array_get(flat, 0));
        json_decref(flat);
        return one;
    }
    return flat;
}
