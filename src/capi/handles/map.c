/* Maps from strings to arrays and to strings. */
#include "base/mem.h"
#include "capi/capi.h"

/* --- to arrays -------------------------------------------------------------------------------- */

static void drop_array(void *value) {
    mx_array_release(value);
}

#define NAME             mlx_map_string_to_array
#define GIVEN            const mlx_array
#define RESULT           mlx_array
#define HOLD(x)          mx_array_retain(capi_in(x))
#define AGAIN(value)     mx_array_retain(value)
#define DROP             drop_array
#define GIVE(res, value) capi_put(res, value)
#include "capi/handles/map_impl.h"

const mx_map *capi_map_arrays(mlx_map_string_to_array map) {
    return mlx_map_string_to_array_box(map);
}

bool capi_put_map_arrays(mlx_map_string_to_array *res, mx_map *contents) {
    return mlx_map_string_to_array_put(res, contents);
}

/* --- to strings ------------------------------------------------------------------------------- */

static char *hold_string(const char *text) {
    return text ? mx_strdup(text) : mx_fail(MX_INVALID, "[map_string_to_string] the value is NULL");
}

#define NAME             mlx_map_string_to_string
#define GIVEN            const char *
#define RESULT           const char *
#define HOLD(x)          hold_string(x)
#define AGAIN(value)     hold_string(value)
#define DROP             mx_free
#define GIVE(res, value) (*(res) = (value), true)
#include "capi/handles/map_impl.h"

const mx_map *capi_map_strings(mlx_map_string_to_string map) {
    return mlx_map_string_to_string_box(map);
}

bool capi_put_map_strings(mlx_map_string_to_string *res, mx_map *contents) {
    return mlx_map_string_to_string_put(res, contents);
}
