/* Kernels that the program writes: handles, their arguments, and the refusal to run them. */
#include "io_files.h"

static mlx_stream none;

/* --- CUDA ------------------------------------------------------------------------- */

static mlx_fast_cuda_kernel make_cuda(const char *name, const char *source,
                                      mlx_vector_string names) {
    return mlx_fast_cuda_kernel_new(name, names, names, source, "", true, 0);
}

static void test_cuda_kernel(void) {
    mlx_vector_string names = mlx_vector_string_new();
    mlx_vector_array in = mlx_vector_array_new(), out = mlx_vector_array_new();
    mlx_vector_string_append_value(names, "x");
    mlx_fast_cuda_kernel_config c = mlx_fast_cuda_kernel_config_new(), no_c = {NULL};
    mlx_fast_cuda_kernel k = make_cuda("k", "", names), no_k = {NULL};
    CHECK(c.ctx && k.ctx);
    CHECK_OK(mlx_fast_cuda_kernel_config_add_output_arg(c, (int[]){2}, 1, MLX_FLOAT32));
    CHECK_OK(mlx_fast_cuda_kernel_config_set_grid(c, 1, 2, 3));
    CHECK_OK(mlx_fast_cuda_kernel_config_set_thread_group(c, 1, 2, 3));
    CHECK_OK(mlx_fast_cuda_kernel_config_set_init_value(c, 0));
    CHECK_OK(mlx_fast_cuda_kernel_config_set_verbose(c, true));
    CHECK_OK(mlx_fast_cuda_kernel_config_add_template_arg_dtype(c, "T", MLX_FLOAT16));
    CHECK_OK(mlx_fast_cuda_kernel_config_add_template_arg_int(c, "N", 3));
    CHECK_OK(mlx_fast_cuda_kernel_config_add_template_arg_bool(c, "B", true));
    CHECK_FAILS(mlx_fast_cuda_kernel_apply(&out, k, in, c, none), "[cuda_kernel] No CUDA back-end");
    CHECK_EQ_INT(mlx_last_error_code(), MLX_ERROR_UNSUPPORTED);
    CHECK_FAILS(mlx_fast_cuda_kernel_apply(&out, no_k, in, c, none), "empty");
    CHECK_FAILS(mlx_fast_cuda_kernel_apply(&out, k, in, no_c, none), "empty");
    CHECK_FAILS(mlx_fast_cuda_kernel_apply(&out, k, (mlx_vector_array){NULL}, c, none), "empty");
    mlx_fast_cuda_kernel_config_free(c);
    mlx_fast_cuda_kernel_config_free(no_c);
    mlx_fast_cuda_kernel_free(k);
    mlx_fast_cuda_kernel_free(no_k);
    mlx_vector_string_free(names);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
}

static void test_cuda_bad_arguments(void) {
    mlx_vector_string names = mlx_vector_string_new(), no_names = {NULL};
    mlx_fast_cuda_kernel_config c = mlx_fast_cuda_kernel_config_new(), no_c = {NULL};
    CHECK_FAILS(mlx_fast_cuda_kernel_config_add_output_arg(c, NULL, 1, MLX_FLOAT32), "shape");
    CHECK_FAILS(mlx_fast_cuda_kernel_config_add_output_arg(c, (int[]){-1}, 1, MLX_INT8), "shape");
    CHECK_FAILS(mlx_fast_cuda_kernel_config_add_output_arg(c, NULL, 0, (mlx_dtype)50), "dtype");
    CHECK_FAILS(mlx_fast_cuda_kernel_config_add_output_arg(no_c, NULL, 0, MLX_INT8), "empty");
    CHECK_FAILS(mlx_fast_cuda_kernel_config_set_grid(c, 1, 0, 3), "not positive");
    CHECK_FAILS(mlx_fast_cuda_kernel_config_set_grid(no_c, 1, 1, 3), "empty");
    CHECK_FAILS(mlx_fast_cuda_kernel_config_set_thread_group(c, -1, 1, 1), "not positive");
    CHECK_FAILS(mlx_fast_cuda_kernel_config_set_init_value(no_c, 0), "empty");
    CHECK_FAILS(mlx_fast_cuda_kernel_config_set_verbose(no_c, true), "empty");
    CHECK_FAILS(mlx_fast_cuda_kernel_config_add_template_arg_dtype(c, NULL, MLX_INT8), "NULL");
    CHECK_FAILS(mlx_fast_cuda_kernel_config_add_template_arg_dtype(c, "T", (mlx_dtype)-1), "dtype");
    CHECK_FAILS(mlx_fast_cuda_kernel_config_add_template_arg_int(c, NULL, 3), "NULL");
    CHECK_FAILS(mlx_fast_cuda_kernel_config_add_template_arg_bool(no_c, "B", true), "empty");
    CHECK(!make_cuda(NULL, "", names).ctx);
    CHECK(!make_cuda("k", NULL, names).ctx);
    CHECK(!make_cuda("k", "", no_names).ctx);
    mlx_fast_cuda_kernel_config_free(c);
    mlx_vector_string_free(names);
}

/* --- Metal ------------------------------------------------------------------------ */

static mlx_fast_metal_kernel make_metal(const char *name, const char *source,
                                        mlx_vector_string names) {
    return mlx_fast_metal_kernel_new(name, names, names, source, "", true, false);
}

static void test_metal_kernel(void) {
    mlx_vector_string names = mlx_vector_string_new();
    mlx_vector_array in = mlx_vector_array_new(), out = mlx_vector_array_new();
    mlx_vector_string_append_value(names, "x");
    mlx_fast_metal_kernel_config c = mlx_fast_metal_kernel_config_new(), no_c = {NULL};
    mlx_fast_metal_kernel k = make_metal("k", "", names), no_k = {NULL};
    CHECK(c.ctx && k.ctx);
    CHECK_OK(mlx_fast_metal_kernel_config_add_output_arg(c, (int[]){2}, 1, MLX_FLOAT32));
    CHECK_OK(mlx_fast_metal_kernel_config_set_grid(c, 1, 2, 3));
    CHECK_OK(mlx_fast_metal_kernel_config_set_thread_group(c, 1, 2, 3));
    CHECK_OK(mlx_fast_metal_kernel_config_set_init_value(c, 0));
    CHECK_OK(mlx_fast_metal_kernel_config_set_verbose(c, true));
    CHECK_OK(mlx_fast_metal_kernel_config_add_template_arg_dtype(c, "T", MLX_FLOAT16));
    CHECK_OK(mlx_fast_metal_kernel_config_add_template_arg_int(c, "N", 3));
    CHECK_OK(mlx_fast_metal_kernel_config_add_template_arg_bool(c, "B", true));
    CHECK_FAILS(mlx_fast_metal_kernel_apply(&out, k, in, c, none),
                "[metal_kernel] No Metal back-end");
    CHECK_EQ_INT(mlx_last_error_code(), MLX_ERROR_UNSUPPORTED);
    CHECK_FAILS(mlx_fast_metal_kernel_apply(&out, no_k, in, c, none), "empty");
    CHECK_FAILS(mlx_fast_metal_kernel_apply(&out, k, in, no_c, none), "empty");
    CHECK_FAILS(mlx_fast_metal_kernel_apply(&out, k, (mlx_vector_array){NULL}, c, none), "empty");
    mlx_fast_metal_kernel_config_free(c);
    mlx_fast_metal_kernel_config_free(no_c);
    mlx_fast_metal_kernel_free(k);
    mlx_fast_metal_kernel_free(no_k);
    mlx_vector_string_free(names);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
}

static void test_metal_bad_arguments(void) {
    mlx_vector_string names = mlx_vector_string_new(), no_names = {NULL};
    mlx_fast_metal_kernel_config c = mlx_fast_metal_kernel_config_new(), no_c = {NULL};
    CHECK_FAILS(mlx_fast_metal_kernel_config_add_output_arg(c, NULL, 1, MLX_FLOAT32), "shape");
    CHECK_FAILS(mlx_fast_metal_kernel_config_add_output_arg(c, (int[]){-1}, 1, MLX_INT8), "shape");
    CHECK_FAILS(mlx_fast_metal_kernel_config_add_output_arg(c, NULL, 0, (mlx_dtype)50), "dtype");
    CHECK_FAILS(mlx_fast_metal_kernel_config_add_output_arg(no_c, NULL, 0, MLX_INT8), "empty");
    CHECK_FAILS(mlx_fast_metal_kernel_config_set_grid(c, 1, 0, 3), "not positive");
    CHECK_FAILS(mlx_fast_metal_kernel_config_set_grid(no_c, 1, 1, 3), "empty");
    CHECK_FAILS(mlx_fast_metal_kernel_config_set_thread_group(c, -1, 1, 1), "not positive");
    CHECK_FAILS(mlx_fast_metal_kernel_config_set_init_value(no_c, 0), "empty");
    CHECK_FAILS(mlx_fast_metal_kernel_config_set_verbose(no_c, true), "empty");
    CHECK_FAILS(mlx_fast_metal_kernel_config_add_template_arg_dtype(c, NULL, MLX_INT8), "NULL");
    CHECK_FAILS(mlx_fast_metal_kernel_config_add_template_arg_dtype(c, "T", (mlx_dtype)-1),
                "dtype");
    CHECK_FAILS(mlx_fast_metal_kernel_config_add_template_arg_int(c, NULL, 3), "NULL");
    CHECK_FAILS(mlx_fast_metal_kernel_config_add_template_arg_bool(no_c, "B", true), "empty");
    CHECK(!make_metal(NULL, "", names).ctx);
    CHECK(!make_metal("k", NULL, names).ctx);
    CHECK(!make_metal("k", "", no_names).ctx);
    mlx_fast_metal_kernel_config_free(c);
    mlx_vector_string_free(names);
}

int main(void) {
    mlx_set_error_handler(count_told, NULL, NULL);
    RUN(test_cuda_kernel);
    RUN(test_cuda_bad_arguments);
    RUN(test_metal_kernel);
    RUN(test_metal_bad_arguments);
    return check_done();
}
