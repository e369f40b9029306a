/* Versions: of the MLX interface that this library answers to, and of the library itself. */
#include "capi/capi.h"

static int give(mlx_string *str, const char *version) {
    mx_error_clear();
    return capi_done(capi_put_string(str, version));
}

int mlx_version(mlx_string *str_) {
    return give(str_, MLX_VERSION_TEXT(MLX_VERSION));
}

int mlx_library_version(mlx_string *str) {
    return give(str, MLX_VERSION_TEXT(MLX_LIBRARY_VERSION));
}
