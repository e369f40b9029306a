/* Model files as commands look at them. */
#ifndef CLI_MODEL_H
#define CLI_MODEL_H

#include "cli.h"

/* Open the file or folder that an argument names; "org/model" where there is no such path: what the
   cache of the hub has of that model. CLI_OK, or what the command returns, after the reason was
   said. */
int cli_open(cli_call *c, mlx_file *f, const char *path);
/* The path that an argument stands for, by the same rule; for free. CLI_OK, or what the command
   returns, after the reason was said; *path is NULL then. */
int cli_find(cli_call *c, char **path, const char *argument);
/* All that a stream has, for free, *n bytes and a zero. NULL: no memory, or it cannot be read. */
char *cli_take(FILE *f, size_t *n);
/* All of a file, or of stdin ("-"), likewise. NULL: the reason was said, with the file's name. */
char *cli_take_file(cli_call *c, const char *path, size_t *n);
/* The JSON of a file, which has no key twice, for json_decref. NULL: likewise. */
json_t *cli_json_file(cli_call *c, const char *path);
/* Of all tensors. */
uint64_t cli_tensor_bytes(mlx_file f);
/* "float32"; of what is no dtype "". */
const char *cli_dtype_name(mlx_dtype dtype);
bool cli_is_float(mlx_dtype dtype);

/* --- metadata --------------------------------------------------------------------------------- */

/* A list of {key, kind, count, value}; lists have `most` values at most (0: all). NULL: the library
   failed. */
json_t *cli_metadata(mlx_file f, size_t most);
/* The text at a key, for free; NULL: there is none. */
char *cli_metadata_text(mlx_file f, const char *key);
/* The file `name` of a model's folder, as JSON (config.json); NULL: there is none that is JSON.
   why->text says what is wrong with one that is there, else it is "". */
json_t *cli_beside(mlx_file f, const char *name, json_error_t *why);

/* --- values ----------------------------------------------------------------------------------- */

/* The first `most` elements (0: all) as numbers, truths, or [re, im]; NULL: the library failed. */
json_t *cli_json_values(mlx_array a, size_t most);
/* nested as the array is */
json_t *cli_json_nested(mlx_array a);

/* Elements as float64, piece by piece, in row-major order; of complex numbers both parts. */
typedef struct cli_reader {
    mlx_array whole, piece; /* whole: evaluated, dense */
    mlx_dtype dtype;
    size_t size, done;
} cli_reader;

/* Evaluates. Functions return 0, or 1 where the library failed. */
int cli_reader_open(cli_reader *r, mlx_array a);
/* The next n values, valid until the next call; *n 0: the end. */
int cli_reader_next(cli_reader *r, const double **values, size_t *n);
void cli_reader_close(cli_reader *r);

/* Bytes of an evaluated, dense array. */
const void *cli_data(mlx_array a);

/* --- copying ---------------------------------------------------------------------------------- */

/* All of a model into files of `format` (NULL: by the path), tensor by tensor, most bytes in one
   file (0: all). CLI_OK or what the command returns. */
int cli_copy(cli_call *c, mlx_file from, const char *to, const char *format, uint64_t most);
/* What else is in a model's folder (config.json, the tokenizer, folders of modules that have a
   config.json of their own) into another one. Only asks whether that may be, or does it: what is
   there and differs is replaced under --overwrite alone. Likewise. */
int cli_check_beside(cli_call *c, mlx_file f, const char *folder, const char *to);
int cli_copy_beside(cli_call *c, mlx_file f, const char *folder, const char *to);

/* Files beside `path` that are the same model in another number of parts: "m.safetensors", its index,
   "m-00001-of-00003.safetensors". Who opens the folder might take one of them. CLI_OK, or what `does`
   returned. */
typedef int cli_form_fn(cli_call *c, mlx_file f, const char *path);
int cli_other_forms(cli_call *c, mlx_file f, const char *path, const char *format, int64_t parts,
                    cli_form_fn *does);

/* What --mode is completed by, "a|b": those of mx.quantize that can be made, and the mixtures. */
extern const char cli_modes[];

/* --- checksums -------------------------------------------------------------------------------- */

/* SHA-256 of a file as 64 hexadecimal digits. CLI_OK or what the command returns. p: a bar of bytes
   that goes on with it. */
int cli_sha256_file(cli_call *c, char hex[65], const char *path, cli_progress *p);

#endif
