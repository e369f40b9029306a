/* The first NaN, named; and graphs as text. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "check.h"
#include "mlx/c/mlx.h"

static mlx_stream s; /* empty: the default one */

static void quiet(const char *message, void *data) {
    (void)message, (void)data;
}

static mlx_array line(float a, float b, float c) {
    return mlx_array_new_data((float[]){a, b, c}, (int[]){3}, 1, MLX_FLOAT32);
}

static void debug(bool nan, bool infinity) {
    CHECK(mlx_debug_set(nan, infinity) == 0);
}

/* --- programs whose first NaN has a maker ----------------------------------------------------- */

/* Inputs: (1, -1, 2). Each gives an array to evaluate. */
static mlx_array alone(mlx_array x) {
    mlx_array y = mlx_array_new();
    mlx_sqrt(&y, x, s);
    return y;
}
static mlx_array in_a_program(mlx_array x) { /* exp(log(x) + x) * x */
    mlx_array y = mlx_array_new();
    mlx_log(&y, x, s);
    mlx_add(&y, y, x, s);
    mlx_exp(&y, y, s);
    mlx_multiply(&y, y, x, s);
    return y;
}
static mlx_array at_its_end(mlx_array x) {
    mlx_array y = mlx_array_new();
    mlx_exp(&y, x, s);
    mlx_multiply(&y, y, x, s);
    mlx_arccosh(&y, y, s);
    return y;
}
static mlx_array in_what_feeds(mlx_array x) { /* sum(sqrt(x) * x) */
    mlx_array y = alone(x);
    mlx_multiply(&y, y, x, s);
    mlx_sum(&y, y, false, s);
    return y;
}
static mlx_array zero_times_infinity(mlx_array x) {
    mlx_array y = mlx_array_new(), z = mlx_array_new(), row = mlx_array_new(),
              infinity = mlx_array_new_float(INFINITY);
    mlx_full(&y, (int[]){3, 1}, 2, infinity, MLX_FLOAT32, s);
    mlx_array_free(infinity);
    mlx_subtract(&z, x, x, s);
    mlx_reshape(&row, z, (int[]){1, 3}, 2, s);
    mlx_matmul(&y, row, y, s);
    mlx_array_free(z);
    mlx_array_free(row);
    return y;
}
static mlx_array of_halves(mlx_array x) {
    mlx_array y = mlx_array_new();
    mlx_astype(&y, x, MLX_BFLOAT16, s);
    mlx_log1p(&y, y, s); /* of -1: -infinity, no NaN */
    mlx_subtract(&y, y, y, s);
    return y;
}
static mlx_array of_doubles(mlx_array x) {
    mlx_array y = mlx_array_new();
    mlx_astype(&y, x, MLX_FLOAT64, s);
    mlx_arcsin(&y, y, s);
    return y;
}
static mlx_array harmless(mlx_array x) {
    mlx_array y = mlx_array_new();
    mlx_exp(&y, x, s);
    mlx_sigmoid(&y, y, s);
    return y;
}
static mlx_array of_complex(mlx_array x) {
    mlx_array y = mlx_array_new(), zero = mlx_array_new();
    mlx_astype(&y, x, MLX_COMPLEX64, s);
    mlx_subtract(&zero, y, y, s);
    mlx_divide(&y, zero, zero, s);
    mlx_array_free(zero);
    return y;
}
static mlx_array of_bits(mlx_array x) { /* all ones */
    mlx_array y = mlx_array_new(), ones = mlx_array_new_data((int[]){-1}, (int[]){1}, 1, MLX_INT32);
    (void)x;
    mlx_negative(&y, ones, s);
    mlx_negative(&y, y, s);
    mlx_view(&y, y, MLX_FLOAT32, s);
    mlx_array_free(ones);
    return y;
}
static mlx_array scan(mlx_array x) { /* of infinities of both signs */
    mlx_array y = mlx_array_new(), big = mlx_array_new_float(INFINITY);
    mlx_multiply(&y, x, big, s);
    mlx_cumsum(&y, y, 0, false, true, s);
    mlx_array_free(big);
    return y;
}

static const struct row {
    const char *maker; /* NULL: none */
    mlx_array (*make)(mlx_array x);
    const char *from; /* a part of the message */
} rows[] = {
    {"Sqrt", alone, "1 of the values of its result float32 (3), from float32 (3)"},
    {"Log", in_a_program, "from float32 (3)"},
    {"ArcCosh", at_its_end, "from float32 (3)"},
    {"Sqrt", in_what_feeds, "result float32 (3), from float32 (3)"},
    {"Matmul", zero_times_infinity, "from float32 (1,3), float32 (3,1)"},
    {"Subtract", of_halves, "result bfloat16 (3), from bfloat16 (3), bfloat16 (3)"},
    {"ArcSin", of_doubles, "result float64 (3), from float64 (3)"},
    {NULL, harmless, ""},
    {"Divide", of_complex, "complex64 (3)"},
    {"View", of_bits, "result float32 (1), from int32 (1)"},
    {"CumSum", scan, "float32 (3)"},
};

static void check_maker(const struct row *r, mlx_array y) {
    int failed = mlx_array_eval(y);
    const char *message = mlx_last_error_message();
    CHECK_EQ_INT(failed, r->maker != NULL);
    if (!failed)
        return;
    char start[64];
    snprintf(start, sizeof start, "[debug] %s made the first NaN", r->maker);
    CHECK_MSG(!strncmp(message, start, strlen(start)), "\"%s\", expected \"%s\"", message, start);
    CHECK_HAS(message, r->from);
    CHECK_EQ_INT(mlx_last_error_code(), MLX_ERROR_NOT_FINITE);
}

/* What failed stays to be computed, and is when nobody looks. */
static void makers_are_named(void) {
    mlx_array x = line(1, -1, 2);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mlx_array y = rows[i].make(x);
        debug(true, false);
        check_maker(&rows[i], y);
        check_maker(&rows[i], y);
        debug(false, false);
        CHECK(mlx_array_eval(y) == 0);
        mlx_array_free(y);
    }
    mlx_array_free(x);
}

static int program(mlx_vector_array *res, const mlx_vector_array in, void *make) {
    mlx_array x = mlx_array_new();
    int failed = mlx_vector_array_get(&x, in, 0);
    mlx_array y = ((const struct row *)make)->make(x);
    failed = failed || mlx_vector_array_set_value(res, y);
    mlx_array_free(x);
    mlx_array_free(y);
    return failed;
}

/* The same inside compiled functions, traced before and after the switch. */
static void makers_in_compiled_functions(void) {
    mlx_array x = line(1, -1, 2);
    mlx_vector_array in = mlx_vector_array_new_value(x), out = mlx_vector_array_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mlx_closure f = mlx_closure_new_func_payload(program, (void *)&rows[i], NULL),
                    g = mlx_closure_new();
        CHECK(mlx_compile(&g, f, false) == 0 && mlx_closure_apply(&out, g, in) == 0);
        CHECK(mlx_eval(out) == 0);
        debug(true, false);
        mlx_array y = mlx_array_new();
        CHECK(mlx_closure_apply(&out, g, in) == 0 && mlx_vector_array_get(&y, out, 0) == 0);
        if (rows[i].make != of_bits) /* does not depend on x: folded when it was traced */
            check_maker(&rows[i], y);
        debug(false, false);
        mlx_array_free(y);
        mlx_closure_free(f);
        mlx_closure_free(g);
    }
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_array_free(x);
}

/* --- what is no first NaN --------------------------------------------------------------------- */

static void a_nan_that_was_there(void) {
    mlx_array x = line(1, NAN, 2), y = in_a_program(x), z = mlx_array_new();
    mlx_matmul(&z, x, x, s);
    debug(true, true);
    CHECK(mlx_array_eval(y) == 0 && mlx_array_eval(z) == 0);
    debug(false, false);
    mlx_array_free(x);
    mlx_array_free(y);
    mlx_array_free(z);
}

/* where(x > 0, log(x), x): no array has the NaN of the branch that is not taken. */
static void a_nan_that_is_thrown_away(void) {
    mlx_array x = line(1, -1, 2), y = mlx_array_new(), zero = mlx_array_new_float(0),
              positive = mlx_array_new();
    mlx_log(&y, x, s);
    mlx_greater(&positive, x, zero, s);
    mlx_where(&y, positive, y, x, s);
    debug(true, false);
    CHECK(mlx_array_eval(y) == 0);
    debug(false, false);
    CHECK_NEAR(mlx_array_data_float32(y)[1], -1, 0);
    mlx_array_free(x);
    mlx_array_free(y);
    mlx_array_free(zero);
    mlx_array_free(positive);
}

/* Values are those without it, though nothing is computed in place. */
static void values_stay(void) {
    float found[2];
    for (int on = 0; on < 2; on++) {
        mlx_array x = line(1, 2, 3), y = mlx_array_new();
        mlx_exp(&y, x, s);
        mlx_softmax_axis(&y, y, 0, false, s);
        mlx_cumsum(&y, y, 0, false, true, s);
        mlx_multiply(&y, y, x, s);
        debug(on, on);
        CHECK(mlx_array_eval(y) == 0);
        debug(false, false);
        found[on] = mlx_array_data_float32(y)[1];
        mlx_array_free(x);
        mlx_array_free(y);
    }
    CHECK(found[0] == found[1]);
}

static void infinities(void) {
    mlx_array x = line(1, 0, 2), y = mlx_array_new(), z = mlx_array_new();
    bool nan = true, infinity = false;
    mlx_add(&y, x, x, s);
    mlx_divide(&y, x, y, s); /* 0 / 0: a NaN */
    mlx_log(&z, x, s);       /* -infinity */
    mlx_exp(&z, z, s);       /* which is gone again: only asked for by itself */
    debug(false, true);
    CHECK(mlx_debug_get(&nan, &infinity) == 0 && !nan && infinity);
    CHECK(mlx_debug_get(NULL, NULL) == 0);
    CHECK(mlx_array_eval(y) == 0 && mlx_array_eval(z) == 0);
    mlx_log(&z, x, s);
    CHECK(mlx_array_eval(z) == 1);
    CHECK_HAS(mlx_last_error_message(), "Log made the first infinity");
    debug(false, false);
    mlx_array_free(x);
    mlx_array_free(y);
    mlx_array_free(z);
}

/* Views and strides: a NaN that only the transposed, sliced or repeated array shows. */
static void strided_arrays(void) {
    mlx_array x = mlx_array_new(), y = mlx_array_new();
    mlx_arange(&x, -2, 10, 1, MLX_FLOAT32, s);
    mlx_reshape(&x, x, (int[]){3, 4}, 2, s);
    mlx_transpose(&y, x, s);
    mlx_sqrt(&y, y, s);
    mlx_slice(&y, y, (int[]){1, 0}, 2, (int[]){4, 3}, 2, (int[]){2, 2}, 2, s);
    debug(true, false);
    CHECK(mlx_array_eval(y) == 1);
    CHECK_HAS(mlx_last_error_message(), "Sqrt made the first NaN: 2 of the values of its result "
                                        "float32 (4,3), from float32 (4,3)");
    debug(false, false);
    mlx_array_free(x);
    mlx_array_free(y);
}

/* --- where ------------------------------------------------------------------------------------ */

static uint32_t here;
static uint32_t say_here(void *data) {
    (void)data;
    return here;
}

static void the_place_is_named(void) {
    mlx_array x = line(1, -1, 2), y = mlx_array_new();
    debug(true, false);
    mlx_source_set_hook(say_here, NULL);
    here = mlx_source_add("model.py", 3);
    mlx_exp(&y, x, s);
    here = mlx_source_add("model.py", 4);
    mlx_subtract(&y, y, x, s);
    mlx_negative(&y, y, s);
    here = mlx_source_add("model.py", 5);
    mlx_log(&y, y, s);
    here = mlx_source_add("model.py", 6);
    mlx_add(&y, y, x, s);
    mlx_source_set_hook(NULL, NULL);
    CHECK(mlx_array_eval(y) == 1);
    CHECK_HAS(mlx_last_error_message(), "Log made the first NaN at model.py:5: 3 of the values");
    debug(false, false);
    mlx_array_free(x);
    mlx_array_free(y);
}

static int root_sum(mlx_array *res, const mlx_array x) {
    return mlx_sqrt(res, x, s) || mlx_sum(res, *res, false, s);
}

/* A derivative has the place of what it is the derivative of. */
static void derivatives_have_places(void) {
    mlx_array x = line(4, 0, 1), g = mlx_array_new();
    mlx_closure f = mlx_closure_new_unary(root_sum);
    mlx_closure_value_and_grad vg = mlx_closure_value_and_grad_new();
    mlx_vector_array in = mlx_vector_array_new_value(x), values = mlx_vector_array_new(),
                     grads = mlx_vector_array_new();
    debug(false, true);
    mlx_source_set_hook(say_here, NULL);
    here = mlx_source_add("loss.py", 12);
    CHECK(mlx_value_and_grad(&vg, f, (int[]){0}, 1) == 0);
    CHECK(mlx_closure_value_and_grad_apply(&values, &grads, vg, in) == 0);
    mlx_source_set_hook(NULL, NULL);
    CHECK(mlx_vector_array_get(&g, grads, 0) == 0 && mlx_array_eval(g) == 1);
    CHECK_HAS(mlx_last_error_message(), "made the first infinity at loss.py:12");
    debug(false, false);
    mlx_array_free(x);
    mlx_array_free(g);
    mlx_vector_array_free(in);
    mlx_vector_array_free(values);
    mlx_vector_array_free(grads);
    mlx_closure_free(f);
    mlx_closure_value_and_grad_free(vg);
}

/* --- threads, queues, memory, the environment ------------------------------------------------- */

static void *evaluate(void *failures) {
    mlx_array x = line(1, -1, 2);
    for (int i = 0; i < 50; i++) {
        mlx_array y = in_a_program(x);
        *(int *)failures += mlx_array_eval(y);
        mlx_array_free(y);
    }
    mlx_array_free(x);
    return NULL;
}

static void many_threads(void) {
    enum { THREADS = 4 };
    pthread_t thread[THREADS];
    int failures[THREADS] = {0};
    debug(true, false);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, evaluate, &failures[i]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    debug(false, false);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ_INT(failures[i], 50);
}

static void queued(void) {
    mlx_array x = line(1, -1, 2), y = alone(x);
    mlx_vector_array all = mlx_vector_array_new_value(y);
    debug(true, false);
    CHECK(mlx_async_eval(all) == 0 && mlx_synchronize(s) == 1);
    CHECK_HAS(mlx_last_error_message(), "Sqrt made the first NaN");
    debug(false, false);
    CHECK(mlx_array_eval(y) == 0);
    mlx_vector_array_free(all);
    mlx_array_free(x);
    mlx_array_free(y);
}

static void out_of_memory(void) {
    mlx_array x = line(1, -1, 2);
    bool done = false;
    for (uint64_t k = 1; !done && k < 200; k++) {
        mlx_array y = in_a_program(x);
        int64_t live = mx_alloc_live();
        debug(true, false);
        mx_alloc_fail_at(k);
        int failed = mlx_array_eval(y);
        done = mx_alloc_count() < k;
        mx_alloc_fail_at(0);
        debug(false, false);
        CHECK(failed);
        CHECK_EQ_INT(mlx_last_error_code(), done ? MLX_ERROR_NOT_FINITE : MLX_ERROR_MEMORY);
        CHECK(mx_alloc_live() <= live + 8);
        mlx_array_free(y);
    }
    CHECK(done);
    mlx_array_free(x);
}

static int child(void) {
    mlx_array x = line(1, -1, 2), y = alone(x);
    int failed = mlx_array_eval(y);
    int code = mlx_last_error_code();
    mlx_array_free(x), mlx_array_free(y);
    return !failed ? 0 : code == MLX_ERROR_NOT_FINITE ? 1 : 2;
}

static int run_with(const char *value) {
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        setenv("MLX_DEBUG", value, 1);
        execl("/proc/self/exe", "test_debug", "child", (char *)NULL);
        _exit(9);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void the_environment(void) {
    CHECK_EQ_INT(run_with(""), 0);
    CHECK_EQ_INT(run_with("inf"), 0);
    CHECK_EQ_INT(run_with("nan"), 1);
    CHECK_EQ_INT(run_with("nan,inf"), 1);
    CHECK_EQ_INT(run_with("everything"), 2);
}

/* --- graphs as text --------------------------------------------------------------------------- */

static void graphs_as_text(void) {
    mlx_array x = line(1, -1, 2), y = mlx_array_new(), z = mlx_array_new();
    mlx_node_namer namer = mlx_node_namer_new();
    mlx_string text = mlx_string_new();
    mlx_exp(&y, x, s);
    mlx_softmax_axis(&z, y, 0, false, s);
    mlx_vector_array outputs = mlx_vector_array_new();
    mlx_vector_array_append_value(outputs, z);
    mlx_vector_array_append_value(outputs, y);
    mlx_node_namer_set_name(namer, x, "x");
    CHECK(mlx_graph_text(&text, namer, outputs) == 0);
    CHECK_STR(mlx_string_data(text), "x: float32 (3)\n"
                                     "A: float32 (3) = Exp(x)\n"
                                     "B: float32 (3) = Softmax(A, axis=0)\n"
                                     "return B, A\n");
    CHECK(mlx_graph_text(&text, (mlx_node_namer){NULL}, outputs) == 1);
    CHECK(mlx_graph_text(NULL, namer, outputs) == 1);
    mlx_string_free(text);
    mlx_node_namer_free(namer);
    mlx_vector_array_free(outputs);
    mlx_array_free(x);
    mlx_array_free(y);
    mlx_array_free(z);
}

int main(int argc, char **argv) {
    mlx_set_error_handler(quiet, NULL, NULL);
    if (argc > 1 && !strcmp(argv[1], "child"))
        return child();
    RUN(makers_are_named);
    RUN(makers_in_compiled_functions);
    RUN(a_nan_that_was_there);
    RUN(a_nan_that_is_thrown_away);
    RUN(values_stay);
    RUN(infinities);
    RUN(strided_arrays);
    RUN(the_place_is_named);
    RUN(derivatives_have_places);
    RUN(many_threads);
    RUN(queued);
    RUN(out_of_memory);
    RUN(the_environment);
    RUN(graphs_as_text);
    return check_done();
}
