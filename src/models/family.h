/* Families of models, as data.
 *
 *     mx_family ──▶ tensors   rows: a module's name in three conventions, its shape, what it is
 *               ──▶ keys      rows: config.json's key, GGUF's, the type there
 *
 * Whoever reads or writes models reads these rows (families.c): conversion, and what runs them. A
 * family adds rows or lists those of others, and says in flags what is special to all of its
 * tensors.
 *
 *     convention      a module                              its tensors
 *     Hugging Face    model.layers.{n}.self_attn.q_proj     .weight .bias
 *     MLX             the same, or what a row says          those, and .scales .biases
 *     GGUF            blk.{n}.attn_q                        .weight .bias
 *
 * {n} is the layer, {e} the expert: where one convention has {e} and another has not, the latter's
 * tensor is the stack of the former's. GGUF's name is what a row is called.
 *
 * Shapes are written in letters, "a*d h" for a matrix of heads times their size rows; sums,
 * differences and products, + - and *, of
 *
 *     h hidden size      a heads      k heads of keys and values      d size of a head
 *     f feed forward     l layers     v vocabulary     e experts      c context     t token types
 *     i of an expert     s of those that all tokens share, n how many
 *     r rank of latent rows     p features that rotate     o that do not     w of a value
 *     g u groups and heads of a recurrence     x y sizes of its key, value     z of a convolution
 */
#ifndef MX_MODELS_FAMILY_H
#define MX_MODELS_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum mx_naming { MX_NAMED_HF, MX_NAMED_MLX, MX_NAMED_GGUF, MX_NAMINGS } mx_naming;

enum mx_row_flags {
    MX_ROW_MAY_LACK = 1,    /* the model may be without it */
    MX_ROW_TIED = 2,        /* the same where config.json ties the embeddings */
    MX_ROW_BIAS = 4,        /* it has a bias */
    MX_ROW_MAY_BIAS = 8,    /* it may have one */
    MX_ROW_NORM = 16,       /* of a norm */
    MX_ROW_QUERY = 32,      /* rows are a heads, which are rotated */
    MX_ROW_KEY = 64,        /* rows are k heads, likewise */
    MX_ROW_PLAIN = 128,     /* never quantized; float32 in GGUF */
    MX_ROW_TABLE = 256,     /* rows that are looked up */
    MX_ROW_ROPE = 512,      /* GGUF alone has it: config.json's rope_scaling says the same */
    MX_ROW_LEFT_OUT = 1024, /* nothing that computation needs: no GGUF name */
    MX_ROW_BARE = 2048,     /* Hugging Face's name and MLX's are all there is: no ".weight" */
    MX_ROW_TURNED = 4096,   /* Hugging Face has the columns as rows */
    MX_ROW_NEG_EXP = 8192,  /* GGUF has -exp of it */
    MX_ROW_RENAMED = 16384  /* behind MLX's name and a zero stands another, which is read, too */
};

typedef struct mx_tensor_row {
    const char *gguf, *hf;
    const char *mlx;   /* NULL: as hf */
    const char *shape; /* "c 1 z|c z": GGUF's behind the stroke, where it is another */
    unsigned flags;    /* of mx_row_flags */
} mx_tensor_row;

typedef enum mx_key_type { MX_KEY_U32, MX_KEY_F32, MX_KEY_BOOL, MX_KEY_TEXT } mx_key_type;

/* A key of config.json and one of GGUF's metadata that mean the same.
 *
 *     config   paths with "|" between them: the first that is there counts, the first of
 *              all is written; a path has dots. NULL: GGUF alone has the key
 *     gguf     behind "llama.". NULL: config.json alone has it
 *     dim      the letter in shapes that it is; 0: none
 *     value    what it is where a file does not say: JSON, or with "=" before it a formula of
 *              letters. NULL: nothing is written then
 *     when     the row counts where this holds, "l=46"; NULL: always. The first row of a key wins
 */
typedef struct mx_key_row {
    const char *config, *gguf;
    mx_key_type type;
    char dim;
    const char *value, *when;
} mx_key_row;

typedef struct mx_family {
    const char *name;
    const char *arch;         /* GGUF's general.architecture */
    const char *has_key;      /* ... and this key behind it is there, or "key=2"; NULL: no matter */
    const char *model_type;   /* of config.json; several with '|' between them */
    const char *architecture; /* of config.json's architectures: what is written */
    const mx_tensor_row *const *tensors; /* lists of rows, each ended by one without names */
    const mx_key_row *const *keys;       /* likewise */
    bool interleaves;   /* GGUF: heads have the two halves of a rotation side by side */
    bool adds_one;      /* GGUF: norms are 1 + w */
    bool ties;          /* config.json ties the embeddings unless it says otherwise */
    const char *prefix; /* names may have it before them; NULL: none */
    const char *module; /* mlx_lm's adapters have it before MLX's names; NULL: nothing */
    int period;         /* each so many-th layer sees all, the others a window; 0: no matter */
    bool partial;       /* heads may turn in part: partial_rotary_factor */
    bool apart;         /* GGUF has no files of it, or they are not converted */
} mx_family;

extern const mx_family mx_families[];
extern const size_t mx_family_count;

/* NULL: there is none. No error is recorded by any of these. */
const mx_family *mx_family_named(const char *name);
const mx_family *mx_family_of_type(const char *model_type);
/* The most special one: has_key is asked with self for "expert_count". */
const mx_family *mx_family_of_arch(const char *arch,
                                   bool (*has_key)(const void *self, const char *),
                                   const void *self);

/* --- names ----------------------------------------------------------------------------------- */

/* Where in a model a tensor is. */
typedef struct mx_place {
    const mx_tensor_row *row;
    int layer, expert; /* -1: its name has none */
    const char *part;  /* "weight", "bias", "scales", "biases": behind the last dot; or "" */
} mx_place;

bool mx_family_find(const mx_family *f, mx_naming naming, const char *name, mx_place *out);
const char *mx_row_pattern(const mx_tensor_row *r, mx_naming naming);
const char *mx_row_shape(const mx_tensor_row *r, bool gguf);
bool mx_row_has_experts(const mx_tensor_row *r, mx_naming naming);
/* The name of a place, without its part where part is NULL; for mx_free. NULL: no memory. */
char *mx_place_name(const mx_place *p, mx_naming naming, const char *part);
/* Is `name` one of those in "a|b|c"? */
bool mx_name_is_of(const char *name, const char *list);

/* The rows of a family, one after the other: NULL behind the last. */
const mx_tensor_row *mx_family_row(const mx_family *f, size_t i);
const mx_key_row *mx_family_key(const mx_family *f, size_t i);

/* --- sizes ----------------------------------------------------------------------------------- */

/* Numbers by letter; 0: not known. */
typedef struct mx_dims {
    int64_t of[26];
} mx_dims;
static inline int64_t mx_dim(const mx_dims *d, char letter) {
    return d->of[letter - 'a'];
}
/* Sums, products and quotients of letters and numbers, * and / first and from the left:
   "a*d+2*k*d". 0: a letter is not known, or it is too large. */
int64_t mx_dims_formula(const mx_dims *d, const char *text);
/* "v h" as a shape; its axes, -1: one of them is not known. */
int mx_dims_shape(const mx_dims *d, const char *text, int *shape, int most);

#endif
