/* The list of formats that are multiplied in integers. */
#include "kernels/codes/codes.h"

#include "base/machine/cpuinfo.h"

const mx_code_format mx_code_formats[MX_BLOCK_KINDS] = {
#define X(name, way, offset) [MX_BLOCK_##name] = {true, MX_CODES_##way, offset},
    MX_CODES(X)
#undef X
};

static bool has_byte_dots(void) {
    const mx_cpuinfo *cpu = mx_cpuinfo_get();
    bool wide = mx_kernels_get()->codes->lanes == MX_CODE_LANES;
    return wide ? cpu->avx512_vnni : cpu->avx_vnni || cpu->neon_dotprod;
}

const mx_k_code_table *mx_code_table(void) {
    const mx_k_codes *codes = mx_kernels_get()->codes;
    return codes->vnni->dots[0] && has_byte_dots() ? codes->vnni : codes->plain;
}
