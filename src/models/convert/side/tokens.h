/* Tokenizers between tokenizer.json and GGUF's tokenizer.ggml keys.
 *
 *     tokenizer.json                      tokenizer.ggml.model
 *     BPE of bytes                        gpt2: tokens, merges; what splits text has a name, `pre`
 *     BPE with byte_fallback              llama: tokens, scores
 *     WordPiece                           bert: tokens that begin words have U+2581 before them,
 *                                         the others no ##
 *
 * Kinds of tokens (token_type): 1 normal, 2 unknown, 3 control, 4 defined by the user, 5 unused,
 * 6 a byte. Another kind of tokenizer, and another way to split, is refused by its name.
 */
#ifndef MX_MODELS_TOKENS_H
#define MX_MODELS_TOKENS_H

#include "models/convert/convert.h"

enum mx_token_type {
    MX_TOKEN_NORMAL = 1,
    MX_TOKEN_UNKNOWN,
    MX_TOKEN_CONTROL,
    MX_TOKEN_USER,
    MX_TOKEN_UNUSED,
    MX_TOKEN_BYTE
};

/* How text is split before the merges of bytes. */
typedef struct mx_splitter {
    const char *name;  /* tokenizer.ggml.pre */
    bool digits;       /* each on its own first */
    const char *regex; /* NULL: that of GPT-2, which tokenizer.json calls use_regex */
} mx_splitter;
extern const mx_splitter mx_splitters[];
extern const size_t mx_splitter_count;

/* Names of special tokens in tokenizer_config.json and their ids in GGUF. */
extern const char *const mx_special_tokens[][2];
extern const size_t mx_special_token_count;

/* U+2581, which stands for a space. */
#define MX_TOKEN_SPACE "\xe2\x96\x81"

/* Adds tokenizer.ggml.* and tokenizer.chat_template of a folder's files. Without a tokenizer.json
   nothing. False and an error: a kind that GGUF has no word for. */
bool mx_tokens_to_gguf(const mx_model *m, mx_map *meta);
/* Writes tokenizer.json, if the kind is known, and tokenizer_config.json of the metadata. */
bool mx_tokens_from_gguf(const mx_convert_options *o, const mx_model *m, const char *folder);

#endif
