/* An open model: the tensors of its files, each with its place in a family.
 *
 *     file, folder ──▶ archive     tensors under the files' names
 *                  ──▶ config      config.json, or what GGUF's metadata says in its words
 *                  ──▶ tensor      modules: words, scales and biases are one of these
 *
 * A model without a family is its tensors under their names, each as it lies.
 */
#ifndef MX_MODELS_MODEL_H
#define MX_MODELS_MODEL_H

#include "models/config.h"
#include "models/convert/elements.h"

typedef struct mx_model_tensor {
    const char *name; /* of the archive: of the words, where there are such */
    mx_place place;   /* row NULL: none of the family, or there is no family */
    mx_elements held;
    mx_shape shape;  /* of elements */
    int64_t part[3]; /* numbers in the archive; -1: none */
    bool dropped;    /* it is to be left out */
    bool beside;     /* a part of a module that others have packed, which is told by itself */
    bool unknown;    /* it looks like words of mx.quantize, and nothing says of which format */
    const struct mx_packing
        *packing;   /* how others have packed it (packed/packed.h); NULL: they have not */
    json_t *own;    /* what config.json says of it alone then (packed/dynamic.h), or NULL */
    mx_dtype usual; /* of its numbers then */
} mx_model_tensor;

typedef struct mx_model {
    mx_archive *archive;
    mx_archive *side; /* metadata.gguf of a folder, or NULL */
    const mx_family *family;
    bool is_gguf;         /* names are GGUF's */
    const char *label;    /* of the archive, for messages */
    char *folder;         /* in which config.json is; NULL: there is none */
    json_t *config;       /* NULL: without a family */
    json_t *quantization; /* what config.json, or MX_QUANTIZATION_KEY, says of it; NULL: nothing */
    const char *method;   /* quant_method of config.json (packed/packed.h); NULL: none */
    mx_dims dims;
    int ahead; /* layers behind the last, which predict more tokens than the next */
    mx_model_tensor *tensor;
    size_t count;
    mx_map at; /* key of a place (mx_model_key) -> number + 1 */
} mx_model;

/* What safetensors files without a config.json have in their metadata: what its "quantization" would
   be. */
#define MX_QUANTIZATION_KEY "mlx.quantization"

/* family: NULL as it is recognised, "none" for none. map: arrays are pages of the files.
   mx_model_close in any case. */
bool mx_model_open(mx_model *m, const char *path, const char *family, bool map);
/* Its family alone. */
bool mx_model_recognise(mx_model *m, const char *path);
void mx_model_close(mx_model *m);
/* The tensor of a place whose name has the expert or not; NULL: there is none. */
const mx_model_tensor *mx_model_find(const mx_model *m, const mx_tensor_row *row, int layer,
                                     int expert, const char *part);
/* With a family: is every tensor that is not dropped one of its rows, are all rows there, and of
   their shapes? */
bool mx_model_check(const mx_model *m);
/* Marks what predicts more tokens than the next to be left out, but for the first layer of it
   where it is kept. */
void mx_model_leave_out(mx_model *m, bool keeps_first);
/* Puts into `config` what a GGUF file has no keys for, as its tensors tell it (side/told.c). */
bool mx_model_tell(const mx_model *m, json_t *config);
/* The arrays of a tensor: as they lie, or their values. */
bool mx_model_read(const mx_model *m, const mx_model_tensor *t, bool stored, mx_parts *out);
/* Are rows of it read by themselves? Then the arrays of those from first to last. */
bool mx_model_has_rows(const mx_model *m, const mx_model_tensor *t);
bool mx_model_read_rows(const mx_model *m, const mx_model_tensor *t, bool stored, int first,
                        int last, mx_parts *out);
/* How its names are written in the files it came from. */
static inline mx_naming mx_model_naming(const mx_model *m) {
    return m->is_gguf ? MX_NAMED_GGUF : MX_NAMED_HF;
}

#endif
