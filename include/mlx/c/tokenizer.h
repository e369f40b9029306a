/* Text to the numbers of a language model, and back.
 *
 *     mlx_tokenizer_open(&tokenizer, "model.gguf");
 *     mlx_tokenizer_encode(&tokens, tokenizer, text, strlen(text), 0);
 *     mlx_tokens_data(&ids, &n, tokens);
 *     mlx_tokenizer_decode(&answer, &size, tokenizer, ids, n, false);
 *
 * It is read from tokenizer.json (Hugging Face), tokenizer.model (SentencePiece) or a GGUF file, or
 * from a folder with one of the first two: byte-level and SentencePiece BPE, Unigram, WordPiece,
 * WordLevel. What a file asks for and is not understood is refused by name.
 *
 * Text is UTF-8 and has a length: zeros are characters. What is no UTF-8, lone surrogates among it,
 * counts as U+FFFD, as in Python's bytes.decode("utf-8", "replace"). A text has 1 GB at most.
 *
 * A tokenizer does not change: any threads may use it at once. A stream is used by one thread at a
 * time. None of this is in mlx-c.
 */
#ifndef MLX_C_TOKENIZER_H
#define MLX_C_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>

#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_tokenizer_ {
    void *ctx;
} mlx_tokenizer;
typedef struct mlx_tokens_ {
    void *ctx;
} mlx_tokens;
typedef struct mlx_token_stream_ {
    void *ctx;
} mlx_token_stream;

/* For `flags`. */
enum {
    MLX_ENCODE_BARE = 1,   /* without what the tokenizer puts around a text */
    MLX_ENCODE_PLAIN = 2,  /* special tokens in the text are text: for texts of strangers */
    MLX_ENCODE_OFFSETS = 4 /* say also what each token stands for: mlx_tokens_offsets */
};

/* Tokens that have a meaning. */
typedef enum mlx_token_role_ {
    MLX_TOKEN_BOS,
    MLX_TOKEN_EOS,
    MLX_TOKEN_UNK,
    MLX_TOKEN_PAD,
    MLX_TOKEN_SEP,
    MLX_TOKEN_CLS,
    MLX_TOKEN_MASK
} mlx_token_role;

/* A handle of no tokenizer. */
MLX_API mlx_tokenizer mlx_tokenizer_new(void);
/* The tokenizer of a file, or of a folder. tokenizer_config.json beside it says more of roles.
   Errors: the file cannot be read, or is no tokenizer. */
MLX_API int mlx_tokenizer_open(mlx_tokenizer *res, const char *file);
/* The tokenizer in the n bytes of a tokenizer.json or tokenizer.model; `name` is for messages.
   Errors: they are no tokenizer. */
MLX_API int mlx_tokenizer_open_bytes(mlx_tokenizer *res, const char *name, const char *bytes,
                                     size_t n);
/* Let go of it. */
MLX_API int mlx_tokenizer_free(mlx_tokenizer t);

/* The tokens of a text of n bytes. Errors: flags that are not known. */
MLX_API int mlx_tokenizer_encode(mlx_tokens *res, const mlx_tokenizer t, const char *text, size_t n,
                                 int flags);
/* The tokens of two texts that belong together, as a question and an answer. Errors: flags that
   are not known. */
MLX_API int mlx_tokenizer_encode_pair(mlx_tokens *res, const mlx_tokenizer t, const char *a,
                                      size_t a_num, const char *b, size_t b_num, int flags);
/* The tokens of `count` texts, on all threads, one behind the other: the tokens of text i end at
   ends[i]. Errors: flags that are not known. */
MLX_API int mlx_tokenizer_encode_all(mlx_tokens *res, size_t *ends, const mlx_tokenizer t,
                                     const char *const *texts, const size_t *lengths, size_t count,
                                     int flags);
/* The text of n tokens, which ends in a zero behind its *text_num bytes. Special tokens have no
   text unless `special`. Errors: a number that is no token. */
MLX_API int mlx_tokenizer_decode(mlx_string *text, size_t *text_num, const mlx_tokenizer t,
                                 const int *tokens, size_t n, bool special);

/* The size of the vocabulary: all tokens are below it. */
MLX_API int mlx_tokenizer_size(size_t *size, const mlx_tokenizer t);
/* The text of a token as the vocabulary has it, the tokenizer's. NULL: there is none. */
MLX_API int mlx_tokenizer_piece(const char **piece, size_t *piece_num, const mlx_tokenizer t,
                                int token);
/* The token of a text as the vocabulary has it; -1: there is none. */
MLX_API int mlx_tokenizer_id(int *token, const mlx_tokenizer t, const char *piece, size_t n);
/* The token that has a role; -1: there is none. */
MLX_API int mlx_tokenizer_role(int *token, const mlx_tokenizer t, mlx_token_role role);
/* Is a token one that has no text of its own? */
MLX_API int mlx_tokenizer_is_special(bool *special, const mlx_tokenizer t, int token);
/* The kind of a tokenizer: "BPE", "Unigram", "WordPiece" or "WordLevel". */
MLX_API int mlx_tokenizer_kind(const char **kind, const mlx_tokenizer t);

/* --- what encoding makes ------------------------------------------------------------------ */

/* A handle of no tokens. */
MLX_API mlx_tokens mlx_tokens_new(void);
/* Let go of them. */
MLX_API int mlx_tokens_free(mlx_tokens tokens);
/* How many tokens there are. */
MLX_API int mlx_tokens_size(size_t *n, const mlx_tokens tokens);
/* The n tokens, borrowed. */
MLX_API int mlx_tokens_data(const int **data, size_t *n, const mlx_tokens tokens);
/* For each of them which text it belongs to, in the tokenizer's numbers (0 and 1); borrowed. */
MLX_API int mlx_tokens_types(const int **types, size_t *n, const mlx_tokens tokens);

/* For each of n tokens where what it stands for begins and ends in its text, in bytes: 2 n numbers,
   borrowed; 0 and 0 for what the tokenizer puts around. Bytes that make a character together stand
   for all of it. Errors: MLX_ENCODE_OFFSETS was not asked for. */
MLX_API int mlx_tokens_offsets(const int **offsets, size_t *n, const mlx_tokens tokens);

/* --- text as tokens come ------------------------------------------------------------------ */

/* A handle of no stream. */
MLX_API mlx_token_stream mlx_token_stream_new(void);
/* A stream, which holds the tokenizer. */
MLX_API int mlx_token_stream_open(mlx_token_stream *res, const mlx_tokenizer t, bool special);
/* Of a new stream, or one that has ended: what comes follows other text. The blank before the first
   token, which belongs to no text, is shown then. */
MLX_API int mlx_token_stream_follow(mlx_token_stream s);
/* Let go of it. */
MLX_API int mlx_token_stream_free(mlx_token_stream s);
/* The text that a token adds: whole characters, borrowed until the next call. All of a stream's
   texts together are what mlx_tokenizer_decode says; where pieces of single bytes make no character
   a stream shows those that they do make. */
MLX_API int mlx_token_stream_put(const char **text, size_t *text_num, mlx_token_stream s,
                                 int token);
/* The end: what was held back. The stream is as new. */
MLX_API int mlx_token_stream_end(const char **text, size_t *text_num, mlx_token_stream s);

#ifdef __cplusplus
}
#endif

#endif
