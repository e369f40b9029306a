/* A program as they are written for mlx-c: it includes one header and counts on what that
   includes. */
#include "mlx/c/mlx.h"

#include "check.h"

static void give_back(void *memory) {
    free(memory);
}

int main(void) {
    float *memory = malloc(4 * sizeof *memory);
    if (!memory)
        exit(EXIT_FAILURE);
    for (int32_t i = 0; i < 4; i++)
        memory[i] = i < 3 ? (float)i : FLT_MAX;
    float complex z = 1 + 2 * I;
    mlx_array a = mlx_array_new_data_managed(memory, (int[]){4}, 1, MLX_FLOAT32, give_back);
    mlx_array b = mlx_array_new_complex(crealf(z), cimagf(z));
    mlx_complex64_t back = 0;
    bool dense = false;
    CHECK(!mlx_array_item_complex64(&back, b) && back == z);
    CHECK(!_mlx_array_is_row_contiguous(&dense, a) && dense);
    fprintf(stdout, "%zu elements, at most %g\n", mlx_array_size(a),
            (double)mlx_array_data_float32(a)[3]);
    mlx_array_free(a);
    mlx_array_free(b);
    return check_done();
}
