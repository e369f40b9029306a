/* Closures and transforms through the C API: calls, failures with their cause, destructors,
   threads. */
#include <pthread.h>
#include <stdlib.h>

#include "check.h"
#include "mlx/c/mlx.h"

static mlx_stream cpu;
static int reports;
static char reported[256];

static void note(const char *message, void *data) {
    (void)data;
    reports++;
    snprintf(reported, sizeof reported, "%s", message);
}

static void forget(void) {
    reports = 0;
    reported[0] = 0;
}

static float item(mlx_array a) {
    float v = NAN;
    mlx_array_item_float32(&v, a);
    return v;
}

/* The i-th array of a vector as a number; the vector stays. */
static float number(mlx_vector_array v, size_t i) {
    mlx_array a = mlx_array_new();
    float f = mlx_vector_array_get(&a, v, i) ? NAN : item(a);
    mlx_array_free(a);
    return f;
}

static mlx_vector_array vector_of(float x, float y) {
    mlx_array a[2] = {mlx_array_new_float32(x), mlx_array_new_float32(y)};
    mlx_vector_array v = mlx_vector_array_new_data(a, 2);
    mlx_array_free(a[0]);
    mlx_array_free(a[1]);
    return v;
}

/* --- functions -------------------------------------------------------------------------------- */

/* x y + x */
static int product(mlx_vector_array *res, const mlx_vector_array in) {
    mlx_array x = mlx_array_new(), y = mlx_array_new(), z = mlx_array_new();
    int failed = mlx_vector_array_get(&x, in, 0) || mlx_vector_array_get(&y, in, 1) ||
                 mlx_multiply(&z, x, y, cpu) || mlx_add(&z, z, x, cpu) ||
                 mlx_vector_array_set_value(res, z);
    mlx_array_free(x);
    mlx_array_free(y);
    mlx_array_free(z);
    return failed;
}

static int sine(mlx_array *res, const mlx_array x) {
    return mlx_sin(res, x, cpu);
}

/* Adds the number in the payload, and counts calls in it. */
typedef struct counter {
    float add;
    int calls, freed;
} counter;

static int shifted(mlx_vector_array *res, const mlx_vector_array in, void *payload) {
    counter *c = payload;
    mlx_array x = mlx_array_new(), d = mlx_array_new_float32(c->add), z = mlx_array_new();
    int failed = mlx_vector_array_get(&x, in, 0) || mlx_add(&z, x, d, cpu) ||
                 mlx_vector_array_set_value(res, z);
    c->calls++;
    mlx_array_free(x);
    mlx_array_free(d);
    mlx_array_free(z);
    return failed;
}

static void count_free(void *payload) {
    ((counter *)payload)->freed++;
}

static int wrong_shapes(mlx_vector_array *res, const mlx_vector_array in) {
    float data[5] = {0};
    mlx_array a = mlx_array_new_data(data, (int[]){2}, 1, MLX_FLOAT32), z = mlx_array_new();
    mlx_array b = mlx_array_new_data(data, (int[]){3}, 1, MLX_FLOAT32);
    int failed = mlx_add(&z, a, b, cpu);
    (void)res;
    (void)in;
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_array_free(z);
    return failed ? 7 : 0;
}

static int refuses(mlx_vector_array *res, const mlx_vector_array in) {
    (void)res;
    (void)in;
    return 3;
}

static int gives_nothing(mlx_vector_array *res, const mlx_vector_array in) {
    (void)res;
    (void)in;
    return 0;
}

/* --- calls ------------------------------------------------------------------------------------ */

static void calls(void) {
    forget();
    mlx_closure f = mlx_closure_new_func(product), g = mlx_closure_new_unary(sine),
                same = mlx_closure_new();
    mlx_vector_array in = vector_of(3, 4), out = mlx_vector_array_new();
    CHECK(mlx_closure_apply(&out, f, in) == 0);
    CHECK_NEAR(number(out, 0), 15, 0);
    CHECK(mlx_closure_set(&same, f) == 0 && mlx_closure_free(f) == 0);
    CHECK(mlx_closure_apply(&out, same, in) == 0);
    CHECK(mlx_closure_apply(&out, g, in) == 1);
    CHECK_HAS(reported, "[closure] a function of one array was given 2");
    CHECK(mlx_closure_apply(&out, (mlx_closure){NULL}, in) == 1);
    CHECK_HAS(reported, "[closure] an empty handle was given");
    CHECK_EQ_INT(reports, 2);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_closure_free(same);
    mlx_closure_free(g);
}

static void destructors(void) {
    forget();
    counter c = {.add = 2};
    mlx_closure f = mlx_closure_new_func_payload(shifted, &c, count_free), g = mlx_closure_new();
    mlx_vector_array in = vector_of(1, 0), out = mlx_vector_array_new();
    CHECK(mlx_closure_apply(&out, f, in) == 0);
    CHECK_NEAR(number(out, 0), 3, 0);
    mlx_closure_set(&g, f);
    mlx_closure_free(f);
    CHECK_EQ_INT(c.freed, 0);
    mlx_closure_value_and_grad vg = mlx_closure_value_and_grad_new();
    CHECK(mlx_value_and_grad(&vg, g, (int[]){0}, 1) == 0);
    mlx_closure_free(g);
    CHECK_EQ_INT(c.freed, 0);
    mlx_vector_array grads = mlx_vector_array_new();
    CHECK(mlx_closure_value_and_grad_apply(&out, &grads, vg, in) == 0);
    CHECK_NEAR(number(grads, 0), 1, 0);
    mlx_closure_value_and_grad_free(vg);
    CHECK_EQ_INT(c.freed, 1);
    CHECK_EQ_INT(c.calls, 2);
    CHECK(mlx_closure_new_func_payload(NULL, &c, count_free).ctx == NULL);
    CHECK_EQ_INT(c.freed, 2);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_vector_array_free(grads);
}

/* --- transforms ------------------------------------------------------------------------------- */

static void gradients(void) {
    forget();
    mlx_closure f = mlx_closure_new_func(product);
    mlx_closure_value_and_grad vg = mlx_closure_value_and_grad_new();
    mlx_vector_array in = vector_of(3, 4), out = mlx_vector_array_new(),
                     grads = mlx_vector_array_new();
    CHECK(mlx_value_and_grad(&vg, f, (int[]){0, 1}, 2) == 0);
    CHECK(mlx_closure_value_and_grad_apply(&out, &grads, vg, in) == 0);
    CHECK_NEAR(number(out, 0), 15, 0);
    CHECK_NEAR(number(grads, 0), 5, 0);
    CHECK_NEAR(number(grads, 1), 3, 0);
    mlx_vector_array two = vector_of(2, 10), one = mlx_vector_array_new();
    mlx_array first = mlx_array_new();
    mlx_vector_array_get(&first, two, 0);
    mlx_vector_array_append_value(one, first);
    CHECK(mlx_vjp(&out, &grads, f, in, one) == 0);
    CHECK_NEAR(number(grads, 0), 10, 0);
    CHECK(mlx_jvp(&out, &grads, f, in, two) == 0); /* 2 (4 + 1) + 10 * 3 */
    CHECK_NEAR(number(grads, 0), 40, 0);
    bool done = true;
    CHECK(mlx_eval_small(&done, out, 0) == 0 && !done);
    CHECK(mlx_eval_small(&done, out, 10000) == 0 && done);
    CHECK(mlx_eval(grads) == 0 && mlx_async_eval(out) == 0);
    CHECK_EQ_INT(reports, 0);
    mlx_array_free(first);
    mlx_vector_array_free(two);
    mlx_vector_array_free(one);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_vector_array_free(grads);
    mlx_closure_free(f);
    mlx_closure_value_and_grad_free(vg);
}

/* What goes wrong inside is reported once, by the outermost call, with its cause. */
static void check_failing(int (*fun)(mlx_vector_array *, const mlx_vector_array),
                          const char *cause) {
    forget();
    mlx_closure f = mlx_closure_new_func(fun);
    mlx_closure_value_and_grad vg = mlx_closure_value_and_grad_new();
    mlx_vector_array in = vector_of(3, 4), out = mlx_vector_array_new(),
                     grads = mlx_vector_array_new();
    CHECK(mlx_closure_apply(&out, f, in) == 1);
    CHECK_EQ_INT(reports, 1);
    CHECK_HAS(reported, cause);
    CHECK(mlx_vjp(&out, &grads, f, in, in) == 1);
    CHECK(mlx_jvp(&out, &grads, f, in, in) == 1);
    CHECK_EQ_INT(reports, 3);
    CHECK_HAS(reported, cause);
    CHECK(mlx_value_and_grad(&vg, f, (int[]){0}, 1) == 0);
    CHECK(mlx_closure_value_and_grad_apply(&out, &grads, vg, in) == 1);
    CHECK_EQ_INT(reports, 4);
    CHECK_HAS(reported, cause);
    mlx_closure_free(f);
    mlx_closure_value_and_grad_free(vg);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_vector_array_free(grads);
}

static void failures(void) {
    check_failing(wrong_shapes, "[broadcast_shapes] Shapes (2) and (3) cannot be broadcast");
    check_failing(refuses, "[closure] the function returned 3");
    check_failing(gives_nothing, "[closure] the function gave no result");
    gradients();
    forget();
    mlx_closure f = mlx_closure_new_func(product);
    mlx_closure_value_and_grad vg = mlx_closure_value_and_grad_new();
    CHECK(mlx_value_and_grad(&vg, f, (int[]){-1}, 1) == 1);
    CHECK_HAS(reported, "[grad] Can't compute the gradient of negative argument index -1");
    CHECK(mlx_value_and_grad(&vg, f, (int[]){0, 0}, 2) == 1);
    CHECK_HAS(reported, "[grad] Duplicate argument index 0 is not allowed.");
    CHECK(mlx_value_and_grad(&vg, f, NULL, 0) == 1);
    CHECK_HAS(reported, "[grad] Must specify at least one argument.");
    mlx_closure_free(f);
    mlx_closure_value_and_grad_free(vg);
}

/* --- the other kinds -------------------------------------------------------------------------- */

static int with_names(mlx_vector_array *res, const mlx_vector_array in,
                      const mlx_map_string_to_array named) {
    mlx_array x = mlx_array_new(), b = mlx_array_new();
    int failed = mlx_vector_array_get(&x, in, 0) || mlx_map_string_to_array_get(&b, named, "b") ||
                 mlx_subtract(&x, x, b, cpu) || mlx_vector_array_set_value(res, x);
    mlx_array_free(x);
    mlx_array_free(b);
    return failed;
}

static void keywords(void) {
    mlx_closure_kwargs f = mlx_closure_kwargs_new_func(with_names);
    mlx_map_string_to_array named = mlx_map_string_to_array_new();
    mlx_array b = mlx_array_new_float32(10);
    mlx_vector_array in = vector_of(3, 4), out = mlx_vector_array_new();
    mlx_map_string_to_array_insert(named, "b", b);
    CHECK(mlx_closure_kwargs_apply(&out, f, in, named) == 0);
    CHECK_NEAR(number(out, 0), -7, 0);
    mlx_array_free(b);
    mlx_map_string_to_array_free(named);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_closure_kwargs_free(f);
}

static int batched(mlx_vector_array *res, mlx_vector_int *axes, const mlx_vector_array in,
                   const int *in_axes, size_t n) {
    return mlx_vector_array_set(res, in) || mlx_vector_int_set_data(axes, (int *)in_axes, n);
}

static void mapped(void) {
    mlx_closure_custom_vmap f = mlx_closure_custom_vmap_new_func(batched);
    mlx_vector_array in = vector_of(3, 4), out = mlx_vector_array_new();
    mlx_vector_int axes = mlx_vector_int_new();
    CHECK(mlx_closure_custom_vmap_apply(&out, &axes, f, in, (int[]){5, 6}, 2) == 0);
    int axis = 0;
    CHECK(mlx_vector_int_size(axes) == 2 && mlx_vector_int_get(&axis, axes, 1) == 0);
    CHECK_EQ_INT(axis, 6);
    CHECK_NEAR(number(out, 1), 4, 0);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_vector_int_free(axes);
    mlx_closure_custom_vmap_free(f);
}

/* --- threads ---------------------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 50 };

static void *differentiate(void *arg) {
    mlx_closure f = mlx_closure_new_func(product);
    mlx_closure_value_and_grad vg = mlx_closure_value_and_grad_new();
    mlx_vector_array out = mlx_vector_array_new(), grads = mlx_vector_array_new();
    int *wrong = arg;
    mlx_value_and_grad(&vg, f, (int[]){0, 1}, 2);
    for (int i = 0; i < ROUNDS; i++) {
        mlx_vector_array in = vector_of((float)i, 2);
        *wrong += mlx_closure_value_and_grad_apply(&out, &grads, vg, in) != 0;
        *wrong +=
            number(grads, 0) != 3 || number(grads, 1) != (float)i || number(out, 0) != 3 * (float)i;
        mlx_vector_array_free(in);
    }
    mlx_vector_array_free(out);
    mlx_vector_array_free(grads);
    mlx_closure_free(f);
    mlx_closure_value_and_grad_free(vg);
    return NULL;
}

static void threads(void) {
    pthread_t thread[THREADS];
    int wrong[THREADS] = {0};
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&thread[i], NULL, differentiate, &wrong[i]) == 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        CHECK_EQ_INT(wrong[i], 0);
    }
}

int main(void) {
    mlx_set_error_handler(note, NULL, NULL);
    cpu = mlx_default_cpu_stream_new();
    RUN(calls);
    RUN(destructors);
    RUN(gradients);
    RUN(failures);
    RUN(keywords);
    RUN(mapped);
    RUN(threads);
    mlx_stream_free(cpu);
    return check_done();
}
