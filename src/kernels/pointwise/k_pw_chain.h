/* Chains: operations on float32 one after the other, on values that stay in vector registers.
 *
 *     in ─▶ link ─▶ link ─▶ keep ─▶ link ─▶ ... ─▶ end ─▶ out
 *
 * A link has a step, which changes the values by its operation and goes on with the next link's
 * step; the operand is in memory, or one number for all. Eight vectors are on their way at once, as
 * arguments, which the calling conventions of x86-64 and arm64 keep in registers; a step ends with
 * a call, which is a jump. Each result is rounded, as by the kernel of the operation alone.
 *
 * Where the values come from and go to is in registers as well: addresses that the processor had to
 * load first keep stores from asking for their lines early, which costs a third where memory is the
 * limit.
 */
#ifndef MX_KERNELS_K_PW_CHAIN_H
#define MX_KERNELS_K_PW_CHAIN_H

#include "kernels/pointwise/k_pointwise.h"

typedef void mx_k_step(void); /* of an instruction set's own type, and called by its steps only */

typedef struct mx_k_link {
    mx_k_step *step;
    void *data;   /* of element 0 */
    float number; /* where the operand is one */
} mx_k_link;

/* One operation of n elements at `a` with one number, which is on the left where `turned`: what the
   kernel of the operation gives where an operand is full of that number. */
typedef void mx_k_with_number(void *out, const void *a, const void *number, size_t n, bool turned);

typedef enum mx_k_operand { MX_LINK_DATA, MX_LINK_NUMBER, MX_LINK_OPERANDS } mx_k_operand;

typedef struct mx_k_chain {
    size_t block; /* elements that are on their way at once */
    /* Elements [0, n), n a multiple of `block`, of `in` through the chain to `out`. */
    void (*run)(const mx_k_link *chain, const void *in, void *out, size_t n);
    mx_k_step *keep, *end; /* the values go to data and on; go to `out` */
    /* NULL: the operation has none */
    mx_k_step *unary[MX_PW_COUNT];
    /* turned [1]: the operand is on the left */
    mx_k_step *binary[MX_PW_COUNT][MX_LINK_OPERANDS][2];
    /* The operand, on either side, is a number but 0 and NaN: shorter. NULL: none is. */
    mx_k_step *plain[MX_PW_COUNT];
    /* An operation by itself, by the operands' dtype; NULL: it has none. */
    mx_k_with_number *number[MX_PW_COUNT][MX_DTYPE_COUNT];
} mx_k_chain;

#endif
