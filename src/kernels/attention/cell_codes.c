/* Which kernels multiply codes of a cache. */
#include "kernels/attention/k_attention.h"
#include "kernels/codes/codes.h"

const mx_k_cell_codes *mx_cell_codes(void) {
    const mx_kernels *set = mx_kernels_get();
    const mx_k_decode *decode = set->attention->decode;
    return mx_code_table() == set->codes->vnni ? decode->vnni : decode->plain;
}
