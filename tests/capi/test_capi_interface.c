/* A program that was written for mlx-c 0.7, and versions. */
#define MLX_C_INTERFACE 700
#include "mlx/c/mlx.h"

#include "check.h"

static void attention_of_0_7(void) {
    mlx_stream s = mlx_default_cpu_stream_new();
    float data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    mlx_array q = mlx_array_new_data(data, (int[]){1, 1, 2, 4}, 4, MLX_FLOAT32),
              y = mlx_array_new();
    for (int fused = 0; fused < 2; fused++) {
        float first = 0;
        mlx_array one = mlx_array_new();
        CHECK(!mlx_fast_scaled_dot_product_attention(&y, q, q, q, 1, "causal", mlx_array_empty,
                                                     mlx_array_empty, fused, s));
        CHECK(!mlx_slice(&one, y, (int[]){0, 0, 0, 0}, 4, (int[]){1, 1, 1, 1}, 4,
                         (int[]){1, 1, 1, 1}, 4, s));
        // the first query sees the first value alone
        CHECK(!mlx_array_item_float32(&first, one) && first == 1);
        mlx_array_free(one);
    }
    mlx_array_free(q);
    mlx_array_free(y);
    mlx_stream_free(s);
}

/* What another interface has in the stream's place is not taken for one. */
static void a_flag_for_a_stream(void) {
    mlx_array a = mlx_array_new_float(1), y = mlx_array_new();
    mlx_set_error_handler(NULL, NULL, NULL);
    CHECK(mlx_square(&y, a, (mlx_stream){(void *)1}) == 1);
    CHECK_HAS(mlx_last_error_message(), "[stream]");
    mlx_array_free(a);
    mlx_array_free(y);
}

static void check_version(int (*ask)(mlx_string *), int number) {
    mlx_string text = mlx_string_new();
    int part[3] = {0};
    CHECK(!ask(&text) &&
          sscanf(mlx_string_data(text), "%d.%d.%d", &part[0], &part[1], &part[2]) == 3);
    CHECK_EQ_INT(10000 * part[0] + 100 * part[1] + part[2], number);
    mlx_string_free(text);
}

static void versions(void) {
    check_version(mlx_version, MLX_VERSION_NUMERIC);
    check_version(mlx_library_version, MLX_LIBRARY_VERSION_NUMERIC);
    CHECK(MLX_C_HAS_FLIP >= 100);
}

static void any_thread_may_use_it(void) {
    mlx_stream s = mlx_stream_new_thread_unsafe((mlx_device){NULL});
    mlx_array a = mlx_array_new_float(3);
    CHECK(s.ctx && !mlx_square(&a, a, s) && !mlx_synchronize(s));
    mlx_array_free(a);
    mlx_stream_free(s);
}

int main(void) {
    RUN(attention_of_0_7);
    RUN(a_flag_for_a_stream);
    RUN(versions);
    RUN(any_thread_may_use_it);
    return check_done();
}
