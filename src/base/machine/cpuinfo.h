/* What the processor and the operating system allow, and the machine's caches and memory. */
#ifndef MX_BASE_CPUINFO_H
#define MX_BASE_CPUINFO_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mx_cpuinfo {
    bool avx2;        /* AVX2 + FMA + F16C, and the OS saves ymm */
    bool avx512;      /* F BW CD DQ VL, and the OS saves zmm and k */
    bool avx512_bf16; /* vdpbf16ps */
    bool avx512_vnni; /* vpdpbusd */
    bool avx_vnni;    /* the same on 256 bits without AVX-512 */
    bool neon;        /* arm64 */
    bool neon_dotprod, neon_bf16, neon_fp16, neon_i8mm;
    size_t l1d, l2, l3;    /* bytes of one core's share; sane defaults where unknown */
    int processors;        /* this process may run on (affinity mask, cgroup quota rounded up) */
    size_t memory;         /* bytes of physical memory */
    char name[64];         /* brand string */
    char architecture[16]; /* "x86_64", "aarch64" */
} mx_cpuinfo;

const mx_cpuinfo *mx_cpuinfo_get(void); /* read once; never NULL */

#endif
