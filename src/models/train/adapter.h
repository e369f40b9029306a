/* Adapters: folders in the layout of mlx_lm.lora.
 *
 *     adapter_config.json        fine_tune_type, num_layers, lora_parameters {rank, scale, dropout,
 *                                keys}, of scales bits {module: bits}, and how it was made
 *     adapters.safetensors       "model.layers.3.self_attn.q_proj.lora_a" (in, rank), ".lora_b"
 *                                (rank, out), of DoRA ".m" (out); of full ".weight", ".bias", of
 *                                scales ".scales", ".biases". Of
 *                                stacks of experts (experts, rank, in) and (experts, out, rank)
 */
#ifndef MX_MODELS_ADAPTER_H
#define MX_MODELS_ADAPTER_H

#include "models/json.h"
#include "models/train/tune.h"

#define MX_ADAPTER_CONFIG "adapter_config.json"
#define MX_ADAPTER_FILE   "adapters.safetensors"

/* The decoder with the adapter of a folder, which reads d's weights: one reference. NULL and an
   error: it cannot be read, names what d does not have, or has other shapes. */
mx_decoder *mx_adapter_open(mx_decoder *d, const char *folder);
/* The same with its params, to be merged; mx_tune_close in any case. */
bool mx_adapter_read(mx_tune *t, mx_decoder *d, const char *folder);

/* Values of a file for the params that t has, all of them; it may have no others. */
bool mx_adapter_load(mx_tune *t, const char *path);
/* Writes params to a file; whole or not at all. */
bool mx_adapter_save(const mx_tune *t, const char *path);
/* What the folder's config says; `more`: an object of what else is to be kept. For json_decref. */
json_t *mx_adapter_config(const mx_tune *t, const json_t *more);
bool mx_adapter_save_config(const json_t *config, const char *folder);

#endif
