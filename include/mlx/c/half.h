/* The 16-bit float types. On arm64 the compiler's own; elsewhere their stored bits. */
#ifndef MLX_C_HALF_H
#define MLX_C_HALF_H

#include <stdint.h>

#include "mlx/c/api.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__aarch64__)
#define HAS_FLOAT16
#define HAS_BFLOAT16
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
