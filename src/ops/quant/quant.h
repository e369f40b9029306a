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

#endif
