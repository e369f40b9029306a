/* Answers that are generated: a job asks the engine, and a face says it in a protocol's words.
 *
 *     srv_job_run ─▶ prompts, choices ─▶ engine ─▶ events ─▶ cli_answer ─▶ pieces ─▶ face ─▶ text
 */
#ifndef SERVE_JOB_H
#define SERVE_JOB_H

#include "answer/answer.h"
#include "serve/params.h"

typedef struct srv_job srv_job;

typedef struct srv_choice {
    srv_job *job;
    int index, prompt;  /* among all; which prompt it goes on from */
    int64_t id;         /* the engine's; 0: not asked */
    cli_answer *answer; /* NULL: its text is shown as it is */
    srv_text text, reasoning;
    json_t *calls; /* [{id, name, arguments: text}] */
    json_t *logs;  /* of tokens, in the face's shape */
    bool ended;
    srv_finish finish;
    int stop; /* which stop text; -1 */
    int64_t generated, cached;
    int64_t counted;       /* of those generated: of this turn */
    bool thinks;           /* what came last was reasoning */
    srv_text raw;          /* the answer as it came, where a call in it is to be held */
    int turn;              /* how often it was asked for: events of a turn before are passed over */
    int block, block_kind; /* for faces that number parts; block_kind -1: none is open */
    char block_id[48];
    size_t block_from; /* where the open part's text begins */
    size_t block_logs; /* how many of `logs` are of the open part, and said */
    size_t offset;     /* characters of the text until here, for log probabilities */
} srv_choice;

/* How a protocol says things. Functions of streams write to job->out; each may be NULL. */
typedef struct srv_face {
    const char *type; /* of a stream */
    void (*begin)(srv_job *j);
    void (*piece)(srv_job *j, srv_choice *c, const cli_piece *p);
    void (*end_choice)(srv_job *j, srv_choice *c);
    void (*end)(srv_job *j);
    void (*fail)(srv_job *j, const srv_fault *f);
    /* A token with its log probabilities, streamed or not. */
    void (*token)(srv_job *j, srv_choice *c, const srv_event *e);
    json_t *(*whole)(srv_job *j);
    const char *prefix; /* of ids: "chatcmpl-" */
    bool keeps; /* begin, piece and end_choice are called for what is not streamed, too: job->out is
                   NULL then */
} srv_face;

typedef struct srv_prompt {
    char *text; /* owned; NULL: there are tokens alone */
    size_t text_num;
    int *tokens; /* owned */
    size_t token_num;
    size_t begun; /* bytes at the text's end: of the answer, which somebody has begun */
    bool special; /* the text was made of the tokens, with special ones in it */
} srv_prompt;

struct srv_job {
    srv_stream stream;
    srv_call *call;
    srv_model *model;
    const srv_about *about;
    const srv_face *face;
    srv_params p;
    srv_prompt *prompts;
    size_t prompt_count;
    srv_choice *choices;
    size_t choice_count, open;     /* of them not ended */
    const cli_answer_style *style; /* NULL: answers are text */
    srv_schema *schemas;           /* of a forced call */
    int64_t most;                  /* tokens of an answer; 0: any number */
    char *opening;                 /* of a forced call: the answer begins with it */
    char id[48];
    int64_t created;
    int64_t prompt, cached, generated;
    int64_t reasoning; /* of those generated */
    double loaded;     /* seconds that loading took */
    double first;      /* when the first token came; 0: not yet */
    int64_t sequence;  /* of events, for faces that count */
    json_t *done;      /* parts that are finished, for faces that repeat them */
    bool begun, over;
    srv_text *out;
};

/* Answers a call. p is taken over. Prompts: of p->messages where there are some, else `prompts`
   (count of them, taken over as they are: an array of malloc). */
bool srv_job_run(srv_call *c, const srv_face *face, srv_params *p, srv_prompt *prompts,
                 size_t count);
/* The model that the parameters name, taken; NULL and a fault. *seconds: that loading took. */
srv_model *srv_take_model(srv_call *c, const char *name, double *seconds);
/* The prompt of a conversation, for the caller's srv_prompt_clear. */
bool srv_prompt_of_chat(srv_model *m, const srv_params *p, srv_prompt *out, srv_fault *f);
void srv_prompts_free(srv_prompt *prompts, size_t count);

/* --- parts (parts.c): of faces that list them in the order they came in ----------------------- */

/* A part begins, whose first n bytes have come. */
void srv_part_open(srv_choice *c, cli_piece_kind kind, size_t n);
/* What the open one has said, of text or reasoning. */
const char *srv_part_text(const srv_choice *c, size_t *n);
/* One that has ended goes to j->done; it is taken over, and NULL is a fault. */
void srv_part_keep(srv_job *j, json_t *part);

/* --- small things ----------------------------------------------------------------------------- */

/* The call that has come last, {id, name, arguments}; NULL: none has. */
const json_t *srv_last_call(const srv_choice *c);
/* "stop", "length" or "tool_calls". */
const char *srv_finish_text(const srv_choice *c);
/* prefix and 24 letters that nobody has had, as many of them as there is room for. */
void srv_make_id(char *out, size_t room, const char *prefix);
int64_t srv_now(void);

#endif
