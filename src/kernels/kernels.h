/* The kernels of one instruction set: one struct of tables, chosen once at start.
 *
 * Every file src/kernels/<room>/k_*.c is compiled once per instruction set with MX_ISA set to its
 * name and defines one table per family, `const mx_k_<family> KN(mx_<family>)`. K_FAMILIES is the
 * list of families; kernels.c collects the tables and chooses. MLX_CPU_ISA (baseline, avx2, avx512,
 * neon) forces one that the processor has; another is refused.
 *
 * Kernels allocate nothing, fail never, start no threads; they get pointers, counts and strides.
 * Scratch space comes from the caller. Names: k_<operation>_<dtype>[_<shape of the register tile>].
 */
#ifndef MX_KERNELS_KERNELS_H
#define MX_KERNELS_KERNELS_H

#include "base/dtype.h"

#define K_FAMILIES(X) \
    X(pointwise)      \
    X(chain)          \
    X(copy)           \
    X(reduce)         \
    X(scan)           \
    X(softmax)        \
    X(norm)           \
    X(rope)           \
    X(index)          \
    X(random)         \
    X(matmul)         \
    X(conv)           \
    X(sort)           \
    X(fft)            \
    X(hadamard)       \
    X(attention)      \
    X(quant)          \
    X(blocks)         \
    X(codes)

typedef struct mx_kernels {
    const char *name; /* "baseline" "avx2" "avx512" "neon" */
#define X(family) const struct mx_k_##family *family;
    K_FAMILIES(X)
#undef X
} mx_kernels;

/* The chosen set; never NULL, thread-safe, decided at the first call. */
const mx_kernels *mx_kernels_get(void);
/* All sets this processor can run, the slowest first; *count of them. For tests. */
const mx_kernels *const *mx_kernels_all(int *count);
/* Tests and benchmarks: choose by name; false if this machine cannot. */
bool mx_kernels_choose(const char *name);

#ifdef MX_ISA
#define KN_JOIN2(a, b) a##_##b
#define KN_JOIN(a, b)  KN_JOIN2(a, b)
#define KN(name)       KN_JOIN(name, MX_ISA) /* the name with the instruction set's suffix */
#endif

#endif
