/* Kernels that the program writes in CUDA or Metal. No backend of this library runs them:
 * handles are made and their arguments checked, applying one is an error that says what it
 * needs. */
#include "base/mem.h"
#include "capi/capi.h"

/* A handle must differ from an empty one; there is nothing to keep. */
static void *new_handle(bool ok) {
    void *box = ok && !mx_failed() ? mx_malloc(1) : NULL;
    capi_done(box != NULL);
    return box;
}

static void *new_kernel(const char *op, const char *name, mlx_vector_string inputs,
                        mlx_vector_string outputs, const char *source) {
    size_t n;
    mx_error_clear();
    if (!name || !source)
        return new_handle(mx_fail(MX_INVALID, "[%s] the %s is NULL", op, name ? "source" : "name"));
    return new_handle(capi_strings(inputs, &n) && capi_strings(outputs, &n));
}

static void *new_config(void) {
    mx_error_clear();
    return new_handle(true);
}

static bool is_there(const void *ctx, const char *op) {
    return capi_is_object(ctx) || capi_no_object(op, ctx);
}

static int set(const void *ctx, const char *op) {
    mx_error_clear();
    return capi_done(is_there(ctx, op));
}

static int add_output(const void *ctx, const char *op, const int *shape, size_t n,
                      mlx_dtype dtype) {
    int64_t size;
    mx_error_clear();
    bool ok = is_there(ctx, op) && capi_dtype(dtype) != MX_DTYPE_COUNT;
    if (ok && (n > MX_MAX_NDIM || (n && !capi_is_object(shape)) ||
               !mx_shape_size(shape, (int)n, 8, &size)))
        ok = mx_fail(MX_INVALID, "[%s] an output has no valid shape", op);
    return capi_done(ok);
}

static int set_sizes(const void *ctx, const char *op, int x, int y, int z) {
    mx_error_clear();
    bool ok = is_there(ctx, op);
    if (ok && (x < 1 || y < 1 || z < 1))
        ok = mx_fail(MX_INVALID, "[%s] the sizes %d, %d, %d are not positive", op, x, y, z);
    return capi_done(ok);
}

static int add_argument(const void *ctx, const char *op, const char *name) {
    mx_error_clear();
    return capi_done(is_there(ctx, op) &&
                     (name ||
                      mx_fail(MX_INVALID, "[%s] the name of a template argument is NULL", op)));
}

static int add_dtype(const void *ctx, const char *op, const char *name, mlx_dtype dtype) {
    mx_error_clear();
    return capi_dtype(dtype) == MX_DTYPE_COUNT ? capi_report() : add_argument(ctx, op, name);
}

static int apply(const char *op, const char *device, const void *kernel, mlx_vector_array inputs,
                 const void *config) {
    int n;
    mx_error_clear();
    bool ok = is_there(kernel, op) && is_there(config, op) && capi_arrays(inputs, &n);
    if (ok)
        mx_fail(MX_UNSUPPORTED, "[%s] No %s back-end: the kernel needs such a device", op, device);
    return capi_report();
}

#define CUDA  "cuda_kernel"
#define METAL "metal_kernel"

/* --- CUDA ------------------------------------------------------------------------- */

mlx_fast_cuda_kernel_config mlx_fast_cuda_kernel_config_new(void) {
    return (mlx_fast_cuda_kernel_config){new_config()};
}
void mlx_fast_cuda_kernel_config_free(mlx_fast_cuda_kernel_config cls) {
    int status;
    if (capi_frees(cls.ctx, CUDA, &status))
        mx_free(cls.ctx);
}
int mlx_fast_cuda_kernel_config_add_output_arg(mlx_fast_cuda_kernel_config cls, const int *shape,
                                               size_t size, mlx_dtype dtype) {
    return add_output(cls.ctx, CUDA, shape, size, dtype);
}
int mlx_fast_cuda_kernel_config_set_grid(mlx_fast_cuda_kernel_config cls, int grid1, int grid2,
                                         int grid3) {
    return set_sizes(cls.ctx, CUDA, grid1, grid2, grid3);
}
int mlx_fast_cuda_kernel_config_set_thread_group(mlx_fast_cuda_kernel_config cls, int thread1,
                                                 int thread2, int thread3) {
    return set_sizes(cls.ctx, CUDA, thread1, thread2, thread3);
}
int mlx_fast_cuda_kernel_config_set_init_value(mlx_fast_cuda_kernel_config cls, float value) {
    (void)value;
    return set(cls.ctx, CUDA);
}
int mlx_fast_cuda_kernel_config_set_verbose(mlx_fast_cuda_kernel_config cls, bool verbose) {
    (void)verbose;
    return set(cls.ctx, CUDA);
}
int mlx_fast_cuda_kernel_config_add_template_arg_dtype(mlx_fast_cuda_kernel_config cls,
                                                       const char *name, mlx_dtype dtype) {
    return add_dtype(cls.ctx, CUDA, name, dtype);
}
int mlx_fast_cuda_kernel_config_add_template_arg_int(mlx_fast_cuda_kernel_config cls,
                                                     const char *name, int value) {
    (void)value;
    return add_argument(cls.ctx, CUDA, name);
}
int mlx_fast_cuda_kernel_config_add_template_arg_bool(mlx_fast_cuda_kernel_config cls,
                                                      const char *name, bool value) {
    (void)value;
    return add_argument(cls.ctx, CUDA, name);
}
mlx_fast_cuda_kernel mlx_fast_cuda_kernel_new(const char *name, const mlx_vector_string input_names,
                                              const mlx_vector_string output_names,
                                              const char *source, const char *header,
                                              bool ensure_row_contiguous, int shared_memory) {
    (void)header;
    (void)ensure_row_contiguous;
    (void)shared_memory;
    return (mlx_fast_cuda_kernel){new_kernel(CUDA, name, input_names, output_names, source)};
}
void mlx_fast_cuda_kernel_free(mlx_fast_cuda_kernel cls) {
    int status;
    if (capi_frees(cls.ctx, CUDA, &status))
        mx_free(cls.ctx);
}
int mlx_fast_cuda_kernel_apply(mlx_vector_array *outputs, mlx_fast_cuda_kernel cls,
                               const mlx_vector_array inputs,
                               const mlx_fast_cuda_kernel_config config, const mlx_stream stream) {
    (void)outputs;
    (void)stream;
    return apply(CUDA, "CUDA", cls.ctx, inputs, config.ctx);
}

/* --- Metal ------------------------------------------------------------------------ */

mlx_fast_metal_kernel_config mlx_fast_metal_kernel_config_new(void) {
    return (mlx_fast_metal_kernel_config){new_config()};
}
void mlx_fast_metal_kernel_config_free(mlx_fast_metal_kernel_config cls) {
    int status;
    if (capi_frees(cls.ctx, METAL, &status))
        mx_free(cls.ctx);
}
int mlx_fast_metal_kernel_config_add_output_arg(mlx_fast_metal_kernel_config cls, const int *shape,
                                                size_t size, mlx_dtype dtype) {
    return add_output(cls.ctx, METAL, shape, size, dtype);
}
int mlx_fast_metal_kernel_config_set_grid(mlx_fast_metal_kernel_config cls, int grid1, int grid2,
                                          int grid3) {
    return set_sizes(cls.ctx, METAL, grid1, grid2, grid3);
}
int mlx_fast_metal_kernel_config_set_thread_group(mlx_fast_metal_kernel_config cls, int thread1,
                                                  int thread2, int thread3) {
    return set_sizes(cls.ctx, METAL, thread1, thread2, thread3);
}
int mlx_fast_metal_kernel_config_set_init_value(mlx_fast_metal_kernel_config cls, float value) {
    (void)value;
    return set(cls.ctx, METAL);
}
int mlx_fast_metal_kernel_config_set_verbose(mlx_fast_metal_kernel_config cls, bool verbose) {
    (void)verbose;
    return set(cls.ctx, METAL);
}
int mlx_fast_metal_kernel_config_add_template_arg_dtype(mlx_fast_metal_kernel_config cls,
                                                        const char *name, mlx_dtype dtype) {
    return add_dtype(cls.ctx, METAL, name, dtype);
}
int mlx_fast_metal_kernel_config_add_template_arg_int(mlx_fast_metal_kernel_config cls,
                                                      const char *name, int value) {
    (void)value;
    return add_argument(cls.ctx, METAL, name);
}
int mlx_fast_metal_kernel_config_add_template_arg_bool(mlx_fast_metal_kernel_config cls,
                                                       const char *name, bool value) {
    (void)value;
    return add_argument(cls.ctx, METAL, name);
}
mlx_fast_metal_kernel mlx_fast_metal_kernel_new(
    const char *name, const mlx_vector_string input_names, const mlx_vector_string output_names,
    const char *source, const char *header, bool ensure_row_contiguous, bool atomic_outputs) {
    (void)header;
    (void)ensure_row_contiguous;
    (void)atomic_outputs;
    return (mlx_fast_metal_kernel){new_kernel(METAL, name, input_names, output_names, source)};
}
void mlx_fast_metal_kernel_free(mlx_fast_metal_kernel cls) {
    int status;
    if (capi_frees(cls.ctx, METAL, &status))
        mx_free(cls.ctx);
}
int mlx_fast_metal_kernel_apply(mlx_vector_array *outputs, mlx_fast_metal_kernel cls,
                                const mlx_vector_array inputs,
                                const mlx_fast_metal_kernel_config config,
                                const mlx_stream stream) {
    (void)outputs;
    (void)stream;
    return apply(METAL, "Metal", cls.ctx, inputs, config.ctx);
}
