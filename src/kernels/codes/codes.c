/* The list of formats that are multiplied in integers. */
#include "kernels/codes/codes.h"

#include <string.h>

#include "base/machine/cpuinfo.h"

const mx_code_format mx_code_formats[MX_BLOCK_KINDS] = {
#define X(name, way, offset) [MX_BLOCK_##name] = {true, MX_CODES_##way, offset, false},
    MX_CODES(X)
#undef X
};

mx_code_format mx_code_affine(int bits) {
    if (bits == 4)
        return (mx_code_format){true, MX_CODES_four_least, 0, true};
    return (mx_code_format){bits == 8, MX_CODES_wide_least, 0, false};
}

mx_code_strip mx_code_strip_of(void *to, mx_code_strip rows, int64_t some, ptrdiff_t bytes) {
    for (int64_t i = 0; i < mx_kernels_get()->codes->lanes; i++)
        memcpy((char *)to + i * bytes, rows.first + (i < some ? i : some - 1) * rows.apart,
               (size_t)bytes);
    return (mx_code_strip){to, bytes};
}

static bool has_byte_dots(void) {
    const mx_cpuinfo *cpu = mx_cpuinfo_get();
    bool wide = mx_kernels_get()->codes->lanes == MX_CODE_LANES;
    return wide ? cpu->avx512_vnni : cpu->avx_vnni || cpu->neon_dotprod;
}

const mx_k_code_table *mx_code_table(void) {
    const mx_k_codes *codes = mx_kernels_get()->codes;
    return codes->vnni->multiply_groups && has_byte_dots() ? codes->vnni : codes->plain;
}

mx_code_reading mx_code_reading_of(const mx_code_format *f) {
    static const struct {
        int group, most;
        bool least;
    } ways[] = {
#define X(name, group, most, least) [MX_CODES_##name] = {group, most, least},
        MX_CODE_WAYS(X)
#undef X
    };
    bool wide = ways[f->way].most > 63;
    return (mx_code_reading){ways[f->way].group, wide ? mx_code_table()->wide_offset : f->offset,
                             ways[f->way].least, f->parted};
}

void mx_code_read(const mx_code_reading *r, void *row, const float *x, ptrdiff_t k, int digits) {
    const mx_k_codes *codes = mx_kernels_get()->codes;
    codes->round(row, x, k, r->group, r->least, r->offset, digits);
    if (r->parted)
        codes->part(row, k * digits);
}
