/* What single families have between config.json and GGUF's metadata that no row of keys says. */
#ifndef MX_MODELS_PARTICULAR_H
#define MX_MODELS_PARTICULAR_H

#include "models/config.h"

/* After the rows, in either direction. */
bool mx_particular_to_gguf(const char *name, const mx_family *f, const json_t *config,
                           const mx_dims *d, mx_map *meta);
bool mx_particular_from_gguf(const mx_family *f, const mx_map *meta, const mx_dims *d,
                             json_t *config);

#endif
