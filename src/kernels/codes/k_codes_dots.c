/* Panels times rows with what the set itself has. */
#define DOTS k_code_plain
#include "kernels/codes/k_codes_dots.h"
