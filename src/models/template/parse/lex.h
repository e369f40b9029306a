/* Tokens of a template. Texts between tags are as they are printed: the newline behind a tag and
 * the blanks before it are gone where trim_blocks, lstrip_blocks, '-' and '+' say so.
 */
#ifndef MX_TEMPLATE_LEX_H
#define MX_TEMPLATE_LEX_H

#include "models/template/parse/tree.h"

typedef enum tm_token_kind {
    TM_T_END,
    TM_T_TEXT,
    TM_T_OPEN,  /* {{ */
    TM_T_CLOSE, /* }} */
    TM_T_TAG,   /* {% */
    TM_T_UNTAG, /* %} */
    TM_T_NAME,
    TM_T_STRING, /* with its quotes */
    TM_T_INT,
    TM_T_FLOAT,
    TM_T_SIGN
} tm_token_kind;

typedef struct tm_token {
    tm_token_kind kind;
    uint32_t line;
    uint32_t at, n; /* bytes of the text */
} tm_token;

typedef struct tm_tokens {
    tm_token *item;
    size_t n, room;
} tm_tokens;

/* All of t->text, TM_T_END last; for mx_free. False and an error. */
bool tm_lex(mx_template *t, tm_tokens *out);

#endif
