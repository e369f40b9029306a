/* Einstein sums, and the order in which they are taken. */
#include <string.h>

#include "base/mem.h"
#include "capi/capi.h"
#include "catalog/cat.h"
#include "ops/ops.h"

/* subscripts, *operands, stream */
static int call_einsum(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    (void)op;
    return mlx_einsum(OUT, args[0].as.string, args[1].as.arrays, ON(2));
}

/* The steps as a list of pairs. */
static int path_value(mlx_value *out, const int *path, int steps) {
    if (mlx_value_new_list(out, (size_t)steps))
        return 1;
    for (int k = 0; k < steps; k++) {
        size_t n = path[2 * k + 1] < 0 ? 1 : 2;
        if (mlx_value_new_ints(&out->as.items[k], n))
            return 1;
        memcpy(out->as.items[k].as.ints, path + 2 * k, n * sizeof *path);
    }
    return 0;
}

/* The path into path (room for twice as many ints as operands), and a text about its cost. */
static int find_path(int *path, char **text, const char *subscripts, mlx_vector_array operands) {
    capi_call c = capi_begin_default();
    mx_text about = {0};
    int n;
    mx_array *const *in = capi_arrays(operands, &n);
    bool ok = in && mx_einsum_path(subscripts, in, n, path, &about);
    *text = ok ? mx_text_take(&about) : NULL;
    mx_text_free(&about);
    return capi_end_ok(&c, ok && *text);
}

/* subscripts, *operands */
static int call_einsum_path(mlx_value *res, const mlx_operation *op, mlx_value *args) {
    size_t n = mlx_vector_array_size(args[1].as.arrays);
    mlx_value path = {.kind = MLX_VALUE_NONE};
    char *text = NULL;
    (void)op;
    if (mlx_value_new_list(res, 2))
        return 1;
    int status = mlx_value_new_ints(&path, 2 * n + 2) ||
                 find_path(path.as.ints, &text, args[0].as.string, args[1].as.arrays) ||
                 path_value(&res->as.items[0], path.as.ints, n > 1 ? (int)n - 1 : 1);
    res->as.items[1] = (mlx_value){.kind = MLX_VALUE_STRING, .owned = true, .as.string = text};
    mlx_value_free(&path);
    return status;
}

const mlx_operation cat_einsum_rows[] = {
    {CORE, "einsum(subscripts: str, *operands, " STREAM,
     "The sum of products over the letters of subscripts, such as \"ij,jk->ik\": axes with one "
     "letter go together, letters "
     "that are not behind the arrow are summed. Without an arrow the result has the letters that "
     "occur once, in "
     "alphabetical order.",
     call_einsum},
    {CORE, "einsum_path(subscripts: str, *operands)",
     "The order in which einsum takes its operands, as a list of their places, and a text about "
     "its cost.",
     call_einsum_path},
    {NULL},
};
