/* What this machine can do at most, measured once in a fifth of a second when somebody asks. */
#ifndef MX_GRAPH_LIMITS_H
#define MX_GRAPH_LIMITS_H

#include <stdbool.h>

typedef struct mx_limits {
    double bandwidth; /* bytes a second that all threads read from memory */
    double flops;     /* float32 operations a second in the best kernel, from the first cache */
} mx_limits;

/* False and an error: no memory to measure with. */
bool mx_limits_measure(mx_limits *out);
/* What was measured; false: nobody has asked yet. */
bool mx_limits_known(mx_limits *out);

#endif
