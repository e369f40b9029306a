/* What of a model is changed: low-rank changes of matrices, or matrices and norms themselves.
 *
 *     mx_tune ──┬── module[i]   "model.layers.3.self_attn.q_proj": where in the decoder it is
 *               └── param[i]    its arrays, named as files have them
 *
 *     LoRA (Hu et al. 2021)     y = x W' + scale x A B        lora_a (in, rank), lora_b (rank, out)
 *     DoRA (Liu et al. 2024)    y = (x W' + scale x A B) m / |W + scale (A B)'|      and m (out),
 *                               the norms of rows, through which no derivative goes
 *     full                      weight, bias
 *     scales                    scales, biases of words whose codes stay: the format is the model's
 *
 * Of a stack of experts A is (experts, rank, in) and B (experts, out, rank), and each changes the
 * matrix of its own; they have no DoRA.
 *
 * A matrix that the decoder reads in parts (queries, keys and values of one) is one module. Rows of
 * params lie as the decoder's; files have them as Hugging Face does (mx_tune_rows).
 */
#ifndef MX_MODELS_TUNE_H
#define MX_MODELS_TUNE_H

#include "models/decoder/decoder.h"

typedef enum mx_tune_kind {
    MX_TUNE_LORA,
    MX_TUNE_DORA,
    MX_TUNE_FULL,
    MX_TUNE_SCALES,
    MX_TUNE_KINDS
} mx_tune_kind;

/* What is asked for. */
typedef struct mx_tune_spec {
    mx_tune_kind kind;
    int layers; /* the last so many; 0: 16, or all where there are fewer; -1: all */
    int rank;
    float scale, dropout;
    const char *const *keys; /* "self_attn.q_proj"; NULL: all matrices of a layer */
    size_t key_num;
} mx_tune_spec;

typedef struct mx_tune_module {
    const mx_tensor_row *row;
    int layer;
    char *name;
    mx_weight *part[MX_LAYER_MATRICES]; /* of the decoder, in the order of their rows */
    int parts;
    mx_norm *norm;            /* of full, in place of parts; else NULL */
    int64_t out, in, experts; /* experts 0: no stack */
    mx_array *squares;        /* of DoRA: those of each row of W, summed, (out); else NULL */
} mx_tune_module;

typedef enum mx_role {
    MX_ROLE_A,
    MX_ROLE_B,
    MX_ROLE_M,
    MX_ROLE_WEIGHT,
    MX_ROLE_BIAS,
    MX_ROLE_SCALES,
    MX_ROLE_BIASES,
    MX_ROLES
} mx_role;

typedef struct mx_param {
    char *name;
    int module;
    mx_role role;
    mx_array *value; /* available, float32, row-contiguous; one reference */
    mx_dtype kept;   /* as files have it */
} mx_param;

typedef struct mx_tune {
    mx_decoder *decoder; /* derived, its layers are what changes */
    mx_tune_spec spec;   /* keys: NULL */
    int first;           /* layer; those before stay as they are */
    mx_tune_module *module;
    int modules;
    mx_param *param; /* in the order of modules */
    int params;
} mx_tune;

extern const char *const mx_tune_kinds[MX_TUNE_KINDS];
/* False: no kind has this name. */
bool mx_tune_kind_named(const char *name, mx_tune_kind *out);
/* Is the change added to what stays as it is? */
static inline bool mx_tune_adds(mx_tune_kind kind) {
    return kind == MX_TUNE_LORA || kind == MX_TUNE_DORA;
}
/* The roles that a kind's params have, first to last. */
void mx_tune_roles(mx_tune_kind kind, mx_role *first, mx_role *last);

/* The modules that a spec says of a decoder, without params. mx_tune_close in any case. False and
   an error: a key that is none of the layers' matrices, more layers than there are, full of
   matrices that are quantized, scales of those that are not. */
bool mx_tune_open(mx_tune *t, mx_decoder *d, const mx_tune_spec *spec);
void mx_tune_close(mx_tune *t);
/* Params as training begins with them: A drawn from `seed`, B zeros, m the norms of rows; what is
   trained in full as it is. */
bool mx_tune_begin(mx_tune *t, uint64_t seed);

/* The shape that a param of a module has. */
mx_shape mx_tune_shape(const mx_tune *t, const mx_tune_module *m, mx_role role);
const char *mx_role_name(mx_role role); /* "lora_a" */
/* A module more, of a row and a layer; NULL and an error: it is no matrix of the decoder's that may
   be changed. `name`: of messages and params. */
mx_tune_module *mx_tune_add_module(mx_tune *t, const mx_tensor_row *row, int layer,
                                   const char *name);
/* A param more, without a value; takes no reference. */
mx_param *mx_tune_add_param(mx_tune *t, const mx_tune_module *m, mx_role role);
/* Puts a value, which is computed and made float32 and row-contiguous, in place of the former. */
bool mx_param_set(mx_param *p, mx_array *value);

/* Rows of a param, or of a weight's values, as files have them; back: as the decoder has them. */
mx_array *mx_tune_rows(const mx_tune *t, const mx_param *p, mx_array *a, bool back);

/* Makes arrays, one for each param, those of the decoder's modules of layer n; -1: of all. They are
   borrowed. With a spec that drops, `drop` is where keys begin; 0: nothing is dropped. */
bool mx_tune_apply(const mx_tune *t, int n, mx_array *const *value, uint64_t drop);
/* Makes the values the decoder's, computed, for as long as it lives. */
bool mx_tune_settle(mx_tune *t);
mx_array *mx_tune_value(const mx_tune *t, const mx_tune_module *m, mx_role role); /* NULL: none */
/* What a module's matrix is with its change: (out, in) float32. Of a stack all of it, or that of
   one expert; -1: all. */
mx_array *mx_tune_merged(const mx_tune *t, const mx_tune_module *m, mx_array *base, int expert);

#endif
