/* Fine-tuning of language models, and its results made part of the weights.
 *
 *     mlx_train_options o = mlx_train_options_default();
 *     o.iters = 600;
 *     o.adapter_path = "adapters";
 *     mlx_train_open(&train, "models/SmolLM2-135M", "data", &o);
 *     mlx_train_run(&stopped, train, print_progress, NULL);
 *     mlx_fuse("models/SmolLM2-135M", "adapters", "fused.gguf", NULL, NULL, NULL);
 *
 * Low-rank changes of matrices are learned (LoRA, Hu et al. 2021; DoRA, Liu et al. 2024), while the
 * weights, quantized ones too, stay as they are; or in models of plain numbers whole layers. Names
 * and meanings are those of mlx_lm.lora, and adapters are files in its layout.
 *
 * Data are a folder with train.jsonl, valid.jsonl and test.jsonl, of which each line is an object:
 * {"text": ..}, {"prompt": .., "completion": ..} or {"messages": [..], "tools": [..]}.
 *
 * What an iteration computes follows from the options and its number alone. Training that goes on
 * from the state in an adapter's folder learns, bit for bit, what it would have learned without the
 * pause. One thread at a time uses an mlx_train. None of this is in mlx-c.
 */
#ifndef MLX_C_TRAIN_H
#define MLX_C_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mlx/c/convert.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_train_ {
    void *ctx;
} mlx_train;

/* Texts are borrowed for the call. In brackets what mlx_train_options_default says. */
typedef struct mlx_train_options_ {
    const char *fine_tune_type; /* "lora", "dora", "full" or "scales" (lora) */
    int num_layers;             /* the last so many are trained; -1: all; (0: 16, or all) */
    int rank;                   /* of low-rank changes (8) */
    double scale, dropout;      /* of them (20, 0) */
    const char *const *keys;    /* matrices of a layer, "self_attn.q_proj" (NULL: all of them) */
    size_t key_num;
    const char *optimizer; /* "adam", "adamw", "sgd", "lion" or "muon" (adam) */
    double learning_rate;  /* (1e-5) */
    double weight_decay;   /* of adamw, sgd, lion, muon (0.01; of sgd 0 is usual) */
    double beta1, beta2;   /* of adam, adamw, lion (0.9, 0.999) */
    double epsilon;        /* of adam, adamw (1e-8) */
    double momentum;       /* of sgd, muon (0.95; of sgd 0 is usual) */
    bool bias_correction;  /* of adam, adamw (false) */
    const char *schedule;  /* "constant", "cosine_decay" or "linear_schedule" (constant) */
    double end_rate;       /* where cosine_decay and linear_schedule end (0) */
    double warmup_rate;    /* where the learning rate rises from in `warmup` updates (0) */
    int warmup;            /* (0: none) */
    int decay_steps;       /* updates until end_rate (0: all that are left behind the warmup) */
    double clip_norm;      /* the most that all gradients together are long (0: any length) */
    int batch_size;        /* examples of an iteration (4) */
    int iters;             /* iterations in all (1000) */
    int accumulate;        /* iterations whose gradients make one update (1) */
    int max_tokens;        /* of an example: the rest is cut off (2048) */
    bool mask_prompt;      /* only the last answer is learned (false) */
    bool pack;        /* batches have as many examples as batch_size * max_tokens hold (false) */
    bool checkpoint;  /* layers are computed again for their gradients: less memory (false) */
    uint64_t seed;    /* of everything that is drawn (0) */
    int report_every; /* iterations (10) */
    int eval_every;   /* iterations between losses of valid.jsonl (200) */
    int save_every;   /* iterations (100) */
    int val_batches;  /* of valid.jsonl; -1: all (25) */
    int test_batches; /* of test.jsonl; -1: all (500) */
    const char *adapter_path; /* the folder for adapter and state, made if needed (NULL: none) */
    const char *adapter_file; /* what training begins with (NULL: a change of nothing) */
    bool resume;              /* go on from the state in adapter_path (false) */
} mlx_train_options;

typedef enum mlx_train_kind_ {
    MLX_TRAIN_STEP,      /* an iteration, or a batch of an evaluation, was done */
    MLX_TRAIN_REPORT,    /* numbers of the iterations since the last report */
    MLX_TRAIN_EVALUATED, /* the loss of valid.jsonl */
    MLX_TRAIN_SAVED,     /* adapter and state are in the folder that `text` names */
    MLX_TRAIN_NOTE       /* something the user should know: `text` */
} mlx_train_kind;

typedef struct mlx_train_event_ {
    mlx_train_kind kind;
    int64_t iteration;    /* that were done */
    double loss;          /* of a report: the mean of its iterations; of an evaluation */
    double learning_rate; /* of a report: the last one */
    double iterations_per_second, tokens_per_second; /* of a report: tokens that were learned */
    int64_t tokens;                                  /* that were learned since the beginning */
    uint64_t peak_bytes;                             /* of a report: most memory of arrays */
    double seconds;                                  /* of a report, an evaluation */
    const char *text;                                /* or NULL; borrowed */
} mlx_train_event;

/* Not 0: stop. */
typedef int (*mlx_train_callback)(const mlx_train_event *event, void *payload);

/* The usual options of a training. */
MLX_API mlx_train_options mlx_train_options_default(void);
/* A handle of no training. */
MLX_API mlx_train mlx_train_new(void);
/* A model (a GGUF file, or a folder) that is to be trained with the data of a folder; data NULL:
   none are read. options NULL: the usual ones. Errors: files that cannot be read (of data with the
   line), options outside their range, keys that the model does not have, full training of quantized
   weights, an adapter of other shapes, a state that was made with other options. */
MLX_API int mlx_train_open(mlx_train *res, const char *file, const char *data,
                           const mlx_train_options *options);
/* Let go of it. */
MLX_API int mlx_train_free(mlx_train train);

typedef struct mlx_train_info_ {
    uint64_t trained, parameters; /* numbers that change; of the model */
    int64_t layers;               /* that are trained */
    int64_t train, valid, test;   /* examples */
    int64_t iteration;            /* that were done */
} mlx_train_info;
/* What a training is. */
MLX_API int mlx_train_about(mlx_train_info *info, const mlx_train train);

/* Train to the last iteration, and save. *stopped: the callback stopped it before, and what was
   learned until then is saved. callback may be NULL. Errors: a loss that is no number (of which the
   iteration is said), no memory, files that cannot be written: those that were written before are
   whole. */
MLX_API int mlx_train_run(bool *stopped, mlx_train train, mlx_train_callback callback,
                          void *payload);
/* The loss of test.jsonl. Errors: there is no test.jsonl; it was stopped. */
MLX_API int mlx_train_test(double *loss, mlx_train train, mlx_train_callback callback,
                           void *payload);
/* Save adapter and state in the adapter's folder now, each file whole or not at all. Errors: the
   files cannot be written, no folder was given. */
MLX_API int mlx_train_save(mlx_train train);

/* Convert a model (mlx_convert) with an adapter's change in its weights. What is quantized is
   quantized anew in the same way unless the options say otherwise: a last note says which part of
   the change is in the rounded weights (lost of mlx_convert_progress). Errors: those of
   mlx_convert, an adapter of another model. */
MLX_API int mlx_fuse(const char *file, const char *adapter, const char *out,
                     const mlx_convert_options *options, mlx_convert_callback progress,
                     void *payload);

#ifdef __cplusplus
}
#endif

#endif
