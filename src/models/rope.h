/* rope_scaling of config.json, and keys and tensors of GGUF. */
#ifndef MX_MODELS_ROPE_H
#define MX_MODELS_ROPE_H

#include "io/io.h"
#include "models/family.h"
#include "models/json.h"

/* rope_type of what the tensor rope_freqs says where config.json has no name for it: "factors" is a
   list of what frequencies are divided by. Not for files. */
#define MX_ROPE_FACTORS "rope_freqs"
/* Linear and yarn have keys in both. False and an error: a kind that GGUF has no key for. */
bool mx_rope_to_gguf(const char *name, const mx_family *f, const json_t *config, mx_map *meta);
bool mx_rope_from_gguf(const mx_family *f, const mx_map *meta, json_t *config);
/* llama3 and longrope are tensors there: that of a row (MX_ROW_ROPE), float32; NULL without an
   error: config.json asks for none. */
mx_array *mx_rope_tensor(const char *name, const json_t *config, const mx_dims *d, const char *row);
/* Back: what the tensors say, which may be NULL. */
bool mx_rope_from_tensors(const char *name, const mx_dims *d, mx_array *freqs, mx_array *far,
                          mx_array *near, json_t *config);

#endif
