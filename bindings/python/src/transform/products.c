/* mlx.core.vjp and jvp: products of a function's derivative with cotangents or tangents. */
#include "transform/docs.h"
#include "transform/transform.h"

typedef struct product_call {
    mpy_body body;
    PyObject *fun;
} product_call;

/* The function takes arrays and gives one, or a list or tuple of them. */
static int add_results(mlx_vector_array out, PyObject *result) {
    if (mpy_array_check(result))
        return mpy_vector_add(out, result);
    bool many = PyList_Check(result) || PyTuple_Check(result);
    for (Py_ssize_t i = 0; many && i < PySequence_Fast_GET_SIZE(result); i++) {
        many = mpy_array_check(PySequence_Fast_GET_ITEM(result, i));
        if (many && mpy_vector_add(out, PySequence_Fast_GET_ITEM(result, i)))
            return -1;
    }
    if (!many)
        PyErr_Format(
            PyExc_ValueError,
            "The function whose derivative is wanted must return an array or a list or tuple of "
            "arrays, "
            "but it returned %s.",
            Py_TYPE(result)->tp_name);
    return many ? 0 : -1;
}

static int run_function(mpy_body *body, mlx_vector_array out, mlx_vector_array in) {
    product_call *c = (product_call *)body;
    PyObject *list = mpy_vector_list(in), *args = list ? PyList_AsTuple(list) : NULL;
    PyObject *result = args ? PyObject_CallObject(c->fun, args) : NULL;
    int failed = !result || add_results(out, result);
    Py_XDECREF(list);
    Py_XDECREF(args);
    Py_XDECREF(result);
    return failed ? -1 : 0;
}

/* A list or tuple of arrays. 1: it is none. */
static int arrays_of(mlx_vector_array out, PyObject *o) {
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

typedef int product(mlx_vector_array *, mlx_vector_array *, const mlx_closure,
                    const mlx_vector_array, const mlx_vector_array);

static PyObject *lists(mlx_vector_array a, mlx_vector_array b) {
    PyObject *x = mpy_vector_list(a), *y = x ? mpy_vector_list(b) : NULL;
    PyObject *both = y ? PyTuple_Pack(2, x, y) : NULL;
    Py_XDECREF(x);
    Py_XDECREF(y);
    return both;
}

static PyObject *apply(PyObject *fun, product *run, mlx_vector_array primals,
                       mlx_vector_array with) {
    product_call c = {{run_function}, fun};
    mlx_vector_array outputs = {NULL}, products = {NULL};
    mlx_closure f = mpy_closure_over(&c.body);
    int status;
    MPY_WAIT(status, run(&outputs, &products, f, primals, with));
    PyObject *result = mpy_settle(status) ? NULL : lists(outputs, products);
    mlx_closure_free(f);
    mlx_vector_array_free(outputs);
    mlx_vector_array_free(products);
    return result;
}

static PyObject *call(const mpy_given *given, product *run) {
    PyObject *v[MPY_MOST_PARAMETERS], *result = NULL;
    if (mpy_bind_given(v, given))
        return NULL;
    mlx_vector_array primals = mlx_vector_array_new(), with = mlx_vector_array_new();
    int unfit = primals.ctx && with.ctx ? !PyCallable_Check(v[0]) : (mpy_raise(), -1);
    unfit = unfit ? unfit : arrays_of(primals, v[1]);
    unfit = unfit ? unfit : arrays_of(with, v[2]);
    if (unfit > 0)
        mpy_incompatible(given);
    else if (!unfit)
        result = apply(v[0], run, primals, with);
    mlx_vector_array_free(primals);
    mlx_vector_array_free(with);
    return result;
}

#define SIGNATURE(name, with)                                          \
    {                                                                  \
        #name,                                                         \
            #name "(fun: Callable, primals: list[array], " with        \
                  ": list[array]) -> tuple[list[array], list[array]]", \
            3, 3, {                                                    \
            "fun", "primals", with                                     \
        }                                                              \
    }

static const mpy_signature vjp_signature = SIGNATURE(vjp, "cotangents");
static const mpy_signature jvp_signature = SIGNATURE(jvp, "tangents");

static PyObject *vjp(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
    (void)self;
    return call(&(mpy_given){&vjp_signature, args, n, names}, mlx_vjp);
}

static PyObject *jvp(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
    (void)self;
    return call(&(mpy_given){&jvp_signature, args, n, names}, mlx_jvp);
}

#define FUNCTION(name, doc) \
    {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL | METH_KEYWORDS, doc}

static PyMethodDef functions[] = {
    FUNCTION(vjp, DOC_VJP),
    FUNCTION(jvp, DOC_JVP),
    {NULL},
};

int mpy_init_products(PyObject *module) {
    return PyModule_AddFunctions(module, functions);
}
