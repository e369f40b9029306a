/* Tokenizers between tokenizer.json and GGUF's tokenizer.ggml keys. */
#ifndef MX_MODELS_TOKENS_H
#define MX_MODELS_TOKENS_H

#include "models/convert/model.h"

/* Adds tokenizer.ggml.* and tokenizer.chat_template of a folder's files. Without a tokenizer.json
   nothing. False and an error: a kind that GGUF has no word for. */
bool mx_tokens_to_gguf(const mx_model *m, mx_map *meta);
/* Writes tokenizer.json, as far as the kind is known, and tokenizer_config.json of the metadata. */
bool mx_tokens_from_gguf(const mx_model *m, const char *folder);

#endif
