/* Rows times codes of a cache with dot products, where the processor has them beyond its set. */
#define CELLS mx_cells_vnni
#include "kernels/attention/k_cells_codes.h"
