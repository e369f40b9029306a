/* Text that is held to a structure: which tokens may come next.
 *
 *     mlx_structure_open_schema(&structure, "{\"type\": \"object\", ...}", 0);
 *     mlx_structure_vocabulary_open(&vocabulary, tokenizer, NULL, 0);      // once for a model
 *     mlx_structure_matcher_open(&matcher, structure, vocabulary);         // for each answer
 *     while (!ended) {
 *         mlx_structure_matcher_mask(words, n, matcher);
 *         mlx_sampler_pick(&token, sampler, logits, vocabulary_size, words);
 *         mlx_structure_matcher_accept(&fits, matcher, token);
 *         mlx_structure_matcher_is_ended(&ended, matcher);
 *     }
 *
 * What a mask allows can always be continued to a complete text, as far as the vocabulary has the
 * bytes. What cannot be enforced is refused when a structure is opened, and the error says where it
 * stands in the pattern, grammar or schema; so is what is too large (docs/structure.md).
 *
 * Structures and vocabularies do not change: any threads may use them at once, and the masks that
 * have been made for one answer serve all others with the vocabulary. A matcher is used by one
 * thread at a time. None of this is in mlx-c.
 */
#ifndef MLX_C_STRUCTURE_H
#define MLX_C_STRUCTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mlx/c/tokenizer.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_structure_ {
    void *ctx;
} mlx_structure;
typedef struct mlx_structure_vocabulary_ {
    void *ctx;
} mlx_structure_vocabulary;
typedef struct mlx_structure_matcher_ {
    void *ctx;
} mlx_structure_matcher;

/* For `flags`. */
enum {
    /* JSON may have a space, or a line's end and up to 32 spaces, inside of brackets and after
       commas and colons; else there are none */
    MLX_STRUCTURE_SPACED = 1,
    /* properties that a schema does not mention may come where it does not say so; else they may
       where it says `additionalProperties`, or mentions none */
    MLX_STRUCTURE_OPEN = 2
};

/* --- structures --------------------------------------------------------------------------- */

/* A handle of no structure. */
MLX_API mlx_structure mlx_structure_new(void);
/* All of the text matches a regular expression (ECMA-262, without look-around and back
   references). Errors: what is no such expression, with the place. */
MLX_API int mlx_structure_open_regex(mlx_structure *res, const char *pattern);
/* The text is what the rule `root` of a grammar in GBNF makes. Errors: what is no such grammar,
   with the place. */
MLX_API int mlx_structure_open_gbnf(mlx_structure *res, const char *grammar);
/* The text is one of these. Errors: no texts. */
MLX_API int mlx_structure_open_choices(mlx_structure *res, const mlx_vector_string texts);
/* The text is JSON that is valid by a JSON Schema (draft 2020-12). Errors: what is no JSON or no
   such schema, with the place; flags that are not known. */
MLX_API int mlx_structure_open_schema(mlx_structure *res, const char *schema, int flags);
/* The text is JSON: any value, or any object. Errors: flags that are not known. */
MLX_API int mlx_structure_open_json(mlx_structure *res, bool object, int flags);
/* Let go of it. */
MLX_API int mlx_structure_free(mlx_structure s);
/* How many steps making a structure's automaton may take from now on, in the whole process: for
   programs that open what strangers send. Beyond it opening is an error. 0: the usual number,
   134217728, some seconds. before: what it was. */
MLX_API int mlx_structure_limit_steps(uint64_t *before, uint64_t steps);
/* Where byte `at` of a JSON text stands, for messages about a schema or a request that a parser
   tells by its byte: "tools[0].function.name", with names as they are written; "" on the outside.
   The text before it counts, 64 levels of which are looked at. */
MLX_API int mlx_json_place(mlx_string *place, const char *text, size_t at);

/* --- vocabularies ------------------------------------------------------------------------- */

/* A handle of no vocabulary. */
MLX_API mlx_structure_vocabulary mlx_structure_vocabulary_new(void);
/* The bytes of a tokenizer's tokens. Any of the n tokens in `ends` ends a text that is complete;
   n 0: the one whose role is MLX_TOKEN_EOS. Special tokens besides are never allowed. Errors: an
   end that is no token, no end at all. */
MLX_API int mlx_structure_vocabulary_open(mlx_structure_vocabulary *res, const mlx_tokenizer t,
                                          const int *ends, size_t n);
/* Let go of it. */
MLX_API int mlx_structure_vocabulary_free(mlx_structure_vocabulary v);
/* The bytes that a token stands for, borrowed; none for special ones and ends. Errors: a number
   that is no token. */
MLX_API int mlx_structure_vocabulary_bytes(const char **bytes, size_t *bytes_num,
                                           const mlx_structure_vocabulary v, int token);

/* --- matchers ----------------------------------------------------------------------------- */

/* A handle of no matcher. */
MLX_API mlx_structure_matcher mlx_structure_matcher_new(void);
/* A matcher at the beginning of the text, which holds both. */
MLX_API int mlx_structure_matcher_open(mlx_structure_matcher *res, const mlx_structure s,
                                       const mlx_structure_vocabulary v);
/* A matcher at the same place, with the same past. */
MLX_API int mlx_structure_matcher_copy(mlx_structure_matcher *res, const mlx_structure_matcher m);
/* Let go of it. */
MLX_API int mlx_structure_matcher_free(mlx_structure_matcher m);
/* Which tokens may come next: bit i % 32 of word i / 32 for token i, in n words, those of tokens
   that the vocabulary does not have zero. After an end there are none. Errors: n words are too few,
   no token of the vocabulary can come next, though the text is not complete. */
MLX_API int mlx_structure_matcher_mask(uint32_t *words, size_t n, mlx_structure_matcher m);
/* One step: a token. *fits: it may come next; where not, nothing has changed. */
MLX_API int mlx_structure_matcher_accept(bool *fits, mlx_structure_matcher m, int token);
/* One step: n bytes, at any place in tokens. */
MLX_API int mlx_structure_matcher_accept_bytes(bool *fits, mlx_structure_matcher m,
                                               const char *bytes, size_t n);
/* Back before the last n steps. Errors: there were fewer. */
MLX_API int mlx_structure_matcher_rollback(mlx_structure_matcher m, size_t n);
/* How many steps there were. */
MLX_API int mlx_structure_matcher_steps(size_t *steps, const mlx_structure_matcher m);
/* Is the text complete, so that it may end here? */
MLX_API int mlx_structure_matcher_is_complete(bool *complete, const mlx_structure_matcher m);
/* May anything but an end come next? */
MLX_API int mlx_structure_matcher_continues(bool *continues, const mlx_structure_matcher m);
/* Was an end of the text accepted? */
MLX_API int mlx_structure_matcher_is_ended(bool *ended, const mlx_structure_matcher m);
/* The bytes that must come next, as each is the only one that may: none, up to 4096, borrowed until
   the next call. */
MLX_API int mlx_structure_matcher_forced(const char **bytes, size_t *bytes_num,
                                         mlx_structure_matcher m);

#ifdef __cplusplus
}
#endif

#endif
