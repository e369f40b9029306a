/* Hints at the end of messages: what was given in place of an argument says what was meant. */
#include "function/function.h"

#define ACCEPTS(p, kind) ((p)->accepts >> MLX_VALUE_##kind & 1)

static PyObject *nothing(void) {
    return PyUnicode_FromString("");
}

static bool is_called(const mpy_function *f, const char *name) {
    return !PyUnicode_CompareWithASCIIString(f->name, name);
}

static bool begins_with_shape(const mpy_function *f) {
    return f->count && !PyUnicode_CompareWithASCIIString(f->parameters[0].name, "shape");
}

/* A number where a dtype should stand: sizes one by one, or view instead of reshape. */
static PyObject *sizes_hint(const mpy_function *f) {
    if (begins_with_shape(f))
        return PyUnicode_FromFormat(": sizes stand in one tuple, %U((2, 3))", f->name);
    if (is_called(f, "view"))
        return PyUnicode_FromString(
            ": view reads the bytes as another dtype, reshape changes the shape");
    return nothing();
}

static PyObject *device_hint(PyObject *o) {
    bool cpu = !PyUnicode_CompareWithASCIIString(o, "cpu"),
         gpu = !PyUnicode_CompareWithASCIIString(o, "gpu");
    return cpu || gpu ? PyUnicode_FromFormat(": write mlx.core.%U", o) : nothing();
}

PyObject *mpy_hint(const mpy_function *f, const mpy_parameter *p, PyObject *o) {
    if (ACCEPTS(p, DTYPE))
        return PyLong_Check(o) ? sizes_hint(f) : mpy_dtype_hint(o);
    if (ACCEPTS(p, STREAM))
        return PyUnicode_Check(o) ? device_hint(o) : nothing();
    if (ACCEPTS(p, ARRAY) && (PyList_Check(o) || PyTuple_Check(o)))
        return PyUnicode_FromString(": make an array of it, mlx.core.array(...)");
    if (ACCEPTS(p, INTS) && !ACCEPTS(p, INT) && PyLong_Check(o))
        return PyUnicode_FromFormat(": write (%S,)", o);
    if ((ACCEPTS(p, INT) || ACCEPTS(p, INTS)) && PyFloat_Check(o))
        return PyUnicode_FromString(": it is a whole number");
    return nothing();
}

/* NumPy's functions call methods of the same name, with arguments of their own. */
const char *mpy_keyword_hint(const mpy_function *f, PyObject *name) {
    bool method = !strcmp(f->op->module, "mlx.core.array");
    bool numpy = !PyUnicode_CompareWithASCIIString(name, "out") ||
                 !PyUnicode_CompareWithASCIIString(name, "dtype");
    return method && numpy
               ? "; for NumPy's function make a NumPy array, numpy.array(a), or take mlx.core's "
                 "function"
               : "";
}
