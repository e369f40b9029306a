/* Pointwise kernels: straight loops over contiguous tiles, called by the program interpreter
 * (cpu/program/cpu_program.c). They know nothing of shapes.
 *
 * Each takes n elements. `out` may be exactly equal to an operand's pointer when element sizes
 * agree; otherwise nothing overlaps. Pointers are aligned to their element only. No byte past
 * n elements is read or written (operands can be borrowed memory at the end of a page). Tables
 * are indexed by the operands' dtype. On float16 and bfloat16 an operation is the one on float32,
 * its result rounded once.
 */
#ifndef MX_KERNELS_K_POINTWISE_H
#define MX_KERNELS_K_POINTWISE_H

#include "base/dtype.h"

typedef enum mx_pointwise {
#define UNARY(name, Name, domain, result) MX_PW_##name,
#define BINARY                            UNARY
#define TERNARY                           UNARY
#include "kernels/pointwise/pointwise.def"
    MX_PW_COUNT
} mx_pointwise;

typedef void mx_k_unary(void *out, const void *a, size_t n);
typedef void mx_k_binary(void *out, const void *a, const void *b, size_t n);
typedef void mx_k_ternary(void *out, const void *a, const void *b, const void *c, size_t n);
/* Fill n elements with the one at `a`. */
typedef void mx_k_fill(void *out, const void *a, size_t n);

/* One pointwise operation on one dtype; exactly one member is used, by the operation's arity. */
typedef union mx_k_pw {
    mx_k_unary *unary;
    mx_k_binary *binary;
    mx_k_ternary *ternary;
} mx_k_pw;

typedef struct mx_k_pointwise {
    mx_k_pw op[MX_PW_COUNT][MX_DTYPE_COUNT];
    /* cast[from][to], all 14 x 14 storage dtypes; equal types copy. Float to integer truncates
     * towards zero; out of range and NaN as MLX on x86-64 gives, but never undefined
     * behaviour. To bool: x != 0. Complex to real: the real part. */
    mx_k_unary *cast[MX_DTYPE_COUNT][MX_DTYPE_COUNT];
    mx_k_fill *fill[9]; /* by element size: 1 2 4 8 */
} mx_k_pointwise;

/* What an operation takes and gives; one table, built from pointwise.def, the same on every
 * machine. */
typedef enum mx_pw_domain {
    MX_PWD_ALL,
    MX_PWD_NUMBER,
    MX_PWD_REAL,
    MX_PWD_ORDERED,
    MX_PWD_FLOAT,
    MX_PWD_INEXACT,
    MX_PWD_BITS,
    MX_PWD_LOGIC
} mx_pw_domain;
typedef enum mx_pw_result { MX_PWR_SAME, MX_PWR_BOOL, MX_PWR_PART } mx_pw_result;
typedef struct mx_pw_info {
    const char *name;
    int arity;
    mx_pw_domain domain;
    mx_pw_result result;
} mx_pw_info;
extern const mx_pw_info mx_pw_infos[MX_PW_COUNT];
bool mx_pw_accepts(mx_pw_domain d, mx_dtype compute_type);

#endif
