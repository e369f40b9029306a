/* Errors: the handler and the last error.
 *
 * A message names the operation in brackets, then says what was given and what was
 * expected. The handler is called last, on the thread that failed, with no lock held
 * and nothing left to free, so it may unwind (longjmp, throw).
 */
#ifndef MLX_C_ERROR_H
#define MLX_C_ERROR_H

#include "mlx/c/api.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*mlx_error_handler_func)(const char *msg, void *data);

/* What mlx_last_error_code gives. */
typedef enum mlx_error_code {
    MLX_ERROR_NONE = 0,
    MLX_ERROR_INVALID,     /* an argument that no call accepts */
    MLX_ERROR_RANGE,       /* an index, axis or size out of range */
    MLX_ERROR_MEMORY,      /* an allocation failed or a limit was reached */
    MLX_ERROR_IO,          /* the system refused a file operation */
    MLX_ERROR_FORMAT,      /* a file does not say what its format promises */
    MLX_ERROR_UNSUPPORTED, /* right, but this backend or dtype cannot */
    MLX_ERROR_DEVICE,      /* a device is missing or failed */
    MLX_ERROR_INTERRUPTED, /* the host asked to stop */
    MLX_ERROR_INTERNAL,    /* a fault of the library itself */
    MLX_ERROR_NOT_FINITE   /* NaN or infinity: in logits, a loss, or made under mlx_debug_set */
} mlx_error_code;

/* Call handler with each message and data; NULL: print to stderr again. dtor (may be
   NULL) is called with data when another handler takes its place; no other thread may
   be failing then. */
MLX_API void mlx_set_error_handler(mlx_error_handler_func handler, void *data,
                                   void (*dtor)(void *));

/* Report an error as the library does; for functions that the library calls. */
MLX_API void _mlx_error(const char *file, const int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#define mlx_error(...) _mlx_error(__FILE__, __LINE__, __VA_ARGS__)

/* The text of this thread's last error, "" where there was none; valid until its next error. */
MLX_API const char *mlx_last_error_message(void);
/* The code of this thread's last error, one of the MLX_ERROR_ constants; 0 where there was none. */
MLX_API int mlx_last_error_code(void);
/* Forget this thread's last error. */
MLX_API void mlx_clear_last_error(void);

#ifdef __cplusplus
}
#endif

#endif
