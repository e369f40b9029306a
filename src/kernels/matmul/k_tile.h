/* Shapes of the register tiles, and the parts of the matmul family that other files define.
 *
 * A tile uses TILE_MR * 2 accumulators, two vectors of B and one of A, within VF_REGS registers;
 * all shapes reach the processors' multiply-add rate, so rows are chosen for easy packing.
 */
#ifndef MX_KERNELS_K_TILE_H
#define MX_KERNELS_K_TILE_H

#include "kernels/kernels.h"

#include "kernels/matmul/k_matmul.h"
#include "kernels/simd/simd.h"

#define TILE_NV 2
#if VF_REGS >= 32
#define TILE_MR 8
#elif VF_FMA
#define TILE_MR 6
#else
#define TILE_MR 4
#endif

/* k_matmul_pack.c: f32 from float32, float16, bfloat16, complex64; f64; bfloat16 pairs */
mx_k_pack KN(k_pack_f32), KN(k_pack_f32_f16), KN(k_pack_f32_bf16), KN(k_pack_f64);
mx_k_pack KN(k_pack_bf16_pairs), KN(k_pack_a_complex), KN(k_pack_b_complex);
/* k_matmul_store.c */
mx_k_store KN(k_store_f32), KN(k_store_f16), KN(k_store_bf16), KN(k_store_f64);
mx_k_store KN(k_store_complex);
/* k_matvec.c */
mx_k_stretched_dot KN(k_stretched_dot_f32), KN(k_stretched_dot_f16), KN(k_stretched_dot_bf16);
mx_k_skinny_dot KN(k_skinny_dot_f32), KN(k_skinny_dot_f16), KN(k_skinny_dot_bf16);
mx_k_skinny_sum KN(k_skinny_sum_f32), KN(k_skinny_sum_f16), KN(k_skinny_sum_bf16);
/* k_row_dots.c */
mx_k_row_dots KN(k_row_dots);
/* k_row_tile.c */
mx_k_row_tile KN(k_row_tile);
/* k_matmul_bf16.c: the format of bfloat16 pairs; its tile is NULL where the set has none */
extern const mx_k_gemm KN(k_gemm_bf16);
/* k_matmul_int.c: one for both signs of each width */
mx_k_imatmul KN(k_imatmul_bool), KN(k_imatmul_8), KN(k_imatmul_16), KN(k_imatmul_32);
mx_k_imatmul KN(k_imatmul_64);

#endif
