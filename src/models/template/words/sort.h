/* Sorting by keys, stable as Python's. */
#ifndef MX_TEMPLATE_SORT_H
#define MX_TEMPLATE_SORT_H

#include "models/template/value.h"

/* Orders n items by their keys (another list, or the same); descending ones keep equal items in
   their order, too. Both are changed alike.. False and an error. */
bool tm_sort(tm_run *r, tm_value *key, tm_value *item, size_t n, bool descending);

#endif
