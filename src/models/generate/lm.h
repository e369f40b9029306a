/* A language model as programs use it: weights, tokenizer, and which tokens end an answer. It does
 * not change once it is open; any threads may read it. What computes is a batch (batch.h). */
#ifndef MX_MODELS_LM_H
#define MX_MODELS_LM_H

#include <stdatomic.h>

#include "models/decoder/decoder.h"
#include "models/sampling/sampler.h"
#include "models/structure/structure.h"
#include "models/template/template.h"
#include "models/tokenizer/tokenizer.h"

typedef struct mx_lm {
    mx_decoder *decoder;
    mx_tokenizer *tokenizer;
    int *end; /* tokens that end an answer */
    size_t ends;
    mx_sampling usual; /* how its files say that answers are drawn; zeros: nothing is said */
    _Atomic(sg_vocabulary *) vocabulary; /* for structures: NULL until one is asked for */
    char *path;
    _Atomic(mx_template *) chat;         /* likewise */
    _Atomic(struct mx_direct *) machine; /* of vectors, between two calls; or NULL */
    atomic_int references;
} mx_lm;

/* A GGUF file, or a folder as Hugging Face or MLX have it; adapter: a folder with a low-rank
   change, or NULL. NULL and an error. */
mx_lm *mx_lm_open(const char *path, const char *adapter);
mx_lm *mx_lm_retain(mx_lm *lm);
void mx_lm_release(mx_lm *lm); /* NULL is fine */

/* The tokens that may come: those that have both a row of weights and a text. */
size_t mx_lm_tokens(const mx_lm *lm);

/* What structures know of its tokens and its ends, borrowed. NULL and an error. */
sg_vocabulary *mx_lm_vocabulary(mx_lm *lm);

/* Tokens that end an answer, as the files of a model say (ends.c); *n of them, for mx_free: none of
   a model that makes vectors or classes and no answers. NULL and an error. Places where it is said,
   and how answers are drawn:
 *
 *     GGUF      tokenizer.ggml. eos_token_id, eot_token_id, eom_token_id
 *               general.sampling. temp, top_k, top_p, min_p, penalty_repeat
 *     folder    eos_token_id of generation_config.json, or else of config.json: a token or a list
 *               temperature, top_k ... of generation_config.json unless do_sample is false
 *     both      the tokenizer's role; special tokens with the texts of which it is known
 */
int *mx_lm_ends(const char *path, const mx_tokenizer *t, bool answers, size_t *n,
                mx_sampling *usual);

/* Its chat template, borrowed. NULL and an error: it has none. */
mx_template *mx_lm_template(mx_lm *lm);
/* The tokens of a conversation, *count of them, for mx_free: `variables` (a JSON object of n bytes)
   through the template, where the model is to answer unless add_generation_prompt says otherwise.
   Special tokens in messages, tools and documents are text (models/chat.h). NULL and an error. */
int *mx_lm_chat(mx_lm *lm, const char *variables, size_t n, size_t *count);

/* Vectors float32 of length 1, of texts of which text i ends at token ends[i]; types: which text of
   a pair each token belongs to, or NULL. Of the open scope; NULL and an error. */
mx_array *mx_lm_embed(mx_lm *lm, const int *tokens, const int *types, const size_t *ends,
                      size_t count);
/* Likewise numbers of a model that tells classes of texts, as its classifier makes them. */
mx_array *mx_lm_classify(mx_lm *lm, const int *tokens, const int *types, const size_t *ends,
                         size_t count);

/* Texts as such models read them: special tokens in them are text, and what is beyond the tokens
   that they take is cut off, as sentence-transformers does it; of a pair from the longer text. */
typedef struct mx_text_tokens {
    int32_t *id, *type; /* for mx_free */
    size_t n, room, type_room;
} mx_text_tokens;
/* Those of one more text, or of a pair (b not NULL), behind what is there. False and an error. */
bool mx_lm_add_text(const mx_lm *lm, mx_text_tokens *to, const char *a, size_t a_n, const char *b,
                    size_t b_n);

/* Logits (n, vocabulary) float32 of all positions of a text, pending; of the open scope. */
mx_array *mx_lm_logits(const mx_lm *lm, const int *tokens, size_t n);

/* False and an error: one is outside the vocabulary, or there is none. */
bool mx_lm_check_tokens(const mx_lm *lm, const int *tokens, size_t n);

#endif
