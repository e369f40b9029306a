/* The engine's insides: models.c lists and loads, batch.c computes, text.c is about tokens. */
#ifndef SERVE_ENGINE_OWN_H
#define SERVE_ENGINE_OWN_H

#include <pthread.h>

#include "serve/engine.h"
#include "serve/serve.h"
#include "serve/turns.h"

enum { MODEL_AWAY, MODEL_LOADING, MODEL_THERE };

/* One request, from its submission to its last event. */
typedef struct engine_request {
    struct engine_request *next, **link; /* under the model's lock */
    srv_model *model;
    srv_queue *to;
    int choice;
    mlx_token_stream echo; /* of the prompt's text; of none where it is not echoed */
} engine_request;

struct srv_model {
    srv_engine *engine;
    char *path, *id;
    int64_t created;
    uint64_t file_bytes;
    bool alone; /* it was named, and no other */

    /* under the engine's lock */
    int state;
    int64_t holders;
    double leaves; /* when it goes if nobody takes it */

    /* of a model that is there */
    srv_about about;
    mlx_lm lm;
    mlx_tokenizer tokenizer;
    mlx_template template;
    mlx_structure_vocabulary vocabulary;

    mlx_lm_batch batch;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t came;
    bool stop, added, has_thread;
    engine_request *requests; /* that have not ended */
    int64_t epoch;            /* how many batches there were: part of a request's number */
};

enum {
    KEPT_STRUCTURES = 32,
    STRUCTURE_STEPS = 1 << 25 /* that making one may take: a second */
};

/* A structure that was asked for, kept with the masks that answers have made. */
typedef struct engine_structure {
    srv_structure kind;
    char *text; /* NULL: the place is free, or the kind needs none */
    mlx_structure structure;
    uint64_t used;
} engine_structure;

struct srv_engine {
    srv_engine_options o;
    pthread_mutex_t structure_lock;
    engine_structure structures[KEPT_STRUCTURES];
    uint64_t uses;
    srv_turns turns; /* of who makes one */
    srv_model **models;
    size_t count;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

/* HTTP's status of one of the MLX_ERROR_ constants: what is wrong with a request is 400. */
int engine_status(int error);
/* A fault's code for what the library says; NULL: none is known. */
const char *engine_code(const char *message);
/* The library's error as a fault. */
bool engine_fail(srv_fault *f);

/* Its batch and thread. False: the library's error, or a fault. */
bool engine_batch_open(srv_model *m, srv_fault *f);
void engine_batch_close(srv_model *m);
/* The structure that is asked for (of a free answer none), for the one call until it is given
   back, on this thread. False: a fault, and nothing to give back. */
bool engine_structure_lend(srv_engine *e, const srv_ask *a, mlx_structure *s, srv_fault *f);
void engine_structure_back(srv_engine *e, const srv_ask *a);
/* Making them is bounded, and ends with the request that asks. */
void engine_structure_begin(srv_engine *e);
void engine_structure_close(srv_engine *e);

#endif
