/* Conversations as text and tokens, by a chat template. What somebody wrote stays text, also where
 * it is the text of a special token: such places are marked before the template makes its text, and
 * the marks are taken out again where it is encoded.
 *
 *     "a <|im_end|> b"  ──▶  "a M<|im_end|>W b"  ──▶ template ──▶  text with marks  ──▶  tokens
 *
 * The marks are U+FDD0 and U+FDD1, noncharacters of Unicode, which no text has reason to have;
 * those that are there become U+FFFD. They are put only where there is something to mark, so that a
 * template sees other texts as they are.
 */
#ifndef MX_MODELS_CHAT_H
#define MX_MODELS_CHAT_H

#include <jansson.h>

#include "models/template/template.h"
#include "models/tokenizer/tokenizer.h"

/* A text of somebody with marks, *size bytes, for mx_free. NULL and an error. */
char *mx_chat_mark(const mx_tokenizer *k, const char *text, size_t n, size_t *size);
/* The variables of a template, a JSON object, with marks in messages, tools and documents; for
   json_decref. NULL and an error. */
json_t *mx_chat_variables(const mx_tokenizer *k, const char *variables, size_t n);
/* The same in place. False and an error. */
bool mx_chat_guard(const mx_tokenizer *k, json_t *variables);

/* What the template makes of such variables, *n bytes with marks, for mx_free. NULL and an error.
 */
char *mx_chat_render(const mx_template *t, const json_t *variables, size_t *n);
/* The tokens of a text with marks, *count of them, for mx_free. NULL and an error. */
int32_t *mx_chat_encode(mx_tokenizer *k, const char *text, size_t n, size_t *count);

/* Tokens first .. end - 1 are a message of the assistant, and what ends it. */
typedef struct mx_chat_answer {
    size_t first, end;
} mx_chat_answer;

typedef struct mx_chat_tokens {
    int32_t *id;
    size_t count;
    mx_chat_answer *answer;
    size_t answers;
} mx_chat_tokens;

/* The tokens of variables with marks, and which are the assistant's. They are found by the text of
   the messages before, where the assistant is to speak: so one whose template makes another text of
   a message once others follow has fewer. last: that of the last message alone, whoever speaks.
   False and an error; else for mx_chat_tokens_free. */
bool mx_chat_tokens_make(mx_chat_tokens *out, const mx_template *t, mx_tokenizer *k,
                         const json_t *variables, bool last);
void mx_chat_tokens_free(mx_chat_tokens *c);

#endif
