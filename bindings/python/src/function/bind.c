/* The arguments of a call become values: by position, by keyword, by default. */
#include "function/function.h"
#include "array/operators.h"

#define BIT(kind) (1u << MLX_VALUE_##kind)

/* What stands for a scalar or an array and is neither is a ValueError to the original, all else a
   TypeError. */
static int wrong_type(const mpy_function *f, const mpy_parameter *p, PyObject *o) {
    bool weak = p->accepts & BIT(ARRAY) && p->accepts & BIT(FLOAT) && o != Py_None;
    PyObject *hint = mpy_hint(f, p, o);
    if (hint)
        PyErr_Format(weak ? PyExc_ValueError : PyExc_TypeError,
                     "%U() argument '%U' must be %U, not %.100s%U", f->name, p->name, p->type,
                     Py_TYPE(o)->tp_name, hint);
    Py_XDECREF(hint);
    return -1;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static int too_large(const mpy_parameter *p, PyObject *o) {
    PyErr_Format(PyExc_OverflowError, "argument '%U': %S is too large", p->name, o);
    return -1;
}

/* The number of what passes for an index. */
static PyObject *whole(PyObject *o) {
    return mpy_array_check(o) ? mpy_array_int(o) : PyNumber_Index(o);
}

/* From 2^63 on. */
static int large_value(mlx_value *v, const mpy_parameter *p, PyObject *o) {
    PyObject *index = PyNumber_Index(o);
    unsigned long long i = index ? PyLong_AsUnsignedLongLong(index) : 0;
    Py_XDECREF(index);
    if (PyErr_Occurred())
        return PyErr_Clear(), too_large(p, o);
    *v = (mlx_value){.kind = MLX_VALUE_UINT, .as.integer = (int64_t)i};
    return 0;
}

static int int_value(mlx_value *v, const mpy_parameter *p, PyObject *o) {
    int overflow;
    PyObject *index = whole(o);
    long long i = index ? PyLong_AsLongLongAndOverflow(index, &overflow) : 0;
    long long wide =
        index && overflow > 0 && p->wide ? (long long)PyLong_AsUnsignedLongLongMask(index) : 0;
    Py_XDECREF(index);
    if (!index)
        return -1;
    if (overflow > 0 && p->accepts & BIT(ARRAY))
        return large_value(v, p, o);
    if (overflow > 0 && p->wide) {
        i = wide;
        overflow = 0;
    } else if (p->wide && (overflow || i < 0)) {
        PyErr_Format(PyExc_TypeError, "argument '%U' must not be negative", p->name);
        return -1;
    }
    if (p->clipped && (overflow || i != (int)i))
        i = (overflow < 0 || (!overflow && i < 0)) ? INT_MIN + 1 : INT_MAX, overflow = 0;
    if (overflow || (p->accepts & BIT(INT) && !(p->accepts & BIT(FLOAT)) && !p->wide && !p->large &&
                     i != (int)i))
        return too_large(p, o);
    *v = (mlx_value){.kind = MLX_VALUE_INT, .as.integer = i};
    return 0;
}

static int float_value(mlx_value *v, PyObject *o) {
    double x = PyFloat_AsDouble(o);
    *v = (mlx_value){.kind = MLX_VALUE_FLOAT, .as.number = x};
    return x == -1 && PyErr_Occurred() ? -1 : 0;
}

static int complex_value(mlx_value *v, PyObject *o) {
    Py_complex z = PyComplex_AsCComplex(o);
    *v =
        (mlx_value){.kind = MLX_VALUE_COMPLEX, .as.complex_number = {(float)z.real, (float)z.imag}};
    return z.real == -1 && PyErr_Occurred() ? -1 : 0;
}

/* A whole number that is no array, although arrays may have __index__ too: Python's, or one of
   NumPy's scalars. */
static bool is_scalar(PyObject *o) {
    return PyLong_Check(o) || (PyIndex_Check(o) && !PySequence_Check(o) && !mpy_array_like(o));
}

/* Arrays without axes have no length. */
static bool has_length(PyObject *o) {
    if (PySequence_Size(o) >= 0)
        return true;
    bool none = PyErr_ExceptionMatches(PyExc_TypeError);
    PyErr_Clear();
    return !none;
}

/* What may be a size or an axis: a whole number, or an array of one without axes, ours, NumPy's or
   another's. */
static bool is_index(PyObject *o) {
    if (mpy_array_check(o))
        return !mlx_array_ndim(mpy_array_handle(o)) &&
               mlx_array_dtype(mpy_array_handle(o)) < MLX_FLOAT16;
    return is_scalar(o) || (PyIndex_Check(o) && !has_length(o));
}

static bool has_float(PyObject *o) {
    return Py_TYPE(o)->tp_as_number && Py_TYPE(o)->tp_as_number->nb_float;
}

/* A size, or where p takes floats too a number of either kind. */
static int index_value(mlx_value *v, const mpy_parameter *p, PyObject *o) {
    int status = int_value(v, p, o);
    if (!status || !(p->accepts & BIT(FLOAT)) || !has_float(o) ||
        !PyErr_ExceptionMatches(PyExc_TypeError))
        return status;
    PyErr_Clear();
    return float_value(v, o);
}

static bool has_number(PyObject *o) {
    return has_float(o) && (!PySequence_Check(o) || !has_length(o));
}

/* Where the kind of number matters bool is a third one; for sizes and flags Python's rules say what
   it is. */
static bool keeps_bool(unsigned accepts) {
    return accepts & (BIT(ARRAY) | BIT(BOOL)) || (accepts & BIT(INT) && accepts & BIT(FLOAT));
}

/* NumPy's scalar, which is not Python's bool, and is an index up to NumPy 2.2; found by name, for
   NumPy may be absent. */
static bool is_numpy_bool(PyObject *o) {
    const char *name = Py_TYPE(o)->tp_name;
    return !strcmp(name, "numpy.bool") || !strcmp(name, "numpy.bool_");
}

static int bool_value(mlx_value *v, PyObject *o) {
    int truth = PyObject_IsTrue(o);
    *v = (mlx_value){.kind = MLX_VALUE_BOOL, .as.boolean = truth > 0};
    return truth < 0 ? -1 : 0;
}

/* 1: o is no number that p takes. */
static int number_value(mlx_value *v, const mpy_parameter *p, PyObject *o) {
    unsigned accepts = p->accepts, array = accepts & BIT(ARRAY);
    if (PyBool_Check(o) && keeps_bool(accepts))
        return bool_value(v, o);
    if (!array && accepts & BIT(INT) && accepts & BIT(FLOAT) && is_numpy_bool(o))
        return bool_value(v, o);
    if (PyLong_Check(o) || (accepts & BIT(INT) && (array ? is_scalar(o) : is_index(o)))) {
        if (accepts & BIT(INT) || array)
            return index_value(v, p, o);
        return accepts & BIT(FLOAT) ? float_value(v, o) : 1;
    }
    if (PyFloat_Check(o) && (array || accepts & BIT(FLOAT)))
        return float_value(v, o);
    if (PyComplex_Check(o) && (array || accepts & BIT(COMPLEX)))
        return complex_value(v, o);
    if (array || !(accepts & BIT(FLOAT)) || !has_number(o))
        return 1;
    return float_value(v, o);
}

/* --- sequences -------------------------------------------------------------------------------- */

static int *frame_ints(mpy_frame *frame, mlx_value *v, Py_ssize_t n) {
    if (n > MPY_FRAME_INTS - frame->used) {
        if (mlx_value_new_ints(v, (size_t)n))
            mpy_raise();
        return v->as.ints;
    }
    *v = (mlx_value){.kind = MLX_VALUE_INTS, .count = (int)n, .as.ints = frame->ints + frame->used};
    frame->used += (int)n;
    return v->as.ints;
}

static int one_int(int *out, PyObject *o, const mpy_function *f, const mpy_parameter *p) {
    static const mpy_parameter plain = {.accepts = BIT(INT)};
    mlx_value v;
    mpy_parameter named = plain;
    named.name = p->name;
    if (!is_index(o))
        return wrong_type(f, p, o);
    if (int_value(&v, &named, o))
        return -1;
    *out = (int)v.as.integer;
    return 0;
}

static int ints_of(mpy_frame *frame, mlx_value *v, PyObject *const *items, Py_ssize_t n,
                   const mpy_function *f, const mpy_parameter *p) {
    int *ints = frame_ints(frame, v, n);
    for (Py_ssize_t i = 0; ints && i < n; i++)
        if (one_int(&ints[i], items[i], f, p))
            return -1;
    return ints ? 0 : -1;
}

static int one_array(mlx_array *out, bool *owned, PyObject *o) {
    *owned = !mpy_array_check(o);
    if (*owned)
        return mpy_array_from(out, o, NULL);
    *out = mpy_array_handle(o);
    return 0;
}

static int arrays_of(mlx_value *v, PyObject *const *items, Py_ssize_t n, const mpy_function *f,
                     const mpy_parameter *p) {
    *v = (mlx_value){.kind = MLX_VALUE_ARRAYS, .owned = true, .as.arrays = mlx_vector_array_new()};
    int failed = !v->as.arrays.ctx;
    for (Py_ssize_t i = 0; !failed && i < n; i++) {
        mlx_array a = mlx_array_new();
        bool owned;
        if (PyList_Check(items[i]) || PyTuple_Check(items[i]) || PyUnicode_Check(items[i]) ||
            items[i] == Py_None)
            return wrong_type(f, p, items[i]);
        if (one_array(&a, &owned, items[i]))
            return -1;
        failed = mlx_vector_array_append_value(v->as.arrays, a);
        if (owned)
            mlx_array_free(a);
    }
    return failed ? mpy_raise(), -1 : 0;
}

static int convert(mpy_frame *frame, mlx_value *v, PyObject *o, const mpy_function *f,
                   const mpy_parameter *p);
static int convert_sequence(mpy_frame *frame, mlx_value *v, PyObject *o, const mpy_function *f,
                            const mpy_parameter *p);

static int list_of(mpy_frame *frame, mlx_value *v, PyObject *const *items, Py_ssize_t n,
                   const mpy_function *f, const mpy_parameter *p, unsigned accepts) {
    mpy_parameter item = *p;
    item.accepts = accepts;
    if (mlx_value_new_list(v, (size_t)n))
        return mpy_raise(), -1;
    for (Py_ssize_t i = 0; i < n; i++)
        if (convert(frame, &v->as.items[i], items[i], f, &item))
            return -1;
    return 0;
}

static bool is_sequence(PyObject *o) {
    return PySequence_Check(o) && !PyUnicode_Check(o) && !PyBytes_Check(o) && !is_index(o);
}

/* A tuple holds the items: converting one of them may run code that changes the sequence. */
static int convert_sequence(mpy_frame *frame, mlx_value *v, PyObject *o, const mpy_function *f,
                            const mpy_parameter *p) {
    PyObject *held = PySequence_Tuple(o);
    if (!held)
        return -1;
    PyObject *const *items = ((PyTupleObject *)held)->ob_item;
    Py_ssize_t n = PyTuple_GET_SIZE(held);
    int status;
    if (p->accepts & BIT(ARRAYS))
        status = arrays_of(v, items, n, f, p);
    else if (p->accepts & BIT(LIST) && n && (!(p->accepts & BIT(INTS)) || is_sequence(items[0])))
        status =
            list_of(frame, v, items, n, f, p, BIT(INTS) | BIT(INT) | (p->floats ? BIT(FLOAT) : 0));
    else
        status = ints_of(frame, v, items, n, f, p);
    Py_DECREF(held);
    return status;
}

/* --- one argument ----------------------------------------------------------------------------- */

static int convert_array(mlx_value *v, PyObject *o, const mpy_function *f, const mpy_parameter *p) {
    if (PyList_Check(o) || PyTuple_Check(o) || PyUnicode_Check(o))
        return wrong_type(f, p, o);
    mlx_array a = mlx_array_new();
    if (mpy_array_from(&a, o, NULL)) {
        if (!PyErr_ExceptionMatches(PyExc_TypeError) && !PyErr_ExceptionMatches(PyExc_ValueError))
            return -1;
        PyErr_Clear();
        return wrong_type(f, p, o);
    }
    *v = (mlx_value){
        .kind = MLX_VALUE_ARRAY, .owned = true, .weak = p->accepts & BIT(FLOAT), .as.array = a};
    return 0;
}

static int convert_string(mlx_value *v, PyObject *o) {
    *v = (mlx_value){.kind = MLX_VALUE_STRING, .as.string = mpy_text(o)};
    return v->as.string ? 0 : -1;
}

static int convert_dtype(mlx_value *v, PyObject *o, const mpy_function *f, const mpy_parameter *p) {
    *v = (mlx_value){.kind = MLX_VALUE_DTYPE};
    return mpy_dtype_check(o) ? mpy_dtype_from(&v->as.dtype, o) : wrong_type(f, p, o);
}

static int convert_stream(mlx_value *v, PyObject *o, const mpy_function *f,
                          const mpy_parameter *p) {
    *v = (mlx_value){.kind = MLX_VALUE_STREAM};
    if (!mpy_stream_from(&v->as.stream, o))
        return 0;
    if (!PyErr_ExceptionMatches(PyExc_TypeError))
        return -1;
    PyErr_Clear();
    return wrong_type(f, p, o);
}

static int convert_group(mlx_value *v, PyObject *o) {
    *v = (mlx_value){.kind = MLX_VALUE_GROUP};
    return mpy_group_from(&v->as.group, o);
}

static int convert_other(mpy_frame *frame, mlx_value *v, PyObject *o, const mpy_function *f,
                         const mpy_parameter *p) {
    unsigned accepts = p->accepts;
    if (accepts & BIT(STREAM))
        return convert_stream(v, o, f, p);
    if (accepts & BIT(GROUP))
        return convert_group(v, o);
    if (o == Py_None && accepts & BIT(NONE))
        return *v = (mlx_value){.kind = MLX_VALUE_NONE}, 0;
    int status = number_value(v, p, o);
    if (status != 1)
        return status;
    if (PyUnicode_Check(o) && accepts & BIT(STRING))
        return convert_string(v, o);
    if (accepts & (BIT(INTS) | BIT(ARRAYS) | BIT(LIST)) && is_sequence(o))
        return convert_sequence(frame, v, o, f, p);
    if (accepts & BIT(DTYPE) && !mpy_array_check(o) && o != Py_None)
        return convert_dtype(v, o, f, p);
    return accepts & BIT(ARRAY) && o != Py_None ? convert_array(v, o, f, p) : wrong_type(f, p, o);
}

static inline int convert(mpy_frame *frame, mlx_value *v, PyObject *o, const mpy_function *f,
                          const mpy_parameter *p) {
    if (mpy_array_check(o) && p->accepts & BIT(ARRAY)) {
        *v = (mlx_value){.kind = MLX_VALUE_ARRAY, .as.array = mpy_array_handle(o)};
        return 0;
    }
    return convert_other(frame, v, o, f, p);
}

/* --- all arguments ---------------------------------------------------------------------------- */

/* *shape takes ints or one sequence of them; *arrays takes arrays; *others takes what each of them
   may be. */
static int bind_rest(mpy_frame *frame, const mpy_function *f, PyObject *const *args, Py_ssize_t n) {
    const mpy_parameter *p = &f->parameters[f->rest];
    mlx_value *v = &frame->values[f->rest];
    mpy_parameter whole = *p;
    if (p->accepts == BIT(ARRAY))
        return arrays_of(v, args, n, f, p);
    if (p->accepts != BIT(INT))
        return list_of(frame, v, args, n, f, p, p->accepts);
    if (n != 1 || !is_sequence(args[0]))
        return ints_of(frame, v, args, n, f, p);
    whole.accepts = BIT(INTS);
    return convert_sequence(frame, v, args[0], f, &whole);
}

static int too_many(const mpy_function *f, Py_ssize_t n) {
    PyErr_Format(PyExc_TypeError, "%U() takes at most %d positional argument%s but %zd were given",
                 f->name, f->positional, f->positional == 1 ? "" : "s", n);
    return -1;
}

static int missing(const mpy_function *f, unsigned given) {
    int i = __builtin_ctz(f->required & ~given);
    PyErr_Format(PyExc_TypeError, "%U() is missing the required argument '%U' (signature: %s)",
                 f->name, f->parameters[i].name, f->op->signature);
    return -1;
}

static int parameter_named(const mpy_function *f, PyObject *name) {
    for (int i = 0; i < f->count; i++)
        if (f->parameters[i].by_keyword && f->parameters[i].name == name)
            return i;
    for (int i = 0; i < f->count; i++)
        if (f->parameters[i].by_keyword && PyUnicode_Compare(f->parameters[i].name, name) == 0)
            return i;
    PyErr_Format(PyExc_TypeError, "%U() got an unexpected keyword argument '%U' (signature: %s)%s",
                 f->name, name, f->op->signature, mpy_keyword_hint(f, name));
    return -1;
}

static int bind_keywords(mpy_frame *frame, const mpy_function *f, PyObject *const *args,
                         PyObject *keywords, unsigned *given) {
    for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(keywords); k++) {
        int i = parameter_named(f, PyTuple_GET_ITEM(keywords, k));
        if (i < 0)
            return -1;
        if (*given >> i & 1) {
            PyErr_Format(PyExc_TypeError, "%U() got multiple values for argument '%U'", f->name,
                         f->parameters[i].name);
            return -1;
        }
        *given |= 1u << i;
        if (convert(frame, &frame->values[i], args[k], f, &f->parameters[i]))
            return -1;
    }
    return 0;
}

int mpy_bind(mpy_frame *frame, const mpy_function *f, PyObject *const *args, Py_ssize_t n,
             PyObject *keywords) {
    Py_ssize_t here = n < f->positional ? n : f->positional;
    unsigned given = (1u << here) - 1;
    frame->used = 0;
    memcpy(frame->values, f->defaults, (size_t)f->count * sizeof *f->defaults);
    if (n > here && f->rest < 0)
        return too_many(f, n);
    for (Py_ssize_t i = 0; i < here; i++)
        if (convert(frame, &frame->values[i], args[i], f, &f->parameters[i]))
            return -1;
    if (f->rest >= 0 && bind_rest(frame, f, args + here, n - here))
        return -1;
    if (keywords && bind_keywords(frame, f, args + n, keywords, &given))
        return -1;
    return f->required & ~given ? missing(f, given) : 0;
}

void mpy_frame_free(mpy_frame *frame, const mpy_function *f) {
    for (int i = 0; i < f->count; i++)
        if (frame->values[i].owned)
            mlx_value_free(&frame->values[i]);
}
