/* See pages.h: how keys and values lie, as floats or as codes. */
#include <string.h>

#include "kernels/pointwise/k_pointwise.h"
#include "models/direct/pages.h"

enum { MOST_GROUPS = 16 }; /* of float16 at a time */

mx_part mx_part_of(int bits, int64_t width) {
    mx_part p = {.width = width};
    p.row = (size_t)(width * bits / 8);
    if (bits < 16)
        p.scales = (size_t)(width / MX_CACHE_GROUP) * sizeof(uint16_t);
    p.bytes = ((p.row + 2 * p.scales) * MX_PAGE + 63) / 64 * 64;
    return p;
}

mx_quant_matrix mx_part_matrix(const mx_part *p, int bits, const char *part) {
    const char *scales = part + p->row * MX_PAGE;
    return (mx_quant_matrix){
        .format = {MX_AFFINE, bits, MX_CACHE_GROUP},
        .stype = MX_FLOAT16,
        .w = part,
        .scales = scales,
        .biases = scales + p->scales * MX_PAGE,
        .w_rs = (ptrdiff_t)p->row,
        .s_rs = (ptrdiff_t)p->scales,
        .factor = 1,
    };
}

static void encode(const mx_part *p, int bits, char *part, int64_t at, const float *x) {
    const mx_kernels *k = mx_kernels_get();
    mx_quant_format f = {MX_AFFINE, bits, MX_CACHE_GROUP};
    char *scales = part + p->row * MX_PAGE + (size_t)at * p->scales;
    char *row = part + (size_t)at * p->row;
    int64_t groups = p->width / MX_CACHE_GROUP;
    for (int64_t g = 0; g < groups; g += MOST_GROUPS) {
        int64_t n = groups - g < MOST_GROUPS ? groups - g : MOST_GROUPS;
        uint16_t half[MOST_GROUPS * MX_CACHE_GROUP];
        k->pointwise->cast[MX_FLOAT32][MX_FLOAT16](half, x + g * MX_CACHE_GROUP,
                                                   (size_t)(n * MX_CACHE_GROUP));
        k->quant->quantize[MX_FLOAT16]((uint32_t *)(void *)(row + g * MX_CACHE_GROUP * bits / 8),
                                       scales + g * 2, scales + p->scales * MX_PAGE + g * 2, half,
                                       f, n, 1.0f);
    }
}

void mx_part_put(const mx_part *p, int bits, char *part, int64_t at, const float *x) {
    if (bits == 32)
        memcpy(part + (size_t)at * p->row, x, p->row);
    else if (bits == 16)
        mx_kernels_get()->pointwise->cast[MX_FLOAT32][MX_FLOAT16](part + (size_t)at * p->row, x,
                                                                  (size_t)p->width);
    else
        encode(p, bits, part, at, x);
}

void mx_part_get(const mx_part *p, int bits, const char *part, int64_t at, float *x) {
    const char *row = part + (size_t)at * p->row;
    if (bits == 32) {
        memcpy(x, row, p->row);
    } else if (bits == 16) {
        mx_kernels_get()->pointwise->cast[MX_FLOAT16][MX_FLOAT32](x, row, (size_t)p->width);
    } else {
        mx_quant_matrix m = mx_part_matrix(p, bits, part);
        mx_kernels_get()->quant->dequant(x, &m, at, 0, p->width);
    }
}
