/* The C API around arrays: values in and out in every type, borrowed memory, how arrays lie;
 * vectors; streams, memory, modes of printing; quantized products through their handles. */
#include <limits.h>
#include <stdlib.h>

#include "check.h"
#include "mlx/c/catalog.h"
#include "mlx/c/mlx.h"

static mlx_stream s;
static char last[256];

static void note(const char *message, void *data) {
    (void)data;
    snprintf(last, sizeof last, "%s", message);
}

static bool prints(mlx_array a, const char *want, int line) {
    mlx_string text = mlx_string_new();
    bool ok = check_that(mlx_array_tostring(&text, a) == 0, __FILE__, line, "does not print") &&
              check_str(mlx_string_data(text), want, "array", __FILE__, line);
    mlx_string_free(text);
    return ok;
}
#define IS(a, want) prints(a, want, __LINE__)

/* --- scalars ------------------------------------------------------------------------- */

static void scalars_in(void) {
    mlx_array a = mlx_array_new_bool(true);
    IS(a, "array(True, dtype=bool)");
    CHECK(mlx_array_set_int(&a, 7) == 0);
    IS(a, "array(7, dtype=int32)");
    CHECK(mlx_array_set_float(&a, 0.5F) == 0);
    IS(a, "array(0.5, dtype=float32)");
    CHECK(mlx_array_set_float32(&a, 0.25F) == 0);
    IS(a, "array(0.25, dtype=float32)");
    CHECK(mlx_array_set_float64(&a, 0.125) == 0);
    IS(a, "array(0.125, dtype=float64)");
    CHECK(mlx_array_set_double(&a, 0.75) == 0);
    IS(a, "array(0.75, dtype=float64)");
    CHECK(mlx_array_set_complex(&a, 1, -2) == 0);
    IS(a, "array(1-2j, dtype=complex64)");
    CHECK(mlx_array_set_bool(&a, false) == 0);
    IS(a, "array(False, dtype=bool)");
    mlx_array_free(a);
    mlx_array made[] = {mlx_array_new_float64(1.5), mlx_array_new_double(2.5),
                        mlx_array_new_complex(0, 1)};
    IS(made[0], "array(1.5, dtype=float64)");
    IS(made[1], "array(2.5, dtype=float64)");
    IS(made[2], "array(0+1j, dtype=complex64)");
    for (int i = 0; i < 3; i++)
        mlx_array_free(made[i]);
}

/* 3 as every type, and its first element in memory. */
#define ROUND_TRIP(TYPE, DTYPE, name, want)                                           \
    do {                                                                              \
        TYPE value = 0;                                                               \
        mlx_array t = mlx_array_new();                                                \
        CHECK(mlx_astype(&t, three, DTYPE, s) == 0 && mlx_array_eval(t) == 0);        \
        CHECK(mlx_array_item_##name(&value, t) == 0 && value == (TYPE)(want));        \
        CHECK(mlx_array_data_##name(t) && *mlx_array_data_##name(t) == (TYPE)(want)); \
        CHECK(mlx_array_itemsize(t) == sizeof(TYPE));                                 \
        mlx_array_free(t);                                                            \
    } while (0)

static void values_out(void) {
    mlx_array three = mlx_array_new_int(3);
    ROUND_TRIP(bool, MLX_BOOL, bool, true);
    ROUND_TRIP(uint8_t, MLX_UINT8, uint8, 3);
    ROUND_TRIP(uint16_t, MLX_UINT16, uint16, 3);
    ROUND_TRIP(uint32_t, MLX_UINT32, uint32, 3);
    ROUND_TRIP(uint64_t, MLX_UINT64, uint64, 3);
    ROUND_TRIP(int8_t, MLX_INT8, int8, 3);
    ROUND_TRIP(int16_t, MLX_INT16, int16, 3);
    ROUND_TRIP(int32_t, MLX_INT32, int32, 3);
    ROUND_TRIP(int64_t, MLX_INT64, int64, 3);
    ROUND_TRIP(float, MLX_FLOAT32, float32, 3);
    ROUND_TRIP(double, MLX_FLOAT64, float64, 3);
    mlx_array t = mlx_array_new();
    float16_t half;
    bfloat16_t brain;
    CHECK(mlx_astype(&t, three, MLX_FLOAT16, s) == 0 && mlx_array_item_float16(&half, t) == 0);
    CHECK(memcmp(&half, &(uint16_t){0x4200}, 2) == 0);
    CHECK(mlx_array_data_float16(t) && memcmp(mlx_array_data_float16(t), &half, 2) == 0);
    CHECK(mlx_astype(&t, three, MLX_BFLOAT16, s) == 0 && mlx_array_item_bfloat16(&brain, t) == 0);
    CHECK(memcmp(&brain, &(uint16_t){0x4040}, 2) == 0);
    CHECK(mlx_array_data_bfloat16(t) && memcmp(mlx_array_data_bfloat16(t), &brain, 2) == 0);
    mlx_complex64_t z;
    CHECK(mlx_array_set_complex(&t, 3, 4) == 0 && mlx_array_item_complex64(&z, t) == 0);
    CHECK(memcmp(&z, (float[]){3, 4}, sizeof z) == 0);
    CHECK(memcmp(mlx_array_data_complex64(t), &z, sizeof z) == 0);
    mlx_array_free(t);
    mlx_array_free(three);
}

/* --- memory from outside --------------------------------------------------------------- */

static int freed;
static void count_free(void *p) {
    freed += p != NULL;
}

static void borrowed_memory(void) {
    static float memory[6] = {1, 2, 3, 4, 5, 6};
    int shape[2] = {2, 3};
    freed = 0;
    mlx_array a = mlx_array_new_data_managed(memory, shape, 2, MLX_FLOAT32, count_free);
    CHECK(mlx_array_data_float32(a) == memory);
    CHECK(mlx_array_shape(a)[0] == 2 && mlx_array_shape(a)[1] == 3);
    mlx_array_free(a);
    CHECK_EQ_INT(freed, 1);
    int payload = 0;
    a = mlx_array_new_data_managed_payload(memory, shape, 2, MLX_FLOAT32, &payload, count_free);
    CHECK(mlx_array_data_float32(a) == memory);
    CHECK(mlx_array_set_data(&a, (int16_t[]){1, 2}, &(int){2}, 1, MLX_INT16) == 0);
    CHECK_EQ_INT(freed, 2);
    IS(a, "array([1, 2], dtype=int16)");
    CHECK(mlx_array_set_data(&a, NULL, &(int){2}, 1, MLX_INT16) != 0);
    mlx_array_free(a);
}

static bool lies(int (*how)(bool *, const mlx_array), mlx_array a) {
    bool yes = false;
    return CHECK(how(&yes, a) == 0) && yes;
}

static void layouts(void) {
    mlx_array a = mlx_array_new(), t = mlx_array_new(), u = mlx_array_new();
    mlx_arange(&a, 0, 6, 1, MLX_FLOAT32, s);
    mlx_reshape(&a, a, (int[]){2, 3}, 2, s);
    CHECK(!lies(_mlx_array_is_available, a));
    CHECK(_mlx_array_wait(a) == 0 && lies(_mlx_array_is_available, a));
    mlx_transpose(&t, a, s);
    mlx_slice(&u, a, (int[]){0, 0}, 2, (int[]){2, 3}, 2, (int[]){1, 2}, 2, s);
    CHECK(mlx_array_eval(t) == 0 && mlx_array_eval(u) == 0);
    CHECK(lies(_mlx_array_is_row_contiguous, a) && !lies(_mlx_array_is_col_contiguous, a));
    CHECK(!lies(_mlx_array_is_row_contiguous, t) && lies(_mlx_array_is_col_contiguous, t));
    CHECK(lies(_mlx_array_is_contiguous, t) && !lies(_mlx_array_is_contiguous, u));
    mlx_array_free(a);
    mlx_array_free(t);
    mlx_array_free(u);
}

static void printing(void) {
    int digits = 0;
    mlx_array a = mlx_array_new_float(1.0F / 3);
    CHECK(mlx_get_print_precision(&digits) == 0 && digits == -1);
    CHECK(mlx_set_print_precision(2) == 0 && mlx_get_print_precision(&digits) == 0 && digits == 2);
    IS(a, "array(0.33, dtype=float32)");
    CHECK(mlx_set_print_precision(-2) == 1 && mlx_set_print_precision(INT_MIN) == 1);
    CHECK(strstr(mlx_last_error_message(), "[set_print_precision] got -2147483648, expected"));
    CHECK(mlx_get_print_precision(&digits) == 0 && digits == 2);
    CHECK(mlx_set_print_precision(-1) == 0);
    IS(a, "array(0.333333, dtype=float32)");
    mlx_array_free(a);
}

/* --- vectors ------------------------------------------------------------------------------ */

static void vectors(void) {
    mlx_array two[2] = {mlx_array_new_int(1), mlx_array_new_int(2)}, got = mlx_array_new();
    mlx_vector_array v = mlx_vector_array_new(), w = mlx_vector_array_new();
    CHECK(mlx_vector_array_set_data(&v, two, 2) == 0 && mlx_vector_array_size(v) == 2);
    mlx_vector_vector_array vv = mlx_vector_vector_array_new();
    CHECK(mlx_vector_vector_array_append_data(vv, (mlx_vector_array[]){v, v}, 2) == 0);
    CHECK_EQ_INT(mlx_vector_vector_array_size(vv), 2);
    CHECK(mlx_vector_vector_array_get(&w, vv, 1) == 0 && mlx_vector_array_get(&got, w, 1) == 0);
    IS(got, "array(2, dtype=int32)");
    CHECK(mlx_vector_vector_array_set_value(&vv, v) == 0 && mlx_vector_vector_array_size(vv) == 1);
    CHECK(mlx_vector_vector_array_set_data(&vv, (mlx_vector_array[]){v, w, v}, 3) == 0);
    CHECK_EQ_INT(mlx_vector_vector_array_size(vv), 3);
    mlx_vector_vector_array other = mlx_vector_vector_array_new_data((mlx_vector_array[]){v}, 1);
    CHECK_EQ_INT(mlx_vector_vector_array_size(other), 1);
    mlx_vector_vector_array_free(vv);
    mlx_vector_vector_array_free(other);
    mlx_vector_array_free(v);
    mlx_vector_array_free(w);
    for (int i = 0; i < 2; i++)
        mlx_array_free(two[i]);
    mlx_array_free(got);
}

static bool holds(mlx_vector_string v, size_t i, const char *want) {
    char *text = NULL;
    return CHECK(mlx_vector_string_get(&text, v, i) == 0) && CHECK_STR(text, want);
}

static void vectors_of_strings(void) {
    mlx_vector_string v = mlx_vector_string_new_value("one");
    holds(v, 0, "one");
    CHECK(mlx_vector_string_set_data(&v, (const char *[]){"a", "b"}, 2) == 0 && holds(v, 1, "b"));
    CHECK(mlx_vector_string_set_value(&v, "c") == 0 && mlx_vector_string_size(v) == 1 &&
          holds(v, 0, "c"));
    mlx_vector_string_free(v);
}

/* --- streams, memory ------------------------------------------------------------------------- */

static void streams(void) {
    mlx_device cpu = mlx_device_new_type(MLX_CPU, 0), of = mlx_device_new();
    mlx_stream a = mlx_stream_new_device(cpu), b = mlx_new_thread_local_stream(cpu),
               c = mlx_stream_new(), usual = mlx_stream_new();
    int index = -1;
    CHECK(!mlx_stream_equal(a, b) && mlx_stream_set(&c, a) == 0 && mlx_stream_equal(a, c));
    CHECK(mlx_stream_get_index(&index, a) == 0 && index > 0);
    CHECK(mlx_stream_set_priority(a, -7) == 0 && mlx_stream_get_priority(&index, a) == 0);
    CHECK_EQ_INT(index, -7);
    CHECK(mlx_stream_set_priority(a, 101) == 1 && mlx_stream_get_priority(NULL, a) == 1);
    CHECK(mlx_stream_set_priority(a, 0) == 0);
    CHECK(mlx_stream_get_threads(&index, a) == 0 && index == 0);
    CHECK(mlx_stream_set_threads(a, 3) == 0 && mlx_stream_get_threads(&index, a) == 0);
    CHECK_EQ_INT(index, 3);
    CHECK(mlx_stream_set_threads(a, 1025) == 1 && mlx_stream_set_threads(a, -1) == 1);
    CHECK(mlx_stream_get_threads(NULL, a) == 1 && mlx_stream_set_threads(a, 0) == 0);
    CHECK(mlx_stream_get_device(&of, a) == 0 && mlx_device_equal(of, cpu));
    mlx_string text = mlx_string_new();
    CHECK(mlx_stream_tostring(&text, a) == 0);
    CHECK_HAS(mlx_string_data(text), "Stream(Device(cpu, 0), ");
    CHECK(mlx_get_default_stream(&usual, cpu) == 0 && mlx_set_default_stream(a) == 0);
    CHECK(mlx_get_default_stream(&c, cpu) == 0 && mlx_stream_equal(c, a));
    CHECK(mlx_set_default_stream(usual) == 0);
    CHECK(mlx_set_default_stream_for_all(a) == 0 && mlx_set_default_stream_for_all(usual) == 0);
    mlx_array x = mlx_array_new_float(2);
    CHECK(mlx_square(&x, x, a) == 0 && mlx_synchronize(a) == 0 && mlx_clear_streams() == 0);
    IS(x, "array(4, dtype=float32)");
    mlx_array_free(x);
    mlx_string_free(text);
    mlx_device_free(cpu);
    mlx_device_free(of);
    mlx_stream_free(a);
    mlx_stream_free(b);
    mlx_stream_free(c);
    mlx_stream_free(usual);
}

/* There is none, unless the CPU stands for it. */
static void no_gpu(void) {
    mlx_stream gpu = mlx_default_gpu_stream_new();
    const char *stands = getenv("MLX_GPU_ON_CPU");
    CHECK((gpu.ctx != NULL) == (stands && *stands == '1'));
    mlx_stream_free(gpu);
}

static void memory(void) {
    size_t before = 0, active = 0, peak = 0, cached = 0, limit = 0, same = 0, old = 0;
    mlx_array x = mlx_array_new();
    CHECK(mlx_clear_cache() == 0 && mlx_get_cache_memory(&cached) == 0 && cached == 0);
    CHECK(mlx_get_active_memory(&before) == 0 && mlx_reset_peak_memory() == 0);
    mlx_arange(&x, 0, 1 << 20, 1, MLX_FLOAT32, s);
    mlx_array_eval(x);
    CHECK(mlx_get_active_memory(&active) == 0 && active >= before + (4 << 20));
    CHECK(mlx_get_peak_memory(&peak) == 0 && peak >= active);
    mlx_array_free(x);
    CHECK(mlx_get_active_memory(&active) == 0 && active == before);
#if defined(MX_TORTURE) || defined(__SANITIZE_ADDRESS__)
    size_t kept = 0; // nothing is used again there
#else
    size_t kept = 4 << 20;
#endif
    CHECK(mlx_get_cache_memory(&cached) == 0 && cached >= kept);
    CHECK(mlx_set_cache_limit(&limit, 0) == 0 && mlx_get_cache_memory(&cached) == 0 && cached == 0);
    CHECK(mlx_set_cache_limit(&old, limit) == 0 && old == 0);
    CHECK(mlx_get_memory_hard_limit(&limit) == 0 && mlx_set_memory_hard_limit(&old, 1 << 20) == 0 &&
          old == limit);
    x = mlx_array_new();
    mlx_arange(&x, 0, 1 << 20, 1, MLX_FLOAT32, s);
    CHECK(mlx_array_eval(x) != 0);
    CHECK_HAS(last, "memory");
    CHECK(mlx_set_memory_hard_limit(&old, limit) == 0 && mlx_array_eval(x) == 0);
    CHECK(mlx_get_memory_limit(&limit) == 0 && mlx_set_memory_limit(&old, 1 << 20) == 0 &&
          old == limit);
    mlx_arange(&x, 1, 1 << 20, 1, MLX_FLOAT32, s);
    CHECK(mlx_array_eval(x) == 0); // a guideline
    CHECK(mlx_set_memory_limit(&old, limit) == 0 && old == 1 << 20);
    CHECK(mlx_set_wired_limit(&old, 4096) == 0 && mlx_set_wired_limit(&same, old) == 0 &&
          same == 4096);
    mlx_array_free(x);
}

/* --- values, errors, metadata ----------------------------------------------------------------- */

static void catalog_values(void) {
    mlx_value v = {.kind = MLX_VALUE_INT, .as.integer = 5};
    CHECK(mlx_value_to_array(&v) == 0 && v.kind == MLX_VALUE_ARRAY && v.owned);
    IS(v.as.array, "array(5, dtype=int32)");
    mlx_value_free(&v);
    CHECK(v.kind == MLX_VALUE_NONE);
    v = (mlx_value){.kind = MLX_VALUE_STRING, .as.string = "no number"};
    CHECK(mlx_value_to_array(&v) != 0);
}

static void reported_errors(void) {
    last[0] = 0;
    mlx_error("[mine] %d", 7);
    CHECK_HAS(last, "[mine] 7");
    CHECK_HAS(mlx_last_error_message(), "[mine] 7");
    mlx_clear_last_error();
}

static void gguf_keys(void) {
    mlx_io_gguf io = mlx_io_gguf_new();
    mlx_vector_string keys = mlx_vector_string_new();
    CHECK(mlx_io_gguf_set_metadata_string(io, "general.name", "small") == 0);
    CHECK(mlx_io_gguf_get_metadata_keys(&keys, io) == 0 && mlx_vector_string_size(keys) == 1);
    holds(keys, 0, "general.name");
    mlx_vector_string_free(keys);
    mlx_io_gguf_free(io);
}

/* --- quantized matrices ----------------------------------------------------------------------- */

static mlx_array sum_of(mlx_array a) {
    mlx_array r = mlx_array_new();
    mlx_sum(&r, a, false, s);
    return r;
}

static mlx_array item_of(mlx_vector_array v, size_t i) {
    mlx_array a = mlx_array_new();
    CHECK(mlx_vector_array_get(&a, v, i) == 0);
    return a;
}

static void quantized(void) {
    mlx_optional_int no = {0, false};
    mlx_optional_dtype same = {MLX_FLOAT32, false};
    mlx_array none = {NULL}, w = mlx_array_new(), r = mlx_array_new();
    mlx_ones(&w, (int[]){1, 64}, 2, MLX_FLOAT32, s);
    mlx_vector_array q = mlx_vector_array_new();
    CHECK(mlx_quantize(&q, w, no, no, "affine", none, s) == 0 && mlx_vector_array_size(q) == 3);
    mlx_array words = item_of(q, 0), scales = item_of(q, 1), biases = item_of(q, 2);
    CHECK(mlx_dequantize(&r, words, scales, biases, no, no, "affine", none, same, s) == 0);
    mlx_array sum = sum_of(r);
    IS(sum, "array(64, dtype=float32)");
    CHECK(mlx_quantized_matmul(&r, w, words, scales, biases, true, no, no, "affine", s) == 0);
    IS(r, "array([[64]], dtype=float32)");
    CHECK(mlx_expand_dims(&words, words, 0, s) == 0 &&
          mlx_expand_dims(&scales, scales, 0, s) == 0 &&
          mlx_expand_dims(&biases, biases, 0, s) == 0);
    CHECK(mlx_gather_qmm(&r, w, words, scales, biases, none, none, true, no, no, "affine", false,
                         s) == 0);
    IS(r, "array([[[64]]], dtype=float32)");
    CHECK(mlx_qqmm(&r, w, w, none, no, no, "mxfp8", none, none, s) == 0);
    IS(r, "array([[64]], dtype=float32)");
    CHECK(mlx_expand_dims(&r, w, 0, s) == 0 &&
          mlx_gather_qqmm(&r, r, r, none, none, none, no, no, "mxfp8", none, none, false, s) == 0);
    IS(r, "array([[[64]]], dtype=float32)");
    CHECK(mlx_to_fp8(&r, w, s) == 0 && mlx_from_fp8(&r, r, MLX_FLOAT32, s) == 0);
    mlx_array_free(sum);
    sum = sum_of(r);
    IS(sum, "array(64, dtype=float32)");
    mlx_array all[] = {w, r, words, scales, biases, sum};
    for (int i = 0; i < 6; i++)
        mlx_array_free(all[i]);
    mlx_vector_array_free(q);
}

int main(void) {
    s = mlx_default_cpu_stream_new();
    mlx_set_error_handler(note, NULL, NULL);
    RUN(scalars_in);
    RUN(values_out);
    RUN(borrowed_memory);
    RUN(layouts);
    RUN(printing);
    RUN(vectors);
    RUN(vectors_of_strings);
    RUN(streams);
    RUN(no_gpu);
    RUN(memory);
    RUN(catalog_values);
    RUN(reported_errors);
    RUN(gguf_keys);
    RUN(quantized);
    mlx_stream_free(s);
    return check_done();
}
