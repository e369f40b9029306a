/* The next token of a language model: samplers, log probabilities, and texts that end an answer.
 *
 *     mlx_sampler_options o = {.temperature = 0.7, .top_p = 0.9, .seed = 1};
 *     mlx_sampler_open(&sampler, &o);
 *     mlx_sampler_accept(sampler, prompt, n, true);
 *     mlx_sampler_pick(&token, sampler, logits, vocabulary, NULL);
 *     mlx_sampler_accept(sampler, &token, 1, false);
 *
 * Steps come in this order, each seeing what the one before has left: bias, penalties of tokens,
 * penalty of sequences (DRY), top-k, typical, top-p, min-p, XTC, mirostat, temperature. A draw
 * depends on the seed, on the number of tokens accepted before and on the logits alone.
 *
 * A sampler is used by one thread at a time. None of this is in mlx-c.
 */
#ifndef MLX_C_SAMPLER_H
#define MLX_C_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_sampler_ {
    void *ctx;
} mlx_sampler;
typedef struct mlx_stop_ {
    void *ctx;
} mlx_stop;

/* Zero, in any member, leaves a step out, or is what the comment says. */
typedef struct mlx_sampler_options_ {
    uint64_t seed;
    double temperature; /* 0: the likeliest token, of equals the first */
    int top_k;          /* the k likeliest */
    double top_p;       /* the likeliest that have this mass together (Holtzman et al. 2020) */
    double min_p;       /* p >= min_p times the largest p (Nguyen et al. 2024) */
    double typical_p;   /* those nearest to the entropy (Meister et al. 2023) */
    /* so often: of those at or above the threshold (0: 0.1) only the least likely stays */
    double xtc_probability, xtc_threshold;
    /* positive logits are divided by it, negative ones multiplied (Keskar et al. 2019) */
    double repetition_penalty;
    /* subtracted once, and times the count, for tokens that were generated */
    double presence_penalty, frequency_penalty;
    int penalty_last; /* how many tokens these look back on; 0: all */
    /* DRY: what would go on with a repetition of at least `allowed` (0: 2) tokens loses
       multiplier base^(length - allowed) (base 0: 1.75). It looks back on `last` tokens (0: all);
       repetitions do not reach across breakers. */
    double dry_multiplier, dry_base;
    int dry_allowed, dry_last;
    const int *dry_breakers;
    size_t dry_breaker_count;
    /* mirostat, second version: the surprise aimed at, in bits, and the step (0: 0.1) (Basu et al.
       2021) */
    double mirostat_tau, mirostat_eta;
    const int *bias_tokens; /* bias[i] is added to their logits; -INFINITY forbids */
    const float *bias;
    size_t bias_count;
} mlx_sampler_options;

/* A handle of no sampler. */
MLX_API mlx_sampler mlx_sampler_new(void);
/* A sampler of these options, whose lists are copied. Errors: a number outside its range. */
MLX_API int mlx_sampler_open(mlx_sampler *res, const mlx_sampler_options *options);
/* A sampler that goes on as this one would. */
MLX_API int mlx_sampler_copy(mlx_sampler *res, mlx_sampler s);
/* Let go of it. */
MLX_API int mlx_sampler_free(mlx_sampler s);
/* n tokens of the text: of the prompt, or generated. */
MLX_API int mlx_sampler_accept(mlx_sampler s, const int *tokens, size_t n, bool prompt);
/* Forget the last n tokens, all where there are fewer. */
MLX_API int mlx_sampler_forget(mlx_sampler s, size_t n);
/* A token, from the logits of `n` tokens (float32), of those whose bit is set in `allowed` (bit i
   % 32 of word i / 32; NULL: all may be). It is not accepted. Errors: none is allowed, a logit is
   NaN or infinitely large. */
MLX_API int mlx_sampler_pick(int *token, mlx_sampler s, const float *logits, size_t n,
                             const uint32_t *allowed);

/* The k likeliest of n tokens, likeliest first, with the logarithms of their probabilities by the
   logits as they are. Errors: k is larger than n, a logit is NaN, none is finite. */
MLX_API int mlx_log_probabilities(int *tokens, float *log_p, const float *logits, size_t n,
                                  size_t k);
/* The logarithm of one token's probability. Errors: a logit is NaN, none is finite, a token
   outside. */
MLX_API int mlx_log_probability(double *log_p, const float *logits, size_t n, int token);

/* --- texts that end an answer ----------------------------------------------------------- */

/* A handle of no texts. */
MLX_API mlx_stop mlx_stop_new(void);
/* Texts that end an answer, wherever tokens begin in them. Errors: an empty one. */
MLX_API int mlx_stop_open(mlx_stop *res, const mlx_vector_string texts);
/* Let go of them. */
MLX_API int mlx_stop_free(mlx_stop s);
/* Take n bytes of the answer. shown: bytes that cannot belong to such a text, borrowed until the
   next call; found: which text has ended the answer, -1: none has. That text and what follows are
   never shown. The first that is whole ends it, of several that end together the one that begins
   first. */
MLX_API int mlx_stop_feed(const char **shown, size_t *shown_num, int *found, mlx_stop s,
                          const char *bytes, size_t n);
/* The end of the answer: what was held back because it might have become such a text. */
MLX_API int mlx_stop_end(const char **shown, size_t *shown_num, mlx_stop s);

#ifdef __cplusplus
}
#endif

#endif
