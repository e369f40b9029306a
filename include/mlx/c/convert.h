/* Conversion of model files, and what family a model is of.
 *
 *     mlx_convert_options o = mlx_convert_options_default();
 *     o.mode = "q4_k_m";
 *     mlx_convert("models/SmolLM2-135M", "smollm2.gguf", &o, NULL, NULL);
 *
 * In any direction between
 *
 *     a folder as Hugging Face has it     config.json, safetensors or PyTorch's files in shards
 *     a folder as MLX has it              the same with "quantization" in config.json
 *     GGUF                                one file, or several
 *     plain files of tensors              safetensors, npz, npy, PyTorch: names are kept
 *
 * Names, orders of rows, norms, metadata and tokenizers follow the conventions of the model's
 * family (docs/models.md has the list). One tensor is in memory at a time. The output appears whole
 * or not at all; a folder is made beside its place and moved there.
 *
 * None of this is in mlx-c.
 */
#ifndef MLX_C_CONVERT_H
#define MLX_C_CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mlx/c/file.h"
#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All members may be zero. Texts are borrowed for the call. */
typedef struct mlx_convert_options_ {
    /* "gguf", "safetensors", "npz", "mlx" or "hf" (folders). NULL: by the ending of the output's
       name; without one that is known a folder as MLX has it. */
    const char *format;
    /* NULL: as config.json or the metadata say. "none": names are kept. */
    const char *family;
    /* What matrices become: a mode of mlx_quantize ("affine", "mxfp4", "nvfp4", "q8_0", "q4_k" ...),
       or a mixture ("q4_k_m"). NULL: they stay as they are. */
    const char *mode;
    int bits;       /* of affine; 0: 4 */
    int group_size; /* of affine; 0: 64 */
    /* Quantized matrices become real numbers: float16, or `dtype`. */
    bool dequantize;
    /* "float32", "float16", "bfloat16": what plain real numbers become. NULL: they stay. */
    const char *dtype;
    /* "NAME=WHAT", the first that fits counts. NAME: a name in any convention, with or without
       ".weight"; * and ? stand for any characters. WHAT: a dtype, a mode ("q6_k", "affine:8:64":
       bits, group size), "keep" or "drop". */
    const char *const *rules;
    size_t rule_count;
    /* The most of tensors in one file; more begin another one. 0: 5 GiB in folders, else one
       file. */
    uint64_t most_bytes;
    /* A file that is there may be replaced. Folders are always new. */
    bool overwrite;
} mlx_convert_options;

typedef struct mlx_convert_progress_ {
    const char *tensor; /* what was just written; NULL before the first */
    size_t done, count; /* tensors */
    uint64_t bytes_done, bytes;
    /* Something that was done in another way than one might expect, about `tensor`. NULL: this is
       progress. */
    const char *note;
    /* With mlx_fuse's note about it: which part of the adapter's change rounding undid; else 0. */
    double lost;
} mlx_convert_progress;

/* Called after each tensor; not 0: stop. */
typedef int (*mlx_convert_callback)(const mlx_convert_progress *progress, void *payload);

/* The options with all members zero, for mlx_convert. */
MLX_API mlx_convert_options mlx_convert_options_default(void);
/* Convert `file`, a file, a folder, or the first part of a model, to `out`. options and progress
   may be NULL. Errors: a file that cannot be read or written, a family that is not known, tensors
   that are missing or have other shapes than the family says, what the output's format has no word
   for, an output that exists, no space, and that it was stopped. Each leaves everything as it
   was. */
MLX_API int mlx_convert(const char *file, const char *out, const mlx_convert_options *options,
                        mlx_convert_callback progress, void *payload);
/* The name of the family of a model, "llama"; "" where it is of none that is known. Errors: it
   cannot be read. */
MLX_API int mlx_convert_family(mlx_string *res, const char *file);
/* The tensors of a model as a file of no parts (file.h): of any convention and however they are
   stored, they have Hugging Face's names and orders and are read as float32, one at a time. A model
   of no family keeps its names. Errors: it cannot be read, or is not what its family says. */
MLX_API int mlx_convert_open(mlx_file *res, const char *file);

#ifdef __cplusplus
}
#endif

#endif
