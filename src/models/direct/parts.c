/* See pages.h: how keys and values lie, as floats or as codes. */
#include <math.h>
#include <string.h>

#include "base/half.h"
#include "kernels/pointwise/k_pointwise.h"
#include "models/direct/pages.h"

enum { GROUP = MX_CACHE_GROUP, HALF = GROUP / 2 };

static size_t in_lines(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

mx_part mx_part_of(int bits, int64_t width, bool turned) {
    mx_part p = {.width = width, .bits = bits, .turned = turned};
    size_t scales = bits < 16 ? (size_t)(width / GROUP) * MX_PAGE * sizeof(uint16_t) : 0;
    p.scales = in_lines((size_t)(width * bits / 8) * MX_PAGE);
    p.least = p.scales + in_lines(scales);
    p.bytes = p.least + in_lines(scales);
    return p;
}

mx_k_cells mx_part_cells(const mx_part *p, const char *part, int64_t n, int64_t width) {
    mx_k_cells m = {.bits = p->bits, .turned = p->turned, .cells = part};
    m.k = p->turned ? width : n;
    m.n = p->turned ? (n + 15) / 16 * 16 : width; // whole vectors are there
    m.ld = p->turned ? MX_PAGE : p->width;
    if (p->bits < 16)
        m.ld = p->turned || p->bits == 8 ? 2 * m.ld : m.ld;
    m.scale = (const uint16_t *)(const void *)(part + p->scales);
    m.least = (const uint16_t *)(const void *)(part + p->least);
    m.scale_ld = MX_PAGE;
    return m;
}

/* --- places ----------------------------------------------------------------------------------- */

/* Of number i of position `at`. */
static size_t place(const mx_part *p, int64_t at, int64_t i) {
    return (size_t)(p->turned ? i * MX_PAGE + at : at * p->width + i);
}

/* The byte of a code; of 4 bits, numbers from HALF on lie in its upper half. Rows of bytes lie in
   pairs. */
static size_t code_place(const mx_part *p, int64_t at, int64_t i) {
    int64_t width = p->bits == 4 ? p->width / 2 : p->width;
    int64_t n = p->bits == 4 ? i / GROUP * HALF + i % HALF : i;
    int64_t row = p->turned ? n : at, column = p->turned ? at : n;
    return (size_t)((row / 2 * (p->turned ? MX_PAGE : width) + column) * 2 + row % 2);
}

/* --- codes ------------------------------------------------------------------------------------ */

static void put_group(const mx_part *p, char *part, int64_t at, int64_t group, const float *x) {
    float low = x[0], high = x[0], steps = p->bits == 8 ? 255.0f : 15.0f;
    for (int i = 1; i < GROUP; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    size_t where = (size_t)(group * MX_PAGE + at);
    uint16_t least = mx_f32_to_f16(low), scale = mx_f32_to_f16((high - low) / steps);
    ((uint16_t *)(void *)(part + p->scales))[where] = scale;
    ((uint16_t *)(void *)(part + p->least))[where] = least;
    float from = mx_f16_to_f32(least), by = mx_f16_to_f32(scale);
    by = by > 0 ? 1.0f / by : 0.0f;
    uint8_t code[GROUP];
    for (int i = 0; i < GROUP; i++) {
        float q = (x[i] - from) * by + 0.5f;
        code[i] = (uint8_t)(q >= 0 ? q < steps ? q : steps : 0); // NaN: 0
    }
    uint8_t *to = (uint8_t *)part;
    for (int i = 0; p->bits == 8 && i < GROUP; i++)
        to[code_place(p, at, group * GROUP + i)] = code[i];
    for (int i = 0; p->bits == 4 && i < HALF; i++)
        to[code_place(p, at, group * GROUP + i)] = (uint8_t)(code[i] | code[i + HALF] << 4);
}

static void get_group(const mx_part *p, const char *part, int64_t at, int64_t group, float *x) {
    size_t where = (size_t)(group * MX_PAGE + at);
    float scale = mx_f16_to_f32(((const uint16_t *)(const void *)(part + p->scales))[where]);
    float least = mx_f16_to_f32(((const uint16_t *)(const void *)(part + p->least))[where]);
    const uint8_t *from = (const uint8_t *)part;
    for (int i = 0; i < GROUP; i++) {
        int64_t n = group * GROUP + i;
        int code = from[code_place(p, at, n)];
        code = p->bits == 8 ? code : code >> (i < HALF ? 0 : 4) & 15;
        x[i] = (float)code * scale + least;
    }
}

/* --- positions -------------------------------------------------------------------------------- */

/* One place or a column, of 32 or 16 bits. */
static void put_floats(const mx_part *p, char *part, int64_t at, const float *x) {
    float *wide = (float *)(void *)part;
    uint16_t *half = (uint16_t *)(void *)part;
    if (p->turned && p->bits == 32)
        for (int64_t i = 0; i < p->width; i++)
            wide[i * MX_PAGE + at] = x[i];
    else if (p->turned)
        for (int64_t i = 0; i < p->width; i++)
            half[i * MX_PAGE + at] = mx_f32_to_f16(x[i]);
    else if (p->bits == 32)
        memcpy(wide + at * p->width, x, (size_t)p->width * sizeof *x);
    else
        mx_kernels_get()->pointwise->cast[MX_FLOAT32][MX_FLOAT16](half + at * p->width, x,
                                                                  (size_t)p->width);
}

void mx_part_put(const mx_part *p, char *part, int64_t at, const float *x) {
    if (p->bits >= 16)
        put_floats(p, part, at, x);
    else
        for (int64_t g = 0; g < p->width / GROUP; g++)
            put_group(p, part, at, g, x + g * GROUP);
}

void mx_part_get(const mx_part *p, const char *part, int64_t at, float *x) {
    const float *wide = (const float *)(const void *)part;
    const uint16_t *half = (const uint16_t *)(const void *)part;
    for (int64_t i = 0; p->bits >= 16 && i < p->width; i++)
        x[i] = p->bits == 32 ? wide[place(p, at, i)] : mx_f16_to_f32(half[place(p, at, i)]);
    for (int64_t g = 0; p->bits < 16 && g < p->width / GROUP; g++)
        get_group(p, part, at, g, x + g * GROUP);
}
