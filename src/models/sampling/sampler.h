/* The next token from a row of logits.
 *
 *     logits ──▶ bias, penalties, DRY ──▶ top-k ──▶ typical ──▶ top-p ──▶ min-p ──▶ XTC
 *         ──▶ mirostat ──▶ temperature ──▶ draw
 *
 * Each step sees what the one before has left. A draw depends on the seed, on how many tokens were
 * accepted before, and on the logits: not on other samplers or on what was drawn and not accepted,
 * so that speculation and batches give the same text.
 */
#ifndef MX_MODELS_SAMPLER_H
#define MX_MODELS_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero, in any member, leaves a step out, or is what the comment says. */
typedef struct mx_sampling {
    uint64_t seed;
    double temperature; /* 0: the likeliest token, of equals the first */
    int top_k;          /* the k likeliest */
    double top_p;       /* the likeliest that have this mass together (Holtzman et al. 2020) */
    double min_p;       /* p >= min_p times the largest p (Nguyen et al. 2024) */
    double typical_p;   /* those nearest to the entropy (Meister et al. 2023) */
    double xtc_probability, xtc_threshold; /* so often: of those above (0.1) the least likely */
    double repetition_penalty;             /* divides or multiplies (Keskar et al. 2019) */
    double presence_penalty, frequency_penalty; /* of generated tokens: subtracted, times count */
    int penalty_last;                           /* tokens looked back on; 0: all */
    /* What would go on with a repetition of more than `allowed` tokens (2) loses
       multiplier base^(length - allowed); base: 1.75. Repetitions do not reach across breakers. */
    double dry_multiplier, dry_base;
    int dry_allowed, dry_last;
    const int *dry_breakers;
    size_t dry_breaker_count;
    double mirostat_tau, mirostat_eta; /* surprise in bits, and its step, 0.1 (Basu et al. 2021) */
    const int *bias_tokens;            /* with bias[i] added to their logits */
    const float *bias;
    size_t bias_count;
} mx_sampling;

typedef struct mx_sampler mx_sampler;

/* The lists are copied. NULL and an error: a number outside its range, a list that is NULL though
   it has a count. */
mx_sampler *mx_sampler_new(const mx_sampling *o);
mx_sampler *mx_sampler_copy(const mx_sampler *s);
void mx_sampler_free(mx_sampler *s); /* NULL is fine */

/* Tokens of the text so far: of the prompt, or generated. */
bool mx_sampler_accept(mx_sampler *s, const int *tokens, size_t n, bool prompt);
/* Forget the last n tokens (all where there are fewer). */
void mx_sampler_forget(mx_sampler *s, size_t n);

/* A token from n logits, of those whose bit of `mask` is set (NULL: of all). False and an error:
   none is allowed, or a logit is NaN or infinitely large. */
bool mx_sampler_pick(mx_sampler *s, const float *logits, size_t n, const uint32_t *mask,
                     int *token);

/* log p of a token, and the k likeliest tokens with theirs, from logits as they are; k is at most
   n. False and an error: no token has a finite logit, or one is NaN. */
bool mx_log_probability(const float *logits, size_t n, int token, double *out);
bool mx_log_probabilities(const float *logits, size_t n, size_t k, int *tokens, float *out);

#endif
