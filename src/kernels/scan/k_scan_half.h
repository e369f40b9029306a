/* Template: one operation on float16 and bfloat16, F32(f) naming the float32 functions,
 * N16(f) and NB16(f) these. */

static void N16(init)(void *carry, size_t n) {
    F32(init)(carry, n);
}
static void N16(row)(void *out, ptrdiff_t os, const void *x, ptrdiff_t xs, size_t n, void *carry,
                     mx_scan_flags f) {
    half_row(MX_FLOAT16, F32(row), F32(cols), out, os, x, xs, n, carry, f);
}
static void N16(cols)(void *out, ptrdiff_t os, const void *x, ptrdiff_t xs, size_t n, size_t cols,
                      void *carry, mx_scan_flags f) {
    half_cols(MX_FLOAT16, F32(cols), out, os, x, xs, n, cols, carry, f);
}
static void NB16(init)(void *carry, size_t n) {
    F32(init)(carry, n);
}
static void NB16(row)(void *out, ptrdiff_t os, const void *x, ptrdiff_t xs, size_t n, void *carry,
                      mx_scan_flags f) {
    half_row(MX_BFLOAT16, F32(row), F32(cols), out, os, x, xs, n, carry, f);
}
static void NB16(cols)(void *out, ptrdiff_t os, const void *x, ptrdiff_t xs, size_t n, size_t cols,
                       void *carry, mx_scan_flags f) {
    half_cols(MX_BFLOAT16, F32(cols), out, os, x, xs, n, cols, carry, f);
}

#undef F32
#undef N16
#undef NB16
