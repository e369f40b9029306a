/* What fills a decoder while it is opened.
 *
 *     model.h ──▶ config   asked key by key (ask.c): what was asked for is understood, and whatever
 *                          else the file says that is not known to be harmless is refused in the
 *                          end
 *             ──▶ tensors  as matrices, norms and vectors (weights.c)
 *     traits.c             what a family is beyond its config and tensors
 *
 * The first error sticks: askers return what they can, and whoever began looks at mx_failed.
 */
#ifndef MX_MODELS_BUILD_H
#define MX_MODELS_BUILD_H

#include <stdatomic.h>

#include "models/convert/model.h"
#include "models/decoder/decoder.h"

/* What a decoder's parts lie in. */
typedef struct dec_held {
    mx_array **array; /* one reference of each */
    size_t arrays, array_room;
    void **block; /* for mx_free */
    size_t blocks, block_room;
    mx_decoder *base;   /* that it was derived of; NULL: none */
    atomic_flag moving; /* somebody moves arrays to large pages */
    bool settled;       /* all that are to be moved were */
} dec_held;

typedef struct dec_trait dec_trait;

typedef struct dec_build {
    mx_model model;
    const char *name; /* of messages: the file, or the folder */
    mx_decoder *d;
    dec_held *held;
    const dec_trait *trait;
    bool sketch;         /* what GGUF is to say is asked, and no array is computed */
    bool as_gguf;        /* the config is the one that a reader of a GGUF file would make of it */
    const char *given;   /* ... but for this key; NULL: for none */
    json_t *said;        /* ... and this is the folder's own */
    bool refused;        /* the error is of config.json, not of tensors */
    mx_map asked;        /* keys of config.json */
    bool ones_added;     /* norms are 1 + w although the family adds 1 */
    json_t *values;      /* what was answered: an array that holds it */
    mx_rotation rope[2]; /* of layers of each sight, once one of them has it */
} dec_build;

/* What kind of tokens a layer's attention sees. */
typedef enum dec_sight { DEC_ALL, DEC_WINDOW } dec_sight;

/* Beyond what config and tensors say. Keys and modules: NULL the usual one. */
struct dec_trait {
    const char *family;
    mx_norm_kind norm;       /* of hidden rows; 0: rms */
    const char *eps;         /* key: of all norms */
    const char *feed_norm;   /* module: before the feed-forward part */
    const char *final_norm;  /* module */
    const char *window;      /* key; "": no layer has one */
    const char *period;      /* key: each so many-th layer sees all, the others a window */
    const char *local_theta; /* key: theta of layers with a window; NULL: one theta */
    int every;               /* as period, of all models of the family */
    bool root_embedding;     /* the embedding is multiplied by sqrt(h) */
    bool adjacent;           /* pairs of the rotation lie side by side, in every format */
    bool scalar;             /* scores are divided by the root of query_pre_attn_scalar */
    bool tanh_gelu;          /* hidden_act says it, and "gelu" is the one by tanh */
    bool clamps;             /* MX_ACT_CLAMPED_SWIGLU */
    bool encoder, norms_after, parallel, no_rope;
    bool fine_ramp;    /* yarn's ramp begins and ends between two frequencies */
    bool bare_output;  /* attention_bias is that of q, k and v alone */
    bool own_biases;   /* attention_bias says nothing */
    bool looks_ahead;  /* a layer behind the last may predict the token behind the next one */
    bool normed_ahead; /* from hidden rows behind the final norm */
    /* What stands in the place of attention, or attention of another kind; NULL: attention */
    bool (*mixer)(dec_build *b, int n, mx_layer *l);
    /* What is special of experts whose router and stacks, where there are such, are filled. */
    bool (*experts)(dec_build *b, int n, mx_experts *e);
    /* What remains of layer n, or of the whole (n = -1). */
    bool (*more)(dec_build *b, int n);
};
extern const dec_trait dec_traits[];
extern const size_t dec_trait_count;

/* --- asking the config (ask.c) --------------------------------------------------------------- */

/* By paths as mx_json_at has them, or by the first path of a family's row, whose usual value then
   counts. */
json_t *dec_at(dec_build *b, const char *key); /* borrowed; NULL: nothing is said */
double dec_number(dec_build *b, const char *key, double other);
int64_t dec_size(dec_build *b, const char *key, int64_t other); /* >= 0 */
bool dec_flag(dec_build *b, const char *key, bool other);
const char *dec_text(dec_build *b, const char *key); /* borrowed; NULL: none */
int64_t dec_dim(const dec_build *b, char letter);
/* An error that names the file and a key; false. */
bool dec_refuse(dec_build *b, const char *key, const char *why);
/* Has the config anything that nobody asked for and that may matter? */
bool dec_all_asked(dec_build *b);
/* What layer n's entry of layer_types is; NULL: there is no such list. */
const char *dec_layer_type(dec_build *b, int n);

/* --- finding (find.c) ------------------------------------------------------------------------ */

const mx_tensor_row *dec_row_of(const dec_build *b, const char *module); /* NULL: none */
const mx_model_tensor *dec_tensor_of(const dec_build *b, const char *module, int layer, int expert,
                                     const char *part);
/* layer and expert -1: its name has none. */
typedef struct dec_place {
    const char *module;
    int layer, expert;
} dec_place;
/* Of the open scope: as it lies or its values. NULL without an error: there is none. */
mx_array *dec_part(dec_build *b, const dec_place *p, const char *part, bool stored);
/* Elements of its weight, float32. */
mx_array *dec_values(dec_build *b, const dec_place *p);

/* --- pieces (pieces.c) ----------------------------------------------------------------------- */

/* A matrix or a stack whose arrays are of the open scope, without bias. kind NONE: there is
   none. */
bool dec_piece(dec_build *b, const char *module, int layer, mx_weight *out);
/* --- weights (weights.c) --------------------------------------------------------------------- */

/* Keeps until the decoder goes; returns what is given. */
mx_array *dec_keep(dec_build *b, mx_array *a);
void *dec_keep_block(dec_build *b, void *p);
/* Modules are named as GGUF has them, "blk.{n}.attn_q", or where it has none as Hugging Face. layer
   -1: of none. What the model has not stays as it is: zero. */
bool dec_matrix(dec_build *b, const char *module, int layer, mx_weight *out);
bool dec_vector(dec_build *b, const char *module, int layer, const char *part, mx_array **out);
bool dec_norm(dec_build *b, const char *module, int layer, mx_norm_kind kind, mx_norm *out);
/* Rows first .. first + count of a matrix. */
bool dec_rows(dec_build *b, const mx_weight *w, int64_t first, int64_t count, mx_weight *out);
/* n rows of a matrix, or of each of a stack, in this order: copies. */
bool dec_pick_rows(dec_build *b, const mx_weight *w, const int *rows, int n, mx_weight *out);
/* The rows of two matrices, which are held alike: copies. */
bool dec_join_rows(dec_build *b, const mx_weight *x, const mx_weight *y, mx_weight *out);
/* A tensor whose name may have no part, float32; stays NULL where there is none. */
bool dec_bare(dec_build *b, const char *module, int layer, mx_array **out);
/* The same as it lies, in the open scope; NULL without an error: there is none. */
mx_array *dec_raw(dec_build *b, const char *module, int layer);
/* A matrix or stack of dense numbers, or of words. */
bool dec_dense(dec_build *b, mx_array *a, mx_weight *out);
bool dec_words(dec_build *b, mx_array *words, mx_array *scales, mx_array *biases, mx_quant_format f,
               mx_weight *out);
/* Computed, in row order, kept. */
mx_array *dec_settle(dec_build *b, mx_array *a);
/* Error unless it is there. */
bool dec_need(dec_build *b, const mx_weight *w, const char *module, int layer);
/* Error where config.json says by `key` that there is a bias, and there is none. */
bool dec_need_bias(dec_build *b, const char *key, const mx_weight *w, const char *module,
                   int layer);

/* --- rotation (turns.c) ---------------------------------------------------------------------- */

/* Of `rotated` features of a head of `dim`, for layers of this sight. */
bool dec_rope(dec_build *b, dec_sight sight, int rotated, mx_rotation *out);

/* --- parts (describe.c) ---------------------------------------------------------------------- */

bool dec_describe(dec_build *b);

/* --- attention (attention.c) ----------------------------------------------------------------- */

dec_sight dec_sees(dec_build *b, int n);
bool dec_attention(dec_build *b, int n, mx_layer *l);
/* Latent rows: deepseek. */
bool dec_latent(dec_build *b, int n, mx_layer *l);

/* --- feed-forward parts (feed.c) ------------------------------------------------------------- */

bool dec_activation(dec_build *b, mx_activation *out);
bool dec_feed(dec_build *b, int n, mx_feed *f);

/* --- what some families have (recurrences.c, experts.c, particular.c) ------------------------ */

bool dec_mamba2(dec_build *b, int n, mx_layer *l);
bool dec_delta_or_attention(dec_build *b, int n, mx_layer *l);
bool dec_conv_or_attention(dec_build *b, int n, mx_layer *l);
bool dec_experts(dec_build *b, int n, mx_experts *e); /* of every family */
bool dec_deepseek_experts(dec_build *b, int n, mx_experts *e);
bool dec_qwen_experts(dec_build *b, int n, mx_experts *e);
bool dec_gpt_oss_experts(dec_build *b, int n, mx_experts *e);
bool dec_granite(dec_build *b, int n);
bool dec_exaone4(dec_build *b, int n);
bool dec_ernie4_5(dec_build *b, int n);
bool dec_glm4_moe(dec_build *b, int n);
bool dec_seed_oss(dec_build *b, int n);
bool dec_smollm3(dec_build *b, int n);
bool dec_cohere2(dec_build *b, int n);
bool dec_gpt2(dec_build *b, int n);
bool dec_bert(dec_build *b, int n);
bool dec_nomic(dec_build *b, int n);

/* --- what the rows of encoders become (tails.c) ----------------------------------------------- */

bool dec_tails(dec_build *b);

/* --- what is predicted further on (ahead.c) --------------------------------------------------- */

/* Fills d->ahead where the model has such a layer; `layer` describes it. */
typedef bool dec_describe_layer(dec_build *b, int n, mx_layer *l);
bool dec_ahead(dec_build *b, dec_describe_layer *layer);

/* --- what GGUF makes of it (meaning.c) ------------------------------------------------------- */

/* Replaces the config of a folder's model by that of a GGUF file made of it, and the family by the
   one that the file is recognised as. False and an error: GGUF has no words for it. */
bool dec_read_as_gguf(dec_build *b);
/* What two descriptions of the same tensors differ in; NULL: in nothing. */
const char *dec_difference(const mx_decoder *x, const mx_decoder *y);

/* --- sizes (sizes.c) ------------------------------------------------------------------------- */

/* Does everything have the sizes that the rest of the description says? Machines rely on it. */
bool dec_check_sizes(dec_build *b);

#endif
