/* The module's constants, what is known of Metal, and the array API's namespace. */
#include <math.h>

#include "py.h"
#include "function/docs.h"

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
        {"e", 2.71828182845904523536},
        {"pi", 3.14159265358979323846},
        {"euler_gamma", 0.57721566490153286061},
        {"inf", INFINITY},
        {"nan", NAN},
    };
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        if (add_constant(module, constants[i].name, constants[i].value))
            return -1;
    return PyModule_AddObjectRef(module, "newaxis", Py_None) ||
                   PyModule_AddStringConstant(module, "__array_api_version__", "2024.12")
               ? -1
               : 0;
}

static PyObject *metal_device_info(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    return PyDict_New();
}

static PyMethodDef metal_functions[] = {
    {"device_info", metal_device_info, METH_NOARGS, DOC_METAL_DEVICE_INFO},
    {NULL},
};

static PyObject *namespace_info(PyObject *module, PyObject *unused) {
    PyObject *file = PyImport_ImportModule("mlx._array_namespace"), *info;
    (void)module, (void)unused;
    info = file ? PyObject_CallMethod(file, "ArrayNamespaceInfo", NULL) : NULL;
    Py_XDECREF(file);
    return info;
}

/* mx.bool is the standard's name of bool_. It is no entry of the module, as `from mlx.core import
   *` would hide Python's. */
static PyObject *module_attribute(PyObject *module, PyObject *name) {
    if (PyUnicode_Check(name) && !PyUnicode_CompareWithASCIIString(name, "bool"))
        return PyObject_GetAttrString(module, "bool_");
    return PyErr_Format(PyExc_AttributeError, "module 'mlx.core' has no attribute '%U'", name);
}

static PyMethodDef core_functions[] = {
    {"__getattr__", module_attribute, METH_O, "What the module has besides its entries: bool."},
    {"__array_namespace_info__", namespace_info, METH_NOARGS,
     "__array_namespace_info__() -> ArrayNamespaceInfo\n\n"
     "Capabilities, devices and dtypes, as the array API standard "
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
    return add_constants(module) || PyModule_AddFunctions(module, core_functions) ||
                   add_functions(module, "metal", metal_functions)
               ? -1
               : 0;
}
