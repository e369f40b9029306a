/* What both directions know of tokenizers: see tokens.h. */
#include "models/convert/side/tokens.h"

/* Contractions, words, numbers, other characters, line breaks, blanks. */
#define WORDS     "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
#define OTHERS    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define SHORTENED "(?i:'s|'t|'re|'ve|'m|'ll|'d)|"

const mx_splitter mx_splitters[] = {
    {"gpt-2", false, NULL},
    {"smollm", true, NULL},
    {"llama-bpe", false, SHORTENED WORDS "\\p{N}{1,3}|" OTHERS},
    {"qwen2", false, SHORTENED WORDS "\\p{N}|" OTHERS},
    {"llama3", false, SHORTENED WORDS "\\p{N}{1,3}|" OTHERS},
    {"starcoder", true, NULL},
    {"refact", true, NULL},
};
const size_t mx_splitter_count = sizeof mx_splitters / sizeof *mx_splitters;

const char *const mx_special_tokens[][2] = {
    {"bos_token", "tokenizer.ggml.bos_token_id"},
    {"eos_token", "tokenizer.ggml.eos_token_id"},
    {"unk_token", "tokenizer.ggml.unknown_token_id"},
    {"pad_token", "tokenizer.ggml.padding_token_id"},
    {"sep_token", "tokenizer.ggml.seperator_token_id"},
    {"cls_token", "tokenizer.ggml.cls_token_id"},
    {"mask_token", "tokenizer.ggml.mask_token_id"},
};
const size_t mx_special_token_count = sizeof mx_special_tokens / sizeof *mx_special_tokens;
