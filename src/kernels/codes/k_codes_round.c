/* Rows of x as codes of 8 bits, and the table of this set. */
#include <math.h>

#include "kernels/codes/k_codes.h"

enum { VECTORS = MX_CODE_GROUP / VF_LANES, SMALL_VECTORS = MX_CODE_SMALL / VF_LANES };

/* The largest magnitude of 32 numbers; NaN where one of them is not finite. */
SV float largest(const float *x) {
    vf most = vf_zero();
    vm finite = vf_lt(vf_abs(vf_load(x)), vf_set1(INFINITY));
    for (int i = 0; i < VECTORS; i++) {
        vf v = vf_abs(vf_load(x + i * VF_LANES));
        most = vf_max(most, v);
        finite = vm_and(finite, vf_lt(v, vf_set1(INFINITY)));
    }
    return vm_bits(finite) == vm_bits(vm_first(VF_LANES)) ? vf_hmax(most) : NAN;
}

SV void put_digit(int8_t *q, vi code) {
    vi_store_u8((uint8_t *)q, vi_and(code, vi_set1(255)));
}

/* 16 codes; the sum of what it gives is theirs. low: where the second digits go, or NULL. */
SV vf small_group(int8_t *q, int8_t *low, const float *x, vf by) {
    vf sum = vf_zero();
    for (int i = 0; i < SMALL_VECTORS; i++) {
        vi code = vi_round_f(vf_mul(vf_load(x + i * VF_LANES), by));
        if (low) {
            vi high = vi_sra(vi_add(code, vi_set1(128)), 8);
            vi rest = vi_max(vi_set1(-127), vi_sub(code, vi_shl(high, 8)));
            code = vi_add(vi_shl(high, 8), rest);
            put_digit(low + i * VF_LANES, rest);
            put_digit(q + i * VF_LANES, high);
        } else {
            put_digit(q + i * VF_LANES, code);
        }
        sum = vf_add(sum, vf_from_i(code));
    }
    return sum;
}

/* Where scale is NaN so is all that becomes of the codes, and their sum may be beyond int32. */
SV void put_word(char *to, float sum, float scale, bool least, int offset) {
    float product = sum * scale;
    int32_t taken = isnan(scale) ? 0 : -offset * (int32_t)sum;
    memcpy(to, least ? (void *)&product : (void *)&taken, 4);
}

void KN(k_code_round)(void *row, const float *x, ptrdiff_t k, int group, bool least, int offset,
                      int digits) {
    int8_t *q = row;
    char *scales = (char *)row + k * digits, *words = scales + k / 8;
    bool two = digits > 1;
    float steps = two ? 127.0f * 256.0f : 127.0f, tiny = two ? 0x1p-111f : 0x1p-119f;
    for (ptrdiff_t i = 0; i < k; i += MX_CODE_GROUP, scales += 4) {
        float most = largest(x + i);
        // below, the inverse might be infinite and the scale subnormal
        vf by = vf_set1(most >= tiny ? steps / most : 0.0f);
        float scale = isnan(most) ? NAN : most >= tiny ? most / steps : 0.0f;
        int8_t *low = two ? q + MX_CODE_GROUP : NULL, *low_b = two ? low + MX_CODE_SMALL : NULL;
        vf a = small_group(q, low, x + i, by);
        vf b = small_group(q + MX_CODE_SMALL, low_b, x + i + MX_CODE_SMALL, by);
        q += MX_CODE_GROUP * digits;
        memcpy(scales, &scale, 4);
        if (group == MX_CODE_SMALL) {
            put_word(words, vf_sum(a), scale, least, offset);
            put_word(words + 4, vf_sum(b), scale, least, offset);
            words += 8;
            continue;
        }
        float sum = vf_sum(vf_add(a, b));
        put_word(words, sum, scale, least, offset);
        if (least)
            put_word(words + k / 8, sum, scale, false, offset);
        words += 4;
    }
}

static void part(int8_t *q, ptrdiff_t n) {
    typedef int8_t bytes __attribute__((vector_size(16)));
    for (ptrdiff_t i = 0; i < n; i += 16) {
        bytes b;
        memcpy(&b, q + i, sizeof b);
        b = __builtin_shufflevector(b, b, 0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15);
        memcpy(q + i, &b, sizeof b);
    }
}

const mx_k_codes KN(mx_codes) = {
    .lanes = VF_LANES,
    .round = KN(k_code_round),
    .part = part,
    .plain = &KN(k_code_plain),
    .vnni = &KN(k_code_vnni),
};
