/* Operations as data: what a binding, a manual or a tool needs to know of each.
 *
 *     mlx_operation   {"mlx.core", "sum(a: array, /, axis: None | int | Sequence[int] = None, ...)
 *                     -> array",
 *                      "The sum of elements ...", call, function}
 *     mlx_signature   the parsed text: parameters with the kinds of values they accept and their
 *                     defaults
 *     mlx_value       an argument or a result
 *
 * A binding parses each signature once, turns the arguments of a call into one mlx_value for every
 * parameter, in order, calls mlx_operation_call(&result, op, values), takes the result and frees
 * what the values own. Where a parameter accepts an array it also accepts a scalar (bool, int,
 * float, complex), which is *weak*: in a binary operation it takes the other operand's dtype where
 * that can hold its kind.
 */
#ifndef MLX_C_CATALOG_H
#define MLX_C_CATALOG_H

#include "mlx/c/array.h"
#include "mlx/c/distributed_group.h"
#include "mlx/c/stream.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mlx_value_kind {
    MLX_VALUE_NONE = 0,
    MLX_VALUE_BOOL,
    MLX_VALUE_INT,
    MLX_VALUE_FLOAT,
    MLX_VALUE_COMPLEX,
    MLX_VALUE_STRING,
    MLX_VALUE_DTYPE,
    MLX_VALUE_STREAM, /* empty: the default stream */
    MLX_VALUE_ARRAY,
    MLX_VALUE_INTS,
    MLX_VALUE_ARRAYS, /* any number of arrays */
    MLX_VALUE_TUPLE,  /* a fixed number of arrays, each with a meaning */
    MLX_VALUE_LIST,   /* of values; a result is several results, and lists among them are lists */
    MLX_VALUE_GROUP,  /* of processes; empty: the default group */
    /* an integer from 2^63 on: the bits of `integer`; for what takes scalars and arrays */
    MLX_VALUE_UINT
} mlx_value_kind;

typedef struct mlx_value {
    unsigned char kind; /* mlx_value_kind */
    bool owned;         /* mlx_value_free frees what it refers to */
    /* of an array that came from elsewhere: beside another one it takes its dtype */
    bool weak;
    int count; /* of ints and items */
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct {
            float re, im;
        } complex_number;
        const char *string;
        mlx_dtype dtype;
        mlx_stream stream;
        mlx_distributed_group group;
        mlx_array array;
        int *ints;
        mlx_vector_array arrays; /* of ARRAYS and TUPLE */
        struct mlx_value *items;
    } as;
} mlx_value;

/* Room for n ints, zeros, that the value owns. Errors: no memory. */
MLX_API int mlx_value_new_ints(mlx_value *value, size_t n);
/* Room for n values of kind NONE that the value owns. Errors: no memory. */
MLX_API int mlx_value_new_list(mlx_value *value, size_t n);
/* Let go of what the value owns; it becomes NONE. */
MLX_API void mlx_value_free(mlx_value *value);
/* A scalar becomes an owned array: bool, int32 (int64 or uint64 where it must), float32,
   complex64; other kinds but arrays are errors. Errors: another kind of value. */
MLX_API int mlx_value_to_array(mlx_value *value);
/* Two operands become arrays, a weak scalar of the other's dtype. Errors: an integer that the dtype
   cannot hold. */
MLX_API int mlx_value_to_pair(mlx_value *a, mlx_value *b);

typedef struct mlx_operation mlx_operation;
struct mlx_operation {
    /* "mlx.core", "mlx.core.fft" ...; "mlx.core.array": a method, its first argument is self */
    const char *module;
    /* as Python would show it; overloads are rows of one name, tried in order */
    const char *signature;
    const char *doc; /* one paragraph */
    /* what mlx_operation_call calls */
    int (*adapter)(mlx_value *res, const mlx_operation *op, mlx_value *args);
    union {
        int (*unary)(mlx_array *res, const mlx_array a, const mlx_stream s);
        int (*binary)(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
        const void *family; /* what `call` works with */
    } function;
    bool evaluates; /* the call waits for computation */
};

/* Call an operation. args: one value for each parameter of its signature, which may be changed;
   res: an empty value (kind NONE), which then holds the result. Errors: those of the functions that
   it stands for, and NULL arguments. */
MLX_API int mlx_operation_call(mlx_value *res, const mlx_operation *op, mlx_value *args);

/* How many operations there are. */
MLX_API size_t mlx_catalog_size(void);
/* The i-th operation, in the order of their families; NULL: i is too large. It lives
   for ever. */
MLX_API const mlx_operation *mlx_catalog_get(size_t i);

/* What its parameters mean, what it gives and what it refuses, with an example, in the form that
   docstrings of Python have: "Args:", "Returns:", "Raises:" and "Example:". "" of operations of
   plug-ins. *res: replaced. Errors: no memory, and NULL arguments. */
MLX_API int mlx_operation_manual(mlx_string *res, const mlx_operation *op);

/* A second name of an operation. */
typedef struct mlx_operation_alias {
    const char *module, *name, *of;
    const char *from; /* the module of `of`; NULL: the same */
} mlx_operation_alias;
/* The i-th second name; NULL: i is too large. */
MLX_API const mlx_operation_alias *mlx_catalog_alias(size_t i);

/* --- signatures ------------------------------------------------------------------ */

#define MLX_PARAMETERS_MAX 16

typedef enum mlx_parameter_place {
    MLX_PLACE_POSITION = 0, /* by position alone */
    MLX_PLACE_EITHER,
    MLX_PLACE_KEYWORD, /* by keyword alone */
    MLX_PLACE_REST     /* all further positional arguments, as ARRAYS, INTS or LIST */
} mlx_parameter_place;

/* Texts are parts of the signature, not terminated. */
typedef struct mlx_text {
    const char *start;
    int length;
} mlx_text;

typedef struct mlx_parameter {
    mlx_text name, type, fallback; /* fallback: length 0 where a value is required */
    unsigned accepts;              /* 1 << kind for each kind of value */
    unsigned char place;
    /* the fallback; its string or ints lie here, so the struct stays where it was parsed */
    mlx_value value;
    char string[16];
    int ints[4];
} mlx_parameter;

typedef struct mlx_signature {
    mlx_text name, result;
    int count;
    mlx_parameter parameters[MLX_PARAMETERS_MAX];
} mlx_signature;

/* Parse the text of a signature. Errors: what a signature cannot be. */
MLX_API int mlx_signature_parse(mlx_signature *out, const char *text);

#ifdef __cplusplus
}
#endif

#endif
