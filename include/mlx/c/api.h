/* What every header needs: which symbols are public. */
#ifndef MLX_C_API_H
#define MLX_C_API_H

#if defined(__GNUC__)
#define MLX_API __attribute__((visibility("default")))
#else
#define MLX_API
#endif

#endif
