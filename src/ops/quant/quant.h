/* Between the files of the quantized operations. */
#ifndef MX_OPS_QUANT_H
#define MX_OPS_QUANT_H

#include "graph/array/params.h"
#include "ops/rules.h"

static inline mx_quant_format mx_quant_format_of(const mx_p_quant *p) {
    return (mx_quant_format){(mx_quant_mode)p->mode, p->bits, p->group};
}
/* What a global scale of nvfp4 stands for: the largest scale times the largest code. */
enum { MX_NVFP4_MOST = 448 * 6 };
mx_p_quant mx_quant_params(mx_quant_format f);
extern const mx_field mx_quant_fields[];

/* Is this a mode, width and group that exist? (what a file or a caller below the C API may say) */
bool mx_quant_valid(const char *op, const mx_p_quant *p);
/* w, scales and biases (NULL but in affine) belong together: dtypes and shapes. */
bool mx_quant_check(const char *op, mx_quant_format f, const mx_array *w, const mx_array *scales,
                    const mx_array *biases);
/* Codes in the last axis of w. */
int64_t mx_quant_columns(mx_quant_format f, const mx_array *w);
/* Affine: the codes themselves as numbers like the scales. */
mx_array *mx_quant_codes(mx_quant_format f, mx_array *w, mx_array *scales);
/* a (..., K) summed over each group: (..., K / group) */
mx_array *mx_quant_group_sum(mx_quant_format f, mx_array *a);

/* --- blocks (op_blocks.c) --------------------------------------------------------------------- */

struct mx_block_format;
/* A type in GGUF's files; NULL and mx_fail where there is none. */
const struct mx_block_format *mx_block_of_type(const char *op, int type);
/* The shape of a with n of `from` each as n of `to` each along the last axis. */
bool mx_block_shape(const char *op, const mx_array *a, int from, int to, const char *what,
                    mx_shape *out);
/* The shape of the numbers that an array of blocks holds. */
bool mx_block_numbers(const char *op, const mx_array *blocks, const struct mx_block_format *f,
                      mx_shape *out);

/* --- products (op_qmm.c, op_block_matmul.c) --------------------------------------------------- */

/* Sizes of a product of x (..., M, K) and W (K, N) behind the leading axes that out has. */
bool mx_qmm_add_matrix(const char *op, const mx_array *x, int64_t n, mx_out *out);
bool mx_qmm_check_x(const char *op, const mx_array *x);
/* Indices into matrices of x and W: integers of one shape. */
bool mx_qmm_check_indices(const char *op, const mx_array *lhs, const mx_array *rhs);
/* Indices given, or all matrices of a in order: the shape of its leading axes. */
mx_array *mx_qmm_indices(mx_array *index, mx_array *a);
/* The cotangent of x, from that of each product and the index of its x. */
mx_array *mx_qmm_gathered_cotangent(mx_array *products, mx_array *lhs, const mx_array *x);
/* 0 1 2 ... in the shape of `like`. */
mx_array *mx_qmm_counted(mx_array *like);
/* Of any product whose inputs are x and the parts of W. */
bool mx_qmm_vmap(const mx_node *y, mx_array *const *in, const int *axes, int n, mx_array **out,
                 int *out_axes);
bool mx_qmm_refuse_weights(const mx_node *y);

/* x times blocks of a format. lhs and rhs: as in mx_gather_qmm, one may be NULL. */
mx_array *mx_block_matmul(mx_array *x, mx_array *blocks, const struct mx_block_format *f,
                          bool transpose);
mx_array *mx_gather_block_matmul(mx_array *x, mx_array *blocks, const struct mx_block_format *f,
                                 mx_array *lhs, mx_array *rhs, bool transpose, bool sorted);

#endif
