/* Texts to learn from, as tokens.
 *
 *     folder ──▶ train.jsonl, valid.jsonl, test.jsonl      an object on each line
 *
 *     {"text": ".."}                                       all of it is learned
 *     {"messages": [{"role": .., "content": ..}], "tools": [..]}
 *                                                          by the model's chat template
 *     {"prompt": "..", "completion": ".."}                 a user's message and the answer; by a
 *                                                          model without a template one text
 *                                                          behind the other
 *
 * All lines of a file are of one kind. What is too long loses its end.
 */
#ifndef MX_MODELS_TRAIN_DATA_H
#define MX_MODELS_TRAIN_DATA_H

#include "models/tokenizer/tokenizer.h"

/* Tokens first .. first + count; the first `prompt` of them are not learned. */
typedef struct mx_example {
    int64_t first, count, prompt;
} mx_example;

typedef struct mx_examples {
    int *token;
    size_t tokens, token_room;
    mx_example *item;
    size_t count, room;
    size_t cut;     /* how many lost their end */
    size_t dropped; /* in how many nothing was left to learn: they are not among the items */
    uint64_t print; /* of all tokens and counts: FNV-1a */
} mx_examples;

typedef struct mx_data_spec {
    mx_tokenizer *tokenizer;
    const char *model;  /* where a chat template is looked for */
    int64_t most;       /* tokens of an example */
    bool mask_prompt;   /* what is before the last answer is not learned */
    int64_t vocabulary; /* tokens are below it */
} mx_data_spec;

/* Of a file. False and an error that names the file and the line. */
bool mx_examples_read(mx_examples *e, const char *path, const mx_data_spec *spec);
/* Is the file of a folder there? Its path for mx_free; NULL: no, or no memory. */
char *mx_data_file(const char *folder, const char *name);
void mx_examples_free(mx_examples *e);

/* --- batches ---------------------------------------------------------------------------------- */

/* Which examples stand together: numbers of batch i are item[start[i]] .. item[start[i + 1] - 1].
 *
 *     by length     examples of about one length, `size` in each; the order of batches is drawn
 *     packed        in an order that is drawn, as many as have `tokens` tokens together
 */
typedef struct mx_batches {
    size_t *item, *start;
    size_t count;
} mx_batches;

typedef struct mx_batch_spec {
    size_t size;
    int64_t tokens; /* of a batch that is packed; 0: by length */
    uint64_t seed;
} mx_batch_spec;

/* Those of an epoch (0, 1, ...), the same at each call. */
bool mx_batches_make(mx_batches *b, const mx_examples *e, const mx_batch_spec *spec,
                     uint64_t epoch);
void mx_batches_free(mx_batches *b);

#endif
