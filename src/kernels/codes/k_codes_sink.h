/* Where codes of W go, in order of k: into products with rows of x.
 *
 * A format (k_codes_formats.h) gives scales and least values first, then groups of 32 numbers:
 * eight vectors of four codes a lane. What it is given to is a constant wherever these are used.
 */
#ifndef MX_KERNELS_K_CODES_SINK_H
#define MX_KERNELS_K_CODES_SINK_H

#include "kernels/codes/k_codes.h"

typedef struct sink {
    float *room_of_scales, *room_of_leasts; /* those of one block */
    float *scale, *least;                   /* where the next ones go */
    const float *scale_of, *least_of;       /* those of the next group */
    const char *q, *scale_x, *word;         /* of x at the next group, the first row's; */
    ptrdiff_t row_bytes, rows, k;
    vf sum;      /* the product so far: of one row; */
    float *sums; /* of several, ld apart */
    ptrdiff_t ld;
    bool begins;        /* these have nothing yet */
    const uint8_t *ask; /* what is read soon, front to back */
} sink;

/* The constants of a way (codes.h). */
typedef struct way {
    int group, most;
    bool least;
    int digits; /* of x */
    int ask;    /* bytes of a group, of all rows */
    bool one;   /* row of x */
} way;

/* Bytes between the rows that a product reads and those that it asks for, beyond LANES rows: what
   memory takes to answer. */
enum { ASK_FURTHER = 4096 };

/* Room for scales and least values of one block. */
enum { BLOCK_PLACES = 256 / MX_CODE_SMALL * VF_LANES };

/* The next block's scales go where the last one's were. */
SV void begin_block(sink *s) {
    s->scale_of = s->scale = s->room_of_scales;
    s->least_of = s->least = s->room_of_leasts;
}

SV void put_scale(sink *s, vf v) {
    vf_store(s->scale, v);
    s->scale += VF_LANES;
}
SV void put_least(sink *s, vf v) {
    vf_store(s->least, v);
    s->least += VF_LANES;
}

/* Groups whose codes are small may be added up in 16 bits for some steps of four. */
SV int steps_until_fold(int most, int steps) {
    int fit = 32767 / (254 * most);
    return fit < 1 ? 1 : fit < steps ? fit : steps;
}

SV float float_at(const char *p) {
    float x;
    memcpy(&x, p, sizeof x);
    return x;
}
SV vi bytes_at(const char *p) {
    return vi_set1(bytes4((const uint8_t *)p));
}

/* The lines of codes.h for one group whose products are p. */
SV vf add_group(vf sum, vi p, const float *scale, const float *least, const char *scale_x,
                const char *word, bool has_least) {
    vf s = vf_mul(vf_load(scale), vf_set1(float_at(scale_x)));
    sum = vf_fma(vf_from_i(p), s, sum);
    return has_least ? vf_fma(vf_load(least), vf_set1(float_at(word)), sum) : sum;
}

/* The products of `steps` vectors of codes. Two sums, so that none waits for the one before. */
SV vi group_products(const vi *v, const char *q, vi p, int steps, int most) {
    const bool wide = most > 63, folds = DOT_FOLDS && !wide;
    const int fold = steps_until_fold(most, steps);
    vi part = vi_set1(0), odd = vi_set1(0);
    CODES_UNROLL
    for (int t = 0; t < steps; t++) {
        vi x = bytes_at(q + 4 * t), *sum = t % 2 ? &odd : &p;
        if (folds)
            part = dot_small(t % fold == 0 ? vi_set1(0) : part, v[t], x);
        else
            *sum = wide ? dot_wide(*sum, v[t], x) : dot_small(*sum, v[t], x);
        if (folds && (t % fold == fold - 1 || t == steps - 1))
            p = vi_add(p, dot_fold(part));
    }
    return folds ? p : vi_add(p, odd);
}

/* The rows that are read next lie behind these. Asked for from front to back, as they lie, they
   come faster than LANES rows at once do, and are in the second-level cache when they are
   wanted. */
SV void ask_ahead(sink *s, int bytes) {
    IN_REGISTER(s->ask); // lines asked for here and there come later than in one go
    CODES_UNROLL
    for (int line = 0; line < bytes; line += 64)
        __builtin_prefetch(s->ask + line, 0, 2);
    s->ask += bytes;
}

/* What a sum begins with: words of least values have those of offsets behind them. */
SV vi first_sum(const char *word, ptrdiff_t more_words, int most, bool least) {
    if (least && most <= 63)
        return vi_set1(0);
    return bytes_at(least ? word + more_words : word);
}

/* What is read of one row of x at a group. */
typedef struct group_of_x {
    const char *q, *scale, *word;
} group_of_x;

/* The numbers from i on, both digits where there are two. */
SV vi all_digits(const vi *v, const group_of_x *x, int i, ptrdiff_t k, const char *word,
                 const way w) {
    vi first = first_sum(word, k / 8, w.most, w.least);
    if (w.digits == 1)
        return group_products(v + i / 4, x->q + i, first, w.group / 4, w.most);
    vi high = group_products(v + i / 4, x->q + i, vi_set1(0), w.group / 4, w.most);
    vi low = group_products(v + i / 4, x->q + MX_CODE_GROUP + i, first, w.group / 4, w.most);
    return vi_add(vi_shl(high, 8), low);
}

/* sum and the products of one row's group. */
SV vf multiply_row(const sink *s, const vi *v, group_of_x x, vf sum, const way w) {
    CODES_UNROLL
    for (int g = 0; g < MX_CODE_GROUP / w.group; g++) {
        const char *word = x.word + 4 * g;
        vi p = all_digits(v, &x, g * w.group, s->k, word, w);
        sum = add_group(sum, p, s->scale_of + g * VF_LANES, s->least_of + g * VF_LANES, x.scale,
                        word, w.least);
    }
    return sum;
}

/* 32 numbers: v[c] has numbers 4 c .. 4 c + 4. */
SV void put_group(sink *s, const vi *v, const way w) {
    group_of_x x = {s->q, s->scale_x, s->word};
    if (w.one)
        s->sum = multiply_row(s, v, x, s->sum, w);
    for (ptrdiff_t i = 0; !w.one && i < s->rows; i++) {
        float *sum = s->sums + i * s->ld;
        vf_store(sum, multiply_row(s, v, x, s->begins ? vf_zero() : vf_load(sum), w));
        x.q += s->row_bytes;
        x.scale += s->row_bytes;
        x.word += s->row_bytes;
    }
    s->begins = false;
    s->scale_of += MX_CODE_GROUP / w.group * VF_LANES;
    s->least_of += MX_CODE_GROUP / w.group * VF_LANES;
    s->word += 4 * (MX_CODE_GROUP / w.group);
    s->q += MX_CODE_GROUP * w.digits;
    s->scale_x += 4;
    ask_ahead(s, w.ask);
}

#endif
