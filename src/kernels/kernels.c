/* The choice of an instruction set: the best one that processor and system allow, or the one that
 * MLX_CPU_ISA names. The tables come from the files k_*.c, compiled once per set
 * (cmake/kernels.cmake). */
#include "kernels/kernels.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine/cpuinfo.h"

/* One set: the declarations of its tables, and the struct that collects them. WebAssembly has the
   baseline's, whose instructions the compiler turns into those of 128 bits. */
#if defined(__x86_64__) || defined(__wasm__)
#define X(family) extern const struct mx_k_##family mx_##family##_baseline;
K_FAMILIES(X)
#undef X

static const mx_kernels baseline = {.name = "baseline",
#define X(family) .family = &mx_##family##_baseline,
                                    K_FAMILIES(X)
#undef X
};
#endif
#if defined(__x86_64__)
#define X(family) extern const struct mx_k_##family mx_##family##_avx2;
K_FAMILIES(X)
#undef X
#define X(family) extern const struct mx_k_##family mx_##family##_avx512;
K_FAMILIES(X)
#undef X

static const mx_kernels avx2 = {.name = "avx2",
#define X(family) .family = &mx_##family##_avx2,
                                K_FAMILIES(X)
#undef X
};
static const mx_kernels avx512 = {.name = "avx512",
#define X(family) .family = &mx_##family##_avx512,
                                  K_FAMILIES(X)
#undef X
};
#elif defined(__aarch64__)
#define X(family) extern const struct mx_k_##family mx_##family##_neon;
K_FAMILIES(X)
#undef X

static const mx_kernels neon = {.name = "neon",
#define X(family) .family = &mx_##family##_neon,
                                K_FAMILIES(X)
#undef X
};
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const mx_kernels *usable[4];
static int usable_count;
static _Atomic(const mx_kernels *) chosen;

static void add(const mx_kernels *set) {
    usable[usable_count++] = set;
}

static const mx_kernels *find(const char *name) {
    for (int i = 0; name && i < usable_count; i++)
        if (strcmp(usable[i]->name, name) == 0)
            return usable[i];
    return NULL;
}

static void choose(void) {
#if defined(__x86_64__) || defined(__wasm__)
    add(&baseline);
#endif
#if defined(__x86_64__)
    const mx_cpuinfo *cpu = mx_cpuinfo_get();
    if (cpu->avx2)
        add(&avx2);
    if (cpu->avx2 && cpu->avx512)
        add(&avx512);
#elif defined(__aarch64__)
    add(&neon);
#endif
    const mx_kernels *forced = find(getenv("MLX_CPU_ISA"));
    atomic_store(&chosen, forced ? forced : usable[usable_count - 1]);
}

const mx_kernels *mx_kernels_get(void) {
    const mx_kernels *k = atomic_load_explicit(&chosen, memory_order_acquire);
    if (k)
        return k;
    pthread_once(&once, choose);
    return atomic_load(&chosen);
}

const mx_kernels *const *mx_kernels_all(int *count) {
    pthread_once(&once, choose);
    *count = usable_count;
    return usable;
}

bool mx_kernels_choose(const char *name) {
    pthread_once(&once, choose);
    const mx_kernels *k = find(name);
    if (k)
        atomic_store(&chosen, k);
    return k != NULL;
}
