/* Cases: random numbers, whose bits are functions of a key. */
#include "op_cases.h"

/* a (N,5) plus three bits a number from the key b (2). */
static mx_array *random_bits(mx_array *const *in) {
    mx_array *a = in[0];
    if (!a)
        return NULL;
    mx_array *bits = mx_random_bits(a->shape, a->ndim, 4, mx_astype(in[1], MX_UINT32));
    mx_array *three = mx_bitwise_and(bits, mx_scalar_i64(7, MX_UINT32));
    return mx_add(a, mx_astype(three, mx_dtype_of(a)));
}
CASE(random_keys, mx_random_bits(LIST(4, 3), 2, mx_astype(a, MX_UINT32)))
/* a (N,5), the key b (2). */
CASE(categorical, mx_random_categorical(a, -1, mx_astype(b, MX_UINT32)))
static mx_array *categorical_by_hand(mx_array *const *in) {
    mx_array *a = in[0];
    mx_array *noise =
        a ? mx_random_gumbel(a->shape, 2, MX_FLOAT32, mx_astype(in[1], MX_UINT32)) : NULL;
    return mx_arg_reduce(true, mx_add(a, noise), 1, false);
}

#define IN(lo, hi) {2, {N, 5}, lo, hi, false, false}
#define KEY        {1, {2}, 0, 1000, true, false}

const op_case op_cases_random[] = {
    {"random_bits", random_bits, NULL, NULL, INTS, {IN(-3, 3), KEY}},
    {"random_bits of keys",
     random_keys,
     NULL,
     NULL,
     NO_GRAD | NO_HALF,
     {{1, {2}, 0, 1000, false, false}}},
    {"categorical", categorical, NULL, categorical_by_hand, NO_GRAD | NO_EMPTY, {IN(-3, 3), KEY}},
    {0},
};
