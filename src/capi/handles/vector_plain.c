/* Vectors of integers and of strings. */
#include "base/mem.h"
#include "base/vec.h"
#include "capi/capi.h"

/* --- integers --------------------------------------------------------------------------------- */

typedef struct ints {
    int *item;
    size_t count, room;
} ints;

#define NAME         mlx_vector_int
#define BOX          ints
#define ITEM         int
#define GIVEN        int
#define DATA         int *
#define RESULT       int
#define TAKE(to, x)  (*(to) = (x), true)
#define DROP(x)      (void)(x)
#define GIVE(res, x) (*(res) = (x), true)
#include "capi/handles/vector_impl.h"

int mlx_vector_int_set(mlx_vector_int *vec, const mlx_vector_int src) {
    mx_error_clear();
    const ints *b = mlx_vector_int_box(src);
    return capi_done(b && mlx_vector_int_put_data(vec, b->item, b->count));
}

bool capi_put_ints(mlx_vector_int *res, int *data, size_t n) {
    return mlx_vector_int_put_data(res, data, n);
}

int *capi_ints(mlx_vector_int vec, size_t *n) {
    static int none;
    ints *b = mlx_vector_int_box(vec);
    *n = b ? b->count : 0;
    return b && b->item ? b->item : b ? &none : NULL;
}

/* --- strings ---------------------------------------------------------------------------------- */

typedef struct strings {
    char **item;
    size_t count, room;
} strings;

static bool take_string(char **to, const char *x) {
    if (!x)
        return mx_fail(MX_INVALID, "[vector_string] a string is NULL");
    *to = mx_strdup(x);
    return *to != NULL;
}

#define NAME         mlx_vector_string
#define BOX          strings
#define ITEM         char *
#define GIVEN        const char *
#define DATA         const char **
#define RESULT       char *
#define TAKE         take_string
#define DROP         mx_free
#define GIVE(res, x) (*(res) = (x), true)
#include "capi/handles/vector_impl.h"

bool capi_put_strings(mlx_vector_string *res, const char *const *data, size_t n) {
    return mlx_vector_string_put_data(res, (const char **)data, n);
}

int mlx_vector_string_set(mlx_vector_string *vec, const mlx_vector_string src) {
    mx_error_clear();
    const strings *b = mlx_vector_string_box(src);
    return capi_done(b && capi_put_strings(vec, (const char *const *)b->item, b->count));
}

const char *const *capi_strings(mlx_vector_string vec, size_t *n) {
    static const char *none;
    strings *b = mlx_vector_string_box(vec);
    *n = b ? b->count : 0;
    return b && b->item ? (const char *const *)b->item : b ? &none : NULL;
}
