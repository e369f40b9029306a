/* x86-64: the processor says what it can do (cpuid) and which registers the system saves
 * (xgetbv);
   an instruction set needs both. Bits: Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix
   E. */
#if defined(__x86_64__)

#include <cpuid.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/machine/cpuinfo_arch.h"

#define XCR0_YMM 0x06u /* xmm and ymm state */
#define XCR0_ZMM 0xe6u /* and opmask, zmm */

typedef struct regs {
    uint32_t a, b, c, d;
} regs;

static regs leaf(uint32_t number, uint32_t sub) {
    regs r = {0};
    if (!__get_cpuid_count(number, sub, &r.a, &r.b, &r.c, &r.d))
        memset(&r, 0, sizeof r);
    return r;
}

static bool all_bits(uint32_t word, uint32_t bits) {
    return (word & bits) == bits;
}

static uint32_t saved_state(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static void read_name(mx_cpuinfo *info) {
    char text[49] = {0};
    for (uint32_t i = 0; i < 3; i++) {
        regs r = leaf(0x80000002u + i, 0);
        memcpy(text + 16 * i, &r, sizeof r);
    }
    const char *start = text + strspn(text, " ");
    if (*start)
        snprintf(info->name, sizeof info->name, "%s", start);
}

void mx_cpuinfo_arch(mx_cpuinfo *info) {
    snprintf(info->architecture, sizeof info->architecture, "x86_64");
    read_name(info);
    regs one = leaf(1, 0), seven = leaf(7, 0), more = leaf(7, 1);
    if (!(one.c & bit_OSXSAVE))
        return;
    uint32_t saved = saved_state();
    info->avx2 = all_bits(saved, XCR0_YMM) && all_bits(one.c, bit_FMA | bit_AVX | bit_F16C) &&
                 all_bits(seven.b, bit_AVX2 | bit_BMI | bit_BMI2);
    info->avx512 =
        info->avx2 && all_bits(saved, XCR0_ZMM) &&
        all_bits(seven.b, bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL);
    info->avx512_bf16 = info->avx512 && all_bits(more.a, 1u << 5);
    info->avx512_vnni = info->avx512 && all_bits(seven.c, 1u << 11);
    info->avx_vnni = info->avx2 && all_bits(more.a, 1u << 4);
}

#else
typedef int mx_cpuinfo_x86_is_empty;
#endif
