/* Fine-tuning: what mlx/c/train.h shows.
 *
 *     model, data ──▶ mx_train ──▶ run: iterations ──┬── reports, to a function
 *                                                    └── files in the adapter's folder
 *
 * What is computed at an iteration follows from its number alone: the batch, the learning rate, the
 * keys of dropout. So the state is the params, the optimizer's arrays and some numbers (state.c),
 * and training that goes on from a state computes what it would have computed without a pause.
 */
#ifndef MX_MODELS_TRAIN_H
#define MX_MODELS_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As mlx_train_options, member for member. */
typedef struct mx_train_options {
    const char *fine_tune_type;
    int num_layers;
    int rank;
    double scale, dropout;
    const char *const *keys;
    size_t key_num;
    const char *optimizer;
    double learning_rate, weight_decay, beta1, beta2, epsilon, momentum;
    bool bias_correction;
    const char *schedule;
    double end_rate, warmup_rate;
    int warmup, decay_steps;
    double clip_norm;
    int batch_size, iters, accumulate, max_tokens;
    bool mask_prompt, pack, checkpoint;
    uint64_t seed;
    int report_every, eval_every, save_every, val_batches, test_batches;
    const char *adapter_path;
    const char *adapter_file;
    bool resume;
} mx_train_options;

mx_train_options mx_train_usual(void);

typedef enum mx_train_kind {
    MX_TRAIN_STEP,
    MX_TRAIN_REPORT,
    MX_TRAIN_EVALUATED,
    MX_TRAIN_SAVED,
    MX_TRAIN_NOTE
} mx_train_kind;

typedef struct mx_train_event {
    mx_train_kind kind;
    int64_t iteration;
    double loss, learning_rate;
    double iterations_per_second, tokens_per_second;
    int64_t tokens;
    uint64_t peak_bytes;
    double seconds;
    const char *text;
} mx_train_event;

/* False: stop, with or without an error recorded. */
typedef bool mx_train_report(void *payload, const mx_train_event *e);

typedef struct mx_train mx_train;

/* NULL and an error. data NULL: none is read. */
mx_train *mx_train_open(const char *model, const char *data, const mx_train_options *o);
void mx_train_free(mx_train *t); /* NULL is fine */

typedef struct mx_train_info {
    uint64_t trained, parameters;
    int64_t layers;
    int64_t train, valid, test;
    int64_t iteration;
} mx_train_info;
void mx_train_about(const mx_train *t, mx_train_info *out);

/* To the last iteration. *stopped: the reporter stopped it; what was learned is saved. */
bool mx_train_run(mx_train *t, mx_train_report *report, void *payload, bool *stopped);
/* The loss of test.jsonl. */
bool mx_train_test(mx_train *t, mx_train_report *report, void *payload, double *loss);
/* Writes adapter and state now. */
bool mx_train_save(mx_train *t);

#endif
