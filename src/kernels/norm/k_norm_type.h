/* Template: the normalisation kernels of one type that is computed in float32: T its
 * dtype, N(f) names. */

static void N(rms)(void *out, const void *x, const void *w, double eps, size_t rows, size_t n) {
    rms_rows(T, out, x, w, eps, rows, n);
}
static void N(layer)(void *out, const void *x, const void *w, const void *b, double eps,
                     size_t rows, size_t n) {
    layer_rows(T, out, x, w, b, eps, rows, n);
}
static void N(rms_vjp)(void *dx, void *dw, const void *x, const void *w, const void *g, double eps,
                       size_t rows, size_t n) {
    rms_back(T, dx, dw, x, w, g, eps, rows, n);
}
static void N(layer_vjp)(void *dx, void *dw, void *db, const void *x, const void *w, const void *g,
                         double eps, size_t rows, size_t n) {
    layer_back(T, dx, dw, db, x, w, g, eps, rows, n);
}

#undef T
#undef N
