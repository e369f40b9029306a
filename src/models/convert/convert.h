/* Conversion of models.
 *
 *     mx_model ──▶ mx_conversion ──▶ writer
 *     what is there     what is to be: names, elements, what to do with which tensors
 *
 * The plan is made of names, shapes and scales alone. Then one tensor after the other is read,
 * computed and written, and let go.
 */
#ifndef MX_MODELS_CONVERT_H
#define MX_MODELS_CONVERT_H

#include "models/convert/model.h"

typedef struct mx_convert_progress {
    const char *tensor; /* just written; NULL with a note */
    size_t done, count;
    uint64_t bytes_done, bytes;
    const char *note; /* something the user should know; NULL: progress */
    double lost;      /* with a note: which part of a change rounding undid; else 0 */
} mx_convert_progress;

typedef struct mx_convert_options {
    const char *format; /* "gguf" "mlx" "hf" "safetensors" "npz"; NULL: by the name of the output */
    const char *family; /* NULL: as it is recognised; "none": names stay */
    const char *mode;   /* of quantization, or a mixture; NULL: none */
    int bits, group;    /* 0: the usual ones */
    bool dequantize;    /* to plain elements */
    const char *dtype;  /* of plain real elements; NULL: as they are */
    const char *const *rules; /* "GLOB=WHAT" */
    size_t rule_count;
    uint64_t most_bytes; /* in one file; 0: the format's usual */
    bool overwrite;      /* a file may be replaced */
    /* False: stop, with or without an error recorded. NULL: nobody asks. */
    bool (*progress)(void *payload, const mx_convert_progress *p);
    void *payload;
    /* Asked of a folder of a family before it becomes GGUF, which has no place for config.json.
       False and an error: that says what is not understood. NULL: nobody asks. */
    bool (*understands)(const char *path, const char *family);
    /* Does the part of a place get other numbers? And these, float32, of its numbers, rows and sums
       as the source has them. NULL: nothing does. */
    bool (*changes)(const void *changer, const mx_place *p);
    mx_array *(*change)(const void *changer, const mx_place *p, mx_array *values);
    /* In place of change: other scales and biases of words (MLX's affine), whose codes stay. */
    bool (*rescale)(const void *changer, const mx_place *p, mx_parts *parts);
    /* Numbers of a matrix before its change, as they should be, and as they are rounded. Not asked
       where nothing is rounded. NULL: nobody asks. */
    bool (*measure)(const void *changer, mx_array *before, mx_array *wanted, mx_array *made);
    const void *changer;
} mx_convert_options;

/* False and an error: nothing has changed. */
bool mx_convert(const char *in, const char *out, const mx_convert_options *o);
/* The family of a model; "": of none that is known. NULL and an error: it cannot be read. */
const char *mx_convert_family(const char *in);
/* The model as an archive without files: real numbers, float32, under Hugging Face's names. NULL
   and an error: it cannot be read, or lacks what its family has (view.c). */
mx_archive *mx_convert_view(const char *in);

/* --- choosing elements (choose.c) ------------------------------------------------------------ */

/* What the options say, read. */
typedef struct mx_choice {
    const mx_convert_options *o;
    mx_naming naming; /* of the output */
    bool keeps_names; /* there is no family */
    /* What is written, where that is neither GGUF nor npz; NULL: safetensors. */
    const mx_archive_output *output;
    const struct mx_mixture *mixture;
    bool quantizes;
    mx_elements mode; /* if it does */
    bool has_dtype;
    mx_elements dtype; /* of plain elements */
    bool folder;       /* is the output one, with the metadata beside it? */
    bool *fits;        /* a rule: does it name any tensor? */
} mx_choice;
/* mx_choice_free in any case. */
bool mx_choice_of(const mx_convert_options *o, mx_naming naming, bool keeps_names, mx_choice *out);
void mx_choice_free(mx_choice *c);
/* Remarks about rules that named nothing, once all was chosen; false: stop. */
bool mx_choice_note_rules(const mx_choice *c);
/* Marks what rules drop. */
void mx_choice_drop(const mx_choice *c, mx_model *m);

typedef struct mx_fused mx_fused;

/* One tensor of the output. */
typedef struct mx_output {
    mx_place place;        /* row NULL: the name is the source's */
    char *name;            /* of the module: without its part where there is a family */
    const char *part;      /* "weight"; NULL: the name is all */
    size_t *from;          /* numbers of the model's tensors: one, or a stack; for mx_free */
    size_t stack;          /* how many; 0: none of them, it is made (rope) */
    int slice;             /* of a stack that is read; -1: all */
    const mx_fused *fused; /* Hugging Face has it otherwise (fused.h); NULL: it has not */
    int pick;              /* which of its parts */
    mx_elements held, made;
    mx_shape shape;      /* of elements */
    const char *kept_as; /* "bfloat16": what it was, or is by its scales, before it was widened; or
                            NULL */
} mx_output;

/* Fills out->made. */
bool mx_choose(const mx_choice *c, const mx_model *m, mx_output *out);
/* A remark about an output; false: stop. */
bool mx_note(const mx_convert_options *o, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Remarks about tensors with which llama.cpp opens no GGUF file (side/told.c); false: stop. */
bool mx_model_note_told(const mx_model *m, const mx_convert_options *o);

/* --- the plan (plan.c) ----------------------------------------------------------------------- */

typedef struct mx_conversion {
    const mx_model *model;
    const mx_choice *choice;
    mx_output *output;
    size_t count, room;
    mx_map widened; /* what GGUF names were before they became float32: texts that nobody frees */
} mx_conversion;
/* mx_conversion_free in any case. */
bool mx_conversion_make(mx_conversion *p, const mx_model *m, const mx_choice *c);
void mx_conversion_free(mx_conversion *p);

/* --- arrays (value.c) ------------------------------------------------------------------------ */

bool mx_output_parts(const mx_conversion *p, const mx_output *o, mx_parts *out);
/* Do numbers lie otherwise in the output's convention: turned, in another shape, as -exp? */
bool mx_output_is_turned(const mx_conversion *p, const mx_output *o);
/* May its arrays be made some rows after the others? Then those of rows first to last. */
bool mx_output_has_rows(const mx_conversion *p, const mx_output *o);
bool mx_output_rows(const mx_conversion *p, const mx_output *o, int first, int last, mx_parts *out);
/* Are its bytes those of one tensor of the source? */
bool mx_output_is_copy(const mx_conversion *p, const mx_output *o);
/* How many arrays it is, and of each its full name (mx_free), and storage and shape as they are
   declared to a writer. */
int mx_output_part_count(const mx_output *o);
typedef struct mx_output_part {
    char *name;
    const char *storage;
    mx_shape shape;
} mx_output_part;
bool mx_output_part_of(const mx_conversion *p, const mx_output *o, int i, mx_output_part *out);

/* --- what goes beside tensors (side/) ------------------------------------------------------- */

/* GGUF's metadata of the output. */
bool mx_side_metadata(const mx_conversion *p, mx_map *meta);
/* The other files of a folder: config.json, tokenizers, metadata.gguf. */
bool mx_side_files(const mx_conversion *p, const char *folder);

#endif
