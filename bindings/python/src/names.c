/* The module's constants, and what concerns GPUs that this library does not know. */
#include <math.h>

#include "py.h"

static int add_constant(PyObject *module, const char *name, double value) {
    PyObject *number = PyFloat_FromDouble(value);
    int status = number ? PyModule_AddObjectRef(module, name, number) : -1;
    Py_XDECREF(number);
    return status;
}

static int add_constants(PyObject *module) {
    static const struct {
        const char *name;
        double value;
    } constants[] = {
        {"e", 2.71828182845904523536}, {"pi", 3.14159265358979323846}, {"euler_gamma", 0.57721566490153286061},
        {"inf", INFINITY},             {"nan", NAN},
    };
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        if (add_constant(module, constants[i].name, constants[i].value))
            return -1;
    return PyModule_AddObjectRef(module, "newaxis", Py_None);
}

static PyObject *metal_device_info(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    return PyDict_New();
}

/* Kernels that the program writes in a GPU's language need that GPU. */
static PyObject *no_kernel(const char *name, const char *what) {
    return PyErr_Format(PyExc_RuntimeError, "[%s] there is no %s backend", name, what);
}

static PyObject *metal_kernel(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module, (void)args, (void)kwargs;
    return no_kernel("metal_kernel", "Metal");
}

static PyObject *cuda_kernel(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module, (void)args, (void)kwargs;
    return no_kernel("cuda_kernel", "CUDA");
}

#define STRINGS "collections.abc.Sequence[str]"

static PyMethodDef metal_functions[] = {
    {"device_info", metal_device_info, METH_NOARGS,
     "device_info() -> dict[str, str | int]\n\nWhat is known of the Metal device: nothing where there is none."},
    {NULL},
};
static PyMethodDef fast_functions[] = {
    {"metal_kernel", (PyCFunction)metal_kernel, METH_VARARGS | METH_KEYWORDS,
     "metal_kernel(name: str, input_names: " STRINGS ", output_names: " STRINGS ", source: str, header: str = '', "
     "ensure_row_contiguous: bool = True, atomic_outputs: bool = False, compile_options: object | None = None) -> object"
     "\n\nA kernel in Metal's language; an error here, where there is no Metal."},
    {"cuda_kernel", (PyCFunction)cuda_kernel, METH_VARARGS | METH_KEYWORDS,
     "cuda_kernel(name: str, input_names: " STRINGS ", output_names: " STRINGS ", source: str, header: str = '', "
     "ensure_row_contiguous: bool = True, shared_memory: int = 0) -> object"
     "\n\nA kernel in CUDA C++; an error where there is no CUDA backend."},
    {"precompiled_cuda_kernel", (PyCFunction)cuda_kernel, METH_VARARGS | METH_KEYWORDS,
     "precompiled_cuda_kernel(*, name: str, compiled_source: bytes, inputs: collections.abc.Sequence[bool | int | float | "
     "array | ndarray[writable=False] | complex | ArrayLike], output_shapes: collections.abc.Sequence[tuple[int, ...]], "
     "output_dtypes: collections.abc.Sequence[Dtype], scalars: collections.abc.Sequence[object], grid: tuple[int, int, "
     "int], threadgroup: tuple[int, int, int], shared_memory: int = 0, init_value: float | None = None, "
     "ensure_row_contiguous: bool = False, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> "
     "list[array]\n\nRun a kernel that was compiled before; an error where there is no CUDA backend."},
    {NULL},
};

static PyObject *namespace_info(PyObject *module, PyObject *unused) {
    PyObject *file = PyImport_ImportModule("mlx._array_namespace"), *info;
    (void)module, (void)unused;
    info = file ? PyObject_CallMethod(file, "ArrayNamespaceInfo", NULL) : NULL;
    Py_XDECREF(file);
    return info;
}

static PyMethodDef core_functions[] = {
    {"__array_namespace_info__", namespace_info, METH_NOARGS,
     "__array_namespace_info__() -> ArrayNamespaceInfo\n\nCapabilities, devices and dtypes, as the array API standard "
     "asks for them."},
    {NULL},
};

static int add_functions(PyObject *module, const char *name, PyMethodDef *functions) {
    PyObject *sub = PyObject_GetAttrString(module, name);
    int status = sub ? PyModule_AddFunctions(sub, functions) : -1;
    Py_XDECREF(sub);
    return status;
}

int mpy_init_names(PyObject *module) {
    return add_constants(module) || PyModule_AddFunctions(module, core_functions) || add_functions(module, "metal", metal_functions) ||
                   add_functions(module, "fast", fast_functions)
               ? -1
               : 0;
}
