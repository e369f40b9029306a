/* A pointwise program: the fused form of a group of pointwise nodes of one shape.
 *
 *     value 0 .. n_in-1         loads of the inputs (any strides that broadcast to the shape)
 *     value n_in + k            the result of instruction k
 *     outputs                   values written to arrays
 *
 * Straight-line, single assignment. Each value has the dtype of the array that it stands for and is
 * rounded to it, so that nothing depends on what is computed together. The CPU interprets a program
 * tile by tile, a GPU backend prints it as source.
 */
#ifndef MX_GRAPH_PROGRAM_H
#define MX_GRAPH_PROGRAM_H

#include "graph/array/node.h"

#define MX_PROGRAM_MAX 256 /* instructions, inputs and outputs each */

enum { MX_OPC_CAST = MX_PW_COUNT }; /* a, which has dtype `dtype`, as `to` */

typedef struct mx_instr {
    uint16_t op;     /* mx_pointwise or MX_OPC_CAST */
    uint8_t dtype;   /* of the operands (of b and c for select) */
    uint8_t to;      /* of the result */
    uint16_t arg[3]; /* values */
    uint32_t source; /* where it was written (graph/watch/source.h) */
} mx_instr;

typedef struct mx_program {
    int ndim;
    const int *shape; /* of every value; borrowed from a member array */
    int64_t size;
    int stream; /* number of the stream */
    int n_in, n_instr, n_out;
    mx_array **in; /* available arrays, broadcast to the shape by program_strides */
    mx_instr *instr;
    uint16_t *out_value; /* the value of each output */
    mx_array **out;      /* pending arrays to be filled; NULL entries when it feeds a node */
} mx_program;

#endif
