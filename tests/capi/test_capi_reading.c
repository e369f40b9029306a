/* What a program reads out of arrays: elements that fit the type asked for, and windows that reach
   outside. */
#include "check.h"
#include "mlx/c/mlx.h"

static mlx_stream s;
static char told[1024];

static void keep(const char *message, void *data) {
    (void)data;
    snprintf(told, sizeof told, "%s", message);
}

/* --- elements ---------------------------------------------------------------------------- */

static mlx_array of(double value, mlx_dtype t) {
    mlx_array a = mlx_array_new_float64(value);
    mlx_astype(&a, a, t, s);
    return a;
}

typedef struct item_row {
    double value;
    mlx_dtype from, to;
    bool fits;
} item_row;

/* Bounds of each type, and the numbers next to them. */
static const item_row items[] = {
    {1e30, MLX_FLOAT32, MLX_INT32, false},
    {-1e30, MLX_FLOAT32, MLX_INT64, false},
    {NAN, MLX_FLOAT32, MLX_INT32, false},
    {INFINITY, MLX_FLOAT64, MLX_UINT64, false},
    {2.75, MLX_FLOAT32, MLX_INT32, true},
    {-0.75, MLX_FLOAT32, MLX_UINT8, true},
    {-1, MLX_FLOAT32, MLX_UINT8, false},
    {255.5, MLX_FLOAT64, MLX_UINT8, true},
    {256, MLX_FLOAT64, MLX_UINT8, false},
    {2147483647.5, MLX_FLOAT64, MLX_INT32, true},
    {2147483648.0, MLX_FLOAT64, MLX_INT32, false},
    {-2147483648.5, MLX_FLOAT64, MLX_INT32, true},
    {-2147483649.0, MLX_FLOAT64, MLX_INT32, false},
    {-0x1p63, MLX_FLOAT64, MLX_INT64, true},
    {0x1p63, MLX_FLOAT64, MLX_INT64, false},
    {0x1p63, MLX_FLOAT64, MLX_UINT64, true},
    {0x1p64, MLX_FLOAT64, MLX_UINT64, false},
    {300, MLX_INT32, MLX_UINT8, false},
    {-1, MLX_INT32, MLX_UINT64, false},
    {-1, MLX_INT8, MLX_UINT16, false},
    {0x1p63, MLX_UINT64, MLX_INT64, false},
    {-129, MLX_INT16, MLX_INT8, false},
    {-128, MLX_INT16, MLX_INT8, true},
    {1e300, MLX_FLOAT64, MLX_FLOAT32, false},
    {INFINITY, MLX_FLOAT64, MLX_FLOAT32, true},
    {NAN, MLX_FLOAT64, MLX_FLOAT16, true},
    {65504, MLX_FLOAT32, MLX_FLOAT16, true},
    {65536, MLX_FLOAT32, MLX_FLOAT16, false},
    {3.4e38, MLX_FLOAT32, MLX_BFLOAT16, false},
    {1e-30, MLX_FLOAT32, MLX_FLOAT16, true},
    {1e30, MLX_FLOAT32, MLX_BOOL, true},
    {7, MLX_INT32, MLX_FLOAT16, true},
    {1, MLX_BOOL, MLX_INT8, true},
};

typedef union element {
    bool b;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
    mlx_complex64_t c64;
    float16_t f16;
    bfloat16_t bf16;
} element;

static int item(element *e, mlx_array a, mlx_dtype t) {
    switch (t) {
    case MLX_BOOL: return mlx_array_item_bool(&e->b, a);
    case MLX_UINT8: return mlx_array_item_uint8(&e->u8, a);
    case MLX_UINT16: return mlx_array_item_uint16(&e->u16, a);
    case MLX_UINT32: return mlx_array_item_uint32(&e->u32, a);
    case MLX_UINT64: return mlx_array_item_uint64(&e->u64, a);
    case MLX_INT8: return mlx_array_item_int8(&e->i8, a);
    case MLX_INT16: return mlx_array_item_int16(&e->i16, a);
    case MLX_INT32: return mlx_array_item_int32(&e->i32, a);
    case MLX_INT64: return mlx_array_item_int64(&e->i64, a);
    case MLX_FLOAT16: return mlx_array_item_float16(&e->f16, a);
    case MLX_FLOAT32: return mlx_array_item_float32(&e->f32, a);
    case MLX_FLOAT64: return mlx_array_item_float64(&e->f64, a);
    case MLX_BFLOAT16: return mlx_array_item_bfloat16(&e->bf16, a);
    case MLX_COMPLEX64: return mlx_array_item_complex64(&e->c64, a);
    }
    return 1;
}

static void elements_fit(void) {
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        const item_row *r = &items[i];
        element e = {0};
        mlx_array a = of(r->value, r->from);
        told[0] = 0;
        int failed = item(&e, a, r->to);
        CHECK_MSG(failed == !r->fits, "%g of dtype %d as dtype %d: %d", r->value, r->from, r->to,
                  failed);
        CHECK_MSG(r->fits || strstr(told, "does not fit"), "row %d says: %s", (int)i, told);
        mlx_array_free(a);
    }
}

static void elements_are_right(void) {
    element e;
    mlx_array large = of(0x1p63, MLX_UINT64), part = of(-2.75, MLX_FLOAT32),
              many = of(1, MLX_FLOAT32);
    CHECK(!item(&e, large, MLX_UINT64) && e.u64 == UINT64_C(1) << 63);
    CHECK(!item(&e, part, MLX_INT16) && e.i16 == -2);
    CHECK(!item(&e, part, MLX_BOOL) && e.b);
    mlx_array complex_one = mlx_array_new_complex(3, 0), complex_two = mlx_array_new_complex(3, 1);
    CHECK(!item(&e, complex_one, MLX_FLOAT64) && e.f64 == 3);
    CHECK(item(&e, complex_two, MLX_FLOAT64) == 1);
    CHECK(!item(&e, complex_two, MLX_COMPLEX64));
    mlx_broadcast_to(&many, many, (int[]){2}, 1, s);
    CHECK(item(&e, many, MLX_FLOAT32) == 1);
    CHECK_HAS(told, "[item]");
    mlx_array_free(large);
    mlx_array_free(part);
    mlx_array_free(many);
    mlx_array_free(complex_one);
    mlx_array_free(complex_two);
}

/* --- windows that reach outside -------------------------------------------------------------- */

static int window(mlx_array *res, mlx_array a, size_t offset) {
    return mlx_as_strided(res, a, (int[]){2, 3}, 2, (int64_t[]){6, 2}, 2, offset, s);
}

/* Everything that would look at an element of v. */
static void check_unreadable(mlx_array v) {
    mlx_array r = mlx_array_new();
    mlx_string text = mlx_string_new();
    element e;
    told[0] = 0;
    CHECK(mlx_add(&r, v, v, s) == 1);
    CHECK_HAS(told, "reach outside");
    CHECK(mlx_contiguous(&r, v, false, s) == 1);
    CHECK(mlx_reshape(&r, v, (int[]){6}, 1, s) == 1);
    CHECK(mlx_as_strided(&r, v, (int[]){1}, 1, (int64_t[]){1}, 1, 0, s) == 1);
    CHECK(mlx_array_tostring(&text, v) == 1);
    CHECK(mlx_save("window.npy", v) == 1);
    CHECK(mlx_array_item_float32(&e.f32, v) == 1);
    mlx_string_free(text);
    mlx_array_free(r);
}

static void a_window(mlx_array a) {
    mlx_array v = mlx_array_new();
    if (!CHECK(!window(&v, a, 1)))
        return;
    CHECK_EQ_INT(mlx_array_ndim(v), 2);
    CHECK(!mlx_array_eval(v));
    const float *data = mlx_array_data_float32(v);
    CHECK(data && *data == 2);
    CHECK(mlx_array_strides(v)[0] == 6 && mlx_array_strides(v)[1] == 2);
    bool dense = true;
    CHECK(!_mlx_array_is_row_contiguous(&dense, v) && !dense);
    check_unreadable(v);
    CHECK(window(&v, a, 7) == 1); // not even the place is there
    mlx_array_free(v);
}

static void windows_beyond(void) {
    float data[6] = {1, 2, 3, 4, 5, 6};
    mlx_array a = mlx_array_new_data(data, (int[]){2, 3}, 2, MLX_FLOAT32), b = mlx_array_new();
    a_window(a);
    mlx_arange(&b, 1, 7, 1, MLX_FLOAT32, s); // not computed yet
    a_window(b);
    mlx_array_free(a);
    mlx_array_free(b);
}

/* One that looks row-contiguous is no more readable. */
static void too_long(void) {
    float data[2] = {1, 2};
    mlx_array a = mlx_array_new_data(data, (int[]){2}, 1, MLX_FLOAT32), v = mlx_array_new();
    CHECK(!mlx_as_strided(&v, a, (int[]){1000}, 1, (int64_t[]){1}, 1, 0, s));
    CHECK(!mlx_array_eval(v));
    check_unreadable(v);
    mlx_array_free(a);
    mlx_array_free(v);
}

static int strided(mlx_vector_array *res, const mlx_vector_array in) {
    mlx_array a = mlx_array_new();
    int failed =
        mlx_vector_array_get(&a, in, 0) || window(&a, a, 0) || mlx_vector_array_set_value(res, a);
    mlx_array_free(a);
    return failed;
}

/* Inside of transforms nothing may reach outside: what they return would be read. */
static void windows_of_tracers(void) {
    mlx_closure f = mlx_closure_new_func(strided), g = mlx_closure_new();
    mlx_array a = mlx_array_new_data((float[]){1, 2, 3, 4, 5, 6}, (int[]){2, 3}, 2, MLX_FLOAT32);
    mlx_vector_array in = mlx_vector_array_new_value(a), out = mlx_vector_array_new();
    CHECK(mlx_compile(&g, f, false) || mlx_closure_apply(&out, g, in));
    CHECK_HAS(told, "reach outside");
    CHECK(mlx_jvp(&out, &out, f, in, in) == 1);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_closure_free(f);
    mlx_closure_free(g);
    mlx_array_free(a);
}

int main(void) {
    s = mlx_default_cpu_stream_new();
    mlx_set_error_handler(keep, NULL, NULL);
    RUN(elements_fit);
    RUN(elements_are_right);
    RUN(windows_beyond);
    RUN(too_long);
    RUN(windows_of_tracers);
    mlx_stream_free(s);
    return check_done();
}
