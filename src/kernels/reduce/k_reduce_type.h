/* Template: all six reductions of one dtype. Included with
 *
 *     T       storage type                     N(f)          names a function of this dtype
 *     S       accumulator of sum, prod         S_LOAD(x)     storage to S
 *     S_ADD(a, b)  S_MUL(a, b)  S_0  S_1       its arithmetic and identities
 *     C       compute type of max, min         C_LOAD(x)     storage to C
 *     C_MAX(a, b)  C_MIN(a, b)  C_LOW  C_HIGH  their functions (NaN wins) and identities
 *     TRUE(x)      x != 0 on storage
 *     R_FLOAT      defined: sum, prod, max, min rows and cols come from k_reduce_vec.h
 *
 * Undefined again at the end: all but C_*, which k_reduce_arg.h reads.
 */

#define R_T        T
#define R_A        S
#define R_LOAD(x)  S_LOAD(x)
#define R_OP(a, b) S_ADD(a, b)
#define R_INIT     S_0
#define R_FN(f)    N(sum_##f)
#if defined(R_FLOAT) || defined(R_OWN_SUM)
#define R_VECTOR
#endif
#include "kernels/reduce/k_reduce_loops.h"

#define R_T        T
#define R_A        S
#define R_LOAD(x)  S_LOAD(x)
#define R_OP(a, b) S_MUL(a, b)
#define R_INIT     S_1
#define R_FN(f)    N(prod_##f)
#ifdef R_FLOAT
#define R_VECTOR
#endif
#include "kernels/reduce/k_reduce_loops.h"

#define R_T        T
#define R_A        C
#define R_LOAD(x)  C_LOAD(x)
#define R_OP(a, b) C_MAX(a, b)
#define R_INIT     C_LOW
#define R_FN(f)    N(max_##f)
#ifdef R_FLOAT
#define R_VECTOR
#endif
#include "kernels/reduce/k_reduce_loops.h"

#define R_T        T
#define R_A        C
#define R_LOAD(x)  C_LOAD(x)
#define R_OP(a, b) C_MIN(a, b)
#define R_INIT     C_HIGH
#define R_FN(f)    N(min_##f)
#ifdef R_FLOAT
#define R_VECTOR
#endif
#include "kernels/reduce/k_reduce_loops.h"

/* The operand of & and | is a stored T the first time and a bool after. */
#define R_T        T
#define R_A        uint8_t
#define R_LOAD(x)  ((uint8_t)TRUE(x))
#define R_OP(a, b) ((uint8_t)((a) & (b)))
#define R_INIT     1
#define R_FN(f)    N(all_##f)
#include "kernels/reduce/k_reduce_loops.h"

#define R_T        T
#define R_A        uint8_t
#define R_LOAD(x)  ((uint8_t)TRUE(x))
#define R_OP(a, b) ((uint8_t)((a) | (b)))
#define R_INIT     0
#define R_FN(f)    N(any_##f)
#include "kernels/reduce/k_reduce_loops.h"
