/* Arrays for Arrow (pyarrow, polars, duckdb ...) by its C data interface
 * (arrow.apache.org/docs/format/CDataInterface.html): a vector is an Arrow array over the same
 * memory, further axes are lists of a fixed size around it. Truth values are packed to bits, which
 * needs a copy. */
#include "interop/export.h"

#include <stdio.h>
#include <string.h>

typedef struct arrow_schema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct arrow_schema **children, *dictionary;
    void (*release)(struct arrow_schema *);
    void *own;
} arrow_schema;

typedef struct arrow_array {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct arrow_array **children, *dictionary;
    void (*release)(struct arrow_array *);
    void *own;
} arrow_array;

static const char *const arrow_formats[] = {
    [MLX_BOOL] = "b",      [MLX_UINT8] = "C",      [MLX_UINT16] = "S",  [MLX_UINT32] = "I",
    [MLX_UINT64] = "L",    [MLX_INT8] = "c",       [MLX_INT16] = "s",   [MLX_INT32] = "i",
    [MLX_INT64] = "l",     [MLX_FLOAT16] = "e",    [MLX_FLOAT32] = "f", [MLX_FLOAT64] = "g",
    [MLX_BFLOAT16] = NULL, [MLX_COMPLEX64] = NULL,
};

/* --- schemas: what belongs to one of them ----------------------------------------------------- */

typedef struct schema_own {
    char format[24];
    arrow_schema *child;
} schema_own;

/* A consumer may have taken the child away, which it then has marked as released. */
static void schema_release(arrow_schema *s) {
    schema_own *own = s->own;
    if (own->child && own->child->release)
        own->child->release(own->child);
    free(own->child);
    free(own);
    s->release = NULL;
}

/* A list of `size` of what `child` describes, or, without a child, of elements. The child is taken
   over. */
static arrow_schema *schema_new(const char *format, int size, arrow_schema *child) {
    arrow_schema *s = calloc(1, sizeof *s);
    schema_own *own = calloc(1, sizeof *own);
    if (!s || !own) {
        free(s), free(own);
        return NULL;
    }
    own->child = child;
    if (child)
        snprintf(own->format, sizeof own->format, "+w:%d", size), child->name = "item";
    else
        snprintf(own->format, sizeof own->format, "%s", format);
    *s = (arrow_schema){.format = own->format,
                        .name = "",
                        .n_children = child != NULL,
                        .children = &own->child,
                        .release = schema_release,
                        .own = own};
    return s;
}

/* --- arrays ----------------------------------------------------------------------------------- */

typedef struct array_own {
    mlx_array value;
    void *bits;
    const void *buffers[2]; /* validity, which there is none of, and elements */
    arrow_array *child;
} array_own;

static void array_release(arrow_array *a) {
    array_own *own = a->own;
    if (own->child && own->child->release)
        own->child->release(own->child);
    free(own->child);
    free(own->bits);
    mlx_array_free(own->value);
    free(own);
    a->release = NULL;
}

static arrow_array *array_new(int64_t length, const void *data, arrow_array *child) {
    arrow_array *a = calloc(1, sizeof *a);
    array_own *own = calloc(1, sizeof *own);
    if (!a || !own) {
        free(a), free(own);
        return NULL;
    }
    own->buffers[1] = data;
    own->child = child;
    *a = (arrow_array){.length = length,
                       .n_buffers = child ? 1 : 2,
                       .n_children = child != NULL,
                       .buffers = own->buffers,
                       .children = &own->child,
                       .release = array_release,
                       .own = own};
    return a;
}

static uint8_t *packed(const uint8_t *truth, size_t n) {
    uint8_t *bits = calloc(n / 8 + 1, 1);
    for (size_t i = 0; bits && i < n; i++)
        bits[i / 8] |= (uint8_t)(!!truth[i] << i % 8);
    return bits;
}

/* The elements, one after another; the value is taken over where that works. */
static arrow_array *elements_new(mlx_array value) {
    size_t n = mlx_array_size(value);
    bool truth = mlx_array_dtype(value) == MLX_BOOL;
    void *bits = truth ? packed(mlx_array_data_uint8(value), n) : NULL;
    arrow_array *a = truth && !bits
                         ? NULL
                         : array_new((int64_t)n, truth ? bits : mlx_array_data_uint8(value), NULL);
    if (!a) {
        free(bits);
        return NULL;
    }
    ((array_own *)a->own)->value = value;
    ((array_own *)a->own)->bits = bits;
    return a;
}

/* --- capsules --------------------------------------------------------------------------------- */

static void schema_drop(arrow_schema *s) {
    if (s && s->release)
        s->release(s);
    free(s);
}

static void array_drop(arrow_array *a) {
    if (a && a->release)
        a->release(a);
    free(a);
}

static void schema_capsule_free(PyObject *capsule) {
    schema_drop(PyCapsule_GetPointer(capsule, "arrow_schema"));
}

static void array_capsule_free(PyObject *capsule) {
    array_drop(PyCapsule_GetPointer(capsule, "arrow_array"));
}

/* Lists around the elements, from the innermost axis outwards; false without memory. */
static bool wrap_axes(arrow_schema **s, arrow_array **a, const int *shape, int ndim) {
    int64_t length = 1;
    for (int axis = ndim - 1; axis > 0; axis--) {
        arrow_schema *list = schema_new(NULL, shape[axis], *s);
        length = 1;
        for (int i = 0; i < axis; i++)
            length *= shape[i];
        arrow_array *lists = list ? array_new(length, NULL, *a) : NULL;
        if (!lists) {
            if (list)
                ((schema_own *)list->own)->child = NULL;
            schema_drop(list);
            return false;
        }
        *s = list, *a = lists;
    }
    return true;
}

static PyObject *capsules(arrow_schema *s, arrow_array *a) {
    PyObject *first = PyCapsule_New(s, "arrow_schema", schema_capsule_free);
    if (!first)
        schema_drop(s);
    PyObject *second = PyCapsule_New(a, "arrow_array", array_capsule_free);
    if (!second)
        array_drop(a);
    PyObject *pair = first && second ? PyTuple_Pack(2, first, second) : NULL;
    Py_XDECREF(first);
    Py_XDECREF(second);
    return pair;
}

/* The dtype of the schema that the consumer wishes for, where it is one of numbers; else that of
   the array. */
static mlx_dtype wished(PyObject *wish, mlx_dtype own) {
    const arrow_schema *s =
        PyCapsule_IsValid(wish, "arrow_schema") ? PyCapsule_GetPointer(wish, "arrow_schema") : NULL;
    for (size_t t = 0; s && s->format && t < sizeof arrow_formats / sizeof *arrow_formats; t++)
        if (arrow_formats[t] && !strcmp(arrow_formats[t], s->format))
            return (mlx_dtype)t;
    return own;
}

/* The evaluated value in row order. */
static int row_value(mlx_array *out, PyObject *o, mlx_dtype dtype) {
    mlx_stream s = {NULL};
    if (mpy_array_value(out, o))
        return -1;
    int status = mlx_astype(out, *out, dtype, s) || mlx_contiguous(out, *out, false, s);
    if (!status)
        MPY_WAIT(status, mlx_array_eval(*out));
    if (!status)
        return 0;
    mpy_raise();
    mlx_array_free(*out);
    return -1;
}

PyObject *mpy_array_arrow(PyObject *o, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"requested_schema", NULL};
    PyObject *wish = Py_None;
    mlx_array value = {NULL}, x = mpy_array_handle(o);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:__arrow_c_array__", keywords, &wish))
        return NULL;
    mlx_dtype dtype = wished(wish, mlx_array_dtype(x));
    const char *format = arrow_formats[dtype];
    if (!format || !mlx_array_ndim(x))
        return PyErr_Format(PyExc_TypeError, "[arrow] there is no Arrow array of %s with %zu axes",
                            mpy_dtype_name(mlx_array_dtype(x)), mlx_array_ndim(x));
    if (row_value(&value, o, dtype))
        return NULL;
    arrow_array *a = elements_new(value);
    arrow_schema *s = a ? schema_new(format, 0, NULL) : NULL;
    if (!a)
        mlx_array_free(value);
    if (s && wrap_axes(&s, &a, mlx_array_shape(x), (int)mlx_array_ndim(x)))
        return capsules(s, a);
    schema_drop(s);
    array_drop(a);
    return PyErr_NoMemory();
}
