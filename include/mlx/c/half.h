/* half.h */
#ifndef MLX_C_HALF_H
#define MLX_C_HALF_H

#include <stdint.h>

#include "mlx/c/api.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__aarch64__)
typedef __fp16 float16_t;
typedef __bf16 bfloat16_t;
#else
typedef uint16_t float16_t;
typedef uint16_t bfloat16_t;
#endif

#ifdef __cplusplus
}
#endif

#endif
