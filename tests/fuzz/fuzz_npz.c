/* .npz: see fuzz.h. */
#include "fuzz.h"

#include <stdio.h>
#include <unistd.h>

#include "ops/ops.h"
#include "own_folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mx_scope scope = mx_scope_open();
    mx_source s;
    mx_map arrays = {0};
    if (fuzz_source(&s, data, size)) {
        if (mx_load_npz(&s, &arrays))
            fuzz_use_all(&arrays);
        mx_source_close(&s);
    }
    mx_map_free(&arrays, mx_io_drop_array);
    mx_error_clear();
    mx_scope_close(scope);
    return 0;
}

/* The writer knows files only. */
static void add_saved(fuzz_add *add, const mx_map *arrays, bool compressed) {
    char folder[128], path[160], bytes[4096];
    snprintf(path, sizeof path, "%s/seed.npz", own_folder(folder, sizeof folder, "fuzz_npz"));
    FILE *f = mx_save_npz(path, arrays, compressed) ? fopen(path, "rb") : NULL;
    if (f) {
        add(bytes, fread(bytes, 1, sizeof bytes, f));
        fclose(f);
    }
    unlink(path);
    rmdir(folder);
}

void fuzz_seeds(fuzz_add *add) {
    mx_map arrays = {0};
    mx_map_set(&arrays, "a", mx_ones((int[]){2, 3}, 2, MX_FLOAT32), NULL);
    mx_map_set(&arrays, "b", mx_arange(0, 5, 1, MX_INT8), NULL);
    add_saved(add, &arrays, false);
    add_saved(add, &arrays, true);
    mx_map_free(&arrays, NULL);
}
