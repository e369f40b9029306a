/* Between the readers of tokenizer.json: what a description says, and how a kind is found. */
#ifndef MX_TOKENIZER_READ_H
#define MX_TOKENIZER_READ_H

#include "models/tokenizer/parts.h"

typedef bool tok_read(mx_tokenizer *t, const json_t *j);
typedef struct tok_kind {
    const char *type;
    tok_read *read;
} tok_kind;

/* Reads a description by its "type". False and an error: the type is none of the n. */
bool tok_read_kind(mx_tokenizer *t, const json_t *j, const char *what, const tok_kind *kinds,
                   size_t n);
/* Each of a list at a key. */
bool tok_read_each(mx_tokenizer *t, const json_t *j, const char *key, tok_read *read);
/* Of a key that may be missing or null. */
bool tok_flag(const json_t *j, const char *key, bool otherwise);
/* A text, "" where there is none. */
tok_text tok_text_of(const json_t *j, const char *key);
/* The pattern under "pattern": {"String": ...} or {"Regex": ...}. */
tok_pattern *tok_read_pattern(const mx_tokenizer *t, const json_t *j);
/* always, first, never; of older files add_prefix_space. */
bool tok_read_scheme(const mx_tokenizer *t, const json_t *j, tok_scheme *out);

#endif
