/* Tables of the IQ formats (grids.c). */
#ifndef MX_KERNELS_GRIDS_H
#define MX_KERNELS_GRIDS_H

#include <stdint.h>

extern const uint16_t mx_iq2_xxs_grid[256], mx_iq2_xs_grid[512], mx_iq2_s_grid[1024];
extern const uint16_t mx_iq3_xxs_grid[256], mx_iq3_s_grid[512];
extern const uint16_t mx_iq1_grid[2048];

#endif
