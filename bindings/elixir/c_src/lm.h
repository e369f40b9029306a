/* What the files of language models share.
 *
 *     lm.c    models and tokenizers
 *     ask.c   batches, which compute on a thread while they have requests, and requests, whose
 *             events go to the process that asked
 *     want.c  what a request and a batch are asked for
 */
#ifndef MEX_LM_H
#define MEX_LM_H

#include "nif.h"

typedef struct mex_lm {
    mlx_lm handle;
} mex_lm;

typedef struct mex_tokenizer {
    mlx_tokenizer handle;
} mex_tokenizer;

/* Call it with a handle that is not NULL, on a thread. */
void mex_free_later(void (*call)(void *handle), void *handle);
/* The model that a term is, borrowed; NULL with a note. */
mlx_lm *mex_lm_of(ErlNifEnv *env, term t);
/* The bytes of a string, which the term keeps. */
bool mex_bytes(ErlNifEnv *env, ErlNifBinary *out, const char *what, term t);
/* Tokens of a list, which the caller frees (enif_free); NULL with a note. */
int *mex_token_list(ErlNifEnv *env, size_t *n, term list);
term mex_token_terms(ErlNifEnv *env, const int *tokens, size_t n);

/* What a request is made of, until it is added. Texts of its environment are borrowed. */
typedef struct mex_want {
    mlx_lm_request request;
    mlx_sampler_options sampling;
    void *owned[64]; /* to be freed (enif_free) */
    int count;
} mex_want;
/* From a prompt (a text or tokens) and a keyword list. To be freed, whatever is given back. */
bool mex_want_read(ErlNifEnv *env, mex_want *want, term prompt, term options);
void mex_want_free(mex_want *want);
/* The options of a batch, from a keyword list. */
bool mex_want_batch(ErlNifEnv *env, mlx_lm_batch_options *out, term options);

/* Tasks. */
term mex_batch_open(ErlNifEnv *env, mex_job *job, const term *task);
term mex_batch_about(ErlNifEnv *env, mex_job *job, const term *task);
term mex_ask(ErlNifEnv *env, mex_job *job, const term *task);

#endif
