/* mlx.core.grad and value_and_grad: first holds the numbers, second the names of the arguments,
 * both sorted tuples.
 *
 * The function gets the caller's own lists and dicts: while it runs they hold the library's arrays,
 * afterwards their own again, but for what the function has set. Another thread that wants the same
 * ones waits.
 */
#include "transform/docs.h"
#include "transform/exchange.h"
#include "transform/hold.h"
#include "transform/transform.h"

typedef struct grad_call {
    mpy_body body;
    const mpy_transform *t;
    PyObject *args, *kwargs; /* a tuple, a dict or NULL */
    PyObject *chosen;        /* a list: the arguments to differentiate by */
    PyObject *held;          /* their containers (hold.h) */
    PyObject *value;         /* a template of what the function returned */
    PyObject *structures;    /* a list: a template of each chosen argument, as it was given */
} grad_call;

/* --- arguments -------------------------------------------------------------------------------- */

static Py_ssize_t argnum(const mpy_transform *t, Py_ssize_t i) {
    return PyLong_AsSsize_t(PyTuple_GET_ITEM(t->first, i));
}

static int missing_name(const grad_call *c, PyObject *name) {
    PyObject *text = PyUnicode_FromString(""), *key, *value;
    Py_ssize_t at = 0;
    while (text && c->kwargs && PyDict_Next(c->kwargs, &at, &key, &value))
        Py_SETREF(text, PyUnicode_FromFormat("%U%U,", text, key));
    if (text)
        PyErr_Format(
            PyExc_ValueError,
            "[grad] Can't compute the gradient of keyword argument '%U' because the function is "
            "called with "
            "the following keyword arguments {%U}",
            name, text);
    Py_XDECREF(text);
    return -1;
}

/* The arrays of a chosen argument go to `in`; other leaves are an error. */
static int collect(grad_call *c, mlx_vector_array in, PyObject *argument) {
    PyObject *structure =
        mpy_tree_only_arrays(in, argument) ? NULL : mpy_tree_plain_template(argument);
    int failed = !structure || PyList_Append(c->structures, structure);
    Py_XDECREF(structure);
    return failed ? -1 : 0;
}

static int choose_named(grad_call *c) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(c->t->second); i++) {
        PyObject *name = PyTuple_GET_ITEM(c->t->second, i);
        PyObject *value = c->kwargs ? PyDict_GetItemWithError(c->kwargs, name) : NULL;
        if (value ? PyList_Append(c->chosen, value) : PyErr_Occurred() ? -1 : missing_name(c, name))
            return -1;
    }
    return 0;
}

/* All chosen arguments are there. */
static int choose(grad_call *c) {
    Py_ssize_t given = PyTuple_GET_SIZE(c->args), n = PyTuple_GET_SIZE(c->t->first);
    for (Py_ssize_t i = 0; i < n; i++)
        if (argnum(c->t, i) >= given) {
            PyErr_Format(
                PyExc_ValueError,
                "[grad] Can't compute the gradient of argument index %zd because the function is "
                "called with "
                "only %zd positional arguments.",
                argnum(c->t, i), given);
            return -1;
        }
    for (Py_ssize_t i = 0; i < n; i++)
        if (PyList_Append(c->chosen, PyTuple_GET_ITEM(c->args, argnum(c->t, i))))
            return -1;
    return choose_named(c);
}

/* The arguments, from now on this thread's, and their arrays. */
static int take_in(grad_call *c, mlx_vector_array in) {
    PyObject *chosen = (c->chosen = PyList_New(0)) && !choose(c) ? PyList_AsTuple(c->chosen) : NULL;
    int failed = !chosen || !(c->held = mpy_hold(chosen));
    for (Py_ssize_t i = 0; !failed && i < PyTuple_GET_SIZE(chosen); i++)
        failed = collect(c, in, PyTuple_GET_ITEM(chosen, i));
    Py_XDECREF(chosen);
    return failed ? -1 : 0;
}

/* What stands for a chosen argument. A container that another argument has taken already is
   copied. */
static PyObject *put_in(mpy_exchange *x, PyObject *argument) {
    int taken = mpy_exchange_holds(x, argument);
    if (taken)
        return taken < 0 ? NULL : mpy_tree_fill(argument, x->arrays, &x->next);
    return mpy_exchange_in(x, argument);
}

/* The arguments with the chosen ones over other arrays. */
static int replaced(const grad_call *c, mpy_exchange *x, PyObject **args, PyObject **kwargs) {
    *kwargs = c->kwargs ? PyDict_Copy(c->kwargs) : NULL;
    *args = PySequence_List(c->args);
    if (!*args || (c->kwargs && !*kwargs))
        return -1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(c->t->first); i++) {
        Py_ssize_t k = argnum(c->t, i);
        PyObject *filled = put_in(x, PyList_GET_ITEM(*args, k));
        if (!filled || PyList_SetItem(*args, k, filled))
            return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(c->t->second); i++) {
        PyObject *name = PyTuple_GET_ITEM(c->t->second, i);
        PyObject *filled = put_in(x, PyDict_GetItem(*kwargs, name));
        if (!filled || PyDict_SetItem(*kwargs, name, filled))
            return Py_XDECREF(filled), -1;
        Py_DECREF(filled);
    }
    Py_SETREF(*args, PyList_AsTuple(*args));
    return *args ? 0 : -1;
}

/* The caller's containers hold their own arrays again; a pending exception stays. */
static int give_back(const grad_call *c, mpy_exchange *x) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    int failed = mpy_exchange_back(x, c->args) || (c->kwargs && mpy_exchange_back(x, c->kwargs));
    failed = mpy_exchange_close(x) || failed;
    if (type)
        PyErr_Restore(type, value, traceback);
    return failed || type ? -1 : 0;
}

/* --- the function ----------------------------------------------------------------------------- */

static int check_scalar(const grad_call *c, PyObject *array) {
    PyObject *shape =
        mlx_array_ndim(mpy_array_handle(array)) ? mpy_shape_tuple(mpy_array_handle(array)) : NULL;
    if (shape)
        PyErr_Format(
            PyExc_ValueError,
            "[%s] The function whose gradient we want to compute should return a scalar array, "
            "but it returned "
            "one of shape %S; sum() or mean() makes a scalar of it, vjp() takes a cotangent of "
            "its shape.",
            c->t->flag ? "value_and_grad" : "grad", shape);
    Py_XDECREF(shape);
    return shape || PyErr_Occurred() ? -1 : 0;
}

static int check_value(const grad_call *c) {
    PyObject *v = c->value;
    const char *type = Py_TYPE(v)->tp_name;
    if (mpy_array_check(v))
        return check_scalar(c, v);
    if (!c->t->flag) {
        PyErr_Format(
            PyExc_ValueError,
            "[grad] The return value of the function whose gradient we want to compute should be "
            "a scalar "
            "array; but %s was returned.",
            type);
        return -1;
    }
    if (PyTuple_Check(v) && PyTuple_GET_SIZE(v) && mpy_array_check(PyTuple_GET_ITEM(v, 0)))
        return check_scalar(c, PyTuple_GET_ITEM(v, 0));
    bool tuple = PyTuple_Check(v) && PyTuple_GET_SIZE(v);
    PyErr_Format(
        PyExc_ValueError,
        "[value_and_grad] The return value of the function whose gradient we want to compute "
        "should be either "
        "a scalar array or a tuple with the first value being a scalar array (Union[array, "
        "tuple[array, Any, "
        "...]]); but %s%s was returned.",
        tuple              ? "a tuple with the first value being of type "
        : PyTuple_Check(v) ? "an empty "
                           : "",
        tuple ? Py_TYPE(PyTuple_GET_ITEM(v, 0))->tp_name : type);
    return -1;
}

/* The structure of the result, before the caller's containers in it change back. */
static int keep_template(grad_call *c) {
    Py_SETREF(c->value, mpy_tree_template(c->value));
    return c->value ? 0 : -1;
}

static int run_function(mpy_body *body, mlx_vector_array out, mlx_vector_array in) {
    grad_call *c = (grad_call *)body;
    PyObject *args = NULL, *kwargs = NULL;
    mpy_exchange x;
    Py_CLEAR(c->value);
    if (!mpy_exchange_open(&x, in, 0) && !replaced(c, &x, &args, &kwargs))
        c->value = PyObject_Call(c->t->fun, args, kwargs);
    int failed = !c->value || check_value(c) || mpy_tree_arrays(&out, c->value) || keep_template(c);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    return give_back(c, &x) || failed ? -1 : 0;
}

static int apply(grad_call *c, mlx_vector_array in, mlx_vector_array *values,
                 mlx_vector_array *grads) {
    int n = (int)mlx_vector_array_size(in), status;
    int *all = n ? PyMem_Calloc((size_t)n, sizeof *all) : NULL;
    if (!all) {
        if (n)
            PyErr_NoMemory();
        else
            PyErr_SetString(PyExc_ValueError, "[grad] Must specify at least one argument.");
        return -1;
    }
    for (int i = 0; i < n; i++)
        all[i] = i;
    mlx_closure f = mpy_closure_over(&c->body);
    mlx_closure_value_and_grad g = mlx_closure_value_and_grad_new();
    status = mlx_value_and_grad(&g, f, all, (size_t)n);
    if (!status)
        MPY_WAIT(status, mlx_closure_value_and_grad_apply(values, grads, g, in));
    mlx_closure_value_and_grad_free(g);
    mlx_closure_free(f);
    PyMem_Free(all);
    return mpy_settle(status);
}

/* --- results ---------------------------------------------------------------------------------- */

/* One argument: its gradient; several: a tuple; none by number: None. */
static PyObject *positional_grads(const grad_call *c, mlx_vector_array grads, size_t *next) {
    Py_ssize_t n = PyTuple_GET_SIZE(c->t->first);
    PyObject *all = PyTuple_New(n), *one;
    for (Py_ssize_t i = 0; all && i < n; i++) {
        PyObject *filled = mpy_tree_fill(PyList_GET_ITEM(c->structures, i), grads, next);
        if (filled)
            PyTuple_SET_ITEM(all, i, filled);
        else
            Py_CLEAR(all);
    }
    if (!all || n > 1)
        return all;
    one = Py_NewRef(n ? PyTuple_GET_ITEM(all, 0) : Py_None);
    Py_DECREF(all);
    return one;
}

static PyObject *named_grads(const grad_call *c, mlx_vector_array grads, size_t *next) {
    Py_ssize_t first = PyTuple_GET_SIZE(c->t->first);
    PyObject *all = PyDict_New();
    for (Py_ssize_t i = 0; all && i < PyTuple_GET_SIZE(c->t->second); i++) {
        PyObject *name = PyTuple_GET_ITEM(c->t->second, i);
        PyObject *filled = mpy_tree_fill(PyList_GET_ITEM(c->structures, first + i), grads, next);
        if (!filled || PyDict_SetItem(all, name, filled))
            Py_CLEAR(all);
        Py_XDECREF(filled);
    }
    return all;
}

static PyObject *pair(PyObject *a, PyObject *b) {
    PyObject *both = a && b ? PyTuple_Pack(2, a, b) : NULL;
    Py_XDECREF(a);
    Py_XDECREF(b);
    return both;
}

static PyObject *results(const grad_call *c, mlx_vector_array values, mlx_vector_array grads) {
    size_t next = 0, first = 0;
    PyObject *g = positional_grads(c, grads, &next);
    if (g && PyTuple_GET_SIZE(c->t->second))
        g = pair(g, named_grads(c, grads, &next));
    return c->t->flag ? pair(mpy_tree_fill(c->value, values, &first), g) : g;
}

static PyObject *call(PyObject *callable, PyObject *const *given, size_t nargsf, PyObject *names) {
    grad_call c = {.body.run = run_function, .t = (mpy_transform *)callable};
    mlx_vector_array in = mlx_vector_array_new(), values = {NULL}, grads = {NULL};
    PyObject *result = NULL;
    if (!in.ctx)
        mpy_raise();
    else if ((c.structures = PyList_New(0)) &&
             !mpy_pack(&c.args, &c.kwargs, given, nargsf, names) && !take_in(&c, in) &&
             !apply(&c, in, &values, &grads))
        result = results(&c, values, grads);
    mpy_let_go(c.held);
    Py_XDECREF(c.chosen);
    Py_XDECREF(c.args);
    Py_XDECREF(c.kwargs);
    Py_XDECREF(c.value);
    Py_XDECREF(c.structures);
    mlx_vector_array_free(in);
    mlx_vector_array_free(values);
    mlx_vector_array_free(grads);
    return result;
}

/* --- making one ------------------------------------------------------------------------------- */

#define SIGNATURE(name, result)                                                 \
    {#name,                                                                     \
     #name "(fun: Callable[P, R], argnums: int | Sequence[int] | None = None, " \
           "argnames: str | Sequence[str] = []) -> Callable[P, " result "]",    \
     1,                                                                         \
     3,                                                                         \
     {"fun", "argnums", "argnames"}}

static const mpy_signature grad_signature = SIGNATURE(grad, "Any");
static const mpy_signature value_and_grad_signature = SIGNATURE(value_and_grad, "tuple[R, Any]");

/* A sorted tuple of the items, which must all pass; NULL without an exception: they do not. */
static PyObject *sorted_tuple(PyObject *o, int (*passes)(PyObject *)) {
    PyObject *list = passes(o)                                    ? PyList_New(0)
                     : PySequence_Check(o) && !PyUnicode_Check(o) ? PySequence_List(o)
                                                                  : NULL;
    if (!list || (passes(o) && PyList_Append(list, o)))
        return Py_XDECREF(list), NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++)
        if (!passes(PyList_GET_ITEM(list, i)))
            return Py_DECREF(list), NULL;
    PyObject *tuple = PyList_Sort(list) ? NULL : PyList_AsTuple(list);
    Py_DECREF(list);
    return tuple;
}

static int is_number(PyObject *o) {
    return PyLong_Check(o);
}

static int is_name(PyObject *o) {
    return PyUnicode_Check(o);
}

static int check_argnums(PyObject *argnums) {
    for (Py_ssize_t i = 0, last = -1; i < PyTuple_GET_SIZE(argnums); i++) {
        Py_ssize_t k = PyLong_AsSsize_t(PyTuple_GET_ITEM(argnums, i));
        if (k == -1 && PyErr_Occurred())
            return -1;
        if (k < 0 || k == last) {
            PyErr_Format(PyExc_ValueError,
                         k < 0 ? "[grad] Can't compute the gradient of negative argument index %zd"
                               : "[grad] Duplicate argument index %zd is not allowed.",
                         k);
            return -1;
        }
        last = k;
    }
    return 0;
}

/* Names come once each. */
static PyObject *name_set(PyObject *names) {
    PyObject *set = PySet_New(names), *list = set ? PySequence_List(set) : NULL;
    PyObject *tuple = list && !PyList_Sort(list) ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(set);
    Py_XDECREF(list);
    return tuple;
}

static PyObject *names_of(PyObject *argnames) {
    PyObject *sorted = argnames ? sorted_tuple(argnames, is_name) : PyTuple_New(0);
    PyObject *names = sorted ? name_set(sorted) : NULL;
    Py_XDECREF(sorted);
    return names;
}

static PyObject *argnums_of(PyObject *argnums, bool named) {
    if (argnums && argnums != Py_None)
        return sorted_tuple(argnums, is_number);
    return named ? PyTuple_New(0) : Py_BuildValue("(i)", 0);
}

static PyObject *make(const mpy_given *given, bool with_value) {
    PyObject *v[MPY_MOST_PARAMETERS], *made = NULL;
    if (mpy_bind_given(v, given))
        return NULL;
    PyObject *names = names_of(v[2]);
    PyObject *numbers = names ? argnums_of(v[1], PyTuple_GET_SIZE(names) > 0) : NULL;
    if (!PyCallable_Check(v[0]) || !names || !numbers)
        PyErr_Occurred() ? NULL : mpy_incompatible(given);
    else if (!PyTuple_GET_SIZE(names) && !PyTuple_GET_SIZE(numbers))
        PyErr_SetString(PyExc_ValueError, "[grad] Gradient wrt no argument requested");
    else if (!check_argnums(numbers))
        made = mpy_transform_new(v[0], call, numbers, names, with_value);
    Py_XDECREF(names);
    Py_XDECREF(numbers);
    return made;
}

static PyObject *grad(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
    (void)self;
    return make(&(mpy_given){&grad_signature, args, n, names}, false);
}

static PyObject *value_and_grad(PyObject *self, PyObject *const *args, Py_ssize_t n,
                                PyObject *names) {
    (void)self;
    return make(&(mpy_given){&value_and_grad_signature, args, n, names}, true);
}

#define FUNCTION(name, doc) \
    {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL | METH_KEYWORDS, doc}

static PyMethodDef functions[] = {
    FUNCTION(grad, DOC_GRAD),
    FUNCTION(value_and_grad, DOC_VALUE_AND_GRAD),
    {NULL},
};

int mpy_init_grad(PyObject *module) {
    return PyModule_AddFunctions(module, functions);
}
