/* What the library could not do, as a fault of a request. */
#include <string.h>

#include "serve/engine/engine_own.h"

int engine_status(int error) {
    bool theirs = error == MLX_ERROR_INVALID || error == MLX_ERROR_RANGE ||
                  error == MLX_ERROR_UNSUPPORTED || error == MLX_ERROR_FORMAT;
    return theirs ? 400 : 500;
}

const char *engine_code(const char *message) {
    static const char structure[] = "[structure]";
    return strncmp(message, structure, sizeof structure - 1) ? NULL : "invalid_structure";
}

bool engine_fail(srv_fault *f) {
    const char *message = mlx_last_error_message(), *code = engine_code(message);
    f->code = f->code ? f->code : code;
    return srv_fail(f, engine_status(mlx_last_error_code()), "%s", message);
}
