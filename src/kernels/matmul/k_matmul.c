/* The matmul family's table, and the register tiles of float32 and float64. */
#include "kernels/linalg/k_factor.h"
#include "kernels/linalg/k_schur.h"
#include "kernels/matmul/k_tile.h"

#define TILE_FN(name)     f32_##name
#define TILE_IN           float
#define TILE_VIN          vf
#define TILE_OUT          float
#define TILE_V            vf
#define TILE_LANES        VF_LANES
#define TILE_LOAD(p)      vf_load(p)
#define TILE_SET1(x)      vf_set1(x)
#define TILE_FMA(a, b, c) vf_fma(a, b, c)
#define TILE_W(word)      vf_##word
#include "kernels/matmul/k_tile_impl.h"

#define TILE_FN(name)     f64_##name
#define TILE_IN           double
#define TILE_VIN          vd
#define TILE_OUT          double
#define TILE_V            vd
#define TILE_LANES        VD_LANES
#define TILE_LOAD(p)      vd_load(p)
#define TILE_SET1(x)      vd_set1(x)
#define TILE_FMA(a, b, c) vd_fma(a, b, c)
#define TILE_W(word)      vd_##word
#include "kernels/matmul/k_tile_impl.h"

static const mx_k_gemm gemm_f32 = {
    .mr = TILE_MR,
    .nr = TILE_NV * VF_LANES,
    .kgroup = 1,
    .in_size = 4,
    .acc = MX_FLOAT32,
    .tile = f32_tile,
    .pack = {[MX_FLOAT32] = KN(k_pack_f32),
             [MX_FLOAT16] = KN(k_pack_f32_f16),
             [MX_BFLOAT16] = KN(k_pack_f32_bf16)},
    .pack_a_complex = KN(k_pack_a_complex),
    .pack_b_complex = KN(k_pack_b_complex),
};

static const mx_k_gemm gemm_f64 = {
    .mr = TILE_MR,
    .nr = TILE_NV * VD_LANES,
    .kgroup = 1,
    .in_size = 8,
    .acc = MX_FLOAT64,
    .tile = f64_tile,
    .pack = {[MX_FLOAT64] = KN(k_pack_f64)},
};

const mx_k_matmul KN(mx_matmul) = {
    .f32 = &gemm_f32,
    .f64 = &gemm_f64,
    .bf16 = &KN(k_gemm_bf16),
    .store = {[MX_FLOAT32] = KN(k_store_f32),
              [MX_FLOAT16] = KN(k_store_f16),
              [MX_BFLOAT16] = KN(k_store_bf16),
              [MX_FLOAT64] = KN(k_store_f64),
              [MX_COMPLEX64] = KN(k_store_complex)},
    .stretched_dot = {[MX_FLOAT32] = KN(k_stretched_dot_f32),
                      [MX_FLOAT16] = KN(k_stretched_dot_f16),
                      [MX_BFLOAT16] = KN(k_stretched_dot_bf16)},
    .skinny_dot = {[MX_FLOAT32] = KN(k_skinny_dot_f32),
                   [MX_FLOAT16] = KN(k_skinny_dot_f16),
                   [MX_BFLOAT16] = KN(k_skinny_dot_bf16)},
    .skinny_sum = {[MX_FLOAT32] = KN(k_skinny_sum_f32),
                   [MX_FLOAT16] = KN(k_skinny_sum_f16),
                   [MX_BFLOAT16] = KN(k_skinny_sum_bf16)},
    .row_dots = KN(k_row_dots),
    .row_tile = KN(k_row_tile),
    .imatmul = {[MX_BOOL] = KN(k_imatmul_bool),
                [MX_UINT8] = KN(k_imatmul_8),
                [MX_UINT16] = KN(k_imatmul_16),
                [MX_UINT32] = KN(k_imatmul_32),
                [MX_UINT64] = KN(k_imatmul_64),
                [MX_INT8] = KN(k_imatmul_8),
                [MX_INT16] = KN(k_imatmul_16),
                [MX_INT32] = KN(k_imatmul_32),
                [MX_INT64] = KN(k_imatmul_64)},
    .factor = {[MX_FLOAT32] = &KN(mx_factor_f32),
               [MX_FLOAT64] = &KN(mx_factor_f64),
               [MX_COMPLEX64] = &KN(mx_factor_c64)},
    .schur = {[MX_FLOAT32] = &KN(mx_schur_f32),
              [MX_FLOAT64] = &KN(mx_schur_f64),
              [MX_COMPLEX64] = &KN(mx_schur_c64)},
};
