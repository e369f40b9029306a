/* .safetensors: see fuzz.h. */
#include "fuzz.h"
#include "ops/ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mx_scope scope = mx_scope_open();
    mx_source s;
    mx_map arrays = {0}, metadata = {0};
    if (fuzz_source(&s, data, size)) {
        if (mx_load_safetensors_from(&s, &arrays, &metadata))
            fuzz_use_all(&arrays);
        mx_source_close(&s);
    }
    mx_free_arrays(&arrays);
    mx_free_strings(&metadata);
    mx_error_clear();
    mx_scope_close(scope);
    return 0;
}

typedef struct contents {
    mx_map arrays, metadata;
} contents;

static bool write(mx_sink *k, void *what) {
    contents *c = what;
    return mx_save_safetensors_to(k, &c->arrays, &c->metadata);
}

void fuzz_seeds(fuzz_add *add) {
    contents c = {{0}, {0}};
    fuzz_add_written(add, write, &c);
    mx_map_set(&c.arrays, "weight", mx_ones((int[]){2, 3}, 2, MX_FLOAT16), NULL);
    mx_map_set(&c.arrays, "ids", mx_arange(0, 5, 1, MX_INT64), NULL);
    mx_map_set(&c.arrays, "empty", mx_zeros((int[]){0, 4}, 2, MX_BOOL), NULL);
    mx_map_set(&c.metadata, "format", (void *)(uintptr_t)"mlx", NULL);
    fuzz_add_written(add, write, &c);
    mx_map_free(&c.arrays, NULL);
    mx_map_free(&c.metadata, NULL);
}
