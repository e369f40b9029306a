/* mlx.core.compile: first holds the captured inputs, second the captured outputs, cache the traces
 * by key.
 *
 *     call    arguments ── key (compile_key.h) ──▶ trace: a compiled closure of the library and a
 *                                                   template of the result
 *             closure applied to the arrays ──▶ result filled, captured outputs set in their places
 *
 * The library calls back on the thread of the call to trace the function: the captured inputs then
 * hold the library's placeholders, and get their own arrays back afterwards.
 */
#include "transform/docs.h"
#include "transform/compile_key.h"
#include "transform/exchange.h"
#include "transform/snapshot.h"
#include "transform/transform.h"

/* --- traces ----------------------------------------------------------------------------------- */

typedef struct compile_call compile_call;

typedef struct trace {
    PyObject_HEAD mpy_body body;
    mlx_closure closure;
    PyObject *result; /* a template */
} trace;

/* One call; the innermost of the thread is what the library's call back is for. */
struct compile_call {
    compile_call *outer;
    const mpy_transform *t;
    trace *trace;
    PyObject *const *args;
    size_t nargsf;
    PyObject *names;
    PyObject *result;   /* the template to fill */
    PyObject *snapshot; /* the captured containers before the function was traced, if it was */
};

static _Thread_local compile_call *innermost;
_Thread_local int mpy_shapeless;

static int trace_traverse(PyObject *o, visitproc visit, void *arg) {
    Py_VISIT(((trace *)o)->result);
    return 0;
}

static int trace_clear(PyObject *o) {
    Py_CLEAR(((trace *)o)->result);
    return 0;
}

static void trace_dealloc(PyObject *o) {
    PyObject_GC_UnTrack(o);
    trace_clear(o);
    mlx_closure_free(((trace *)o)->closure);
    PyObject_GC_Del(o);
}

static PyTypeObject trace_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.trace",
    .tp_basicsize = sizeof(trace),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = trace_traverse,
    .tp_clear = trace_clear,
    .tp_dealloc = trace_dealloc,
    .tp_doc = "A compiled function for arguments of one kind.",
};

/* --- captured state --------------------------------------------------------------------------- */

/* The captured inputs hold the placeholders from `first` on. */
static int enter_state(mpy_exchange *x, PyObject *inputs, mlx_vector_array in, size_t first) {
    PyObject *placed = NULL;
    if (mpy_exchange_open(x, in, first) || !inputs)
        return PyErr_Occurred() ? -1 : 0;
    placed = mpy_exchange_in(x, inputs);
    Py_XDECREF(placed);
    return placed ? 0 : -1;
}

/* Whatever still holds one gets its own array back, and what the function set goes unless it is an
   output (NULL: nothing is). A pending exception stays. */
static int leave_state(mpy_exchange *x, PyObject *snapshot, PyObject *inputs, PyObject *outputs) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    int failed = snapshot && mpy_snapshot_back(snapshot, outputs);
    failed = (inputs && mpy_exchange_back(x, inputs)) || failed;
    failed = mpy_exchange_close(x) || failed;
    if (type)
        PyErr_Restore(type, value, traceback);
    return failed || type ? -1 : 0;
}

/* --- tracing ---------------------------------------------------------------------------------- */

static PyObject *filled_args(const compile_call *c, mlx_vector_array in, size_t *next) {
    PyObject *args = PyTuple_New(PyVectorcall_NARGS(c->nargsf));
    for (Py_ssize_t i = 0; args && i < PyTuple_GET_SIZE(args); i++) {
        PyObject *filled = mpy_tree_fill(c->args[i], in, next);
        if (filled)
            PyTuple_SET_ITEM(args, i, filled);
        else
            Py_CLEAR(args);
    }
    return args;
}

static PyObject *filled_kwargs(const compile_call *c, mlx_vector_array in, size_t *next) {
    PyObject *kwargs = PyDict_New(), *const *values = c->args + PyVectorcall_NARGS(c->nargsf);
    for (Py_ssize_t i = 0; kwargs && c->names && i < PyTuple_GET_SIZE(c->names); i++) {
        PyObject *filled = mpy_tree_fill(values[i], in, next);
        if (!filled || PyDict_SetItem(kwargs, PyTuple_GET_ITEM(c->names, i), filled))
            Py_CLEAR(kwargs);
        Py_XDECREF(filled);
    }
    return kwargs;
}

static int give_results(compile_call *c, mlx_vector_array out, PyObject *result) {
    if (mpy_tree_arrays(&out, result) || (c->t->second && mpy_tree_arrays(&out, c->t->second)))
        return -1;
    PyObject *template = mpy_tree_template(result);
    if (!template)
        return -1;
    Py_XSETREF(c->result, Py_NewRef(template));
    Py_XSETREF(c->trace->result, template);
    return 0;
}

/* The result of the function while the captured inputs hold placeholders. */
static PyObject *traced_result(compile_call *c, mlx_vector_array out, mlx_vector_array in,
                               size_t next, PyObject *args, PyObject *kwargs) {
    mpy_exchange x;
    PyObject *inputs = c->t->first, *outputs = c->t->second, *result = NULL;
    PyObject *snapshot = inputs || outputs ? mpy_snapshot(inputs, outputs) : NULL;
    int failed = enter_state(&x, inputs, in, next);
    mpy_shapeless += c->t->flag;
    if (!failed && !PyErr_Occurred() && (result = PyObject_Call(c->t->fun, args, kwargs)))
        failed = give_results(c, out, result);
    mpy_shapeless -= c->t->flag;
    if (leave_state(&x, snapshot, inputs, result && !failed ? outputs : NULL) || failed)
        Py_CLEAR(result);
    Py_XSETREF(c->snapshot, snapshot);
    return result;
}

static int run_function(mpy_body *body, mlx_vector_array out, mlx_vector_array in) {
    compile_call *c = innermost;
    size_t next = 0;
    (void)body;
    PyObject *args = filled_args(c, in, &next), *kwargs = args ? filled_kwargs(c, in, &next) : NULL;
    PyObject *result = kwargs ? traced_result(c, out, in, next, args, kwargs) : NULL;
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

static trace *new_trace(bool shapeless) {
    trace *made = PyObject_GC_New(trace, &trace_type);
    if (!made)
        return NULL;
    made->body.run = run_function;
    made->closure = mlx_closure_new();
    made->result = NULL;
    PyObject_GC_Track(made);
    mlx_closure plain = mpy_closure_over(&made->body);
    int failed = mlx_compile(&made->closure, plain, shapeless);
    mlx_closure_free(plain);
    if (!failed)
        return made;
    Py_DECREF(made);
    mpy_raise();
    return NULL;
}

/* The trace of this key, old or new: a new reference. */
static trace *trace_of(mpy_transform *t, const mpy_key *key) {
    PyObject *name = PyBytes_FromStringAndSize(key->data, (Py_ssize_t)key->size);
    PyObject *found = name && (t->cache || (t->cache = PyDict_New()))
                          ? PyDict_GetItemWithError(t->cache, name)
                          : NULL;
    Py_XINCREF(found);
    if (!found && !PyErr_Occurred()) {
        found = (PyObject *)new_trace(t->flag);
        if (found && PyDict_SetItem(t->cache, name, found))
            Py_CLEAR(found);
    }
    Py_XDECREF(name);
    return (trace *)found;
}

/* --- calls ------------------------------------------------------------------------------------ */

static int fill_key(mpy_key *key, const compile_call *c) {
    Py_ssize_t n = PyVectorcall_NARGS(c->nargsf), named = c->names ? PyTuple_GET_SIZE(c->names) : 0;
    for (Py_ssize_t i = 0; i < n; i++)
        if (mpy_key_tree(key, c->args[i]))
            return -1;
    for (Py_ssize_t i = 0; i < named; i++)
        if (mpy_key_text(key, PyTuple_GET_ITEM(c->names, i)) || mpy_key_tree(key, c->args[n + i]))
            return -1;
    key->state = true;
    return c->t->first ? mpy_key_tree(key, c->t->first) : 0;
}

/* What the function set while it was traced, if the library could then not use the trace: outputs
   would hold its placeholders. A pending exception stays. */
static void undo(compile_call *c) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (c->snapshot && mpy_snapshot_back(c->snapshot, NULL))
        PyErr_WriteUnraisable(NULL);
    Py_CLEAR(c->snapshot);
    PyErr_Restore(type, value, traceback);
}

static int attempt(compile_call *c, mlx_vector_array in, mlx_vector_array *out) {
    mpy_place = mlx_source_here();
    PyThreadState *thread = PyEval_SaveThread();
    mpy_unheard++;
    int status = mlx_closure_apply(out, c->trace->closure, in);
    mpy_unheard--;
    PyEval_RestoreThread(thread);
    if (status)
        undo(c);
    return status;
}

static int apply(compile_call *c, mlx_vector_array in, mlx_vector_array *out) {
    int status;
    c->result = Py_XNewRef(c->trace->result);
    c->outer = innermost;
    innermost = c;
    do
        status = attempt(c, in, out);
    while (status && mpy_try_again());
    innermost = c->outer;
    status = mpy_settle(status);
    if (!status && !c->result) // another thread traced the function after this call had begun
        c->result = Py_XNewRef(c->trace->result);
    return status;
}

static PyObject *results(const compile_call *c, mlx_vector_array out) {
    size_t next = 0;
    PyObject *result = mpy_tree_fill(c->result, out, &next);
    mpy_exchange x = {.arrays = out, .next = next};
    PyObject *placed = result && c->t->second ? mpy_exchange_in(&x, c->t->second) : NULL;
    if (c->t->second && !placed)
        Py_CLEAR(result);
    Py_XDECREF(placed);
    return result;
}

static PyObject *call(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *names) {
    compile_call c = {
        .t = (mpy_transform *)callable, .args = args, .nargsf = nargsf, .names = names};
    mlx_vector_array in = mlx_vector_array_new(), out = {NULL};
    PyObject *result = NULL;
    mpy_key key;
    if (!in.ctx)
        return mpy_raise();
    mpy_key_start(&key, in, c.t->flag);
    if (!fill_key(&key, &c) && (c.trace = trace_of((mpy_transform *)callable, &key)) &&
        !apply(&c, in, &out))
        result = results(&c, out);
    mpy_key_free(&key);
    Py_XDECREF(c.trace);
    Py_XDECREF(c.result);
    Py_XDECREF(c.snapshot);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    return result;
}

/* --- the module's functions ------------------------------------------------------------------- */

static const mpy_signature signature = {
    "compile",
    "compile(fun: Callable[P, R], inputs: object | None = None, outputs: object | None = None, "
    "shapeless: bool = False) "
    "-> Callable[P, R]",
    1,
    4,
    {"fun", "inputs", "outputs", "shapeless"},
};

static PyObject *not_none(PyObject *o) {
    return o == Py_None ? NULL : o;
}

static PyObject *compile(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
    mpy_given given = {&signature, args, n, names};
    PyObject *v[MPY_MOST_PARAMETERS];
    (void)self;
    if (mpy_bind_given(v, &given))
        return NULL;
    if (!PyCallable_Check(v[0]) || (v[3] && !PyBool_Check(v[3])))
        return mpy_incompatible(&given);
    return mpy_transform_new(v[0], call, not_none(v[1]), not_none(v[2]), v[3] == Py_True);
}

static PyObject *disable_compile(PyObject *self, PyObject *unused) {
    (void)self, (void)unused;
    mlx_disable_compile();
    Py_RETURN_NONE;
}

static PyObject *enable_compile(PyObject *self, PyObject *unused) {
    (void)self, (void)unused;
    mlx_enable_compile();
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"compile", (PyCFunction)(void (*)(void))compile, METH_FASTCALL | METH_KEYWORDS, DOC_COMPILE},
    {"disable_compile", disable_compile, METH_NOARGS, DOC_DISABLE_COMPILE},
    {"enable_compile", enable_compile, METH_NOARGS, DOC_ENABLE_COMPILE},
    {NULL},
};

int mpy_init_compile(PyObject *module) {
    return PyType_Ready(&trace_type) || PyModule_AddFunctions(module, functions) ? -1 : 0;
}
