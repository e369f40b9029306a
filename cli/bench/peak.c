/* The arithmetic that a processor can do at most, by the widest instruction set it has. The file is
 * compiled with contraction, so that x * a + b is one instruction where there is one. */
#include "bench/limits.h"

#define TARGET
#define REAL  float
#define BYTES 16
#define NAME  plain_float32
#include "bench/peak_loop.h"
#define TARGET
#define REAL  double
#define BYTES 16
#define NAME  plain_float64
#include "bench/peak_loop.h"

#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,fma")))
#define REAL   float
#define BYTES  32
#define NAME   avx2_float32
#include "bench/peak_loop.h"
#define TARGET __attribute__((target("avx2,fma")))
#define REAL   double
#define BYTES  32
#define NAME   avx2_float64
#include "bench/peak_loop.h"
#define TARGET __attribute__((target("avx512f")))
#define REAL   float
#define BYTES  64
#define NAME   avx512_float32
#include "bench/peak_loop.h"
#define TARGET __attribute__((target("avx512f")))
#define REAL   double
#define BYTES  64
#define NAME   avx512_float64
#include "bench/peak_loop.h"

double cli_peak_float32(long rounds, double *sink) {
    if (__builtin_cpu_supports("avx512f"))
        return avx512_float32(rounds, sink);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return avx2_float32(rounds, sink);
    return plain_float32(rounds, sink);
}

double cli_peak_float64(long rounds, double *sink) {
    if (__builtin_cpu_supports("avx512f"))
        return avx512_float64(rounds, sink);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return avx2_float64(rounds, sink);
    return plain_float64(rounds, sink);
}
#else
double cli_peak_float32(long rounds, double *sink) {
    return plain_float32(rounds, sink);
}

double cli_peak_float64(long rounds, double *sink) {
    return plain_float64(rounds, sink);
}
#endif
