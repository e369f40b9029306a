/* What a language model computes, as data, and its weights.
 *
 *     config, family ──▶ mx_decoder      numbers of the whole model
 *     tensors        ──▶ .layer[i]       what layer i is made of: a mixer (attention,
 *                                        recurrence), a feed-forward part, norms; each with
 *                                        its matrices
 *
 *     mx_walk (walk.h) reads this and calls a machine (machine.h), which computes.
 *
 * A part that a model does not have is zero. A decoder does not change once it is open: any threads
 * may read it. Weights are pages of the mapped files, as they lie there.
 */
#ifndef MX_MODELS_DECODER_H
#define MX_MODELS_DECODER_H

#include "graph/array/array.h"
#include "kernels/blocks/blocks.h"
#include "kernels/quant/k_quant.h"
#include "models/convert/side/pooling.h"
#include "models/family.h"

/* --- matrices --------------------------------------------------------------------------------- */

/* How the elements of a matrix lie. */
typedef enum mx_weight_kind {
    MX_WEIGHT_NONE,
    MX_WEIGHT_DENSE,  /* float32, float16, bfloat16 */
    MX_WEIGHT_AFFINE, /* words, scales and biases; fp modes (mxfp4, nvfp4, mxfp8) without biases */
    MX_WEIGHT_BLOCKS  /* blocks of GGUF: uint8 */
} mx_weight_kind;

/* A matrix (out, in), y = x W' + bias; of experts: a stack (experts, out, in) of them. */
typedef struct mx_weight {
    mx_weight_kind kind;
    mx_quant_mode mode;           /* of MX_WEIGHT_AFFINE, as */
    int bits, group;              /* these */
    const mx_block_format *block; /* of MX_WEIGHT_BLOCKS */
    float factor;                 /* of all elements; 0: 1 */
    bool repacked;                /* the file has it as another packer has */
    int64_t experts;              /* 0: no stack */
    int64_t out, in;
    mx_array *words;           /* available, in row order */
    mx_array *scales, *biases; /* NULL where the kind has none */
    mx_array *bias;            /* (out) or (experts, out), float32; NULL: none */
    /* y += change * (x down') up': a low-rank change, before the bias. NULL: none */
    mx_array *down, *up; /* (rank, in), (out, rank), float32; of a stack (experts, ...) */
    float change;
    /* While it is learned (graph alone): of x into the change elements are zero with this
       probability, drawn by a key, and the others are divided by the rest (Srivastava et al. 2014).
       NULL: none */
    mx_array *drop;
    float dropout;
    mx_array *gain; /* (out): y *= gain, before the bias; NULL: ones */
    /* What it is called, and its first row there. NULL: it is made of rows here and there */
    const mx_tensor_row *row;
    int64_t first;
} mx_weight;

/* --- norms ------------------------------------------------------------------------------------ */

typedef enum mx_norm_kind { MX_NORM_NONE, MX_NORM_RMS, MX_NORM_LAYER } mx_norm_kind;

typedef struct mx_norm {
    mx_norm_kind kind;
    float eps;
    mx_array *weight; /* float32, 1 already added where the family does so; NULL: ones */
    mx_array *bias;   /* NULL: none */
    const mx_tensor_row *row;
} mx_norm;

/* --- attention -------------------------------------------------------------------------------- */

/* Pairs (i, i + rotated/2) or, where they are adjacent, (2i, 2i+1), turn by position *
   frequency[i]. */
typedef struct mx_rotation {
    int rotated; /* features of a head that turn, the first ones; 0: none */
    bool adjacent;
    const float *frequency; /* rotated / 2 radians a position: all scalings are in them */
    const float *far;       /* those beyond `near_context` positions (longrope); NULL: the same */
    int64_t near_context;
    float magnitude; /* of the turned features (yarn, longrope); 1 else */
    float far_magnitude;
} mx_rotation;

typedef struct mx_attender {
    int heads, kv_heads;
    int dim, value_dim; /* of a head */
    /* queries, keys, values; one matrix that holds all three one after the other is split when it
       is read. gate: the output is multiplied by sigmoid of it (heads * value_dim); none. */
    mx_weight q, k, v, output, gate;
    mx_norm q_norm, k_norm; /* of each head, or of all together */
    bool norms_whole;       /* of all heads together (olmo2) */
    mx_rotation rope;
    /* a query sees so many keys, itself among them; in encoders those less than that away on both
       sides; 0: all */
    int64_t window;
    float scale;     /* of the scores */
    float softcap;   /* cap * tanh(score / cap); 0: none */
    mx_array *sinks; /* (heads) float32: scores of a key without value; NULL: none */
    /* Multi-head latent attention: rank > 0. q is q_down, q_norm, q (or q alone); keys and values
       come from a latent row of `rank` and `rotated` features that all heads share:
       kv_down (rank + rope.rotated, h), latent_norm (rank), kv_up (heads * (dim - rotated +
       value_dim), rank). The last `rotated` features of a head turn, not the first. */
    int rank;
    mx_weight q_down, kv_down, kv_up;
    mx_norm latent_norm;
    bool causal; /* false in encoders */
} mx_attender;

/* --- what stands in attention's place --------------------------------------------------------- */

typedef enum mx_mixer_kind {
    MX_MIXER_ATTENTION,
    MX_MIXER_MAMBA2,      /* Dao and Gu 2024 */
    MX_MIXER_GATED_DELTA, /* Yang et al. 2024; as in Qwen3-Next */
    MX_MIXER_SHORT_CONV   /* gated convolution over some positions (LFM2) */
} mx_mixer_kind;

typedef struct mx_recurrence {
    int heads, groups;             /* of values; of keys (mamba2: of B and C) */
    int key_dim, value_dim;        /* of a head (mamba2: state, head) */
    int width;                     /* positions that the convolution sees */
    mx_weight in, in_more, output; /* in_more: of Qwen3-Next, b and a; none else */
    mx_array *conv, *conv_bias;    /* (channels, width), (channels) float32 */
    mx_array *a_log, *dt_bias, *d; /* (heads) float32 */
    mx_norm norm;                  /* of what comes out, gated */
    int norm_groups;
    bool gate_after_norm;
    float dt_least, dt_most;
} mx_recurrence;

/* --- feed-forward parts ----------------------------------------------------------------------- */

typedef enum mx_activation {
    MX_ACT_SILU,
    MX_ACT_GELU, /* by erf */
    MX_ACT_GELU_TANH,
    MX_ACT_RELU,
    MX_ACT_RELU2,
    MX_ACT_CLAMPED_SWIGLU /* gpt-oss: (up + 1) gate sigmoid(1.702 gate), clamped at 7 */
} mx_activation;

/* down(act(gate x) * up x), or without a gate down(act(up x)). */
typedef struct mx_feed {
    mx_activation act;
    mx_weight gate, up, down;
} mx_feed;

typedef enum mx_route { MX_ROUTE_SOFTMAX, MX_ROUTE_SIGMOID } mx_route;

/* Some experts for each token. */
typedef struct mx_experts {
    int count, used;
    mx_weight router; /* (experts, h) */
    bool bare_router; /* it is no matrix to mlx_lm, but a part of its own kind */
    mx_route route;
    bool after_choice;       /* softmax over those that were chosen, not before */
    bool normalized;         /* weights of the chosen are divided by their sum */
    mx_array *choice_bias;   /* (experts) added for the choice alone; NULL: none */
    int groups, used_groups; /* of deepseek: the best groups are chosen first; 0: none */
    float scale;             /* of the weights; 1 */
    mx_feed feed;            /* stacks */
    mx_feed shared;          /* for every token; none: down.kind is NONE */
    mx_weight shared_gate;   /* (1, h): sigmoid of it scales the shared; none */
} mx_experts;

/* --- a model ---------------------------------------------------------------------------------- */

typedef struct mx_layer {
    mx_mixer_kind mixer;
    mx_attender attention;
    mx_recurrence recurrence;
    mx_feed feed;       /* dense; down.kind NONE: there is none */
    mx_experts experts; /* count 0: none */
    /*  x += scale * after_mixer(mixer(before_mixer(x)));
     *  x += scale * after_feed(feed(before_feed(x)))
     *  parallel: both read x, and their sum is added (cohere2: of one norm) */
    mx_norm before_mixer, after_mixer, before_feed, after_feed;
    bool parallel;
} mx_layer;

/* --- behind an encoder ------------------------------------------------------------------------ */

typedef enum mx_bend { MX_BEND_NONE, MX_BEND_TANH, MX_BEND_RELU, MX_BEND_GELU } mx_bend;

/* x -> norm(bend(weight x + bias)) */
typedef struct mx_stage {
    int64_t in, out;
    mx_array *weight, *bias; /* (out, in), (out) float32; bias NULL: none */
    mx_bend bend;
    mx_norm norm;
} mx_stage;

/* What the rows of a text become: a row for each pooling, one behind the other, through stages. */
enum { MX_TAIL_STAGES = MX_MOST_DENSE };
typedef struct mx_tail {
    mx_pooling pooling[MX_MOST_POOLINGS];
    int poolings; /* 0: the model has no such tail */
    mx_stage stage[MX_TAIL_STAGES];
    int stages;
    int64_t out; /* numbers that it makes */
} mx_tail;

/* x = both [token(x), hidden(h)]: what a model's head reads that predicts the token behind the next
   one: a token, and the hidden row that it was picked from. */
typedef struct mx_join {
    mx_norm token, hidden;
    mx_weight both; /* (h, 2 h); none: x stays */
} mx_join;

typedef struct mx_decoder {
    const mx_family *family;
    char *name; /* of the file or folder */
    int64_t hidden, vocabulary, context, layers;
    mx_layer *layer;
    mx_weight embedding; /* (vocabulary, h) */
    mx_weight positions; /* (context, h): learned; none */
    mx_weight types;     /* (t, h) of encoders; none */
    mx_norm embedding_norm, final_norm;
    mx_weight head;                                     /* the embedding's arrays where tied */
    float embedding_scale, residual_scale, logit_scale; /* 1 */
    float logit_softcap;                                /* 0: none */
    bool encoder;                                       /* sees both sides; no head */
    bool norms_after;           /* encoders: x = norm(x + part(x)), the norms being after_* */
    bool gguf;                  /* rows of heads that turn lie as in GGUF files */
    mx_tail vector, score;      /* a text's vector; numbers of its classes */
    int64_t most;               /* tokens of a text that becomes one: the rest is cut off */
    bool lower;                 /* which is made lower case before */
    uint64_t bytes, parameters; /* of all weights */
    void *held;                 /* what the weights lie in, let go with the last reference */
    int references;             /* atomic */
    /* A model of one layer with the same embedding and head, whose rows begin with a join: from
       token i and the hidden row of token i - 1 it predicts token i + 1. It lives as long as this
       one does, and a reference of it is one of this; NULL: none. Of itself `owner` is this. */
    struct mx_decoder *ahead, *owner;
    mx_join join;
    bool normed_ahead; /* hidden rows for `ahead` are those behind the final norm */
} mx_decoder;

/* The matrices and stacks of a layer that a low-rank change may be added to, at most
   MX_LAYER_MATRICES; how many. Nothing that is made of rows here and there. */
enum { MX_LAYER_MATRICES = 21 };
int mx_layer_matrices(mx_layer *l, mx_weight **out);
/* Its norms, at most MX_LAYER_NORMS. */
enum { MX_LAYER_NORMS = 8 };
int mx_layer_norms(mx_layer *l, mx_norm **out);

/* A model that is a GGUF file, or a folder as Hugging Face or MLX has them; one reference. NULL
   and an error: it cannot be read, its family is not known, or it asks for what is not understood,
   which is named. */
mx_decoder *mx_decoder_open(const char *path);
/* Is everything that config.json says of it understood, and has GGUF a word for it? No numbers are
   read or computed. False and an error that names the key: something is not. What is wrong in
   another way, and a family that cannot be run, is not asked about: true. family: NULL as it is
   recognised. */
bool mx_decoder_understands(const char *path, const char *family);
mx_decoder *mx_decoder_retain(mx_decoder *d);
/* One with the same weights, which it holds; its layers may be changed until others have it. */
mx_decoder *mx_decoder_derive(mx_decoder *d);
/* Keeps an array that its layers have until it goes; returns a. */
mx_array *mx_decoder_keep(mx_decoder *d, mx_array *a);
void mx_decoder_release(mx_decoder *d); /* NULL is fine */
/* Are its weights what their files had? False and an error where one was cut short while it was
   mapped (base/guard.h). */
bool mx_decoder_is_whole(const mx_decoder *d);
/* Moves a piece of its weights to large pages (base/memory/large.h), until all are there: one call,
   one piece, some milliseconds. From any thread. */
void mx_decoder_settle(mx_decoder *d);

#endif
