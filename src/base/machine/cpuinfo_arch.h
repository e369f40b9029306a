/* The part of cpuinfo.h that differs by architecture: cpuinfo_x86.c, cpuinfo_arm.c and
   cpuinfo_other.c, of which exactly one has contents. Fills in instruction sets, name and
   architecture. */
#ifndef MX_BASE_CPUINFO_ARCH_H
#define MX_BASE_CPUINFO_ARCH_H

#include "base/machine/cpuinfo.h"

void mx_cpuinfo_arch(mx_cpuinfo *info);

#endif
