/* Template: the scans of one operation on one dtype. Included with
 *
 *     T          storage type              LOAD(x)    storage to accumulator
 *     A          accumulator type          STORE(a)   accumulator to storage
 *     OP(a, b)   the operation             INIT       its identity
 *     FN(f)      names the functions       S_SERIAL   defined: OP costs too much to do twice
 *
 * OP, INIT, FN and S_SERIAL are undefined again at the end.
 */

static void FN(init)(void *carry, size_t n) {
    for (size_t i = 0; i < n; i++)
        ((A *)carry)[i] = INIT;
}

/* One after the other. Returns the carry. */
SV A FN(walk)(T *out, ptrdiff_t os, const T *x, ptrdiff_t xs, size_t n, A a, const bool incl) {
    for (size_t i = 0; i < n; i++, x += xs, out += os) {
        A before = a;
        a = OP(a, LOAD(*x));
        *out = STORE(incl ? a : before);
    }
    return a;
}

/* Four at a time: the prefixes of the four do not wait for what came before. */
SV A FN(run)(T *out, ptrdiff_t os, const T *x, ptrdiff_t xs, size_t n, A a, const bool incl) {
#ifndef S_SERIAL
    for (; n >= 4; n -= 4, x += 4 * xs, out += 4 * os) {
        A p0 = LOAD(x[0]), x1 = LOAD(x[xs]), x2 = LOAD(x[2 * xs]), x3 = LOAD(x[3 * xs]);
        A p1 = OP(p0, x1), p2 = OP(p1, x2), p3 = OP(p1, OP(x2, x3)), next = OP(a, p3);
        out[0] = STORE(incl ? OP(a, p0) : a);
        out[os] = STORE(incl ? OP(a, p1) : OP(a, p0));
        out[2 * os] = STORE(incl ? OP(a, p2) : OP(a, p1));
        out[3 * os] = STORE(incl ? next : OP(a, p2));
        a = next;
    }
#endif
    return FN(walk)(out, os, x, xs, n, a, incl);
}

static void FN(row)(void *out, ptrdiff_t os, const void *xv, ptrdiff_t xs, size_t n, void *carry,
                    mx_scan_flags f) {
    const T *x = xv;
    T *o = out;
    A *a = carry;
    if (f.reverse && n) {
        x += (ptrdiff_t)(n - 1) * xs, xs = -xs;
        o += (ptrdiff_t)(n - 1) * os, os = -os;
    }
    bool row = os == 1 || os == -1; // else in the order of cols
    if (os == 1 && xs == 1 && f.inclusive)
        *a = FN(run)(o, 1, x, 1, n, *a, true);
    else if (f.inclusive)
        *a = (row ? FN(run) : FN(walk))(o, os, x, xs, n, *a, true);
    else
        *a = (row ? FN(run) : FN(walk))(o, os, x, xs, n, *a, false);
}

/* One row of m columns; o may be x. */
SV void FN(across)(T *o, const T *x, A *restrict a, size_t m, const bool incl) {
    A some[TILE];
    for (size_t j = 0; j < m; j++)
        some[j] = LOAD(x[j]);
    for (size_t j = 0; j < m; j++) {
        A before = a[j];
        a[j] = OP(before, some[j]);
        some[j] = incl ? a[j] : before;
    }
    for (size_t j = 0; j < m; j++)
        o[j] = STORE(some[j]);
}

SV void FN(down)(T *o, ptrdiff_t os, const T *x, ptrdiff_t xs, size_t n, size_t cols, A *a,
                 const bool incl) {
    for (size_t r = 0; r < n; r++, x += xs, o += os) {
        size_t c = 0;
        for (; c + TILE <= cols; c += TILE)
            FN(across)(o + c, x + c, a + c, TILE, incl);
        FN(across)(o + c, x + c, a + c, cols - c, incl);
    }
}

static void FN(cols)(void *out, ptrdiff_t os, const void *xv, ptrdiff_t xs, size_t n, size_t cols,
                     void *carry, mx_scan_flags f) {
    const T *x = xv;
    T *o = out;
    if (f.reverse && n) {
        x += (ptrdiff_t)(n - 1) * xs, xs = -xs;
        o += (ptrdiff_t)(n - 1) * os, os = -os;
    }
    if (f.inclusive)
        FN(down)(o, os, x, xs, n, cols, carry, true);
    else
        FN(down)(o, os, x, xs, n, cols, carry, false);
}

#undef OP
#undef INIT
#undef FN
#undef S_SERIAL
