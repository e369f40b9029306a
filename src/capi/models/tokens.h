/* Between the files that make handles of tokens. */
#ifndef MX_CAPI_TOKENS_H
#define MX_CAPI_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "mlx/c/tokenizer.h"

/* Put n tokens of mx_malloc, which are taken over, also on failure, into a handle: all of one text.
   NULL fails. Returns what a public function does. */
int capi_put_tokens(mlx_tokens *res, int32_t *ids, size_t n);

#endif
