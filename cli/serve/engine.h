/* What the server knows of models: it asks, and events come into a queue.
 *
 *     connection's thread                     a model's thread
 *     srv_engine_take ─▶ model
 *     srv_model_submit ──────────────────────▶ batch of requests
 *     srv_queue_wait ◀── srv_event ◀────────── a token, the end
 *     srv_engine_give
 *
 * Models are loaded when they are first asked for, and let go of when nobody has used them for a
 * while. A test puts another engine behind this header (tests/cli/fake_engine.c). Any thread may
 * call any of these functions.
 */
#ifndef SERVE_ENGINE_H
#define SERVE_ENGINE_H

#include "mlx/c/mlx.h"
#include "serve/fields.h"
#include "serve/queue.h"

typedef struct srv_engine srv_engine;
typedef struct srv_model srv_model;

typedef struct srv_source {
    char *path;       /* of a file or folder, or of a folder of those */
    const char *name; /* as it was asked for */
} srv_source;

typedef struct srv_engine_options {
    const srv_source *models; /* borrowed */
    size_t model_count;
    const char *adapter; /* a folder: a change of the model, of which there is one; NULL: none */
    int64_t parallel, queue; /* requests at once, and that wait, for each model */
    int64_t context;         /* tokens of a request; 0: what the model was made for */
    uint64_t kv_bytes;       /* of keys and values of a model; 0: any */
    int64_t kv_bits;         /* 0: as the library has it */
    double idle;             /* seconds until an unused model goes; 0: never */
} srv_engine_options;

/* NULL and a fault: a path is none, two models have one name. */
srv_engine *srv_engine_open(const srv_engine_options *o, srv_fault *f);
/* Requests end as cancelled; models go. Nobody may have taken one. */
void srv_engine_close(srv_engine *e);

typedef struct srv_listed {
    const char *id;
    int64_t created; /* seconds of Unix: the file's */
    uint64_t bytes;  /* of the file; 0: of a folder */
    bool loaded;
} srv_listed;

size_t srv_engine_count(const srv_engine *e);
srv_listed srv_engine_at(srv_engine *e, size_t i);
/* Which one has this name ("" or NULL: the only one, or the first; ":latest" behind it is ignored);
   -1: none. */
int64_t srv_engine_find(const srv_engine *e, const char *name);
/* The i-th, loaded. NULL and a fault. */
srv_model *srv_engine_take(srv_engine *e, size_t i, srv_fault *f);
/* It stays for `keep` seconds more when nobody uses it (-1: as the options say). */
void srv_engine_give(srv_engine *e, srv_model *m, double keep);
/* Let go of models that were idle for too long. */
void srv_engine_tick(srv_engine *e);

/* --- a model that was taken ------------------------------------------------------------------- */

typedef struct srv_about {
    const char *id, *family;
    const char *chat; /* the source of its chat template; NULL: it has none */
    int64_t context, vocabulary, hidden, layers;
    uint64_t parameters, bytes;
    bool encoder;
    int64_t vector, classes; /* numbers of a text's vector; that a classifier gives: 0: none */
} srv_about;

const srv_about *srv_model_about(const srv_model *m);
/* The tokens of a text, for free. Special: one that srv_model_chat made, or that goes on so: marks
   in it are taken out, and nothing is put around it. Of encoders it is cut to what they read. NULL
   and a fault. */
int *srv_model_encode(srv_model *m, const char *text, size_t n, bool special, size_t *count,
                      srv_fault *f);
/* The bytes of a token, for free, also where they are no whole character; NULL: no memory. */
char *srv_model_token(srv_model *m, int token, size_t *n);
/* The text of tokens, for free. */
char *srv_model_decode(srv_model *m, const int *tokens, size_t count, size_t *n, srv_fault *f);
/* A conversation as the prompt of its template, for free; with marks before special tokens that
   somebody wrote (mlx_chat_render). Tools and variables may be NULL. */
char *srv_model_chat(srv_model *m, const json_t *messages, const json_t *tools,
                     const json_t *variables, size_t *n, srv_fault *f);
/* A text that goes on so, likewise. */
char *srv_model_mark(srv_model *m, const char *text, size_t n, size_t *marked, srv_fault *f);
/* The vectors of texts one behind the other, of which text i ends at token ends[i]: `vector` floats
   of length 1 of each, for free. */
float *srv_model_embed(srv_model *m, const int *tokens, const size_t *ends, size_t count,
                       srv_fault *f);
/* What the model's classifier says of a text with each of some others, `classes` floats of each,
   for free; *tokens: that were read. */
float *srv_model_classify(srv_model *m, const char *text, size_t n, const char *const *others,
                          const size_t *lengths, size_t count, size_t *tokens, srv_fault *f);

typedef enum srv_structure {
    SRV_FREE,
    SRV_JSON,   /* any object */
    SRV_SCHEMA, /* JSON of this schema */
    SRV_REGEX,
    SRV_GRAMMAR, /* GBNF */
    SRV_CHOICE   /* a JSON list of texts */
} srv_structure;

/* A schema that a part of a structure is made of, and the field that has it. */
typedef struct srv_schema {
    char field[64];
    char *text;
} srv_schema;

/* Everything is borrowed for the call. */
typedef struct srv_ask {
    const int *tokens;
    size_t token_num;
    int64_t most; /* tokens to generate; 0: to the end of the context */
    mlx_sampler_options sampling;
    const char *const *stop;
    size_t stop_num;
    bool ignore_end;
    bool markers;          /* special tokens of the answer have a text: for cli_answer */
    int log_probabilities; /* -1: none */
    bool echo;             /* also of the prompt: events of SRV_PROMPT_TOKEN */
    bool echo_special;     /* special tokens of the prompt have a text in those */
    srv_structure structure;
    const char *structure_text;
    const srv_schema *schemas; /* something has to match each of these by itself; ended by one
                                  without a text; NULL: none */
    srv_queue *to;
    int choice; /* comes back in events */
} srv_ask;

/* Can an answer be held to the structure that is asked for? Of the rest only `to` is looked at,
   which says when there is nothing to wait for any more. */
bool srv_model_can_hold(srv_model *m, const srv_ask *ask, srv_fault *f);
/* The number of a request, from 1. 0 and a fault: 400 what is wrong with it, 429 too many wait. */
int64_t srv_model_submit(srv_model *m, const srv_ask *ask, srv_fault *f);
/* End it; its last event says so. One that has ended is no error. */
void srv_model_cancel(srv_model *m, int64_t id);

typedef struct srv_state {
    int64_t running, waiting;
    uint64_t kv_bytes;
} srv_state;
/* Of all models together. */
srv_state srv_engine_state(srv_engine *e);

#endif
