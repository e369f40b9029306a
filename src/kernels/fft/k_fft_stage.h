/* Template: one Stockham stage on elements of type T. FN(f) names; V, W(word), L: its vectors
 * (vf or vd) and their lanes; FMA(a, b, c) = a b + c on T. */

typedef struct FN(cx) {
    V r, i;
} FN(cx);

SV FN(cx) FN(add)(FN(cx) a, FN(cx) b) {
    return (FN(cx)){W(add)(a.r, b.r), W(add)(a.i, b.i)};
}
SV FN(cx) FN(sub)(FN(cx) a, FN(cx) b) {
    return (FN(cx)){W(sub)(a.r, b.r), W(sub)(a.i, b.i)};
}
SV FN(cx) FN(times)(FN(cx) a, FN(cx) w) {
    return (FN(cx)){W(fnma)(a.i, w.i, W(mul)(a.r, w.r)), W(fma)(a.r, w.i, W(mul)(a.i, w.r))};
}
/* a times -i */
SV FN(cx) FN(turn)(FN(cx) a) {
    return (FN(cx)){a.i, W(neg)(a.r)};
}
/* a + s b, s real */
SV FN(cx) FN(axpy)(FN(cx) a, T s, FN(cx) b) {
    V v = W(set1)(s);
    return (FN(cx)){W(fma)(v, b.r, a.r), W(fma)(v, b.i, a.i)};
}
SV FN(cx) FN(scaled)(FN(cx) a, T s) {
    V v = W(set1)(s);
    return (FN(cx)){W(mul)(a.r, v), W(mul)(a.i, v)};
}
/* a + -i b and a - -i b */
SV FN(cx) FN(add_turned)(FN(cx) a, FN(cx) b) {
    return (FN(cx)){W(add)(a.r, b.i), W(sub)(a.i, b.r)};
}
SV FN(cx) FN(sub_turned)(FN(cx) a, FN(cx) b) {
    return (FN(cx)){W(sub)(a.r, b.i), W(add)(a.i, b.r)};
}

/* The r-point transform of v, in place; r is a constant 2, 3, 4, 5 or 8. */
SV void FN(dft)(const int r, FN(cx) * v) {
    if (r == 2) {
        FN(cx) a = v[0];
        v[0] = FN(add)(a, v[1]);
        v[1] = FN(sub)(a, v[1]);
    } else if (r == 3) {
        FN(cx)
        s = FN(add)(v[1], v[2]), d = FN(scaled)(FN(sub)(v[1], v[2]), (T)0.86602540378443864676);
        FN(cx) m = FN(axpy)(v[0], (T)-0.5, s), t = FN(turn)(d);
        v[0] = FN(add)(v[0], s);
        v[1] = FN(add)(m, t);
        v[2] = FN(sub)(m, t);
    } else if (r == 4) {
        FN(cx) a = FN(add)(v[0], v[2]), b = FN(sub)(v[0], v[2]);
        FN(cx) c = FN(add)(v[1], v[3]), d = FN(sub)(v[1], v[3]);
        v[0] = FN(add)(a, c);
        v[1] = FN(add_turned)(b, d);
        v[2] = FN(sub)(a, c);
        v[3] = FN(sub_turned)(b, d);
    } else if (r == 5) {
        const T c1 = (T)0.30901699437494742410, c2 = (T)-0.80901699437494742410;
        const T s1 = (T)0.95105651629515357212, s2 = (T)0.58778525229247312917;
        FN(cx) a = FN(add)(v[1], v[4]), b = FN(sub)(v[1], v[4]);
        FN(cx) c = FN(add)(v[2], v[3]), d = FN(sub)(v[2], v[3]);
        FN(cx) m1 = FN(axpy)(FN(axpy)(v[0], c1, a), c2, c);
        FN(cx) m2 = FN(axpy)(FN(axpy)(v[0], c2, a), c1, c);
        FN(cx) t1 = FN(turn)(FN(axpy)(FN(scaled)(b, s1), s2, d));
        FN(cx) t2 = FN(turn)(FN(axpy)(FN(scaled)(b, s2), -s1, d));
        v[0] = FN(add)(v[0], FN(add)(a, c));
        v[1] = FN(add)(m1, t1);
        v[2] = FN(add)(m2, t2);
        v[3] = FN(sub)(m2, t2);
        v[4] = FN(sub)(m1, t1);
    } else { // 8: even and odd elements by 4, joined by 2
        const T h = (T)0.70710678118654752440;
        FN(cx) e[4] = {v[0], v[2], v[4], v[6]}, o[4] = {v[1], v[3], v[5], v[7]};
        FN(dft)(4, e);
        FN(dft)(4, o);
        FN(cx) o1 = FN(scaled)(FN(add_turned)(o[1], o[1]), h);
        FN(cx) o3 = FN(scaled)(FN(sub_turned)(o[3], o[3]), -h);
        v[0] = FN(add)(e[0], o[0]);
        v[1] = FN(add)(e[1], o1);
        v[2] = FN(add_turned)(e[2], o[2]);
        v[3] = FN(add)(e[3], o3);
        v[4] = FN(sub)(e[0], o[0]);
        v[5] = FN(sub)(e[1], o1);
        v[6] = FN(sub_turned)(e[2], o[2]);
        v[7] = FN(sub)(e[3], o3);
    }
}

/* n of the s values of q for one p: from x, y and y, elements `apart` and s apart. */
SV void FN(some)(const int r, const bool twiddle, const FN(cx) * w, size_t s, size_t apart,
                 const T *xr, const T *xi, T *yr, T *yi, size_t n) {
    const bool full = n == L;
    FN(cx) v[8];
    for (int i = 0; i < r; i++) {
        const T *pr = xr + (size_t)i * apart, *pi = xi + (size_t)i * apart;
        v[i].r = full ? W(load)(pr) : W(loadn)(pr, n);
        v[i].i = full ? W(load)(pi) : W(loadn)(pi, n);
    }
    FN(dft)(r, v);
    for (int j = 0; j < r; j++) {
        T *pr = yr + (size_t)j * s, *pi = yi + (size_t)j * s;
        FN(cx) z = twiddle && j ? FN(times)(v[j], w[j]) : v[j];
        if (full) {
            W(store)(pr, z.r);
            W(store)(pi, z.i);
        } else {
            W(storen)(pr, z.r, n);
            W(storen)(pi, z.i, n);
        }
    }
}

SV void FN(line)(const int r, const bool twiddle, const FN(cx) * w, size_t s, size_t apart,
                 const T *xr, const T *xi, T *yr, T *yi) {
    size_t q = 0;
    for (; q + L <= s; q += L)
        FN(some)(r, twiddle, w, s, apart, xr + q, xi + q, yr + q, yi + q, L);
    if (q < s)
        FN(some)(r, twiddle, w, s, apart, xr + q, xi + q, yr + q, yi + q, s - q);
}

SV void FN(radix)(const int r, const mx_fft_stage *st, size_t s, const T *xr, const T *xi, T *yr,
                  T *yi) {
    const T *wr = st->wr, *wi = st->wi;
    for (size_t p = 0; p < st->m; p++) {
        size_t x = p * s, y = (size_t)r * p * s;
        FN(cx) w[8];
        for (int j = 1; p && j < r; j++) {
            size_t at = (size_t)(j - 1) * st->m + p;
            w[j] = (FN(cx)){W(set1)(wr[at]), W(set1)(wi[at])};
        }
        if (p)
            FN(line)(r, true, w, s, st->m * s, xr + x, xi + x, yr + y, yi + y);
        else
            FN(line)(r, false, w, s, st->m * s, xr + x, xi + x, yr + y, yi + y);
    }
}

/* Any radix, by the definition. */
static void FN(any)(const mx_fft_stage *st, size_t s, const T *xr, const T *xi, T *yr, T *yi) {
    const T *wr = st->wr, *wi = st->wi, *cr = st->root_r, *ci = st->root_i;
    for (size_t p = 0; p < st->m; p++)
        for (size_t j = 0; j < st->radix; j++) {
            T *restrict outr = yr + (st->radix * p + j) * s;
            T *restrict outi = yi + (st->radix * p + j) * s;
            T ur = j ? wr[(j - 1) * st->m + p] : 1, ui = j ? wi[(j - 1) * st->m + p] : 0;
            for (size_t q = 0; q < s; q++)
                outr[q] = outi[q] = 0;
            for (size_t i = 0; i < st->radix; i++) {
                const T *restrict inr = xr + (p + st->m * i) * s;
                const T *restrict ini = xi + (p + st->m * i) * s;
                size_t k = i * j % st->radix;
                T kr = cr[k] * ur - ci[k] * ui, ki = cr[k] * ui + ci[k] * ur;
                for (size_t q = 0; q < s; q++) {
                    outr[q] += FMA(inr[q], kr, -(ini[q] * ki));
                    outi[q] += FMA(inr[q], ki, ini[q] * kr);
                }
            }
        }
}

static void FN(stage)(const mx_fft_stage *st, size_t lanes, const void *xr, const void *xi,
                      void *yr, void *yi) {
    size_t s = st->before * lanes;
    switch (st->radix) {
    case 2: FN(radix)(2, st, s, xr, xi, yr, yi); break;
    case 3: FN(radix)(3, st, s, xr, xi, yr, yi); break;
    case 4: FN(radix)(4, st, s, xr, xi, yr, yi); break;
    case 5: FN(radix)(5, st, s, xr, xi, yr, yi); break;
    case 8: FN(radix)(8, st, s, xr, xi, yr, yi); break;
    default: FN(any)(st, s, xr, xi, yr, yi);
    }
}

#undef T
#undef FN
#undef FMA
#undef V
#undef W
#undef L
