/* The submodule mlx.core._lm. */
#include "lm/lm.h"

static PyMethodDef functions[] = {
    {"open", mpy_lm_open, METH_VARARGS, NULL},
    {"batch", (PyCFunction)(void *)mpy_lm_batch_open, METH_VARARGS | METH_KEYWORDS, NULL},
    {"tokenizer", mpy_lm_tokenizer_open, METH_VARARGS, NULL},
    {"tokenizer_bytes", mpy_lm_tokenizer_bytes, METH_VARARGS, NULL},
    {"find", mpy_lm_find, METH_VARARGS, NULL},
    {NULL}};

int mpy_init_lm(PyObject *module) {
    PyObject *sub = PyImport_AddModule("mlx.core._lm"); // borrowed
    if (!sub || mpy_lm_init_model() || mpy_lm_init_tokenizer() || mpy_lm_init_batch() ||
        PyModule_AddFunctions(sub, functions))
        return -1;
    return PyModule_AddObjectRef(module, "_lm", sub);
}
