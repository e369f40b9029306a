/* Adapters made part of the weights. */
#ifndef MX_MODELS_FUSE_H
#define MX_MODELS_FUSE_H

#include "models/convert/convert.h"

/* Converts a model (mx_convert) with the changes of an adapter's folder in its matrices: their
   elements are computed as numbers, changed, and made what the options say, quantized anew where
   they were. */
bool mx_train_fuse(const char *model, const char *adapter, const char *out,
                   const mx_convert_options *o);

#endif
