/* Requests that are computed together.
 *
 *     mx_batch_add ──▶ waiting ──▶ running ──▶ ended
 *                         ▲          │
 *                         └──────────┘   no room in the cache: the youngest waits again
 *
 * A step is one pass (models/direct/direct.h): of each request that answers the last token, with
 * guesses behind it, and of the oldest that still read their prompts a chunk. A request is its
 * tokens; how many of them the cache has is how far it is. So reading a prompt, going on with an
 * answer and computing anew what had to make room are one thing: take the tokens that the cache
 * has not, and where that was the last one, pick the next.
 *
 * A row does not depend on what else is in its pass, and a draw on nothing but seed and place: so
 * an answer depends on its request alone, and guesses change when a token is found, not which.
 *
 * mx_batch_add, mx_batch_cancel and mx_batch_about may be called by any thread, also from the
 * callback; one thread at a time steps.
 */
#ifndef MX_MODELS_BATCH_H
#define MX_MODELS_BATCH_H

#include "models/generate/lm.h"
#include "models/sampling/sampler.h"

/* The members of these are explained in mlx/c/lm.h, whose structs they are. */

typedef enum mx_finish {
    MX_GOING_ON,
    MX_END_TOKEN,
    MX_STOP_TEXT,
    MX_LENGTH,
    MX_CANCELLED,
    MX_FAILED
} mx_finish;

typedef struct mx_request {
    const char *text;
    size_t text_num;
    bool special;
    const int *tokens;
    size_t token_num;
    int most;
    const mx_sampling *sampling;
    const char *const *stop;
    size_t stop_num;
    const int *end_tokens;
    size_t end_token_num;
    bool ignore_end;
    int log_probabilities;
    bool echo;
    bool show_special;
    sg_grammar *structure;
    const char *load_cache, *save_cache;
    void *payload;
} mx_request;

typedef struct mx_event {
    int64_t id;
    void *payload;
    int token;
    const char *text;
    size_t text_num;
    mx_finish finish;
    int64_t prompt, prompt_done, cached;
    int64_t generated;
    double log_p;
    const int *top_tokens;
    const float *top_log_p;
    size_t top_num;
    int stop;
    int error; /* an mx_status */
    size_t cut;
} mx_event;

typedef int mx_event_call(const mx_event *event, void *payload);

typedef struct mx_batch_options {
    int requests, waiting;
    int context;
    int chunk;
    uint64_t kv_bytes;
    int kv_bits;
    bool shift;
    int keep;
    int lookup;
    mx_lm *draft;
    int draft_tokens;
    int heads;
} mx_batch_options;

typedef struct mx_batch_state {
    int64_t running, waiting;
    uint64_t kv_bytes, kv_kept;
    int64_t prompt_tokens, generated, cached;
    int64_t guessed, accepted;
    int64_t steps;
} mx_batch_state;

typedef struct mx_batch mx_batch;

/* Holds the model. NULL and an error. */
mx_batch *mx_batch_open(mx_lm *lm, const mx_batch_options *o);
void mx_batch_free(mx_batch *b); /* NULL is fine */
/* *id 0 (no error): too many wait. False and an error: the request is refused. */
bool mx_batch_add(mx_batch *b, const mx_request *r, int64_t *id);
void mx_batch_cancel(mx_batch *b, int64_t id);
/* False and an error: the step could not be computed, and may be tried again. */
bool mx_batch_step(mx_batch *b, mx_event_call *call, void *payload, bool *busy);
void mx_batch_about(mx_batch *b, mx_batch_state *out);

#endif
