/* Functions made from rows of the catalog: what function.c and bind.c share.
 *
 *     mx.sum(a, axis=1) --> function_call --> mpy_bind: one mlx_value a parameter -->
 *     mlx_operation_call --> mpy_value_object
 *
 * Nothing is allocated on the way but what the operation makes: values, ints and keyword names lie
 * in the frame, on the stack.
 */
#ifndef MPY_FUNCTION_H
#define MPY_FUNCTION_H

#include "py.h"

typedef struct mpy_parameter {
    PyObject *name;   /* interned */
    unsigned accepts; /* 1 << kind */
    bool by_position, by_keyword;
    bool floats;      /* its lists are of floats */
    bool wide, large; /* an int of 64 bits: unsigned, signed */
    bool clipped;     /* the number of a diagonal: beyond 32 bits all lie outside */
    PyObject *type;   /* str */
} mpy_parameter;

typedef struct mpy_function {
    PyObject_HEAD vectorcallfunc call;
    const mlx_operation *op;
    struct mpy_function *next; /* the overload to try when this one does not fit */
    PyObject *name, *module;
    PyObject *named;       /* the named tuple that its results are, or NULL */
    int count, positional; /* parameters; those that positional arguments go to */
    int rest;              /* the parameter that takes all further ones, or -1 */
    unsigned required;     /* 1 << index */
    mlx_signature *signature;
    mpy_parameter parameters[MLX_PARAMETERS_MAX];
    mlx_value defaults[MLX_PARAMETERS_MAX];
} mpy_function;

/* A new reference; NULL with an exception. */
mpy_function *mpy_function_new(const mlx_operation *op);

enum { MPY_FRAME_INTS = 128 };

/* The arguments of one call. */
typedef struct mpy_frame {
    mlx_value values[MLX_PARAMETERS_MAX];
    int used; /* of ints */
    int ints[MPY_FRAME_INTS];
} mpy_frame;

/* Fill the frame; -1 with a TypeError or what a conversion raised. What values own is freed by
   mpy_frame_free in either case. */
int mpy_bind(mpy_frame *frame, const mpy_function *f, PyObject *const *args, Py_ssize_t n,
             PyObject *keywords);
void mpy_frame_free(mpy_frame *frame, const mpy_function *f);

/* What a message may add, a new str, often empty: how to write what was probably meant. NULL with
   an exception. */
PyObject *mpy_hint(const mpy_function *f, const mpy_parameter *p, PyObject *o);
const char *mpy_keyword_hint(const mpy_function *f, PyObject *name);

/* A result as a Python object; its arrays are taken over. */
PyObject *mpy_value_object(mlx_value *value);

/* named.c: the named tuple of an operation's results, NULL where they have no names; -1 with an
   exception. */
int mpy_named_type(PyObject **out, const mlx_operation *op);
/* A tuple, which is taken over, as a named one; what is no tuple stays. */
PyObject *mpy_named_object(PyObject *type, PyObject *tuple);

#endif
