/* Panels of the formats. */
#include "kernels/codes/k_codes_formats.h"

#define X(name, as, offset)                                                              \
    void K_UNPACK(name)(void *to, const uint8_t *const *rows, ptrdiff_t at, ptrdiff_t n, \
                        const uint8_t *ask) {                                            \
        const way w = {.ask = GROUP_BYTES_##name};                                       \
        sink s = sink_panel(to, ask);                                                    \
        for (ptrdiff_t i = 0; i < n; i++)                                                \
            unpack_##name(&s, rows, at + i * BLOCK_BYTES_##name, true, w);               \
    }
MX_CODES(X)
#undef X
