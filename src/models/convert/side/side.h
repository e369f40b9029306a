/* What stands beside tensors: metadata, config.json, tokenizers.
 *
 *     GGUF ─▶ folder    config.json, tokenizer files (tokens.h), and metadata.gguf: all of the
 *                       metadata with its types, and the tensors that only GGUF has. On the way
 *                       back it is the metadata again, but where config.json says something else
 *                       now
 *     folder ─▶ GGUF    keys by the family's rows and tokens; and the files themselves, so that
 *                       they come back as they were:
 *                           tokenizer.huggingface.json    tokenizer.json, a specified key
 *                           mlx.file.<name>               the others
 *                           mlx.widened.<dtype>           tensors that the format made float32
 *     folder ─▶ folder  the files as they are, config.json with what is quantized now
 */
#ifndef MX_MODELS_SIDE_H
#define MX_MODELS_SIDE_H

#include "models/convert/convert.h"

/* Files of a model that are not weights, from the best known on; NULL behind the last. */
extern const char *const mx_side_names[];
/* The key under which a GGUF file keeps a file. */
const char *mx_side_key(const char *name, char *room, size_t n);

/* A file of a folder, whole, for mx_free; *n bytes and a zero behind them. NULL: there is none, or
   with an error recorded, it cannot be read. */
char *mx_side_read(const char *folder, const char *name, size_t *n);
bool mx_side_write(const char *folder, const char *name, const char *bytes, size_t n);

/* The base of the output's metadata: the source's own, or that which its folder kept. NULL: there
   is neither. */
const mx_archive *mx_side_base(const mx_model *m);
/* Adds the base's values, but those of splitting; file type only where no elements changed. */
bool mx_side_copy(const mx_conversion *p, mx_map *meta);
/* What config.json's "quantization" is to say; NULL: nothing is quantized, or with an error, there is
   no memory. For json_decref. */
json_t *mx_side_quantization(const mx_conversion *p);
/* general.file_type of the outputs. */
int mx_side_file_type(const mx_conversion *p);

#endif
