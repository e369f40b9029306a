/* .npy: see fuzz.h. */
#include "fuzz.h"
#include "ops/ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mx_scope scope = mx_scope_open();
    mx_source s;
    if (fuzz_source(&s, data, size)) {
        fuzz_use(mx_read_npy(&s, NULL));
        mx_source_close(&s);
    }
    mx_error_clear();
    mx_scope_close(scope);
    return 0;
}

void fuzz_seeds(fuzz_add *add) {
    static const mx_dtype dtypes[] = {MX_BOOL, MX_INT32, MX_BFLOAT16, MX_COMPLEX64, MX_FLOAT64};
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        fuzz_add_written(add, mx_write_npy, mx_ones((int[]){2, (int)i, 3}, 3, dtypes[i]));
    fuzz_add_written(add, mx_write_npy, mx_scalar(2, MX_FLOAT32));
}
