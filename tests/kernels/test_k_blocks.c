/* Blocks of GGUF files: the kernels of every instruction set give, bit for bit, what the gguf
 * package gives where it can (block_digests.h), and what their definition says where not; encoders
 * are as good as they should be. */
#include <stdlib.h>

#include "block_digests.h"
#include "check.h"
#include "kernels/blocks/blocks.h"

enum { BLOCKS = 96, MOST_BYTES = 292, NUMBERS = BLOCKS * 256 };

static uint64_t state;

static uint32_t bits(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}

static uint64_t digest(const void *p, size_t n) {
    const unsigned char *b = p;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * 0x100000001b3u;
    return h;
}

/* Where the halves of a format lie; -1: there is no more. */
static const int *halves_of(mx_block_kind kind) {
    static const int first[] = {0, -1}, two[] = {0, 2, -1}, none[] = {-1};
    static const int q2[] = {80, 82, -1}, q3[] = {108, -1}, q6[] = {208, -1}, tq1[] = {52, -1},
                     tq2[] = {64, -1};
    switch (kind) {
    case MX_BLOCK_q4_1:
    case MX_BLOCK_q5_1:
    case MX_BLOCK_q4_k:
    case MX_BLOCK_q5_k: return two;
    case MX_BLOCK_q2_k: return q2;
    case MX_BLOCK_q3_k: return q3;
    case MX_BLOCK_q6_k: return q6;
    case MX_BLOCK_tq1_0: return tq1;
    case MX_BLOCK_tq2_0: return tq2;
    case MX_BLOCK_iq1_m:
    case MX_BLOCK_mxfp4_gguf:
    case MX_BLOCK_nvfp4_gguf: return none;
    default: return first;
    }
}

/* Any bytes, but finite scales. */
static void random_blocks(unsigned char *b, const mx_block_format *f) {
    state = 1;
    for (int i = 0; i < BLOCKS * f->bytes; i++)
        b[i] = (unsigned char)(bits() >> 24);
    for (int i = 0; i < BLOCKS; i++, b += f->bytes) {
        for (const int *at = halves_of(f->kind); *at >= 0; at++)
            b[*at + 1] &= 0xbf;
        if (f->kind == MX_BLOCK_iq1_m)
            b[55] &= 0xbf;
    }
}

static void numbers(float *x) {
    state = 2;
    for (int i = 0; i < NUMBERS; i++) {
        float u = (float)(bits() >> 8) * 0x1p-23f - 1;
        x[i] = u * u * u;
        if (i / 256 % 3 == 0)
            x[i] = truncf(x[i] * 8) * 0.125f;
        if (i / 256 == 7)
            x[i] = 0;
    }
}

static unsigned char blocks[BLOCKS * 8 * MOST_BYTES + 1];
static float x[NUMBERS], y[NUMBERS + 1];

/* --- the package's digests -------------------------------------------------------------------- */

static const mx_block_format *named(const char *file_name) {
    for (int i = 0; i < MX_BLOCK_KINDS; i++)
        if (strcmp(mx_block_formats[i].file_name, file_name) == 0)
            return &mx_block_formats[i];
    return NULL;
}

static void check_decoded(const mx_kernels *set, const mx_block_format *f, uint64_t want) {
    for (int shift = 0; shift < 2; shift++) { // at any address
        random_blocks(blocks + shift, f);
        y[BLOCKS * f->items] = 77;
        set->blocks->decode[f->kind](y, blocks + shift, BLOCKS);
        CHECK_MSG(digest(y, (size_t)(BLOCKS * f->items) * 4) == want, "%s %s: other numbers",
                  set->name, f->name);
        CHECK(y[BLOCKS * f->items] == 77);
    }
}

static void check_encoded(const mx_kernels *set, const mx_block_format *f, uint64_t want) {
    size_t n = NUMBERS / f->items;
    numbers(x);
    set->blocks->encode[f->kind](blocks, x, n);
    CHECK_MSG(digest(blocks, n * f->bytes) == want, "%s %s: other bytes", set->name, f->name);
}

static void test_package(void) {
    int sets;
    const mx_kernels *const *set = mx_kernels_all(&sets);
    for (size_t i = 0; i < sizeof block_digests / sizeof *block_digests; i++) {
        const mx_block_format *f = named(block_digests[i].file_name);
        if (!CHECK_MSG(f != NULL, "%s is not known", block_digests[i].file_name))
            continue;
        for (int k = 0; k < sets; k++) {
            check_decoded(set[k], f, block_digests[i].decoded);
            if (block_digests[i].encoded)
                check_encoded(set[k], f, block_digests[i].encoded);
        }
    }
}

/* --- what the package has not ----------------------------------------------------------------- */

/* The formats for products on the fly, and one bit: by definition. */
static void test_definitions(void) {
    const mx_block_format *q8 = mx_block_by_name("q8_1"), *q8k = mx_block_by_name("q8_k"),
                          *q1 = mx_block_by_name("q1_0");
    random_blocks(blocks, q8);
    mx_blocks_decode(q8, y, blocks, BLOCKS);
    for (int i = 0; i < BLOCKS * 32; i++) {
        const mx_q8_1 *b = (const mx_q8_1 *)blocks + i / 32;
        CHECK(y[i] == mx_block_half(b->d) * (float)b->q[i % 32]);
    }
    random_blocks(blocks, q1);
    mx_blocks_decode(q1, y, blocks, BLOCKS);
    for (int i = 0; i < BLOCKS * 128; i++) {
        const mx_q1_0 *b = (const mx_q1_0 *)blocks + i / 128;
        float d = mx_block_half(b->d);
        CHECK(y[i] == (b->q[i % 128 / 8] >> (i % 8) & 1 ? d : -d));
    }
    numbers(x);
    mx_blocks_encode(q8k, blocks, x, NUMBERS / 256);
    mx_blocks_decode(q8k, y, blocks, NUMBERS / 256);
    for (int i = 0; i < NUMBERS / 256; i++) {
        const mx_q8_k *b = (const mx_q8_k *)blocks + i;
        float d = mx_bits_f32(mx_block_u32(b->d));
        int sum = 0;
        for (int j = 0; j < 256; j++) {
            CHECK(y[256 * i + j] == d * (float)b->q[j]);
            CHECK(fabsf(y[256 * i + j] - x[256 * i + j]) <= d * 0.501f);
            sum += b->q[j];
        }
        for (int g = 0; g < 16; g++)
            sum -= (int16_t)mx_block_u16(b->sums + 2 * g);
        CHECK_EQ_INT(sum, 0);
    }
}

/* The sum that goes with a block of Q8_1. */
static void test_q8_1_sum(void) {
    numbers(x);
    mx_blocks_encode(mx_block_by_name("q8_1"), blocks, x, NUMBERS / 32);
    for (int i = 0; i < NUMBERS / 32; i++) {
        const mx_q8_1 *b = (const mx_q8_1 *)blocks + i;
        float magnitude = 0, sum = 0, d;
        for (int j = 0; j < 32; j++)
            magnitude = fmaxf(magnitude, fabsf(x[32 * i + j]));
        d = magnitude / 127;
        for (int j = 0; j < 32; j++)
            sum += (float)b->q[j];
        CHECK(mx_block_half(b->d) == mx_f16_to_f32(mx_f32_to_f16(d)));
        CHECK(mx_block_half(b->sum) == mx_f16_to_f32(mx_f32_to_f16(d * sum)));
    }
}

/* --- encoders --------------------------------------------------------------------------------- */

/* Normal numbers of many scales: the sum of twelve uniform ones less 6. */
static void normal_numbers(float *to) {
    state = 3;
    for (int i = 0; i < NUMBERS; i++) {
        float sum = -6;
        for (int k = 0; k < 12; k++)
            sum += (float)(bits() >> 8) * 0x1p-24f;
        to[i] = ldexpf(sum, i / 256 % 9 - 4);
    }
}

/* Of the error to the numbers, both as root mean squares, relative to the scale of each 256. */
static double relative_error(const mx_block_format *f) {
    double error = 0;
    size_t n = NUMBERS / f->items;
    normal_numbers(x);
    mx_blocks_encode(f, blocks, x, n);
    mx_blocks_decode(f, y, blocks, n);
    for (int i = 0; i < NUMBERS; i++) {
        double e = ldexp((double)y[i] - (double)x[i], -(i / 256 % 9 - 4));
        error += e * e;
    }
    return sqrt(error / NUMBERS);
}

/* Steps of a uniform quantizer over the range of a group give range / levels / sqrt(12); searches
   do better. */
static const struct {
    mx_block_kind kind;
    double error;
} errors[] = {
    {MX_BLOCK_q4_0, 0.087},       {MX_BLOCK_q4_1, 0.079},   {MX_BLOCK_q5_0, 0.044},
    {MX_BLOCK_q5_1, 0.039},       {MX_BLOCK_q8_0, 0.0055},  {MX_BLOCK_q8_1, 0.0055},
    {MX_BLOCK_q8_k, 0.0072},      {MX_BLOCK_tq1_0, 0.83},   {MX_BLOCK_tq2_0, 0.83},
    {MX_BLOCK_mxfp4_gguf, 0.118}, {MX_BLOCK_q1_0, 0.61},    {MX_BLOCK_q2_k, 0.275},
    {MX_BLOCK_q3_k, 0.146},       {MX_BLOCK_q4_k, 0.0733},  {MX_BLOCK_q5_k, 0.0367},
    {MX_BLOCK_q6_k, 0.0176},      {MX_BLOCK_iq4_nl, 0.075}, {MX_BLOCK_iq4_xs, 0.076},
    {MX_BLOCK_nvfp4_gguf, 0.09},
};

static void test_errors(void) {
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        const mx_block_format *f = &mx_block_formats[errors[i].kind];
        double e = relative_error(f);
        CHECK_MSG(e < errors[i].error && e > errors[i].error / 1.4, "%s: an error of %.5f", f->name,
                  e);
    }
}

/* What a range alone makes of blocks of 256: the scale of each group is its range in `top` steps
   (or its extreme at -top), rounded to whole parts of the largest, which is a half. */
static const struct {
    mx_block_kind kind;
    int group, top, most;
    bool minima;
} simple[] = {{MX_BLOCK_q2_k, 16, 3, 15, true},
              {MX_BLOCK_q4_k, 32, 15, 63, true},
              {MX_BLOCK_q5_k, 32, 31, 63, true},
              {MX_BLOCK_q3_k, 16, 4, 32, false},
              {MX_BLOCK_q6_k, 16, 32, 128, false}};

static double half(double v) {
    return (double)mx_f16_to_f32(mx_f32_to_f16((float)v));
}

static double within(double v, double lo, double hi) {
    return v < lo ? lo : v > hi ? hi : v;
}

static double simple_lines(const float *v, int group, int top, int most) {
    double scale[16], least[16], d = 0, m = 0, error = 0;
    for (int g = 0; g < 256 / group; g++) {
        double lo = 0, hi = (double)v[g * group];
        for (int j = 0; j < group; j++) {
            lo = fmin(lo, (double)v[g * group + j]);
            hi = fmax(hi, (double)v[g * group + j]);
        }
        scale[g] = fmax(hi - lo, 0) / top;
        least[g] = -lo;
        d = fmax(d, scale[g]);
        m = fmax(m, least[g]);
    }
    d = half(d / most);
    m = half(m / most);
    for (int j = 0; j < 256; j++) {
        int g = j / group;
        double s = d * within(round(d > 0 ? scale[g] / d : 0), 0, most),
               l = m * within(round(m > 0 ? least[g] / m : 0), 0, most);
        double q = s > 0 ? within(rint(((double)v[j] + l) / s), 0, top) : 0;
        error += (s * q - l - (double)v[j]) * (s * q - l - (double)v[j]);
    }
    return error;
}

static double simple_scales(const float *v, int group, int top, int most) {
    double scale[16], d = 0, error = 0;
    for (int g = 0; g < 256 / group; g++) {
        double e = 0;
        for (int j = 0; j < group; j++)
            e = fabs((double)v[g * group + j]) > fabs(e) ? (double)v[g * group + j] : e;
        scale[g] = e / -top;
        d = fabs(scale[g]) > fabs(d) ? scale[g] : d;
    }
    d = half(d / -most);
    for (int j = 0; j < 256; j++) {
        double s = d * within(round(d != 0 ? scale[j / group] / d : 0), -most, most - 1);
        double q = s != 0 ? within(rint((double)v[j] / s), -top, top - 1) : 0;
        error += (s * q - (double)v[j]) * (s * q - (double)v[j]);
    }
    return error;
}

/* The search is never worse than that, and most often better. */
static void test_search(void) {
    for (int input = 0; input < 2; input++) {
        if (input)
            numbers(x);
        else
            normal_numbers(x);
        for (size_t k = 0; k < sizeof simple / sizeof *simple; k++) {
            const mx_block_format *f = &mx_block_formats[simple[k].kind];
            int better = 0;
            mx_blocks_encode(f, blocks, x, BLOCKS);
            mx_blocks_decode(f, y, blocks, BLOCKS);
            for (int i = 0; i < BLOCKS; i++) {
                const float *v = x + 256 * i;
                double error = 0, other = (simple[k].minima ? simple_lines : simple_scales)(
                                      v, simple[k].group, simple[k].top, simple[k].most);
                for (int j = 0; j < 256; j++)
                    error += ((double)y[256 * i + j] - (double)v[j]) *
                             ((double)y[256 * i + j] - (double)v[j]);
                CHECK_MSG(error <= other * 1.0001 + 1e-30,
                          "%s: block %d has %.9g, the range alone %.9g", f->name, i, error, other);
                better += error < other * 0.99;
            }
            CHECK_MSG(better > BLOCKS / 3, "%s: better in %d blocks of %d", f->name, better,
                      BLOCKS);
        }
    }
}

/* Every instruction set writes the same bytes, into the blocks alone. */
static void test_same_bytes(void) {
    int sets;
    const mx_kernels *const *set = mx_kernels_all(&sets);
    normal_numbers(x);
    for (int i = 0; i < MX_BLOCK_KINDS; i++) {
        const mx_block_format *f = &mx_block_formats[i];
        size_t n = NUMBERS / f->items;
        uint64_t want = 0;
        CHECK_EQ_INT(f->writes, set[0]->blocks->encode[i] != NULL);
        for (int k = 0; k < sets && f->writes; k++) {
            blocks[n * f->bytes] = 77;
            set[k]->blocks->encode[i](blocks, x, n);
            uint64_t got = digest(blocks, n * f->bytes);
            want = k ? want : got;
            CHECK_MSG(got == want, "%s %s: other bytes than %s", set[k]->name, f->name,
                      set[0]->name);
            CHECK(blocks[n * f->bytes] == 77);
        }
    }
}

/* Infinities, NaN, subnormal and huge numbers: blocks that can be read, whatever they hold. */
static void test_specials(void) {
    static const float odd[] = {INFINITY, -INFINITY, NAN, 3e38f, -3e38f, 1e-40f, -1e-45f, 65504, 0};
    int sets;
    const mx_kernels *const *set = mx_kernels_all(&sets);
    for (int i = 0; i < MX_BLOCK_KINDS; i++) {
        const mx_block_format *f = &mx_block_formats[i];
        for (int k = 0; k < sets && f->writes; k++)
            for (size_t o = 0; o < sizeof odd / sizeof *odd; o++) {
                for (int j = 0; j < f->items; j++)
                    x[j] = j % 5 == 3 ? odd[o] : (float)(j % 7) - 3;
                set[k]->blocks->encode[i](blocks, x, 1);
                set[k]->blocks->decode[i](y, blocks, 1);
                bool quiet = isfinite(odd[o]) && fabsf(odd[o]) < 1e5f;
                for (int j = 0; j < f->items && quiet; j++)
                    CHECK(isfinite(y[j]));
            }
    }
}

static void test_list(void) {
    for (int i = 0; i < MX_BLOCK_KINDS; i++) {
        const mx_block_format *f = &mx_block_formats[i];
        CHECK(f->kind == (mx_block_kind)i && mx_block_by_id(f->id) == f &&
              mx_block_by_name(f->name) == f);
        CHECK(256 % f->items == 0);
    }
    CHECK(!mx_block_by_id(0) && !mx_block_by_id(4) && !mx_block_by_id(99) &&
          !mx_block_by_name("Q4_0"));
    CHECK(!mx_block_by_name(NULL) && !mx_block_by_name(""));
}

int main(void) {
    RUN(test_list);
    RUN(test_package);
    RUN(test_definitions);
    RUN(test_q8_1_sum);
    RUN(test_errors);
    RUN(test_search);
    RUN(test_same_bytes);
    RUN(test_specials);
    return check_done();
}
