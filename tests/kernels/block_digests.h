/* Made by make_block_digests.py: FNV-1a of what the package gguf decodes and encodes (0:
   nothing). */
#include <stdint.h>

static const struct {
    const char *file_name;
    uint64_t decoded, encoded;
} block_digests[] = {
    {"Q4_0", 0xa224279ded126036u, 0x3c030f25b5129969u},
    {"Q4_1", 0x98f8726378805acau, 0xbf4c5b1664e14a8eu},
    {"Q5_0", 0x827e649a2a28a434u, 0x951041a4c1c19647u},
    {"Q5_1", 0xed1c8db1c6a01aefu, 0x47ca00527e1e5d47u},
    {"Q8_0", 0x691afc44809cfe19u, 0xebbea55e58dac179u},
    {"Q2_K", 0xce6a7c75c15d3aa7u, 0x0000000000000000u},
    {"Q3_K", 0x47a70a47b378405eu, 0x0000000000000000u},
    {"Q4_K", 0xb579b4453c4d234eu, 0x0000000000000000u},
    {"Q5_K", 0xd32f278510e091f0u, 0x0000000000000000u},
    {"Q6_K", 0xf712c526aa75f2f6u, 0x0000000000000000u},
    {"IQ2_XXS", 0x7e351bfdd6e5c140u, 0x0000000000000000u},
    {"IQ2_XS", 0x1f19d4c600878c80u, 0x0000000000000000u},
    {"IQ3_XXS", 0xa5966c093ff4b898u, 0x0000000000000000u},
    {"IQ1_S", 0x8d6fab031280d487u, 0x0000000000000000u},
    {"IQ4_NL", 0x8bda51d0d124b959u, 0x0000000000000000u},
    {"IQ3_S", 0x3bc731ed72de19e0u, 0x0000000000000000u},
    {"IQ2_S", 0x16f5c7e591cbb3d0u, 0x0000000000000000u},
    {"IQ4_XS", 0xb842bd7536bb9185u, 0x0000000000000000u},
    {"IQ1_M", 0x9e0c4ab54bfbd8bbu, 0x0000000000000000u},
    {"TQ1_0", 0x3b512323936d40cau, 0x29437c2d14a6ce2au},
    {"TQ2_0", 0x9381cf61ac3675cdu, 0x6a6adb6b023eb301u},
    {"MXFP4", 0x762aaf86ba102731u, 0xf136ea49a862caadu},
    {"NVFP4", 0xaadf5ddf07c4d7cdu, 0x0000000000000000u},
};
