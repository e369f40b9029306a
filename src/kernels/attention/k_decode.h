/* What stands between the products of a language model's pass: float32 rows in place.
 *
 * Each element of a result depends on its own operands alone, so that rows may be taken in any
 * pieces that are multiples of 16 elements.
 */
#ifndef MX_KERNELS_K_DECODE_H
#define MX_KERNELS_K_DECODE_H

#include <stddef.h>

/* X(name): what `gate` gives, of which out = name(gate) * up */
#define MX_GATES(X)                                                                   \
    X(silu) /* x sigmoid(x) */                                                        \
    X(gelu) /* by erf */                                                              \
    X(gelu_tanh)                                                                      \
    X(relu)                                                                           \
    X(relu2)                                                                          \
    X(clamped) /* x <= 7: x sigmoid(1.702 x); up within -7 .. 7, and 1 added to it */ \
    X(sigmoid)

typedef enum mx_gate_kind {
#define X(name) MX_GATE_##name,
    MX_GATES(X)
#undef X
        MX_GATE_COUNT
} mx_gate_kind;

/* out may be gate or up. up NULL: ones (clamped: zeros). */
typedef void mx_k_gate(float *out, const float *gate, const float *up, size_t n);

typedef struct mx_k_decode {
    mx_k_gate *gate[MX_GATE_COUNT];
    void (*add)(float *x, const float *y, float scale, size_t n); /* x += scale * y */
    /* scale * x, then cap * tanh(x / cap) where cap is not 0 */
    void (*cap)(float *x, float scale, float cap, size_t n);
    /* Two unfinished results of the online softmax (k_attention.h) become one, in m, l and o: of
       some keys, and of those behind them. */
    void (*fold)(float *m, float *l, float *o, float m2, float l2, const float *o2, size_t n);
    void (*divide)(float *o, float by, size_t n);
    /* A step of rows of a state (rows, n): s = decay s + (dt x[row]) b;  y[row] = s . c */
    void (*scan)(float *s, size_t rows, size_t n, float decay, float dt, const float *x,
                 const float *b, const float *c, float *y);
} mx_k_decode;

#endif
