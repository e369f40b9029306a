/* Panels of the formats. */
#include "kernels/codes/k_codes_groups.h"

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

void KN(k_code_unpack_groups)(void *to, const mx_code_rows *r, ptrdiff_t k0, ptrdiff_t n,
                              const uint8_t *ask) {
    sink s = sink_panel(to, ask);
    if (r->bits == 4)
        give_groups(&s, r, k0, k0 + n, 4, r->kind, true, (way){.ask = VF_LANES * 16});
    else
        give_groups(&s, r, k0, k0 + n, 8, r->kind, true, (way){.ask = VF_LANES * 32});
}
