/* Operations that networks spend their time in, and kernels written by the program. */
#ifndef MLX_C_FAST_H
#define MLX_C_FAST_H

#include "mlx/c/array.h"
#include "mlx/c/closure.h"
#include "mlx/c/distributed_group.h"
#include "mlx/c/features.h"
#include "mlx/c/io_types.h"
#include "mlx/c/map.h"
#include "mlx/c/optional.h"
#include "mlx/c/stream.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

/* x / sqrt(mean(x^2) + eps) * weight over the last axis; weight (D) may be empty. */
MLX_API int mlx_fast_rms_norm(mlx_array *res, const mlx_array x, const mlx_array weight, float eps,
                              const mlx_stream s);
/* (x - mean) / sqrt(var + eps) * weight + bias over the last axis; weight, bias (D) may
   be empty. */
MLX_API int mlx_fast_layer_norm(mlx_array *res, const mlx_array x, const mlx_array weight,
                                const mlx_array bias, float eps, const mlx_stream s);
/* Rotate pairs among the first dims elements of the last axis of x (B,...,L,D), by
   angles position * base^(-2i/dims) * scale, positions offset, offset + 1, ... along
   the last axis but one. traditional: pairs are neighbours, else the halves. Either
   base or freqs (dims/2 periods; may be empty) is given. */
MLX_API int mlx_fast_rope(mlx_array *res, const mlx_array x, int dims, bool traditional,
                          mlx_optional_float base, float scale, int offset, const mlx_array freqs,
                          const mlx_stream s);
/* The same with an offset that is an array: one integer, or one for each of the batch. */
MLX_API int mlx_fast_rope_dynamic(mlx_array *res, const mlx_array x, int dims, bool traditional,
                                  mlx_optional_float base, float scale, const mlx_array offset,
                                  const mlx_array freqs, const mlx_stream s);
/* softmax(scale q k^T + mask) v. q (B,H,Lq,D), k (B,Hk,Lk,D), v (B,Hk,Lk,Dv), H a
   multiple of Hk. mask_mode: "", "causal", or "array" with mask_arr broadcastable to
   (B,H,Lq,Lk), bool or added. sinks (H): logits that take part in the softmax alone.
   mask_arr and sinks may be empty. */
#if MLX_C_INTERFACE >= 700
MLX_API int mlx_fast_scaled_dot_product_attention(
    mlx_array *res, const mlx_array queries, const mlx_array keys, const mlx_array values,
    float scale, const char *mask_mode, const mlx_array mask_arr, const mlx_array sinks,
    bool force_fused, const mlx_stream s) __asm__("mlx_fast_scaled_dot_product_attention_fused");
#else
MLX_API int mlx_fast_scaled_dot_product_attention(mlx_array *res, const mlx_array queries,
                                                  const mlx_array keys, const mlx_array values,
                                                  float scale, const char *mask_mode,
                                                  const mlx_array mask_arr, const mlx_array sinks,
                                                  const mlx_stream s);
#endif
/* The same with the parameter that mlx-c 0.7 has before the stream. It changes nothing
   here: the matrix of scores is never made. A program written for mlx-c 0.7 defines
   MLX_C_INTERFACE as 700 before its first include and finds this one under the name
   without _fused. */
MLX_API int mlx_fast_scaled_dot_product_attention_fused(
    mlx_array *res, const mlx_array queries, const mlx_array keys, const mlx_array values,
    float scale, const char *mask_mode, const mlx_array mask_arr, const mlx_array sinks,
    bool force_fused, const mlx_stream s);

/* The loss of class indices over the last axis, log(sum(exp(logits))) - logits[target] in float32:
   logits (...,V), targets (...) integers; one out of range is an error of the evaluation. (Not in
   mlx-c.) */
MLX_API int mlx_fast_cross_entropy(mlx_array *res, const mlx_array logits, const mlx_array targets,
                                   const mlx_stream s);
/* The gated delta rule (Yang et al. 2024), a linear attention with a decaying state S of each head:

       S' = gamma_t S;   S = S' + beta_t (v_t - S' k_t) k_t^T;   y_t = S q_t

   q, k (B,T,Hk,Dk), v (B,T,H,Dv), H a multiple of Hk; gamma (B,T,H), or (B,T,H,Dk) for a decay of
   each column, beta (B,T,H); initial_state (B,H,Dv,Dk), empty: zeros; mask (B,T), empty: none:
   where it is false the state stays and y is 0. Gives y (B,T,H,Dv) and the state after the last
   step, in float32 at least. (Not in mlx-c.) */
MLX_API int mlx_fast_gated_delta_update(mlx_array *res_y, mlx_array *res_state, const mlx_array q,
                                        const mlx_array k, const mlx_array v, const mlx_array gamma,
                                        const mlx_array beta, const mlx_array initial_state,
                                        const mlx_array mask, const mlx_stream s);

/* --- kernels in CUDA C++ --------------------------------------------------------- */

typedef struct mlx_fast_cuda_kernel_ {
    void *ctx;
} mlx_fast_cuda_kernel;
typedef struct mlx_fast_cuda_kernel_config_ {
    void *ctx;
} mlx_fast_cuda_kernel_config;

/* A description of a launch, to be filled by what follows. */
MLX_API mlx_fast_cuda_kernel_config mlx_fast_cuda_kernel_config_new(void);
/* Let go of it. */
MLX_API void mlx_fast_cuda_kernel_config_free(mlx_fast_cuda_kernel_config cls);
/* One more output: its shape and dtype. Errors: no valid shape. */
MLX_API int mlx_fast_cuda_kernel_config_add_output_arg(mlx_fast_cuda_kernel_config cls,
                                                       const int *shape, size_t size,
                                                       mlx_dtype dtype);
/* Threads in all, in three directions. Errors: not positive. */
MLX_API int mlx_fast_cuda_kernel_config_set_grid(mlx_fast_cuda_kernel_config cls, int grid1,
                                                 int grid2, int grid3);
/* Threads of a group, in three directions. Errors: not positive. */
MLX_API int mlx_fast_cuda_kernel_config_set_thread_group(mlx_fast_cuda_kernel_config cls,
                                                         int thread1, int thread2, int thread3);
/* What the outputs are filled with before the kernel runs. */
MLX_API int mlx_fast_cuda_kernel_config_set_init_value(mlx_fast_cuda_kernel_config cls,
                                                       float value);
/* Whether the kernel's source is printed. */
MLX_API int mlx_fast_cuda_kernel_config_set_verbose(mlx_fast_cuda_kernel_config cls, bool verbose);
/* A template argument that is a dtype. */
MLX_API int mlx_fast_cuda_kernel_config_add_template_arg_dtype(mlx_fast_cuda_kernel_config cls,
                                                               const char *name, mlx_dtype dtype);
/* A template argument that is an integer. */
MLX_API int mlx_fast_cuda_kernel_config_add_template_arg_int(mlx_fast_cuda_kernel_config cls,
                                                             const char *name, int value);
/* A template argument that is a bool. */
MLX_API int mlx_fast_cuda_kernel_config_add_template_arg_bool(mlx_fast_cuda_kernel_config cls,
                                                              const char *name, bool value);
/* A kernel from the body of its function in CUDA, with the names of its inputs and
   outputs and a header (may be NULL) that stands before it. */
MLX_API mlx_fast_cuda_kernel mlx_fast_cuda_kernel_new(
    const char *name, const mlx_vector_string input_names, const mlx_vector_string output_names,
    const char *source, const char *header, bool ensure_row_contiguous, int shared_memory);
/* Let go of it. */
MLX_API void mlx_fast_cuda_kernel_free(mlx_fast_cuda_kernel cls);
/* Run a CUDA kernel on inputs. Errors: always, MLX_ERROR_UNSUPPORTED: there is no CUDA here. */
MLX_API int mlx_fast_cuda_kernel_apply(mlx_vector_array *outputs, mlx_fast_cuda_kernel cls,
                                       const mlx_vector_array inputs,
                                       const mlx_fast_cuda_kernel_config config,
                                       const mlx_stream stream);

/* --- kernels in Metal: the same, and unsupported here ---------------------------- */

typedef struct mlx_fast_metal_kernel_ {
    void *ctx;
} mlx_fast_metal_kernel;
typedef struct mlx_fast_metal_kernel_config_ {
    void *ctx;
} mlx_fast_metal_kernel_config;

/* A description of a launch, to be filled by what follows. */
MLX_API mlx_fast_metal_kernel_config mlx_fast_metal_kernel_config_new(void);
/* Let go of it. */
MLX_API void mlx_fast_metal_kernel_config_free(mlx_fast_metal_kernel_config cls);
/* One more output: its shape and dtype. Errors: no valid shape. */
MLX_API int mlx_fast_metal_kernel_config_add_output_arg(mlx_fast_metal_kernel_config cls,
                                                        const int *shape, size_t size,
                                                        mlx_dtype dtype);
/* Threads in all, in three directions. Errors: not positive. */
MLX_API int mlx_fast_metal_kernel_config_set_grid(mlx_fast_metal_kernel_config cls, int grid1,
                                                  int grid2, int grid3);
/* Threads of a group, in three directions. Errors: not positive. */
MLX_API int mlx_fast_metal_kernel_config_set_thread_group(mlx_fast_metal_kernel_config cls,
                                                          int thread1, int thread2, int thread3);
/* What the outputs are filled with before the kernel runs. */
MLX_API int mlx_fast_metal_kernel_config_set_init_value(mlx_fast_metal_kernel_config cls,
                                                        float value);
/* Whether the kernel's source is printed. */
MLX_API int mlx_fast_metal_kernel_config_set_verbose(mlx_fast_metal_kernel_config cls,
                                                     bool verbose);
/* A template argument that is a dtype. */
MLX_API int mlx_fast_metal_kernel_config_add_template_arg_dtype(mlx_fast_metal_kernel_config cls,
                                                                const char *name, mlx_dtype dtype);
/* A template argument that is an integer. */
MLX_API int mlx_fast_metal_kernel_config_add_template_arg_int(mlx_fast_metal_kernel_config cls,
                                                              const char *name, int value);
/* A template argument that is a bool. */
MLX_API int mlx_fast_metal_kernel_config_add_template_arg_bool(mlx_fast_metal_kernel_config cls,
                                                               const char *name, bool value);
/* A kernel from the body of its function in Metal, with the names of its inputs and
   outputs and a header (may be NULL) that stands before it. */
MLX_API mlx_fast_metal_kernel mlx_fast_metal_kernel_new(
    const char *name, const mlx_vector_string input_names, const mlx_vector_string output_names,
    const char *source, const char *header, bool ensure_row_contiguous, bool atomic_outputs);
/* Let go of it. */
MLX_API void mlx_fast_metal_kernel_free(mlx_fast_metal_kernel cls);
/* Run a Metal kernel on inputs. Errors: always, MLX_ERROR_UNSUPPORTED: there is no Metal. */
MLX_API int mlx_fast_metal_kernel_apply(mlx_vector_array *outputs, mlx_fast_metal_kernel cls,
                                        const mlx_vector_array inputs,
                                        const mlx_fast_metal_kernel_config config,
                                        const mlx_stream stream);

#ifdef __cplusplus
}
#endif

#endif
