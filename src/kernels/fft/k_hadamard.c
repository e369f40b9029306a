/* The Walsh-Hadamard transform: see k_hadamard.h. */
#include "kernels/fft/k_hadamard.h"

#include "kernels/simd/k_load.h"
#include "kernels/kernels.h"
#include "kernels/copy/transpose.h"

/* Lane i and lane i ^ s change places. */
#define SWAP_2(v, s) __builtin_shufflevector(v, v, 0 ^ s, 1 ^ s)
#define SWAP_4(v, s) __builtin_shufflevector(v, v, 0 ^ s, 1 ^ s, 2 ^ s, 3 ^ s)
#define SWAP_8(v, s) \
    __builtin_shufflevector(v, v, 0 ^ s, 1 ^ s, 2 ^ s, 3 ^ s, 4 ^ s, 5 ^ s, 6 ^ s, 7 ^ s)
#define SWAP_16(v, s)                                                                            \
    __builtin_shufflevector(v, v, 0 ^ s, 1 ^ s, 2 ^ s, 3 ^ s, 4 ^ s, 5 ^ s, 6 ^ s, 7 ^ s, 8 ^ s, \
                            9 ^ s, 10 ^ s, 11 ^ s, 12 ^ s, 13 ^ s, 14 ^ s, 15 ^ s)
#define SWAP(lanes) ZIP_JOIN(SWAP_, lanes)

#define UNROLL SIMD_UNROLL(16)

#if VF_REGS == 32
#define RADIX 16
#else
#define RADIX 8
#endif

#define T                     float
#define VEC                   vf
#define LANES                 VF_LANES
#define LEVELS                (VF_LANES == 16 ? 4 : VF_LANES == 8 ? 3 : 2)
#define FN(name)              name##_f
#define V(word)               vf_##word
#define LOAD(p, i, t)         kind_load(kind_at(p, i, t), t)
#define LOADN(p, i, n, t)     kind_loadn(kind_at(p, i, t), n, t)
#define STORE(p, i, v, t)     kind_store((void *)kind_at(p, i, t), v, t)
#define STOREN(p, i, v, n, t) kind_storen((void *)kind_at(p, i, t), v, n, t)
#include "kernels/fft/k_hadamard_type.h"

#define T                     double
#define VEC                   vd
#define LANES                 VD_LANES
#define LEVELS                (VD_LANES == 8 ? 3 : VD_LANES == 4 ? 2 : 1)
#define FN(name)              name##_d
#define V(word)               vd_##word
#define LOAD(p, i, t)         ((void)(t), vd_load((const double *)(p) + (i)))
#define LOADN(p, i, n, t)     ((void)(t), vd_loadn((const double *)(p) + (i), n))
#define STORE(p, i, v, t)     ((void)(t), vd_store((double *)(p) + (i), v))
#define STOREN(p, i, v, n, t) ((void)(t), vd_storen((double *)(p) + (i), v, n))
#include "kernels/fft/k_hadamard_type.h"

static void KN(k_hadamard_f32)(const mx_k_hadamard_args *a) {
    transform_f(a, MX_FLOAT32);
}
static void KN(k_hadamard_f16)(const mx_k_hadamard_args *a) {
    transform_f(a, MX_FLOAT16);
}
static void KN(k_hadamard_bf16)(const mx_k_hadamard_args *a) {
    transform_f(a, MX_BFLOAT16);
}
static void KN(k_hadamard_f64)(const mx_k_hadamard_args *a) {
    transform_d(a, MX_FLOAT64);
}

const mx_k_hadamard KN(mx_hadamard) = {
    .lines = {[MX_FLOAT32] = KN(k_hadamard_f32),
              [MX_FLOAT16] = KN(k_hadamard_f16),
              [MX_BFLOAT16] = KN(k_hadamard_bf16),
              [MX_FLOAT64] = KN(k_hadamard_f64)},
};
