/* The module mlx.core: its parts, one after the other. */
#include "py.h"

/* Errors are read with mlx_last_error_message; nothing is printed. */
static void keep_quiet(const char *message, void *data) {
    (void)message, (void)data;
}

static int (*const parts[])(PyObject *module) = {
    mpy_init_error,      mpy_init_array,
    mpy_init_iterate,    mpy_init_at,
    mpy_init_print,      mpy_init_io,
    mpy_init_dtype,      mpy_init_numinfo,
    mpy_init_device,     mpy_init_stream,
    mpy_init_asarray,    mpy_init_functions,
    mpy_init_random,     mpy_init_process,
    mpy_init_names,      mpy_init_gpu_kernel,
    mpy_init_interrupt,  mpy_init_tree,
    mpy_init_eval,       mpy_init_transform,
    mpy_init_grad,       mpy_init_products,
    mpy_init_vmap,       mpy_init_compile,
    mpy_init_custom,     mpy_init_function_file,
    mpy_init_model_file, mpy_init_storage,
    mpy_init_place,      mpy_init_profile,
    mpy_init_debug,      mpy_init_model_convert,
    mpy_init_plugins,    mpy_init_model_write,
    mpy_init_lm,
};

/* Settings of the environment that make no sense are an error of the import: the first evaluation
   checks them. */
static int check_environment(void) {
    mlx_stream s = {NULL};
    mlx_array a = mlx_array_new_int(1);
    int failed = mlx_negative(&a, a, s) || mlx_array_eval(a);
    mlx_array_free(a);
    if (failed)
        PyErr_SetString(PyExc_ImportError, mlx_last_error_message());
    return failed;
}

/* Programs add methods to the original's types, which are made at run time: ours take attributes
   too. */
static void open_types(PyObject *module) {
    PyObject *name, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(PyModule_GetDict(module), &at, &name, &value))
        if (PyType_Check(value))
            ((PyTypeObject *)value)->tp_flags &= ~Py_TPFLAGS_IMMUTABLETYPE;
}

/* The GIL guards every object here: a free-threaded interpreter turns it on for us (slots), unless
   it was told never to. */
static int check_gil(void) {
#ifdef Py_GIL_DISABLED
    PyObject *is_on = PySys_GetObject("_is_gil_enabled"),
             *on = is_on ? PyObject_CallNoArgs(is_on) : NULL;
    int off = on == Py_False;
    Py_XDECREF(on);
    if (is_on && !on)
        return -1;
    if (off) {
        PyErr_SetString(PyExc_ImportError,
                        "mlx.core needs the GIL: start Python without -X gil=0 and PYTHON_GIL=0");
        return -1;
    }
#endif
    return 0;
}

static int module_exec(PyObject *module) {
    mlx_set_error_handler(keep_quiet, NULL, NULL);
    if (check_gil() || check_environment())
        return -1;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i](module))
            return -1;
    open_types(module);
    // that of the original whose interface this is: programs compare it
    return PyModule_AddStringConstant(module, "__version__", MLX_VERSION_TEXT(MLX_PYTHON_VERSION));
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, module_exec},
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_USED},
#endif
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "mlx.core",
    .m_doc = "Arrays, their operations, and transforms of functions of arrays.",
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_core(void) {
    return PyModuleDef_Init(&definition);
}
