/* What the library could not do, as a fault of a request. */
#include "serve/engine/engine_own.h"

bool engine_fail(srv_fault *f) {
    int code = mlx_last_error_code();
    bool theirs = code == MLX_ERROR_INVALID || code == MLX_ERROR_RANGE ||
                  code == MLX_ERROR_UNSUPPORTED || code == MLX_ERROR_FORMAT;
    return srv_fail(f, theirs ? 400 : 500, "%s", mlx_last_error_message());
}
