/* Pickles of tensors, interpreted by a list of what is allowed. Nothing of a pickle is ever called:
 * each global that it names is a row of a table (globals.c), and calling one makes a value of this
 * file.
 *
 *     bytes ─▶ machine: stack, marks, memo ─▶ a tree of values, in one pool
 *
 * Python's pickle protocol, as documented in its module pickletools; of its operations those that
 * protocols 2 to 5 write for plain containers, numbers, texts, classes and persistent ids. Others
 * are refused by their number.
 *
 * Limits: a pickle of 100 MB, values of 512 MB, a stack of a million values, a memo without gaps,
 * one million tensors, containers 64 deep.
 */
#ifndef MX_IO_PICKLE_H
#define MX_IO_PICKLE_H

#include "io/safetensors/safetensors.h"

enum {
    PK_MOST_BYTES = 100 * 1000 * 1000,
    PK_MOST_POOL = 512 << 20,
    PK_MOST_STACK = 1 << 20,
    PK_MOST_TENSORS = 1000000,
    PK_MOST_DEPTH = 64
};

typedef enum pk_kind {
    PK_NONE,
    PK_BOOL,
    PK_INT,
    PK_FLOAT,
    PK_TEXT, /* also bytes; it may have zeros inside */
    PK_LIST, /* also tuples and sets */
    PK_DICT, /* item: key, value, key, value ... */
    PK_GLOBAL,
    PK_STORAGE,
    PK_TENSOR,
    PK_OPAQUE, /* what is of no use here: a device, a number of NumPy */
    PK_MARK
} pk_kind;

typedef struct pk_value pk_value;

typedef struct pk_storage {
    const st_type *type; /* NULL: bytes without a type */
    const char *key;
    int64_t count;      /* of elements */
    uint64_t at, bytes; /* in the file: found later */
    bool found;
} pk_storage;

typedef struct pk_tensor {
    pk_storage *storage;
    const st_type *type;
    int64_t offset; /* elements */
    mx_shape shape;
    int64_t stride[MX_MAX_NDIM];
    bool conjugate, negative; /* its values are those of what is stored */
} pk_tensor;

struct pk_value {
    pk_kind kind;
    size_t count, room; /* bytes of a text; items */
    union {
        int64_t integer;
        double number;
        const char *text; /* ends in 0 */
        pk_value **item;
        const struct pk_global *global;
        pk_storage *storage;
        pk_tensor *tensor;
    } as;
};

typedef struct pk_machine {
    mx_source *s;
    size_t at, end; /* of the pickle in the source */
    struct pk_chunk *chunk;
    size_t pool; /* bytes in chunks */
    pk_value **stack;
    size_t depth, stack_room;
    pk_value **memo;
    size_t memos, memo_room;
    size_t tensors;
    mx_map storages; /* key -> pk_storage */
} pk_machine;

/* Runs the pickle at m->at; its value, or NULL and an error that names the byte. m->at stands
   behind it then. */
pk_value *pk_run(pk_machine *m);
void pk_free(pk_machine *m); /* and all values */

/* --- for globals.c -------------------------------------------------------------------------- */

void *pk_alloc(pk_machine *m, size_t bytes); /* in the pool, zeroed */
pk_value *pk_new(pk_machine *m, pk_kind kind);
bool pk_append(pk_machine *m, pk_value *list, pk_value *item);
/* Records "... at byte N: ..."; NULL. */
void *pk_fail(const pk_machine *m, const char *what, const char *name);
/* What a global stands for; NULL and an error: it is not allowed. */
pk_value *pk_find_global(pk_machine *m, const char *module, const char *name);
/* A call of a global with a list of arguments. */
pk_value *pk_call(pk_machine *m, const pk_value *callable, pk_value *args);
/* ('storage', type, key, location, count) */
pk_value *pk_persistent(pk_machine *m, const pk_value *id);

#endif
