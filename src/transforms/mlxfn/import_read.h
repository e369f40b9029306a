/* Inside import: a trace as it was read from a .mlxfn file. */
#ifndef MX_TRANSFORMS_IMPORT_READ_H
#define MX_TRANSFORMS_IMPORT_READ_H

#include "io/io.h"
#include "transforms/mlxfn/mlxfn.h"

/* Memory that goes all at once. */
typedef struct mx_arena {
    struct mx_arena_block *block;
    size_t used;
} mx_arena;
void *mx_arena_alloc(mx_arena *a, size_t count, size_t size); /* zeroed */
void mx_arena_free(mx_arena *a);

typedef struct mx_fn_entry { /* an operation of the tape */
    mx_fn_op op;
    mx_fn_arg *arg;
    int nin, nout;
    const int32_t *in, *out; /* slots */
    const mx_fn_out *given;  /* what the file says of the outputs */
    /* input 0 in the trace, where the state goes with its shape; else NULL */
    const mx_fn_out *first;
    size_t at; /* in the file */
} mx_fn_entry;

typedef struct mx_fn_trace {
    mx_arena memory; /* of all that follows */
    const char **key;
    int n_keys, n_in, n_out; /* n_in: positional inputs and keys */
    const mx_fn_out *in;
    int32_t *out; /* slots; inputs have the first ones */
    mx_fn_entry *entry;
    int32_t n_entry, n_slot;
    mx_array **constant; /* by slot, retained; NULL: an input or a result */
    size_t room_entry, room_constant;
} mx_fn_trace;

typedef struct mx_fn_file {
    bool shapeless;
    char *metadata;
    mx_fn_trace *trace;
    int32_t n_trace;
} mx_fn_file;

/* What was read before a failure stays in f, to be freed. */
bool mx_fn_read(mx_source *s, mx_fn_file *f);
void mx_fn_file_free(mx_fn_file *f);

#endif
