/* Functions in files: MLX's .mlxfn. All numbers are little-endian.
 *
 *     string      version of the writer, "0.32.4"            string: u64 length, bytes
 *     i32         number of traces
 *     u8          shapeless
 *     string      metadata
 *     trace ...
 *
 *     trace:  list of string   names of the keyword inputs   list: u64 count, items
 *             list of u64      ids of the inputs: positional ones, then the named ones
 *             list of (list of i32, dtype)   their shapes and dtypes
 *             list of u64      ids of the outputs
 *             u64 count, then the tape: everything comes after what it needs
 *
 *     entry:  u64 id, u8 1     an operation:
 *               list of u64 inputs, i32 x 3 stream, string name, state (mlxfn_ops.def), then
 *               u64 0, shape, dtype                                        one output
 *               u64 n, list of u64 ids, list of shapes, list of dtypes     n + 1 outputs
 *             u64 id, u8 0, u8 1     a constant: shape, dtype, elements in row-major order; nothing
 *                                    follows where a trace before has it
 *                                    (what lies otherwise in memory is written as it lies, and a
 *                                    Transpose behind it)
 *             u64 id, u8 0, u8 0     an input
 *
 *     dtype:  i32 number, u8 bytes of an element
 *
 * Limits: 64 dimensions; 65,536 items in a list of an operation, and inputs or outputs of a trace;
 * 2^31 - 1 entries. Counts must fit into the bytes that are left, ids come before they are used and
 * once, texts hold no 0.
 *
 * The layout was found by writing files with MLX 0.32.2 and 0.32.4 and looking at the bytes.
 * Versions 0.32.x are read, others refused. Operations that MLX has no name for are called
 * "mlxc.<Name>": it refuses them.
 */
#ifndef MX_TRANSFORMS_MLXFN_H
#define MX_TRANSFORMS_MLXFN_H

#include "base/text.h"
#include "graph/eval/recipe.h"

#define MX_FN_VERSION "0.32.4" /* written */
#define MX_FN_READS   "0.32."  /* versions that begin so are read */

/* --- operations ------------------------------------------------------------------- */

typedef enum mx_fn_op {
#define OP(Name, text, state, least, most, outputs) MX_FN_##Name,
#include "transforms/mlxfn/mlxfn_ops.def"
    MX_FN_OPS
} mx_fn_op;

/* One item of an operation's state; which member counts is said by its letter. */
typedef struct mx_fn_arg {
    int64_t i;
    double d;
    mx_ints ints;
    mx_longs longs;
    const char *s;
} mx_fn_arg;

enum { MX_FN_ARGS = 8 };

typedef struct mx_fn_info {
    const char *name;
    const char *state; /* a letter for each item, see mlxfn_ops.def */
    int least, most;   /* inputs; most < 0: any number */
    int outputs;       /* 0: any number */
} mx_fn_info;
extern const mx_fn_info mx_fn_infos[MX_FN_OPS];

/* --- writing: the tape of one trace ----------------------------------------------- */

typedef struct mx_fn_tape_constant {
    size_t at; /* its elements go here in the bytes */
    uint64_t id;
    mx_array *a, *key; /* what is written, and whose it is; retained */
} mx_fn_tape_constant;

typedef struct mx_fn_tape {
    mx_text bytes;
    mx_fn_tape_constant *constant;
    size_t constants, room;
    uint64_t count; /* entries */
    uint64_t next;  /* a new id */
} mx_fn_tape;

typedef struct mx_fn_out {
    uint64_t id; /* 0: a new one is given */
    const int *shape;
    int ndim;
    mx_dtype dtype;
} mx_fn_out;

void mx_fn_tape_input(mx_fn_tape *t, uint64_t id);
bool mx_fn_tape_const(mx_fn_tape *t, uint64_t id, mx_array *a, mx_array *key);
void mx_fn_tape_const_again(mx_fn_tape *t, uint64_t id);
/* Adds an operation; ids of the outputs are set. The id of the first. */
uint64_t mx_fn_tape_op(mx_fn_tape *t, mx_fn_op op, const uint64_t *in, int nin,
                       const mx_fn_arg *args, mx_fn_out *out, int nout);
void mx_fn_tape_free(mx_fn_tape *t);

void mx_fn_put_u64(mx_text *t, uint64_t v);
void mx_fn_put_string(mx_text *t, const char *s);
void mx_fn_put_shape(mx_text *t, const int *shape, int ndim);
void mx_fn_put_dtype(mx_text *t, mx_dtype d);

/* --- rules ------------------------------------------------------------------------- */

/* A node to be written: ids[slot] of its inputs are known, those of its outputs are set. */
typedef struct mx_fn_step {
    mx_fn_tape *tape;
    const mx_node *node;
    bool shapeless;
    mx_array *const *in;  /* with shapes and dtypes */
    mx_array *const *out; /* NULL where gone */
    const uint64_t *in_id;
    uint64_t *out_id; /* the numbers to give; a rule may set another one instead */
} mx_fn_step;
bool mx_fn_write(const mx_fn_step *s);

/* Nodes without an operation of the format become ones that have: 0 it has one, 1 out is set, -1
   failed. */
int mx_fn_lower(const mx_node *n, mx_array *const *in, mx_array **out, bool shapeless);

/* An operation of a file over arrays; nout results that the scope owns. */
typedef struct mx_fn_call {
    mx_fn_op op;
    mx_fn_arg *arg;
    const mx_fn_out *out; /* as the file says; shapes are those of the trace */
    int nout;
    bool shapeless; /* the inputs may have other shapes than in the trace */
} mx_fn_call;
bool mx_fn_build(const mx_fn_call *c, mx_array *const *in, int nin, mx_array **out);

#endif
