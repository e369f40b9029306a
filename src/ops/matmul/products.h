/* What the products of chosen parts share: gather_mm, segmented_mm, block_masked_mm. */
#ifndef MX_OPS_PRODUCTS_H
#define MX_OPS_PRODUCTS_H

#include "graph/array/array.h"

/* The dtype of a product: float16 bfloat16 float32 float64, else refused. */
bool mx_product_dtype(const char *op, const mx_array *a, const mx_array *b, mx_dtype *t);
/* Do the inner axes of two arrays of matrices agree? */
bool mx_product_inner(const char *op, const mx_array *a, const mx_array *b);

#endif
