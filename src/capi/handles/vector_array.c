/* Vectors of arrays, and vectors of those. They hold references: no data is copied. */
#include "base/mem.h"
#include "base/vec.h"
#include "capi/capi.h"

/* --- arrays ----------------------------------------------------------------------------------- */

typedef struct arrays {
    mx_array **item;
    size_t count, room;
} arrays;

static bool take_array(mx_array **to, mlx_array x) {
    *to = mx_array_retain(capi_in(x));
    return *to != NULL;
}

#define NAME   mlx_vector_array
#define BOX    arrays
#define ITEM   mx_array *
#define GIVEN  const mlx_array
#define DATA   const mlx_array *
#define RESULT mlx_array
#define TAKE   take_array
#define DROP   mx_array_release
#define GIVE   capi_put
#include "capi/handles/vector_impl.h"

/* contents = the same arrays, held once more. */
static bool copy_arrays(arrays *contents, mx_array *const *from, size_t n) {
    *contents = (arrays){0};
    if (n && !mx_grow(&contents->item, &contents->room, n, sizeof *contents->item))
        return false;
    for (size_t i = 0; i < n; i++)
        contents->item[i] = mx_array_retain(from[i]);
    contents->count = n;
    return true;
}

bool capi_put_arrays(mlx_vector_array *res, mx_array *const *from, size_t n) {
    arrays contents;
    return copy_arrays(&contents, from, n) && mlx_vector_array_put(res, &contents);
}

int mlx_vector_array_set(mlx_vector_array *vec, const mlx_vector_array src) {
    mx_error_clear();
    const arrays *b = mlx_vector_array_box(src);
    return capi_done(b && capi_put_arrays(vec, b->item, b->count));
}

mx_array *const *capi_arrays(mlx_vector_array v, int *n) {
    static mx_array *none;
    const arrays *b = mlx_vector_array_box(v);
    *n = 0;
    if (b && b->count > INT32_MAX)
        return mx_fail(MX_RANGE, "[vector_array] %zu arrays are too many", b->count);
    if (b)
        *n = (int)b->count;
    for (int i = 0; i < *n; i++)
        if (b->item[i] && b->item[i]->tracer)
            mx_trace_set_says(false);
    return b && b->item ? b->item : b ? &none : NULL;
}

int capi_end_vector(capi_call *c, mlx_vector_array *res, bool ok, mx_array *const *result,
                    size_t n) {
    return capi_end_ok(c, ok && !mx_failed() && capi_put_arrays(res, result, n));
}

/* --- vectors of arrays ------------------------------------------------------------------------ */

typedef struct vectors {
    arrays *item;
    size_t count, room;
} vectors;

static bool take_vector(arrays *to, mlx_vector_array x) {
    const arrays *b = mlx_vector_array_box(x);
    return b && copy_arrays(to, b->item, b->count);
}

static void drop_vector(arrays b) {
    mlx_vector_array_clear(&b);
}

static bool give_vector(mlx_vector_array *res, arrays b) {
    return capi_put_arrays(res, b.item, b.count);
}

#define NAME   mlx_vector_vector_array
#define BOX    vectors
#define ITEM   arrays
#define GIVEN  const mlx_vector_array
#define DATA   const mlx_vector_array *
#define RESULT mlx_vector_array
#define TAKE   take_vector
#define DROP   drop_vector
#define GIVE   give_vector
#include "capi/handles/vector_impl.h"

static bool copy_vectors(vectors *contents, const vectors *from) {
    *contents = (vectors){0};
    if (from->count &&
        !mx_grow(&contents->item, &contents->room, from->count, sizeof *contents->item))
        return false;
    for (size_t i = 0; i < from->count; i++, contents->count++)
        if (!copy_arrays(&contents->item[i], from->item[i].item, from->item[i].count)) {
            mlx_vector_vector_array_clear(contents);
            return false;
        }
    return true;
}

int mlx_vector_vector_array_set(mlx_vector_vector_array *vec, const mlx_vector_vector_array src) {
    mx_error_clear();
    vectors contents;
    const vectors *b = mlx_vector_vector_array_box(src);
    return capi_done(b && copy_vectors(&contents, b) &&
                     mlx_vector_vector_array_put(vec, &contents));
}
