/* Language models: text in, text out.
 *
 *     mlx_lm_open(&lm, "model.gguf", NULL);
 *     mlx_lm_batch_open(&batch, lm, NULL);
 *     mlx_lm_batch_add(&id, batch, &(mlx_lm_request){.text = "Once", .text_num = 4, .most = 100});
 *     for (bool busy = true; busy;)
 *         mlx_lm_batch_step(&busy, batch, print_text, NULL);
 *
 * An mlx_lm is the weights with the tokenizer: it does not change, and any threads may use it. A
 * batch is what computes: requests join and leave between its steps, and share its cache of keys
 * and values. What a request answers does not depend on the others, nor on threads.
 *
 * mlx_lm_batch_add, mlx_lm_batch_cancel and mlx_lm_batch_about may be called by any thread at any
 * time, also from the callback; one thread at a time calls mlx_lm_batch_step. None of this is in
 * mlx-c.
 */
#ifndef MLX_C_LM_H
#define MLX_C_LM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mlx/c/array.h"
#include "mlx/c/sampler.h"
#include "mlx/c/structure.h"
#include "mlx/c/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_lm_ {
    void *ctx;
} mlx_lm;
typedef struct mlx_lm_batch_ {
    void *ctx;
} mlx_lm_batch;

/* --- models ------------------------------------------------------------------------------- */

/* All members may be zero. */
typedef struct mlx_lm_options_ {
    const char *adapter; /* a folder with a low-rank change (mlx_lm.lora's layout); NULL: none */
} mlx_lm_options;

typedef struct mlx_lm_info_ {
    const char *family; /* these texts are the model's */
    const char *name;   /* of its file or folder */
    int64_t context, vocabulary, hidden, layers;
    uint64_t parameters, bytes; /* of the weights */
    bool encoder;               /* it makes vectors of texts, no text */
    const int *end_tokens;      /* that end an answer, the model's */
    size_t end_token_num;
    int64_t vector;  /* numbers of a text's vector; 0: it makes none */
    int64_t classes; /* that it tells of texts; 0: it has no classifier */
} mlx_lm_info;

/* A handle of no model. */
MLX_API mlx_lm mlx_lm_new(void);
/* A model that is a GGUF file, or a folder as Hugging Face or MLX have them. Weights are mapped;
   batches that compute for a while may move them into memory of the process, which is not shared
   (docs/lm.md), unless MLX_LARGE_PAGES is 0 in the environment.
   Errors: it cannot be read, or asks for what is not understood, which is named. */
MLX_API int mlx_lm_open(mlx_lm *res, const char *file, const mlx_lm_options *options);
/* Let go of the model; batches hold what they need. */
MLX_API int mlx_lm_free(mlx_lm lm);
/* What a model is. */
MLX_API int mlx_lm_about(mlx_lm_info *info, const mlx_lm lm);
/* How a model's files say that answers are drawn (temperature, top_k, top_p, min_p,
   repetition_penalty): generation_config.json, unless its do_sample is false, or
   general.sampling of GGUF. Zeros where nothing is said. */
MLX_API int mlx_lm_usual_sampling(mlx_sampler_options *options, const mlx_lm lm);
/* A model's tokenizer. */
MLX_API int mlx_lm_tokenizer(mlx_tokenizer *res, const mlx_lm lm);
/* The tokens of a conversation: variables, a JSON object of n bytes (messages, tools, ...: see
   mlx_template_render), through the model's chat template, at whose end the model is to answer
   unless add_generation_prompt is false. Texts of special tokens in messages, tools and documents
   stay text. Errors: the model has no template, what the template raises. */
MLX_API int mlx_lm_chat(mlx_tokens *res, const mlx_lm lm, const char *variables, size_t n);
/* Logits (n, vocabulary) float32 of all positions of n tokens, with the weights as real numbers:
   the graph that training differentiates. Errors: a token that is none, an encoder. */
MLX_API int mlx_lm_logits(mlx_array *res, const mlx_lm lm, const int *tokens, size_t n);
/* The tokens of `count` texts one behind the other, those of text i end at ends[i], as a model
   that makes vectors or tells classes reads them: special tokens in them are text, and what is
   beyond max_seq_length (sentence_bert_config.json) or the context is cut off. Errors: one of the
   texts is NULL. */
MLX_API int mlx_lm_texts(mlx_tokens *res, size_t *ends, const mlx_lm lm, const char *const *texts,
                         const size_t *lengths, size_t count);
/* The tokens of pairs of a text and each of the others, as a question and answers; too long ones
   are cut at the end of the longer text. */
MLX_API int mlx_lm_pairs(mlx_tokens *res, size_t *ends, const mlx_lm lm, const char *text,
                         size_t text_num, const char *const *others, const size_t *lengths,
                         size_t count);
/* Vectors (count, vector) float32 of length 1, of `count` texts one behind the other: the tokens of
   text i end at ends[i]. types: of each token which text of a pair it belongs to; NULL: the first.
   No text gives no row. Errors: the model makes no vectors, a text without a token or with too
   many. */
MLX_API int mlx_lm_embed(mlx_array *res, const mlx_lm lm, const int *tokens, const int *types,
                         const size_t *ends, size_t count);
/* The numbers (count, classes) float32 that a model's classifier gives to such texts: of one class
   how well the texts of a pair fit (a cross-encoder), before a sigmoid. Errors: it has none. */
MLX_API int mlx_lm_classify(mlx_array *res, const mlx_lm lm, const int *tokens, const int *types,
                            const size_t *ends, size_t count);

/* --- requests ----------------------------------------------------------------------------- */

typedef enum mlx_lm_finish_ {
    MLX_LM_GOING_ON,
    MLX_LM_END_TOKEN, /* the model ended its answer, or its structure allows nothing more */
    MLX_LM_STOP_TEXT, /* one of the stop texts came */
    MLX_LM_LENGTH,    /* `most` tokens, or the end of the context or of the cache */
    MLX_LM_CANCELLED,
    MLX_LM_FAILED /* the event's text says why */
} mlx_lm_finish;

/* Borrowed for the call. A prompt is a text or tokens, not both. */
typedef struct mlx_lm_request_ {
    const char *text; /* NULL: there are tokens */
    size_t text_num;
    /* The text is what a chat template made: special tokens in it are those tokens, and nothing is
       put around it. Else they are text, and the model's beginning is put before it. */
    bool special;
    const int *tokens;
    size_t token_num;
    int most; /* tokens to make; 0: to the end of the context; -1: none, only the prompt is read */
    const mlx_sampler_options *sampling; /* NULL: the likeliest */
    /* Texts that end the answer. What they cut off is not the answer's: its tokens have no event,
       and events wait while that is not known. */
    const char *const *stop;
    size_t stop_num;
    const int *end_tokens; /* NULL: those of the model */
    size_t end_token_num;
    bool ignore_end; /* end tokens are tokens like others */
    /* With each token its log probability and so many of the likeliest tokens with theirs, by the
       logits as they are; -1: its own alone, 0: none */
    int log_probabilities;
    bool echo;               /* first events for the prompt's tokens, without text */
    bool show_special;       /* special tokens in the answer have a text */
    mlx_structure structure; /* the answer is held to it; ctx NULL: any will do */
    /* Files, or NULL. load_cache: what the cache had of a text is read first, and as much of it as
       the prompt begins with is not computed again (of a model with recurrences only the whole).
       save_cache: when the answer has ended, what the cache has of the prompt and of it. A file is
       for the same model, adapter and kv_bits; another, or one that is broken, fails the request.
     */
    const char *load_cache, *save_cache;
    void *payload; /* given back in events */
} mlx_lm_request;

/* Of a token, of the progress of a prompt, or the end. */
typedef struct mlx_lm_event_ {
    int64_t id;
    void *payload;    /* the request's */
    int token;        /* -1: none: progress of the prompt, or the end */
    const char *text; /* what is to be shown now, whole characters, borrowed; a zero behind it */
    size_t text_num;
    mlx_lm_finish finish; /* MLX_LM_GOING_ON: more events follow */
    int64_t prompt, prompt_done,
        cached;            /* tokens: of the prompt, read so far, found in the cache */
    int64_t generated;     /* tokens, without the end token */
    double log_p;          /* of the token, as float32 has it; NaN where there is none */
    const int *top_tokens; /* likeliest first, borrowed */
    const float *top_log_p;
    size_t top_num;
    int stop;   /* of MLX_LM_STOP_TEXT: which of the stop texts has come; else -1 */
    int error;  /* of MLX_LM_FAILED: why, one of the MLX_ERROR_ constants; else 0 */
    size_t cut; /* bytes at the end of the token's text that a stop text has cut off */
} mlx_lm_event;

/* Called by mlx_lm_batch_step on its thread; not 0: cancel this request. It may add and cancel
   requests, not step. As in all callbacks the error handler is not told what fails inside of it:
   the function that fails returns 1, and mlx_last_error_message has the text. */
typedef int (*mlx_lm_callback)(const mlx_lm_event *event, void *payload);

/* All members may be zero. */
typedef struct mlx_lm_batch_options_ {
    int requests;      /* that are computed at the same time; others wait. 0: 16 */
    int waiting;       /* that may wait. 0: 1000 */
    int context;       /* tokens of one request; 0: what the model was made for */
    int chunk;         /* tokens of prompts in a step; 0: 512 */
    uint64_t kv_bytes; /* of keys and values; 0: as much as is needed, and for prompts that begin
                          as earlier texts what a text of the context's length takes, at most a
                          quarter of the memory. Where it is not enough for all the youngest request
                          waits and is read again; for one, it ends */
    int kv_bits;       /* of a number in them: 32, 16, 8, 4; 0: 16 */
    bool shift;        /* a text that is too long loses half of what is behind its first `keep`
                          tokens; else it ends, and a prompt that is too long is refused */
    int keep;
    int lookup;       /* tokens guessed from what the text has said before, at most 64; 0: none */
    mlx_lm draft;     /* a smaller model of the same tokens that guesses; ctx NULL: none */
    int draft_tokens; /* guessed at a time, at most 64; 0: 4 */
    int heads;        /* tokens guessed at a time by the model's own head, which looks ahead (of
                         DeepSeek-V3, of Qwen3-Next), at most 64; 0: none */
} mlx_lm_batch_options;

/* A handle of no batch. */
MLX_API mlx_lm_batch mlx_lm_batch_new(void);
/* A batch of a model. Errors: a number outside its range, an encoder, a draft of other tokens,
   `heads` of a model that has none, or beside a draft. */
MLX_API int mlx_lm_batch_open(mlx_lm_batch *res, const mlx_lm lm,
                              const mlx_lm_batch_options *options);
/* Let go of the batch. Requests that have not ended are gone without an event. */
MLX_API int mlx_lm_batch_free(mlx_lm_batch batch);
/* A request more. *id: its number, from 1; 0: too many wait, and nothing was added. Errors: an
   empty or too long prompt, a token that is none, options outside their range. */
MLX_API int mlx_lm_batch_add(int64_t *id, mlx_lm_batch batch, const mlx_lm_request *request);
/* End a request before the next step, whose event of it says MLX_LM_CANCELLED. One that has ended
   already is no error. */
MLX_API int mlx_lm_batch_cancel(mlx_lm_batch batch, int64_t id);
/* One step: a token of each request that answers, and a chunk of prompts. The last event of each
   request says how it ended. *busy: requests are left. What is wrong with a request is its event;
   errors of the step itself (no memory, the host wants to stop) are returned, and it may be tried
   again. */
MLX_API int mlx_lm_batch_step(bool *busy, mlx_lm_batch batch, mlx_lm_callback call, void *payload);

typedef struct mlx_lm_batch_state_ {
    int64_t running, waiting;
    uint64_t kv_bytes, kv_kept; /* in use; of them kept for prompts to come */
    int64_t prompt_tokens, generated,
        cached;                /* since it was opened: read, made, found in the cache */
    int64_t guessed, accepted; /* by speculation */
    int64_t steps;
} mlx_lm_batch_state;
/* How many requests and tokens there are, as of the end of the last step. */
MLX_API int mlx_lm_batch_about(mlx_lm_batch_state *state, mlx_lm_batch batch);

#ifdef __cplusplus
}
#endif

#endif
