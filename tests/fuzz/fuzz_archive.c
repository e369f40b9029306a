/* Open files of any format (io/archive): see fuzz.h. */
#include "fuzz.h"
#include "io/archive/archive.h"
#include "ops/ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mx_scope scope = mx_scope_open();
    mx_source s;
    mx_archive *a = fuzz_source(&s, data, size) ? mx_archive_over(s) : NULL;
    for (size_t i = 0; a && i < a->count && i < 32; i++) {
        if (a->tensor[i].elements < 1 << 16)
            fuzz_use(mx_archive_read(a, i, i % 2));
        mx_error_clear();
    }
    mx_archive_close(a);
    mx_error_clear();
    mx_scope_close(scope);
    return 0;
}

static void add_small_floats(fuzz_add *add) {
    static const char header[] =
        "{\"x\":{\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[0,4]},"
        "\"y\":{\"dtype\":\"F4\",\"shape\":[2,2],\"data_offsets\":[4,6]}}";
    uint8_t bytes[256] = {sizeof header - 1};
    memcpy(bytes + 8, header, sizeof header - 1);
    add(bytes, 8 + sizeof header - 1 + 6);
}

static bool write_safetensors(mx_sink *k, void *arrays) {
    return mx_save_safetensors_to(k, arrays, NULL);
}

void fuzz_seeds(fuzz_add *add) {
    mx_gguf g = {{0}, {0}};
    mx_array *a = mx_ones((int[]){2, 32}, 2, MX_FLOAT32);
    mx_map_set(&g.arrays, "weight", a, NULL);
    mx_map_set(&g.meta, "general.name", mx_meta_of_string("seed"), NULL);
    fuzz_add_written(add, mx_write_gguf, &g);
    fuzz_add_written(add, write_safetensors, &g.arrays);
    fuzz_add_written(add, mx_write_npy, a);
    add_small_floats(add);
    mx_map_free(&g.arrays, NULL);
    mx_map_free(&g.meta, mx_meta_free);
}
