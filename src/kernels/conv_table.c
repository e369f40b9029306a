/* The kernels of convolution, one table for each instruction set. */
#include <string.h>

#include "kernels/k_conv.h"
#include "kernels/kernels.h"

#if defined(__x86_64__)
extern const mx_k_conv mx_conv_baseline, mx_conv_avx2, mx_conv_avx512;

const mx_k_conv *mx_conv_kernels(void) {
    const char *name = mx_kernels_get()->name;
    if (strcmp(name, "avx512") == 0)
        return &mx_conv_avx512;
    return strcmp(name, "avx2") == 0 ? &mx_conv_avx2 : &mx_conv_baseline;
}
#else
extern const mx_k_conv mx_conv_neon;

const mx_k_conv *mx_conv_kernels(void) {
    return &mx_conv_neon;
}
#endif
