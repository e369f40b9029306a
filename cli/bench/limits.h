/* What this machine can do at most, measured without the library: the memory's bandwidth and the
 * processors' arithmetic. */
#ifndef CLI_LIMITS_H
#define CLI_LIMITS_H

#include <stddef.h>

typedef struct cli_limits {
    int threads;
    double read;             /* bytes a second, of memory that no cache holds */
    double copy;             /* bytes read and bytes written a second */
    double float32, float64; /* operations a second; a multiplication with an addition is two */
} cli_limits;

/* As many as the library uses: MLX_NUM_THREADS, or the processors that the process may run on. */
int cli_threads(void);
/* bytes: of the memory that is read; seconds: for each of the four. 0, or 1: too little memory or
   no threads. */
int cli_measure(cli_limits *out, size_t bytes, double seconds);

/* peak.c: the widest instruction set of this processor. Does `rounds` times some steps of
   independent multiplications and additions; returns how many operations that was. *sink gets
   something that depends on all of them. */
double cli_peak_float32(long rounds, double *sink);
double cli_peak_float64(long rounds, double *sink);

#endif
