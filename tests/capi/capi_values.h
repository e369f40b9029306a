/* Arguments with which each public function succeeds (or, for kernels of other devices, comes as
   far as it can). */
#ifndef CAPI_VALUES_H
#define CAPI_VALUES_H

#include <stdbool.h>

#include "capi_calls.h"

/* Arrays, files in a new folder, closures that others are made of. False: the machine has no room
   for them. */
bool values_begin(void);
void values_end(void);

/* Put a value of parameter i of a function into its slot, and let go of it. Results point to empty
   handles. */
void value_make(void *slot, const capi_call_row *row, int i);
void value_free(void *slot, const capi_call_row *row, int i);
/* Parameter i is no result handle, or one that still holds nothing. */
bool value_is_untouched(const capi_call_row *row, int i);
/* Let go of what the function returned. */
void value_free_result(void *result, const capi_call_row *row);

/* A handle (a struct of one pointer), a pointer, or neither. */
bool value_is_handle(const char *type);
bool value_is_pointer(const char *type);

#endif
