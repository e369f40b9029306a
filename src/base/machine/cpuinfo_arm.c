/* arm64: the kernel says what the processor can do (getauxval). */
#if defined(__aarch64__)

#include <asm/hwcap.h>
#include <stdio.h>
#include <sys/auxv.h>

#include "base/machine/cpuinfo_arch.h"

void mx_cpuinfo_arch(mx_cpuinfo *info) {
    snprintf(info->architecture, sizeof info->architecture, "aarch64");
    snprintf(info->name, sizeof info->name, "arm64 processor");
    unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
    info->neon = first & HWCAP_ASIMD;
    info->neon_fp16 = first & HWCAP_ASIMDHP;
    info->neon_dotprod = first & HWCAP_ASIMDDP;
    info->neon_bf16 = second & (1ul << 14); /* HWCAP2_BF16, absent from older headers */
    info->neon_i8mm = second & (1ul << 13); /* HWCAP2_I8MM */
}

#else
typedef int mx_cpuinfo_arm_is_empty;
#endif
