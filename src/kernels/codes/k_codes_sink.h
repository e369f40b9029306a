/* Where codes of W go, in order of k: into a panel, or straight into the product with one row of x.
 *
 * A format (k_codes_formats.h) gives scales and least values first, then groups of 32 numbers:
 * eight vectors of four codes a lane. What it is given to is a constant wherever these are used.
 */
#ifndef MX_KERNELS_K_CODES_SINK_H
#define MX_KERNELS_K_CODES_SINK_H

#include "kernels/codes/k_codes.h"

typedef struct sink {
    int32_t *codes;                   /* of a panel; NULL: they are multiplied */
    float *scale, *least;             /* where the next ones go */
    const float *scale_of, *least_of; /* those of the next group */
    const char *q, *low;              /* x at the next group */
    const char *scale_x, *word;
    ptrdiff_t more_words; /* bytes from words of least values to those of offsets */
    vf sum;               /* the product so far */
    const uint8_t *ask;   /* what is read soon, front to back */
} sink;

/* The constants of a way (codes.h). */
typedef struct way {
    int group, most;
    bool least;
    int digits; /* of x */
    int ask;    /* bytes of a group, of all rows */
} way;

/* Bytes between the rows that a product reads and those that it asks for, beyond LANES rows: what
   memory takes to answer. */
enum { ASK_FURTHER = 4096 };

/* Room for scales and least values of one block. */
enum { BLOCK_PLACES = 256 / MX_CODE_SMALL * VF_LANES };

SV sink sink_panel(void *p, const uint8_t *ask) {
    int32_t *codes = p;
    float *scale = (float *)(void *)(codes + VF_LANES * MX_CODE_CHUNK / 4);
    return (sink){.codes = codes,
                  .ask = ask,
                  .scale = scale,
                  .least = scale + VF_LANES * MX_CODE_CHUNK / MX_CODE_SMALL};
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
    if (!s->ask)
        return;
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

/* Both digits of the numbers from i on. */
SV vi two_digits(const vi *v, const sink *s, int i, vi first, const way w) {
    vi high = group_products(v, s->q + i, vi_set1(0), w.group / 4, w.most);
    vi low = group_products(v, s->low + i, first, w.group / 4, w.most);
    return vi_add(vi_shl(high, 8), low);
}

SV void multiply_group(sink *s, const vi *v, const way w) {
    CODES_UNROLL
    for (int i = 0; i < MX_CODE_GROUP; i += w.group) {
        vi first = first_sum(s->word, s->more_words, w.most, w.least);
        vi p = w.digits > 1 ? two_digits(v + i / 4, s, i, first, w)
                            : group_products(v + i / 4, s->q + i, first, w.group / 4, w.most);
        s->sum = add_group(s->sum, p, s->scale_of, s->least_of, s->scale_x, s->word, w.least);
        s->scale_of += VF_LANES;
        s->least_of += VF_LANES;
        s->word += 4;
    }
    s->q += MX_CODE_GROUP;
    s->low += MX_CODE_GROUP;
    s->scale_x += 4;
    ask_ahead(s, w.ask);
}

/* 32 numbers: v[c] has numbers 4 c .. 4 c + 4. */
SV void put_group(sink *s, const vi *v, const bool panel, const way w) {
    if (!panel) {
        multiply_group(s, v, w);
        return;
    }
    CODES_UNROLL
    for (int c = 0; c < 8; c++)
        vi_store(s->codes + c * VF_LANES, v[c]);
    s->codes += 8 * VF_LANES;
    ask_ahead(s, w.ask);
}

#endif
