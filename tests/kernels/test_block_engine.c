/* Products with blocks of GGUF files: the kernels of every instruction set keep the bound that the
 * rounding of x has, and float32's where x needs none; a row has the same bits whatever is computed
 * with it. */
#include "base/half.h"
#include "base/threads/pool.h"
#include "check.h"
#include "cpu/quant/quant_engine.h"
#include "kernels/blocks/blocks.h"
#include "kernels/codes/codes.h"

enum { ROWS = 9, N = 37, K = 1536, MOST_BYTES = 37 * K / 32 /* of a row */ };

static uint64_t state;

static uint32_t bits(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}
static float uniform(void) {
    return (float)(bits() >> 8) * 0x1p-23f - 1;
}

static float x[ROWS * K], w[N * K], y[ROWS * N], z[ROWS * N];
static unsigned char blocks[N * MOST_BYTES + 1];

/* W of numbers, as blocks and back: blocks that the library writes. Formats without an encoder
   have any bytes, but finite scales. */
static void make_blocks(const mx_block_format *f, int k) {
    size_t count = (size_t)N * (size_t)k / f->items;
    for (int i = 0; i < N * k; i++)
        w[i] = uniform() * (1 + (float)(i / 32 % 5));
    if (f->writes) {
        mx_blocks_encode(f, blocks, w, count);
    } else {
        for (size_t i = 0; i < count * f->bytes; i++)
            blocks[i] = (unsigned char)(bits() >> 24);
        for (size_t i = 0; i < count; i++) // d is the first half, or in iq1_m the last bytes
            blocks[i * f->bytes + (f->kind == MX_BLOCK_iq1_m ? 55u : 1u)] &= 0x3f;
    }
    mx_blocks_decode(f, w, blocks, count);
}

static mx_quant_format mode(const mx_block_format *f) {
    return (mx_quant_format){(mx_quant_mode)(MX_BLOCK_MODE + f->id), 0, f->items};
}

/* Rows first .. first + rows of x times W (N,k), or times its first k rows where it is plain. */
static void product(const mx_block_format *f, float *to, int first, int rows, int k, bool plain) {
    int columns = plain ? k : N, inner = plain ? N : k;
    mx_quant_matrix m = {.format = mode(f), .w = (const char *)blocks, .factor = 1};
    m.w_rs = k / f->items * f->bytes;
    mx_qmm_run run = {m, rows, 0};
    mx_qmm_args a = {.dtype = MX_FLOAT32,
                     .transpose = !plain,
                     .n = columns,
                     .k = inner,
                     .x = x + (ptrdiff_t)first * inner,
                     .y = to,
                     .runs = &run,
                     .run_count = 1};
    CHECK(mx_qmm(&a));
}

typedef void each_format(const mx_kernels *set, const mx_block_format *f);

static void for_each(each_format *check) {
    int sets;
    const mx_kernels *const *set = mx_kernels_all(&sets);
    const char *chosen = mx_kernels_get()->name;
    for (int s = 0; s < sets; s++) {
        CHECK(mx_kernels_choose(set[s]->name));
        for (int i = 0; i < MX_BLOCK_KINDS; i++) {
            state = check_seed(1);
            check(set[s], &mx_block_formats[i]);
        }
    }
    mx_kernels_choose(chosen);
}

/* --- the bound -------------------------------------------------------------------------------- */

/* What rounding a group of x can change of a product with w, at most: half a step for each number.
   Steps are a 127th of the group's largest. */
static double rounding(const float *a, const float *b, int k) {
    double sum = 0;
    for (int g = 0; g < k; g += 32) {
        double most = 0, weights = 0;
        for (int i = g; i < g + 32; i++) {
            most = fmax(most, fabs((double)a[i]));
            weights += fabs((double)b[i]);
        }
        sum += most / 254 * weights;
    }
    return sum;
}

/* float32: each of k products and sums rounds. Codes and least values before they cancel are up to
   32 times the largest weight. */
static double float_error(const float *a, const float *b, int k) {
    double most_a = 0, most_b = 0;
    for (int i = 0; i < k; i++) {
        most_a = fmax(most_a, fabs((double)a[i]));
        most_b = fmax(most_b, fabs((double)b[i]));
    }
    return k * 0x1p-23 * most_a * most_b * 32;
}

static void check_bound(const mx_kernels *set, const mx_block_format *f) {
    make_blocks(f, K);
    for (int i = 0; i < ROWS * K; i++)
        x[i] = uniform() * uniform() * (float)(1 + i % 3);
    product(f, y, 0, ROWS, K, false);
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < N; j++) {
            const float *a = x + i * K, *b = w + j * K;
            double sum = 0, bound = float_error(a, b, K);
            for (int k = 0; k < K; k++)
                sum += (double)a[k] * (double)b[k];
            if (mx_code_formats[f->kind].exists)
                bound += rounding(a, b, K) * 1.001;
            if (!CHECK_MSG(fabs(y[i * N + j] - sum) <= bound,
                           "%s %s: %g at (%d,%d), expected %g +- %g", set->name, f->name,
                           y[i * N + j], i, j, sum, bound))
                return;
        }
}

static void bound(void) {
    for_each(check_bound);
}

/* --- x that needs no rounding ----------------------------------------------------------------- */

/* Whole numbers whose largest in each group is 127. */
static void check_codes_of_x(const mx_kernels *set, const mx_block_format *f) {
    enum { SMALL = 512 };
    if (!mx_code_formats[f->kind].exists || !f->writes)
        return;
    make_blocks(f, SMALL);
    for (int i = 0; i < ROWS * SMALL; i++)
        x[i] = i % 32 == 5 ? 127.0f : (float)((int)(bits() % 255) - 127);
    product(f, y, 0, ROWS, SMALL, false);
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < N; j++) {
            double sum = 0, bound = float_error(x + i * SMALL, w + j * SMALL, SMALL);
            for (int k = 0; k < SMALL; k++)
                sum += (double)x[i * SMALL + k] * (double)w[j * SMALL + k];
            if (!CHECK_MSG(fabs(y[i * N + j] - sum) <= bound, "%s %s: %g, expected %g", set->name,
                           f->name, y[i * N + j], sum))
                return;
        }
}

static void codes_of_x(void) {
    for_each(check_codes_of_x);
}

/* --- one row and many ------------------------------------------------------------------------- */

static bool same_bits(const float *a, const float *b, int n) {
    return memcmp(a, b, (size_t)n * sizeof *a) == 0;
}

static void check_alone(const mx_kernels *set, const mx_block_format *f) {
    static const int counts[] = {1, 2, 3, 5};
    make_blocks(f, K);
    for (int i = 0; i < ROWS * K; i++)
        x[i] = uniform();
    for (int plain = 0; plain < 2; plain++) {
        int k = plain ? 768 : K, columns = plain ? k : N;
        static float all[ROWS * K], some[ROWS * K];
        product(f, all, 0, ROWS, k, plain);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            for (int first = 0; first + counts[c] <= ROWS; first += counts[c]) {
                product(f, some, first, counts[c], k, plain);
                CHECK_MSG(same_bits(some, all + first * columns, counts[c] * columns),
                          "%s %s: rows %d.. differ among %d%s", set->name, f->name, first,
                          counts[c], plain ? ", plain" : "");
            }
    }
}

static void alone(void) {
    for_each(check_alone);
}

/* Threads, and an address that is odd. */
static void check_threads(const mx_kernels *set, const mx_block_format *f) {
    make_blocks(f, K);
    for (int i = 0; i < ROWS * K; i++)
        x[i] = uniform();
    mx_pool_set_threads(1);
    product(f, y, 0, ROWS, K, false);
    mx_pool_set_threads(4);
    product(f, z, 0, ROWS, K, false);
    CHECK_MSG(same_bits(y, z, ROWS * N), "%s %s: threads", set->name, f->name);
    mx_pool_set_threads(0);
}

static void threads(void) {
    for_each(check_threads);
}

/* Sets with products and sums of one rounding give the same bits. */
static void sets_agree(void) {
    int sets;
    const mx_kernels *const *set = mx_kernels_all(&sets);
    const char *chosen = mx_kernels_get()->name;
    for (int i = 0; i < MX_BLOCK_KINDS; i++) {
        const mx_block_format *f = &mx_block_formats[i];
        const char *first = "";
        if (!mx_code_formats[i].exists)
            continue;
        state = check_seed(2);
        make_blocks(f, K);
        for (int j = 0; j < ROWS * K; j++)
            x[j] = uniform();
        for (int s = 0; s < sets; s++) {
            if (strcmp(set[s]->name, "baseline") == 0)
                continue;
            CHECK(mx_kernels_choose(set[s]->name));
            product(f, *first ? z : y, 0, ROWS, K, false);
            CHECK_MSG(!*first || same_bits(y, z, ROWS * N), "%s: %s and %s differ", f->name, first,
                      set[s]->name);
            first = *first ? first : set[s]->name;
        }
    }
    mx_kernels_choose(chosen);
}

/* --- numbers at the ends ---------------------------------------------------------------------- */

/* One row of x with `value` at one place, zeros elsewhere, times blocks of q8_0. */
static float with_value(float value, int place) {
    const mx_block_format *f = &mx_block_formats[MX_BLOCK_q8_0];
    memset(x, 0, sizeof x);
    x[place] = value;
    product(f, y, 0, 1, K, false);
    return y[3];
}

static void ends(void) {
    state = check_seed(3);
    make_blocks(&mx_block_formats[MX_BLOCK_q8_0], K);
    double at = w[3 * K + 70];
    CHECK_NEAR(with_value(1e30f, 70), 1e30 * at, 1e24);
    CHECK_NEAR(with_value(1e-30f, 70), 1e-30 * at, 1e-35);
    CHECK_NEAR(with_value(0x1p-119f, 70), 0x1p-119 * at, 0x1p-135);
    CHECK(with_value(0x1p-120f, 70) == 0); // as the head of codes.h says
    CHECK(with_value(0, 70) == 0);
    CHECK(isnan(with_value(NAN, 70)));
    CHECK(isnan(with_value(INFINITY, 70)));
    CHECK(isnan(with_value(-INFINITY, K - 1)));
    CHECK(!isnan(with_value(3, 0)));
}

int main(void) {
    RUN(bound);
    RUN(codes_of_x);
    RUN(alone);
    RUN(threads);
    RUN(sets_agree);
    RUN(ends);
    return check_done();
}
