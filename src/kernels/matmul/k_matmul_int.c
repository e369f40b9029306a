/* Matmul of integers, wrapping, and of bool (or over and). Signed types share the unsigned code:
 * products and sums agree modulo 2^bits. */
#include <string.h>

#include "kernels/matmul/k_tile.h"

#define IMM_M 16
#define IMM_N 64
#define IMM_K 32

/* 8 and 16 bits are promoted to int, whose product of two 16-bit numbers could overflow. */
#define MUL_ADD(a, b, c)       ((c) + (uint64_t)(a) * (b))
#define MIX(alpha, s, beta, c) ((uint64_t)(alpha) * (s) + (uint64_t)(beta) * (c))
#define T                      uint64_t
#define FN(name)               u64_##name
#include "kernels/matmul/k_imatmul_impl.h"
#undef MUL_ADD
#undef MIX

#define MUL_ADD(a, b, c)       ((c) + (uint32_t)(a) * (b))
#define MIX(alpha, s, beta, c) ((uint32_t)(alpha) * (s) + (uint32_t)(beta) * (c))
#define T                      uint8_t
#define FN(name)               u8_##name
#include "kernels/matmul/k_imatmul_impl.h"
#define T        uint16_t
#define FN(name) u16_##name
#include "kernels/matmul/k_imatmul_impl.h"
#define T        uint32_t
#define FN(name) u32_##name
#include "kernels/matmul/k_imatmul_impl.h"
#undef MUL_ADD
#undef MIX

#define MUL_ADD(a, b, c)       ((c) | (((a) != 0) & ((b) != 0)))
#define MIX(alpha, s, beta, c) (((alpha) != 0 && (s)) || ((beta) != 0 && (c)))
#define T                      uint8_t
#define FN(name)               bool_##name
#include "kernels/matmul/k_imatmul_impl.h"

void KN(k_imatmul_bool)(const mx_k_imatmul_args *a) {
    bool_all(a);
}
void KN(k_imatmul_8)(const mx_k_imatmul_args *a) {
    u8_all(a);
}
void KN(k_imatmul_16)(const mx_k_imatmul_args *a) {
    u16_all(a);
}
void KN(k_imatmul_32)(const mx_k_imatmul_args *a) {
    u32_all(a);
}
void KN(k_imatmul_64)(const mx_k_imatmul_args *a) {
    u64_all(a);
}
