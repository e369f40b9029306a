/* What the transforms of functions share.
 *
 *     mx.grad(f)         a Transform: f, what the transform was given, and how to call it
 *     its call           flattens the arguments, gives the library a closure whose body calls f on
 *                        trees that are filled with the library's arrays, and puts the results into
 *                        trees again
 *
 * Transforms run without the GIL; bodies take it. An exception in a body stays set while the
 * library returns, and is what mpy_raise leaves in place.
 */
#ifndef MPY_TRANSFORM_H
#define MPY_TRANSFORM_H

#include "transform/tree.h"

/* --- functions in the module ------------------------------------------------------------------ */

enum { MPY_MOST_PARAMETERS = 6 };

/* The parameters of a function of the module that is no operation. */
typedef struct mpy_signature {
    const char *name, *text; /* "grad", "grad(fun: ...) -> ..." */
    int required, positional;
    const char *keywords[MPY_MOST_PARAMETERS + 1]; /* all parameters, NULL at the end */
} mpy_signature;

/* The arguments of one call of it. */
typedef struct mpy_given {
    const mpy_signature *signature;
    PyObject *const *args;
    Py_ssize_t count;
    PyObject *names; /* of keywords, or NULL */
} mpy_given;

/* values[i], borrowed or NULL, for each parameter. -1 with a TypeError. */
int mpy_bind_given(PyObject **values, const mpy_given *given);
/* A TypeError that shows the signature and the types that were given. Returns NULL. */
PyObject *mpy_incompatible(const mpy_given *given);

/* --- functions made from functions ------------------------------------------------------------ */

typedef struct mpy_transform {
    PyObject_HEAD vectorcallfunc call;
    PyObject *fun;
    PyObject *first, *second; /* what each transform keeps beside the function, or NULL */
    PyObject *cache;
    bool flag;
} mpy_transform;

PyObject *mpy_transform_new(PyObject *fun, vectorcallfunc call, PyObject *first, PyObject *second,
                            bool flag);

/* Arguments of a vectorcall as a tuple and a dict (NULL when there are no keywords). */
int mpy_pack(PyObject **args, PyObject **kwargs, PyObject *const *given, size_t nargsf,
             PyObject *names);

/* --- closures --------------------------------------------------------------------------------- */

/* run gives its results to out, an empty vector; -1: an exception is set. */
typedef struct mpy_body {
    int (*run)(struct mpy_body *self, mlx_vector_array out, mlx_vector_array in);
} mpy_body;

/* For calls that end before the body does. */
mlx_closure mpy_closure_over(mpy_body *body);
/* The library's status of a call that ran bodies: 0 only if no exception is set. */
int mpy_settle(int status);

#endif
