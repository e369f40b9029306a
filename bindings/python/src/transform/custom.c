/* mlx.core.checkpoint, and custom_function: a function with rules of its own.
 *
 *     call ──▶ context (function, templates of arguments and result)
 *                ├── the function's closure fills the arguments' template with arrays
 *                └── each rule's closure fills it with primals, tangents, axes or cotangents
 *
 * The library keeps these closures with the graph, so that a context lives as long as derivatives
 * may be asked for. It holds no arrays but those that the function itself holds.
 */
#include "host/gil.h"
#include "transform/docs.h"
#include "transform/transform.h"

/* --- contexts --------------------------------------------------------------------------------- */

typedef struct context {
    mpy_body body;
    PyObject *fun;           /* the function, or a rule */
    PyObject *args, *kwargs; /* templates; kwargs may be NULL */
    /* a list of one: the template of the result; rules share it with the function */
    PyObject *result;
} context;

static void context_free(void *payload) {
    context *c = payload;
    PyGILState_STATE gil;
    if (!mpy_gil_take(&gil))
        return;
    Py_XDECREF(c->fun);
    Py_XDECREF(c->args);
    Py_XDECREF(c->kwargs);
    Py_XDECREF(c->result);
    PyMem_Free(c);
    PyGILState_Release(gil);
}

static context *context_new(PyObject *fun, PyObject *args, PyObject *kwargs, PyObject *result) {
    context *c = PyMem_Calloc(1, sizeof *c);
    if (!c)
        return (context *)PyErr_NoMemory();
    c->fun = Py_NewRef(fun);
    c->args = Py_NewRef(args);
    c->kwargs = Py_XNewRef(kwargs);
    c->result = Py_NewRef(result);
    return c;
}

static int run_function(mpy_body *body, mlx_vector_array out, mlx_vector_array in) {
    context *c = (context *)body;
    size_t next = 0;
    PyObject *args = mpy_tree_fill(c->args, in, &next), *value = NULL;
    PyObject *kwargs = args && c->kwargs ? mpy_tree_fill(c->kwargs, in, &next) : NULL;
    if (args && !PyErr_Occurred())
        value = PyObject_Call(c->fun, args, kwargs);
    PyObject *template = value && !mpy_tree_arrays(&out, value) ? mpy_tree_template(value) : NULL;
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    Py_XDECREF(value);
    return template && !PyList_SetItem(c->result, 0, template) ? 0 : -1;
}

static int enter_function(mlx_vector_array *out, const mlx_vector_array in, void *payload) {
    mpy_body *body = payload;
    PyGILState_STATE gil;
    if (!mpy_gil_take(&gil))
        return -1;
    if (!out->ctx)
        *out = mlx_vector_array_new();
    int status = out->ctx ? run_function(body, *out, in) : (mpy_raise(), -1);
    PyGILState_Release(gil);
    return status;
}

static mlx_closure closure_of(PyObject *fun, PyObject *args, PyObject *kwargs, PyObject *result) {
    context *c = context_new(fun, args, kwargs, result);
    mlx_closure none = {NULL};
    return c ? mlx_closure_new_func_payload(enter_function, c, context_free) : none;
}

/* --- what rules are given and give ------------------------------------------------------------ */

/* Values for the holes of a template: objects of a list, in order. */
typedef struct supply {
    PyObject *list;
    Py_ssize_t next;
} supply;

static PyObject *take(PyObject *leaf, void *state) {
    supply *s = state;
    if (leaf != mpy_hole)
        return Py_NewRef(leaf);
    if (s->next < PyList_GET_SIZE(s->list))
        return Py_NewRef(PyList_GET_ITEM(s->list, s->next++));
    return PyErr_SetString(PyExc_ValueError, "[custom_function] too few arrays for the rule"), NULL;
}

/* A rule sees its only argument as it is, several as a tuple. */
static PyObject *filled_args(const context *c, supply *s) {
    PyObject *all = mpy_tree_map(c->args, take, s);
    if (!all || PyTuple_GET_SIZE(all) != 1)
        return all;
    PyObject *one = Py_NewRef(PyTuple_GET_ITEM(all, 0));
    Py_DECREF(all);
    return one;
}

static PyObject *filled_kwargs(const context *c, supply *s) {
    return c->kwargs ? mpy_tree_map(c->kwargs, take, s) : PyDict_New();
}

static PyObject *call_rule(const context *c, PyObject *a, PyObject *b, PyObject *third,
                           PyObject *kwargs) {
    PyObject *args = third ? PyTuple_Pack(3, a, b, third) : PyTuple_Pack(2, a, b);
    PyObject *value = args ? PyObject_Call(c->fun, args, kwargs) : NULL;
    Py_XDECREF(args);
    return value;
}

/* --- vjp -------------------------------------------------------------------------------------- */

/* Leaves of a gradient beside those of the arguments: one array for each hole, None for zero. */
typedef struct matching {
    PyObject *leaves; /* the gradient's */
    Py_ssize_t next;
    PyObject *primals;
    Py_ssize_t hole;
    mlx_vector_array out;
} matching;

static int add_leaf(PyObject *leaf, void *list) {
    return PyList_Append(list, leaf);
}

static int add_zeros(mlx_vector_array out, PyObject *like) {
    mlx_array zeros = mlx_array_new();
    int failed = mlx_zeros_like(&zeros, mpy_array_handle(like), (mlx_stream){NULL}) ||
                 mlx_vector_array_append_value(out, zeros);
    mlx_array_free(zeros);
    return failed ? mpy_raise(), -1 : 0;
}

static int wrong_gradient(void) {
    PyErr_SetString(
        PyExc_ValueError,
        "[custom vjp] The rule should return one gradient for each array among the arguments, in "
        "the "
        "arguments' structure, or None where it is zero.");
    return -1;
}

static int match_leaf(PyObject *leaf, void *state) {
    matching *m = state;
    PyObject *g =
        m->next < PyList_GET_SIZE(m->leaves) ? PyList_GET_ITEM(m->leaves, m->next) : Py_None;
    m->next++;
    if (leaf != mpy_hole)
        return 0;
    PyObject *primal = PyList_GET_ITEM(m->primals, m->hole++);
    if (g == Py_None)
        return add_zeros(m->out, primal);
    return mpy_array_check(g) ? mpy_vector_add(m->out, g) : wrong_gradient();
}

/* Does the gradient have as many leaves as the arguments, with or without those by keyword? */
static int add_places(const context *c, PyObject *places, Py_ssize_t leaves) {
    if (mpy_tree_visit(c->args, add_leaf, places))
        return -1;
    return c->kwargs && PyList_GET_SIZE(places) != leaves
               ? mpy_tree_visit(c->kwargs, add_leaf, places)
               : 0;
}

/* Zeros for the arrays by keyword that the gradient leaves out. */
static int add_rest(const matching *m) {
    for (Py_ssize_t i = m->hole; i < PyList_GET_SIZE(m->primals); i++)
        if (add_zeros(m->out, PyList_GET_ITEM(m->primals, i)))
            return -1;
    return 0;
}

/* In the structure of the arguments, or just as many arrays as there are among them. */
static int add_gradients(const context *c, mlx_vector_array out, PyObject *value,
                         PyObject *primals) {
    matching m = {PyList_New(0), 0, primals, 0, out};
    mlx_vector_array arrays = mlx_vector_array_new();
    PyObject *places = PyList_New(0);
    int failed = !m.leaves || !places || !arrays.ctx || mpy_tree_visit(value, add_leaf, m.leaves) ||
                 mpy_tree_arrays(&arrays, value) ||
                 add_places(c, places, PyList_GET_SIZE(m.leaves));
    if (!failed && PyList_GET_SIZE(m.leaves) == PyList_GET_SIZE(places))
        failed = mpy_tree_visit(places, match_leaf, &m) || add_rest(&m);
    else if (!failed && mlx_vector_array_size(arrays) == (size_t)PyList_GET_SIZE(primals))
        failed = mpy_tree_arrays(&out, value);
    else if (!failed)
        failed = wrong_gradient();
    Py_XDECREF(m.leaves);
    Py_XDECREF(places);
    mlx_vector_array_free(arrays);
    return failed ? -1 : 0;
}

static int run_vjp(const context *c, mlx_vector_array out, mlx_vector_array primals,
                   mlx_vector_array cotangents, mlx_vector_array outputs) {
    supply p = {mpy_vector_list(primals), 0};
    size_t of_c = 0, of_o = 0;
    PyObject *template = PyList_GET_ITEM(c->result, 0);
    PyObject *args = p.list ? filled_args(c, &p) : NULL,
             *kwargs = args ? filled_kwargs(c, &p) : NULL;
    PyObject *cot = kwargs ? mpy_tree_fill(template, cotangents, &of_c) : NULL;
    PyObject *given = cot ? mpy_tree_fill(template, outputs, &of_o) : NULL;
    PyObject *value = given ? call_rule(c, args, cot, given, kwargs) : NULL;
    int failed = !value || add_gradients(c, out, value, p.list);
    Py_XDECREF(p.list);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    Py_XDECREF(cot);
    Py_XDECREF(given);
    Py_XDECREF(value);
    return failed ? -1 : 0;
}

static int enter_vjp(mlx_vector_array *out, const mlx_vector_array primals,
                     const mlx_vector_array cotangents, const mlx_vector_array outputs,
                     void *payload) {
    PyGILState_STATE gil;
    if (!mpy_gil_take(&gil))
        return -1;
    if (!out->ctx)
        *out = mlx_vector_array_new();
    int status =
        out->ctx ? run_vjp(payload, *out, primals, cotangents, outputs) : (mpy_raise(), -1);
    PyGILState_Release(gil);
    return status;
}

/* --- jvp -------------------------------------------------------------------------------------- */

/* The tangents in the places of their primals; None elsewhere. */
static PyObject *tangent_list(mlx_vector_array tangents, const int *argnums, size_t n,
                              size_t primals) {
    PyObject *list = PyList_New((Py_ssize_t)primals);
    for (size_t i = 0; list && i < primals; i++)
        PyList_SET_ITEM(list, (Py_ssize_t)i, Py_NewRef(Py_None));
    for (size_t i = 0; list && i < n; i++) {
        PyObject *t = mpy_vector_item(tangents, i);
        if (!t || PyList_SetItem(list, argnums[i], t))
            Py_CLEAR(list);
    }
    return list;
}

static Py_ssize_t holes_of(PyObject *template);

static int add_tangents(const context *c, mlx_vector_array out, PyObject *value) {
    Py_ssize_t wanted = holes_of(PyList_GET_ITEM(c->result, 0));
    if (mpy_tree_arrays(&out, value))
        return -1;
    if (mlx_vector_array_size(out) == (size_t)wanted)
        return 0;
    PyErr_Format(PyExc_ValueError,
                 "[custom jvp] The rule returned %zu tangents, but the function has %zd outputs.",
                 mlx_vector_array_size(out), wanted);
    return -1;
}

static int run_jvp(const context *c, mlx_vector_array out, mlx_vector_array primals,
                   mlx_vector_array tangents, const int *argnums, size_t n) {
    supply p = {mpy_vector_list(primals), 0},
           t = {tangent_list(tangents, argnums, n, mlx_vector_array_size(primals)), 0};
    PyObject *args = p.list && t.list ? filled_args(c, &p) : NULL,
             *kwargs = args ? filled_kwargs(c, &p) : NULL;
    PyObject *along = kwargs ? filled_args(c, &t) : NULL;
    PyObject *value = along ? call_rule(c, args, along, NULL, kwargs) : NULL;
    int failed = !value || add_tangents(c, out, value);
    Py_XDECREF(p.list);
    Py_XDECREF(t.list);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    Py_XDECREF(along);
    Py_XDECREF(value);
    return failed ? -1 : 0;
}

static int enter_jvp(mlx_vector_array *out, const mlx_vector_array primals,
                     const mlx_vector_array tangents, const int *argnums, size_t n, void *payload) {
    PyGILState_STATE gil;
    if (!mpy_gil_take(&gil))
        return -1;
    if (!out->ctx)
        *out = mlx_vector_array_new();
    int status =
        out->ctx ? run_jvp(payload, *out, primals, tangents, argnums, n) : (mpy_raise(), -1);
    PyGILState_Release(gil);
    return status;
}

/* --- vmap ------------------------------------------------------------------------------------- */

static int count_hole(PyObject *leaf, void *count) {
    *(Py_ssize_t *)count += leaf == mpy_hole || mpy_array_check(leaf);
    return 0;
}

static Py_ssize_t holes_of(PyObject *template) {
    Py_ssize_t n = 0;
    return mpy_tree_visit(template, count_hole, &n) ? -1 : n;
}

static PyObject *axis_list(const int *axes, size_t n) {
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list && i < n; i++) {
        PyObject *axis = axes[i] < 0 ? Py_NewRef(Py_None) : PyLong_FromLong(axes[i]);
        if (axis)
            PyList_SET_ITEM(list, (Py_ssize_t)i, axis);
        else
            Py_CLEAR(list);
    }
    return list;
}

static int add_axis(PyObject *leaf, void *state) {
    mlx_vector_int *axes = state;
    long axis = leaf == Py_None ? -1 : PyLong_Check(leaf) ? PyLong_AsLong(leaf) : -2;
    if (axis < -1 || axis > INT_MAX || PyErr_Occurred()) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError,
                            "[custom vmap] The axes should be None or numbers from 0 on.");
        return -1;
    }
    return mlx_vector_int_append_value(*axes, (int)axis) ? mpy_raise(), -1 : 0;
}

static int add_batched(mlx_vector_array out, mlx_vector_int out_axes, PyObject *value) {
    if (!PyTuple_Check(value) || PyTuple_GET_SIZE(value) != 2) {
        PyErr_SetString(PyExc_ValueError,
                        "[custom vmap] Vmap function should return a tuple with 2 items.");
        return -1;
    }
    return mpy_tree_arrays(&out, PyTuple_GET_ITEM(value, 0)) ||
                   mpy_tree_visit(PyTuple_GET_ITEM(value, 1), add_axis, &out_axes)
               ? -1
               : 0;
}

static int run_vmap(const context *c, mlx_vector_array out, mlx_vector_int out_axes,
                    mlx_vector_array in, const int *axes, size_t n) {
    supply i = {mpy_vector_list(in), 0}, a = {axis_list(axes, n), 0};
    PyObject *args = i.list && a.list ? filled_args(c, &i) : NULL,
             *kwargs = args ? filled_kwargs(c, &i) : NULL;
    PyObject *where = kwargs ? filled_args(c, &a) : NULL;
    PyObject *value = where ? call_rule(c, args, where, NULL, kwargs) : NULL;
    int failed = !value || add_batched(out, out_axes, value);
    Py_XDECREF(i.list);
    Py_XDECREF(a.list);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    Py_XDECREF(where);
    Py_XDECREF(value);
    return failed ? -1 : 0;
}

static int enter_vmap(mlx_vector_array *out, mlx_vector_int *out_axes, const mlx_vector_array in,
                      const int *axes, size_t n, void *payload) {
    PyGILState_STATE gil;
    if (!mpy_gil_take(&gil))
        return -1;
    if (!out->ctx)
        *out = mlx_vector_array_new();
    if (!out_axes->ctx)
        *out_axes = mlx_vector_int_new();
    int status = out->ctx && out_axes->ctx ? run_vmap(payload, *out, *out_axes, in, axes, n)
                                           : (mpy_raise(), -1);
    PyGILState_Release(gil);
    return status;
}

/* --- calls ------------------------------------------------------------------------------------ */

/* One call: its arrays, templates of its arguments, and where the result's template comes to
   lie. */
typedef struct custom_call {
    mlx_vector_array in, out;
    PyObject *args, *kwargs, *result;
} custom_call;

static int open_call(custom_call *c, PyObject *args, PyObject *kwargs) {
    *c = (custom_call){.in = mlx_vector_array_new()};
    if (!c->in.ctx)
        return mpy_raise(), -1;
    c->result = PyList_New(1);
    if (!c->result || PyList_SetItem(c->result, 0, Py_NewRef(Py_None)) ||
        mpy_tree_arrays(&c->in, args) || (kwargs && mpy_tree_arrays(&c->in, kwargs)) ||
        !(c->args = mpy_tree_template(args)))
        return -1;
    return kwargs && !(c->kwargs = mpy_tree_template(kwargs)) ? -1 : 0;
}

/* Apply f, which is let go of, unless making it failed. */
static PyObject *apply(custom_call *c, int status, mlx_closure f) {
    size_t next = 0;
    if (!status)
        MPY_WAIT(status, mlx_closure_apply(&c->out, f, c->in));
    mlx_closure_free(f);
    return mpy_settle(status) ? NULL : mpy_tree_fill(PyList_GET_ITEM(c->result, 0), c->out, &next);
}

static void close_call(custom_call *c) {
    mlx_vector_array_free(c->in);
    mlx_vector_array_free(c->out);
    Py_XDECREF(c->args);
    Py_XDECREF(c->kwargs);
    Py_XDECREF(c->result);
}

/* --- checkpoint ------------------------------------------------------------------------------- */

static PyObject *call_checkpoint(PyObject *callable, PyObject *const *given, size_t nargsf,
                                 PyObject *names) {
    PyObject *args, *kwargs, *result = NULL;
    custom_call c;
    if (mpy_pack(&args, &kwargs, given, nargsf, names))
        return NULL;
    if (!open_call(&c, args, kwargs)) {
        mlx_closure f = closure_of(((mpy_transform *)callable)->fun, c.args, c.kwargs, c.result),
                    kept = {NULL};
        int status = !f.ctx || mlx_checkpoint(&kept, f);
        mlx_closure_free(f);
        result = apply(&c, status, kept);
    }
    close_call(&c);
    Py_DECREF(args);
    Py_XDECREF(kwargs);
    return result;
}

static const mpy_signature checkpoint_signature = {
    "checkpoint", "checkpoint(fun: Callable[P, R]) -> Callable[P, R]", 1, 1, {"fun"},
};

static PyObject *checkpoint(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
    mpy_given given = {&checkpoint_signature, args, n, names};
    PyObject *v[MPY_MOST_PARAMETERS];
    (void)self;
    if (mpy_bind_given(v, &given))
        return NULL;
    return PyCallable_Check(v[0]) ? mpy_transform_new(v[0], call_checkpoint, NULL, NULL, false)
                                  : mpy_incompatible(&given);
}

/* --- custom_function -------------------------------------------------------------------------- */

typedef struct custom {
    PyObject_HEAD PyObject *fun, *vjp, *jvp, *vmap;
} custom;

static PyObject *call_with_rules(const custom *f, custom_call *c) {
    mlx_closure plain = closure_of(f->fun, c->args, c->kwargs, c->result), ruled = {NULL};
    mlx_closure_custom vjp = {NULL};
    mlx_closure_custom_jvp jvp = {NULL};
    mlx_closure_custom_vmap vmap = {NULL};
    context *of_vjp = f->vjp ? context_new(f->vjp, c->args, c->kwargs, c->result) : NULL;
    context *of_jvp = f->jvp ? context_new(f->jvp, c->args, c->kwargs, c->result) : NULL;
    context *of_vmap = f->vmap ? context_new(f->vmap, c->args, c->kwargs, c->result) : NULL;
    if (of_vjp)
        vjp = mlx_closure_custom_new_func_payload(enter_vjp, of_vjp, context_free);
    if (of_jvp)
        jvp = mlx_closure_custom_jvp_new_func_payload(enter_jvp, of_jvp, context_free);
    if (of_vmap)
        vmap = mlx_closure_custom_vmap_new_func_payload(enter_vmap, of_vmap, context_free);
    bool made = plain.ctx && !vjp.ctx == !f->vjp && !jvp.ctx == !f->jvp && !vmap.ctx == !f->vmap;
    int status = !made || mlx_custom_function(&ruled, plain, vjp, jvp, vmap);
    mlx_closure_free(plain);
    mlx_closure_custom_free(vjp);
    mlx_closure_custom_jvp_free(jvp);
    mlx_closure_custom_vmap_free(vmap);
    return apply(c, status, ruled);
}

static PyObject *custom_call_it(PyObject *o, PyObject *args, PyObject *kwargs) {
    const custom *f = (custom *)o;
    PyObject *result = NULL;
    custom_call c;
    if (!f->vjp && !f->jvp && !f->vmap)
        return PyObject_Call(f->fun, args, kwargs);
    if (kwargs && !PyDict_GET_SIZE(kwargs))
        kwargs = NULL;
    if (!open_call(&c, args, kwargs))
        result = call_with_rules(f, &c);
    close_call(&c);
    return result;
}

static PyObject *custom_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"f", NULL};
    PyObject *f;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:custom_function", keywords, &f))
        return NULL;
    if (!PyCallable_Check(f))
        return PyErr_Format(PyExc_TypeError,
                            "custom_function(f: Callable): f is %s, which cannot be called",
                            Py_TYPE(f)->tp_name);
    custom *made = (custom *)type->tp_alloc(type, 0);
    if (made)
        made->fun = Py_NewRef(f);
    return (PyObject *)made;
}

static PyObject *set_rule(PyObject *o, PyObject **rule, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"f", NULL};
    PyObject *f;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", keywords, &f))
        return NULL;
    if (!PyCallable_Check(f))
        return PyErr_Format(PyExc_TypeError, "a rule is a function, not %s", Py_TYPE(f)->tp_name);
    Py_XSETREF(*rule, Py_NewRef(f));
    return Py_NewRef(o);
}

static PyObject *set_vjp(PyObject *o, PyObject *args, PyObject *kwargs) {
    return set_rule(o, &((custom *)o)->vjp, args, kwargs);
}

static PyObject *set_jvp(PyObject *o, PyObject *args, PyObject *kwargs) {
    return set_rule(o, &((custom *)o)->jvp, args, kwargs);
}

static PyObject *set_vmap(PyObject *o, PyObject *args, PyObject *kwargs) {
    return set_rule(o, &((custom *)o)->vmap, args, kwargs);
}

static int custom_traverse(PyObject *o, visitproc visit, void *arg) {
    custom *c = (custom *)o;
    Py_VISIT(c->fun);
    Py_VISIT(c->vjp);
    Py_VISIT(c->jvp);
    Py_VISIT(c->vmap);
    return 0;
}

static int custom_clear(PyObject *o) {
    custom *c = (custom *)o;
    Py_CLEAR(c->fun);
    Py_CLEAR(c->vjp);
    Py_CLEAR(c->jvp);
    Py_CLEAR(c->vmap);
    return 0;
}

static void custom_dealloc(PyObject *o) {
    PyObject_GC_UnTrack(o);
    custom_clear(o);
    Py_TYPE(o)->tp_free(o);
}

#define RULE(name, doc) \
    {#name, (PyCFunction)(void (*)(void))set_##name, METH_VARARGS | METH_KEYWORDS, doc}

static PyMethodDef custom_methods[] = {
    RULE(vjp,
         "vjp(self, f: Callable)\n\n"
         "Let f(primals, cotangents, outputs) give the gradient, in the structure of the "
         "arguments; None is zero. A single\n"
         "argument comes as it is, several as a tuple. Returns the custom_function, so that it "
         "serves as a decorator."),
    RULE(jvp,
         "jvp(self, f: Callable)\n\n"
         "Let f(primals, tangents) give the tangents of the outputs; the tangent of what does not "
         "vary is None."),
    RULE(vmap,
         "vmap(self, f: Callable)\n\n"
         "Let f(inputs, axes) give the outputs for a batch and their batch axes; an axis is None "
         "where there is no batch."),
    {NULL},
};

static PyTypeObject custom_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.custom_function",
    .tp_basicsize = sizeof(custom),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_new = custom_new,
    .tp_call = custom_call_it,
    .tp_traverse = custom_traverse,
    .tp_clear = custom_clear,
    .tp_dealloc = custom_dealloc,
    .tp_methods = custom_methods,
    .tp_doc = DOC_CUSTOM_FUNCTION,
};

static PyMethodDef functions[] = {
    {"checkpoint", (PyCFunction)(void (*)(void))checkpoint, METH_FASTCALL | METH_KEYWORDS,
     DOC_CHECKPOINT},
    {NULL},
};

int mpy_init_custom(PyObject *module) {
    return PyModule_AddFunctions(module, functions) || PyModule_AddType(module, &custom_type) ? -1
                                                                                              : 0;
}
