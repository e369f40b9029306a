/* Between the files of training: train.h. */
#ifndef MX_MODELS_TRAIN_PARTS_H
#define MX_MODELS_TRAIN_PARTS_H

#include "models/json.h"
#include "models/train/adapter.h"
#include "models/train/lesson.h"
#include "models/train/optim.h"
#include "models/train/train.h"

/* The file in the adapter's folder from which training goes on. */
#define TUNE_STATE_FILE "training_state.safetensors"

/* What is reported next, of the iterations since the last report. */
typedef struct tune_window {
    double loss; /* sum over iterations */
    int64_t iterations, tokens;
    double began; /* seconds */
} tune_window;

struct mx_train {
    mx_train_options o; /* texts: NULL */
    char *model, *folder;
    mx_decoder *base;
    mx_tokenizer *tokenizer;
    mx_tune tune;
    mx_optim optim;
    mx_rate rate;
    mx_array **state; /* MX_OPTIM_STATES of each param; NULL: zeros */
    mx_array **sum;   /* of each param, of gradients since the last update; NULL: none yet */
    mx_examples train, valid, test;
    mx_batches batches; /* of `epoch` */
    uint64_t epoch;
    int64_t epoch_first; /* iterations before it */
    int64_t iteration;   /* that were done */
    int64_t updates, tokens;
    tune_window window;
};

/* --- state.c --------------------------------------------------------------------------------- */

/* Puts an array (retained) in place of another. */
void tune_put(mx_array **to, mx_array *a);
/* The path of a file in the adapter's folder, for mx_free. */
char *tune_inside(const mx_train *t, const char *name);
/* What belongs to the training and must be the same when it goes on; for json_decref. */
json_t *tune_terms(const mx_train *t);
bool tune_state_save(const mx_train *t);
/* False and an error: there is none, it is another's, or it cannot be read. */
bool tune_state_load(mx_train *t);

#endif
