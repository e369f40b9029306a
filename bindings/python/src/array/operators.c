/* Operators of arrays: a row for each says which function of the library it is. */
#include "array/operators.h"

typedef int binary_fn(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s);
typedef int unary_fn(mlx_array *res, const mlx_array a, const mlx_stream s);

typedef struct operation {
    binary_fn *run;
    const char *what; /* as in "Cannot perform addition on" */
    int integral;     /* floating-point operands are refused */
} operation;

static const mlx_stream default_stream = {NULL};

/* --- two operands ----------------------------------------------------------------------------- */

static const char *short_name(PyObject *o) {
    return Py_TYPE(o)->tp_name;
}

static int refuse_operand(const operation *op, PyObject *o, const char *in_place) {
    PyErr_Format(PyExc_ValueError, "Cannot perform %s%s on an mlx.core.array and %.200s", in_place,
                 op->what, short_name(o));
    return -1;
}

/* None, and objects of types with operators of their own, may still know what to do. */
static int may_know(PyObject *o) {
    return o == Py_None || (Py_TYPE(o)->tp_flags & Py_TPFLAGS_HEAPTYPE);
}

static int check_kinds(const operation *op, mlx_array a, mlx_array b) {
    if (!op->integral || (mlx_array_dtype(a) < MLX_FLOAT16 && mlx_array_dtype(b) < MLX_FLOAT16))
        return 0;
    PyErr_Format(PyExc_ValueError, "Floating point types not allowed with %s.", op->what);
    return -1;
}

/* The operand that is no array: borrowed if it is a number, else in *made. 1: it is nothing that
   arrays know. */
static int convert(mlx_array *operand, mlx_array *made, PyObject *o, PyObject *array) {
    mlx_dtype dtype = mlx_array_dtype(mpy_array_handle(array));
    int status = mpy_constant_operand(operand, o, dtype);
    if (status <= 0)
        return status;
    status = mpy_operand(made, o, dtype);
    *operand = *made;
    return status;
}

/* The result in *out. 1: an operand is nothing that arrays know. */
static int run(mlx_array *out, const operation *op, PyObject *x, PyObject *y,
               const char *in_place) {
    int left = mpy_array_check(x), right = mpy_array_check(y), status = 0;
    mlx_array made = {NULL}, other = {NULL};
    if (!left || !right) {
        PyObject *o = left ? y : x;
        status = convert(&other, &made, o, left ? x : y);
        if (status > 0 && !may_know(o))
            status = refuse_operand(op, o, in_place);
    }
    mlx_array a = left ? mpy_array_handle(x) : other, b = right ? mpy_array_handle(y) : other;
    if (!status)
        status = check_kinds(op, a, b);
    if (!status && op->run(out, a, b, default_stream))
        status = (mpy_raise(), -1);
    mlx_array_free(made);
    return status;
}

static PyObject *binary(const operation *op, PyObject *x, PyObject *y) {
    mlx_array out = {NULL};
    int status = run(&out, op, x, y, "");
    if (!status)
        return mpy_array_wrap(out);
    mlx_array_free(out);
    return status > 0 ? Py_NewRef(Py_NotImplemented) : NULL;
}

/* The object stays, its value is a new one. */
static PyObject *in_place(const operation *op, PyObject *x, PyObject *y) {
    mlx_array out = {NULL};
    int status = run(&out, op, x, y, "inplace ");
    if (status) {
        mlx_array_free(out);
        return status > 0 ? Py_NewRef(Py_NotImplemented) : NULL;
    }
    mpy_array_replace(x, out);
    return Py_NewRef(x);
}

/*  name          function            what it is called  integers only */
#define OPERATORS(ROW)                                       \
    ROW(add, mlx_add, "addition", 0)                         \
    ROW(subtract, mlx_subtract, "subtraction", 0)            \
    ROW(multiply, mlx_multiply, "multiplication", 0)         \
    ROW(true_divide, mlx_divide, "division", 0)              \
    ROW(floor_divide, mlx_floor_divide, "floor division", 0) \
    ROW(remainder, mlx_remainder, "modulus", 0)              \
    ROW(power2, mlx_power, "power", 0)                       \
    ROW(and, mlx_bitwise_and, "bitwise and", 1)              \
    ROW(or, mlx_bitwise_or, "bitwise or", 1)                 \
    ROW(xor, mlx_bitwise_xor, "bitwise xor", 1)              \
    ROW(lshift, mlx_left_shift, "left shift", 1)             \
    ROW(rshift, mlx_right_shift, "right shift", 1)

#define SLOTS(name, function, what, integral)                      \
    static const operation op_##name = {function, what, integral}; \
    static PyObject *slot_##name(PyObject *x, PyObject *y) {       \
        return binary(&op_##name, x, y);                           \
    }                                                              \
    static PyObject *slot_i##name(PyObject *x, PyObject *y) {      \
        return in_place(&op_##name, x, y);                         \
    }
OPERATORS(SLOTS)

static PyObject *slot_idivide(PyObject *x, PyObject *y) {
    mlx_dtype dtype = mlx_array_dtype(mpy_array_handle(x));
    if (dtype < MLX_FLOAT16 && (mpy_array_check(y) || PyNumber_Check(y)))
        return PyErr_Format(PyExc_ValueError,
                            "In place division cannot cast to non-floating point type.");
    return slot_itrue_divide(x, y);
}

static PyObject *no_modulus(PyObject *modulus) {
    if (modulus == Py_None)
        return Py_None;
    PyErr_SetString(PyExc_TypeError, "pow() of arrays takes no third argument");
    return NULL;
}

static PyObject *slot_power(PyObject *x, PyObject *y, PyObject *modulus) {
    return no_modulus(modulus) ? slot_power2(x, y) : NULL;
}

static PyObject *slot_ipower(PyObject *x, PyObject *y, PyObject *modulus) {
    return no_modulus(modulus) ? slot_ipower2(x, y) : NULL;
}

/* --- divmod ----------------------------------------------------------------------------------- */

static PyObject *pair_of(mlx_vector_array both) {
    mlx_array q = {NULL}, r = {NULL};
    if (mlx_vector_array_get(&q, both, 0) || mlx_vector_array_get(&r, both, 1)) {
        mlx_array_free(q);
        return mpy_raise();
    }
    PyObject *first = mpy_array_wrap(q), *second = mpy_array_wrap(r);
    PyObject *result = first && second ? PyTuple_Pack(2, first, second) : NULL;
    Py_XDECREF(first);
    Py_XDECREF(second);
    return result;
}

static PyObject *slot_divmod(PyObject *x, PyObject *y) {
    static const operation name = {NULL, "divmod", 0};
    mlx_array a = {NULL}, b = {NULL};
    mlx_vector_array both = mlx_vector_array_new();
    PyObject *other = mpy_array_check(x) ? y : x, *result = NULL;
    if (PyList_Check(other) || PyTuple_Check(other) || PyUnicode_Check(other))
        refuse_operand(&name, other, "");
    else if (other == Py_None)
        result = Py_NewRef(Py_NotImplemented);
    else if (!mpy_array_pair(&a, &b, x, y))
        result = mlx_divmod(&both, a, b, default_stream) ? mpy_raise() : pair_of(both);
    mlx_vector_array_free(both);
    mlx_array_free(a);
    mlx_array_free(b);
    return result;
}

/* --- matrix products: of arrays only, of other libraries' too --------------------------------- */

static int matmul(mlx_array *out, PyObject *x, PyObject *y) {
    mlx_array a = {NULL}, b = {NULL};
    PyObject *other = mpy_array_check(x) ? y : x;
    if (!mpy_array_like(other) && !PyObject_CheckBuffer(other))
        return 1;
    int status = mpy_array_pair(&a, &b, x, y);
    if (!status && mlx_matmul(out, a, b, default_stream))
        status = (mpy_raise(), -1);
    mlx_array_free(a);
    mlx_array_free(b);
    return status;
}

static PyObject *slot_matmul(PyObject *x, PyObject *y) {
    mlx_array out = {NULL};
    int status = matmul(&out, x, y);
    if (!status)
        return mpy_array_wrap(out);
    return status > 0 ? Py_NewRef(Py_NotImplemented) : NULL;
}

static PyObject *slot_imatmul(PyObject *x, PyObject *y) {
    mlx_array out = {NULL};
    int status = matmul(&out, x, y);
    if (status)
        return status > 0 ? Py_NewRef(Py_NotImplemented) : NULL;
    mpy_array_replace(x, out);
    return Py_NewRef(x);
}

/* --- one operand ------------------------------------------------------------------------------ */

static PyObject *unary(unary_fn *f, PyObject *x) {
    mlx_array out = {NULL};
    int status = f(&out, mpy_array_handle(x), default_stream);
    return mpy_array_result(status, out);
}

static PyObject *slot_negative(PyObject *x) {
    return unary(mlx_negative, x);
}

static PyObject *slot_positive(PyObject *x) {
    return unary(mlx_positive, x);
}

static PyObject *slot_absolute(PyObject *x) {
    return unary(mlx_abs, x);
}

static PyObject *slot_invert(PyObject *x) {
    if (mlx_array_dtype(mpy_array_handle(x)) >= MLX_FLOAT16)
        return PyErr_Format(PyExc_ValueError,
                            "Floating point types not allowed with bitwise inversion.");
    return unary(mlx_array_dtype(mpy_array_handle(x)) == MLX_BOOL ? mlx_logical_not
                                                                  : mlx_bitwise_invert,
                 x);
}

PyNumberMethods mpy_array_number = {
    .nb_add = slot_add,
    .nb_inplace_add = slot_iadd,
    .nb_subtract = slot_subtract,
    .nb_inplace_subtract = slot_isubtract,
    .nb_multiply = slot_multiply,
    .nb_inplace_multiply = slot_imultiply,
    .nb_true_divide = slot_true_divide,
    .nb_inplace_true_divide = slot_idivide,
    .nb_floor_divide = slot_floor_divide,
    .nb_inplace_floor_divide = slot_ifloor_divide,
    .nb_remainder = slot_remainder,
    .nb_inplace_remainder = slot_iremainder,
    .nb_power = slot_power,
    .nb_inplace_power = slot_ipower,
    .nb_and = slot_and,
    .nb_inplace_and = slot_iand,
    .nb_or = slot_or,
    .nb_inplace_or = slot_ior,
    .nb_xor = slot_xor,
    .nb_inplace_xor = slot_ixor,
    .nb_lshift = slot_lshift,
    .nb_inplace_lshift = slot_ilshift,
    .nb_rshift = slot_rshift,
    .nb_inplace_rshift = slot_irshift,
    .nb_matrix_multiply = slot_matmul,
    .nb_inplace_matrix_multiply = slot_imatmul,
    .nb_divmod = slot_divmod,
    .nb_negative = slot_negative,
    .nb_positive = slot_positive,
    .nb_absolute = slot_absolute,
    .nb_invert = slot_invert,
    .nb_bool = mpy_array_bool,
    .nb_int = mpy_array_int,
    .nb_float = mpy_array_float,
    .nb_index = mpy_array_index,
};

/* Python 2's names, which MLX still has. */
PyObject *mpy_array_div(PyObject *x, PyObject *y) {
    return slot_true_divide(x, y);
}

PyObject *mpy_array_rdiv(PyObject *x, PyObject *y) {
    return slot_true_divide(y, x);
}

/* --- comparisons ------------------------------------------------------------------------------ */

static const operation comparisons[] = {
    [Py_LT] = {mlx_less, "less than", 0},
    [Py_LE] = {mlx_less_equal, "less than or equal", 0},
    [Py_EQ] = {mlx_equal, "equality", 0},
    [Py_NE] = {mlx_not_equal, "inequality", 0},
    [Py_GT] = {mlx_greater, "greater than", 0},
    [Py_GE] = {mlx_greater_equal, "greater than or equal", 0},
};

/* Nothing foreign equals an array. */
static PyObject *compare_equal(int op, PyObject *x, PyObject *y) {
    mlx_array out = {NULL}, made = {NULL}, b = {NULL};
    int status = mpy_array_check(y) ? 0 : convert(&b, &made, y, x);
    if (status > 0)
        return may_know(y) && y != Py_None ? Py_NewRef(Py_NotImplemented)
                                           : PyBool_FromLong(op == Py_NE);
    if (status < 0)
        return NULL;
    b = mpy_array_check(y) ? mpy_array_handle(y) : b;
    status = comparisons[op].run(&out, mpy_array_handle(x), b, default_stream);
    mlx_array_free(made);
    return mpy_array_result(status, out);
}

PyObject *mpy_array_compare(PyObject *x, PyObject *y, int op) {
    return op == Py_EQ || op == Py_NE ? compare_equal(op, x, y) : binary(&comparisons[op], x, y);
}

int mpy_array_contains(PyObject *x, PyObject *o) {
    PyObject *equal = compare_equal(Py_EQ, x, o);
    mlx_array any = {NULL};
    if (!equal || !mpy_array_check(equal)) {
        Py_XDECREF(equal);
        return equal ? 0 : -1;
    }
    int status = mlx_any(&any, mpy_array_handle(equal), false, default_stream);
    Py_DECREF(equal);
    PyObject *found = mpy_array_result(status, any);
    int result = found ? mpy_array_bool(found) : -1;
    Py_XDECREF(found);
    return result;
}
