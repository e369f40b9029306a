/* Template: W times rows of x. Included with DOTS, the name of the table.
 *
 * S rows meet C panels at once. Whatever S and C are, an element goes through the same steps: the
 * sum of a group in integers, then the lines of codes.h.
 */
#include "kernels/codes/k_codes_groups.h"

enum {
    DOTS_ROWS = 4,
    PANEL = VF_LANES * MX_CODE_CHUNK, /* bytes of codes of a panel; then scales, then least */
    PLACES = VF_LANES * MX_CODE_CHUNK / MX_CODE_SMALL,
};

SV const float *panel_scales(const char *panel) {
    return (const float *)(const void *)(panel + PANEL);
}

/* What the sums of group g begin with. */
SV void first_sums(vi p[DOTS_ROWS][DOTS_PANELS], const mx_code_dots_args *a, const char *word,
                   int S, int C, int most, bool least) {
    CODES_UNROLL
    for (int i = 0; i < S; i++, word += a->row_bytes) {
        vi first = first_sum(word, a->k / 8, most, least);
        CODES_UNROLL
        for (int j = 0; j < C; j++)
            p[i][j] = first;
    }
}

/* p[i][j] += the products of four codes of each lane. */
SV void step(vi p[DOTS_ROWS][DOTS_PANELS], const mx_code_dots_args *a, const int32_t *codes,
             const char *q, int S, int C, bool wide) {
    const ptrdiff_t stride = mx_code_panel_bytes(VF_LANES) / 4;
    vi w[DOTS_PANELS];
    CODES_UNROLL
    for (int j = 0; j < C; j++)
        w[j] = vi_load(codes + j * stride);
    CODES_UNROLL
    for (int i = 0; i < S; i++) {
        vi x = bytes_at(q + i * a->row_bytes);
        CODES_UNROLL
        for (int j = 0; j < C; j++)
            p[i][j] = wide ? dot_wide(p[i][j], w[j], x) : dot_small(p[i][j], w[j], x);
    }
}

SV void zero_parts(vi part[DOTS_ROWS][DOTS_PANELS], int S, int C) {
    CODES_UNROLL
    for (int i = 0; i < S; i++) {
        CODES_UNROLL
        for (int j = 0; j < C; j++)
            part[i][j] = vi_set1(0);
    }
}
SV void fold_parts(vi p[DOTS_ROWS][DOTS_PANELS], vi part[DOTS_ROWS][DOTS_PANELS], int S, int C) {
    CODES_UNROLL
    for (int i = 0; i < S; i++) {
        CODES_UNROLL
        for (int j = 0; j < C; j++)
            p[i][j] = vi_add(p[i][j], dot_fold(part[i][j]));
    }
}

/* p[i][j]: the sums of one group. */
SV void group_sums(vi p[DOTS_ROWS][DOTS_PANELS], const mx_code_dots_args *a, const int32_t *codes,
                   const char *q, int S, int C, int group, int most) {
    const bool wide = most > 63, folds = DOT_FOLDS && !wide;
    const int steps = group / 4, fold = steps_until_fold(most, steps);
    vi part[DOTS_ROWS][DOTS_PANELS];
    CODES_UNROLL
    for (int t = 0; t < steps; t++) {
        if (folds && t % fold == 0)
            zero_parts(part, S, C);
        step(folds ? part : p, a, codes + t * VF_LANES, q + 4 * t, S, C, wide);
        if (folds && (t % fold == fold - 1 || t == steps - 1))
            fold_parts(p, part, S, C);
    }
}

/* Sums of the first digits count 256 times; to them those of the second are added. */
SV void second_digit(vi p[DOTS_ROWS][DOTS_PANELS], const mx_code_dots_args *a, const char *word,
                     int S, int C, int most, bool least) {
    vi first[DOTS_ROWS][DOTS_PANELS];
    first_sums(first, a, word, S, C, most, least);
    CODES_UNROLL
    for (int i = 0; i < S; i++) {
        CODES_UNROLL
        for (int j = 0; j < C; j++)
            p[i][j] = vi_add(vi_shl(p[i][j], 8), first[i][j]);
    }
}

/* The next lines of what is asked for. */
SV void ask_lines(mx_code_dots_args *a, int lines) {
    for (int i = 0; i < lines && a->asked > 0; i++) {
        __builtin_prefetch(a->ask, 0, 2);
        a->ask += 64;
        a->asked -= 64;
    }
}

/* S rows from x on, C panels: acc += . */
SV void tile(mx_code_dots_args *a, const char *x, float *acc, int S, int C, int group, int most,
             bool least, int digits, int lines) {
    const ptrdiff_t stride = mx_code_panel_bytes(VF_LANES);
    vf sum[DOTS_ROWS][DOTS_PANELS];
    CODES_UNROLL
    for (int i = 0; i < S; i++) {
        CODES_UNROLL
        for (int j = 0; j < C; j++)
            sum[i][j] = vf_load(acc + i * a->lda + j * VF_LANES);
    }
    for (ptrdiff_t g = 0; g < a->n / group; g++) {
        vi p[DOTS_ROWS][DOTS_PANELS];
        const char *scales = x + a->k * digits, *q = x + a->k0 + g * group;
        const char *scale = scales + (a->k0 + g * group) / MX_CODE_GROUP * 4;
        const char *word = scales + a->k / 8 + (a->k0 / group + g) * 4;
        const int32_t *codes = (const int32_t *)(const void *)a->panel + g * group / 4 * VF_LANES;
        ask_lines(a, lines);
        if (digits > 1) {
            zero_parts(p, S, C);
            group_sums(p, a, codes, q, S, C, group, most);
            second_digit(p, a, word, S, C, most, least);
            q += a->k;
        } else {
            first_sums(p, a, word, S, C, most, least);
        }
        group_sums(p, a, codes, q, S, C, group, most);
        CODES_UNROLL
        for (int i = 0; i < S; i++, scale += a->row_bytes, word += a->row_bytes) {
            CODES_UNROLL
            for (int j = 0; j < C; j++) {
                const float *w = panel_scales(a->panel + j * stride) + g * VF_LANES;
                sum[i][j] = add_group(sum[i][j], p[i][j], w, w + PLACES, scale, word, least);
            }
        }
    }
    CODES_UNROLL
    for (int i = 0; i < S; i++) {
        CODES_UNROLL
        for (int j = 0; j < C; j++)
            vf_store(acc + i * a->lda + j * VF_LANES, sum[i][j]);
    }
}

/* All rows against C panels. */
SV void rows(mx_code_dots_args *a, int C, int group, int most, bool least, int digits, int lines) {
    ptrdiff_t i = 0;
    for (; i + DOTS_ROWS <= a->rows; i += DOTS_ROWS)
        tile(a, a->x + i * a->row_bytes, a->acc + i * a->lda, DOTS_ROWS, C, group, most, least,
             digits, lines);
    for (; i + 2 <= a->rows; i += 2)
        tile(a, a->x + i * a->row_bytes, a->acc + i * a->lda, 2, C, group, most, least, digits,
             lines);
    for (; i < a->rows; i++)
        tile(a, a->x + i * a->row_bytes, a->acc + i * a->lda, 1, C, group, most, least, digits,
             lines);
}

/* How many lines a group of a tile asks for, so that all are asked for at the end. */
SV int lines_each(const mx_code_dots_args *a, int group) {
    ptrdiff_t tiles = (a->rows + DOTS_ROWS - 1) / DOTS_ROWS * (a->n / group);
    ptrdiff_t all = tiles * ((a->panels + DOTS_PANELS - 1) / DOTS_PANELS);
    return a->ask ? (int)((a->asked / 64 + all) / all) : 0;
}

SV void panels(const mx_code_dots_args *a, int group, int most, bool least, int digits) {
    mx_code_dots_args b = *a;
    int lines = lines_each(a, group);
    for (int c = 0; c < a->panels;) {
        int most_panels = a->panels - c >= DOTS_PANELS ? DOTS_PANELS : 1;
        if (most_panels == DOTS_PANELS)
            rows(&b, DOTS_PANELS, group, most, least, digits, lines);
        else
            rows(&b, 1, group, most, least, digits, lines);
        c += most_panels;
        b.panel += most_panels * mx_code_panel_bytes(VF_LANES);
        b.acc += most_panels * VF_LANES;
    }
}

#define X(name, group, most, least)                       \
    static void dots_##name(const mx_code_dots_args *a) { \
        if (a->digits > 1)                                \
            panels(a, group, most, least, 2);             \
        else                                              \
            panels(a, group, most, least, 1);             \
    }
MX_CODE_WAYS(X)
#undef X

/* --- one row of x ----------------------------------------------------------------------------- */

#define X(name, group, most, least) static const way way_##name = {group, most, least, 1, 0};
MX_CODE_WAYS(X)
#undef X

/* The next block's scales go where the last one's were. */
SV void sink_block(sink *s, float *scale, float *least) {
    s->scale = scale;
    s->least = least;
    s->scale_of = scale;
    s->least_of = least;
}

SV sink sink_product(const uint8_t *const *rows, const char *x, ptrdiff_t k, int digits) {
    return (sink){.q = x,
                  .low = x + k,
                  .scale_x = x + k * digits,
                  .word = x + k * digits + k / 8,
                  .more_words = k / 8,
                  .sum = vf_zero(),
                  .ask = rows[0] + (rows[1] - rows[0]) * VF_LANES + ASK_FURTHER};
}

#define X(name, as, offset)                                                                     \
    SV void digits_##name(float *y, const uint8_t *const *rows, const char *x, ptrdiff_t k,     \
                          const int digits) {                                                   \
        float scale[BLOCK_PLACES], least[BLOCK_PLACES];                                         \
        sink s = sink_product(rows, x, k, digits);                                              \
        way w = way_##as;                                                                       \
        w.ask = GROUP_BYTES_##name;                                                             \
        w.digits = digits;                                                                      \
        for (ptrdiff_t i = 0; i < k / BLOCK_ITEMS_##name; i++) {                                \
            sink_block(&s, scale, least);                                                       \
            unpack_##name(&s, rows, i *BLOCK_BYTES_##name, false, w);                           \
        }                                                                                       \
        vf_store(y, s.sum);                                                                     \
    }                                                                                           \
    static void vector_##name(float *y, const uint8_t *const *rows, const char *x, ptrdiff_t k, \
                              int digits) {                                                     \
        if (digits > 1)                                                                         \
            digits_##name(y, rows, x, k, 2);                                                    \
        else                                                                                    \
            digits_##name(y, rows, x, k, 1);                                                    \
    }
MX_CODES(X)
#undef X

SV void digits_groups(float *y, const mx_code_rows *r, const char *x, ptrdiff_t k, int bits,
                      mx_dtype kind, const int digits) {
    sink s = sink_product(r->word, x, k, digits);
    way w = bits == 4 ? way_four_least : way_wide_least;
    w.ask = VF_LANES * MX_CODE_GROUP * bits / 8;
    w.digits = digits;
    give_groups(&s, r, 0, k, bits, kind, false, w);
    vf_store(y, s.sum);
}

static void vector_groups(float *y, const mx_code_rows *r, const char *x, ptrdiff_t k, int digits) {
    if (digits > 1 && r->bits == 4)
        digits_groups(y, r, x, k, 4, r->kind, 2);
    else if (digits > 1)
        digits_groups(y, r, x, k, 8, r->kind, 2);
    else if (r->bits == 4)
        digits_groups(y, r, x, k, 4, r->kind, 1);
    else
        digits_groups(y, r, x, k, 8, r->kind, 1);
}

const mx_k_code_table KN(DOTS) = {.wide_offset = DOT_WIDE_OFFSET,
                                  .vector_groups = vector_groups,
#define X(name, group, most, least) .dots[MX_CODES_##name] = dots_##name,
                                  MX_CODE_WAYS(X)
#undef X
#define X(name, as, offset) .vector[MX_BLOCK_##name] = vector_##name,
                                      MX_CODES(X)
#undef X
};
