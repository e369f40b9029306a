/* Panels times rows with dot products of bytes, where the processor has them beyond its set. */
#include "kernels/codes/k_codes.h"

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__) || defined(__ARM_FEATURE_DOTPROD)
#define DOTS k_code_vnni
#include "kernels/codes/k_codes_dots.h"
#else
const mx_k_code_table KN(k_code_vnni) = {.wide_offset = DOT_WIDE_OFFSET};
#endif
