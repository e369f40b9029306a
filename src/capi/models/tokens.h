/* Between the files that make handles of tokens. */
#ifndef MX_CAPI_TOKENS_H
#define MX_CAPI_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "mlx/c/tokenizer.h"

#include "models/tokenizer/tokenizer.h"

/* Put n tokens and their types of mx_malloc, which are taken over, also on failure, into a handle;
   types NULL: all are of one text. Tokens NULL fail. Returns what a public function does. */
int capi_put_tokens(mlx_tokens *res, int32_t *ids, int32_t *types, size_t n);

/* The tokenizer in a handle, borrowed; NULL and an error. */
mx_tokenizer *capi_tokenizer(mlx_tokenizer t);

#endif
