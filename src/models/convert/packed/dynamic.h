/* What quantization_config.dynamic says of single modules: see dynamic.c. */
#ifndef MX_MODELS_PACKED_DYNAMIC_H
#define MX_MODELS_PACKED_DYNAMIC_H

#include "models/convert/packed/parts.h"

typedef struct mx_packed_dynamic mx_packed_dynamic;

/* For mx_packed_dynamic_free, also after an error; NULL: config.json says nothing. Error: it is not
   understood. */
bool mx_packed_dynamic_of(const mx_model *m, mx_packed_dynamic **out);
void mx_packed_dynamic_free(mx_packed_dynamic *d);
/* Sets what is said of the module of these codes. Error: it would be left as it is. */
bool mx_packed_dynamic_set(const mx_model *m, const mx_packed_dynamic *d, mx_model_tensor *t);

#endif
