/* A pointwise program: the fused form of a group of pointwise nodes of one shape.
 *
 *     value 0 .. n_in-1         loads of the inputs (any strides that broadcast to the shape)
 *     value n_in + k            the result of instruction k
 *     outputs                   values written to arrays
 *
 * Straight-line, single assignment; each value has one compute dtype (halves are float32 inside; an
 * explicit cast to a half rounds). The CPU interprets it tile by tile, a GPU backend prints it as source.
 */
#ifndef MX_GRAPH_PROGRAM_H
#define MX_GRAPH_PROGRAM_H

#include "graph/node.h"

#define MX_PROGRAM_MAX 256 /* instructions, inputs and outputs each */

typedef enum mx_opcode_extra {
    MX_OPC_CAST = MX_PW_COUNT, /* a from storage dtype `from` to storage dtype `to` */
    MX_OPC_ROUND_HALF          /* a float32 value to the nearest half of dtype `to`, held as float32 */
} mx_opcode_extra;

typedef struct mx_instr {
    uint16_t op;      /* mx_pointwise or mx_opcode_extra */
    uint8_t dtype;    /* compute dtype of the operands (of b and c for select) */
    uint8_t to;       /* dtype of the result value (compute dtype; storage dtype for ROUND_HALF) */
    uint16_t arg[3];  /* values */
} mx_instr;

typedef struct mx_program {
    int ndim;
    const int *shape;         /* of every value; borrowed from a member array */
    int64_t size;
    int n_in, n_instr, n_out;
    mx_array **in;            /* available arrays, broadcast to the shape by program_strides */
    mx_instr *instr;
    uint16_t *out_value;      /* the value of each output */
    mx_array **out;           /* pending arrays to be filled; NULL entries when it feeds a node */
} mx_program;

#endif
