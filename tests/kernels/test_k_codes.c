/* Products of codes, the kernels alone: every set, and every table that this
 * processor can run, against the numbers that the blocks stand for. */
#include "check.h"
#include "kernels/codes/codes.h"

enum { K = 1024, STRIPS = 5, COLUMNS = STRIPS * MX_CODE_LANES, ROWS = 7, MOST_BYTES = 34 * K / 32 };

static const struct {
    int group;
    bool least;
} ways[] = {
#define X(name, group, most, least) [MX_CODES_##name] = {group, least},
    MX_CODE_WAYS(X)
#undef X
};

static uint64_t state;
static int digits;

static float uniform(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (float)(state >> 40) * 0x1p-23f - 1;
}

static float w[COLUMNS * K], x[ROWS * K], sums[ROWS * COLUMNS];
static uint8_t blocks[COLUMNS * MOST_BYTES];
static _Alignas(64) char codes[ROWS * 3 * K];

static void make_inputs(const mx_block_format *f) {
    state = check_seed(5);
    for (int i = 0; i < COLUMNS * K; i++)
        w[i] = uniform() * (float)(1 + i / 32 % 7);
    for (int i = 0; i < ROWS * K; i++)
        x[i] = uniform() * (float)(1 + i / 32 % 3);
    mx_blocks_encode(f, blocks, w, (size_t)(COLUMNS * K / f->items));
    mx_blocks_decode(f, w, blocks, (size_t)(COLUMNS * K / f->items));
}

static void round_rows(const mx_k_codes *c, const mx_k_code_table *t, mx_block_kind kind) {
    const mx_code_format *f = &mx_code_formats[kind];
    int offset = f->way == MX_CODES_wide ? t->wide_offset : f->offset;
    for (int i = 0; i < ROWS; i++)
        c->round(codes + i * mx_code_row_bytes(K, digits), x + i * K, K, ways[f->way].group,
                 ways[f->way].least, offset, digits);
}

static mx_code_strip strip_of(const mx_block_format *f, int first) {
    ptrdiff_t apart = K / f->items * f->bytes;
    return (mx_code_strip){blocks + first * apart, apart};
}

/* sums of `rows` rows and `count` strips, K in steps. */
static void multiply(const mx_k_codes *c, const mx_k_code_table *t, const mx_block_format *f,
                     int rows, int count, int step) {
    mx_code_product p = {.ldy = COLUMNS,
                         .x = codes,
                         .row_bytes = mx_code_row_bytes(K, digits),
                         .rows = rows,
                         .k = K,
                         .digits = digits};
    memset(sums, 0, sizeof sums);
    for (p.k0 = 0; p.k0 < K; p.k0 += p.n) {
        p.n = K - p.k0 < step ? K - p.k0 : step;
        for (int i = 0; i < count; i++) {
            p.y = sums + i * c->lanes;
            t->multiply[f->kind](&p, strip_of(f, i * c->lanes));
        }
    }
}

/* Half a step for each number of x, and float32's own. */
static double bound(const float *a, const float *b) {
    double sum = 0, most = 0;
    for (int g = 0; g < K; g += 32) {
        double largest = 0, weights = 0;
        for (int i = g; i < g + 32; i++) {
            largest = fmax(largest, fabs((double)a[i]));
            weights += fabs((double)b[i]);
        }
        sum += largest / (digits > 1 ? 32512 : 254) * weights;
        most = fmax(most, largest * weights);
    }
    return sum * 1.001 + most * 32 * K / 32 * 0x1p-23;
}

static void check_sums(const char *set, const mx_block_format *f, int rows, int columns) {
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            double sum = 0;
            for (int k = 0; k < K; k++)
                sum += (double)x[i * K + k] * (double)w[j * K + k];
            double is = sums[i * COLUMNS + j], most = bound(x + i * K, w + j * K);
            if (!CHECK_MSG(fabs(is - sum) <= most, "%s %s: %g at (%d,%d), expected %g +- %g", set,
                           f->name, is, i, j, sum, most))
                return;
        }
}

/* Rows of other numbers of rows, and of k in other steps. */
static void check_parts(const mx_k_codes *c, const mx_k_code_table *t, const char *set,
                        const mx_block_format *f) {
    static float whole[ROWS * COLUMNS];
    memcpy(whole, sums, sizeof sums);
    for (int rows = 1; rows < ROWS; rows++) {
        int count = rows < STRIPS ? rows : STRIPS;
        multiply(c, t, f, rows, count, 256 * rows);
        for (int i = 0; i < rows; i++)
            CHECK_MSG(memcmp(sums + i * COLUMNS, whole + i * COLUMNS,
                             (size_t)(count * c->lanes) * sizeof *sums) == 0,
                      "%s %s: row %d of %d has other bits", set, f->name, i, rows);
    }
}

static void check_table(const mx_k_codes *c, const mx_k_code_table *t, const char *set) {
    for (int kind = 0; kind < MX_BLOCK_KINDS; kind++) {
        const mx_block_format *f = &mx_block_formats[kind];
        if (!mx_code_formats[kind].exists)
            continue;
        make_inputs(f);
        round_rows(c, t, f->kind);
        multiply(c, t, f, ROWS, STRIPS, K);
        check_sums(set, f, ROWS, STRIPS * c->lanes);
        check_parts(c, t, set, f);
    }
}

static void tables(int count) {
    int sets;
    digits = count;
    const mx_kernels *const *set = mx_kernels_all(&sets);
    const char *chosen = mx_kernels_get()->name;
    for (int s = 0; s < sets; s++) {
        CHECK(mx_kernels_choose(set[s]->name));
        check_table(set[s]->codes, set[s]->codes->plain, set[s]->name);
        if (mx_code_table() != set[s]->codes->plain)
            check_table(set[s]->codes, mx_code_table(), "dot products of bytes");
    }
    mx_kernels_choose(chosen);
}

static void one_digit(void) {
    tables(1);
}
static void two_digits(void) {
    tables(2);
}

int main(void) {
    RUN(one_digit);
    RUN(two_digits);
    return check_done();
}
