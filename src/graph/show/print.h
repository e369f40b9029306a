/* Arrays as text: array([[1, 2.5],
 *                        [3, 4]], dtype=float32) */
#ifndef MX_GRAPH_PRINT_H
#define MX_GRAPH_PRINT_H

#include "base/text.h"
#include "graph/array/array.h"

/* Evaluates a. Axes longer than 6 show three entries at each end. False: an error is recorded. */
bool mx_array_print(mx_text *t, mx_array *a);
/* Decimals of floats, process-wide; negative: six significant digits. */
void mx_print_set_precision(int digits);
int mx_print_precision(void);

#endif
