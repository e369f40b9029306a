/* Template: the softmax kernels of one type that is computed in float32: T its dtype,
 * N(f) names. */

static void N(softmax)(void *out, ptrdiff_t os, const void *x, ptrdiff_t xs, size_t rows,
                       size_t n) {
    softmax_rows(T, out, os, x, xs, rows, n);
}
static void N(log_softmax)(void *out, ptrdiff_t os, const void *x, ptrdiff_t xs, size_t rows,
                           size_t n) {
    log_softmax_rows(T, out, os, x, xs, rows, n);
}
static void N(logsumexp)(void *out, const void *x, ptrdiff_t xs, size_t rows, size_t n) {
    logsumexp_rows(T, out, x, xs, rows, n);
}
static void N(softmax_vjp)(void *dx, const void *y, const void *g, size_t rows, size_t n) {
    softmax_vjp_rows(T, dx, y, g, rows, n);
}
static void N(part)(mx_softmax_part *part, const void *x, size_t n) {
    part_of(T, part, x, n);
}
static void N(apply)(void *out, const void *x, const mx_softmax_part *w, size_t n) {
    exp_row(T, out, x, n, (float)w->max, (float)(1.0 / w->sum));
}
static void N(apply_log)(void *out, const void *x, const mx_softmax_part *w, size_t n) {
    shift_row(T, out, x, n, (float)w->max, (float)log(w->sum));
}

#undef T
#undef N
