/* The array handle: making, asking, reading. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "capi/capi.h"
#include "graph/eval/eval.h"
#include "graph/show/print.h"
#include "graph/array/read.h"
#include "ops/ops.h"

size_t mlx_dtype_size(mlx_dtype dtype) {
    return mx_dtype_valid((mx_dtype)dtype) ? mx_dtype_size((mx_dtype)dtype) : 0;
}

mlx_array mlx_array_new(void) {
    return (mlx_array){NULL};
}

int mlx_array_free(mlx_array arr) {
    int status;
    if (capi_frees(arr.ctx, "array", &status))
        capi_free(arr);
    return status;
}

int mlx_array_set(mlx_array *arr, const mlx_array src) {
    capi_call c = capi_begin_default();
    return capi_end(&c, arr, capi_in(src));
}

/* --- from values and memory ------------------------------------------------------------------- */

static mlx_array end_new(capi_call *c, mx_array *a) {
    mlx_array res = {NULL};
    capi_end(c, &res, a);
    return res;
}

#define FROM_VALUE(name, type, expression)               \
    mlx_array mlx_array_new_##name(type val) {           \
        capi_call c = capi_begin_default();              \
        return end_new(&c, expression);                  \
    }                                                    \
    int mlx_array_set_##name(mlx_array *arr, type val) { \
        capi_call c = capi_begin_default();              \
        return capi_end(&c, arr, expression);            \
    }
FROM_VALUE(bool, bool, mx_scalar(val, MX_BOOL))
FROM_VALUE(int, int, mx_scalar_i64(val, MX_INT32))
FROM_VALUE(float32, float, mx_scalar((double)val, MX_FLOAT32))
FROM_VALUE(float, float, mx_scalar((double)val, MX_FLOAT32))
FROM_VALUE(float64, double, mx_scalar(val, MX_FLOAT64))
FROM_VALUE(double, double, mx_scalar(val, MX_FLOAT64))

mlx_array mlx_array_new_complex(float real_val, float imag_val) {
    capi_call c = capi_begin_default();
    return end_new(&c, mx_scalar_c64((mx_complex64){real_val, imag_val}));
}

int mlx_array_set_complex(mlx_array *arr, float real_val, float imag_val) {
    capi_call c = capi_begin_default();
    return capi_end(&c, arr, mx_scalar_c64((mx_complex64){real_val, imag_val}));
}

/* Are shape, dtype and data such that an array can be made of them? *bytes of data are then to be
   read. */
static bool describes(const void *data, const int *shape, int dim, mlx_dtype dtype, size_t *bytes) {
    mx_dtype t = capi_dtype(dtype);
    int64_t size = 0;
    if (t == MX_DTYPE_COUNT)
        return false;
    if (dim < 0 || dim > MX_MAX_NDIM || (dim && !capi_is_object(shape)))
        return mx_fail(MX_INVALID,
                       dim && !shape && dim > 0 ? "[array] the shape is NULL"
                                                : "[array] %d dimensions are not possible",
                       dim);
    if (!mx_shape_size(shape, dim, mx_dtype_size(t), &size))
        return mx_fail(MX_RANGE, "[array] the shape is negative or too large");
    *bytes = (size_t)size * mx_dtype_size(t);
    return !size || data || mx_fail(MX_INVALID, "[array] data is NULL");
}

static mx_array *from_data(const void *data, const int *shape, int dim, mlx_dtype dtype) {
    size_t bytes;
    return describes(data, shape, dim, dtype, &bytes)
               ? mx_array_from(data, shape, dim, (mx_dtype)dtype)
               : NULL;
}

mlx_array mlx_array_new_data(const void *data, const int *shape, int dim, mlx_dtype dtype) {
    capi_call c = capi_begin_default();
    return end_new(&c, from_data(data, shape, dim, dtype));
}

int mlx_array_set_data(mlx_array *arr, const void *data, const int *shape, int dim,
                       mlx_dtype dtype) {
    capi_call c = capi_begin_default();
    return capi_end(&c, arr, from_data(data, shape, dim, dtype));
}

/* The borrowed buffer gets its release only when everything else has worked: until then the caller
   keeps what it lent. */
static mlx_array lend(void *data, const int *shape, int dim, mlx_dtype dtype, void *payload,
                      void (*dtor)(void *)) {
    capi_call c = capi_begin_default();
    size_t bytes;
    bool ok = describes(data, shape, dim, dtype, &bytes);
    mx_buffer *b = ok ? mx_buffer_borrow(data, bytes, NULL, NULL) : NULL;
    mx_array *a = b ? mx_array_over(b, 0, shape, NULL, dim, (mx_dtype)dtype) : NULL;
    mlx_array res = a ? capi_new(a) : (mlx_array){NULL};
    if (res.ctx) {
        b->payload = payload;
        b->release = dtor;
    }
    mx_buffer_release(b);
    capi_end_ok(&c, res.ctx != NULL);
    return res;
}

mlx_array mlx_array_new_data_managed(void *data, const int *shape, int dim, mlx_dtype dtype,
                                     void (*dtor)(void *)) {
    return lend(data, shape, dim, dtype, data, dtor);
}

mlx_array mlx_array_new_data_managed_payload(void *data, const int *shape, int dim, mlx_dtype dtype,
                                             void *payload, void (*dtor)(void *)) {
    return lend(data, shape, dim, dtype, payload, dtor);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Functions that return values: an empty handle is reported and gives the value of nothing. */
static mx_array *asked(mlx_array arr) {
    mx_error_clear();
    mx_array *a = capi_in(arr);
    if (!a)
        capi_report();
    return a;
}

size_t mlx_array_itemsize(const mlx_array arr) {
    const mx_array *a = asked(arr);
    return a ? mx_itemsize(a) : 0;
}

size_t mlx_array_size(const mlx_array arr) {
    const mx_array *a = asked(arr);
    return a ? (size_t)a->size : 0;
}

size_t mlx_array_nbytes(const mlx_array arr) {
    const mx_array *a = asked(arr);
    return a ? (size_t)a->size * mx_itemsize(a) : 0;
}

size_t mlx_array_ndim(const mlx_array arr) {
    const mx_array *a = asked(arr);
    return a ? (size_t)a->ndim : 0;
}

const int *mlx_array_shape(const mlx_array arr) {
    const mx_array *a = asked(arr);
    return a ? a->shape : NULL;
}

const size_t *mlx_array_strides(const mlx_array arr) {
    const mx_array *a = asked(arr);
    if (!a)
        return NULL;
    capi_box *box = arr.ctx;
    const mx_array *dense = atomic_load(&box->dense);
    if (!dense && mx_array_available(a))
        atomic_store(&box->strided, true);
    return (const size_t *)(dense ? dense : a)->strides;
}

int mlx_array_dim(const mlx_array arr, int dim) {
    const mx_array *a = asked(arr);
    if (!a)
        return 0;
    int axis = dim < 0 ? dim + a->ndim : dim;
    if (axis >= 0 && axis < a->ndim)
        return a->shape[axis];
    mx_fail(MX_RANGE, "[array_dim] axis %d is out of bounds for array with %d dimensions", dim,
            a->ndim);
    capi_report();
    return 0;
}

mlx_dtype mlx_array_dtype(const mlx_array arr) {
    const mx_array *a = asked(arr);
    return a ? (mlx_dtype)a->dtype : MLX_BOOL;
}

int mlx_array_tostring(mlx_string *str, const mlx_array arr) {
    capi_call c = capi_begin_default();
    mx_array *a = capi_in(arr);
    mx_text text = {0};
    bool ok = a && mx_readable(a) && mx_array_print(&text, a) &&
              capi_put_string(str, mx_text_view(&text));
    mx_text_free(&text);
    return capi_end_ok(&c, ok);
}

int mlx_set_print_precision(int decimals) {
    mx_error_clear();
    bool ok = decimals >= -1 || mx_fail(MX_INVALID,
                                        "[set_print_precision] got %d, expected a number of "
                                        "decimals, or -1 for six significant digits",
                                        decimals);
    if (ok)
        mx_print_set_precision(decimals);
    return capi_done(ok);
}

int mlx_get_print_precision(int *decimals) {
    mx_error_clear();
    if (decimals)
        *decimals = mx_print_precision();
    return capi_done(decimals || mx_fail(MX_INVALID, "[get_print_precision] the result is NULL"));
}

int mlx_array_eval(mlx_array arr) {
    capi_call c = capi_begin_default();
    return capi_end_ok(&c, mx_eval1(capi_in(arr)));
}

int _mlx_array_wait(const mlx_array arr) {
    return mlx_array_eval(arr);
}

int _mlx_array_is_available(bool *res, const mlx_array arr) {
    capi_call c = capi_begin_default();
    const mx_array *a = capi_in(arr);
    bool ok = a && (res || mx_fail(MX_INVALID, "[array] the result is NULL"));
    if (ok)
        *res = mx_array_available(a);
    return capi_end_ok(&c, ok);
}

/* Contiguity is known once the array is available. */
static int layout_question(bool *res, mlx_array arr, bool (*ask)(const mx_array *)) {
    capi_call c = capi_begin_default();
    const mx_array *a = capi_in(arr);
    bool ok = a && (res || mx_fail(MX_INVALID, "[array] the result is NULL"));
    if (ok && !mx_array_available(a))
        ok = mx_fail(MX_INVALID, "[array] the layout of an array is known once it is evaluated");
    if (ok)
        *res = ask(a);
    return capi_end_ok(&c, ok);
}

static bool row_contiguous(const mx_array *a) {
    return a->row_contiguous;
}

int _mlx_array_is_contiguous(bool *res, const mlx_array arr) {
    return layout_question(res, arr, mx_array_dense);
}

int _mlx_array_is_row_contiguous(bool *res, const mlx_array arr) {
    return layout_question(res, arr, row_contiguous);
}

int _mlx_array_is_col_contiguous(bool *res, const mlx_array arr) {
    return layout_question(res, arr, mx_array_column_major);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Write the element at data as dtype t; an error where it would become another number. */
static bool read_as(void *res, mx_dtype t, const void *data, mx_dtype from) {
    if (!mx_element_fits(t, data, from))
        return mx_fail(MX_RANGE, "[item] %.9g%s (%s) does not fit in %s",
                       mx_read_double(data, from), from == MX_COMPLEX64 ? " + ...j" : "",
                       mx_dtype_name(from), mx_dtype_name(t));
    mx_read_element(res, t, data, from);
    return true;
}

/* The one element of an array, converted to dtype t. */
static int item(void *res, mlx_array arr, mx_dtype t) {
    capi_call c = capi_begin_default();
    mx_array *a = capi_in(arr);
    if (a && !res)
        mx_fail(MX_INVALID, "[item] the result is NULL");
    else if (a && a->size != 1)
        mx_fail(MX_INVALID, "[item] item can only be called on arrays of size 1, this one has %lld",
                (long long)a->size);
    bool ok = a && !mx_failed() && mx_readable(a) && mx_eval1(a);
    return capi_end_ok(&c, ok && read_as(res, t, a->data, mx_dtype_of(a)));
}

/* Would reading `size` elements in a row show other memory, or elements that are not there? */
static bool reads_beyond(const mx_array *a) {
    const char *end = a->data + a->size * (int64_t)mx_itemsize(a);
    bool beyond = end > (const char *)a->buffer->ptr + a->buffer->bytes;
    for (int i = 0; i < a->ndim; i++)
        beyond |= a->shape[i] > 1 && a->strides[i] == 0;
    return a->size > 0 && !a->row_contiguous && !a->beyond && beyond;
}

/* The copy that the box shows from now on; of two threads the first one's stays. */
static const mx_array *make_dense(capi_box *box) {
    capi_call c = capi_begin_default();
    mx_array *a = mx_contiguous(box->array, false), *none = NULL, *made = NULL;
    if (mx_eval1(a)) {
        made = mx_array_retain(a);
        if (!atomic_compare_exchange_strong(&box->dense, &none, made)) {
            mx_array_release(made);
            made = none;
        }
    }
    capi_end_ok(&c, made != NULL);
    return made;
}

/* NULL: not available, or an error was reported. */
static const void *data_of(mlx_array arr) {
    const mx_array *a = asked(arr);
    if (!a || !mx_array_available(a))
        return NULL;
    capi_box *box = arr.ctx;
    const mx_array *dense = atomic_load(&box->dense);
    if (!dense && !atomic_load(&box->strided) && reads_beyond(a) && !(dense = make_dense(box)))
        return NULL;
    atomic_store_explicit(&(dense ? dense : a)->buffer->shown, true, memory_order_relaxed);
    return (dense ? dense : a)->data;
}

#define ITEM(name, type, dtype)                                 \
    int mlx_array_item_##name(type *res, const mlx_array arr) { \
        return item(res, arr, dtype);                           \
    }                                                           \
    const type *mlx_array_data_##name(const mlx_array arr) {    \
        return (const type *)data_of(arr);                      \
    }
ITEM(bool, bool, MX_BOOL)
ITEM(uint8, uint8_t, MX_UINT8)
ITEM(uint16, uint16_t, MX_UINT16)
ITEM(uint32, uint32_t, MX_UINT32)
ITEM(uint64, uint64_t, MX_UINT64)
ITEM(int8, int8_t, MX_INT8)
ITEM(int16, int16_t, MX_INT16)
ITEM(int32, int32_t, MX_INT32)
ITEM(int64, int64_t, MX_INT64)
ITEM(float32, float, MX_FLOAT32)
ITEM(float64, double, MX_FLOAT64)
ITEM(complex64, mlx_complex64_t, MX_COMPLEX64)
ITEM(float16, float16_t, MX_FLOAT16)
ITEM(bfloat16, bfloat16_t, MX_BFLOAT16)
