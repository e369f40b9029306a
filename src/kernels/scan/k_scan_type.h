/* Template: sum, product, maximum and minimum scans of one dtype. Included with T, A,
 * LOAD, STORE as in k_scan_loops.h, N(f) naming functions of the dtype, and ADD, MUL,
 * MAX, MIN (NaN wins), ZERO, ONE, LOW, HIGH, optionally LOGADD and LSE_LOW; T, A, LOAD,
 * STORE, TYPE, LOW, HIGH are undefined again. */

#define OP(a, b) ADD(a, b)
#define INIT     ZERO
#define FN(f)    N(sum_##f)
#include "kernels/scan/k_scan_loops.h"

#define OP(a, b) MUL(a, b)
#define INIT     ONE
#define FN(f)    N(prod_##f)
#include "kernels/scan/k_scan_loops.h"

#define OP(a, b) MAX(a, b)
#define INIT     LOW
#define FN(f)    N(max_##f)
#include "kernels/scan/k_scan_loops.h"

#define OP(a, b) MIN(a, b)
#define INIT     HIGH
#define FN(f)    N(min_##f)
#include "kernels/scan/k_scan_loops.h"

#ifdef LOGADD
#define OP(a, b) LOGADD(a, b)
#define INIT     LSE_LOW
#define FN(f)    N(lse_##f)
#define S_SERIAL
#include "kernels/scan/k_scan_loops.h"
#endif

#undef TYPE
#undef T
#undef A
#undef LOAD
#undef STORE
#undef LOW
#undef HIGH
