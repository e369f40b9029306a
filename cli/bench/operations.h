/* Operations that are measured: a row says what goes in, and how much work it is. */
#ifndef CLI_OPERATIONS_H
#define CLI_OPERATIONS_H

#include "cli.h"

typedef struct cli_sizes {
    size_t bytes; /* of arrays that no cache holds */
    int matrix;   /* rows and columns of matrices that are multiplied */
} cli_sizes;

enum { CLI_MOST_INPUTS = 4 };

typedef struct cli_operation {
    const char *name;
    mlx_dtype dtype;
    /* Fills in[]; returns 0, or 1 where the library failed. */
    int (*inputs)(mlx_array in[CLI_MOST_INPUTS], const struct cli_operation *o, cli_sizes s);
    int (*call)(mlx_array *res, const mlx_array in[CLI_MOST_INPUTS], mlx_stream s);
    /* Bytes read and written for each byte of in[0]. */
    double reads, writes;
    /* NULL: memory is all that limits it. */
    double (*flops)(const mlx_array in[CLI_MOST_INPUTS]);
} cli_operation;

extern const cli_operation cli_operations[]; /* ends with name NULL */

#endif
