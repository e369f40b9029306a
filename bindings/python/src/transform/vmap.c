/* mlx.core.vmap: first holds in_axes, second out_axes; each is an int, None, or a tree that is a
 * prefix of the tree of arguments or results. */
#include "transform/docs.h"
#include "transform/transform.h"

/* --- axes ------------------------------------------------------------------------------------- */

enum { NO_AXIS = -1 };

/* The axis of each array of a tree, in order. */
typedef struct axes {
    const mlx_vector_array *arrays;
    int *axis;
    size_t count;
    bool output;   /* the batch axis is one more than the array has */
    PyObject *now; /* what the prefix says of the leaves below */
} axes;

static PyObject *shape_text(mlx_array a) {
    PyObject *list = PyList_New(0), *comma = PyUnicode_FromString(","), *text = NULL, *joined;
    for (size_t i = 0; list && i < mlx_array_ndim(a); i++) {
        PyObject *size = PyUnicode_FromFormat("%d", mlx_array_shape(a)[i]);
        if (!size || PyList_Append(list, size))
            Py_CLEAR(list);
        Py_XDECREF(size);
    }
    joined = list && comma ? PyUnicode_Join(comma, list) : NULL;
    text = joined ? PyUnicode_FromFormat("(%U)", joined) : NULL;
    Py_XDECREF(list);
    Py_XDECREF(comma);
    Py_XDECREF(joined);
    return text;
}

static int wrong_axis(const axes *x, long axis, mlx_array a) {
    PyObject *shape = shape_text(a);
    if (shape)
        PyErr_Format(mpy_range_error,
                     "[vmap] Invalid %svectorization axis %ld for array with shape %U",
                     x->output ? "output " : "", axis, shape);
    Py_XDECREF(shape);
    return -1;
}

/* An axis in the range of the array, counted from the front. */
static int axis_of(axes *x, mlx_array a) {
    if (x->now == Py_None)
        return NO_AXIS;
    if (!PyLong_Check(x->now))
        return PyErr_SetString(PyExc_ValueError, "[vmap] axis must be int or None."), -2;
    long n = (long)mlx_array_ndim(a) + x->output, axis = PyLong_AsLong(x->now);
    if (axis == -1 && PyErr_Occurred())
        return -2;
    axis = axis < 0 ? axis + n : axis;
    return axis < 0 || axis >= n ? wrong_axis(x, axis, a), -2 : (int)axis;
}

static int take_axis(PyObject *leaf, void *state) {
    axes *x = state;
    mlx_array a = mlx_array_new();
    if (!mpy_array_check(leaf) && leaf != mpy_hole)
        return 0;
    if (mlx_vector_array_get(&a, *x->arrays, x->count))
        return mpy_raise(), -1;
    x->axis[x->count] = axis_of(x, a);
    mlx_array_free(a);
    return x->axis[x->count++] == -2 ? -1 : 0;
}

static int no_prefix(void) {
    PyErr_SetString(PyExc_ValueError,
                    "[tree_map] Additional input tree is not a valid prefix of the first tree.");
    return -1;
}

static int spread(axes *x, PyObject *tree, PyObject *prefix);

static int spread_items(axes *x, PyObject *tree, PyObject *prefix) {
    Py_ssize_t n = PySequence_Fast_GET_SIZE(tree);
    if (PyList_Check(tree) != PyList_Check(prefix) || PyDict_Check(prefix) ||
        PySequence_Fast_GET_SIZE(prefix) != n)
        return no_prefix();
    PyObject *below = PySequence_Tuple(tree), *given = below ? PySequence_Tuple(prefix) : NULL;
    int failed = !given;
    for (Py_ssize_t i = 0; !failed && i < n; i++)
        failed = spread(x, PyTuple_GET_ITEM(below, i), PyTuple_GET_ITEM(given, i));
    Py_XDECREF(below), Py_XDECREF(given);
    return failed ? -1 : 0;
}

static int spread_values(axes *x, PyObject *tree, PyObject *prefix) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    if (!PyDict_Check(prefix) || PyDict_GET_SIZE(tree) != PyDict_GET_SIZE(prefix))
        return no_prefix();
    while (PyDict_Next(tree, &at, &key, &value)) {
        Py_INCREF(key), Py_INCREF(value);
        PyObject *below = Py_XNewRef(PyDict_GetItemWithError(prefix, key));
        int failed = below ? spread(x, value, below) : PyErr_Occurred() ? -1 : no_prefix();
        Py_DECREF(key), Py_DECREF(value), Py_XDECREF(below);
        if (failed)
            return -1;
    }
    return 0;
}

/* Give the arrays of the tree the axes of the prefix. */
static int spread(axes *x, PyObject *tree, PyObject *prefix) {
    int status;
    if (!PyDict_Check(prefix) && !PyList_Check(prefix) && !PyTuple_Check(prefix)) {
        x->now = prefix;
        return mpy_tree_visit(tree, take_axis, x);
    }
    if (!PyDict_Check(tree) && !PyList_Check(tree) && !PyTuple_Check(tree))
        return no_prefix();
    if (Py_EnterRecursiveCall(" in a tree of axes"))
        return -1;
    status = PyDict_Check(tree) ? spread_values(x, tree, prefix) : spread_items(x, tree, prefix);
    Py_LeaveRecursiveCall();
    return status;
}

/* One axis for the only argument or result may stand in a tuple, as several do. */
static PyObject *unwrapped(PyObject *tree, PyObject *prefix) {
    bool one = PyTuple_Check(prefix) && PyTuple_GET_SIZE(prefix) == 1 && !PyTuple_Check(tree);
    return one ? PyTuple_GET_ITEM(prefix, 0) : prefix;
}

/* Freed with PyMem_Free. */
static int *axes_of(PyObject *tree, PyObject *prefix, const mlx_vector_array *arrays, bool output) {
    axes x = {arrays, PyMem_Calloc(mlx_vector_array_size(*arrays) + 1, sizeof(int)), 0, output,
              NULL};
    if (!x.axis)
        return PyErr_NoMemory(), NULL;
    if (!spread(&x, tree, unwrapped(tree, prefix)))
        return x.axis;
    PyMem_Free(x.axis);
    return NULL;
}

/* --- a call ----------------------------------------------------------------------------------- */

typedef struct vmap_call {
    mpy_body body;
    const mpy_transform *t;
    PyObject *tree; /* the arguments: a tuple, or the only one */
    bool several;
    PyObject *value; /* a template of the result */
    mlx_vector_array in, traced_in, traced_out, out;
    int *in_axes, *out_axes;
} vmap_call;

static int run_function(mpy_body *body, mlx_vector_array out, mlx_vector_array in) {
    vmap_call *c = (vmap_call *)body;
    size_t next = 0;
    PyObject *filled = mpy_tree_fill(c->tree, in, &next), *value = NULL;
    if (filled)
        value = c->several ? PyObject_CallObject(c->t->fun, filled)
                           : PyObject_CallOneArg(c->t->fun, filled);
    Py_XDECREF(filled);
    int failed = !value || mpy_tree_only_arrays(out, value);
    Py_XSETREF(c->value, failed ? NULL : mpy_tree_template(value));
    Py_XDECREF(value);
    return c->value ? 0 : -1;
}

static int check_axes(const vmap_call *c) {
    for (size_t i = 0; i < mlx_vector_array_size(c->in); i++)
        if (c->in_axes[i] != NO_AXIS)
            return 0;
    PyErr_SetString(PyExc_ValueError, "At least one of in_axes must be non-None.");
    return -1;
}

static int trace(vmap_call *c) {
    mlx_closure f = mpy_closure_over(&c->body);
    int status;
    MPY_WAIT(status, mlx_detail_vmap_trace(&c->traced_in, &c->traced_out, f, c->in, c->in_axes,
                                           mlx_vector_array_size(c->in)));
    mlx_closure_free(f);
    return mpy_settle(status);
}

static int replace(vmap_call *c) {
    int status;
    MPY_WAIT(status, mlx_detail_vmap_replace(&c->out, c->in, c->traced_in, c->traced_out,
                                             c->in_axes, mlx_vector_array_size(c->in), c->out_axes,
                                             mlx_vector_array_size(c->traced_out)));
    return mpy_settle(status);
}

static PyObject *run(vmap_call *c) {
    size_t next = 0;
    c->in = mlx_vector_array_new();
    if (!c->in.ctx)
        return mpy_raise();
    if (mpy_tree_only_arrays(c->in, c->tree) ||
        !(c->in_axes = axes_of(c->tree, c->t->first, &c->in, false)) || check_axes(c) || trace(c) ||
        !(c->out_axes = axes_of(c->value, c->t->second, &c->traced_out, true)) || replace(c))
        return NULL;
    return mpy_tree_fill(c->value, c->out, &next);
}

static PyObject *call(PyObject *callable, PyObject *const *given, size_t nargsf, PyObject *names) {
    vmap_call c = {.body.run = run_function, .t = (mpy_transform *)callable};
    Py_ssize_t n = PyVectorcall_NARGS(nargsf);
    PyObject *args, *kwargs;
    if (names && PyTuple_GET_SIZE(names))
        return PyErr_Format(PyExc_TypeError, "[vmap] Keyword arguments are not supported.");
    if (mpy_pack(&args, &kwargs, given, nargsf, NULL))
        return NULL;
    c.several = n != 1;
    c.tree = c.several ? args : PyTuple_GET_ITEM(args, 0);
    PyObject *result = run(&c);
    Py_DECREF(args);
    Py_XDECREF(c.value);
    mlx_vector_array_free(c.in);
    mlx_vector_array_free(c.traced_in);
    mlx_vector_array_free(c.traced_out);
    mlx_vector_array_free(c.out);
    PyMem_Free(c.in_axes);
    PyMem_Free(c.out_axes);
    return result;
}

static const mpy_signature signature = {
    "vmap",
    "vmap(fun: Callable[P, R], in_axes: object = 0, out_axes: object = 0) -> Callable[P, R]",
    1,
    3,
    {"fun", "in_axes", "out_axes"},
};

static PyObject *vmap(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
    mpy_given given = {&signature, args, n, names};
    PyObject *v[MPY_MOST_PARAMETERS];
    (void)self;
    if (mpy_bind_given(v, &given))
        return NULL;
    if (!PyCallable_Check(v[0]) || v[1] == Py_None || v[2] == Py_None)
        return mpy_incompatible(&given);
    PyObject *zero = PyLong_FromLong(0);
    PyObject *made =
        zero ? mpy_transform_new(v[0], call, v[1] ? v[1] : zero, v[2] ? v[2] : zero, false) : NULL;
    Py_XDECREF(zero);
    return made;
}

static PyMethodDef functions[] = {
    {"vmap", (PyCFunction)(void (*)(void))vmap, METH_FASTCALL | METH_KEYWORDS, DOC_VMAP},
    {NULL},
};

int mpy_init_vmap(PyObject *module) {
    return PyModule_AddFunctions(module, functions);
}
