/* x.at[...].add(v) and its like: what lies at an index combined with v, each place as often as it
   is named. */
#include "index/index_set.h"
#include "array/docs.h"

typedef struct array_at {
    PyObject_HEAD PyObject *array, *key;
} array_at;

static PyTypeObject at_type;

static PyObject *at_new(PyObject *array, PyObject *key) {
    array_at *self = PyObject_GC_New(array_at, &at_type);
    if (!self)
        return NULL;
    self->array = Py_NewRef(array);
    self->key = Py_XNewRef(key);
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

PyObject *mpy_array_at_property(PyObject *o, void *unused) {
    (void)unused;
    return at_new(o, NULL);
}

static int at_traverse(PyObject *o, visitproc visit, void *arg) {
    Py_VISIT(((array_at *)o)->array);
    Py_VISIT(((array_at *)o)->key);
    return 0;
}

static void at_dealloc(PyObject *o) {
    PyObject_GC_UnTrack(o);
    Py_XDECREF(((array_at *)o)->array);
    Py_XDECREF(((array_at *)o)->key);
    PyObject_GC_Del(o);
}

static PyObject *at_get(PyObject *o, PyObject *key) {
    return at_new(((array_at *)o)->array, key);
}

/* --- combining -------------------------------------------------------------------------------- */

static PyObject *update(PyObject *o, PyObject *value, mpy_update how, int negate) {
    array_at *self = (array_at *)o;
    mlx_array x = {NULL}, v = {NULL}, out = {NULL};
    mlx_stream s = {NULL};
    if (!self->key)
        return PyErr_Format(PyExc_ValueError,
                            "Must give indices to array.at (e.g. `x.at[0].add(4)`).");
    int status = mlx_array_set(&x, mpy_array_handle(self->array)) ? (mpy_raise(), -1) : 0;
    if (!status)
        status = mpy_index_value(&v, value, mlx_array_dtype(x));
    if (!status && negate && mlx_negative(&v, v, s))
        status = (mpy_raise(), -1);
    if (!status)
        status = mpy_index_update(&out, x, self->key, &v, how);
    mlx_array_free(v);
    mlx_array_free(x);
    if (!status)
        return mpy_array_wrap(out);
    mlx_array_free(out);
    return NULL;
}

static PyObject *at_add(PyObject *o, PyObject *value) {
    return update(o, value, MPY_ADD, 0);
}

static PyObject *at_subtract(PyObject *o, PyObject *value) {
    return update(o, value, MPY_ADD, 1);
}

static PyObject *at_multiply(PyObject *o, PyObject *value) {
    return update(o, value, MPY_PROD, 0);
}

static PyObject *at_maximum(PyObject *o, PyObject *value) {
    return update(o, value, MPY_MAX, 0);
}

static PyObject *at_minimum(PyObject *o, PyObject *value) {
    return update(o, value, MPY_MIN, 0);
}

/* x over the product of the values at each place. */
static int divide(mlx_array *out, mlx_array x, PyObject *key, mlx_array *v) {
    mlx_array ones = {NULL};
    mlx_stream s = {NULL};
    int status = mlx_ones_like(&ones, x, s) ? (mpy_raise(), -1) : 0;
    if (!status)
        status = mpy_index_update(out, ones, key, v, MPY_PROD);
    if (!status && (mlx_divide(out, x, *out, s) || mlx_astype(out, *out, mlx_array_dtype(x), s)))
        status = (mpy_raise(), -1);
    mlx_array_free(ones);
    return status;
}

static PyObject *at_divide(PyObject *o, PyObject *value) {
    array_at *self = (array_at *)o;
    mlx_array x = {NULL}, v = {NULL}, out = {NULL};
    if (!self->key)
        return update(o, value, MPY_SET, 0);
    int status = mlx_array_set(&x, mpy_array_handle(self->array)) ? (mpy_raise(), -1) : 0;
    if (!status)
        status = mpy_index_value(&v, value, mlx_array_dtype(x)) || divide(&out, x, self->key, &v)
                     ? -1
                     : 0;
    mlx_array_free(v);
    mlx_array_free(x);
    if (!status)
        return mpy_array_wrap(out);
    mlx_array_free(out);
    return NULL;
}

static PyMethodDef at_methods[] = {
    {"add", at_add, METH_O,
     "add(self, value) -> array\n\nvalue added at each index, as often as it is named."},
    {"subtract", at_subtract, METH_O,
     "subtract(self, value) -> array\n\nvalue subtracted at each index."},
    {"multiply", at_multiply, METH_O,
     "multiply(self, value) -> array\n\nMultiplied by value at each index."},
    {"divide", at_divide, METH_O,
     "divide(self, value) -> array\n\nDivided by value at each index."},
    {"maximum", at_maximum, METH_O,
     "maximum(self, value) -> array\n\nThe larger of both at each index."},
    {"minimum", at_minimum, METH_O,
     "minimum(self, value) -> array\n\nThe smaller of both at each index."},
    {NULL},
};

static PyMappingMethods at_mapping = {.mp_subscript = at_get};

static PyTypeObject at_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.ArrayAt",
    .tp_basicsize = sizeof(array_at),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = at_dealloc,
    .tp_traverse = at_traverse,
    .tp_as_mapping = &at_mapping,
    .tp_methods = at_methods,
    .tp_doc = DOC_ARRAY_AT,
};

int mpy_init_at(PyObject *module) {
    return PyModule_AddType(module, &at_type);
}
