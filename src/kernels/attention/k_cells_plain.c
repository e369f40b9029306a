/* Rows times codes of a cache with what the set itself has. */
#define CELLS mx_cells_plain
#include "kernels/attention/k_cells_codes.h"
