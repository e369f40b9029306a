/* The words in which a language model is computed, and what understands them.
 *
 *     mx_walk ──▶ machine ──┬── graph     arrays that nobody has computed yet: derivatives,
 *                           │             training, whole texts without a cache (graph.c)
 *                           └── direct    buffers and kernels, at once: generation, with a
 *                                         cache (models/direct)
 *
 * A *pass* takes some tokens of some sequences through a model. Its rows are the tokens: row after
 * row, those of one sequence side by side in the order of their positions.
 *
 * What a machine makes (mx_rows) is float32, a row for each of the pass's, and belongs to the
 * machine until the pass ends. NULL passes through with the first error recorded.
 */
#ifndef MX_MODELS_MACHINE_H
#define MX_MODELS_MACHINE_H

#include "models/decoder/decoder.h"

/* Rows first .. first + count belong to one sequence, at positions from `position` on. */
typedef struct mx_span {
    int64_t first, count, position;
    void *sequence; /* the machine's: of the direct one, models/direct/cache.h. NULL: no cache */
} mx_span;

typedef struct mx_pass {
    const int *token; /* of each row */
    const int *type;  /* of encoders; NULL: zeros */
    int64_t rows;
    const mx_span *span;
    int64_t spans;
    const int64_t *wanted; /* rows that go through the head; NULL: all of them */
    int64_t wanted_rows;
    const float *hidden; /* of models that begin with a join: rows of what they join */
    bool keeps;          /* hidden rows of all rows are kept, as `ahead` of the model reads them */
} mx_pass;

typedef struct mx_rows mx_rows;
typedef struct mx_machine mx_machine;

/* What a machine understands. `d` and `pass` are m's. */
typedef struct mx_machine_words {
    /* A layer begins, and after the last one what follows: of all rows only x is read again, and
       comes back. Stops where the host wants to. */
    mx_rows *(*begin)(mx_machine *m, mx_rows *x);
    /* Rows of a table by token, type or position (which), times scale. */
    mx_rows *(*embed)(mx_machine *m, const mx_weight *table, const int *which, float scale);
    /* `width` features at a time; 0: the whole row. */
    mx_rows *(*norm)(mx_machine *m, const mx_norm *n, mx_rows *x, int64_t width);
    /* out[i] = x w[i]' + bias, of up to 4 matrices that read the same rows. */
    bool (*products)(mx_machine *m, mx_rows **out, const mx_weight *const *w, int n, mx_rows *x);
    /* x + scale * y; x is not read again. */
    mx_rows *(*add)(mx_machine *m, mx_rows *x, mx_rows *y, float scale);
    /* act(gate) * up; gate NULL: act(up). Neither is read again. */
    mx_rows *(*gate)(mx_machine *m, mx_activation act, mx_rows *gate, mx_rows *up);
    /* Norms of heads, rotation, the cache, attention, gate: of q, k, v as the products give them.
       (Latent attention: q as it is, k the row of kv_down, v NULL.) gate NULL: none. None is read
       again. */
    mx_rows *(*attend)(mx_machine *m, const mx_attender *a, int64_t layer, mx_rows *q, mx_rows *k,
                       mx_rows *v, mx_rows *gate);
    /* From the products of `in` to what `output` takes. */
    mx_rows *(*recur)(mx_machine *m, mx_mixer_kind kind, const mx_recurrence *r, int64_t layer,
                      mx_rows *in, mx_rows *more);
    mx_rows *(*experts)(mx_machine *m, const mx_experts *e, mx_rows *x); /* the shared ones too */
    /* The pass's `hidden`; the rows of x with those of y behind each; and x is what it keeps. */
    mx_rows *(*given)(mx_machine *m);
    mx_rows *(*beside)(mx_machine *m, mx_rows *x, mx_rows *y);
    void (*keep)(mx_machine *m, mx_rows *x);
    /* The pass's wanted rows of rows for all of it: behind the last mixer, so that what follows is
       computed for these alone. Not called where the pass wants all. */
    mx_rows *(*wanted)(mx_machine *m, mx_rows *x);
    /* scale * x, then cap * tanh(x / cap) where cap is not 0 */
    mx_rows *(*finish)(mx_machine *m, mx_rows *x, float scale, float cap);
} mx_machine_words;

struct mx_machine {
    const mx_machine_words *words;
    const mx_decoder *decoder;
    const mx_pass *pass;
};

/* Takes the machine's pass through its decoder: the logits of the wanted rows (encoders: all rows
   after the last norm). NULL and an error. */
mx_rows *mx_walk(mx_machine *m);
/* The same in steps: what the tokens are at first, layer n of it, the logits. */
mx_rows *mx_walk_embed(mx_machine *m);
mx_rows *mx_walk_layer(mx_machine *m, int64_t n, mx_rows *x);
mx_rows *mx_walk_finish(mx_machine *m, mx_rows *x);

#endif
