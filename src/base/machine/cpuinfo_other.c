/* WebAssembly, which does not tell what it runs on. */
#if !defined(__x86_64__) && !defined(__aarch64__)

#include <stdio.h>

#include "base/machine/cpuinfo_arch.h"

void mx_cpuinfo_arch(mx_cpuinfo *info) {
    snprintf(info->architecture, sizeof info->architecture, "wasm");
}

#else
typedef int mx_cpuinfo_other_is_empty;
#endif
