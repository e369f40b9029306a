/* The server, without HTTP.
 *
 *     http/ ──▶ srv_call {method, path, keys, body} ──▶ srv_handle ──▶ reply: a body, or a stream
 *
 * A path is a row of routes.c: how its requests are read (fields.h), who answers, how errors look.
 * Endpoints that generate fill srv_params from a table of fields and hand it to a job (job.h),
 * which talks to the engine and to a face, the protocol's words for what comes. Each call has a
 * thread of its own.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include "output/output.h"
#include "serve/engine.h"
#include "serve/metrics.h"
#include "serve/text.h"

/* The shapes of errors. */
typedef enum srv_dialect { SRV_OPENAI, SRV_ANTHROPIC, SRV_OLLAMA } srv_dialect;

typedef struct srv_keys srv_keys;

typedef struct srv_options {
    int64_t most;            /* tokens of an answer; 0: the context's end */
    uint64_t body;           /* bytes of a request */
    const char *const *cors; /* the origins whose pages may ask, "*": any */
    size_t cors_count;
    bool local;          /* only names of this machine are answered to */
    bool page;           /* / has the chat page */
    const char *version; /* the library's */
} srv_options;

typedef struct srv_server {
    srv_options o;
    srv_engine *engine;
    const srv_keys *keys; /* NULL: none are asked for */
    srv_metrics metrics;
    _Atomic bool draining;
} srv_server;

/* What answers while it is sent. */
typedef struct srv_stream srv_stream;
struct srv_stream {
    /* Wait for more and append it. False: that was all. */
    bool (*next)(srv_stream *s, srv_text *out);
    void (*free)(srv_stream *s);
};

typedef struct srv_call {
    srv_server *server;
    const char *method, *path;
    const char *host, *origin, *key; /* of the headers; NULL: not there */
    const char *body;
    size_t body_num;
    srv_dialect dialect;
    char id[40];      /* "req_..." */
    srv_queue *queue; /* events; stopped where the client has gone or time is over */
    double began;
    json_t *json; /* the body */

    /* what is answered */
    srv_fault fault;
    int status;
    const char *type;
    srv_text out;
    srv_stream *stream; /* NULL: `out` is all */
    bool allow_origin;
    char policy[320]; /* Content-Security-Policy of a page; empty: nothing is to be loaded */

    /* for the log and the metrics */
    const char *route;
    int64_t prompt, cached, generated;
    double first; /* seconds until the first token; 0: none came */
} srv_call;

/* Answers: fills status, type and out or stream. False: there is no memory for an answer. */
bool srv_handle(srv_call *c);
/* Before the body is there: may this request be sent? What srv_handle would refuse at once. */
bool srv_admit(srv_call *c);
/* The error of c->fault, in its dialect, as the answer. */
bool srv_answer_fault(srv_call *c);
/* The same as JSON; NULL: no memory. */
json_t *srv_fault_json(const srv_call *c, const srv_fault *f);
/* A document, taken over, as the answer. */
bool srv_answer_json(srv_call *c, json_t *doc);
bool srv_answer_vectors(srv_call *c, json_t *doc); /* whose numbers are of srv_vector_json */
/* Frees what it holds; not the call itself. */
void srv_call_clear(srv_call *c);
void srv_call_id(srv_call *c);

/* --- keys ------------------------------------------------------------------------------------- */

/* Keys as given and the lines of a file (NULL: none). NULL and a fault. */
srv_keys *srv_keys_new(const char *const *keys, size_t n, const char *file, srv_fault *f);
void srv_keys_free(srv_keys *k);
size_t srv_keys_count(const srv_keys *k);
/* In time that does not depend on the keys. */
bool srv_keys_has(const srv_keys *k, const char *key);

/* --- endpoints -------------------------------------------------------------------------------- */

bool srv_page(srv_call *c);
bool srv_health(srv_call *c);
bool srv_metrics_page(srv_call *c);
bool srv_openai_chat(srv_call *c);
bool srv_openai_completions(srv_call *c);
bool srv_openai_responses(srv_call *c);
bool srv_openai_embeddings(srv_call *c);
bool srv_openai_models(srv_call *c);
bool srv_openai_model(srv_call *c);
bool srv_rerank(srv_call *c);
bool srv_anthropic_messages(srv_call *c);
bool srv_anthropic_count(srv_call *c);
bool srv_ollama_chat(srv_call *c);
bool srv_ollama_generate(srv_call *c);
bool srv_ollama_embed(srv_call *c);
bool srv_ollama_embeddings(srv_call *c);
bool srv_ollama_tags(srv_call *c);
bool srv_ollama_show(srv_call *c);
bool srv_ollama_ps(srv_call *c);
bool srv_ollama_version(srv_call *c);

#endif
