/* One element of memory, converted: for item, printing and parameters that come as arrays. */
#ifndef MX_GRAPH_READ_H
#define MX_GRAPH_READ_H

#include "base/dtype.h"

/* Read an element of dtype `from`, write it as dtype `to`. Floats to integers truncate and
   saturate, NaN is 0; complex to real drops the imaginary part. */
void mx_read_element(void *out, mx_dtype to, const void *data, mx_dtype from);
/* Would it be the same number (floats to integers: without their fraction), rounded at most? Not
   where it is outside of `to`'s range, where `to` has no NaN or infinity for it, or where an
   imaginary part would be lost. */
bool mx_element_fits(mx_dtype to, const void *data, mx_dtype from);
double mx_read_double(const void *data, mx_dtype from);
int64_t mx_read_int64(const void *data, mx_dtype from);
void mx_write_double(void *out, mx_dtype to, double v);

#endif
