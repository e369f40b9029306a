/* The types of mlx.core's functions and of the array's methods, and how the module gets them from
   the catalog. */
#include "function/function.h"

#include <structmember.h>

/* --- results ---------------------------------------------------------------------------------- */

static PyObject *arrays_object(const mlx_value *value) {
    Py_ssize_t n = (Py_ssize_t)mlx_vector_array_size(value->as.arrays);
    bool tuple = value->kind == MLX_VALUE_TUPLE;
    PyObject *list = tuple ? PyTuple_New(n) : PyList_New(n);
    for (Py_ssize_t i = 0; list && i < n; i++) {
        mlx_array a = mlx_array_new();
        PyObject *item = mpy_array_result(mlx_vector_array_get(&a, value->as.arrays, (size_t)i), a);
        if (!item)
            Py_CLEAR(list);
        else if (tuple)
            PyTuple_SET_ITEM(list, i, item);
        else
            PyList_SET_ITEM(list, i, item);
    }
    return list;
}

static PyObject *ints_object(const mlx_value *value) {
    PyObject *tuple = PyTuple_New(value->count);
    for (int i = 0; tuple && i < value->count; i++) {
        PyObject *item = PyLong_FromLong(value->as.ints[i]);
        if (item)
            PyTuple_SET_ITEM(tuple, i, item);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

/* Several results are a tuple; a list in it is a list. */
static PyObject *list_object(mlx_value *value) {
    PyObject *tuple = PyTuple_New(value->count);
    for (int i = 0; tuple && i < value->count; i++) {
        mlx_value *from = &value->as.items[i];
        bool list = from->kind == MLX_VALUE_LIST;
        PyObject *item = mpy_value_object(from);
        if (item && list)
            Py_SETREF(item, PySequence_List(item));
        if (item)
            PyTuple_SET_ITEM(tuple, i, item);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *plain_object(mlx_value *value) {
    switch (value->kind) {
    case MLX_VALUE_BOOL: return PyBool_FromLong(value->as.boolean);
    case MLX_VALUE_INT: return PyLong_FromLongLong(value->as.integer);
    case MLX_VALUE_FLOAT: return PyFloat_FromDouble(value->as.number);
    case MLX_VALUE_STRING: return PyUnicode_FromString(value->as.string);
    case MLX_VALUE_DTYPE: return mpy_dtype_object(value->as.dtype);
    case MLX_VALUE_INTS: return ints_object(value);
    case MLX_VALUE_LIST: return list_object(value);
    case MLX_VALUE_ARRAYS:
    case MLX_VALUE_TUPLE: return arrays_object(value);
    default: Py_RETURN_NONE;
    }
}

PyObject *mpy_value_object(mlx_value *value) {
    if (value->kind == MLX_VALUE_ARRAY)
        return mpy_array_wrap(value->as.array);
    PyObject *object = plain_object(value);
    mlx_value_free(value);
    return object;
}

/* --- calls ------------------------------------------------------------------------------------ */

/* Without the GIL another thread may put another array into an object: the arguments are held. */
static int hold_arrays(mpy_frame *frame, int n) {
    for (int i = 0; i < n; i++) {
        mlx_value *v = &frame->values[i];
        mlx_array held = mlx_array_new();
        if (v->kind != MLX_VALUE_ARRAY || v->owned)
            continue;
        if (mlx_array_set(&held, v->as.array))
            return 1;
        *v = (mlx_value){.kind = MLX_VALUE_ARRAY, .owned = true, .as.array = held};
    }
    return 0;
}

static int run_operation(mlx_value *result, const mpy_function *f, mpy_frame *frame) {
    int status;
    if (!f->op->evaluates)
        return mlx_operation_call(result, f->op, frame->values);
    if (hold_arrays(frame, f->count))
        return 1;
    MPY_WAIT(status, mlx_operation_call(result, f->op, frame->values));
    return status;
}

/* The overload after f that takes the arguments, in the frame; NULL with f's error where none
   does. */
static const mpy_function *bind_next(mpy_frame *frame, const mpy_function *f, PyObject *const *args,
                                     Py_ssize_t n, PyObject *keywords) {
    PyObject *type, *value, *traceback;
    mpy_frame_free(frame, f);
    if (!f->next || !PyErr_ExceptionMatches(PyExc_TypeError))
        return NULL;
    PyErr_Fetch(&type, &value, &traceback);
    while ((f = f->next) && mpy_bind(frame, f, args, n, keywords)) {
        mpy_frame_free(frame, f);
        if (!PyErr_ExceptionMatches(PyExc_TypeError))
            break;
        PyErr_Clear();
    }
    if (f && !PyErr_Occurred()) {
        Py_XDECREF(type), Py_XDECREF(value), Py_XDECREF(traceback);
        return f;
    }
    PyErr_Restore(type, value, traceback);
    return NULL;
}

static PyObject *function_call(PyObject *callable, PyObject *const *args, size_t nargsf,
                               PyObject *keywords) {
    const mpy_function *f = (mpy_function *)callable;
    mpy_frame frame;
    mlx_value result = {.kind = MLX_VALUE_NONE};
    if (mpy_bind(&frame, f, args, PyVectorcall_NARGS(nargsf), keywords) &&
        !(f = bind_next(&frame, f, args, PyVectorcall_NARGS(nargsf), keywords)))
        return NULL;
    int status = run_operation(&result, f, &frame);
    mpy_frame_free(&frame, f);
    if (!status)
        return f->named ? mpy_named_object(f->named, mpy_value_object(&result))
                        : mpy_value_object(&result);
    mlx_value_free(&result);
    return mpy_raise();
}

/* --- making a function ------------------------------------------------------------------------ */

static PyObject *text_object(mlx_text t) {
    return PyUnicode_FromStringAndSize(t.start, t.length);
}

static int set_parameter(mpy_function *f, int i) {
    const mlx_parameter *from = &f->signature->parameters[i];
    mpy_parameter *p = &f->parameters[i];
    p->accepts = from->accepts;
    p->by_position = from->place == MLX_PLACE_POSITION || from->place == MLX_PLACE_EITHER;
    // MLX takes names before a / as well: roll(x, 1, axis=0)
    p->by_keyword = from->place != MLX_PLACE_REST;
    p->wide = !strncmp(from->name.start, "seed:", 5);
    p->large = !strncmp(from->name.start, "limit:", 6);
    p->clipped = !strncmp(from->name.start, "k: int = 0", 10);
    p->type = from->type.length ? text_object(from->type) : PyUnicode_FromString("array or int");
    p->name = text_object(from->name);
    if (!p->type || !p->name)
        return -1;
    p->floats =
        from->accepts >> MLX_VALUE_LIST & 1 && strstr(PyUnicode_AsUTF8(p->type), "Sequence[float]");
    PyUnicode_InternInPlace(&p->name);
    f->defaults[i] = from->value;
    if (p->by_position)
        f->positional = i + 1;
    if (from->place == MLX_PLACE_REST)
        f->rest = i;
    else if (!from->fallback.length)
        f->required |= 1u << i;
    return 0;
}

static int set_signature(mpy_function *f) {
    // The whole struct is large: what is kept is cut to the parameters there are.
    mlx_signature *s = PyMem_Calloc(1, sizeof *s);
    f->signature = s;
    if (!s)
        return PyErr_NoMemory(), -1;
    if (mlx_signature_parse(s, f->op->signature))
        return mpy_raise(), -1;
    f->count = s->count;
    f->name = text_object(s->name);
    f->module = PyUnicode_FromString(f->op->module);
    if (f->name)
        PyUnicode_InternInPlace(&f->name);
    for (int i = 0; i < f->count; i++)
        if (set_parameter(f, i))
            return -1;
    return f->name && f->module ? mpy_named_type(&f->named, f->op) : -1;
}

static bool is_method(const mlx_operation *op) {
    return !strcmp(op->module, "mlx.core.array");
}

static PyTypeObject function_type, method_type;

mpy_function *mpy_function_new(const mlx_operation *op) {
    mpy_function *f = PyObject_New(mpy_function, is_method(op) ? &method_type : &function_type);
    if (!f)
        return NULL;
    memset(&f->call, 0, sizeof *f - offsetof(mpy_function, call));
    f->call = function_call;
    f->op = op;
    f->rest = -1;
    if (!set_signature(f))
        return f;
    Py_DECREF(f);
    return NULL;
}

static void function_dealloc(PyObject *o) {
    mpy_function *f = (mpy_function *)o;
    for (int i = 0; i < f->count; i++) {
        Py_XDECREF(f->parameters[i].name);
        Py_XDECREF(f->parameters[i].type);
    }
    PyMem_Free(f->signature);
    Py_XDECREF(f->next);
    Py_XDECREF(f->named);
    Py_XDECREF(f->name);
    Py_XDECREF(f->module);
    PyObject_Free(o);
}

/* --- what Python may ask ---------------------------------------------------------------------- */

/* Methods share the paragraph of the function of their name. */
static const char *paragraph(const mpy_function *f) {
    if (f->op->doc)
        return f->op->doc;
    size_t n = (size_t)f->signature->name.length + 1;
    for (size_t i = 0; i < mlx_catalog_size(); i++) {
        const mlx_operation *op = mlx_catalog_get(i);
        if (op->doc && !strcmp(op->module, "mlx.core") &&
            !strncmp(op->signature, f->op->signature, n))
            return op->doc;
    }
    return "";
}

/* doc with what mlx_operation_manual says behind it. */
static PyObject *with_manual(PyObject *doc, const mlx_operation *op) {
    mlx_string manual = mlx_string_new();
    if (mlx_operation_manual(&manual, op) == 0 && *mlx_string_data(manual))
        Py_SETREF(doc, PyUnicode_FromFormat("%U\n\n%s", doc, mlx_string_data(manual)));
    mlx_string_free(manual);
    return doc;
}

static PyObject *function_doc(PyObject *o, void *unused) {
    const mpy_function *f = (mpy_function *)o;
    PyObject *doc = PyUnicode_FromString(f->op->signature);
    (void)unused;
    for (const mpy_function *g = f->next; doc && g; g = g->next)
        Py_SETREF(doc, PyUnicode_FromFormat("%U\n%s", doc, g->op->signature));
    if (doc)
        Py_SETREF(doc, PyUnicode_FromFormat("%U\n\n%s", doc, paragraph(f)));
    return doc ? with_manual(doc, f->op) : NULL;
}

static PyObject *function_qualname(PyObject *o, void *unused) {
    const mpy_function *f = (mpy_function *)o;
    (void)unused;
    return PyUnicode_FromFormat(is_method(f->op) ? "array.%U" : "%U", f->name);
}

static PyObject *function_module(PyObject *o, void *unused) {
    const mpy_function *f = (mpy_function *)o;
    (void)unused;
    return is_method(f->op) ? PyUnicode_FromString("mlx.core") : Py_NewRef(f->module);
}

/* The fallback of a parameter as Python shows it: a list where the value is ints. */
static PyObject *fallback_object(const mlx_parameter *p) {
    mlx_value value = p->value;
    PyObject *object = mpy_value_object(&value);
    if (object && p->value.kind == MLX_VALUE_INTS)
        Py_SETREF(object, PySequence_List(object));
    return object;
}

static PyObject *parameter_object(PyObject *class, const mlx_parameter *p) {
    static const char *const kinds[] = {"POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY",
                                        "VAR_POSITIONAL"};
    PyObject *kind = PyObject_GetAttrString(class, kinds[p->place]);
    PyObject *args =
        kind ? Py_BuildValue("(s#N)", p->name.start, (Py_ssize_t)p->name.length, kind) : NULL;
    PyObject *words = args ? PyDict_New() : NULL, *result = NULL;
    PyObject *type = words && p->type.length ? text_object(p->type) : NULL;
    PyObject *fallback = words && p->fallback.length ? fallback_object(p) : NULL;
    if (words && (!type || !PyDict_SetItemString(words, "annotation", type)) &&
        (!fallback || !PyDict_SetItemString(words, "default", fallback)) && !PyErr_Occurred())
        result = PyObject_Call(class, args, words);
    Py_XDECREF(args);
    Py_XDECREF(words);
    Py_XDECREF(type);
    Py_XDECREF(fallback);
    return result;
}

static PyObject *parameter_list(PyObject *inspect, const mlx_signature *s) {
    PyObject *class = PyObject_GetAttrString(inspect, "Parameter"),
             *list = class ? PyList_New(0) : NULL;
    for (int i = 0; list && i < s->count; i++) {
        PyObject *p = parameter_object(class, &s->parameters[i]);
        if (!p || PyList_Append(list, p))
            Py_CLEAR(list);
        Py_XDECREF(p);
    }
    Py_XDECREF(class);
    return list;
}

/* An inspect.Signature; where a required parameter follows one with a fallback, there is none. */
static PyObject *function_signature(PyObject *o, void *unused) {
    const mpy_function *f = (mpy_function *)o;
    PyObject *inspect = PyImport_ImportModule("inspect");
    PyObject *list = inspect ? parameter_list(inspect, f->signature) : NULL;
    PyObject *class = list ? PyObject_GetAttrString(inspect, "Signature") : NULL;
    PyObject *args = class ? PyTuple_Pack(1, list) : NULL;
    PyObject *words = args && f->signature->result.length
                          ? Py_BuildValue("{ss#}", "return_annotation", f->signature->result.start,
                                          (Py_ssize_t)f->signature->result.length)
                          : NULL;
    PyObject *result = args ? PyObject_Call(class, args, words) : NULL;
    (void)unused;
    Py_XDECREF(words);
    Py_XDECREF(args);
    Py_XDECREF(class);
    Py_XDECREF(list);
    Py_XDECREF(inspect);
    return result;
}

/* "(a, /, axis=None)": names and fallbacks alone, as CPython writes it. */
static PyObject *function_text_signature(PyObject *o, void *unused) {
    PyObject *signature = function_signature(o, NULL), *parameters = NULL, *text = NULL;
    static const char *const code =
        "lambda s: str(s.replace(parameters=[p.replace(annotation=p.empty) for p in "
        "s.parameters.values()], return_annotation=s.empty))";
    PyObject *scope = signature ? PyDict_New() : NULL;
    (void)unused;
    if (scope && !PyDict_SetItemString(scope, "__builtins__", PyEval_GetBuiltins()))
        parameters = PyRun_String(code, Py_eval_input, scope, scope);
    if (parameters)
        text = PyObject_CallOneArg(parameters, signature);
    Py_XDECREF(parameters);
    Py_XDECREF(scope);
    Py_XDECREF(signature);
    return text;
}

static PyObject *function_repr(PyObject *o) {
    const mpy_function *f = (mpy_function *)o;
    return PyUnicode_FromFormat("<%s %U.%U>", is_method(f->op) ? "method" : "function", f->module,
                                f->name);
}

/* Pickled by name. */
static PyObject *function_reduce(PyObject *o, PyObject *unused) {
    return function_qualname(o, unused);
}

/* A function in a class stays a function, as Python's built-in ones do. */
static PyObject *function_get(PyObject *o, PyObject *self, PyObject *type) {
    (void)self, (void)type;
    return Py_NewRef(o);
}

static PyObject *method_get(PyObject *o, PyObject *self, PyObject *type) {
    (void)type;
    return self && self != Py_None ? PyMethod_New(o, self) : Py_NewRef(o);
}

static PyMemberDef members[] = {
    {"__name__", T_OBJECT, offsetof(mpy_function, name), READONLY},
    {NULL},
};
static PyGetSetDef properties[] = {
    {"__doc__", function_doc},
    {"__qualname__", function_qualname},
    {"__module__", function_module},
    {"__signature__", function_signature},
    {"__text_signature__", function_text_signature},
    {NULL},
};
static PyMethodDef methods[] = {{"__reduce__", function_reduce, METH_NOARGS}, {NULL}};

static PyTypeObject function_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.function",
    .tp_basicsize = sizeof(mpy_function),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_vectorcall_offset = offsetof(mpy_function, call),
    .tp_call = PyVectorcall_Call,
    .tp_dealloc = function_dealloc,
    .tp_repr = function_repr,
    .tp_descr_get = function_get,
    .tp_members = members,
    .tp_getset = properties,
    .tp_methods = methods,
};

static PyTypeObject method_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "mlx.core.method",
    .tp_basicsize = sizeof(mpy_function),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_vectorcall_offset = offsetof(mpy_function, call),
    .tp_call = PyVectorcall_Call,
    .tp_dealloc = function_dealloc,
    .tp_repr = function_repr,
    .tp_descr_get = method_get,
    .tp_members = members,
    .tp_getset = properties,
    .tp_methods = methods,
};

/* --- the module ------------------------------------------------------------------------------- */

/* The dictionary that holds the names of "mlx.core", "mlx.core.fft" ... or of the class array;
   borrowed. A submodule is made when it is first asked for. */
static PyObject *names_of(PyObject *core, const char *module) {
    if (!strcmp(module, "mlx.core.array"))
        return mpy_array_type.tp_dict;
    if (!strcmp(module, "mlx.core"))
        return PyModule_GetDict(core);
    PyObject *sub = PyImport_AddModule(module);
    const char *name = strrchr(module, '.') + 1;
    if (!sub || PyModule_AddObjectRef(core, name, sub))
        return NULL;
    return PyModule_GetDict(sub);
}

static int add_row(PyObject *core, const mlx_operation *op) {
    PyObject *names = names_of(core, op->module);
    mpy_function *f = names ? mpy_function_new(op) : NULL;
    if (!f)
        return -1;
    PyObject *former = PyDict_GetItemWithError(names, f->name);
    if (former && (Py_IS_TYPE(former, &function_type) || Py_IS_TYPE(former, &method_type))) {
        mpy_function *last = (mpy_function *)former;
        while (last->next)
            last = last->next;
        last->next = f;
        return 0;
    }
    int status = PyDict_SetItem(names, f->name, (PyObject *)f);
    Py_DECREF(f);
    return status;
}

static int add_alias(PyObject *core, const mlx_operation_alias *alias) {
    PyObject *names = names_of(core, alias->module);
    PyObject *origin = names && alias->from ? names_of(core, alias->from) : names;
    PyObject *f = origin ? PyDict_GetItemString(origin, alias->of) : NULL;
    if (!f)
        return PyErr_Occurred()
                   ? -1
                   : (PyErr_Format(PyExc_ImportError, "no function %s", alias->of), -1);
    return PyDict_SetItemString(names, alias->name, f);
}

int mpy_init_functions(PyObject *core) {
    if (PyType_Ready(&function_type) || PyType_Ready(&method_type))
        return -1;
    for (size_t i = 0, n = mlx_catalog_size(); i < n; i++)
        if (add_row(core, mlx_catalog_get(i)))
            return -1;
    for (size_t i = 0; mlx_catalog_alias(i); i++)
        if (add_alias(core, mlx_catalog_alias(i)))
            return -1;
    PyType_Modified(&mpy_array_type);
    return 0;
}
