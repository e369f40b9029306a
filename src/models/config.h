/* A model's numbers: config.json on one side, GGUF's metadata on the other, by the rows of a family
 * (family.h). What the files say is checked; messages name the file, given as `name`, and the
 * key. */
#ifndef MX_MODELS_CONFIG_H
#define MX_MODELS_CONFIG_H

#include "io/io.h"
#include "models/family.h"
#include "models/json.h"
#include "models/meta.h"
#include "models/rope.h"

/* The sizes that config.json says. False and an error: one that shapes need is not there, or is no
   size. */
bool mx_config_dims(const char *name, const mx_family *f, const json_t *config, mx_dims *out);

/* What the family's row of a key, named by its first path, says of a config: its own value, or the
   usual one; without a row the value at `key`. NULL: nothing. For json_decref. */
json_t *mx_config_value(const mx_family *f, const json_t *config, const mx_dims *d,
                        const char *key);

/* What config.json would say; vocab: the rows of the embedding, where the metadata has no count of
   them. NULL and an error: a key that is needed is not there, or has another type. For
   json_decref. */
json_t *mx_config_from_gguf(const char *name, const mx_family *f, const mx_map *meta,
                            int64_t vocab);

/* Adds what GGUF's metadata would say to `meta` (mx_meta by key). False and an error: config.json
   says what GGUF files of the family have no key for. */
bool mx_config_to_gguf(const char *name, const mx_family *f, const json_t *config, mx_map *meta);

/* Is what both say at every key that they share the same? Keys that are not become those of
   `config` in meta; metadata that config.json knows nothing of stays. */
bool mx_config_update(const char *name, const mx_family *f, const json_t *config, int64_t vocab,
                      mx_map *meta);

#endif
