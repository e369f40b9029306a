/* The random state: a thread's own, and an input and output of compiled functions. */
#include <pthread.h>

#include "check.h"
#include "mlx/c/mlx.h"

static mlx_stream cpu;

static void set_state_from(mlx_array key) {
    CHECK(mlx_random_set_state(key) == 0);
}

/* The state as one number. */
static uint64_t state(void) {
    mlx_array a = mlx_array_new();
    uint64_t v = 0;
    if (CHECK(mlx_random_get_state(&a) == 0 && mlx_array_eval(a) == 0 &&
              mlx_array_dtype(a) == MLX_UINT32 && mlx_array_size(a) == 2)) {
        const uint32_t *w = mlx_array_data_uint32(a);
        v = (uint64_t)w[0] << 32 | w[(size_t)mlx_array_strides(a)[0]];
    }
    mlx_array_free(a);
    return v;
}

static int draw_into(mlx_array *res) {
    mlx_array lo = mlx_array_new_float32(0), hi = mlx_array_new_float32(1), none = {0};
    int failed = mlx_random_uniform(res, lo, hi, (int[]){2}, 1, MLX_FLOAT32, none, cpu);
    mlx_array_free(lo);
    mlx_array_free(hi);
    return failed;
}

static double sum_of(mlx_array a) {
    CHECK(mlx_array_eval(a) == 0);
    const float *v = mlx_array_data_float32(a);
    return v ? (double)v[0] + v[1] : NAN;
}

static double draw(void) {
    mlx_array a = mlx_array_new();
    double v = CHECK(draw_into(&a) == 0) ? sum_of(a) : NAN;
    mlx_array_free(a);
    return v;
}

/* --- get and set ------------------------------------------------------------------ */

static void reads_and_writes(void) {
    mlx_array key = mlx_array_new(), kept = mlx_array_new();
    mlx_random_seed(((uint64_t)7 << 32) + 9);
    CHECK(state() == ((uint64_t)7 << 32) + 9);
    draw();
    mlx_random_get_state(&kept);
    double first = draw(), second = draw();
    set_state_from(kept);
    CHECK(draw() == first && draw() == second);
    mlx_random_key(&key, 3);
    set_state_from(key);
    uint64_t after = (draw(), state());
    mlx_random_seed(3);
    CHECK((draw(), state()) == after);
    mlx_array_free(key);
    mlx_array_free(kept);
}

/* A state that is still to be computed gives the same numbers. */
static void lazy_state(void) {
    mlx_array zero = mlx_array_new(), key = mlx_array_new();
    mlx_random_seed(5);
    double want[3] = {draw(), draw(), draw()};
    uint64_t last = state();
    mlx_random_key(&key, 5);
    mlx_zeros(&zero, (int[]){2}, 1, MLX_UINT32, cpu);
    mlx_add(&key, key, zero, cpu);
    set_state_from(key);
    for (int i = 0; i < 3; i++)
        CHECK(draw() == want[i]);
    CHECK(state() == last);
    mlx_array_free(zero);
    mlx_array_free(key);
}

static int reports;
static void count(const char *message, void *data) {
    (void)data;
    reports += strstr(message, "[random_set_state] Expected a uint32 key of shape (2)") != NULL;
}

static void refusals(void) {
    mlx_array f = mlx_array_new(), none = {0};
    mlx_random_seed(1);
    mlx_zeros(&f, (int[]){2}, 1, MLX_FLOAT32, cpu);
    CHECK(mlx_random_set_state(f) != 0 && reports == 1);
    mlx_zeros(&f, (int[]){3}, 1, MLX_UINT32, cpu);
    CHECK(mlx_random_set_state(f) != 0 && reports == 2);
    CHECK(mlx_random_set_state(none) != 0);
    CHECK(state() == 1);
    mlx_array_free(f);
}

static void *other_thread(void *arg) {
    mlx_array key = mlx_array_new(), zero = mlx_array_new();
    mlx_random_seed(11);
    *(double *)arg = draw();
    mlx_random_key(&key, 11);
    mlx_zeros(&zero, (int[]){2}, 1, MLX_UINT32, cpu);
    mlx_add(&key, key, zero, cpu);
    set_state_from(key); // pending when the thread ends
    mlx_array_free(key);
    mlx_array_free(zero);
    return NULL;
}

static void threads_have_their_own(void) {
    pthread_t t;
    double there = 0;
    mlx_random_seed(11);
    double first = draw(), second = draw();
    mlx_random_seed(11);
    CHECK(draw() == first);
    pthread_create(&t, NULL, other_thread, &there);
    pthread_join(t, NULL);
    CHECK(there == first && draw() == second);
}

/* --- compiled functions ----------------------------------------------------------- */

/* (state) -> (numbers, state) */
static int captured(mlx_vector_array *res, const mlx_vector_array in) {
    mlx_array s = mlx_array_new(), r = mlx_array_new(), was = mlx_array_new();
    int failed = mlx_vector_array_get(&s, in, 0) || mlx_random_get_state(&was) ||
                 mlx_random_set_state(s) || draw_into(&r) || mlx_random_get_state(&s) ||
                 mlx_random_set_state(was) || mlx_vector_array_set_value(res, r) ||
                 mlx_vector_array_append_value(*res, s);
    mlx_array_free(s);
    mlx_array_free(r);
    mlx_array_free(was);
    return failed;
}

static int constant(mlx_vector_array *res, const mlx_vector_array in) {
    mlx_array r = mlx_array_new();
    (void)in;
    int failed = draw_into(&r) || mlx_vector_array_set_value(res, r);
    mlx_array_free(r);
    return failed;
}

static double call_captured(mlx_closure f) {
    mlx_array s = mlx_array_new(), r = mlx_array_new();
    mlx_random_get_state(&s);
    mlx_vector_array in = mlx_vector_array_new_value(s), out = mlx_vector_array_new();
    double v = NAN;
    if (CHECK(mlx_closure_apply(&out, f, in) == 0)) {
        mlx_vector_array_get(&r, out, 0);
        mlx_vector_array_get(&s, out, 1);
        set_state_from(s);
        v = sum_of(r);
    }
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_array_free(s);
    mlx_array_free(r);
    return v;
}

static double call_plain(mlx_closure f) {
    mlx_vector_array in = mlx_vector_array_new(), out = mlx_vector_array_new();
    mlx_array r = mlx_array_new();
    CHECK(mlx_closure_apply(&out, f, in) == 0);
    mlx_vector_array_get(&r, out, 0);
    double v = sum_of(r);
    mlx_array_free(r);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    return v;
}

static mlx_closure compiled(int (*fn)(mlx_vector_array *, const mlx_vector_array)) {
    mlx_closure f = mlx_closure_new_func(fn), c = mlx_closure_new();
    CHECK(mlx_compile(&c, f, false) == 0);
    mlx_closure_free(f);
    return c;
}

static void captured_state_goes_on(void) {
    mlx_closure f = compiled(captured);
    mlx_random_seed(21);
    double want[4] = {draw(), draw(), draw(), draw()};
    mlx_random_seed(21);
    for (int i = 0; i < 3; i++)
        CHECK(call_captured(f) == want[i]);
    CHECK(draw() == want[3]);
    mlx_closure_free(f);
}

/* Without the state among the inputs a compiled function draws once, when traced. */
static void uncaptured_state_is_constant(void) {
    mlx_closure f = compiled(constant);
    mlx_random_seed(22);
    double want[2] = {draw(), draw()};
    mlx_random_seed(22);
    CHECK(call_plain(f) == want[0] && call_plain(f) == want[0] && draw() == want[1]);
    mlx_closure_free(f);
}

int main(void) {
    cpu = mlx_default_cpu_stream_new();
    mlx_set_error_handler(count, NULL, NULL);
    RUN(reads_and_writes);
    RUN(lazy_state);
    RUN(refusals);
    RUN(threads_have_their_own);
    RUN(captured_state_goes_on);
    RUN(uncaptured_state_is_constant);
    mlx_random_seed(0);
    mlx_stream_free(cpu);
    return check_done();
}
