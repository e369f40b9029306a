/* Conversations as tokens, by a model's chat template. */
#ifndef MX_MODELS_TRAIN_CHAT_H
#define MX_MODELS_TRAIN_CHAT_H

#include <jansson.h>

#include "models/template/template.h"
#include "models/tokenizer/tokenizer.h"

typedef struct mx_chat_tokens {
    int32_t *id; /* for mx_free */
    size_t count;
    size_t prompt; /* those before the last message, and what opens it */
} mx_chat_tokens;

/* The tokens of messages, a list of objects with a role; tools: a list, or NULL. False and an
   error: the template refuses them. */
bool mx_chat_encode(const mx_template *t, mx_tokenizer *tokenizer, const json_t *messages,
                    const json_t *tools, mx_chat_tokens *out);

#endif
