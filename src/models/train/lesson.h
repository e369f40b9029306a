/* A batch of examples as one pass, its loss, and the gradients of that.
 *
 * The rows of a pass are the tokens of all examples, each a span of its own: examples see nothing
 * of each other, and there is no padding. Only rows whose next token is learned go through the
 * head. The loss is the mean over these tokens of the negative log probability.
 */
#ifndef MX_MODELS_LESSON_H
#define MX_MODELS_LESSON_H

#include "models/decoder/graph.h"
#include "models/train/data.h"
#include "models/train/tune.h"
#include "transforms/closure.h"

typedef struct mx_lesson {
    int *token, *target;
    mx_span *span;
    int64_t *wanted;
    mx_pass pass;
    int64_t targets; /* tokens that are learned */
} mx_lesson;

/* Of examples by their numbers. mx_lesson_free in any case. */
bool mx_lesson_make(mx_lesson *l, const mx_examples *e, const size_t *number, size_t n);
void mx_lesson_free(mx_lesson *l);

typedef struct mx_lesson_way {
    bool checkpoint; /* layers, and parts of the head, are computed again instead of being kept */
    uint64_t drop;   /* of mx_tune_apply */
} mx_lesson_way;

/* The loss with the params' values; of the open scope, pending. */
mx_array *mx_lesson_loss(const mx_tune *t, const mx_lesson *l, mx_array *const *value,
                         mx_lesson_way way);
/* And its gradients towards each of them, pending; grads is freed by the caller in any case. */
mx_array *mx_lesson_gradients(const mx_tune *t, const mx_lesson *l, mx_lesson_way way,
                              mx_arrays *grads);

#endif
