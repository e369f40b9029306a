/* The derivative rules of the factorisations (op_linalg_grad.c), for their descriptors. */
#ifndef MX_OPS_LINALG_RULES_H
#define MX_OPS_LINALG_RULES_H

#include "graph/array/node.h"

#define MX_VJP(name) \
    bool mx_##name##_vjp(const mx_node *y, mx_array *const *cot, const bool *need, mx_array **grad)
MX_VJP(inverse);
MX_VJP(cholesky);
MX_VJP(solve);
MX_VJP(qr);
MX_VJP(svd);
MX_VJP(eigh);
MX_VJP(eig);
MX_VJP(lu);

#endif
