/* Files of models in the folder of capi_values.c. */
#ifndef CAPI_FILES_H
#define CAPI_FILES_H

#include <stdbool.h>

#include "mlx/c/train.h"

/* The path of a file in the folder, until the fourth call after it. */
const char *in_folder(const char *name);

/* A language model, a template, texts to learn, and an adapter. */
bool make_models(void);
void remove_models(void);
/* What trains the model. */
mlx_train a_training(void);

#endif
