/* Quantization kernels of every instruction set against plain loops over codes. */
#include "base/fp8.h"
#include "kernel_values.h"
#include "kernels/matmul/k_matmul.h"
#include "kernels/quant/k_quant.h"

static const mx_quant_format formats[] = {
    {MX_AFFINE, 2, 32},  {MX_AFFINE, 2, 64}, {MX_AFFINE, 2, 128}, {MX_AFFINE, 3, 32},
    {MX_AFFINE, 3, 128}, {MX_AFFINE, 4, 32}, {MX_AFFINE, 4, 64},  {MX_AFFINE, 4, 128},
    {MX_AFFINE, 5, 32},  {MX_AFFINE, 5, 64}, {MX_AFFINE, 6, 32},  {MX_AFFINE, 6, 64},
    {MX_AFFINE, 8, 32},  {MX_AFFINE, 8, 64}, {MX_AFFINE, 8, 128}, {MX_MXFP4, 4, 32},
    {MX_MXFP8, 8, 32},   {MX_NVFP4, 4, 16}};
enum { FORMATS = sizeof formats / sizeof *formats };
static const mx_dtype floats[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16};

/* --- a quantized matrix of random words ------------------------------------------------------- */

typedef struct matrix {
    mx_quant_matrix m;
    int rows, k;
    void *w, *scales, *biases;
} matrix;

static matrix make(mx_quant_format f, mx_dtype t, int rows, int k) {
    matrix a = {.rows = rows, .k = k};
    size_t words = (size_t)(rows * k * f.bits / 32), groups = (size_t)(rows * k / f.group);
    bool affine = f.mode == MX_AFFINE;
    a.w = malloc(words * 4 + 1);
    // the codes of eight bits that are NaN would hide all others of a row
    uint32_t mask = f.mode == MX_MXFP8 ? 0xfefefefeu : 0xffffffffu;
    for (size_t i = 0; i < words; i++)
        ((uint32_t *)a.w)[i] = (uint32_t)(kv_bits() >> 20) & mask;
    a.scales = malloc(groups * 4 + 1);
    a.biases = malloc(groups * 4 + 1);
    for (size_t i = 0; i < groups; i++) {
        kv_put(affine ? t : MX_UINT8, a.scales, (ptrdiff_t)i,
               affine ? kv_real(kv_unit()) : (value){.i = 100 + (int)kv_below(20)});
        kv_put(t, a.biases, (ptrdiff_t)i, kv_real(kv_unit()));
    }
    a.m = (mx_quant_matrix){.format = f,
                            .stype = affine ? t : MX_UINT8,
                            .w = a.w,
                            .scales = a.scales,
                            .biases = affine ? a.biases : NULL,
                            .w_rs = k * f.bits / 8,
                            .factor = f.mode == MX_NVFP4 ? 0.375f : 1};
    a.m.s_rs = k / f.group * (ptrdiff_t)(affine ? mx_dtype_size(t) : 1);
    return a;
}

static void drop(matrix *a) {
    free(a->w);
    free(a->scales);
    free(a->biases);
}

/* What a code says, in double. */
static double number(const matrix *a, int row, int k) {
    mx_quant_format f = a->m.format;
    unsigned code = mx_quant_code(a->m.w + row * a->m.w_rs, k, f.bits);
    const char *s = a->m.scales + row * a->m.s_rs;
    int g = k / f.group;
    if (f.mode == MX_AFFINE)
        return code * kv_get(a->m.stype, s, g).re +
               kv_get(a->m.stype, a->m.biases + row * a->m.s_rs, g).re;
    double v = (double)(f.mode == MX_MXFP8 ? mx_e4m3_to_f32((uint8_t)code) : mx_e2m1_to_f32(code));
    uint8_t scale = (uint8_t)s[g];
    return v * (double)(f.mode == MX_NVFP4 ? mx_e4m3_to_f32(scale) * a->m.factor
                                           : mx_e8m0_to_f32(scale));
}

/* --- back to numbers -------------------------------------------------------------------------- */

static void check_pieces(const mx_kernels *set, mx_quant_format f, mx_dtype t) {
    enum { ROWS = 3, K = 384 };
    static const int cuts[][2] = {{0, K},     {0, 1},   {8, 24}, {32, 200},
                                  {120, 264}, {383, 1}, {7, 300}};
    matrix a = make(f, t, ROWS, K);
    float out[K + 1];
    for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++)
        for (int r = 0; r < ROWS; r++) {
            out[cuts[c][1]] = 77;
            set->quant->dequant(out, &a.m, r, cuts[c][0], cuts[c][1]);
            double worst = 0;
            for (int i = 0; i < cuts[c][1]; i++) {
                double want = number(&a, r, cuts[c][0] + i);
                worst = fmax(worst, fabs((double)out[i] - want) / (fabs(want) + 1));
            }
            CHECK_MSG(worst < 3e-5 && out[cuts[c][1]] == 77, "%s mode %d bits %d: %g", set->name,
                      f.mode, f.bits, worst);
        }
    drop(&a);
}

static void pieces(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (int f = 0; f < FORMATS; f++)
            for (int t = 0; t < 3; t++)
                check_pieces(sets[s], formats[f], floats[t]);
}

/* --- rows against vectors --------------------------------------------------------------------- */

static void check_dot(const mx_kernels *set, mx_quant_format f, int k, int s) {
    enum { ROWS = 7, MOST = 15 };
    static float x[MOST][4608], arranged[MOST][4608];
    const mx_k_quant_dots *dots = set->quant->dots;
    matrix a = make(f, MX_FLOAT16, ROWS + 1, k);
    float y[MOST * ROWS];
    for (int i = 0; i < s; i++) {
        for (int j = 0; j < k; j++)
            x[i][j] = (float)kv_unit();
        dots->arrange(arranged[i], x[i], k, f.bits);
    }
    dots->dot(y, ROWS, &a.m, 1, ROWS, arranged[0], 4608, s, k);
    for (int i = 0; i < s; i++)
        for (int r = 0; r < ROWS; r++) {
            double want = 0, size = 0;
            for (int j = 0; j < k; j++) {
                double v = number(&a, r + 1, j) * (double)x[i][j];
                want += v;
                size += fabs(v);
            }
            CHECK_MSG(fabs(y[i * ROWS + r] - want) <= 1e-5 * size,
                      "%s mode %d bits %d k %d s %d: %g, not %g", set->name, f.mode, f.bits, k, s,
                      (double)y[i * ROWS + r], want);
        }
    drop(&a);
}

static void dots(void) {
    static const int vectors[] = {1, 2, 3, 4, 8, 15};
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (int f = 0; f < FORMATS; f++)
            for (int v = 0; v < 6; v++) {
                check_dot(sets[s], formats[f], formats[f].group, vectors[v]);
                check_dot(sets[s], formats[f], 1152, vectors[v]);
                check_dot(sets[s], formats[f], 4224, vectors[v]);
            }
}

/* --- micropanels ------------------------------------------------------------------------------ */

static void check_panel(const mx_kernels *set, mx_quant_format f, int rows, int k0, int k) {
    enum { K = 640, MOST = 64 };
    matrix a = make(f, MX_BFLOAT16, rows + 2, K);
    static float panel[K * MOST];
    int w = set->matmul->f32->nr;
    double worst = 0, zero = 0;
    set->quant->pack(panel, w, &a.m, 1, rows, k0, k, false);
    for (int i = 0; i < k; i++)
        for (int r = 0; r < w; r++) {
            double v = (double)panel[i * w + r], want = r < rows ? number(&a, r + 1, k0 + i) : 0;
            if (r < rows)
                worst = fmax(worst, fabs(v - want) / (fabs(want) + 1));
        }
    set->quant->pack(panel, w, &a.m, 1, rows, k0, k, true);
    for (int i = 0; i < k; i++)
        for (int r = 0; r < rows; r++) {
            uint16_t h = ((uint16_t *)panel)[(i / 2 * w + r) * 2 + i % 2];
            double want = number(&a, r + 1, k0 + i);
            zero = fmax(zero, fabs((double)mx_bf16_to_f32(h) - want) / (fabs(want) + 1));
        }
    CHECK_MSG(worst < 3e-5 && zero < 5e-3, "%s mode %d bits %d rows %d k %d+%d: %g, %g", set->name,
              f.mode, f.bits, rows, k0, k, worst, zero);
    drop(&a);
}

static void panels(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int s = 0; s < count; s++)
        for (int f = 0; f < FORMATS; f++) {
            int w = sets[s]->matmul->f32->nr;
            check_panel(sets[s], formats[f], w, 0, 640);
            check_panel(sets[s], formats[f], w - 1, 128, 512);
            check_panel(sets[s], formats[f], 1, 8, 24);
            check_panel(sets[s], formats[f], w / 2 + 1, 200, 432);
        }
}

/* --- there and back: the sets agree bit by bit ------------------------------------------------ */

typedef struct packed {
    uint32_t w[512];
    float scales[64], biases[64], back[1024];
} packed;

static void pack(packed *p, const mx_kernels *set, mx_quant_format f, mx_dtype t, const void *x,
                 float stretch) {
    enum { N = 512 };
    memset(p, 0, sizeof *p);
    set->quant->quantize[t](p->w, p->scales, p->biases, x, f, N / f.group, stretch);
    mx_quant_matrix m = {.format = f,
                         .stype = f.mode == MX_AFFINE ? t : MX_UINT8,
                         .w = (char *)p->w,
                         .scales = (char *)p->scales,
                         .biases = f.mode == MX_AFFINE ? (char *)p->biases : NULL,
                         .factor = 1 / stretch};
    set->quant->dequantize[t](p->back, &m, 0, N);
}

/* Steps of a group: how far a number may be from what it became. */
static void check_close(const packed *p, mx_quant_format f, mx_dtype t, const void *x) {
    for (int i = 0; i < 512; i++) {
        double v = kv_get(t, x, i).re, back = kv_get(t, p->back, i).re, most = 0, lo = 0, hi = 0;
        for (int g = i / f.group * f.group, j = g; j < g + f.group; j++) {
            double w = kv_get(t, x, j).re;
            most = fmax(most, fabs(w));
            lo = fmin(j == g ? w : lo, w);
            hi = fmax(j == g ? w : hi, w);
        }
        double room = f.mode == MX_AFFINE  ? (hi - lo) / ((1 << f.bits) - 1)
                      : f.mode == MX_MXFP8 ? most / 8
                                           : most / 3;
        if (!CHECK_MSG(fabs(v - back) <= room + most / 64, "mode %d bits %d: %g became %g", f.mode,
                       f.bits, v, back))
            return;
    }
}

static void there_and_back(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    for (int f = 0; f < FORMATS; f++)
        for (int k = 0; k < 3; k++) {
            mx_dtype t = floats[k];
            void *x = kv_memory(t, 512);
            for (int i = 0; i < 512; i++)
                kv_put(t, x, i, kv_real(kv_unit() * (i < 128 ? 0.01 : i < 256 ? 5 : 1)));
            for (int i = 64; i < 96; i++)
                kv_put(t, x, i, kv_real(0));
            float stretch = formats[f].mode == MX_NVFP4 ? 3 : 1;
            static packed first, other;
            pack(&first, sets[0], formats[f], t, x, stretch);
            check_close(&first, formats[f], t, x);
            for (int s = 1; s < count; s++) {
                pack(&other, sets[s], formats[f], t, x, stretch);
                CHECK_MSG(memcmp(&first, &other, sizeof first) == 0, "%s: mode %d bits %d differs",
                          sets[s]->name, formats[f].mode, formats[f].bits);
            }
            kv_free(t, x);
        }
}

/* --- float8 ----------------------------------------------------------------------------------- */

static void float8(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    uint8_t codes[256], again[256];
    float wide[256], odd[256];
    for (int i = 0; i < 256; i++) {
        codes[i] = (uint8_t)i;
        double v = ldexp(i & 0x78 ? 8 + (i & 7) : i & 7, (i & 0x78 ? (i >> 3 & 15) : 1) - 10);
        v = (i & 127) == 127 ? (double)NAN : v;
        CHECK_NEAR((double)mx_e4m3_to_f32((uint8_t)i), i & 128 ? -v : v, 0);
    }
    for (int i = 0; i < 256; i++)
        odd[i] = (float)(kv_unit() * pow(2, kv_unit() * 12));
    odd[7] = INFINITY;
    odd[8] = -449;
    odd[9] = 1e-30f;
    odd[10] = -0.0f;
    odd[11] = -INFINITY;
    odd[12] = NAN;
    odd[13] = -NAN;
    for (int s = 0; s < count; s++) {
        // vectors and what is left, then vectors alone
        for (int part = 253; part <= 256; part += 3) {
            sets[s]->quant->from_fp8[MX_FLOAT32](wide, codes, (size_t)part);
            sets[s]->quant->to_fp8[MX_FLOAT32](again, wide, (size_t)part);
            for (int i = 0; i < part; i++) {
                CHECK_NEAR((double)wide[i], (double)mx_e4m3_to_f32((uint8_t)i), 0);
                CHECK(!signbit(wide[i]) == (i < 128));
                CHECK_EQ_INT(again[i], i);
            }
        }
        sets[s]->quant->to_fp8[MX_FLOAT32](again, odd, 256);
        for (int i = 0; i < 256; i++) {
            CHECK_EQ_INT(again[i], mx_f32_to_e4m3(odd[i]));
            double back = (double)mx_e4m3_to_f32(again[i]), v = (double)odd[i];
            CHECK(isnan(v) ? isnan(back)
                           : fabs(v) > 448 || fabs(back - v) <= fmax(fabs(v) / 16, 0.001));
        }
    }
    CHECK_EQ_INT(mx_f32_to_e4m3(NAN), 0x7f);
    CHECK_EQ_INT(mx_f32_to_e4m3(-NAN), 0xff);
    CHECK_EQ_INT(mx_f32_to_e4m3(-INFINITY), 0xfe);
    CHECK_EQ_INT(mx_f32_to_e4m3(1000), 0x7e);
}

/* Every code of four bits, its sign too, alike on all instruction sets. */
static void float4(void) {
    int count;
    const mx_kernels *const *sets = mx_kernels_all(&count);
    uint32_t words[4] = {0x76543210u, 0xfedcba98u, 0x76543210u, 0xfedcba98u};
    uint8_t one = 127;
    mx_quant_matrix m = {{MX_MXFP4, 4, 32}, MX_UINT8, (char *)words, (char *)&one, NULL, 16, 1, 1};
    for (int s = 0; s < count; s++) {
        float out[32];
        sets[s]->quant->dequantize[MX_FLOAT32](out, &m, 0, 32);
        for (int i = 0; i < 32; i++)
            CHECK_EQ_INT(mx_f32_bits(out[i]), mx_f32_bits(mx_e2m1_to_f32(i & 15)));
    }
}

int main(void) {
    RUN(pieces);
    RUN(dots);
    RUN(panels);
    RUN(there_and_back);
    RUN(float8);
    RUN(float4);
    return check_done();
}
