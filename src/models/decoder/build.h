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

#include "models/convert/model.h"
#include "models/decoder/decoder.h"

/* What a decoder's parts lie in. */
typedef struct dec_held {
    mx_array **array; /* one reference of each */
    size_t arrays, array_room;
    void **block; /* for mx_free */
    size_t blocks, block_room;
} dec_held;

typedef struct dec_trait dec_trait;

typedef struct dec_build {
    mx_model model;
    const char *name; /* of messages: the file, or the folder */
    mx_decoder *d;
    dec_held *held;
    const dec_trait *trait;
    mx_map asked;   /* keys of config.json */
    json_t *values; /* what was answered: an array that holds it */
} dec_build;

/* What kind of tokens a layer's attention sees. */
typedef enum dec_sight { DEC_ALL, DEC_WINDOW } dec_sight;

/* Beyond what config and tensors say. */
struct dec_trait {
    const char *family;
    mx_norm_kind norm;   /* of hidden rows; 0: rms */
    bool root_embedding; /* the embedding is multiplied by sqrt(h) */
    bool adjacent;       /* pairs of the rotation lie side by side, in every format */
    const char *context; /* key: the most positions; NULL: max_position_embeddings */
    /* key: each so many-th layer sees all, the others a window. NULL: all see the same */
    const char *period;
    int every;               /* the same, of all models of the family */
    bool may_window;         /* sliding_window counts where it is a number */
    const char *local_theta; /* key: theta of layers with a window; NULL: one theta */
    bool scalar;             /* scores are divided by the root of query_pre_attn_scalar */
    /* What remains of layer n, or of the whole (n = -1); NULL: nothing. */
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
/* Error unless it is there. */
bool dec_need(dec_build *b, const mx_weight *w, const char *module, int layer);

/* --- rotation (turns.c) ---------------------------------------------------------------------- */

/* Of `rotated` features of a head of `dim`, for layers of this sight. */
bool dec_rope(dec_build *b, dec_sight sight, int rotated, mx_rotation *out);

/* --- parts (describe.c) ---------------------------------------------------------------------- */

bool dec_describe(dec_build *b);
dec_sight dec_sees(dec_build *b, int n);

#endif
