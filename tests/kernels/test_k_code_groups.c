/* Codes of affine groups: every set and table against the numbers that words stand for. Rows end
   where their memory ends. */
#include "base/half.h"
#include "check.h"
#include "kernels/codes/codes.h"
#include "kernels/quant/k_quant.h"

enum { MOST_K = 640, COLUMNS = 2 * MX_CODE_LANES, ROWS = 7 };

typedef struct matrix {
    mx_quant_matrix m;
    uint8_t *words, *scales, *biases;
    int k;
} matrix;

static uint64_t state;
static float x[ROWS * MOST_K], w[COLUMNS * MOST_K], sums[ROWS * COLUMNS];
static _Alignas(64) char codes[ROWS * 4 * MOST_K];

static float uniform(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (float)(state >> 40) * 0x1p-23f - 1;
}

static void put(uint8_t *p, int i, mx_dtype kind, float v) {
    uint16_t half = kind == MX_FLOAT16 ? mx_f32_to_f16(v) : mx_f32_to_bf16(v);
    if (kind == MX_FLOAT32)
        memcpy(p + i * 4, &v, 4);
    else
        memcpy(p + i * 2, &half, 2);
}

static matrix make_matrix(int bits, int group, int k, mx_dtype kind) {
    int size = kind == MX_FLOAT32 ? 4 : 2, groups = k / group;
    matrix a = {.k = k};
    a.words = malloc((size_t)(COLUMNS * k * bits / 8));
    a.scales = malloc((size_t)(COLUMNS * groups * size));
    a.biases = malloc((size_t)(COLUMNS * groups * size));
    for (int i = 0; i < COLUMNS * k * bits / 8; i++)
        a.words[i] = (uint8_t)(uniform() * 128 + 128);
    for (int i = 0; i < COLUMNS * groups; i++) {
        put(a.scales, i, kind, uniform());
        put(a.biases, i, kind, 8 * uniform());
    }
    a.m = (mx_quant_matrix){.format = {MX_AFFINE, bits, group},
                            .stype = kind,
                            .w = (char *)a.words,
                            .scales = (char *)a.scales,
                            .biases = (char *)a.biases,
                            .w_rs = k * bits / 8,
                            .s_rs = groups * size,
                            .factor = 1};
    for (int i = 0; i < COLUMNS; i++)
        mx_kernels_get()->quant->dequant(w + i * k, &a.m, i, 0, k);
    return a;
}

static void free_matrix(matrix *a) {
    free(a->words);
    free(a->scales);
    free(a->biases);
}

static mx_code_groups strip_of(const matrix *a, int first) {
    return (mx_code_groups){.word = {a->words + first * a->m.w_rs, a->m.w_rs},
                            .scale = {a->scales + first * a->m.s_rs, a->m.s_rs},
                            .bias = {a->biases + first * a->m.s_rs, a->m.s_rs},
                            .bits = a->m.format.bits,
                            .group = a->m.format.group,
                            .groups = a->k / a->m.format.group,
                            .kind = a->m.stype};
}

static void round_rows(const mx_k_codes *c, const mx_k_code_table *t, const matrix *a, int digits) {
    bool wide = a->m.format.bits == 8;
    for (int i = 0; i < ROWS; i++) {
        char *to = codes + i * mx_code_row_bytes(a->k, digits);
        c->round(to, x + i * a->k, a->k, 32, true, wide ? t->wide_offset : 0, digits);
        if (mx_code_affine(a->m.format.bits).parted)
            c->part((int8_t *)to, a->k * digits);
    }
}

static void multiply(const mx_k_codes *c, const mx_k_code_table *t, const matrix *a, int digits,
                     int rows, int step) {
    mx_code_product p = {.ldy = COLUMNS,
                         .x = codes,
                         .row_bytes = mx_code_row_bytes(a->k, digits),
                         .rows = rows,
                         .k = a->k,
                         .digits = digits};
    memset(sums, 0, sizeof sums);
    for (; p.k0 < a->k; p.k0 += p.n) {
        p.n = a->k - p.k0 < step ? a->k - p.k0 : step;
        for (int i = 0; i < 2; i++) {
            mx_code_groups strip = strip_of(a, i * c->lanes);
            p.y = sums + i * c->lanes;
            t->multiply_groups(&p, &strip);
        }
    }
}

static void check_sums(const char *what, const matrix *a, int columns, int digits) {
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < columns; j++) {
            double want = 0, size = 0, is = sums[i * COLUMNS + j];
            for (int k = 0; k < a->k; k++) {
                want += (double)x[i * a->k + k] * (double)w[j * a->k + k];
                size += fabs((double)w[j * a->k + k]);
            }
            // x is below 1; float32 meets sums of codes as large as 255
            double most = size * (digits > 1 ? 1.0 / 32000 : 1.0 / 250) + a->k * 255 * 0x1p-20;
            if (!CHECK_MSG(fabs(is - want) <= most, "%s, %d: %g at (%d,%d), expected %g +- %g",
                           what, a->k, is, i, j, want, most))
                return;
        }
}

static void check_parts(const char *what, const mx_k_codes *c, const mx_k_code_table *t,
                        const matrix *a, int digits) {
    static float whole[ROWS * COLUMNS];
    memcpy(whole, sums, sizeof sums);
    for (int rows = 1; rows < ROWS; rows++) {
        multiply(c, t, a, digits, rows, 128 * rows);
        for (int i = 0; i < rows; i++)
            CHECK_MSG(memcmp(sums + i * COLUMNS, whole + i * COLUMNS,
                             (size_t)(2 * c->lanes) * sizeof *sums) == 0,
                      "%s, %d: row %d of %d has other bits", what, a->k, i, rows);
    }
}

static void check_matrix(const char *set, const mx_k_codes *c, const mx_k_code_table *t, int bits,
                         int group, int k, mx_dtype kind) {
    char what[80];
    snprintf(what, sizeof what, "%s, %d bits by %d, %s", set, bits, group, mx_dtype_name(kind));
    matrix a = make_matrix(bits, group, k, kind);
    for (int digits = 1; digits <= 2; digits++) {
        round_rows(c, t, &a, digits);
        multiply(c, t, &a, digits, ROWS, k);
        check_sums(what, &a, 2 * c->lanes, digits);
        check_parts(what, c, t, &a, digits);
    }
    free_matrix(&a);
}

static void check_table(const char *set, const mx_k_codes *c, const mx_k_code_table *t) {
    static const mx_dtype kinds[] = {MX_FLOAT16, MX_BFLOAT16, MX_FLOAT32};
    static const int groups[] = {32, 64, 128}, counts[] = {1, 2, 3, 5};
    state = check_seed(7);
    for (int i = 0; i < ROWS * MOST_K; i++)
        x[i] = uniform();
    for (int kind = 0; kind < 3; kind++)
        for (int g = 0; g < 3; g++)
            for (int n = 0; n < 4; n++)
                for (int bits = 4; bits <= 8; bits += 4)
                    check_matrix(set, c, t, bits, groups[g], groups[g] * counts[n], kinds[kind]);
}

static void tables(void) {
    int sets;
    const mx_kernels *const *set = mx_kernels_all(&sets);
    const char *chosen = mx_kernels_get()->name;
    for (int s = 0; s < sets; s++) {
        CHECK(mx_kernels_choose(set[s]->name));
        check_table(set[s]->name, set[s]->codes, set[s]->codes->plain);
        if (mx_code_table() != set[s]->codes->plain)
            check_table("dot products of bytes", set[s]->codes, mx_code_table());
    }
    mx_kernels_choose(chosen);
}

int main(void) {
    RUN(tables);
    return check_done();
}
