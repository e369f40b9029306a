/* The tensors of a model that is open, listed and looked up. */
#ifndef MX_MODELS_TENSORS_H
#define MX_MODELS_TENSORS_H

#include "models/convert/model.h"

/* Fills m->tensor. Errors: a name that the family does not have, words and scales that do not
   belong together. */
bool mx_model_list(mx_model *m);
/* Tensor number m->count, t, is found by its place (mx_model_find) from now on. Error: another is
   the same. */
bool mx_model_remember(mx_model *m, const mx_model_tensor *t);

#endif
