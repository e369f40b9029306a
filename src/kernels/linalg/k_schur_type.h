/* Template: the sweeps of one real type T with vectors VEC of LANES; FN(f) names, V(word) its
 * vector words. See k_schur.h. */

/* --- a reflection ----------------------------------------------------------------------------- */

/* p such that it makes (x[0], x[1], x[2]) to (beta, 0, 0); beta. */
static inline T FN(reflect)(T *p, const T *x) {
    double alpha = x[0], beta = -copysign(FN(length)(x), alpha);
    if (x[1] == 0 && x[2] == 0) {
        memset(p, 0, MX_K_REFLECTION * sizeof *p);
        return x[0];
    }
    double t = (beta - alpha) / beta, v1 = x[1] / (alpha - beta), v2 = x[2] / (alpha - beta);
    p[0] = (T)v1;
    p[1] = (T)v2;
    p[2] = (T)t;
    p[3] = (T)(t * v1);
    p[4] = (T)(t * v2);
    return (T)beta;
}

/* Three numbers, `step` apart. */
static inline void FN(mix)(T *x, ptrdiff_t step, const T *p) {
    T w = x[0] + (p[0] * x[step] + p[1] * x[2 * step]);
    x[0] -= p[2] * w;
    x[step] -= p[3] * w;
    x[2 * step] -= p[4] * w;
}

/* --- chase ------------------------------------------------------------------------------------ */

/* Rows x, x + ld, x + 2 ld from column `from`, where a vector begins. */
static inline void FN(mix_rows)(T *x, ptrdiff_t ld, ptrdiff_t from, ptrdiff_t end, const T *p) {
    VEC v1 = V(set1)(p[0]), v2 = V(set1)(p[1]), t0 = V(set1)(p[2]), t1 = V(set1)(p[3]),
        t2 = V(set1)(p[4]);
    for (ptrdiff_t c = from; c < end; c += LANES) {
        VEC a = V(load)(x + c), b = V(load)(x + ld + c), d = V(load)(x + 2 * ld + c);
        VEC w = V(fma)(v2, d, V(fma)(v1, b, a));
        V(store)(x + c, V(fnma)(t0, w, a));
        V(store)(x + ld + c, V(fnma)(t1, w, b));
        V(store)(x + 2 * ld + c, V(fnma)(t2, w, d));
    }
}

/* The columns up to where a vector begins one by one: the next steps read them as numbers. */
static inline void FN(chase_left)(const mx_k_sweep *s, ptrdiff_t k, const T *p) {
    T *x = (T *)s->h + k * s->ld;
    ptrdiff_t near = (k + 3 + LANES - 1) / LANES * LANES;
    for (ptrdiff_t c = k; c < near; c++)
        FN(mix)(x + c, s->ld, p);
    FN(mix_rows)(x, s->ld, near, s->end, p);
}

static void FN(chase)(const mx_k_sweep *s, const void *start) {
    T *h = s->h, *p = s->list;
    T x[3];
    memcpy(x, start, sizeof x);
    for (ptrdiff_t k = s->first; k < s->last; k++, p += MX_K_REFLECTION) {
        T *at = h + k * s->ld + k, beta = FN(reflect)(p, x);
        if (k > s->first) {
            at[-1] = beta;
            at[s->ld - 1] = at[2 * s->ld - 1] = 0;
        } else if (k > s->begin) {
            at[-1] -= p[2] * at[-1];
        }
        FN(chase_left)(s, k, p);
        for (ptrdiff_t r = 1; r <= 3 && k + r <= s->last; r++)
            FN(mix)(at + r * s->ld, 1, p);
        x[0] = at[s->ld];
        x[1] = at[2 * s->ld];
        x[2] = k + 3 <= s->last ? at[3 * s->ld] : 0;
    }
}

/* --- columns ---------------------------------------------------------------------------------- */

/* `count` reflections of columns that are `vectors` vectors long. */
SV void FN(wave)(T *z, ptrdiff_t ld, const int vectors, ptrdiff_t count, const T *p) {
    VEC a[4], b[4];
    for (int i = 0; i < vectors; i++) {
        a[i] = V(load)(z + i * LANES);
        b[i] = V(load)(z + ld + i * LANES);
    }
    for (ptrdiff_t k = 0; k < count; k++, z += ld, p += MX_K_REFLECTION)
        for (int i = 0; i < vectors; i++) {
            VEC d = V(load)(z + 2 * ld + i * LANES);
            VEC w = V(fma)(V(set1)(p[1]), d, V(fma)(V(set1)(p[0]), b[i], a[i]));
            V(store)(z + i * LANES, V(fnma)(V(set1)(p[2]), w, a[i]));
            a[i] = V(fnma)(V(set1)(p[3]), w, b[i]);
            b[i] = V(fnma)(V(set1)(p[4]), w, d);
        }
    for (int i = 0; i < vectors; i++) {
        V(store)(z + i * LANES, a[i]);
        V(store)(z + ld + i * LANES, b[i]);
    }
}

static void FN(waves)(T *z, ptrdiff_t ld, ptrdiff_t vectors, ptrdiff_t count, const T *p) {
    switch (vectors) {
    case 1: FN(wave)(z, ld, 1, count, p); return;
    case 2: FN(wave)(z, ld, 2, count, p); return;
    case 3: FN(wave)(z, ld, 3, count, p); return;
    case 4: FN(wave)(z, ld, 4, count, p); return;
    default: return;
    }
}

/* The last rows, fewer than a vector has. */
static void FN(wave_rest)(T *z, ptrdiff_t ld, size_t rows, ptrdiff_t count, const T *p) {
    VEC a = V(loadn)(z, rows), b = V(loadn)(z + ld, rows);
    for (ptrdiff_t k = 0; k < count; k++, z += ld, p += MX_K_REFLECTION) {
        VEC d = V(loadn)(z + 2 * ld, rows);
        VEC w = V(fma)(V(set1)(p[1]), d, V(fma)(V(set1)(p[0]), b, a));
        V(storen)(z, V(fnma)(V(set1)(p[2]), w, a), rows);
        a = V(fnma)(V(set1)(p[3]), w, b);
        b = V(fnma)(V(set1)(p[4]), w, d);
    }
    V(storen)(z, a, rows);
    V(storen)(z + ld, b, rows);
}

static void FN(turn)(void *columns, ptrdiff_t plane, ptrdiff_t ld, ptrdiff_t rows, ptrdiff_t count,
                     const void *list) {
    T *z = columns;
    (void)plane;
    ptrdiff_t r = 0;
    for (; rows - r >= LANES;) {
        ptrdiff_t vectors = (rows - r) / LANES < 4 ? (rows - r) / LANES : 4;
        FN(waves)(z + r, ld, vectors, count, list);
        r += vectors * LANES;
    }
    if (r < rows)
        FN(wave_rest)(z + r, ld, (size_t)(rows - r), count, list);
}

/* --- finish ----------------------------------------------------------------------------------- */

/* A square of LANES rows of h becomes LANES columns of a strip, or the other way round. */
SV void FN(transpose)(T *to, ptrdiff_t to_ld, const T *from, ptrdiff_t from_ld) {
    VEC r[LANES], q[LANES];
    for (int i = 0; i < LANES; i++)
        r[i] = V(load)(from + i * from_ld);
    SIMD_UNROLL(4)
    for (int n = 1; n < LANES; n *= 2) {
        SIMD_UNROLL(8)
        for (int i = 0; i < LANES / 2; i++) {
            q[2 * i] = ZIP(LO)(r[i], r[i + LANES / 2]);
            q[2 * i + 1] = ZIP(HI)(r[i], r[i + LANES / 2]);
        }
        SIMD_UNROLL(16)
        for (int i = 0; i < LANES; i++)
            r[i] = q[i];
    }
    for (int i = 0; i < LANES; i++)
        V(store)(to + i * to_ld, r[i]);
}

/* Reflections from..to of a vector of rows that begin with `row`: row k is the last of those that
   meet reflection k, as chase was there below it. z: column `from`. */
static void FN(wave_stairs)(T *z, ptrdiff_t ld, ptrdiff_t row, ptrdiff_t from, ptrdiff_t to,
                            const T *p) {
    VEC a = V(load)(z), b = V(load)(z + ld);
    for (ptrdiff_t k = from; k < to; k++, z += ld, p += MX_K_REFLECTION) {
        size_t lanes = (size_t)(k - row + 1);
        VEC d = V(load)(z + 2 * ld);
        VEC w = V(fma)(V(set1)(p[1]), d, V(fma)(V(set1)(p[0]), b, a));
        w = V(select)(FIRST(lanes), w, V(zero)());
        V(store)(z, V(fnma)(V(set1)(p[2]), w, a));
        a = V(fnma)(V(set1)(p[3]), w, b);
        b = V(fnma)(V(set1)(p[4]), w, d);
    }
    V(store)(z, a);
    V(store)(z + ld, b);
}

typedef struct FN(strip) {
    const mx_k_sweep *s;
    T *room;             /* column `from` and those behind it, LANES * vectors elements each */
    ptrdiff_t row, from; /* where it begins */
    ptrdiff_t vectors, ld;
} FN(strip);

/* Between h and the strip. Of rows that begin below a column nothing is moved. */
static void FN(move)(const FN(strip) * t, bool back) {
    for (ptrdiff_t v = 0; v < t->vectors; v++) {
        ptrdiff_t row = t->row + v * LANES, c = row > t->from ? row : t->from;
        c = t->from + (c - t->from) / LANES * LANES;
        for (; c <= t->s->last + 1; c += LANES) {
            T *h = (T *)t->s->h + row * t->s->ld + c;
            T *z = t->room + (c - t->from) * t->ld + v * LANES;
            if (back)
                FN(transpose)(h, t->s->ld, z, t->ld);
            else
                FN(transpose)(z, t->ld, h, t->s->ld);
        }
    }
}

static ptrdiff_t FN(within)(ptrdiff_t x, ptrdiff_t low, ptrdiff_t high) {
    return x < low ? low : x > high ? high : x;
}

static void FN(finish_strip)(const FN(strip) * t) {
    const mx_k_sweep *s = t->s;
    const T *list = s->list;
    FN(move)(t, false);
    for (ptrdiff_t v = 0; v <= t->vectors; v++) {
        ptrdiff_t row = t->row + v * LANES, from = FN(within)(row, t->from, s->last),
                  to = v < t->vectors ? FN(within)(row + LANES, t->from, s->last) : s->last;
        const T *p = list + (from - s->first) * MX_K_REFLECTION;
        T *z = t->room + (from - t->from) * t->ld;
        if (from == to)
            continue;
        FN(waves)(z, t->ld, v, to - from, p);
        if (v < t->vectors)
            FN(wave_stairs)(z + v * LANES, t->ld, row, from, to, p);
    }
    FN(move)(t, true);
}

static void FN(finish)(const mx_k_sweep *s, void *room) {
    for (ptrdiff_t row = s->top; row < s->last;) {
        ptrdiff_t left = (s->last - row + LANES - 1) / LANES, vectors = left < 4 ? left : 4;
        FN(strip) t = {s, room, row, row > s->first ? row : s->first, vectors, vectors * LANES};
        FN(finish_strip)(&t);
        row += vectors * LANES;
    }
}

const mx_k_schur TABLE = {FN(chase), FN(finish), FN(turn)};

#undef T
#undef FN
#undef V
#undef VEC
#undef LANES
#undef FIRST
#undef ZIP
#undef TABLE
