/* Products of the direct machine: every kind of matrix, beside float64; a row has the same bits in
   whatever company. */
#include "check.h"
#include "base/mem.h"
#include "base/threads/team.h"
#include "graph/trace/scope.h"
#include "kernels/pointwise/k_pointwise.h"
#include "models/direct/direct_parts.h"

enum { OUT = 77, IN = 1280, ROWS = 150 };

static float w[OUT * IN], x[ROWS * IN], bias[OUT], low[3 * IN], high[OUT * 3];
static uint64_t state;

static float uniform(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (float)(state >> 40) * 0x1p-23f - 1;
}

static void draw(float *to, int n) {
    for (int i = 0; i < n; i++)
        to[i] = uniform();
}

static mx_rows *rows_of(mx_direct *m, const float *from, int64_t n) {
    mx_rows *r = direct_rows(m, n, IN);
    memcpy(r->data, from, (size_t)(n * IN) * sizeof *from);
    return r;
}

/* |sum of x w| as it should be, and by how much it may differ. */
static double wanted(const direct_matrix *v, const float *row, int64_t j, const mx_weight *of,
                     double *most) {
    float numbers[IN];
    double sum = v->bias ? v->bias[j] : 0, size = 0, largest = 0;
    direct_decode_row(v, j, numbers);
    for (int k = 0; k < IN; k++) {
        sum += (double)row[k] * (double)numbers[k];
        size += fabs((double)row[k] * (double)numbers[k]);
        largest = fmax(largest, fabs((double)numbers[k]));
    }
    for (int r = 0; of->down && r < 3; r++) {
        double part = 0;
        for (int k = 0; k < IN; k++)
            part += (double)row[k] * (double)low[r * IN + k];
        sum += (double)of->change * part * (double)high[j * 3 + r];
        size += fabs(part) + 1;
    }
    // codes of 16 bits are half a step away, at most
    *most = size * 1e-5 + (v->way == DIRECT_CODES ? largest * IN / 32512 : 0);
    return sum;
}

static void check_sums(const char *what, const mx_weight *of, const float *y) {
    direct_matrix v = direct_view(of, 0);
    for (int i = 0; i < ROWS; i += 37)
        for (int j = 0; j < OUT; j++) {
            double most, want = wanted(&v, x + i * IN, j, of, &most);
            if (!CHECK_MSG(fabs(y[i * OUT + j] - want) <= most,
                           "%s: %g at (%d,%d), expected %g +- %g", what, (double)y[i * OUT + j], i,
                           j, want, most))
                return;
        }
}

typedef struct work {
    const mx_weight *w;
    const char *what;
} work;

/* All rows at once, then some of them by themselves. */
static void multiply(void *ctx) {
    const work *k = ctx;
    static const int sizes[] = {1, 2, 3, 7, 8, 33};
    mx_direct m = {.stream = NULL};
    mx_rows *y = direct_multiplied(&m, k->w, rows_of(&m, x, ROWS));
    float *whole = mx_memdup(y->data, (size_t)(ROWS * OUT) * sizeof *whole);
    check_sums(k->what, k->w, whole);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int n = sizes[s], at = (int)s * 11;
        direct_arena_reset(&m.layer);
        y = direct_multiplied(&m, k->w, rows_of(&m, x + at * IN, n));
        CHECK_MSG(memcmp(y->data, whole + at * OUT, (size_t)(n * OUT) * sizeof(float)) == 0,
                  "%s: %d rows by themselves have other bits", k->what, n);
    }
    mx_free(whole);
    mx_free(m.ahead.from);
    direct_arena_free(&m.layer);
}

/* With and without a bias and a change, alone and in a team. */
static void check_weight(mx_weight *of, const char *what) {
    work k = {of, what};
    of->out = OUT;
    of->in = IN;
    multiply(&k);
    of->bias = mx_array_from(bias, (const int[]){OUT}, 1, MX_FLOAT32);
    of->down = mx_array_from(low, (const int[]){3, IN}, 2, MX_FLOAT32);
    of->up = mx_array_from(high, (const int[]){OUT, 3}, 2, MX_FLOAT32);
    of->change = 0.5f;
    mx_pool_set_threads(3);
    mx_team_run(multiply, &k);
    mx_pool_set_threads(0);
}

static mx_array *bytes(size_t n) {
    return mx_array_empty((const int[]){(int)n}, 1, MX_UINT8);
}

/* --- kinds ------------------------------------------------------------------------------------ */

static void blocks(void) {
    for (int i = 0; i < MX_BLOCK_KINDS; i++) {
        const mx_block_format *f = &mx_block_formats[i];
        if (!f->writes || IN % f->items)
            continue;
        mx_weight of = {.kind = MX_WEIGHT_BLOCKS, .block = f};
        size_t n = (size_t)OUT * IN / f->items;
        of.words = bytes(n * f->bytes);
        mx_blocks_encode(f, of.words->data, w, n);
        check_weight(&of, f->name);
    }
}

static void one_group(const char *mode, mx_quant_mode id, int bits, int group) {
    mx_weight of = {.kind = MX_WEIGHT_AFFINE, .mode = id, .bits = bits, .group = group};
    int groups = OUT * IN / group;
    bool affine = id == MX_AFFINE;
    of.words = bytes((size_t)OUT * IN * (size_t)bits / 8);
    mx_dtype type = affine ? MX_FLOAT32 : MX_UINT8;
    of.scales = mx_array_empty((const int[]){groups}, 1, type);
    of.biases = affine ? mx_array_empty((const int[]){groups}, 1, type) : NULL;
    mx_kernels_get()->quant->quantize[MX_FLOAT32]((uint32_t *)(void *)of.words->data,
                                                  of.scales->data, affine ? of.biases->data : NULL,
                                                  w, (mx_quant_format){id, bits, group}, groups,
                                                  1.0f);
    check_weight(&of, mode);
}

static void groups(void) {
    static const int bits[] = {2, 3, 4, 5, 6, 8};
    for (int i = 0; i < 6; i++)
        one_group("affine", MX_AFFINE, bits[i], 64);
    for (int i = 4; i <= 8; i += 4) {
        one_group("affine", MX_AFFINE, i, 32);
        one_group("affine", MX_AFFINE, i, 128);
    }
    one_group("mxfp4", MX_MXFP4, 4, 32);
    one_group("mxfp8", MX_MXFP8, 8, 32);
    one_group("nvfp4", MX_NVFP4, 4, 16);
}

static void floats(void) {
    static const mx_dtype types[] = {MX_FLOAT32, MX_FLOAT16, MX_BFLOAT16};
    for (int i = 0; i < 3; i++) {
        mx_weight of = {.kind = MX_WEIGHT_DENSE};
        of.words = mx_array_empty((const int[]){OUT, IN}, 2, types[i]);
        mx_kernels_get()->pointwise->cast[MX_FLOAT32][types[i]](of.words->data, w, OUT * IN);
        check_weight(&of, mx_dtype_name(types[i]));
    }
}

/* A bias is no part of what the gain multiplies: a large one takes no digits of it. */
static void gains(void) {
    float much[OUT], gain[OUT];
    mx_direct m = {.stream = NULL};
    mx_weight of = {.kind = MX_WEIGHT_DENSE, .out = OUT, .in = IN};
    of.words = mx_array_from(w, (const int[]){OUT, IN}, 2, MX_FLOAT32);
    for (int j = 0; j < OUT; j++) {
        much[j] = 10000 + bias[j];
        gain[j] = 100 + bias[j];
    }
    mx_rows *plain = direct_multiplied(&m, &of, rows_of(&m, x, 40));
    of.bias = mx_array_from(much, (const int[]){OUT}, 1, MX_FLOAT32);
    of.gain = mx_array_from(gain, (const int[]){OUT}, 1, MX_FLOAT32);
    mx_rows *y = direct_multiplied(&m, &of, rows_of(&m, x, 40));
    for (int i = 0; i < 40 * OUT; i++) {
        double want = (double)plain->data[i] * (double)gain[i % OUT] + (double)much[i % OUT];
        if (!CHECK_MSG(fabs((double)y->data[i] - want) <= 3e-7 * (fabs(want) + 10000),
                       "%.9g, expected %.9g", (double)y->data[i], want))
            break;
    }
    direct_arena_free(&m.layer);
}

static void every_set(void (*run)(void)) {
    int sets;
    const mx_kernels *const *set = mx_kernels_all(&sets);
    const char *chosen = mx_kernels_get()->name;
    for (int s = 0; s < sets; s++) {
        mx_kernels_choose(set[s]->name);
        run();
    }
    mx_kernels_choose(chosen);
}

static void all_blocks(void) {
    every_set(blocks);
}
static void all_groups(void) {
    every_set(groups);
}
static void all_floats(void) {
    every_set(floats);
}

int main(void) {
    mx_scope scope = mx_scope_open();
    state = check_seed(3);
    draw(w, OUT * IN);
    draw(x, ROWS * IN);
    draw(bias, OUT);
    draw(low, 3 * IN);
    draw(high, OUT * 3);
    RUN(all_blocks);
    RUN(all_groups);
    RUN(all_floats);
    RUN(gains);
    mx_scope_close(scope);
    return check_done();
}
