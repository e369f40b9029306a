/* One step of the online softmax, with queries as columns (prefill) or as rows (decoding). */
#include "kernels/attention/k_attention.h"

#include <float.h>

#include "kernels/simd/vmath.h"

/* e^x for x <= 0, exactly 0 far below and for -inf; NaN stays. */
SV vf weight(vf x) {
    return vf_select(vf_lt(x, vf_set1(-87.0f)), vf_zero(), vf_exp_negative(x));
}
/* What to subtract: the maximum, or 0 while everything is -inf. */
SV vf finite_max(vf m) {
    return vf_select(vf_eq(m, vf_set1(-INFINITY)), vf_zero(), m);
}

/* ---- queries as columns ---- */

/* Lane c holds number first + c. */
SV vf count_up(ptrdiff_t first) {
    float t[VF_LANES];
    for (int i = 0; i < VF_LANES; i++)
        t[i] = (float)(first + i);
    return vf_load(t);
}

/* scale * score + mask for key t of the queries q..; `last` holds the last key each may see. */
SV vf score(const mx_k_att_step *a, ptrdiff_t t, ptrdiff_t q, vf last, bool limited) {
    vf x = vf_mul(vf_load(a->s + t * a->ld + q), vf_set1(a->scale));
    if (a->mask)
        x = vf_add(x, vf_load(a->mask + t * a->ld + q));
    if (a->select)
        x = vf_max(vf_set1(-FLT_MAX), x);
    if (limited)
        x = vf_select(vf_gt(vf_set1((float)t), last), vf_set1(-FLT_MAX), x);
    return x;
}

/* Bring o, m and l of the queries q.. to the new maximum. */
SV void rescale(const mx_k_att_step *a, ptrdiff_t q, vf former, vf m) {
    vf c = weight(vf_sub(former, finite_max(m)));
    vf_store(a->m + q, m);
    vf_store(a->l + q, vf_mul(vf_load(a->l + q), c));
    if (vm_all(vf_eq(c, vf_set1(1.0f))))
        return;
    for (ptrdiff_t i = 0; i < a->values; i++) {
        float *o = a->o + i * a->o_ld + q;
        vf_store(o, vf_mul(vf_load(o), c));
    }
}

/* Scores of one vector of queries, scaled and masked; gives the new maximum. */
SV vf column_scores(const mx_k_att_step *a, ptrdiff_t q, vf m, bool limited) {
    vf last = limited ? count_up(a->limit + q) : vf_zero(), m2 = m;
    ptrdiff_t t = 0;
    for (; t + 2 <= a->keys; t += 2) {
        vf x = score(a, t, q, last, limited), y = score(a, t + 1, q, last, limited);
        vf_store(a->s + t * a->ld + q, x);
        vf_store(a->s + (t + 1) * a->ld + q, y);
        m = vf_max(m, x);
        m2 = vf_max(m2, y);
    }
    if (t < a->keys) {
        vf x = score(a, t, q, last, limited);
        vf_store(a->s + t * a->ld + q, x);
        m = vf_max(m, x);
    }
    return vf_max(m, m2);
}

/* Two rounded weights in one lane: the earlier key in the low half. */
SV vi pair(vf low, vf high) {
    return vi_or(vi_shr(vi_round_bf16(low), 16),
                 vi_and(vi_round_bf16(high), vi_set1((int32_t)0xffff0000u)));
}

/* Weights of one vector of queries, two keys at a time; their sum. */
SV vf column_weights(const mx_k_att_step *a, ptrdiff_t q, vf m, uint32_t *pairs) {
    vf top = finite_max(m), sum = vf_zero(), sum2 = vf_zero();
    for (ptrdiff_t t = 0; t < a->keys; t += 2) {
        float *s = a->s + t * a->ld + q;
        bool both = t + 1 < a->keys;
        vf p = weight(vf_sub(vf_load(s), top));
        vf p2 = both ? weight(vf_sub(vf_load(s + a->ld), top)) : vf_zero();
        sum = vf_add(sum, p);
        sum2 = vf_add(sum2, p2);
        if (pairs) {
            vi_store((int32_t *)(pairs + t / 2 * a->ld + q), pair(p, p2));
        } else {
            vf_store(s, p);
            if (both)
                vf_store(s + a->ld, p2);
        }
    }
    return vf_add(sum, sum2);
}

static void columns(const mx_k_att_step *a, ptrdiff_t queries, uint32_t *pairs) {
    for (ptrdiff_t q = 0; q < queries; q += VF_LANES) {
        vf former = vf_load(a->m + q);
        bool limited = a->limit < a->keys - q; // some key is beyond some query's last
        vf m = limited ? column_scores(a, q, former, true) : column_scores(a, q, former, false);
        rescale(a, q, former, m);
        vf sum = pairs ? column_weights(a, q, m, pairs) : column_weights(a, q, m, NULL);
        vf_store(a->l + q, vf_add(vf_load(a->l + q), sum));
    }
}

/* ---- queries as rows ---- */

SV vf load_part(const float *p, size_t n) {
    return n == VF_LANES ? vf_load(p) : vf_loadn(p, n);
}

/* Scores t .. t+n of a row, scaled and masked; lanes beyond n are -inf. */
SV vf row_part(const mx_k_att_step *a, const float *s, const float *mask, ptrdiff_t t, size_t n,
               ptrdiff_t last) {
    vf x = vf_mul(load_part(s + t, n), vf_set1(a->scale));
    if (mask)
        x = vf_add(x, load_part(mask + t, n));
    if (a->select)
        x = vf_max(vf_set1(-FLT_MAX), x);
    if (last - t < VF_LANES - 1) {
        size_t seen = last < t ? 0 : (size_t)(last - t + 1);
        x = vf_select(vm_first(seen), x, vf_set1(-FLT_MAX));
    }
    return n == VF_LANES ? x : vf_select(vm_first(n), x, vf_set1(-INFINITY));
}

/* Scores of one row made ready; gives the new maximum. */
static float row_scores(const mx_k_att_step *a, ptrdiff_t row, ptrdiff_t last, float former) {
    float *s = a->s + row * a->ld;
    const float *mask = a->mask ? a->mask + row * a->ld : NULL;
    vf m = vf_set1(former);
    for (ptrdiff_t t = 0; t < a->keys; t += VF_LANES) {
        size_t n = a->keys - t < VF_LANES ? (size_t)(a->keys - t) : VF_LANES;
        vf x = row_part(a, s, mask, t, n, last);
        m = vf_max(m, x);
        if (n == VF_LANES)
            vf_store(s + t, x);
        else
            vf_storen(s + t, x, n);
    }
    return vf_hmax(m);
}

static float row_weights(float *s, ptrdiff_t keys, float m) {
    vf top = finite_max(vf_set1(m)), sum = vf_zero();
    ptrdiff_t t = 0;
    for (; t + VF_LANES <= keys; t += VF_LANES) {
        vf p = weight(vf_sub(vf_load(s + t), top));
        sum = vf_add(sum, p);
        vf_store(s + t, p);
    }
    if (t < keys) {
        size_t n = (size_t)(keys - t);
        vf p = weight(vf_sub(vf_loadn(s + t, n), top));
        sum = vf_add(sum, vf_select(vm_first(n), p, vf_zero()));
        vf_storen(s + t, p, n);
    }
    return vf_sum(sum);
}

static void scale_row(float *o, ptrdiff_t n, vf c) {
    ptrdiff_t i = 0;
    for (; i + VF_LANES <= n; i += VF_LANES)
        vf_store(o + i, vf_mul(vf_load(o + i), c));
    if (i < n)
        vf_storen(o + i, vf_mul(vf_loadn(o + i, (size_t)(n - i)), c), (size_t)(n - i));
}

static void rows(const mx_k_att_step *a, ptrdiff_t queries, ptrdiff_t per_head) {
    for (ptrdiff_t r = 0; r < queries; r++) {
        bool all = a->limit == PTRDIFF_MAX;
        ptrdiff_t last = all ? PTRDIFF_MAX : a->limit + r % per_head;
        float former = a->m[r], m = row_scores(a, r, last, former);
        vf c = weight(vf_sub(vf_set1(former), finite_max(vf_set1(m))));
        float factor[VF_LANES];
        vf_store(factor, c);
        a->m[r] = m;
        a->l[r] = a->l[r] * factor[0] + row_weights(a->s + r * a->ld, a->keys, m);
        if (!vm_all(vf_eq(c, vf_set1(1.0f))))
            scale_row(a->o + r * a->o_ld, a->values, c);
    }
}

const mx_k_attention KN(mx_attention) = {
    .delta = KN(mx_delta), .columns = columns, .rows = rows, .decode = &KN(mx_decode)};
