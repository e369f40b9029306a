/* mlx.core.fast's metal_kernel and cuda_kernel: kernels in the languages of GPUs that this library
 * does not know. They are made, so that a module that makes them can be imported, and fail when
 * they are called. */
#include "py.h"
#include "function/docs.h"

typedef struct gpu_kernel {
    PyObject_HEAD const char *maker, *backend; /* "metal_kernel", "Metal" */
} gpu_kernel;

static PyObject *no_backend(const char *maker, const char *backend) {
    return PyErr_Format(PyExc_RuntimeError,
                        "[%s] No %s back-end: this library computes on the CPU.", maker, backend);
}

static PyObject *kernel_call(PyObject *o, PyObject *args, PyObject *kwargs) {
    const gpu_kernel *k = (gpu_kernel *)o;
    (void)kwargs;
    if (PyTuple_GET_SIZE(args))
        return PyErr_Format(PyExc_TypeError,
                            "a kernel takes keyword arguments alone: inputs, output_shapes, ...");
    return no_backend(k->maker, k->backend);
}

static PyObject *kernel_repr(PyObject *o) {
    return PyUnicode_FromFormat("<kernel made by mlx.core.fast.%s>", ((gpu_kernel *)o)->maker);
}

static PyTypeObject kernel_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.fast.gpu_kernel",
    .tp_basicsize = sizeof(gpu_kernel),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_call = kernel_call,
    .tp_repr = kernel_repr,
    .tp_doc = "A kernel in a GPU's language.",
};

/* --- making ----------------------------------------------------------------------------------- */

/* Are these names? Their number, or -1 with a TypeError. */
static Py_ssize_t count_names(PyObject *names, const char *maker, const char *argument) {
    PyObject *fast = PyUnicode_Check(names) ? NULL : PySequence_Fast(names, "");
    Py_ssize_t n = fast ? PySequence_Fast_GET_SIZE(fast) : -1;
    for (Py_ssize_t i = 0; i < n; i++)
        if (!PyUnicode_Check(PySequence_Fast_GET_ITEM(fast, i)))
            n = -1;
    Py_XDECREF(fast);
    if (n < 0)
        PyErr_Format(PyExc_TypeError, "%s() argument '%s' must be a sequence of str, not %.100s",
                     maker, argument, Py_TYPE(names)->tp_name);
    return n;
}

static PyObject *new_kernel(const char *maker, const char *backend, PyObject *inputs,
                            PyObject *outputs) {
    Py_ssize_t n;
    if (count_names(inputs, maker, "input_names") < 0 ||
        (n = count_names(outputs, maker, "output_names")) < 0)
        return NULL;
    if (!n)
        return PyErr_Format(PyExc_ValueError, "[%s] Must specify at least one output.", maker);
    gpu_kernel *made = PyObject_New(gpu_kernel, &kernel_type);
    if (made)
        made->maker = maker, made->backend = backend;
    return (PyObject *)made;
}

static PyObject *metal_kernel(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"name",           "input_names",     "output_names",
                               "source",         "header",          "ensure_row_contiguous",
                               "atomic_outputs", "compile_options", NULL};
    const char *name, *source, *header;
    PyObject *inputs, *outputs, *options;
    int rows, atomic;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sOOs|sppO:metal_kernel", keywords, &name,
                                     &inputs, &outputs, &source, &header, &rows, &atomic, &options))
        return NULL;
    return new_kernel("metal_kernel", "Metal", inputs, outputs);
}

static PyObject *cuda_kernel(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"name",   "input_names",           "output_names",  "source",
                               "header", "ensure_row_contiguous", "shared_memory", NULL};
    const char *name, *source, *header;
    PyObject *inputs, *outputs;
    int rows, shared;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sOOs|spi:cuda_kernel", keywords, &name, &inputs,
                                     &outputs, &source, &header, &rows, &shared))
        return NULL;
    return new_kernel("cuda_kernel", "CUDA", inputs, outputs);
}

/* Made and called in one. */
static PyObject *precompiled_cuda_kernel(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module, (void)args, (void)kwargs;
    return no_backend("precompiled_cuda_kernel", "CUDA");
}

#define STRINGS "collections.abc.Sequence[str]"

static PyMethodDef functions[] = {
    {"metal_kernel", (PyCFunction)metal_kernel, METH_VARARGS | METH_KEYWORDS, DOC_METAL_KERNEL},
    {"cuda_kernel", (PyCFunction)cuda_kernel, METH_VARARGS | METH_KEYWORDS, DOC_CUDA_KERNEL},
    {"precompiled_cuda_kernel", (PyCFunction)precompiled_cuda_kernel, METH_VARARGS | METH_KEYWORDS,
     DOC_PRECOMPILED_CUDA_KERNEL},
    {NULL},
};

int mpy_init_gpu_kernel(PyObject *module) {
    PyObject *fast = PyObject_GetAttrString(module, "fast");
    int status =
        !fast || PyType_Ready(&kernel_type) || PyModule_AddFunctions(fast, functions) ? -1 : 0;
    Py_XDECREF(fast);
    return status;
}
