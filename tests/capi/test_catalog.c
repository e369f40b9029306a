/* The catalog: signatures, values, and every row called with arguments made for its parameters,
 * each allocation failing once. */
#include "base/mem.h"
#include "check.h"
#include "mlx/c/mlx.h"

static void quiet(const char *message, void *data) {
    (void)message, (void)data;
}

/* --- signatures ------------------------------------------------------------------------------- */

static bool text_is(mlx_text t, const char *s) {
    return t.length == (int)strlen(s) && !memcmp(t.start, s, strlen(s));
}

static void test_signature(void) {
    mlx_signature s;
    const char *text =
        "f(a: scalar | array, /, b: None | int | Sequence[int] = [-2, -1], *rest: array, mode: "
        "str = "
        "'xy', x: float = 1e-05, t: Dtype | None = float16, stream: StreamOrDevice = None) -> "
        "array";
    CHECK_EQ_INT(mlx_signature_parse(&s, text), 0);
    CHECK_EQ_INT(s.count, 7);
    CHECK(text_is(s.name, "f") && text_is(s.result, "array"));
    mlx_parameter *p = s.parameters;
    CHECK(text_is(p[0].name, "a") && p[0].place == MLX_PLACE_POSITION && !p[0].fallback.length);
    CHECK(p[0].accepts >> MLX_VALUE_ARRAY & p[0].accepts >> MLX_VALUE_COMPLEX & 1);
    CHECK(p[1].place == MLX_PLACE_EITHER && p[1].value.kind == MLX_VALUE_INTS &&
          p[1].value.count == 2);
    CHECK_EQ_INT(p[1].value.as.ints[0], -2);
    CHECK(p[2].place == MLX_PLACE_REST && p[3].place == MLX_PLACE_KEYWORD);
    CHECK_STR(p[3].value.as.string, "xy");
    CHECK_NEAR(p[4].value.as.number, 1e-5, 0);
    CHECK(p[5].value.kind == MLX_VALUE_DTYPE && p[5].value.as.dtype == MLX_FLOAT16);
    CHECK(p[6].value.kind == MLX_VALUE_STREAM && !p[6].value.as.stream.ctx);
}

static void test_bad_signatures(void) {
    static const char many[] =
        "f(a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: int, i: int, "
        "j: int, k: int, l: int, m: int, n: int, o: int, p: int, q: int)";
    static const char *const bad[] = {"",
                                      "f",
                                      "f(",
                                      "(a: int)",
                                      "f(a: house)",
                                      "f(a: int = oops)",
                                      "f(a)",
                                      "f(a: str = 'much too long to be a fallback')",
                                      many};
    mlx_signature s;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_EQ_INT(mlx_signature_parse(&s, bad[i]), 1);
}

/* --- manuals ---------------------------------------------------------------------------------- */

static const mlx_operation *find_row(const char *module, const char *start) {
    const mlx_operation *row;
    for (size_t i = 0; (row = mlx_catalog_get(i)); i++)
        if (!strcmp(row->module, module) && !strncmp(row->signature, start, strlen(start)))
            return row;
    return NULL;
}

static void test_manual(void) {
    mlx_string s = mlx_string_new(), method = mlx_string_new();
    CHECK_EQ_INT(mlx_operation_manual(&s, find_row("mlx.core", "floor(")), 0);
    CHECK_STR(
        mlx_string_data(s),
        "Args:\n"
        "    a (array): The numbers, of any shape.\n"
        "    stream (StreamOrDevice): The stream or device that computes it; None: the default\n"
        "        one.\n"
        "\n"
        "Returns:\n"
        "    array: The values, in the shape and the dtype of a.\n"
        "\n"
        "Example:\n"
        "    >>> mx.floor(mx.array([-1.5, 0.8]))\n"
        "    array([-2, 0], dtype=float32)\n");
    CHECK_EQ_INT(mlx_operation_manual(&method, find_row("mlx.core.array", "argmax(")), 0);
    CHECK(strstr(mlx_string_data(method), "    axis (") &&
          !strstr(mlx_string_data(method), " a ("));
    mlx_operation other = {.module = "plug.in", .signature = "floor(a: array) -> array"};
    CHECK_EQ_INT(mlx_operation_manual(&s, &other), 0);
    CHECK_STR(mlx_string_data(s), "");
    mlx_string_free(s), mlx_string_free(method);
}

static void test_manual_without_memory(void) {
    mlx_string s = mlx_string_new();
    int failures = 0;
    for (uint64_t n = 1; n < 1000; n++, failures++) {
        mx_alloc_fail_at(n);
        int status = mlx_operation_manual(&s, find_row("mlx.core", "floor("));
        mx_alloc_fail_at(0);
        if (!status)
            break;
    }
    CHECK(failures > 0 && failures < 999);
    CHECK_EQ_INT(mlx_operation_manual(NULL, mlx_catalog_get(0)), 1);
    CHECK_EQ_INT(mlx_operation_manual(&s, NULL), 1);
    mlx_string_free(s);
}

static void test_rows(void) {
    size_t n = mlx_catalog_size();
    CHECK(n > 250 && !mlx_catalog_get(n) && mlx_catalog_get(n - 1));
    for (size_t i = 0; i < n; i++) {
        const mlx_operation *op = mlx_catalog_get(i);
        mlx_signature s;
        bool method = !strcmp(op->module, "mlx.core.array");
        if (!CHECK(op->adapter && (op->doc || method) && !mlx_signature_parse(&s, op->signature)))
            fprintf(stderr, "    %s\n", op->signature);
        if (op->doc)
            CHECK(op->doc[strlen(op->doc) - 1] == '.');
    }
    for (size_t i = 0; mlx_catalog_alias(i); i++)
        CHECK(mlx_catalog_alias(i)->of && !mlx_catalog_alias(i + 1000));
}

/* --- values ----------------------------------------------------------------------------------- */

static void test_weak_scalars(void) {
    static const struct {
        mlx_dtype other;
        mlx_value scalar;
        int wanted; /* -1: an error */
    } rows[] = {
        {MLX_UINT8, {.kind = MLX_VALUE_INT, .as.integer = 255}, MLX_UINT8},
        {MLX_UINT8, {.kind = MLX_VALUE_INT, .as.integer = 256}, -1},
        {MLX_UINT8, {.kind = MLX_VALUE_INT, .as.integer = -1}, -1},
        {MLX_INT64, {.kind = MLX_VALUE_INT, .as.integer = INT64_MIN}, MLX_INT64},
        {MLX_BOOL, {.kind = MLX_VALUE_INT, .as.integer = 1}, MLX_INT32},
        {MLX_BOOL, {.kind = MLX_VALUE_BOOL, .as.boolean = true}, MLX_BOOL},
        {MLX_INT32, {.kind = MLX_VALUE_FLOAT, .as.number = 0.5}, MLX_FLOAT32},
        {MLX_BFLOAT16, {.kind = MLX_VALUE_FLOAT, .as.number = 0.5}, MLX_BFLOAT16},
        {MLX_FLOAT64, {.kind = MLX_VALUE_FLOAT, .as.number = 0.1}, MLX_FLOAT64},
        {MLX_FLOAT16, {.kind = MLX_VALUE_COMPLEX, .as.complex_number = {1, 2}}, MLX_COMPLEX64},
        {MLX_FLOAT32, {.kind = MLX_VALUE_STRING, .as.string = "1"}, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mlx_array zero = mlx_array_new();
        mlx_zeros(&zero, NULL, 0, rows[i].other, (mlx_stream){NULL});
        mlx_value a = {.kind = MLX_VALUE_ARRAY, .owned = true, .as.array = zero},
                  b = rows[i].scalar;
        int status = mlx_value_to_pair(&a, &b);
        CHECK_EQ_INT(status, rows[i].wanted < 0);
        if (!status)
            CHECK_EQ_INT(mlx_array_dtype(b.as.array), rows[i].wanted);
        mlx_value_free(&a);
        mlx_value_free(&b);
    }
}

static void test_values_own(void) {
    mlx_value list = {.kind = MLX_VALUE_NONE};
    CHECK_EQ_INT(mlx_value_new_list(&list, 2), 0);
    CHECK_EQ_INT(mlx_value_new_ints(&list.as.items[0], 3), 0);
    list.as.items[1] =
        (mlx_value){.kind = MLX_VALUE_ARRAY, .owned = true, .as.array = mlx_array_new_int(3)};
    mlx_value_free(&list);
    CHECK_EQ_INT(list.kind, MLX_VALUE_NONE);
    CHECK_EQ_INT(mlx_value_new_ints(&list, (size_t)1 << 40), 1);
}

/* --- every row -------------------------------------------------------------------------------- */

static int ints[2] = {0, 1};

static mlx_array matrix(void) {
    static const float data[16] = {4, 1, 0, 0, 1, 5, 1, 0, 0, 1, 6, 1, 0, 0, 1, 7};
    static const int shape[2] = {4, 4};
    return mlx_array_new_data(data, shape, 2, MLX_FLOAT32);
}

static mlx_value list_of_ints(void) {
    mlx_value v = {.kind = MLX_VALUE_NONE};
    if (!mlx_value_new_list(&v, 2))
        for (int i = 0; i < 2; i++)
            v.as.items[i] = (mlx_value){.kind = MLX_VALUE_INTS, .count = 2, .as.ints = ints};
    return v;
}

static mlx_value arrays(void) {
    mlx_array a = matrix();
    mlx_value v = {.kind = MLX_VALUE_ARRAYS, .owned = true, .as.arrays = mlx_vector_array_new()};
    mlx_vector_array_append_value(v.as.arrays, a);
    mlx_vector_array_append_value(v.as.arrays, a);
    mlx_array_free(a);
    return v;
}

/* A value for a parameter: of the first kind in this order that it accepts. */
static mlx_value make_value(const mlx_parameter *p, bool scalar) {
    unsigned kinds = p->accepts;
    if (p->place == MLX_PLACE_REST)
        return kinds == 1u << MLX_VALUE_ARRAY ? arrays()
               : kinds == 1u << MLX_VALUE_INT
                   ? (mlx_value){.kind = MLX_VALUE_INTS, .count = 2, .as.ints = ints}
                   : list_of_ints();
    if (kinds >> MLX_VALUE_ARRAY & 1 && !(scalar && kinds >> MLX_VALUE_FLOAT & 1))
        return (mlx_value){.kind = MLX_VALUE_ARRAY, .owned = true, .as.array = matrix()};
    if (kinds >> MLX_VALUE_ARRAYS & 1)
        return arrays();
    if (kinds >> MLX_VALUE_FLOAT & 1)
        return (mlx_value){.kind = MLX_VALUE_FLOAT, .as.number = 0.5};
    if (kinds >> MLX_VALUE_LIST & 1)
        return list_of_ints();
    if (kinds >> MLX_VALUE_INTS & 1)
        return (mlx_value){.kind = MLX_VALUE_INTS, .count = 2, .as.ints = ints};
    if (kinds >> MLX_VALUE_INT & 1)
        return (mlx_value){.kind = MLX_VALUE_INT, .as.integer = 1};
    if (kinds >> MLX_VALUE_DTYPE & 1)
        return (mlx_value){.kind = MLX_VALUE_DTYPE, .as.dtype = MLX_FLOAT32};
    if (kinds >> MLX_VALUE_BOOL & 1)
        return (mlx_value){.kind = MLX_VALUE_BOOL, .as.boolean = true};
    return kinds >> MLX_VALUE_STRING & 1
               ? (mlx_value){.kind = MLX_VALUE_STRING, .as.string = "ij,jk->ik"}
               : p->value;
}

static uint64_t allocations; /* of the last call */

/* What failed says why, in words that are its own. */
static void check_reason(const mlx_operation *op, int status) {
    const char *why = mlx_last_error_message();
    if (status && !CHECK(*why && !strstr(why, "has no reason recorded")))
        fprintf(stderr, "    %s: \"%s\"\n", op->signature, why);
}

/* Call a row; all: every parameter is given, else those that must be. */
static int call_row(const mlx_operation *op, const mlx_signature *s, bool all, bool scalar,
                    uint64_t fail_at) {
    mlx_value args[MLX_PARAMETERS_MAX], result = {.kind = MLX_VALUE_NONE};
    for (int i = 0; i < s->count; i++)
        args[i] = all || !s->parameters[i].fallback.length ? make_value(&s->parameters[i], scalar)
                                                           : s->parameters[i].value;
    mlx_clear_last_error();
    mx_alloc_fail_at(fail_at);
    int status = mlx_operation_call(&result, op, args);
    allocations = mx_alloc_count();
    mx_alloc_fail_at(0);
    check_reason(op, status);
    mlx_value_free(&result);
    for (int i = 0; i < s->count; i++)
        mlx_value_free(&args[i]);
    return status;
}

static bool changes_the_process(const mlx_operation *op) {
    return !strncmp(op->signature, "set_", 4) || strstr(op->signature, "_capture(");
}

/* The row with each allocation failing once leaks nothing, and works again afterwards. */
static void check_row(const mlx_operation *op, const mlx_signature *s, bool all, bool scalar) {
    int wanted = call_row(op, s, all, scalar, 0);
    int64_t live = mx_alloc_live();
    for (uint64_t n = 1; n < 1000 && (n == 1 || allocations >= n - 1); n++)
        call_row(op, s, all, scalar, n);
    if (!CHECK_EQ_INT(mx_alloc_live(), live) ||
        !CHECK_EQ_INT(call_row(op, s, all, scalar, 0), wanted))
        fprintf(stderr, "    %s (%s, %s)\n", op->signature, all ? "all" : "some",
                scalar ? "scalars" : "arrays");
}

static void test_every_row(void) {
    int worked = 0, rows = 0;
    for (size_t i = 0; i < mlx_catalog_size(); i++) {
        const mlx_operation *op = mlx_catalog_get(i);
        mlx_signature s;
        if (changes_the_process(op) || mlx_signature_parse(&s, op->signature))
            continue;
        for (int k = 0; k < 4; k++)
            check_row(op, &s, k & 1, k & 2);
        worked += !call_row(op, &s, false, false, 0);
        rows++;
    }
    // Most rows take a matrix wherever they take an array.
    CHECK(worked > rows * 3 / 4);
}

int main(void) {
    mlx_set_error_handler(quiet, NULL, NULL);
    RUN(test_signature);
    RUN(test_bad_signatures);
    RUN(test_rows);
    RUN(test_manual);
    RUN(test_manual_without_memory);
    RUN(test_weak_scalars);
    RUN(test_values_own);
    RUN(test_every_row);
    return check_done();
}
