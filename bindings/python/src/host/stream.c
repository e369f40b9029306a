/* Stream, ThreadLocalStream, StreamContext, and the functions on them. */
#include "host/device.h"
#include "host/docs.h"

#include <limits.h>

typedef struct mpy_stream {
    PyObject_HEAD mlx_stream handle;
} mpy_stream;

static PyTypeObject stream_type, thread_stream_type;

/* --- Stream and ThreadLocalStream ------------------------------------------------------------- */

static PyObject *stream_wrap(PyTypeObject *type, mlx_stream handle) {
    if (!handle.ctx)
        return mpy_raise();
    mpy_stream *self = PyObject_New(mpy_stream, type);
    if (self)
        self->handle = handle;
    else
        mlx_stream_free(handle);
    return (PyObject *)self;
}

PyObject *mpy_stream_wrap(mlx_stream handle) {
    return stream_wrap(&stream_type, handle);
}

static int is_stream(PyObject *o) {
    return Py_IS_TYPE(o, &stream_type) || Py_IS_TYPE(o, &thread_stream_type);
}

static void stream_dealloc(PyObject *o) {
    mlx_stream_free(((mpy_stream *)o)->handle);
    Py_TYPE(o)->tp_free(o);
}

static PyObject *stream_repr(PyObject *o) {
    mlx_string text = mlx_string_new();
    int status = mlx_stream_tostring(&text, ((mpy_stream *)o)->handle);
    if (!status && Py_IS_TYPE(o, &thread_stream_type)) {
        PyObject *result = PyUnicode_FromFormat("ThreadLocal%s", mlx_string_data(text));
        mlx_string_free(text);
        return result;
    }
    return mpy_text_of(status, text);
}

static Py_hash_t stream_hash(PyObject *o) {
    int index = 0;
    mlx_stream_get_index(&index, ((mpy_stream *)o)->handle);
    return index;
}

static PyObject *stream_compare(PyObject *a, PyObject *b, int op) {
    if ((op != Py_EQ && op != Py_NE) || Py_TYPE(a) != Py_TYPE(b))
        Py_RETURN_NOTIMPLEMENTED;
    bool same = mlx_stream_equal(((mpy_stream *)a)->handle, ((mpy_stream *)b)->handle);
    return PyBool_FromLong(same == (op == Py_EQ));
}

static PyObject *stream_device(PyObject *o, void *closure) {
    (void)closure;
    mlx_device dev = {NULL};
    return mlx_stream_get_device(&dev, ((mpy_stream *)o)->handle) ? mpy_raise()
                                                                  : mpy_device_wrap(dev);
}

/* Numbers of a stream that can be set: the closure of their attributes. */
typedef struct stream_number {
    const char *name;
    int (*get)(int *n, mlx_stream stream);
    int (*set)(mlx_stream stream, int n);
} stream_number;

static stream_number priority = {"priority", mlx_stream_get_priority, mlx_stream_set_priority},
                     threads = {"threads", mlx_stream_get_threads, mlx_stream_set_threads};

static PyObject *get_number(PyObject *o, void *number) {
    int n = 0;
    return ((stream_number *)number)->get(&n, ((mpy_stream *)o)->handle) ? mpy_raise()
                                                                         : PyLong_FromLong(n);
}

static int set_number(PyObject *o, PyObject *value, void *number) {
    const stream_number *of = number;
    if (!value)
        return PyErr_Format(PyExc_TypeError, "a stream's %s cannot be deleted", of->name), -1;
    long given = PyLong_AsLong(value);
    if (given == -1 && PyErr_Occurred())
        return -1;
    int n = given > INT_MAX ? INT_MAX : given < INT_MIN ? INT_MIN : (int)given;
    return of->set(((mpy_stream *)o)->handle, n) ? (mpy_raise(), -1) : 0;
}

static PyGetSetDef stream_getset[] = {
    {"device", stream_device, NULL, "The device that the stream is a queue of.", NULL},
    {"priority", get_number, set_number,
     "While an evaluation on a stream of higher priority is under way the others pause: -100 to 100, 0\n"
     "unless set.",
     &priority},
    {"threads", get_number, set_number,
     "How many threads may compute at a time for an evaluation on the stream: 1 to 1024, or 0 for all, which\n"
     "it is unless set. Results do not depend on it.",
     &threads},
    {NULL},
};

static PyTypeObject stream_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.Stream",
    .tp_basicsize = sizeof(mpy_stream),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = stream_dealloc,
    .tp_repr = stream_repr,
    .tp_hash = stream_hash,
    .tp_richcompare = stream_compare,
    .tp_getset = stream_getset,
    .tp_doc = DOC_STREAM_TYPE,
};

static PyTypeObject thread_stream_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.ThreadLocalStream",
    .tp_basicsize = sizeof(mpy_stream),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = stream_dealloc,
    .tp_repr = stream_repr,
    .tp_hash = stream_hash,
    .tp_richcompare = stream_compare,
    .tp_getset = stream_getset,
    .tp_doc = DOC_THREAD_LOCAL_STREAM,
};

int mpy_stream_from(mlx_stream *out, PyObject *o) {
    *out = (mlx_stream){NULL};
    if (o == Py_None)
        return 0;
    if (is_stream(o)) {
        *out = ((mpy_stream *)o)->handle;
        return 0;
    }
    PyObject *device = mpy_as_device(o);
    return device ? mpy_device_stream(out, device)
                  : (mpy_wrong_type(o, "a Stream, a Device or None"), -1);
}

/* --- functions -------------------------------------------------------------------------------- */

static PyObject *default_stream(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    mpy_device *device = mpy_device_argument(args, kwargs, "O:default_stream");
    mlx_stream borrowed, s = {NULL};
    if (!device || mpy_device_stream(&borrowed, (PyObject *)device))
        return NULL;
    return mlx_stream_set(&s, borrowed) ? mpy_raise() : mpy_stream_wrap(s);
}

static PyObject *set_default_stream(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    PyObject *o = mpy_argument(args, kwargs, "O:set_default_stream", "stream");
    if (!o)
        return NULL;
    if (!Py_IS_TYPE(o, &stream_type))
        return mpy_wrong_type(o, "a Stream");
    return mlx_set_default_stream(((mpy_stream *)o)->handle) ? mpy_raise() : Py_NewRef(Py_None);
}

static PyObject *new_stream(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    mpy_device *device = mpy_device_argument(args, kwargs, "O:new_stream");
    return device ? mpy_stream_wrap(mlx_stream_new_device(device->handle)) : NULL;
}

static PyObject *new_thread_local_stream(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    mpy_device *device = mpy_device_argument(args, kwargs, "O:new_thread_local_stream");
    return device ? stream_wrap(&thread_stream_type, mlx_new_thread_local_stream(device->handle))
                  : NULL;
}

static PyObject *synchronize(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    PyObject *o = mpy_argument(args, kwargs, "|O:synchronize", "stream");
    mlx_stream s;
    int status;
    if (!o || mpy_stream_from(&s, o))
        return NULL;
    MPY_WAIT(status, mlx_synchronize(s));
    return status ? mpy_raise() : Py_NewRef(Py_None);
}

static PyObject *clear_streams(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    int status;
    MPY_WAIT(status, mlx_clear_streams());
    return status ? mpy_raise() : Py_NewRef(Py_None);
}

/* --- StreamContext: default device and stream, put back at the end ---------------------------- */

typedef struct stream_context {
    PyObject_HEAD PyObject *target;
    mlx_device device;
    mlx_stream stream;
} stream_context;

static PyObject *context_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *o = mpy_argument(args, kwargs, "O:stream", "s");
    if (!o)
        return NULL;
    if (!is_stream(o) && !mpy_as_device(o))
        return mpy_wrong_type(o, "a Stream, a Device or a DeviceType");
    stream_context *self = (stream_context *)type->tp_alloc(type, 0);
    if (self)
        self->target = Py_NewRef(o);
    return (PyObject *)self;
}

static void context_dealloc(PyObject *o) {
    stream_context *self = (stream_context *)o;
    Py_XDECREF(self->target);
    mlx_device_free(self->device);
    mlx_stream_free(self->stream);
    Py_TYPE(o)->tp_free(o);
}

static PyObject *context_enter(PyObject *o, PyObject *unused) {
    (void)unused;
    stream_context *self = (stream_context *)o;
    mlx_stream s;
    mlx_device dev = {NULL};
    if (mpy_stream_from(&s, self->target))
        return NULL;
    int status = mlx_stream_get_device(&dev, s) || mlx_get_default_stream(&self->stream, dev) ||
                 mlx_set_thread_device(&self->device, dev) || mlx_set_default_stream(s);
    mlx_device_free(dev);
    return status ? mpy_raise() : Py_NewRef(Py_None);
}

static PyObject *context_exit(PyObject *o, PyObject *args) {
    (void)args;
    stream_context *self = (stream_context *)o;
    if (!self->stream.ctx)
        Py_RETURN_NONE;
    if (mlx_set_default_stream(self->stream) || mlx_set_thread_device(NULL, self->device))
        return mpy_raise();
    Py_RETURN_NONE;
}

static PyMethodDef context_methods[] = {
    {"__enter__", context_enter, METH_NOARGS, "Make the stream the default."},
    {"__exit__", context_exit, METH_VARARGS, "Make the former stream the default again."},
    {NULL},
};

static PyTypeObject context_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.StreamContext",
    .tp_basicsize = sizeof(stream_context),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = context_new,
    .tp_dealloc = context_dealloc,
    .tp_methods = context_methods,
    .tp_doc = DOC_STREAM_CONTEXT,
};

static PyObject *stream(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    return context_new(&context_type, args, kwargs);
}

/* --- the module's part ------------------------------------------------------------------------ */

#define KEYWORDS(f) (PyCFunction)(void *)(f), METH_VARARGS | METH_KEYWORDS

static PyMethodDef functions[] = {
    {"default_stream", KEYWORDS(default_stream), DOC_DEFAULT_STREAM},
    {"set_default_stream", KEYWORDS(set_default_stream), DOC_SET_DEFAULT_STREAM},
    {"new_stream", KEYWORDS(new_stream), DOC_NEW_STREAM},
    {"new_thread_unsafe_stream", KEYWORDS(new_stream), DOC_NEW_THREAD_UNSAFE_STREAM},
    {"new_thread_local_stream", KEYWORDS(new_thread_local_stream), DOC_NEW_THREAD_LOCAL_STREAM},
    {"stream", KEYWORDS(stream), DOC_STREAM},
    {"synchronize", KEYWORDS(synchronize), DOC_SYNCHRONIZE},
    {"clear_streams", clear_streams, METH_NOARGS, DOC_CLEAR_STREAMS},
    {NULL},
};

int mpy_init_stream(PyObject *module) {
    if (PyModule_AddType(module, &stream_type) || PyModule_AddType(module, &thread_stream_type) ||
        PyModule_AddType(module, &context_type) || PyModule_AddFunctions(module, functions))
        return -1;
    return 0;
}
