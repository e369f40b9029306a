/* The register tile of bfloat16 pairs. The AVX-512 set builds this file with the BF16 extension and
 * the engine uses it only where the processor has that; elsewhere the tile is absent. */
#include "kernels/matmul/k_tile.h"

#if defined(__AVX512BF16__) && VF_LANES == 16

SV __m512bh pairs_load(const uint32_t *p) {
    return (__m512bh)_mm512_loadu_si512(p);
}
SV __m512bh pairs_set1(uint32_t x) {
    return (__m512bh)_mm512_set1_epi32((int)x);
}

#define TILE_FN(name)     bf16_##name
#define TILE_IN           uint32_t
#define TILE_VIN          __m512bh
#define TILE_OUT          float
#define TILE_V            vf
#define TILE_LANES        VF_LANES
#define TILE_LOAD(p)      pairs_load(p)
#define TILE_SET1(x)      pairs_set1(x)
#define TILE_FMA(a, b, c) _mm512_dpbf16_ps(c, a, b)
#define TILE_W(word)      vf_##word
#include "kernels/matmul/k_tile_impl.h"
#define BF16_TILE bf16_tile
#else
#define BF16_TILE NULL
#endif

const mx_k_gemm KN(k_gemm_bf16) = {
    .mr = TILE_MR,
    .nr = TILE_NV * VF_LANES,
    .kgroup = 2,
    .in_size = 4,
    .acc = MX_FLOAT32,
    .tile = BF16_TILE,
    .pack = {[MX_BFLOAT16] = KN(k_pack_bf16_pairs)},
};
