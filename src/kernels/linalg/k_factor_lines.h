/* Template: the words of a real type T, and sums of its lines in vectors. FN(f) names; V(word),
 * VEC, LANES: its vectors. See k_factor.h. */

static inline T FN(size)(T a) {
    return a < 0 ? -a : a;
}
static inline T FN(conj)(T a) {
    return a;
}
static inline T FN(real)(T a) {
    return a;
}
static inline T FN(imag)(T a) {
    return (void)a, (T)0;
}
static inline T FN(from)(T a) {
    return a;
}
static inline T FN(pair)(double re, double im) {
    return (void)im, (T)re;
}
static inline T FN(add)(T a, T b) {
    return a + b;
}
static inline T FN(sub)(T a, T b) {
    return a - b;
}
static inline T FN(mul)(T a, T b) {
    return a * b;
}

/* y -= c[0] x_0 + .. + c[3] x_3, lines ld apart. */
static inline void FN(sub4)(T *y, const T *x, ptrdiff_t ld, const T *c, ptrdiff_t n) {
    VEC c0 = V(set1)(c[0]), c1 = V(set1)(c[1]), c2 = V(set1)(c[2]), c3 = V(set1)(c[3]);
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        VEC s = V(fnma)(c0, V(load)(x + i), V(load)(y + i));
        s = V(fnma)(c1, V(load)(x + ld + i), s);
        s = V(fnma)(c2, V(load)(x + 2 * ld + i), s);
        V(store)(y + i, V(fnma)(c3, V(load)(x + 3 * ld + i), s));
    }
    if (i < n) {
        size_t rest = (size_t)(n - i);
        VEC s = V(fnma)(c0, V(loadn)(x + i, rest), V(loadn)(y + i, rest));
        s = V(fnma)(c1, V(loadn)(x + ld + i, rest), s);
        s = V(fnma)(c2, V(loadn)(x + 2 * ld + i, rest), s);
        V(storen)(y + i, V(fnma)(c3, V(loadn)(x + 3 * ld + i, rest), s), rest);
    }
}

static inline void FN(sub1)(T *y, const T *x, T c, ptrdiff_t n) {
    VEC v = V(set1)(c);
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES)
        V(store)(y + i, V(fnma)(v, V(load)(x + i), V(load)(y + i)));
    if (i < n) {
        size_t rest = (size_t)(n - i);
        V(storen)(y + i, V(fnma)(v, V(loadn)(x + i, rest), V(loadn)(y + i, rest)), rest);
    }
}

/* y_l -= c[l] x for four lines y. */
static inline void FN(spread4)(T *y, ptrdiff_t ld, const T *x, const T *c, ptrdiff_t n) {
    VEC c0 = V(set1)(c[0]), c1 = V(set1)(c[1]), c2 = V(set1)(c[2]), c3 = V(set1)(c[3]);
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        VEC v = V(load)(x + i);
        V(store)(y + i, V(fnma)(c0, v, V(load)(y + i)));
        V(store)(y + ld + i, V(fnma)(c1, v, V(load)(y + ld + i)));
        V(store)(y + 2 * ld + i, V(fnma)(c2, v, V(load)(y + 2 * ld + i)));
        V(store)(y + 3 * ld + i, V(fnma)(c3, v, V(load)(y + 3 * ld + i)));
    }
    for (int k = 0; k < 4; k++)
        FN(sub1)(y + k * ld + i, x + i, c[k], n - i);
}

/* out[l] = x . y_l for four lines y. */
static inline void FN(dot4)(T *out, const T *x, const T *y, ptrdiff_t ld, ptrdiff_t n) {
    VEC s0 = V(zero)(), s1 = s0, s2 = s0, s3 = s0;
    for (ptrdiff_t i = 0; i < n; i += LANES) {
        size_t rest = n - i < LANES ? (size_t)(n - i) : LANES;
        bool whole = rest == LANES;
        VEC v = whole ? V(load)(x + i) : V(loadn)(x + i, rest);
        s0 = V(fma)(v, whole ? V(load)(y + i) : V(loadn)(y + i, rest), s0);
        s1 = V(fma)(v, whole ? V(load)(y + ld + i) : V(loadn)(y + ld + i, rest), s1);
        s2 = V(fma)(v, whole ? V(load)(y + 2 * ld + i) : V(loadn)(y + 2 * ld + i, rest), s2);
        s3 = V(fma)(v, whole ? V(load)(y + 3 * ld + i) : V(loadn)(y + 3 * ld + i, rest), s3);
    }
    out[0] = V(sum)(s0);
    out[1] = V(sum)(s1);
    out[2] = V(sum)(s2);
    out[3] = V(sum)(s3);
}

static inline T FN(dot1)(const T *x, const T *y, ptrdiff_t n) {
    VEC s = V(zero)();
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES)
        s = V(fma)(V(load)(x + i), V(load)(y + i), s);
    if (i < n)
        s = V(fma)(V(loadn)(x + i, (size_t)(n - i)), V(loadn)(y + i, (size_t)(n - i)), s);
    return V(sum)(s);
}

/* The largest |x[i]|; NaN only where all that went before x[0] is one. */
static inline T FN(largest)(const T *x, ptrdiff_t n) {
    VEC best = V(set1)(FN(size)(x[0]));
    for (ptrdiff_t i = 0; i < n; i += LANES) {
        bool whole = n - i >= LANES; // a part is filled up with zeros, which are never larger
        VEC v = V(abs)(whole ? V(load)(x + i) : V(loadn)(x + i, (size_t)(n - i)));
        best = V(select)(V(gt)(v, best), v, best);
    }
    T lane[LANES];
    V(store)(lane, best);
    for (int w = LANES / 2; w; w /= 2)
        for (int k = 0; k < w; k++)
            lane[k] = lane[k + w] > lane[k] ? lane[k + w] : lane[k];
    return lane[0];
}

static inline void FN(divide)(T *x, T by, ptrdiff_t n) {
    for (ptrdiff_t i = 0; i < n; i++)
        x[i] /= by;
}
