/* The steps of chains: see k_pw_chain.h. */
#include "kernels/pointwise/k_pw_chain.h"

#include "kernels/kernels.h"
#include "kernels/pointwise/k_pw.h"
#include "kernels/pointwise/k_pw_arith.h"
#include "kernels/simd/simd.h"
#include "kernels/simd/vmath.h"

enum { BLOCK = 8 * VF_LANES };

/* `at` is the step's own link, i the place of the values in all data, `out` where they go. */
typedef void step(const mx_k_link *at, size_t i, float *out, vf a, vf b, vf c, vf d, vf e, vf f,
                  vf g, vf h);

#define STEP(name)                                                                            \
    static void name(const mx_k_link *at, size_t i, float *out, vf a, vf b, vf c, vf d, vf e, \
                     vf f, vf g, vf h)
#define GO_ON ((step *)at[1].step)(at + 1, i, out, a, b, c, d, e, f, g, h)
#define EACH(X, op) \
    X(a, 0, op) X(b, 1, op) X(c, 2, op) X(d, 3, op) X(e, 4, op) X(f, 5, op) X(g, 6, op) X(h, 7, op)

/* --- memory ----------------------------------------------------------------------------------- */

/* Loads stay in the order in which they stand here, upward: compilers turn them around, and then
   the processor fetches less of what comes next. */
SV vf load_ordered(const float *x) {
    vf a = vf_load(x);
    __asm__ volatile("" ::: "memory");
    return a;
}
#define LOAD(v, k, op)  v = load_ordered(x + k * VF_LANES);
#define STORE(v, k, op) vf_store(x + k * VF_LANES, v);

STEP(step_keep) {
    float *x = (float *)at->data + i;
    EACH(STORE, )
    GO_ON;
}
STEP(step_end) {
    (void)at, (void)i;
    float *x = out;
    EACH(STORE, )
}

static void run(const mx_k_link *chain, const void *in, void *out, size_t n) {
    const float *x = in;
    vf a, b, c, d, e, f, g, h;
    for (size_t i = 0; i < n; i += BLOCK, x += BLOCK) {
        EACH(LOAD, )
        ((step *)chain->step)(chain, i, (float *)out + i, a, b, c, d, e, f, g, h);
    }
}

/* --- operations ------------------------------------------------------------------------------- */

/* Of a number that is neither 0 nor NaN, where the instruction does all that is asked for. */
SV vf maximum_plain(vf a, vf number) {
    return vf_max(number, a);
}
SV vf minimum_plain(vf a, vf number) {
    return vf_min(number, a);
}

#define ALONE(v, k, op)         v = op(v);
#define DATA(v, k, op)          v = op(v, load_ordered(x + k * VF_LANES));
#define DATA_TURNED(v, k, op)   v = op(load_ordered(x + k * VF_LANES), v);
#define NUMBER(v, k, op)        v = op(v, number);
#define NUMBER_TURNED(v, k, op) v = op(number, v);

#define F32_A1(name, op) \
    STEP(step_##name) {  \
        EACH(ALONE, op)  \
        GO_ON;           \
    }
#define F32_A2(name, op)                              \
    STEP(name##_data) {                               \
        const float *x = (const float *)at->data + i; \
        EACH(DATA, op)                                \
        GO_ON;                                        \
    }                                                 \
    STEP(name##_data_turned) {                        \
        const float *x = (const float *)at->data + i; \
        EACH(DATA_TURNED, op)                         \
        GO_ON;                                        \
    }                                                 \
    STEP(name##_number) {                             \
        vf number = vf_set1(at->number);              \
        EACH(NUMBER, op)                              \
        GO_ON;                                        \
    }                                                 \
    STEP(name##_number_turned) {                      \
        vf number = vf_set1(at->number);              \
        EACH(NUMBER_TURNED, op)                       \
        GO_ON;                                        \
    }
#include "kernels/pointwise/k_pw.def"

#define STEP_PLAIN(name)                 \
    STEP(step_##name) {                  \
        vf number = vf_set1(at->number); \
        EACH(NUMBER, name)               \
        GO_ON;                           \
    }
STEP_PLAIN(maximum_plain)
STEP_PLAIN(minimum_plain)

// clang-format off
#define AS_STEP(name) (mx_k_step *)name
const mx_k_chain KN(mx_chain) = {
    .block = BLOCK,
    .run = run,
    .keep = AS_STEP(step_keep),
    .end = AS_STEP(step_end),
    .unary = {
#define F32_A1(name, op) [MX_PW_##name] = AS_STEP(step_##name),
#define F32_A2(name, op)
#include "kernels/pointwise/k_pw.def"
    },
    .number = {
#define NUMBER_AT(op, t, index) [MX_PW_##op][index] = KN(k_##op##_##t##_number),
#define INT_AT(op, t, type, index) NUMBER_AT(op, t, index)
#define F32_A1(op, f)
#define F32_A2(op, f) \
    NUMBER_AT(op, f32, MX_FLOAT32) NUMBER_AT(op, f16, MX_FLOAT16) NUMBER_AT(op, bf16, MX_BFLOAT16)
#define F32_CMP(op, f) F32_A2(op, f)
#define F64_A2(op, f) NUMBER_AT(op, f64, MX_FLOAT64)
#define F64_CMP(op, f) F64_A2(op, f)
#define INT_A2(op) PW_INTS(INT_AT, op)
#define INT_DIV(op) INT_A2(op)
#define INT_CMP(op) INT_A2(op)
#define BOOL_2(op, f) NUMBER_AT(op, bool, MX_BOOL)
#include "kernels/pointwise/k_pw.def"
    },
    .plain = {
        [MX_PW_maximum] = AS_STEP(step_maximum_plain),
        [MX_PW_minimum] = AS_STEP(step_minimum_plain),
    },
    .binary = {
#define F32_A1(name, op)
#define F32_A2(name, op)                                                \
    [MX_PW_##name] = {                                                  \
        {AS_STEP(name##_data), AS_STEP(name##_data_turned)},            \
        {AS_STEP(name##_number), AS_STEP(name##_number_turned)}},
#include "kernels/pointwise/k_pw.def"
    },
};
