/* DeviceType, Device, and the functions on them. Streams are in stream.c. */
#include "host/device.h"
#include "host/docs.h"

static PyTypeObject device_type;

/* The members of DeviceType, and the first device of each. */
enum { TYPES = 2 };
static PyObject *type_objects[TYPES];
static PyObject *first_devices[TYPES];

static const char *type_name(int i) {
    return i == MLX_GPU ? "gpu" : "cpu";
}

static int type_index(PyObject *o) {
    return o == type_objects[0] ? 0 : o == type_objects[1] ? 1 : -1;
}

PyObject *mpy_wrong_type(PyObject *o, const char *expected) {
    return PyErr_Format(PyExc_TypeError, "expected %s, got %.100s", expected, Py_TYPE(o)->tp_name);
}

/* --- Device ----------------------------------------------------------------------------------- */

PyObject *mpy_device_wrap(mlx_device handle) {
    if (!handle.ctx)
        return mpy_raise();
    mpy_device *self = PyObject_New(mpy_device, &device_type);
    if (!self) {
        mlx_device_free(handle);
        return NULL;
    }
    self->handle = handle;
    self->stream = (mlx_stream){NULL};
    return (PyObject *)self;
}

static PyObject *device_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    (void)type;
    static char *keywords[] = {"type", "index", NULL};
    PyObject *o;
    int index = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|i:Device", keywords, &o, &index))
        return NULL;
    int t = type_index(o);
    return t < 0 ? mpy_wrong_type(o, "a DeviceType (mlx.core.cpu or mlx.core.gpu)")
                 : mpy_device_wrap(mlx_device_new_type((mlx_device_type)t, index));
}

static void device_dealloc(PyObject *o) {
    mlx_device_free(((mpy_device *)o)->handle);
    mlx_stream_free(((mpy_device *)o)->stream);
    Py_TYPE(o)->tp_free(o);
}

PyObject *mpy_text_of(int status, mlx_string text) {
    PyObject *result = status ? mpy_raise() : PyUnicode_FromString(mlx_string_data(text));
    mlx_string_free(text);
    return result;
}

static PyObject *device_repr(PyObject *o) {
    mlx_string text = mlx_string_new();
    int status = mlx_device_tostring(&text, ((mpy_device *)o)->handle);
    return mpy_text_of(status, text);
}

static int device_key(PyObject *o, mlx_device_type *type, int *index) {
    mlx_device handle = ((mpy_device *)o)->handle;
    return mlx_device_get_type(type, handle) || mlx_device_get_index(index, handle);
}

static Py_hash_t device_hash(PyObject *o) {
    mlx_device_type type = MLX_CPU;
    int index = 0;
    device_key(o, &type, &index);
    return (Py_hash_t)(((uint64_t)(uint32_t)index << 1 | (type == MLX_GPU)) & INT64_MAX);
}

/* A device, or the first device of a type, borrowed; NULL without an exception for anything
   else. */
PyObject *mpy_as_device(PyObject *o) {
    int t = type_index(o);
    return t >= 0 ? first_devices[t] : Py_IS_TYPE(o, &device_type) ? o : NULL;
}

static PyObject *device_compare(PyObject *a, PyObject *b, int op) {
    PyObject *x = mpy_as_device(a), *y = mpy_as_device(b);
    if ((op != Py_EQ && op != Py_NE) || !x || !y)
        Py_RETURN_NOTIMPLEMENTED;
    bool same = mlx_device_equal(((mpy_device *)x)->handle, ((mpy_device *)y)->handle);
    return PyBool_FromLong(same == (op == Py_EQ));
}

static PyObject *device_get_type(PyObject *o, void *closure) {
    (void)closure;
    mlx_device_type type;
    int index;
    return device_key(o, &type, &index) ? mpy_raise() : Py_NewRef(type_objects[type]);
}

static PyObject *device_get_index(PyObject *o, void *closure) {
    (void)closure;
    mlx_device_type type;
    int index;
    return device_key(o, &type, &index) ? mpy_raise() : PyLong_FromLong(index);
}

static PyGetSetDef device_getset[] = {
    {"type", device_get_type, NULL, "cpu or gpu.", NULL},
    {"index", device_get_index, NULL, "Which device of this type.", NULL},
    {NULL},
};

static PyTypeObject device_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.Device",
    .tp_basicsize = sizeof(mpy_device),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = device_new,
    .tp_dealloc = device_dealloc,
    .tp_repr = device_repr,
    .tp_hash = device_hash,
    .tp_richcompare = device_compare,
    .tp_getset = device_getset,
    .tp_doc = DOC_DEVICE,
};

/* The default stream of a device, borrowed from it. */
int mpy_device_stream(mlx_stream *out, PyObject *o) {
    mpy_device *self = (mpy_device *)o;
    bool available = false;
    if (mlx_device_is_available(&available, self->handle))
        return mpy_raise(), -1;
    if (!available) {
        PyErr_Format(PyExc_ValueError, "[default_stream] %R is not available.", o);
        return -1;
    }
    if (mlx_get_default_stream(&self->stream, self->handle))
        return mpy_raise(), -1;
    *out = self->stream;
    return 0;
}

/* --- functions -------------------------------------------------------------------------------- */

/* The one argument of a function, which may be given by its name. */
PyObject *mpy_argument(PyObject *args, PyObject *kwargs, const char *format, const char *name) {
    char *keywords[] = {(char *)name, NULL};
    PyObject *o = Py_None;
    return PyArg_ParseTupleAndKeywords(args, kwargs, format, keywords, &o) ? o : NULL;
}

/* The one argument, a device or a type. */
mpy_device *mpy_device_argument(PyObject *args, PyObject *kwargs, const char *format) {
    PyObject *o = mpy_argument(args, kwargs, format, "device"),
             *device = o ? mpy_as_device(o) : NULL;
    if (o && !device)
        mpy_wrong_type(o, "a Device or DeviceType");
    return (mpy_device *)device;
}

static PyObject *default_device(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    mlx_device dev = {NULL};
    return mlx_get_default_device(&dev) ? mpy_raise() : mpy_device_wrap(dev);
}

static PyObject *set_default_device(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    mpy_device *device = mpy_device_argument(args, kwargs, "O:set_default_device");
    if (!device)
        return NULL;
    return mlx_set_default_device(device->handle) ? mpy_raise() : Py_NewRef(Py_None);
}

static PyObject *is_available(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    mpy_device *device = mpy_device_argument(args, kwargs, "O:is_available");
    bool yes;
    if (!device)
        return NULL;
    return mlx_device_is_available(&yes, device->handle) ? mpy_raise() : PyBool_FromLong(yes);
}

static PyObject *device_count(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    PyObject *o = mpy_argument(args, kwargs, "O:device_count", "device_type");
    int type = o ? type_index(o) : -1, count;
    if (!o)
        return NULL;
    if (type < 0)
        return mpy_wrong_type(o, "a DeviceType");
    return mlx_device_count(&count, (mlx_device_type)type) ? mpy_raise() : PyLong_FromLong(count);
}

/* --- device_info ------------------------------------------------------------------------------ */

static PyObject *info_value(mlx_device_info info, const char *key) {
    bool is_string = false;
    const char *text = NULL;
    size_t number = 0;
    if (mlx_device_info_is_string(&is_string, info, key))
        return mpy_raise();
    if (is_string)
        return mlx_device_info_get_string(&text, info, key) ? mpy_raise()
                                                            : PyUnicode_FromString(text);
    return mlx_device_info_get_size(&number, info, key) ? mpy_raise() : PyLong_FromSize_t(number);
}

static int fill_info(PyObject *dict, mlx_device_info info, mlx_vector_string keys) {
    for (size_t i = 0; i < mlx_vector_string_size(keys); i++) {
        char *key;
        PyObject *value =
            mlx_vector_string_get(&key, keys, i) ? mpy_raise() : info_value(info, key);
        int status = value ? PyDict_SetItemString(dict, key, value) : -1;
        Py_XDECREF(value);
        if (status)
            return -1;
    }
    return 0;
}

PyObject *mpy_device_info(PyObject *o) {
    mlx_device dev = {NULL};
    mlx_device_info info = mlx_device_info_new();
    mlx_vector_string keys = mlx_vector_string_new();
    PyObject *device = o == Py_None ? NULL : mpy_as_device(o), *dict = NULL;
    bool available = false;
    if (o != Py_None && !device)
        mpy_wrong_type(o, "a Device, a DeviceType or None");
    else if (device ? mlx_device_set(&dev, ((mpy_device *)device)->handle)
                    : mlx_get_default_device(&dev))
        mpy_raise();
    else if (mlx_device_is_available(&available, dev))
        mpy_raise();
    else if (available &&
             (mlx_device_info_get(&info, dev) || mlx_device_info_get_keys(&keys, info)))
        mpy_raise();
    else
        dict = PyDict_New();
    if (dict && fill_info(dict, info, keys))
        Py_CLEAR(dict);
    mlx_vector_string_free(keys);
    mlx_device_info_free(info);
    mlx_device_free(dev);
    return dict;
}

static PyObject *device_info(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    PyObject *o = mpy_argument(args, kwargs, "|O:device_info", "d");
    return o ? mpy_device_info(o) : NULL;
}

/* --- the module's part ------------------------------------------------------------------------ */

#define KEYWORDS(f) (PyCFunction)(void *)(f), METH_VARARGS | METH_KEYWORDS

static PyMethodDef functions[] = {
    {"default_device", default_device, METH_NOARGS, DOC_DEFAULT_DEVICE},
    {"set_default_device", KEYWORDS(set_default_device), DOC_SET_DEFAULT_DEVICE},
    {"is_available", KEYWORDS(is_available), DOC_IS_AVAILABLE},
    {"device_count", KEYWORDS(device_count), DOC_DEVICE_COUNT},
    {"device_info", KEYWORDS(device_info), DOC_DEVICE_INFO},
    {NULL},
};

static int make_types(PyObject *module) {
    PyObject *cls = mpy_enum(module, "DeviceType", type_objects, TYPES, type_name);
    Py_XDECREF(cls);
    if (!cls)
        return -1;
    for (int t = 0; t < TYPES; t++)
        if (!(first_devices[t] = mpy_device_wrap(mlx_device_new_type((mlx_device_type)t, 0))))
            return -1;
    return 0;
}

int mpy_init_device(PyObject *module) {
    if (PyModule_AddType(module, &device_type) || PyModule_AddFunctions(module, functions))
        return -1;
    return make_types(module);
}
