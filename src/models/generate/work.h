/* Between the files of batches: a request at work, and passes. */
#ifndef MX_MODELS_WORK_H
#define MX_MODELS_WORK_H

#include "base/status.h"
#include "base/text.h"
#include "models/direct/direct.h"
#include "models/generate/batch.h"
#include "models/sampling/stop.h"

enum { GEN_MOST_GUESSES = 64, GEN_ECHO_ROWS = 32 };

/* Tokens whose text may yet turn out to be a stop text's (late.c). */
typedef struct gen_late_token {
    int token;
    int64_t generated;
    double log_p;
    size_t from; /* where its text begins, in bytes of the answer */
} gen_late_token;

typedef struct gen_late {
    gen_late_token *token;
    int *top; /* log_probabilities of each */
    float *top_p;
    size_t n, room, top_room, top_p_room;
    size_t said, told; /* bytes of text: that came, that events had */
    mx_text piece;     /* of one event */
} gen_late;

typedef struct gen_work {
    int64_t id;
    void *payload;
    atomic_bool cancelled;

    /* the text: prompt and answer. The last token of an answer is not in the cache yet. */
    int *token;
    size_t n, room;
    size_t prompt, echoed; /* tokens of the prompt; of these, told */
    int64_t most, generated, cached;
    mx_sequence *sequence; /* what the cache has of it; NULL: it waits */
    mx_finish finish;
    mx_status error; /* of MX_FAILED: why */

    mx_sampler *sampler;
    mx_token_stream *stream;
    mx_matcher *matcher; /* NULL: any text will do */
    uint32_t *mask;      /* what it allows */
    mx_stop *stop;       /* NULL: there are none */
    int stopped;         /* which has come; -1 */
    gen_late late;       /* with stop texts: events that wait for their text */
    int *end;
    size_t ends;
    bool echo;
    char *load, *save;     /* files of the cache, of the request; NULL: none */
    int log_probabilities; /* as in the request */
    int *top;              /* as many, with top_p */
    float *top_p;
    mx_text shown; /* of one event */

    /* this step: rows of the pass, tokens that are guessed to follow */
    int guess[GEN_MOST_GUESSES];
    int64_t guesses, rows, wanted; /* wanted: its first row of logits */
    int64_t mark;                  /* length of the sequence before the step */
    mx_sequence *draft;            /* the draft's */
    size_t draft_valid;            /* of whose tokens so many are those of the text */
    size_t draft_from;             /* token of the text that it begins with (ahead.c) */
    int64_t first, draft_row;      /* its first row of the pass; its last of the draft's */
    float *hidden;                 /* rows that the model's head has not read, */
    size_t hidden_rows, hidden_room;
    int64_t hidden_first; /* of tokens from this one on */
} gen_work;

/* What events are told to. */
typedef struct gen_call {
    mx_event_call *call;
    void *payload;
} gen_call;

/* Limits that a request is checked against. */
typedef struct gen_limits {
    int64_t context, keep;
    int64_t room; /* positions that kv_bytes has room for */
    bool shift;
} gen_limits;

/* --- a request (work.c) ---------------------------------------------------------------------- */

/* NULL and an error: the request is refused. */
gen_work *gen_work_new(mx_lm *lm, const mx_request *r, gen_limits limits);
void gen_work_free(gen_work *w); /* its sequences are gone */
/* How many of its tokens the cache has, and has not. */
size_t gen_work_computed(const gen_work *w);
size_t gen_work_pending(const gen_work *w);
/* Forget half of what is behind the first `keep` tokens; what is left is read again, so that the
   answer is that to a text without it. Before the first token of the answer what is left is the
   prompt. False, without an error: there is nothing. */
bool gen_work_shift(gen_work *w, gen_limits limits);

/* Read the file that the request goes on from into the cache; once. False and an error. */
bool gen_work_load(gen_work *w, mx_cache *c);
/* Save what the cache has of its text, as the request asks for. False and an error. */
bool gen_work_save(gen_work *w);

/* --- what it answers (answer.c) -------------------------------------------------------------- */

/* Each sets w->finish where the answer ends; errors are the request's, and none is left recorded.
  */
/* The token that follows, picked from n logits; -1: it has ended. */
int gen_answer_pick(gen_work *w, const float *logits, size_t n, gen_limits limits, gen_call c);
/* Log probability of the next token of the prompt from the logits of the one before; logits NULL:
   of the first. */
void gen_answer_echo(gen_work *w, const float *logits, size_t n, gen_call c);
void gen_answer_progress(gen_work *w, gen_call c);
/* The recorded error is why it has failed. */
void gen_answer_fail(gen_work *w);
/* The last event: text that was held back, and w->finish. */
void gen_answer_end(gen_work *w, gen_call c);

/* --- events (event.c) ------------------------------------------------------------------------ */

mx_event gen_event_of(const gen_work *w); /* without a token, with all that is shown */
void gen_tell(gen_work *w, const mx_event *e, gen_call c);

/* --- events that wait (late.c) --------------------------------------------------------------- */

/* A token that came, whose text begins at byte `from`. False and an error. */
bool gen_late_put(gen_work *w, const mx_event *e, size_t from);
/* Events of tokens that begin in what is shown, of all with `rest`; each takes its text. False and
   an error. */
bool gen_late_tell(gen_work *w, bool rest, gen_call c);

/* --- passes (pass.c) ------------------------------------------------------------------------- */

/* Rows that are put together. */
typedef struct gen_pass {
    int *token;
    mx_span *span;
    int64_t *wanted;
    size_t rows, row_room, spans, span_room, wanted_rows, wanted_room;
    float *hidden; /* where the model joins such: a row of `width` for each */
    size_t width, hidden_room;
    bool keeps;
} gen_pass;

void gen_pass_clear(gen_pass *p);
void gen_pass_free(gen_pass *p);
/* n tokens of a sequence that has room for them; logits of the last `wanted`. False: no memory. */
bool gen_pass_add(gen_pass *p, mx_sequence *s, const int *token, size_t n, size_t wanted);
/* More tokens of the span added last, logits wanted of each. */
bool gen_pass_append(gen_pass *p, const int *token, size_t n);
/* Hidden rows of the last n tokens that were added: of nothing, then rows. */
bool gen_pass_join(gen_pass *p, size_t nothing, const float *rows, size_t n);
bool gen_pass_run(gen_pass *p, mx_direct *m, const float **logits);

/* --- a batch --------------------------------------------------------------------------------- */

struct mx_batch {
    mx_lm *lm;
    gen_limits limits;
    int requests, chunk, lookup;
    mx_direct *direct;
    mx_cache *cache;
    struct gen_draft *draft; /* NULL: none */

    /* under MX_LOCK_BATCH: all requests in the order in which they came */
    gen_work **work;
    size_t count, most; /* most: requests that compute and wait */
    int64_t ids;
    mx_batch_state state;

    /* the stepping thread's */
    atomic_flag stepping;
    gen_work **now; /* those that were there when the step began */
    size_t n;
    gen_work **asks; /* of those, who wants guesses, with how many */
    int64_t *guesses;
    gen_pass pass;
    bool crowded;        /* one had to make room: none is admitted before another ends */
    mx_batch_state done; /* what this step adds to the counts */
    gen_call call;
};

/* Without a limit of bytes what is kept for prompts to come is at most a text of whole length. */
static inline void gen_limit_kept(mx_cache *c, const mx_batch_options *o, int64_t context) {
    if (!o->kv_bytes)
        mx_cache_keep(c, context);
}
/* One step over b->now (step.c). False and an error. */
bool gen_step(mx_batch *b);
/* Chooses guesses for those that go on by one token (guess_all.c). */
bool gen_step_guess(mx_batch *b);

/* --- guesses (guess.c, draft.c) -------------------------------------------------------------- */

/* What followed when the text had its last tokens the last time before: at most `most` tokens. */
size_t gen_look_up(const int *token, size_t n, int *guess, size_t most);

/* A smaller model that guesses. */
typedef struct gen_draft gen_draft;
gen_draft *gen_draft_open(mx_lm *draft, const mx_lm *lm, int bits, const mx_batch_options *o);
void gen_draft_free(gen_draft *d); /* NULL is fine */
/* Guesses for those of n requests that are to go on by one token, up to most[i] each. False: an
   error; nothing is guessed then. */
bool gen_draft_guess(gen_draft *d, gen_work *const *work, const int64_t *most, size_t n);
/* The request is gone, or waits: its draft's text goes. (work.c) */
void gen_draft_forget(gen_work *w);

/* --- the model's own head (ahead.c) ----------------------------------------------------------- */

/* It guesses as a draft does, from the hidden rows that the model's passes keep. */
gen_draft *gen_draft_ahead(const mx_lm *lm, int bits, const mx_batch_options *o);
bool gen_draft_is_ahead(const gen_draft *d);
/* The request has its sequence: the head, too, where it has read the text. */
bool gen_draft_admit(gen_draft *d, gen_work *w);
/* Where the beginning of the text was found the head goes on there, if it has it, too. The model
   then computes its last token again, for its hidden row. False and an error. */
bool gen_ahead_admit(mx_cache *c, gen_work *w);
/* The text's hidden rows of a pass: those of tokens that stay. False: no memory. */
bool gen_ahead_take(gen_work *w, const float *kept, int64_t width);
/* The head's sequence, at a token whose hidden row is there; *n: tokens that it can read. False and
   an error. */
bool gen_ahead_begin(mx_cache *c, gen_work *w, int64_t *n);
/* Of the n tokens that were added to the pass. */
bool gen_ahead_join(gen_work *w, gen_pass *p, int64_t n, int64_t width);

#endif
