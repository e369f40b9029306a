/* Evaluation, and functions made from functions. */
#ifndef MLX_C_TRANSFORMS_H
#define MLX_C_TRANSFORMS_H

#include "mlx/c/array.h"
#include "mlx/c/closure.h"
#include "mlx/c/distributed_group.h"
#include "mlx/c/io_types.h"
#include "mlx/c/map.h"
#include "mlx/c/stream.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Compute the arrays and what they need, and return when that is done. Errors: what the
   computation meets (memory, a singular matrix, an index out of range); the arrays stay
   as they were, and the same call may be tried again. */
MLX_API int mlx_eval(const mlx_vector_array outputs);
/* The same where it is quick, for hosts whose threads may not be kept waiting: it takes about
   as many simple operations on single elements as `work` says, or fewer (a node that is
   computed counts as 50), and waits neither for another thread nor for a file, LAPACK or a
   function of the program. *done: the arrays are computed; if not, nothing has happened, and
   mlx_eval on a thread of its own is what to call. Errors as of mlx_eval. */
MLX_API int mlx_eval_small(bool *done, const mlx_vector_array outputs, uint64_t work);
/* The same as mlx_eval on a thread of the library: returns at once, and who reads the arrays waits.
   What fails is reported by whoever reads them. */
MLX_API int mlx_async_eval(const mlx_vector_array outputs);
/* For hosts with a way to stop: check(data) is called between the steps of an evaluation,
   and by who waits for another thread's, on the thread that wants the result. It must
   neither wait nor call the library. Not 0: the call fails with MLX_ERROR_INTERRUPTED;
   what was computed stays, and the same call may be tried again. NULL: no check. */
MLX_API int mlx_set_interrupt_check(int (*check)(void *data), void *data);
/* A check that is called within long steps too, a few times a second: of large products,
   sorts, convolutions and chains of pointwise operations. The step that it stops is lost,
   so who calls again after that begins it anew. NULL, as at the start: no check. */
MLX_API int mlx_set_interrupt_check_within(int (*check)(void *data), void *data);

/* A function that gives fun's outputs and the gradients of its first output, a scalar, towards
   the arguments argnums (in their order), each in its argument's dtype: those of integers are
   cut to whole numbers, as MLX's are. An error when it is called: no scalar. Errors: no argnums,
   one that is negative or stands there twice. */
MLX_API int mlx_value_and_grad(mlx_closure_value_and_grad *res, const mlx_closure fun,
                               const int *argnums, size_t argnums_num);
/* fun's outputs, and the products of cotangents with its derivative: one for each primal, in its
   dtype. There is one cotangent for each output, or one for each that is no mlx_stop_gradient.
   Errors: those of fun, another number of cotangents, one of another shape. */
MLX_API int mlx_vjp(mlx_vector_array *res_0, mlx_vector_array *res_1, const mlx_closure fun,
                    const mlx_vector_array primals, const mlx_vector_array cotangents);
/* fun's outputs, and the products of its derivative with tangents (one for each primal): one for
   each output. Errors: those of fun, another number of tangents, or one of another shape. */
MLX_API int mlx_jvp(mlx_vector_array *res_0, mlx_vector_array *res_1, const mlx_closure fun,
                    const mlx_vector_array primals, const mlx_vector_array tangents);
/* fun, written for one example, over batches: in_axes[i] is the batch axis of input i,
   -1 for none (the input is the same for all); out_axes likewise. Errors when it is
   called: another number of inputs, batches of different sizes. */
MLX_API int mlx_vmap(mlx_closure *res, const mlx_closure fun, const int *in_axes,
                     size_t in_axes_num, const int *out_axes, size_t out_axes_num);

/* fun, whose inner values are not kept for derivatives but computed again: less memory
   for more time. */
MLX_API int mlx_checkpoint(mlx_closure *res, const mlx_closure fun);
/* fun with rules of its own for vjp, jvp and vmap; those left empty are derived from fun. */
MLX_API int mlx_custom_function(mlx_closure *res, const mlx_closure fun,
                                const mlx_closure_custom fun_vjp,
                                const mlx_closure_custom_jvp fun_jvp,
                                const mlx_closure_custom_vmap fun_vmap);
/* fun with a rule for mlx_vjp alone. */
MLX_API int mlx_custom_vjp(mlx_closure *res, const mlx_closure fun,
                           const mlx_closure_custom fun_vjp);

#ifdef __cplusplus
}
#endif

#endif
