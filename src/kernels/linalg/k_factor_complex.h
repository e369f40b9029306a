/* Sums of lines of complex64: the words of k_factor_lines.h, in plain loops. */

static inline void FN(sub1)(T *restrict y, const T *restrict x, T c, ptrdiff_t n) {
    for (ptrdiff_t i = 0; i < n; i++) {
        y[i].re -= c.re * x[i].re - c.im * x[i].im;
        y[i].im -= c.re * x[i].im + c.im * x[i].re;
    }
}

static inline void FN(sub4)(T *y, const T *x, ptrdiff_t ld, const T *c, ptrdiff_t n) {
    for (int k = 0; k < 4; k++)
        FN(sub1)(y, x + k * ld, c[k], n);
}

static inline void FN(spread4)(T *y, ptrdiff_t ld, const T *x, const T *c, ptrdiff_t n) {
    for (int k = 0; k < 4; k++)
        FN(sub1)(y + k * ld, x, c[k], n);
}

/* x^H y */
static inline T FN(dot1)(const T *x, const T *y, ptrdiff_t n) {
    float re = 0, im = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        re += x[i].re * y[i].re + x[i].im * y[i].im;
        im += x[i].re * y[i].im - x[i].im * y[i].re;
    }
    return (T){re, im};
}

static inline void FN(dot4)(T *out, const T *x, const T *y, ptrdiff_t ld, ptrdiff_t n) {
    for (int k = 0; k < 4; k++)
        out[k] = FN(dot1)(x, y + k * ld, n);
}

static inline R FN(largest)(const T *x, ptrdiff_t n) {
    R most = FN(size)(x[0]);
    for (ptrdiff_t i = 1; i < n; i++)
        most = FN(size)(x[i]) > most ? FN(size)(x[i]) : most;
    return most;
}

static inline void FN(divide)(T *x, T by, ptrdiff_t n) {
    for (ptrdiff_t i = 0; i < n; i++)
        x[i] = FN(div)(x[i], by);
}
