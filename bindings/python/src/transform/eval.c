/* mlx.core.eval, async_eval, get_array_buffer_size and depends. */
#include "transform/transform.h"
#include "host/docs.h"

static int collect(mlx_vector_array *arrays, const mpy_given *given) {
    *arrays = mlx_vector_array_new();
    if (!arrays->ctx)
        return mpy_raise(), -1;
    if (given->names && PyTuple_GET_SIZE(given->names))
        return mpy_incompatible(given), -1;
    for (Py_ssize_t i = 0; i < given->count; i++)
        if (mpy_tree_arrays(arrays, given->args[i]))
            return -1;
    return 0;
}

typedef int evaluator(const mlx_vector_array arrays);

static PyObject *evaluate(const mpy_given *given, evaluator *run) {
    mlx_vector_array arrays;
    int status = collect(&arrays, given);
    if (!status) {
        MPY_WAIT(status, run(arrays));
        status = mpy_settle(status);
    }
    mlx_vector_array_free(arrays);
    return status ? NULL : Py_NewRef(Py_None);
}

static const mpy_signature eval_signature = {"eval", "eval(*args) -> None", 0, 0, {NULL}};
static const mpy_signature async_eval_signature = {"async_eval", "async_eval(*args)", 0, 0, {NULL}};

static PyObject *eval(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
    (void)self;
    return evaluate(&(mpy_given){&eval_signature, args, n, names}, mlx_eval);
}

static PyObject *async_eval(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
    (void)self;
    return evaluate(&(mpy_given){&async_eval_signature, args, n, names}, mlx_async_eval);
}

/* --- get_array_buffer_size -------------------------------------------------------------------- */

static const mpy_signature buffer_size_signature = {
    "get_array_buffer_size", "get_array_buffer_size(*args) -> int", 0, 0, {NULL}};

static PyObject *get_array_buffer_size(PyObject *self, PyObject *const *args, Py_ssize_t n,
                                       PyObject *names) {
    mpy_given given = {&buffer_size_signature, args, n, names};
    mlx_vector_array arrays;
    size_t size = 0;
    (void)self;
    int status = collect(&arrays, &given);
    if (!status && (status = mlx_get_array_buffer_size(&size, arrays)))
        mpy_raise();
    mlx_vector_array_free(arrays);
    return status ? NULL : PyLong_FromSize_t(size);
}

/* --- depends ---------------------------------------------------------------------------------- */

static const mpy_signature depends_signature = {
    "depends",
    "depends(inputs: array | Sequence[array], dependencies: array | Sequence[array])",
    2,
    2,
    {"inputs", "dependencies"},
};

/* An array or a list or tuple of them. 1: it is neither. */
static int add_arrays(mlx_vector_array out, PyObject *o) {
    if (mpy_array_check(o))
        return mpy_vector_add(out, o);
    if (!PyList_Check(o) && !PyTuple_Check(o))
        return 1;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(o, i);
        if (!mpy_array_check(item))
            return 1;
        if (mpy_vector_add(out, item))
            return -1;
    }
    return 0;
}

static PyObject *depends(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
    mpy_given given = {&depends_signature, args, n, names};
    PyObject *values[MPY_MOST_PARAMETERS], *result = NULL;
    (void)self;
    if (mpy_bind_given(values, &given))
        return NULL;
    mlx_vector_array in = mlx_vector_array_new(), on = mlx_vector_array_new(), out = {NULL};
    int unfit = in.ctx && on.ctx ? add_arrays(in, values[0]) : (mpy_raise(), -1);
    unfit = unfit ? unfit : add_arrays(on, values[1]);
    if (unfit > 0)
        mpy_incompatible(&given);
    else if (!unfit && mlx_depends(&out, in, on))
        mpy_raise();
    else if (!unfit)
        result = mpy_array_check(values[0]) ? mpy_vector_item(out, 0) : mpy_vector_list(out);
    mlx_vector_array_free(in);
    mlx_vector_array_free(on);
    mlx_vector_array_free(out);
    return result;
}

#define FUNCTION(name, doc) \
    {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL | METH_KEYWORDS, doc}

static PyMethodDef functions[] = {
    FUNCTION(eval, DOC_EVAL),
    FUNCTION(async_eval, DOC_ASYNC_EVAL),
    FUNCTION(depends, DOC_DEPENDS),
    FUNCTION(get_array_buffer_size, DOC_GET_ARRAY_BUFFER_SIZE),
    {NULL},
};

int mpy_init_eval(PyObject *module) {
    return PyModule_AddFunctions(module, functions);
}
