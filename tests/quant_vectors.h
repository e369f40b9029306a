/* Words, scales and biases that MLX 0.32.2 makes of 128 numbers: data for test_ops_quant.c. Floats are
 * given as bits. */
#ifndef QUANT_VECTORS_H
#define QUANT_VECTORS_H

#include <stdint.h>

#include "kernels/quant/k_quant.h"

/* In steps of 1/4096. */
static const int16_t quant_input[128] = {
    1280, -4288, 3072, 3840, -8000, -5312, 512, -1280, -64, -3520, 3584, 3200, 256, 4608,
    1920, -3520, 1536, -3904, 3584, -192, -768, -2816, 4992, -640, -1728, -1472, 2176,
    1472, 1664, 1792, 8768, -1664, 6208, 7424, 6592, 8704, 4544, 7552, 7488, 6784, 7168,
    6336, 6848, 5056, 4544, 4992, 7680, 4992, 6848, 4352, 5312, 6656, 10048, 5376, 6016,
    6720, 5248, 10240, 7616, 8064, 11008, 5440, 4736, 6528, 12288, 12288, -4096, -8192,
    12288, -4096, -20480, -20480, -16384, 8192, 4096, 12288, -8192, 4096, 8192, -4096,
    8192, -12288, -4096, -8192, -20480, 8192, -8192, 0, 8192, 8192, 12288, 0, -8192, 0,
    -28672, -24576, -85, -64, 26, -58, 0, 0, -23, 47, -60, -13, -61, -22, 54, -111, 28, 15,
    -38, -93, 5, -34, 15, 1, 103, -15, -66, 11, 14, 87, 53, 23, 94, -76};

typedef struct quant_vector {
    const char *mode;
    int bits, group;
    uint32_t global;    /* bits of nvfp4's global scale, or 0 */
    uint32_t words[32];
    uint32_t scales[8]; /* bits of float32, or codes */
    uint32_t biases[8];
} quant_vector;

static const quant_vector quant_vectors[] = {
    {"affine", 2, 32, 0,
     {0xe65eaf5eu, 0x8aaa9e9eu, 0xefeaab6au, 0xbc63acbeu, 0xb9ed5b6fu, 0x09bf9d67u,
     0xb399ea64u, 0x7be9ba61u},
     {0xbf890000u, 0xbf09999au, 0x40600000u, 0x3c5e0000u},
     {0x40090000u, 0x402c0000u, 0xc0e00000u, 0xbcde0000u}},
    {"affine", 3, 32, 0,
     {0xb4b374f3u, 0xc8b3cd46u, 0xa1b6ed8au, 0x6cb27765u, 0x1bbdf3fdu, 0xbf070eb7u,
     0xb226793fu, 0x191e9b4fu, 0x22cbf6b3u, 0xa2ce4551u, 0x570bb466u, 0x3eef627eu},
     {0xbf090000u, 0xbe655555u, 0x3fb33333u, 0x3bde0000u},
     {0x40090000u, 0x402c0000u, 0xc0e00000u, 0xbcde0000u}},
    {"affine", 4, 32, 0,
     {0x98df45c7u, 0xb64855b8u, 0x93b985c7u, 0xa066769au, 0xa88f5a8bu, 0xe8efe9b9u,
     0xabd2adf9u, 0xaed0782du, 0x339e79eeu, 0x9db7ebd4u, 0xa7d3796du, 0x10a7aeddu,
     0xb6884a32u, 0x9a0c6474u, 0x7f896815u, 0x3face993u},
     {0xbe890000u, 0xbddc28f6u, 0x3f333333u, 0x3b5e0000u},
     {0x40090000u, 0x402c0000u, 0xc0e00000u, 0xbcde0000u}},
    {"affine", 5, 32, 0,
     {0xf5f4ab0eu, 0x0526d093u, 0x26edb311u, 0x7389eb18u, 0x981ad6b2u, 0x21e5d236u,
     0xee4ed2a4u, 0x6bf3e3f9u, 0x9ba5f44au, 0xaf740740u, 0xa7f84fffu, 0x0fe78931u,
     0x4dbc9f33u, 0x9cb43868u, 0x182d0b7fu, 0x610450e4u, 0x869dc7bbu, 0xc46b9501u,
     0x4677e125u, 0x2fa78ecau},
     {0xbe090000u, 0xbd57d7d8u, 0x3ea2e8bau, 0x3ade0000u},
     {0x40090000u, 0x402c0000u, 0xc0e00000u, 0xbcde0000u}},
    {"affine", 6, 32, 0,
     {0x7f4d5c5cu, 0x4ba199fdu, 0xb9a42055u, 0x24894c1bu, 0x99e88cebu, 0x9c069b6du,
     0x7d5aa8adu, 0x7b24a218u, 0xe5fe7de2u, 0x49a76fe7u, 0x01f6a6fdu, 0xabbd4072u,
     0xbf7e6fffu, 0x2e5334d9u, 0x9b9c9fffu, 0x4d7e6679u, 0xfe79b1feu, 0x180b1fb3u,
     0x61429388u, 0xf74fbda8u, 0x96903168u, 0x655e2156u, 0x590d77f8u, 0x2bda31eeu},
     {0xbd84d936u, 0xbcd3b13bu, 0x3e22e8bau, 0x3a5745d1u},
     {0x40090000u, 0x402c0000u, 0xc0e00000u, 0xbcde0000u}},
    {"affine", 8, 32, 0,
     {0x4b56c672u, 0x987dd6feu, 0x544fba86u, 0xba683f81u, 0x884fc06eu, 0x8f39b091u,
     0x6f649b9fu, 0x9e006a6cu, 0x58a989b8u, 0xa28784f8u, 0xe49fb393u, 0xe780e7f8u,
     0xa7daff9fu, 0xa4bfd825u, 0x71821dddu, 0xacf0d500u, 0x7f99fefeu, 0x333399feu,
     0xfecbe54cu, 0x99e5cb7fu, 0x7f9966e5u, 0xb27fe533u, 0xb2fee5e5u, 0x1900b27fu,
     0x3fa3381fu, 0xbc698484u, 0x6a3b753du, 0x96a500c4u, 0x5c8a1557u, 0x72fe8596u,
     0xeb959136u, 0x2af49fc3u},
     {0xbc83d981u, 0xbbd0aeb6u, 0x3d211423u, 0x395745d1u},
     {0x40090000u, 0x402c0000u, 0xc0e00000u, 0xbcde0000u}},
    {"affine", 4, 64, 0,
     {0xa9df66d8u, 0xc75966c9u, 0xa5ba96c8u, 0xa28887aau, 0x33352434u, 0x53555343u,
     0x44514553u, 0x45502315u, 0x339e79eeu, 0x9db7ebd4u, 0xa7d3796du, 0x10a7aeddu,
     0xaaaaaaaau, 0xaaaaaaaau, 0xaaaaaaaau, 0xaaaaaaaau},
     {0xbe98e38eu, 0x3f333333u},
     {0x402c0000u, 0xc0e00000u}},
    {"affine", 4, 128, 0,
     {0xaa87bb9au, 0x9bcabb9au, 0xac9aab9bu, 0x9dbbbb99u, 0xcddcdcdcu, 0xcdccccccu,
     0xccceccccu, 0xccceddecu, 0x339e79eeu, 0x9db7ebd4u, 0xa7d3796du, 0x10a7aeddu,
     0xaaaaaaaau, 0xaaaaaaaau, 0xaaaaaaaau, 0xaaaaaaaau},
     {0x3f333333u},
     {0xc0e00000u}},
    {"affine", 3, 64, 0,
     {0xec9376f4u, 0xc8ebad46u, 0xa5b6ed8au, 0x9144a28au, 0x04924524u, 0x49024249u,
     0xb226793fu, 0x191e9b4fu, 0x22cbf6b3u, 0x6db6db6du, 0xdb6db6dbu, 0xb6db6db6u},
     {0xbf2c0000u, 0x3fb33333u},
     {0x402c0000u, 0xc0e00000u}},
    {"mxfp4", 4, 32, 0,
     {0x90de43c1u, 0xb24033b0u, 0x94b903c1u, 0xa622129au, 0x56646565u, 0x46444555u,
     0x55565545u, 0x54576665u, 0xcc93a933u, 0x921a312cu, 0x0a2ca9b2u, 0xdd0a0322u,
     0x3900c2cdu, 0x12d39c9cu, 0x9501a0dau, 0xc513511cu},
     {126, 126, 128, 120},
     {0}},
    {"mxfp8", 8, 32, 0,
     {0x6f6cf062u, 0xe258f2f8u, 0x6c6eeec0u, 0xee677150u, 0xcc6eef64u, 0xda72ebdcu,
     0x6468e4e6u, 0xe5796665u, 0x78757674u, 0x75777771u, 0x72757476u, 0x72777271u,
     0x75727075u, 0x7574727au, 0x78777a72u, 0x7571737bu, 0xf0e87474u, 0xfafae874u,
     0x746870f8u, 0xe87068f0u, 0xf0e8f470u, 0x00f070fau, 0x00747070u, 0xfcfe00f0u,
     0xf66df8fbu, 0x74ec0000u, 0xebf7e5f7u, 0x676efe76u, 0xf05afcf2u, 0xe77d4867u,
     0x7b6663f8u, 0xfa7c6c75u},
     {120, 120, 121, 113},
     {0}},
    {"nvfp4", 4, 16, 0,
     {0xa1ef54d2u, 0xd36045d0u, 0x96c905d2u, 0xa73223aau, 0x67757676u, 0x67656667u,
     0x65576546u, 0x65576675u, 0xffa6ca66u, 0xa42c624eu, 0x0c4ecad4u, 0xff0c0544u,
     0x5b00e3efu, 0x23f5beaeu, 0xa702c1fcu, 0xe735721eu},
     {42, 43, 43, 46, 53, 57, 2, 2},
     {0}},
    {"nvfp4", 4, 16, 0x406ccccdu,
     {0xa1ef54d2u, 0xd35045d0u, 0x95c904d2u, 0xa72223aau, 0x67757676u, 0x57556666u,
     0x65576546u, 0x65576675u, 0xffb6db66u, 0xb53d635fu, 0x0d5fdbe5u, 0xff0d0655u,
     0x5b00d3deu, 0x23f5ad9du, 0xa702c1fcu, 0xe735721eu},
     {119, 120, 120, 122, 126, 126, 69, 68},
     {0}},
};

#endif
