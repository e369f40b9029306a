/* Accuracy of the elementary functions against NumPy's published validation sets (data/numpy_umath,
 * correctly rounded values from higher precision): every row, every instruction set. The folder is
 * $MLX_TEST_DATA, or ../shared/data beside the sources.
 *
 *     dtype,input,output,ulperrortol
 *     np.float32,0x004b4716,0x3f800000,3        bits in hexadecimal
 */
#include <stdlib.h>

#include "base/half.h"
#include "check.h"
#include "kernels/k_ref.h"
#include "kernels/kernels.h"

enum { ROWS = 4096 };

typedef struct table {
    int rows[2]; /* of float32, of float64 */
    float in32[ROWS], out32[ROWS], got32[ROWS];
    double in64[ROWS], out64[ROWS], got64[ROWS];
    double allowed[2][ROWS];
} table;

static table t;

static FILE *open_set(const char *name) {
    const char *data = getenv("MLX_TEST_DATA");
    char path[4096];
    if (data)
        snprintf(path, sizeof path, "%s/numpy_umath/umath-validation-set-%s.csv", data, name);
    else
        snprintf(path, sizeof path, "%s/../shared/data/numpy_umath/umath-validation-set-%s.csv",
                 check_source(), name);
    return fopen(path, "r");
}
static void add_row(const char *line) {
    int bits = 0;
    unsigned long long in = 0, out = 0;
    double ulp = 0;
    if (sscanf(line, "np.float%d,%llx,%llx,%lf", &bits, &in, &out, &ulp) != 4 ||
        t.rows[bits == 64] >= ROWS)
        return;
    int k = t.rows[bits == 64]++;
    t.allowed[bits == 64][k] = ulp > 3 ? ulp : 3;
    t.in32[bits == 64 ? ROWS - 1 : k] = mx_bits_f32((uint32_t)in);
    t.out32[bits == 64 ? ROWS - 1 : k] = mx_bits_f32((uint32_t)out);
    memcpy(&t.in64[bits == 64 ? k : ROWS - 1], &in, 8);
    memcpy(&t.out64[bits == 64 ? k : ROWS - 1], &out, 8);
}
static bool read_set(const char *name) {
    char line[256];
    FILE *f = open_set(name);
    if (!f)
        return false;
    memset(t.rows, 0, sizeof t.rows);
    while (fgets(line, sizeof line, f))
        add_row(line);
    fclose(f);
    return t.rows[0] + t.rows[1] > 0;
}
static void check_rows(const mx_kernels *k, mx_pointwise op, mx_dtype type) {
    bool wide = type == MX_FLOAT64;
    const void *in = wide ? (void *)t.in64 : (void *)t.in32,
               *out = wide ? (void *)t.out64 : (void *)t.out32;
    void *got = wide ? (void *)t.got64 : (void *)t.got32;
    k->pointwise->op[op][type].unary(got, in, (size_t)t.rows[wide]);
    for (int i = 0; i < t.rows[wide]; i++) {
        mx_ref want = mx_ref_load(type, out, (size_t)i), is = mx_ref_load(type, got, (size_t)i);
        double e = mx_ref_error(want, is);
        CHECK_MSG(e <= t.allowed[wide][i], "%s %s(%La): %La, expected %La, error %g", k->name,
                  mx_pw_infos[op].name, mx_ref_load(type, in, (size_t)i).re, is.re, want.re, e);
    }
}
static void validation_sets(void) {
    int count, found = 0;
    const mx_kernels *const *all = mx_kernels_all(&count);
    for (int op = 0; op < MX_PW_COUNT; op++) {
        if (mx_pw_infos[op].domain != MX_PWD_INEXACT || !read_set(mx_pw_infos[op].name))
            continue;
        found++;
        for (int i = 0; i < count; i++) {
            check_rows(all[i], (mx_pointwise)op, MX_FLOAT32);
            check_rows(all[i], (mx_pointwise)op, MX_FLOAT64);
        }
    }
    if (!found)
        SKIP("no data/numpy_umath: set MLX_TEST_DATA");
}

int main(void) {
    RUN(validation_sets);
    return check_done();
}
