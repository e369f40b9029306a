/* Rows of x as kernels of cells take them: as many at once as registers hold the sums of. */
#ifndef MX_KERNELS_CELLS_ROWS_H
#define MX_KERNELS_CELLS_ROWS_H

#include "kernels/simd/simd.h"

enum { ROWS = VF_REGS >= 32 ? 4 : 2 };

/* CALL(r, n) for all of `rows`: n of them from the r-th on, and n a constant. */
#define BY_ROWS(rows, CALL)                   \
    do {                                      \
        ptrdiff_t r = 0;                      \
        for (; r + ROWS <= (rows); r += ROWS) \
            CALL(r, ROWS);                    \
        if (ROWS > 2 && r + 3 <= (rows)) {    \
            CALL(r, 3);                       \
            r += 3;                           \
        }                                     \
        for (; r + 2 <= (rows); r += 2)       \
            CALL(r, 2);                       \
        for (; r < (rows); r++)               \
            CALL(r, 1);                       \
    } while (0)

#endif
